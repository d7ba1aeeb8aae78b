"""Azure's own client for Node, unchanged, runs the gateway: every flow that the portal and az have."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import ROOT, DemoBackend
from kept import KeptGateway, resource


class AzureClient(unittest.TestCase):
    def test_azures_client_creates_reads_lists_tags_probes_stops_starts_and_deletes_the_gateway(self):
        with DemoBackend() as backend, KeptGateway() as gateway:
            properties = resource(int(backend.address.rsplit(":", 1)[1]))
            asked = gateway.folder / "properties.json"
            asked.write_text(json.dumps(properties))
            environment = dict(os.environ, ENDPOINT=f"https://127.0.0.1:{gateway.api_port}", TOKEN_FILE=str(gateway.folder / "token"), PROPERTIES=str(asked),
                               NODE_EXTRA_CA_CERTS=str(gateway.folder / "admin.crt"))
            done = subprocess.run(["node", str(ROOT / "tests" / "clients" / "azure.mjs")], env=environment, capture_output=True, text=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr + gateway.process.text)
            flows = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("ok ")]
            self.assertEqual(flows, ["createOrUpdate", "get", "list", "listAll", "updateTags", "backendHealth", "backendHealthOnDemand", "stop", "start", "available", "refusal", "delete"])


if __name__ == "__main__":
    unittest.main()

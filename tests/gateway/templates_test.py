"""Real templates load as they are, with what `init` writes after few edits, and carry a WebSocket.

They are read where PASSERELLE_TEMPLATES names their folder, and are no part of this repository.
"""
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, PATIENCE, MirrorBackend, Process, wait_until
from websocket import WebSocket

TEMPLATES = os.environ.get("PASSERELLE_TEMPLATES")
# What cannot be known from the template alone: the parameters it is called with, and which gateway is meant.
ARGUMENTS = {
    "askew-aks": ["--parameters", "applicationGatewayName=gw"],
    "avm-appservice-lza": ["--parameters", 'spokeNetworkConfig={"ingressOption":"applicationGateway"}', "--parameters", "logAnalyticsWorkspaceResourceId=/x"],
    "multi-tier-loadbalancing": ["--gateway", "region-appgw-0"],
    "multi-tier-loadbalancing--older": ["--gateway", "region-appgw-0"],
    "weblogic-nested": ["--parameters", "appGatewayName=gw"],
    "weblogic-addnode": ["--parameters", 'appGatewaySettings={"enable":true}', "--parameters", "numberOfExistingNodes=1", "--parameters", "numberOfNewNodes=1"],
}
# Those that hold no whole gateway, and what is said of it.
CANNOT = {
    "avm-res-application-gateway": r"MissingParameter: the parameter 'name' has no value",  # a module: all collections are parameters
    "xss-attack-prevention__nested__ms-network": r"MissingParameter: the parameter 'httpListeners' has no value",
    "XSS-Attack-Prevention__nested__microsoft.network": r"MissingParameter: the parameter 'httpListeners' has no value",
    "ag-alert-backend-5xx": r"NoApplicationGateway: the template holds no resource of type",
    "ag-alert-backend-lastbyte-resp": r"NoApplicationGateway: the template holds no resource of type",
    "ag-alert-unhealthy-host": r"NoApplicationGateway: the template holds no resource of type",
}


def cases():
    for folder in sorted(pathlib.Path(TEMPLATES).iterdir()):
        files = [f for f in sorted(folder.glob("*.json")) if "parameters" not in f.name and f.name != "metadata.json"] if folder.is_dir() else []
        if len(files) != 1:
            continue  # Bicep sources, bodies
        parameters = [f for f in sorted(folder.glob("*.parameters.json"))][:1]
        yield folder.name, [str(files[0]), *(a for f in parameters for a in ("--parameters", str(f))), *ARGUMENTS.get(folder.name, [])]


@unittest.skipUnless(TEMPLATES, "PASSERELLE_TEMPLATES names no folder")
class Templates(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="passerelle-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def passerelle(self, *arguments):
        return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=PATIENCE, cwd=self.folder)

    def init(self, name, arguments):
        """The local file that init writes, and the one edit that a WAF asks for."""
        local = self.folder / f"{name}.local.json"
        done = self.passerelle("init", *arguments, "--local", str(local))
        self.assertEqual(done.returncode, 0, f"{name}: {done.stderr}")
        local.write_text(local.read_text().replace('"waf": "refuse"', '"waf": "ignore"'))
        return local

    def test_every_one_that_holds_a_gateway_loads(self):
        loaded = 0
        for name, arguments in cases():
            with self.subTest(name):
                if name in CANNOT:
                    done = self.passerelle("check", *arguments)
                    self.assertEqual(done.returncode, 1)
                    self.assertRegex(done.stdout, CANNOT[name])
                    continue
                local = self.init(name, arguments)
                done = self.passerelle("check", *arguments, "--local", str(local))
                self.assertEqual(done.returncode, 0, "\n".join(line for line in done.stdout.splitlines() if ": error:" in line))
                loaded += 1
        print(loaded, "templates load")
        self.assertGreaterEqual(loaded, 40)

    def test_what_is_printed_loads_again_and_prints_the_same(self):
        for name, arguments in cases():
            if name in CANNOT:
                continue
            with self.subTest(name):
                local = self.init(name, arguments)
                first = self.passerelle("check", *arguments, "--local", str(local), "--print", "model")
                again = self.folder / "again.json"
                again.write_text(first.stdout)
                second = self.passerelle("check", str(again), "--local", str(local), "--print", "model")
                self.assertEqual(second.returncode, 0, second.stderr)
                self.assertEqual(second.stdout, first.stdout)

    def test_a_dozen_carry_a_websocket(self):
        carried = 0
        with MirrorBackend("mirror") as backend:
            for name, arguments in cases():
                if name in CANNOT or carried == 12:
                    continue
                with self.subTest(name):
                    local = self.init(name, arguments)
                    text = local.read_text()
                    text = re.sub(r"127\.0\.0\.1:90\d\d", "http://" + backend.address, text)
                    text = re.sub(r'"(\d+)": \d+,', r'"\1": 0,', text)
                    local.write_text(text)
                    gateway = Process([BINARY, "run", *arguments, "--local", str(local), "--admin", "127.0.0.1:0", "--access-log", "off", "--drain", "0"])
                    try:
                        scheme, port = gateway.wait_for(r"^    (https?)://127\.0\.0\.1:(\d+)/").groups()
                        host = gateway.wait_for(r"^  \S+( for ([^,\n]+).*)?\n    https?:").group(2) or "gw.test"
                        self.carry(int(port), scheme == "https", host.replace("*", "x"), gateway)
                        carried += 1
                    finally:
                        gateway.stop()
        self.assertEqual(carried, 12)

    def carry(self, port, tls, host, gateway):
        def open_tunnel():
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as raw:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                client = context.wrap_socket(raw, server_hostname=host) if tls else raw
                try:
                    tunnel = WebSocket(client, "/echo", host=host)
                except AssertionError as error:
                    if " 502 " in str(error):  # not probed yet
                        return None
                    raise
                tunnel.echo(b"through a real template")
                return True
        wait_until(open_tunnel, "a WebSocket: " + gateway.text)


if __name__ == "__main__":
    unittest.main()

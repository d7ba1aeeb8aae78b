"""The state folder after a kill at any instant: the gateway starts, with the old resource or the new one."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import scaled
from kept import KeptGateway, resource

PUTS_A_LIFE = 100


class StateCrash(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="passerelle-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.random = random.Random(8)

    def change(self, number):
        """A resource that is large or small, and says its number."""
        pools = [{"name": f"pool{i}", "properties": {"backendAddresses": [{"ipAddress": "127.0.0.1"}]}} for i in range(self.random.choice((0, 3, 300)))]
        properties = resource(9)
        properties["backendAddressPools"] += pools
        return json.dumps({"properties": properties, "tags": {"number": str(number)}})

    def put_until_killed(self, gateway, first, count):
        """The numbers acknowledged, and the last one sent, by a connection that stays open."""
        done, sent = 0, 0
        connection = http.client.HTTPSConnection("127.0.0.1", gateway.api_port, timeout=20, context=gateway.trust)
        with contextlib.suppress(OSError, http.client.HTTPException):
            for number in range(first, first + count):
                sent = number
                connection.request("PUT", gateway.ID + "?api-version=2024-01-01", self.change(number), {"Authorization": f"Bearer {gateway.token}"})
                response = connection.getresponse()
                response.read()
                self.assertIn(response.status, (200, 201))
                path = response.getheader("Azure-AsyncOperation").split(f":{gateway.api_port}", 1)[1]
                connection.request("GET", path, headers={"Authorization": f"Bearer {gateway.token}"})
                ended = json.loads(connection.getresponse().read())["status"]
                while ended == "InProgress":
                    connection.request("GET", path, headers={"Authorization": f"Bearer {gateway.token}"})
                    ended = json.loads(connection.getresponse().read())["status"]
                self.assertEqual(ended, "Succeeded")
                done = number
        connection.close()
        return done, sent

    def test_after_any_kill_it_starts_with_what_was_acknowledged_or_what_came_next(self):
        total, number, known = scaled(10_000, 300), 1, 0
        while number < total:
            gateway = KeptGateway(folder=self.folder)
            status, body, _ = gateway.arm("GET")
            found = int(body["tags"]["number"]) if status == 200 else 0
            self.assertIn(found, (known, number - 1), f"after {known} was acknowledged and {number - 1} sent")
            # Some PUTs go through; the kill comes while others do.
            killer = threading.Timer(self.random.uniform(0.02, 0.6), gateway.process.send, (signal.SIGKILL,))
            killer.start()
            done, sent = self.put_until_killed(gateway, number, PUTS_A_LIFE)
            killer.cancel()
            gateway.process.child.kill()
            gateway.process.wait_end()
            gateway.process.stop()
            known, number = done or found, sent + 1
        left = sorted(path.name for path in self.folder.iterdir())
        self.assertIn("gateway.json", left)
        self.assertLessEqual(set(left), {"gateway.json", "gateway.json.new", "token", "admin.crt", "admin.key", "passerelle.local.json", "lock"})


if __name__ == "__main__":
    unittest.main()

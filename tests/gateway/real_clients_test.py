"""Clients nobody here wrote: Node's ws and undici, socket.io, Python's websockets, headless Chromium; over ws and wss."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import ROOT, DemoBackend, Gateway, Process, example, scaled

CLIENTS = ROOT / "tests" / "clients"


class RealClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Process(["node", str(CLIENTS / "server.mjs")])
        cls.address = "127.0.0.1:" + cls.server.wait_for(r"ready on (\d+)").group(1)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def run_client(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=CLIENTS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_node(self):
        with Gateway([self.address]) as gateway:
            self.run_client("node", "clients.mjs", f"http://127.0.0.1:{gateway.http_port}")
            self.run_client("node", "clients.mjs", f"https://127.0.0.1:{gateway.https_port}")

    def test_python(self):
        with Gateway([self.address]) as gateway:
            self.run_client("/usr/bin/python3", "python_client.py", f"ws://127.0.0.1:{gateway.http_port}")
            self.run_client("/usr/bin/python3", "python_client.py", f"wss://127.0.0.1:{gateway.https_port}")

    def test_chromium(self):
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            self.run_client("node", "chromium.mjs", f"http://127.0.0.1:{gateway.http_port}/")
            self.run_client("node", "chromium.mjs", f"https://127.0.0.1:{gateway.https_port}/")

    def test_chromium_and_node_take_http_2_and_http_1_1_on_one_listener(self):
        template = example(lambda properties: properties.update(enableHttp2=True))
        with DemoBackend() as one, Gateway([one.address], template=template) as gateway:
            page = f"https://127.0.0.1:{gateway.https_port}/"
            for flags, version in (([], "HTTP/2.0"), (["--disable-http2"], "HTTP/1.1")):
                before = len(gateway.log_records())
                self.run_client("node", "chromium.mjs", page, *flags)
                opened = [r["properties"] for r in gateway.log_records()[before:] if r["properties"].get("httpStatus") == 101 and "httpVersion" in r["properties"]]
                self.assertTrue(opened)
                self.assertEqual({r["httpVersion"] for r in opened}, {version})
        with Gateway([self.address], template=template) as gateway:
            self.run_client("node", "clients.mjs", f"https://127.0.0.1:{gateway.https_port}")
            self.run_client("node", "http2.mjs", f"https://127.0.0.1:{gateway.https_port}", str(scaled(1000, 200)))


if __name__ == "__main__":
    unittest.main()

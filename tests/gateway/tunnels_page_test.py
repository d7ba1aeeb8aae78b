"""The tunnels of a running gateway: asked for, in the terminal, closed by an operator."""
import http.client
import json
import os
import re
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, PATIENCE, DemoBackend, Gateway, receive_exactly, wait_until
from websocket import CLOSE, TEXT, frame, handshake


class Tunnels(unittest.TestCase):
    def setUp(self):
        self.backend = DemoBackend()
        self.addCleanup(self.backend.__exit__, None, None, None)
        self.gateway = Gateway([self.backend.address], workers=2)
        self.addCleanup(self.gateway.__exit__, None, None, None)
        self.streams = []
        for i in range(5):
            stream = self.gateway.connect(tls=i == 4)
            self.gateway.clients.append(stream)
            stream.sendall(handshake("/echo"))
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += receive_exactly(stream, 1)
            for _ in range(i):
                stream.sendall(frame(TEXT, b"hello"))
                receive_exactly(stream, 7)
            self.streams.append(stream)
        self.address = f"127.0.0.1:{self.gateway.admin_port}"
        self.state = str(self.gateway.folder / "state")

    def page(self, query=""):
        status, body = self.gateway.admin("/api/v1/tunnels" + query)
        return (status, json.loads(body)) if status == 200 else (status, body)

    def post(self, path, body="", token=True):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.admin_port, timeout=PATIENCE)
        secret = (self.gateway.folder / "state" / "token").read_text().strip()
        connection.request("POST", path, body, {"Authorization": "Bearer " + secret} if token else {})
        response = connection.getresponse()
        return response.status, response.read().decode()

    def verb(self, *arguments):
        done = subprocess.run([BINARY, *arguments, "--admin", self.address], capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def test_they_are_filtered_sorted_and_paged(self):
        _, page = self.page()
        self.assertEqual((page["open"], page["matching"], len(page["tunnels"])), (5, 5, 5))
        self.assertEqual(sorted(page["tunnels"], key=lambda t: -t["seconds"]), page["tunnels"], "the oldest first")
        tunnel = page["tunnels"][0]
        self.assertRegex(tunnel["id"], "^[0-9a-f]{32}$")
        _, page = self.page("?sort=-messages&limit=2&offset=1")
        self.assertEqual([t["messagesFromClient"] for t in page["tunnels"]], [3, 2])
        self.assertEqual(page["matching"], 5)
        port = self.streams[2].getsockname()[1]
        for query, count in ((f"client=127.0.0.1:{port}", 1), ("client=127.0.0.1", 5), ("listener=APPGATEWAYHTTPSLISTENER", 1), ("rule=nobody", 0),
                             ("id=" + tunnel["id"], 1), ("member=" + self.backend.address.replace(":", "%3a"), 5)):
            self.assertEqual(self.page("?" + query)[1]["matching"], count, query)
        for wrong in ("sort=age", "limit=0", "limit=x", "color=red"):
            self.assertEqual(self.page("?" + wrong)[0], 400, wrong)

    def test_an_operator_closes_one_and_only_with_the_token(self):
        port = self.streams[0].getsockname()[1]
        _, page = self.page(f"?client=127.0.0.1:{port}")
        path = f"/api/v1/tunnels/{page['tunnels'][0]['id']}/close"
        self.assertEqual(self.post(path, token=False)[0], 401)
        self.assertEqual(self.post(path, '{"code": 1005}')[0], 400)
        self.assertEqual(self.post("/api/v1/tunnels/" + "0" * 32 + "/close")[0], 404)
        self.assertEqual(self.gateway.admin(path)[0], 405)
        self.assertEqual(self.post(path, '{"code": 4000, "reason": "bye"}')[0], 200)
        expected = frame(CLOSE, struct.pack("!H", 4000) + b"bye", masked=False)
        self.assertEqual(receive_exactly(self.streams[0], len(expected)), expected)
        self.streams[0].sendall(frame(CLOSE, struct.pack("!H", 4000)))
        record = self.gateway.wait_record(lambda r: r.get("tunnel", {}).get("event") == "close", "the close record")
        self.assertEqual(record["tunnel"]["cause"], "closed by the operator")
        wait_until(lambda: self.page()[1]["open"] == 4, "the others stay")

    def test_the_verb_shows_them_in_a_table(self):
        code, out, _ = self.verb("tunnels", "--sort", "-messages", "--limit", "3")
        self.assertEqual(code, 0)
        lines = out.splitlines()
        self.assertEqual(lines[0], "5 tunnels open, 5 asked for, 3 shown")
        self.assertRegex(lines[2], "AGE +CLIENT +RULE +MEMBER")
        self.assertEqual(len(lines), 6)
        self.assertRegex(lines[3], r"^ +\d+s +127\.0\.0\.1:\d+ +rule\w+ +127\.0\.0\.1:\d+ +4 +4 +44B +28B ")
        code, out, _ = self.verb("tunnels", "--filter", "listener=appGatewayHttpsListener", "--format", "json")
        self.assertEqual(json.loads(out)["matching"], 1)

    def test_the_verb_upgrade_hands_over_and_says_what_became_of_the_tunnels(self):
        code, out, errors = self.verb("upgrade", "--state", self.state)
        self.assertEqual(code, 0, errors)
        match = re.match(r"process (\d+) carries the traffic now: 4 tunnels moved there; 1 \(over TLS or HTTP/2\) stay with process (\d+) until", out)
        self.assertTrue(match, out)
        self.gateway.successors.append(int(match.group(1)))
        self.assertEqual(self.page()[1]["open"], 4)

    def test_a_verb_that_finds_nobody_or_has_no_token_says_what_to_do(self):
        code, _, errors = self.verb("upgrade", "--state", "/nonexistent")
        self.assertEqual(code, 1)
        self.assertIn("another token than /nonexistent/token; name its state folder with --state", errors)
        done = subprocess.run([BINARY, "tunnels", "--admin", "127.0.0.1:1"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("no gateway answers at 127.0.0.1:1", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

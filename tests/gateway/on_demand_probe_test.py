"""A probe on demand: asked of the admin listener, with the token, and without effect on anybody's standing."""
import http.client
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config, forward
from harness import PATIENCE, Gateway, ScriptedBackend


class OnDemandProbe(unittest.TestCase):
    def setUp(self):
        def answer(client, head):
            status = "200 OK" if head.startswith(b"GET /fine ") else "503 Service Unavailable"
            client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello".encode())
        self.backend = ScriptedBackend(answer)
        self.addCleanup(self.backend.__exit__)
        c = Config()
        c.rule("rule", c.listener("listener"), **forward(c, c.pool("pool", self.backend.address)))
        self.gateway = Gateway.of(c)
        self.addCleanup(self.gateway.stop)
        self.token = (self.gateway.folder / "state" / "token").read_text().strip()

    def ask(self, body, token=None, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.admin_port, timeout=PATIENCE)
        headers = {} if token == "" else {"Authorization": "Bearer " + (token or self.token)}
        connection.request(method, "/api/v1/probe", body if isinstance(body, str) else json.dumps(body), headers)
        response = connection.getresponse()
        out = response.status, response.read().decode()
        connection.close()
        return out

    def probe(self, **more):
        status, body = self.ask(dict(pool="pool", backendSettings="settings", **more))
        self.assertEqual(status, 200, body)
        return json.loads(body)["members"][0]

    def test_it_says_what_was_sent_expected_and_received_and_changes_nothing(self):
        member = self.probe(path="/fine", host="on.demand")
        self.assertEqual((member["address"], member["health"]), (self.backend.address, "Up"))
        self.assertEqual((member["probe"]["sent"], member["probe"]["received"]), (f"GET http://{self.backend.address}/fine with Host: on.demand", "status 200"))
        self.assertIn(b"\r\nHost: on.demand\r\n", self.backend.head())
        member = self.probe(path="/broken")
        self.assertEqual((member["health"], member["probe"]["received"]), ("Down", "status 503"))
        self.assertEqual(self.probe(path="/broken", match={"statusCodes": ["503"], "body": "hello"})["health"], "Up")
        self.assertEqual(self.probe(path="/fine", match={"body": "bye"})["probe"]["received"], "status 200, a body without that text")
        self.assertEqual(self.gateway.health()["pools"][0]["members"][0]["health"], "Up")

    def test_without_the_token_nothing_is_asked(self):
        for token in ("", "wrong", "0" * 64):
            status, body = self.ask({"pool": "pool", "backendSettings": "settings"}, token)
            self.assertEqual(status, 401)
            self.assertNotIn(self.token, body)
        self.assertEqual(self.backend.connections, 0)
        self.gateway.process.wait_for(r"the admin listener's token is in .*/state/token")
        self.assertEqual(os.stat(self.gateway.folder / "state" / "token").st_mode & 0o777, 0o600)
        self.assertEqual(self.ask("", method="GET")[0], 405)

    def test_what_is_wrong_is_said(self):
        for body, said in (("nonsense", "a JSON object was expected"), ({"pool": "pol", "backendSettings": "settings"}, "no rule uses the pool 'pol' with the backend settings 'settings'; there is pool with settings"),
                           ({"pool": "pool", "backendSettings": "settings", "path": "x"}, "a path begins with '/'"), ({"pool": "pool", "backendSettings": "settings", "path": "/\r\nX: y"}, "neither it nor a host holds blanks"),
                           ({"pool": "pool", "backendSettings": "settings", "timeout": 0}, "a timeout is from 1 to 60 seconds"),
                           ({"pool": "pool", "backendSettings": "settings", "match": {"statusCodes": ["x"]}}, "'x' is no status")):
            status, answer = self.ask(body)
            self.assertEqual(status, 400, answer)
            self.assertIn(said, answer)


if __name__ == "__main__":
    unittest.main()

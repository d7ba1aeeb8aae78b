"""What the admin listener answers about requests and templates that are only asked about."""
import http.client
import json
import os
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config, forward
from harness import PATIENCE, DemoBackend, Gateway
from kept import KeptGateway, resource


class Questions(unittest.TestCase):
    def setUp(self):
        self.backend = DemoBackend()
        self.addCleanup(self.backend.stop)
        c = Config()
        c.rule("rule", c.listener("listener"), **forward(c, c.pool("pool", self.backend.address)))
        self.gateway = Gateway.of(c)
        self.addCleanup(self.gateway.stop)
        self.token = (self.gateway.folder / "state" / "token").read_text().strip()

    def explain(self, **asked):
        status, body = self.gateway.admin("/api/v1/explain?" + urllib.parse.urlencode(asked, doseq=True))
        return status, json.loads(body) if status == 200 else body

    def what_if(self, text, token=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.admin_port, timeout=PATIENCE)
        connection.request("POST", "/api/v1/what-if", text, {"Authorization": "Bearer " + (self.token if token is None else token)})
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, json.loads(body) if response.status == 200 else body

    def test_explain_says_what_becomes_of_a_request_and_whether_its_members_are_up(self):
        status, said = self.explain(url="ws://gw.test/chat?x=1", header=["X-One: 1", "X-Two: 2"])
        self.assertEqual((status, said["listener"], said["rule"], said["action"]), (200, "listener", "rule", "forward"))
        self.assertEqual([m["health"] for m in said["members"]], ["Up"])
        self.assertEqual((said["request"]["headers"]["X-One"], said["request"]["headers"]["X-Two"]), ("1", "2"))
        self.assertEqual(self.explain(url="http://gw.test:81/")[1]["listener"], None)
        for asked in ({}, {"url": "nonsense"}, {"url": "http://a/", "from": "me"}, {"url": "http://a/", "header": "x"}):
            status, said = self.explain(**asked)
            self.assertEqual(status, 400, said)

    def test_what_if_says_every_problem_at_its_line_and_what_would_change_and_changes_nothing(self):
        template = json.loads(self.gateway.template_path.read_text())
        template["resources"][0]["properties"]["backendHttpSettingsCollection"][0]["properties"]["requestTimeout"] = 77
        status, said = self.what_if(json.dumps(template))
        self.assertEqual(status, 200, said)
        self.assertEqual([p for p in said["problems"] if p["severity"] == "error"], [])
        self.assertEqual([(c["property"], c["after"]) for c in said["whatIf"]["changes"]], [("request timeout", "77 s")])
        template["resources"][0]["properties"]["requestRoutingRules"][0]["properties"]["httpListener"]["id"] += "x"
        status, said = self.what_if(json.dumps(template, indent=1))
        self.assertIsNone(said["whatIf"])
        wrong = next(p for p in said["problems"] if p["code"] == "InvalidResourceReference")
        self.assertGreater(wrong["line"], 1)
        self.assertEqual(self.what_if("{")[1]["whatIf"], None)
        self.assertEqual(self.gateway.health()["configurationVersion"], 1)

    def test_what_if_needs_the_token(self):
        self.assertEqual(self.what_if("{}", token="x")[0], 401)

    def test_what_if_of_a_gateway_that_is_not_there_yet(self):
        with KeptGateway() as gateway:
            body = {"type": "Microsoft.Network/applicationGateways", "name": "gw", "properties": resource(9)}
            status, said, _ = gateway.ask("POST", "/api/v1/what-if", body)
            self.assertEqual(status, 200)
            self.assertIn("listener listener", [c["subject"] for c in said["whatIf"]["changes"]])


if __name__ == "__main__":
    unittest.main()

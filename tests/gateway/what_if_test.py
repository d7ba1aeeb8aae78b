"""What applying a configuration would do to a running gateway and its live tunnels: told before it is done."""
import json
import os
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config
from harness import BINARY, PATIENCE, DemoBackend, Gateway, receive_until
from websocket import handshake


class WhatIf(unittest.TestCase):
    def setUp(self):
        self.backends = [DemoBackend(name) for name in ("one", "two")]
        for backend in self.backends:
            self.addCleanup(backend.__exit__, None, None, None)
        c = self.config = Config()
        c.rule("rule", c.listener("listener"), backendAddressPool=c.pool("pool", *(b.address for b in self.backends)), backendHttpSettings=c.settings(connectionDraining={"enabled": True, "drainTimeoutInSec": 60}))
        self.gateway = Gateway.of(c, workers=2)
        self.addCleanup(self.gateway.__exit__, None, None, None)
        for _ in range(7):
            stream = socket.create_connection(("127.0.0.1", self.gateway.port_of("listener")), PATIENCE)
            self.gateway.clients.append(stream)
            stream.sendall(handshake("/echo"))
            receive_until(stream, b"\r\n\r\n")

    def what_if(self, *arguments):
        template, local = self.gateway.folder / "next.json", self.gateway.folder / "next.local.json"
        template.write_text(json.dumps(self.config.template()))
        local.write_text(json.dumps(self.config.local()))
        done = subprocess.run([BINARY, "what-if", str(template), "--local", str(local), "--admin", f"127.0.0.1:{self.gateway.admin_port}", *arguments],
                              capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout, done.stderr

    def test_the_same_configuration_changes_nothing(self):
        self.assertEqual(self.what_if(), (0, "0 of 7 tunnels close\nnothing behaves otherwise\n", ""))

    def test_text_that_means_the_same_is_no_change(self):
        self.config.properties["backendHttpSettingsCollection"][0]["properties"].update(cookieBasedAffinity="Disabled", requestTimeout=20)
        self.assertEqual(self.what_if()[1], "0 of 7 tunnels close\nnothing behaves otherwise\n")

    def test_it_says_which_tunnels_drain_and_what_behaves_otherwise(self):
        self.config.pools["pool"] = [self.backends[0].address]
        self.config.properties["backendHttpSettingsCollection"][0]["properties"]["requestTimeout"] = 30
        self.config.rule("new", self.config.listener("another", port=81), backendAddressPool=self.config.pool("pool"), backendHttpSettings=self.config.settings())
        self.config.pools["pool"] = [self.backends[0].address]
        code, out, errors = self.what_if()
        self.assertEqual((code, errors), (0, ""))
        self.assertRegex(out, rf"^0 of 7 tunnels close; [34] are on a member that leaves \({self.backends[1].address}\) and drain for 60 s\n")
        for line in ("~ pool pool with settings settings\n", "    request timeout: 20 s -> 30 s\n", f"  - member 127.0.0.1 at {self.backends[1].address}: http", "+ listener another\n", "+ rule new\n"):
            self.assertIn(line, out)
        self.assertNotIn("listener listener", out)
        report = json.loads(self.what_if("--format", "json")[1])
        self.assertEqual(report["tunnels"]["open"], 7)
        self.assertEqual([each["drainSeconds"] for each in report["tunnels"]["leaving"]], [60])
        self.assertIn({"subject": "pool pool with settings settings", "property": "request timeout", "before": "20 s", "after": "30 s"}, report["changes"])
        self.assertEqual(len(self.gateway.tunnels()), 7, "nothing was applied")

    def test_a_value_that_may_be_a_secret_is_told_as_a_digest_and_its_change_is_told(self):
        c = self.config
        rule = {"name": "secret", "ruleSequence": 1, "conditions": [{"variable": "http_req_X-Key", "pattern": "^sesame$", "ignoreCase": False, "negate": False}],
                "actionSet": {"requestHeaderConfigurations": [{"headerName": "X-Origin-Secret", "headerValue": "hunter2"}]}}
        c.properties["rewriteRuleSets"] = []
        reference = c.add("rewriteRuleSets", "set", rewriteRules=[rule])
        c.properties["requestRoutingRules"][0]["properties"]["rewriteRuleSet"] = reference
        self.gateway.write_template(c.template())
        self.gateway.reload()
        self.assertEqual(self.what_if()[1].splitlines()[1], "nothing behaves otherwise")
        page = self.gateway.admin("/api/v1/behaviour")[1]
        for secret in ("hunter2", "sesame"):
            self.assertNotIn(secret, page)
        for change in (lambda: rule["actionSet"]["requestHeaderConfigurations"][0].update(headerValue="hunter3"), lambda: rule["conditions"][0].update(negate=True), lambda: rule["conditions"][0].update(ignoreCase=True)):
            before = json.dumps(rule)
            change()
            self.assertIn("~ rewrite set set", self.what_if()[1])
            rule.clear()
            rule.update(json.loads(before))

    def test_azures_way_closes_them_all(self):
        self.config.local = lambda plain=self.config.local: dict(plain(), azureParity={"updateDrainsTunnels": True})
        self.assertRegex(self.what_if()[1], r"^7 of 7 tunnels close; 7 of them after 60 s, as azureParity.updateDrainsTunnels asks\n")

    def test_what_would_be_refused_is_told_as_check_tells_it(self):
        self.config.properties["requestRoutingRules"][0]["properties"]["httpListener"] = {"id": "/x/httpListeners/nobody"}
        code, out, errors = self.what_if()
        self.assertEqual((code, out), (1, ""))
        self.assertIn("InvalidResourceReference", errors)
        self.assertIn("would be refused, and nothing would change", errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Bad input gets a clear answer, with file, line, column and what to write; and loses nothing."""
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DemoBackend, Gateway, ScriptedBackend, example, receive_all, wait_until
from websocket import WebSocket

LOCAL = {"frontendIPConfigurations": {"*": "127.0.0.1"}, "frontendPorts": {"80": 0, "443": 0}}


class BadInput(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="passerelle-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def passerelle(self, *arguments, **options):
        return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=60, cwd=self.folder, **options)

    def check(self, change=None, text=None, local=None):
        """The problems of a changed example, by code."""
        template = self.folder / "gateway.json"
        template.write_text(text if text is not None else json.dumps(example(change), indent=1))
        (self.folder / "passerelle.local.json").write_text(json.dumps(local if local is not None else LOCAL))
        done = self.passerelle("check", template, "--format", "json")
        problems = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if any(p["severity"] == "error" for p in problems) else 0)
        return {p["code"]: p for p in problems}

    def assert_placed(self, problem, words):
        self.assertTrue(problem["file"].endswith(".json"))
        self.assertGreater(problem["line"], 0)
        self.assertGreater(problem["column"], 0)
        self.assertRegex(problem["message"], words)

    def test_a_file_that_is_not_there_or_may_not_be_read(self):
        done = self.passerelle("run", "nowhere.json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nowhere.json: error: CannotReadFile: the file cannot be read: No such file or directory", done.stderr)
        self.assertIn("it is a folder", self.passerelle("check", self.folder).stdout)

    def test_json_that_is_none(self):
        for text, line, column in (("{", 1, 2), ('{\n  "a": tru }', 2, 8), ('{ "a": 1 "b": 2 }', 1, 10), ('{ "a": "never', 1, 8), ("[[[" * 200, 1, 100), ("", 1, 1), ("\x00", 1, 1),
                                   ('{"a":1,"A":2}', 1, 8)):
            problems = list(self.check(text=text).values())
            self.assertEqual(problems[0]["severity"], "error", text)
            self.assertEqual((problems[0]["line"], ), (line, ), (text, problems))
            if column < 100:
                self.assertEqual(problems[0]["column"], column, (text, problems))

    def test_references_to_nothing(self):
        def change(p):
            p["requestRoutingRules"][0]["properties"]["httpListener"]["id"] = "/x/httpListeners/appGatewayHttpListner"
        self.assert_placed(self.check(change)["InvalidResourceReference"], "there is no 'appGatewayHttpListner' in httpListeners; did you mean 'appGatewayHttpListener'")
        self.assert_placed(self.check(lambda p: p["requestRoutingRules"][0]["properties"].pop("httpListener"))["InvalidRequestFormat"], "httpListener is missing; write")
        self.assert_placed(self.check(lambda p: p["requestRoutingRules"].pop())["ApplicationGatewayHttpListenerNotReferencedByRule"], "no rule is bound to the listener 'appGatewayHttpListener'")

    def test_two_basic_listeners_on_one_port(self):
        def change(p):
            first, second = p["httpListeners"]
            second["properties"]["frontendIPConfiguration"] = first["properties"]["frontendIPConfiguration"]
            second["properties"]["frontendPort"] = first["properties"]["frontendPort"]
        self.assert_placed(self.check(change)["ApplicationGatewayHttpListenersUsingSameFrontendPortAndFrontendIpConfig"],
                           "'appGatewayHttpsListener' and 'appGatewayHttpListener' both take everything on port 443")

    def test_two_frontends_that_share_a_port_need_an_address_each(self):
        def change(p):
            p["httpListeners"][1]["properties"]["frontendPort"] = p["httpListeners"][0]["properties"]["frontendPort"]
        self.assert_placed(self.check(change, local={})["LocalAddressConflict"], "--bind appGatewayFrontendIP=127.0.0.2")
        self.assertNotIn("LocalAddressConflict", self.check(change, local={"frontendIPConfigurations": {"appGatewayFrontendIP": "127.0.0.2", "*": "127.0.0.1"}}))

    def test_probes_out_of_range(self):
        for change, words in (({"timeout": 0}, "timeout takes a whole number from 1 to 86400, not 0"), ({"interval": 90000}, "interval takes"), ({"unhealthyThreshold": 21}, "from 1 to 20"),
                              ({"path": "health"}, "begins with '/'"), ({"match": {"statusCodes": ["2xx"]}}, "write \"200\" or \"200-399\"")):
            self.assert_placed(self.check(lambda p: p["probes"][0]["properties"].update(change))["InvalidRequestFormat"], words)
        warning = self.check(lambda p: p["probes"][0]["properties"].update(timeout=10))["ProbeTimeoutAboveInterval"]
        self.assertEqual(warning["severity"], "warning")
        self.check(lambda p: p["probes"][0]["properties"].update(protocol="Https"))["ApplicationGatewayProbeProtocolMustMatchBackendHttpSettingsProtocol"]

    def test_a_certificate_that_ends_soon_or_is_for_another_host_is_a_warning(self):
        for days, host, code in (("10", "server.example.com", "CertificateExpires"), ("90", "other.example", "CertificateDoesNotFitHost")):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.folder / "key.pem", "-out", self.folder / "chain.pem",
                            "-days", days, "-subj", "/CN=x", "-addext", f"subjectAltName=DNS:{host}"], check=True, capture_output=True)
            local = dict(LOCAL, sslCertificates={"*": {"certificate": "chain.pem", "privateKey": "key.pem"}})
            problems = self.check(lambda p: p["httpListeners"][0]["properties"].update(hostName="server.example.com"), local=local)
            self.assertEqual(problems[code]["severity"], "warning")
            self.assertNotIn("CertificateExpires" if code != "CertificateExpires" else "CertificateDoesNotFitHost", problems)

    def test_certificates_that_do_not_open(self):
        wrong = self.check(lambda p: p["sslCertificates"][0]["properties"].update(password="wrong"))["ApplicationGatewaySslCertificatePasswordIncorrect"]
        self.assert_placed(wrong, "the password does not open the PFX")
        self.assertNotIn("wrong", wrong["message"])
        self.assert_placed(self.check(lambda p: p["sslCertificates"][0]["properties"].update(data="bm90IGEgcGZ4"))["ApplicationGatewaySslCertificateInvalidData"], "not a PFX")
        self.assert_placed(self.check(lambda p: p["sslCertificates"][0]["properties"].update(data="<base64>"))["ApplicationGatewaySslCertificateInvalidData"], "not a PFX in base64")
        vault = self.check(lambda p: p["sslCertificates"][0].update(properties={"keyVaultSecretId": "https://v.vault.azure.net/secrets/x"}))["ApplicationGatewayKeyVaultSecretException"]
        self.assert_placed(vault, '"sslCertificates": { "appGatewaySslCert1"')
        self.assert_placed(self.check(local=dict(LOCAL, sslCertificates={"*": {"pfx": "nowhere.pfx"}}))["CannotReadFile"], "nowhere.pfx")

    def test_slips_in_the_local_file(self):
        self.assert_placed(self.check(local=dict(LOCAL, backendAdresses={}))["UnknownLocalKey"], 'did you mean "backendAddresses"')
        self.assert_placed(self.check(local=dict(LOCAL, backendAddresses={"10.0.1.4": "127.0.0.1:99999"}))["InvalidLocalFile"], "address")
        self.assert_placed(self.check(local=dict(LOCAL, sslCertificates={"*": {"pfx": "x", "password": {"env": "PASSERELLE_NOT_SET"}}}))["MissingEnvironmentVariable"], "PASSERELLE_NOT_SET")
        self.assert_placed(self.check(local=dict(LOCAL, tunnelIdleTimeout=0))["InvalidLocalFile"], "seconds from 1")

    def test_every_problem_is_said_at_once(self):
        def change(p):
            p["probes"][0]["properties"]["timeout"] = 0
            p["backendHttpSettingsCollection"][0]["properties"]["port"] = 70000
            p["sslCertificates"][0]["properties"]["password"] = "wrong"
            p["httpListeners"][1]["properties"]["protocol"] = "Gopher"
            p["surprise"] = {}
        template = self.folder / "gateway.json"
        template.write_text(json.dumps(example(change), indent=1))
        done = self.passerelle("run", template)
        self.assertEqual(done.returncode, 1)
        for words in ("timeout takes", "port takes", "the password does not open the PFX", "\"Http\" or \"Https\"", "UnknownProperty"):
            self.assertIn(words, done.stderr)
        for line in done.stderr.splitlines():
            self.assertRegex(line, r"^\S+gateway\.json:\d+:\d+: (error|warning): \w+: .*$")

    def test_what_is_not_supported_yet_is_an_error_and_not_passed_over(self):
        problem = self.check(lambda p: p["backendHttpSettingsCollection"][0]["properties"].update(authenticationCertificates=[]))
        self.assertNotIn("NotSupportedYet", problem)
        problem = self.check(lambda p: p.update(entraJWTValidationConfigs=[{"name": "jwt", "properties": {"tenantId": "x"}}]))["NotSupportedYet"]
        self.assert_placed(problem, r'"entraJWTValidationConfigs" is not supported yet')
        waf = {"enabled": True, "firewallMode": "Prevention", "ruleSetType": "OWASP", "ruleSetVersion": "3.0"}
        self.assert_placed(self.check(lambda p: p.update(webApplicationFirewallConfiguration=waf))["WafNotEnforced"], '"waf": "ignore"')
        self.assertNotIn("WafNotEnforced", self.check(lambda p: p.update(webApplicationFirewallConfiguration=waf), local=dict(LOCAL, waf="ignore")))

    def test_wrong_usage_is_exit_code_2(self):
        for arguments in ((), ("run",), ("run", "x.json", "--workers", "0"), ("fly",), ("run", "x.json", "--port", "80"), ("run", "x.json", "--admin", "nonsense"), ("run", "x.json", "--nonsense")):
            done = self.passerelle(*arguments)
            self.assertEqual(done.returncode, 2 if arguments else 0, arguments)

    def test_a_port_in_use_is_named_with_a_way_out_and_a_second_passerelle_is_too(self):
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            tunnel = WebSocket(gateway.connect())
            done = self.passerelle("run", gateway.template_path, "--port", f"80={gateway.http_port}", "--port", "443=0", "--admin", "127.0.0.1:0")
            self.assertEqual(done.returncode, 3)
            self.assertRegex(done.stderr, r"gateway\.json:\d+:\d+: error: AddressInUse: the listener 'appGatewayHttpListener' cannot listen on 127.0.0.1:\d+: another program "
                                          r"\(perhaps another Passerelle\) already does; stop it, or listen elsewhere with --port 80=8080")
            done = self.passerelle("run", gateway.template_path, "--admin", f"127.0.0.1:{gateway.admin_port}")
            self.assertEqual(done.returncode, 3)
            self.assertIn("choose another with --admin", done.stderr)
            tunnel.echo(b"the first one noticed nothing")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give up a right, and really bind 80 and 443")
    def test_ports_80_and_443_are_bound_by_root_and_a_missing_right_is_named(self):
        template = self.folder / "gateway.json"
        template.write_text(json.dumps(example()))
        local = self.folder / "local.json"
        local.write_text(json.dumps({"frontendIPConfigurations": {"*": "127.0.0.1"}}))
        os.chmod(self.folder, 0o755)
        binary = self.folder / "passerelle"
        shutil.copy(BINARY, binary)
        done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all", str(binary), "run", str(template), "--local",
                               str(local), "--admin", "off"], capture_output=True, text=True, timeout=60, cwd="/")
        unprivileged_start = int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
        if unprivileged_start > 443:
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertRegex(done.stderr, r"error: PermissionDenied: the listener 'appGatewayHttpListener' may not listen on 127.0.0.1:80: .*CAP_NET_BIND_SERVICE.*--port 80=8080")
        with DemoBackend() as one, Gateway([one.address], local={"frontendPorts": {}, "frontendIPConfigurations": {"*": "127.0.0.1"}}) as gateway:
            WebSocket(socket.create_connection(("127.0.0.1", 80), 10)).echo(b"on 80")
            self.assertEqual((gateway.http_port or 80, gateway.get("/health", tls=True)[0]), (80, 200))


if __name__ == "__main__":
    unittest.main()

"""TLS toward clients: the protocols and suites of each policy, certificates by SNI, sessions, and what changes by reload."""
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import unittest
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from certificates import Certificates, openssl
from config import Config, forward, reference
from harness import BINARY, PATIENCE, Gateway, MirrorBackend, MirrorCase, receive_until, scaled
from websocket import WebSocket

ECDHE_RSA_GCM = ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256"]
RSA_2015 = [*ECDHE_RSA_GCM, "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-SHA",
            "AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-SHA256", "AES128-SHA256", "AES256-SHA", "AES128-SHA"]
EC_2015 = ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA256",
           "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-SHA"]
RSA_2017 = [*ECDHE_RSA_GCM, "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA", "AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-SHA256", "AES128-SHA256", "AES256-SHA", "AES128-SHA"]
EC_2017 = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384"]
RSA_2022 = [*ECDHE_RSA_GCM, "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA256"]
EC_2022 = EC_2015[:4]
TLS_1_3 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"]
# By policy: what TLS 1.2 offers with an RSA key and with an EC key, and what TLS 1.3 offers.
PREDEFINED = {
    "AppGwSslPolicy20150501": (RSA_2015, EC_2015, []),
    "AppGwSslPolicy20170401": (RSA_2017, EC_2017, []),
    "AppGwSslPolicy20170401S": (RSA_2017, EC_2017, []),
    "AppGwSslPolicy20220101": (RSA_2022, EC_2022, TLS_1_3),
    "AppGwSslPolicy20220101S": (RSA_2022[:2], EC_2022[:2], TLS_1_3),
}


def in_order_offered(port, version, everything, name="rsa.test"):
    """The suites a listener takes, the ones it likes best first: each is taken off the offer once it was chosen."""
    out = []
    while rest := [s for s in everything if s not in out]:
        flag, suites = ("-tls1_3", ["-ciphersuites"]) if version == "1.3" else ("-tls1_2", ["-cipher"])
        offer = ":".join(rest) + ("" if version == "1.3" else ":@SECLEVEL=0")
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, flag, *suites, offer], input=b"", capture_output=True, timeout=PATIENCE)
        chosen = re.search(rb"Cipher is (\S+)", done.stdout)
        if not chosen or chosen.group(1) == b"(NONE)":
            break
        out.append(chosen.group(1).decode())
    return out


def all_suites(version):
    names = subprocess.run(["openssl", "ciphers", "-s", "-tls1_3" if version == "1.3" else "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"], check=True, capture_output=True, text=True).stdout
    if version == "1.3":
        return ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256", "TLS_AES_128_CCM_SHA256"]
    return [s for s in names.strip().split(":") if not s.startswith(("TLS_", "PSK", "SRP", "RSA-PSK", "DHE-PSK", "ECDHE-PSK"))]


class Tls(MirrorCase):
    def setUp(self):
        self.made = Certificates(self)
        self.made.leaf("rsa", ["rsa.test"], kind="rsa").leaf("ec", ["ec.test"])

    def two_sites(self, **properties):
        """A listener with an RSA and one with an EC key, on one port."""
        config = Config()
        for name in ("rsa", "ec"):
            listener = config.listener(name, 443, "Https", hostName=f"{name}.test")
            config.rule(name, listener, **forward(config, config.pool("pool", self.backend.address)), priority=10 if name == "rsa" else 20)
        config.properties.update(properties)
        return config

    def local(self, config, **more):
        certificates = {f"cert-{name}": {"certificate": self.made.join(f"{name}.full", name, "intermediate"), "privateKey": str(self.made.path(f"{name}.key"))} for name in ("rsa", "ec")}
        return {**config.local(), "sslCertificates": certificates, **more}

    def run_gateway(self, config, api_version=None, workers=1, **more):
        template = config.template()
        if api_version:
            template["resources"][0]["apiVersion"] = api_version
        return Gateway(template=template, local=self.local(config, **more), workers=workers, healthy=False)

    def connect(self, port, name=None, context=None, session=None, **options):
        context = context or self.client(**options)
        raw = socket.create_connection(("127.0.0.1", port), PATIENCE)
        try:
            return context.wrap_socket(raw, server_hostname=name, session=session)
        except BaseException:
            raw.close()
            raise

    def client(self, verify=True, **options):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = verify
        context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
        context.load_verify_locations(self.made.path("root.pem"))
        for name, value in options.items():
            setattr(context, name, value)
        return context

    def assert_offers(self, gateway, rsa, ec, newer):
        port = gateway.port_of("rsa")
        self.assertEqual(in_order_offered(port, "1.2", all_suites("1.2")), rsa)
        self.assertEqual(in_order_offered(port, "1.2", all_suites("1.2"), "ec.test"), ec)
        self.assertEqual(in_order_offered(port, "1.3", all_suites("1.3")), newer)

    def test_each_predefined_policy_speaks_its_suites_in_its_order_and_nothing_else(self):
        for name, expected in PREDEFINED.items():
            with self.subTest(name), self.run_gateway(self.two_sites(sslPolicy={"policyType": "Predefined", "policyName": name})) as gateway:
                self.assert_offers(gateway, *expected)

    def test_the_default_goes_by_the_api_version(self):
        for version, policy in (("2022-09-01", "AppGwSslPolicy20150501"), ("2023-02-01", "AppGwSslPolicy20220101"), (None, "AppGwSslPolicy20220101")):
            with self.subTest(version), self.run_gateway(self.two_sites(), version) as gateway:
                self.assertEqual(in_order_offered(gateway.port_of("rsa"), "1.2", all_suites("1.2")), PREDEFINED[policy][0])
                self.assertEqual(in_order_offered(gateway.port_of("rsa"), "1.3", all_suites("1.3")), PREDEFINED[policy][2])

    def test_custom_policies_speak_what_they_name(self):
        named = ["TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"]
        rsa, ec = ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"], ["ECDHE-ECDSA-AES256-SHA"]
        for kind, lowest, newer in (("Custom", "TLSv1_2", []), ("CustomV2", "TLSv1_2", TLS_1_3), ("CustomV2", "TLSv1_3", TLS_1_3)):
            policy = {"policyType": kind, "minProtocolVersion": lowest, "cipherSuites": named}
            with self.subTest(kind), self.run_gateway(self.two_sites(sslPolicy=policy)) as gateway:
                older = lowest == "TLSv1_2"
                self.assert_offers(gateway, rsa if older else [], ec if older else [], newer)

    def test_a_policy_with_suites_of_tls_1_3_alone_speaks_only_that(self):
        with self.run_gateway(self.two_sites(sslPolicy={"policyType": "CustomV2", "minProtocolVersion": "TLSv1_2", "cipherSuites": TLS_1_3})) as gateway:
            self.assert_offers(gateway, [], [], TLS_1_3)

    def test_a_self_made_certificate_has_the_key_that_each_listeners_policy_is_for(self):
        suites = {"first": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "second": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}
        config = Config()
        config.properties["sslProfiles"] = [{"name": n, "properties": {"sslPolicy": {"policyType": "Custom", "minProtocolVersion": "TLSv1_2", "cipherSuites": [s]}}} for n, s in suites.items()]
        config.properties["sslPolicy"] = {"policyType": "Predefined", "policyName": "AppGwSslPolicy20170401S"}
        config.properties["sslCertificates"] = [{"name": "shared", "properties": {}}]
        for priority, name in enumerate(suites, 1):
            listener = config.listener(name, 443, "Https", hostName=f"{name}.test", sslProfile=reference("sslProfiles", name), sslCertificate=reference("sslCertificates", "shared"))
            config.rule(name, listener, **forward(config, config.pool("pool", self.backend.address)), priority=priority)
        with Gateway(template=config.template(), local=config.local(), healthy=False) as gateway:
            for name, suite in (("first", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("second", "ECDHE-RSA-AES128-GCM-SHA256")):
                self.assertEqual(in_order_offered(gateway.port_of("first"), "1.2", all_suites("1.2"), f"{name}.test"), [suite])

    def test_outside_scanners_see_the_same(self):
        for name, (rsa, _, newer) in PREDEFINED.items():
            with self.subTest(name), self.run_gateway(self.two_sites(sslPolicy={"policyType": "Predefined", "policyName": name})) as gateway:
                done = subprocess.run(["sslscan", "--no-check-certificate", "--no-heartbleed", "--no-groups", "--sni-name=rsa.test", "--xml=-", f"127.0.0.1:{gateway.port_of('rsa')}"],
                                      check=True, capture_output=True, text=True, timeout=PATIENCE)
                test = xml.fromstring(done.stdout).find("ssltest")
                spoken = {f"{p.get('type')} {p.get('version')}" for p in test.findall("protocol") if p.get("enabled") == "1"}
                self.assertEqual(spoken, {"tls 1.2"} | ({"tls 1.3"} if newer else set()))
                self.assertEqual({c.get("cipher") for c in test.findall("cipher")}, {*rsa, *newer})
                self.assertEqual(test.find("renegotiation").get("supported"), "0")
                self.assertNotIn("compression", {e.tag for e in test if e.get("supported") == "1"})

    def test_older_protocols_only_where_the_local_file_allows_them(self):
        policy = {"policyType": "Predefined", "policyName": "AppGwSslPolicy20150501"}
        for floor, spoken in (("1.0", {"TLSv1", "TLSv1.1", "TLSv1.2"}), ("1.1", {"TLSv1.1", "TLSv1.2"}), (None, {"TLSv1.2"})):
            more = {"minimumTlsVersion": floor} if floor else {}
            with self.subTest(floor), self.run_gateway(self.two_sites(sslPolicy=policy), **more) as gateway:
                seen = set()
                for flag in ("-tls1", "-tls1_1", "-tls1_2", "-tls1_3"):
                    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port_of('rsa')}", "-servername", "rsa.test", flag, "-cipher", "ALL:@SECLEVEL=0"], input=b"", capture_output=True, timeout=PATIENCE)
                    if b"Cipher is (NONE)" not in done.stdout and (version := re.search(rb"New, (?:TLS|SSL)\S+, Cipher is .*?Protocol\s*:\s*(\S+)|New, (TLSv1\.3), Cipher", done.stdout, re.S)):
                        seen.add((version.group(1) or version.group(2)).decode())
                self.assertEqual(seen, spoken)

    def test_the_listeners_policy_goes_before_the_gateways(self):
        config = self.two_sites(sslPolicy={"policyType": "Predefined", "policyName": "AppGwSslPolicy20220101"},
                                sslProfiles=[{"name": "strict", "properties": {"sslPolicy": {"policyType": "CustomV2", "minProtocolVersion": "TLSv1_3"}}}])
        config.properties["httpListeners"][1]["properties"]["sslProfile"] = reference("sslProfiles", "strict")
        with self.run_gateway(config) as gateway:
            port = gateway.port_of("rsa")
            self.assertEqual(in_order_offered(port, "1.2", all_suites("1.2")), RSA_2022)
            self.assertEqual(in_order_offered(port, "1.2", all_suites("1.2"), "ec.test"), [])
            self.assertEqual(in_order_offered(port, "1.3", all_suites("1.3"), "ec.test"), TLS_1_3)

    def test_the_name_asked_for_chooses_the_certificate(self):
        with self.run_gateway(self.two_sites()) as gateway:
            port = gateway.port_of("rsa")
            for name in ("rsa.test", "ec.test", "RSA.test"):
                self.connect(port, name).close()  # verified
            for name in (None, "another.test"):
                with self.connect(port, name, self.client(verify=False)) as client:
                    self.assertIn(b"rsa", client.getpeercert(binary_form=True))  # the first listener's

    def test_a_session_is_resumed_on_any_worker_and_not_for_another_site(self):
        with self.run_gateway(self.two_sites(), workers=2) as gateway:
            port = gateway.port_of("rsa")
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = self.client(verify=False, minimum_version=version, maximum_version=version)

                def ask(name, session=None):
                    with self.connect(port, name, context, session) as client:
                        client.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
                        receive_until(client, b"\r\n\r\n")
                        return client.session_reused, client.session
                fresh, session = ask("rsa.test")
                self.assertFalse(fresh)
                for _ in range(12):  # the kernel spreads them over both workers
                    self.assertTrue(ask("rsa.test", session)[0])
                self.assertFalse(ask("ec.test", session)[0])
                gateway.reload()
                self.assertTrue(ask("rsa.test", session)[0], "a reload that changes nothing keeps sessions")

    def test_a_certificate_swapped_by_reload_is_shown_from_then_on_and_no_tunnel_feels_it(self):
        with self.run_gateway(self.two_sites()) as gateway:
            port = gateway.port_of("rsa")
            context = self.client(verify=False)
            tunnel = WebSocket(self.connect(port, "rsa.test", context), host="rsa.test")
            kept = self.connect(port, "rsa.test", context)
            before = kept.getpeercert(binary_form=True)
            kept.sendall(b"GET / HTTP/1.1\r\nHost: rsa.test\r\n\r\n")
            receive_until(kept, b"\r\n\r\n")
            session = kept.session
            self.made.leaf("rsa", ["rsa.test"], kind="rsa")
            self.made.join("rsa.full", "rsa", "intermediate")
            gateway.reload()
            with self.connect(port, "rsa.test", context, session) as client:
                self.assertFalse(client.session_reused, "what was agreed on with the old certificate is over")
                self.assertNotEqual(client.getpeercert(binary_form=True), before)
            tunnel.send(b"still here")
            self.assertEqual(tunnel.receive(), (2, b"still here"))
            kept.close()

    def test_certificates_and_policies_swapped_under_load_fail_no_request_and_lose_no_tunnel(self):
        config = self.two_sites()
        with self.run_gateway(config) as gateway:
            port = gateway.port_of("rsa")
            tunnels = [WebSocket(self.connect(port, name, self.client()), host=name) for name in ("rsa.test", "ec.test") * 10]
            stop, failed, answered = threading.Event(), [], [0, 0, 0]

            def ask(which, name, kept):
                client = None
                while not stop.is_set():
                    try:
                        client = client or self.connect(port, name, self.client())  # verified: always a whole chain
                        client.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
                        answer = b""
                        while answer.count(b"\r\n\r\n") < 2:  # the answer's head, and the one that the mirror shows
                            answer += client.recv(65536) or self.fail("the end, in an answer")
                        if not answer.startswith(b"HTTP/1.1 200 "):
                            failed.append(answer)
                        answered[which] += 1
                        if not kept:
                            client.close()
                            client = None
                    except (OSError, AssertionError) as error:
                        failed.append(error)
                        client = None
            self.addCleanup(stop.set)
            asking = [threading.Thread(target=ask, args=(i, *how)) for i, how in enumerate((("rsa.test", True), ("rsa.test", False), ("ec.test", False)))]
            for thread in asking:
                thread.start()
            for i in range(max(4, scaled(20))):
                name = ("rsa", "ec")[i % 2]
                self.made.leaf(name, [f"{name}.test"], kind=name)
                self.made.join(f"{name}.full", name, "intermediate")
                policy = list(PREDEFINED)[i % len(PREDEFINED)]
                config.properties["sslPolicy"] = {"policyType": "Predefined", "policyName": policy}
                gateway.write_template(config.template())
                gateway.reload()
                with self.connect(port, f"{name}.test", self.client()) as client:
                    shown = ssl.DER_cert_to_PEM_cert(client.getpeercert(binary_form=True))
                    self.assertEqual("".join(shown.split()), "".join(self.made.pem(name).split()), "new handshakes get the new one")
                    self.assertEqual(client.version(), "TLSv1.3" if PREDEFINED[policy][2] else "TLSv1.2")
            stop.set()
            for thread in asking:
                thread.join()
            self.assertEqual(failed, [])
            self.assertTrue(all(answered), answered)
            for tunnel in tunnels:
                tunnel.send(b"still here")
                self.assertEqual(tunnel.receive(), (2, b"still here"))
                tunnel.stream.close()

    def test_renegotiation_is_refused(self):
        with self.run_gateway(self.two_sites()) as gateway:
            client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port_of('rsa')}", "-servername", "rsa.test", "-tls1_2", "-msg"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.addCleanup(lambda: (client.kill(), client.communicate()))
            client.stdin.write(b"R\n")
            client.stdin.flush()
            self.assertEqual(client.stdout.read().count(b"ClientHello"), 2)  # and then the connection is over
            self.assertEqual(gateway.admin("/livez")[0], 200)


class LoadTime(unittest.TestCase):
    """What is wrong with a certificate is said before anything is opened."""

    def setUp(self):
        self.made = Certificates(self)

    def check(self, **certificate):
        config = Config()
        config.rule("rule", config.listener("listener", 443, "Https"), **forward(config, config.pool("pool", "127.0.0.1:9001")), priority=1)
        config.properties["sslCertificates"] = [{"name": "cert-listener", "properties": certificate.pop("properties", {})}]
        local = {**config.local(), "sslCertificates": {"cert-listener": certificate} if certificate else {}}
        self.made.path("t.json").write_text(json.dumps(config.template()))
        self.made.path("local.json").write_text(json.dumps(local))
        done = subprocess.run([BINARY, "check", self.made.path("t.json"), "--local", self.made.path("local.json")], capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout

    def refused(self, code, **certificate):
        status, said = self.check(**certificate)
        self.assertEqual(status, 1, said)
        self.assertRegex(said, rf"(?m)^\S+\.json:\d+:\d+: error: {code}: ")
        return said

    def pem(self, chain, key):
        return {"certificate": self.made.join("chain", *chain), "privateKey": str(self.made.path(f"{key}.key"))}

    def test_an_expired_leaf_or_chain(self):
        self.made.leaf("leaf", ["a.test"], days=-1)
        self.refused("ApplicationGatewaySslCertificateExpired", **self.pem(["leaf", "intermediate"], "leaf"))

    def test_a_chain_that_does_not_hold(self):
        self.made.authority("stranger")
        self.made.leaf("leaf", ["a.test"])
        said = self.refused("ApplicationGatewaySslCertificateInvalidChain", **self.pem(["leaf", "stranger"], "leaf"))
        self.assertIn("its chain is broken: 'CN = leaf' was issued by 'O = Passerelle tests, CN = intermediate'", said)

    def test_a_chain_in_any_order_is_put_in_order(self):
        self.made.leaf("leaf", ["a.test"])
        self.assertEqual(self.check(**self.pem(["leaf", "root", "intermediate"], "leaf"))[0], 0)

    def test_a_key_that_does_not_fit(self):
        self.made.leaf("leaf", ["a.test"]).leaf("other", ["a.test"])
        self.refused("ApplicationGatewaySslCertificateInvalidData", **self.pem(["leaf", "intermediate"], "other"))

    def test_a_leaf_that_is_not_first_or_twice_there_is_found_by_its_key(self):
        self.made.leaf("leaf", ["a.test"])
        for chain in (["intermediate", "leaf", "root"], ["leaf", "leaf", "intermediate"], ["root", "intermediate", "leaf"]):
            self.assertEqual(self.check(**self.pem(chain, "leaf"))[0], 0, chain)

    def test_an_encrypted_key_asks_nobody_for_a_passphrase(self):
        self.made.leaf("leaf", ["a.test"])
        openssl("pkcs8", "-topk8", "-in", self.made.path("leaf.key"), "-passout", "pass:secret", "-out", self.made.path("locked.key"))
        said = self.refused("ApplicationGatewaySslCertificateInvalidData", **self.pem(["leaf", "intermediate"], "locked"))
        self.assertIn("no unencrypted PEM private key", said)

    def test_a_chain_whose_second_certificate_is_damaged(self):
        self.made.leaf("leaf", ["a.test"])
        damaged = self.made.pem("intermediate").replace("MII", "!!!", 1)
        self.made.path("damaged.pem").write_text(damaged)
        self.assertIn("that cannot be read", self.refused("ApplicationGatewaySslCertificateInvalidData", **self.pem(["leaf", "damaged"], "leaf")))

    def test_a_key_that_is_too_small(self):
        self.made.leaf("leaf", ["a.test"], kind="weak")
        self.assertIn("ee key too small", self.refused("ApplicationGatewaySslCertificateInvalidData", **self.pem(["leaf", "intermediate"], "leaf")))

    def test_a_pfx_without_a_mac(self):
        self.made.leaf("leaf", ["a.test"])
        self.assertIn("has no MAC", self.refused("ApplicationGatewaySslCertificateInvalidData", pfx=str(self.made.pfx("leaf", "secret", ["intermediate"], "-nomac")), password="secret"))

    def test_a_wrong_password(self):
        self.made.leaf("leaf", ["a.test"])
        self.refused("ApplicationGatewaySslCertificatePasswordIncorrect", pfx=str(self.made.pfx("leaf", "right", ["intermediate"])), password="wrong")

    def test_a_policy_without_a_suite_for_the_key(self):
        self.made.leaf("leaf", ["a.test"], kind="ec")
        config_policy = {"policyType": "Custom", "minProtocolVersion": "TLSv1_2", "cipherSuites": ["TLS_RSA_WITH_AES_128_GCM_SHA256"]}
        original = Config.template
        self.addCleanup(setattr, Config, "template", original)

        def with_policy(config):
            config.properties["sslPolicy"] = config_policy
            return original(config)
        Config.template = with_policy
        self.assertIn("whose key is EC", self.refused("ApplicationGatewaySslPolicyInvalid", **self.pem(["leaf", "intermediate"], "leaf")))

    def test_every_usual_kind_of_pfx(self):
        kinds = {"modern": [], "3des": ["-legacy", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
                 "rc2": ["-legacy"], "aes128": ["-certpbe", "AES-128-CBC", "-keypbe", "AES-128-CBC"], "no-mac-iterations": ["-nomaciter"]}
        for kind in ("rsa", "ec"):
            self.made.leaf("leaf", ["a.test"], kind=kind)
            for name, options in kinds.items():
                for password in ("secret", "", "päßwörd"):
                    with self.subTest(f"{kind} {name} {password}"):
                        status, said = self.check(pfx=str(self.made.pfx("leaf", password, ["intermediate"], *options)), password=password)
                        self.assertEqual(status, 0, said)

    def test_a_key_vault_certificate_that_nobody_supplies_disables_its_listener_alone(self):
        backend = MirrorBackend("mirror")
        self.addCleanup(backend.server.close)
        self.made.leaf("good", ["good.test"])
        config = Config()
        for priority, name in enumerate(("vault", "good"), 1):
            config.rule(name, config.listener(name, 443, "Https", hostName=f"{name}.test"), **forward(config, config.pool("pool", backend.address)), priority=priority)
        config.rule("alone", config.listener("alone", 8443, "Https", sslCertificate=reference("sslCertificates", "cert-vault")), **forward(config, config.pool("pool", backend.address)), priority=3)
        config.properties["sslCertificates"] = [c for c in config.properties["sslCertificates"] if c["name"] != "cert-alone"]
        config.properties["sslCertificates"][0]["properties"] = {"keyVaultSecretId": "https://v.vault.azure.net/secrets/c"}
        local = {**config.local(), "sslCertificates": {"cert-good": self.pem(["good", "intermediate"], "good")}}
        with Gateway(template=config.template(), local=local, healthy=False) as gateway:
            self.assertIn("warning: ApplicationGatewayKeyVaultSecretException", gateway.process.text)
            context = ssl.create_default_context(cafile=self.made.path("root.pem"))
            with context.wrap_socket(socket.create_connection(("127.0.0.1", gateway.port_of("good"))), server_hostname="good.test") as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: vault.test\r\n\r\n")
                self.assertTrue(receive_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 404 "))
            self.assertRegex(gateway.process.text, r"alone.*\n +disabled")


if __name__ == "__main__":
    unittest.main()

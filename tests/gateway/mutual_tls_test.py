"""Mutual TLS: who is asked for a certificate, what is made of it, and that no listener is reached by another's handshake."""
import os
import socket
import ssl
import sys
import unittest
from urllib.parse import unquote

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import http2
from certificates import Certificates, openssl
from config import Config, forward, reference
from harness import PATIENCE, Gateway, MirrorCase, receive_until
from responder import Responder
from websocket import WebSocket

VARIABLES = ("client_certificate", "client_certificate_end_date", "client_certificate_fingerprint", "client_certificate_issuer", "client_certificate_serial",
             "client_certificate_start_date", "client_certificate_subject", "client_certificate_verification")


class MutualTls(MirrorCase):
    def setUp(self):
        self.made = Certificates(self)
        self.made.authority("stranger-root")
        for name in ("open", "closed"):
            self.made.leaf(name, [f"{name}.test"])
        self.made.leaf("client", [], subject="/O=Contoso/CN=client")
        self.made.leaf("stranger", [], issuer="stranger-root")

    def config(self, authorities=("root",), trusted=True, **authentication):
        """A listener that asks for certificates ("closed") and one that does not ("open"), on one port."""
        config = Config()
        fields = [{"headerName": "X-" + v.replace("_", "-"), "headerValue": "{var_" + v + "}"} for v in VARIABLES]
        config.properties["rewriteRuleSets"] = [{"name": "show", "properties": {"rewriteRules": [{"name": "show", "ruleSequence": 1, "actionSet": {"requestHeaderConfigurations": fields}}]}}]
        rewrites = reference("rewriteRuleSets", "show")
        config.properties["trustedClientCertificates"] = [{"name": "ca", "properties": {"data": self.made.base64(*authorities)}}]
        named = {"trustedClientCertificates": [reference("trustedClientCertificates", "ca")]} if trusted else {}
        config.properties["sslProfiles"] = [{"name": "profile", "properties": {**named, **({"clientAuthConfiguration": authentication} if authentication else {})}}]
        for priority, name in enumerate(("open", "closed"), 1):
            profile = {"sslProfile": reference("sslProfiles", "profile")} if name == "closed" else {}
            listener = config.listener(name, 443, "Https", hostName=f"{name}.test", **profile)
            config.rule(name, listener, **forward(config, config.pool("pool", self.backend.address)), rewriteRuleSet=rewrites, priority=priority)
        return config

    def gateway(self, config):
        certificates = {f"cert-{name}": {"certificate": self.made.join(f"{name}.full", name, "intermediate"), "privateKey": str(self.made.path(f"{name}.key"))} for name in ("open", "closed")}
        return Gateway(template=config.template(), local={**config.local(), "sslCertificates": certificates}, healthy=False)

    def client(self, *chain, version=None):
        context = ssl.create_default_context(cafile=self.made.path("root.pem"))
        if chain:
            context.load_cert_chain(self.made.join("shown.pem", *chain), self.made.path(f"{chain[0]}.key"))
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def connect(self, gateway, context, name="closed.test", session=None):
        raw = socket.create_connection(("127.0.0.1", gateway.port_of("open")), PATIENCE)
        return context.wrap_socket(raw, server_hostname=name, session=session)

    def ask(self, stream, host="closed.test"):
        stream.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head = receive_until(stream, b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body := head.partition(b"\r\n\r\n")[2]) < length:
            head += stream.recv(65536)
        return int(head.split()[1]), body.decode()

    def answer(self, gateway, *chain, **how):
        with self.connect(gateway, self.client(*chain, **how)) as stream:
            return self.ask(stream)

    def test_who_shows_a_certificate_of_the_authority_gets_in(self):
        with self.gateway(self.config()) as gateway:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                status, seen = self.answer(gateway, "client", "intermediate", version=version)
                self.assertEqual(status, 200)
            pem = self.made.pem("client")
            asked = {k: openssl("x509", "-noout", "-in", self.made.path("client.pem"), *k.split()).decode().strip().partition("=")[2] for k in
                     ("-enddate", "-startdate", "-fingerprint -sha1", "-serial", "-issuer -nameopt RFC2253", "-subject -nameopt RFC2253")}
            fields = dict(line.split(": ", 1) for line in seen.splitlines() if ": " in line)
            self.assertEqual(fields["X-client-certificate-verification"], "SUCCESS")
            self.assertEqual(unquote(fields["X-client-certificate"]), pem)
            self.assertEqual(fields["X-client-certificate-end-date"], asked["-enddate"])
            self.assertEqual(fields["X-client-certificate-start-date"], asked["-startdate"])
            self.assertEqual(fields["X-client-certificate-fingerprint"], asked["-fingerprint -sha1"].replace(":", "").lower())
            self.assertEqual(fields["X-client-certificate-serial"], asked["-serial"])
            self.assertEqual(fields["X-client-certificate-issuer"], asked["-issuer -nameopt RFC2253"])
            self.assertEqual(fields["X-client-certificate-subject"], asked["-subject -nameopt RFC2253"])
            record = gateway.wait_record(lambda r: r["properties"]["httpStatus"] == 200, "the request")["properties"]
            self.assertEqual(record["sslClientVerify"], "SUCCESS")
            self.assertEqual(record["sslClientCertificateFingerprint"], fields["X-client-certificate-fingerprint"])
            self.assertEqual(record["sslClientCertificateIssuerName"], fields["X-client-certificate-issuer"])

    def test_others_get_a_400_that_says_why(self):
        with self.gateway(self.config()) as gateway:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                status, page = self.answer(gateway, version=version)
                self.assertEqual(status, 400)
                self.assertIn("<center>No required SSL certificate was sent</center>", page)
                status, page = self.answer(gateway, "stranger", version=version)
                self.assertEqual(status, 400)
                self.assertIn("<center>The SSL certificate error</center>", page)
                self.assertIn("<title>400 Bad Request</title>", page)
            self.made.leaf("client", [], days=-1)
            self.assertEqual(self.answer(gateway, "client", "intermediate")[0], 400)
            verdicts = {r["properties"]["sslClientVerify"] for r in gateway.log_records() if r["properties"]["httpStatus"] == 400}
            self.assertIn("NONE", verdicts)
            self.assertIn("FAILED:unable to verify the first certificate", verdicts)
            gateway.wait_record(lambda r: r["properties"].get("sslClientVerify") == "FAILED:certificate has expired", "the expired one")

    def test_a_client_sends_its_intermediates_unless_they_are_trusted(self):
        with self.gateway(self.config()) as gateway:
            self.assertEqual(self.answer(gateway, "client")[0], 400)
        with self.gateway(self.config(["root", "intermediate"])) as gateway:
            self.assertEqual(self.answer(gateway, "client")[0], 200)

    def test_the_issuer_itself_must_be_among_the_trusted_where_that_is_asked(self):
        with self.gateway(self.config(verifyClientCertIssuerDN=True)) as gateway:
            self.assertEqual(self.answer(gateway, "client", "intermediate")[0], 400)
        with self.gateway(self.config(["root", "intermediate"], verifyClientCertIssuerDN=True)) as gateway:
            self.assertEqual(self.answer(gateway, "client", "intermediate")[0], 200)

    def test_passthrough_takes_any_and_none(self):
        with self.gateway(self.config(trusted=False, verifyClientAuthMode="Passthrough")) as gateway:
            for chain in ((), ("stranger",), ("client", "intermediate")):
                status, seen = self.answer(gateway, *chain)
                self.assertEqual(status, 200)
                self.assertIn("X-client-certificate-verification: NONE\r\n", seen)
                self.assertEqual("X-client-certificate: -----BEGIN" in seen.replace("%20", " "), bool(chain))

    def test_a_websocket_needs_the_certificate_too(self):
        with self.gateway(self.config()) as gateway:
            tunnel = WebSocket(self.connect(gateway, self.client("client", "intermediate")), host="closed.test")
            tunnel.send(b"hello")
            self.assertEqual(tunnel.receive()[1], b"hello")
            tunnel.stream.close()
            with self.connect(gateway, self.client()) as stream, self.assertRaisesRegex(AssertionError, "400"):
                WebSocket(stream, host="closed.test")

    def test_a_host_that_asks_for_another_certificate_than_the_handshake_is_misdirected(self):
        with self.gateway(self.config()) as gateway:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context, session = self.client("client", "intermediate", version=version), None
                for resumed in (False, True):
                    with self.connect(gateway, context, "open.test", session) as stream:
                        self.assertEqual(self.ask(stream, "open.test")[0], 200)
                        session = stream.session
                        self.assertEqual(stream.session_reused, resumed)
                        self.assertEqual(self.ask(stream, "closed.test")[0], 421)
                        self.assertEqual(self.ask(stream, "open.test")[0], 200)  # the connection goes on
                with self.connect(gateway, context, "closed.test", session) as stream:
                    self.assertFalse(stream.session_reused, "a session of the open listener is none of the closed one's")
                    self.assertEqual(self.ask(stream)[0], 200)
                    self.assertEqual(self.ask(stream, "open.test")[0], 421)

    def test_a_resumed_session_keeps_its_verdict(self):
        with self.gateway(self.config()) as gateway:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                for chain, expected in ((("client", "intermediate"), 200), ((), 400), (("stranger",), 400)):
                    context, session = self.client(*chain, version=version), None
                    for resumed in (False, True):
                        with self.connect(gateway, context, session=session) as stream:
                            self.assertEqual(stream.session_reused, resumed)
                            self.assertEqual(self.ask(stream)[0], expected)
                            session = stream.session

    def test_a_revoked_certificate_does_not_get_in_and_neither_does_one_that_cannot_be_checked(self):
        responder = Responder(self.made, "intermediate")
        self.addCleanup(responder.close)
        names = ("good", "revoked", "unknown")
        for name in names:
            self.made.leaf(name, [], extensions=f"authorityInfoAccess=OCSP;URI:{responder.url}\n")
        responder.say("good", "V")
        responder.say("revoked", "R")
        with self.gateway(self.config(verifyClientRevocation="OCSP")) as gateway:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                self.assertEqual([self.answer(gateway, name, "intermediate", version=version)[0] for name in names], [200, 400, 400])
            self.assertEqual(responder.asked, 3, "each once: the answers hold for a day")
            self.assertEqual(self.answer(gateway, "client", "intermediate")[0], 400)  # it names no responder
            self.assertEqual(self.answer(gateway, "stranger")[0], 400)
            said = {gateway.wait_record(lambda r, w=wanted: r["properties"].get("sslClientVerify") == "FAILED:" + w, wanted) and wanted for wanted in
                    ("certificate revoked", "its issuer does not know it", "it names no OCSP responder")}
            self.assertEqual(len(said), 3)
            context = self.client("good", "intermediate")
            with self.connect(gateway, context) as stream:
                self.assertEqual(self.ask(stream)[0], 200)
                self.assertIsNone(stream.session and stream.session.has_ticket or None, "no session outlives its check")
        responder.broken = True
        with self.gateway(self.config(verifyClientRevocation="OCSP")) as gateway:
            self.assertEqual(self.answer(gateway, "good", "intermediate")[0], 400)
            gateway.wait_record(lambda r: r["properties"].get("sslClientVerify") == "FAILED:its revocation cannot be checked: the answer is a 500", "the reason")

    def test_older_protocols_do_not_make_weaker_certificates_good(self):
        self.made.leaf("weak", [], kind="weak")
        config = self.config()
        config.properties["sslPolicy"] = {"policyType": "Predefined", "policyName": "AppGwSslPolicy20150501"}
        local = config.local
        config.local = lambda: {**local(), "minimumTlsVersion": "1.0"}
        context = self.client(version=ssl.TLSVersion.TLSv1_2)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(self.made.join("shown.pem", "weak", "intermediate"), self.made.path("weak.key"))
        with self.gateway(config) as gateway:
            with self.connect(gateway, context) as stream:
                self.assertEqual(self.ask(stream)[0], 400)
            self.assertEqual(self.answer(gateway, "client", "intermediate", version=ssl.TLSVersion.TLSv1_2)[0], 200)

    def test_streams_of_one_connection_are_misdirected_each_for_itself(self):
        """Browsers send requests for every name of a certificate over one HTTP/2 connection."""
        config = self.config()
        config.properties["enableHttp2"] = True
        with self.gateway(config) as gateway:
            context = self.client("client", "intermediate")
            context.set_alpn_protocols(["h2"])
            with http2.Http2(gateway.https_port, context=context, name="open.test") as client:
                self.assertEqual(client.fetch(http2.request(host="open.test")).status, 200)
                self.assertEqual(client.fetch(http2.request(host="closed.test")).status, 421)
                self.assertEqual(client.finish(client.open(http2.websocket(host="closed.test"), end=False)).status, 421)
                self.assertEqual(client.fetch(http2.request(host="open.test")).status, 200)
            with http2.Http2(gateway.https_port, context=context, name="closed.test") as client:
                self.assertEqual(client.fetch(http2.request(host="closed.test")).status, 200)

    def test_an_authority_taken_away_by_reload_ends_its_sessions(self):
        config = self.config()
        with self.gateway(config) as gateway:
            context = self.client("client", "intermediate")
            with self.connect(gateway, context) as kept:
                self.assertEqual(self.ask(kept)[0], 200)
                session = kept.session
                config.properties["trustedClientCertificates"][0]["properties"]["data"] = self.made.base64("stranger-root")
                gateway.write_template(config.template())
                gateway.reload()
                self.assertEqual(self.ask(kept)[0], 421, "what the handshake was asked for is not what is asked for now")
            with self.connect(gateway, context, session=session) as stream:
                self.assertFalse(stream.session_reused)
                self.assertEqual(self.ask(stream)[0], 400)


if __name__ == "__main__":
    unittest.main()

"""OCSP stapling: a listener shows what its certificate's issuer says of it, and serves whatever comes of asking."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from certificates import Certificates
from config import Config, forward
from harness import PATIENCE, Gateway, MirrorBackend, wait_until
from responder import Responder


class Stapling(unittest.TestCase):
    def setUp(self):
        self.backend = MirrorBackend("mirror")
        self.addCleanup(self.backend.server.close)
        self.made = Certificates(self)
        self.responder = Responder(self.made, "intermediate")
        self.addCleanup(self.responder.close)
        self.make_leaf()

    def make_leaf(self):
        self.made.leaf("site", ["site.test"], extensions=f"authorityInfoAccess=OCSP;URI:{self.responder.url}\n")
        self.chain = self.made.join("site.full", "site", "intermediate")

    def gateway(self):
        config = Config()
        config.rule("rule", config.listener("site", 443, "Https", hostName="site.test"), **forward(config, config.pool("pool", self.backend.address)), priority=1)
        local = {**config.local(), "sslCertificates": {"cert-site": {"certificate": self.chain, "privateKey": str(self.made.path("site.key"))}}}
        return Gateway(template=config.template(), local=local, healthy=False)

    def status_shown(self, gateway, version="-tls1_3"):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{gateway.port_of('site')}", "-servername", "site.test", "-status", version, "-CAfile", self.made.path("root.pem")],
                              input=b"", capture_output=True, timeout=PATIENCE)
        self.assertIn(b"Verify return code: 0 (ok)", done.stdout)
        for status in (b"good", b"revoked"):
            if b"Cert Status: " + status in done.stdout:
                return status.decode()
        self.assertIn(b"OCSP response: no response sent", done.stdout)
        return None

    def test_what_the_issuer_says_is_shown_with_the_certificate(self):
        self.responder.say("site", "V")
        with self.gateway() as gateway:
            wait_until(lambda: self.status_shown(gateway) == "good", "the staple")
            self.assertEqual(self.status_shown(gateway, "-tls1_2"), "good")
            gateway.reload()
            self.assertEqual(self.status_shown(gateway), "good", "a reload keeps it")
            self.assertEqual(self.responder.asked, 1)
            self.make_leaf()
            self.responder.say("site", "V")
            gateway.reload()
            wait_until(lambda: self.status_shown(gateway) == "good", "the new certificate's")
            self.assertEqual(self.responder.asked, 2)

    def test_a_revoked_certificate_is_shown_as_such_and_said(self):
        self.responder.say("site", "R")
        with self.gateway() as gateway:
            gateway.process.wait_for("error tls: the certificate 'cert-site' is revoked, and clients that look will refuse it")
            self.assertEqual(self.status_shown(gateway), "revoked")

    def test_a_responder_that_does_not_know_the_certificate_gives_nothing_to_staple(self):
        with self.gateway() as gateway:
            wait_until(lambda: self.responder.asked == 1, "the question")
            self.assertIsNone(self.status_shown(gateway))

    def assert_not_used(self, why):
        with self.gateway() as gateway:
            gateway.process.wait_for(f"warning tls: the OCSP responder {self.responder.url} of the certificate 'cert-site' cannot be used: {why}; nothing is stapled")
            self.assertIsNone(self.status_shown(gateway))

    def test_a_responder_that_fails_is_said(self):
        self.responder.broken = True
        self.assert_not_used("the answer is a 500")

    def test_an_answer_that_the_issuer_did_not_sign_is_not_shown(self):
        self.responder.say("site", "V")
        self.made.authority("impostor")
        self.responder.signer = "impostor"
        self.assert_not_used("the answer is not signed by the issuer")

    def test_what_is_no_answer_is_not_shown(self):
        self.responder.answer = lambda request: b"none"
        self.assert_not_used("the answer is no OCSP response")


if __name__ == "__main__":
    unittest.main()

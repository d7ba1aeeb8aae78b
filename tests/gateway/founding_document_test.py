"""The page this project is founded on, as it stands there: its fragments load, its handshake passes, word for word."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, ROOT, Gateway, ScriptedBackend, receive_exactly, receive_until
from websocket import SWITCH

FOUNDING = ROOT / "tests" / "founding"
FILES = [FOUNDING / "listeners.txt", FOUNDING / "rules.txt", FOUNDING / "rest.json"]

PRINTED = (b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n"
           b"Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n")


def answer(connection, head):
    connection.sendall(SWITCH[:-2] + b"Sec-WebSocket-Protocol: superchat\r\n\r\n\x81\x05first")
    connection.sendall(receive_exactly(connection, 4))


class FoundingDocument(unittest.TestCase):
    def test_the_fragments_load_and_every_repair_is_a_warning_with_its_place(self):
        done = subprocess.run([BINARY, "check", *map(str, FILES), "--format", "json"], capture_output=True, text=True, cwd=ROOT)
        problems = json.loads(done.stdout)
        self.assertEqual([p["code"] for p in problems if p["severity"] == "error"], ["ApplicationGatewaySslCertificateDataMustBeSpecified"])
        warnings = {(p["file"].rsplit("/", 1)[-1], p["code"], p["line"], p["column"]) for p in problems}
        for expected in [("listeners.txt", "MissingBraces", 1, 5), ("rules.txt", "MissingBraces", 1, 2),
                         ("listeners.txt", "PropertyCase", 5, 25), ("listeners.txt", "PropertyCase", 6, 29),
                         ("listeners.txt", "TrailingComma", 14, 26), ("listeners.txt", "StrayIdEnd", 9, 35),
                         ("rules.txt", "PropertyCase", 4, 4), ("rules.txt", "StrayIdEnd", 6, 11), ("rules.txt", "PlaceholderInId", 6, 11)]:
            self.assertIn(expected, warnings)

    def test_the_printed_handshake_opens_a_tunnel_on_both_listeners(self):
        with ScriptedBackend(answer) as backend:
            template = {"resources": [{"properties": {"httpListeners": [{"properties": {"protocol": "Http"}}, {"properties": {"protocol": "Https"}}]}}]}
            gateway = FoundingGateway(backend.address, template)
            with gateway:
                for tls in (False, True):
                    client = gateway.connect(tls)
                    client.sendall(PRINTED)
                    head = receive_until(client, b"\r\n\r\n")
                    head, _, rest = head.partition(b"\r\n\r\n")
                    self.assertTrue(head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n"), head)
                    for field in (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                                  b"Sec-WebSocket-Protocol: superchat"):
                        self.assertIn(field, head)
                    rest += receive_exactly(client, 7 - len(rest)) if len(rest) < 7 else b""
                    self.assertEqual(rest, b"\x81\x05first")
                    client.sendall(b"ping")
                    self.assertEqual(receive_exactly(client, 4), b"ping")
                    seen = backend.head()
                    for line in PRINTED.split(b"\r\n")[:-2]:
                        self.assertIn(line + b"\r\n", seen)
                    self.assertIn(b"X-Forwarded-Proto: " + (b"https" if tls else b"http"), seen)
                    self.assertIn(b"X-Forwarded-Port: " + (b"443" if tls else b"80"), seen)
                    client.close()


class FoundingGateway(Gateway):
    """A Gateway whose template is the fragments; the harness's own template file only tells it which listeners there are."""

    def __init__(self, backend, template):
        self._template = template
        super().__init__([backend], template=template, local={"sslCertificates": {"appGatewaySslCert1": "self-signed"}}, files=FILES)

    def write_template(self, template):
        # Merged first and replaced by the fragments' collections, item by item.
        self.template_path.write_text(json.dumps({"httpListeners": []}))

    def _has(self, protocol):
        return True


if __name__ == "__main__":
    unittest.main()

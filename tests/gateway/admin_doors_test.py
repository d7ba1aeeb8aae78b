"""Who gets in at the admin listener, and what a stranger can do to it."""
import contextlib
import http.client
import os
import re
import socket
import ssl
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from certificates import Certificates
from harness import PATIENCE, DemoBackend, receive_all, wait_until
from kept import KeptGateway, resource

LIST = "/subscriptions/s-1/providers/Microsoft.Network/applicationGateways?api-version=2024-01-01"


class AdminDoors(unittest.TestCase):
    def setUp(self):
        self.gateway = KeptGateway()
        self.addCleanup(lambda: self.gateway.process.child.poll() is None and self.gateway.stop())

    def connect(self, clear=False):
        raw = socket.create_connection(("127.0.0.1", self.gateway.admin_port if clear else self.gateway.api_port), PATIENCE)
        self.addCleanup(raw.close)
        return raw if clear else self.gateway.trust.wrap_socket(raw, server_hostname="localhost")

    def ask(self, head, clear=False):
        """Status of one request, its head given but for the end."""
        client = self.connect(clear)
        client.sendall((head + "\r\nConnection: close\r\n\r\n").encode())
        return int(receive_all(client).split()[1])

    def authorized(self, method="GET", path=LIST, host="localhost", more=""):
        return f"{method} {path} HTTP/1.1\r\nHost: {host}:{self.gateway.api_port}\r\nAuthorization: Bearer {self.gateway.token}{more}"

    def test_without_the_token_or_with_another_the_api_tells_nothing(self):
        for token in ("", "x", self.gateway.token[:-1], self.gateway.token + "0", self.gateway.token[:-1] + "g"):
            for method, path in (("GET", LIST), ("PUT", KeptGateway.ID + "?api-version=2024-01-01"), ("GET", "/subscriptions/x")):
                status, body, fields = self.gateway.ask(method, path, token=token)
                self.assertEqual((status, fields["WWW-Authenticate"]), (401, "Bearer"))
                self.assertNotIn(self.gateway.token, str(body))
        status, body, _ = self.gateway.ask("GET", LIST, headers={"Authorization": "Basic " + self.gateway.token})
        self.assertEqual(status, 401)
        self.assertEqual(self.gateway.ask("GET", LIST)[0], 200)

    def test_a_request_of_another_sites_page_is_turned_away(self):
        self.assertEqual(self.ask(self.authorized(more="\r\nOrigin: https://evil.test")), 403)
        self.assertEqual(self.ask(self.authorized(more=f"\r\nOrigin: http://localhost:{self.gateway.api_port}")), 403)
        self.assertEqual(self.ask(self.authorized(more="\r\nOrigin: null")), 403)
        self.assertEqual(self.ask(self.authorized(more=f"\r\nOrigin: https://localhost:{self.gateway.api_port}")), 200)

    def test_a_name_that_is_not_ours_is_turned_away(self):
        self.assertEqual(self.ask(self.authorized(host="rebound.evil.test")), 403)
        self.assertEqual(self.ask("GET /metrics HTTP/1.1\r\nHost: rebound.evil.test", clear=True), 403)
        for host in ("localhost", "127.0.0.1", "[::1]", socket.gethostname()):
            self.assertEqual(self.ask(self.authorized(host=host)), 200, host)

    def test_a_body_of_a_gigabyte_is_refused_before_it_comes(self):
        for length in (1 << 30, 4 * 1024 * 1024 + 1):
            self.assertEqual(self.ask(self.authorized("PUT", KeptGateway.ID + "?api-version=2024-01-01", more=f"\r\nContent-Length: {length}")), 413)
        before = self.gateway.process.child.pid
        client = self.connect()
        client.sendall((self.authorized("PUT", KeptGateway.ID + "?api-version=2024-01-01", more="\r\nTransfer-Encoding: chunked") + "\r\n\r\n").encode())
        piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            for _ in range(16384):
                client.sendall(piece)
        self.assertIn(b" 413 ", receive_all(client)[:40])
        self.assertEqual(self.gateway.process.child.pid, before)

    def test_without_the_token_no_body_is_read(self):
        client = self.connect()
        client.sendall(f"PUT {KeptGateway.ID} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n".encode())
        self.assertIn(b" 401 ", receive_all(client)[:40])

    def test_who_waits_for_a_go_on_gets_one(self):
        body = b'{"properties": []}'
        client = self.connect()
        client.sendall((self.authorized("PUT", KeptGateway.ID + "?api-version=2024-01-01", more=f"\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close") + "\r\n\r\n").encode())
        self.assertEqual(client.recv(65536), b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(body)
        self.assertIn(b" 400 ", receive_all(client)[:40])

    def test_a_thousand_who_connect_and_say_nothing_keep_nobody_who_has_a_place_waiting(self):
        kept = http.client.HTTPSConnection("127.0.0.1", self.gateway.api_port, timeout=PATIENCE, context=self.gateway.trust)
        self.addCleanup(kept.close)

        def ask():
            kept.request("GET", LIST, headers={"Authorization": "Bearer " + self.gateway.token})
            response = kept.getresponse()
            response.read()
            return response.status
        self.assertEqual(ask(), 200)
        descriptors = len(os.listdir(f"/proc/{self.gateway.process.child.pid}/fd"))
        idle = [socket.create_connection(("127.0.0.1", self.gateway.api_port), PATIENCE) for _ in range(1000)]
        for client in idle:
            self.addCleanup(client.close)
        self.assertEqual(ask(), 200)
        self.assertLess(len(os.listdir(f"/proc/{self.gateway.process.child.pid}/fd")), descriptors + 300)
        for client in idle:
            client.close()

        def free_again():
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.gateway.ask("GET", LIST)[0] == 200
        wait_until(free_again, "a place for somebody new")

    def test_no_secret_is_in_the_log(self):
        secret = "a-very-secret-password"
        broken = resource(1, sslCertificates=[{"name": "c", "properties": {"data": "bm8gcGZ4", "password": secret}}])
        status, body, _ = self.gateway.arm("PUT", body={"properties": broken})
        self.assertEqual(status, 400)
        self.gateway.arm("PUT", body='{"properties": "' + secret)
        for text in (str(body), self.gateway.process.text):
            self.assertNotIn(secret, text)
            self.assertNotIn("bm8gcGZ4", text)
            self.assertNotIn(self.gateway.token, text)

    def test_the_certificate_made_once_is_kept_and_its_key_is_the_owners(self):
        shown = ssl.get_server_certificate(("127.0.0.1", self.gateway.api_port))
        self.assertEqual(shown.strip(), (self.gateway.folder / "admin.crt").read_text().strip())
        self.assertEqual(os.stat(self.gateway.folder / "admin.key").st_mode & 0o777, 0o600)
        self.gateway.process.wait_for(r"clients that are to trust it need .*/admin.crt")
        self.gateway.process.stop()
        again = KeptGateway(folder=self.gateway.folder)
        self.addCleanup(again.stop)
        self.assertEqual(ssl.get_server_certificate(("127.0.0.1", again.api_port)), shown)


class GivenCertificate(unittest.TestCase):
    def test_a_certificate_that_is_given_is_shown_and_its_names_are_answered_to(self):
        certificates = Certificates(self)
        certificates.leaf("admin", hosts=("gateway.internal", "localhost"))
        with KeptGateway(arguments=("--admin-cert", str(certificates.path("admin.pem")), "--admin-key", str(certificates.path("admin.key")))) as gateway:
            shown = ssl.get_server_certificate(("127.0.0.1", gateway.api_port))
            self.assertEqual(shown.strip(), certificates.path("admin.pem").read_text().strip())
            raw = socket.create_connection(("127.0.0.1", gateway.api_port), PATIENCE)
            trust = ssl.create_default_context(cafile=str(certificates.path("root.pem")))
            trust.load_verify_locations(str(certificates.path("intermediate.pem")))
            client = trust.wrap_socket(raw, server_hostname="gateway.internal")
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: gateway.internal\r\nConnection: close\r\n\r\n")
            self.assertRegex(receive_all(client), b"^HTTP/1.1 200 ")


if __name__ == "__main__":
    unittest.main()

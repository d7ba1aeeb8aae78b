"""TLS handshakes that mean harm: slow ones, thousands at once, ones that are none. Others go on as if nothing were."""
import os
import resource
import socket
import ssl
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import PATIENCE, SANITIZED, Gateway, MirrorBackend, receive_all, scaled, wait_until
from websocket import WebSocket

HANDSHAKE_SECONDS = 15  # Limits::tls_handshake_timeout
BYTES_PER_HANDSHAKE_MAX = 64 * 1024


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="gw.test").do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


class TlsThreats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        cls.backend = MirrorBackend("mirror")
        cls.gateway = Gateway([cls.backend.address])

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()
        cls.backend.server.close()

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.gateway.https_port), PATIENCE + HANDSHAKE_SECONDS)

    def assert_others_are_served(self):
        self.assertEqual(self.gateway.get("/", tls=True)[0], 200)

    def test_a_handshake_a_byte_a_second_ends_at_its_limit(self):
        began = time.monotonic()
        with self.raw() as client:
            hello = client_hello()
            client.settimeout(1)
            for byte in hello:
                try:
                    client.sendall(bytes([byte]))
                    if client.recv(1) == b"":
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            took = time.monotonic() - began
        self.assertGreater(took, HANDSHAKE_SECONDS - 2)
        self.assertLess(took, HANDSHAKE_SECONDS + PATIENCE)
        self.assert_others_are_served()

    def test_thousands_of_half_open_handshakes_cost_little_and_others_do_not_feel_them(self):
        count = max(500, scaled(5000))
        tunnel = WebSocket(self.gateway.connect(tls=True))
        hello = client_hello()
        # The tunnel's own connection, and those of other tests, are out of the count by now.
        wait_until(lambda: self.gateway.metric("connections_open") == 0, "nothing else is open")
        before = self.gateway.private_dirty()
        clients = []
        for i in range(count):
            client = self.raw()
            # Some have said nothing, some half of their hello, some all of it and nothing more.
            client.sendall((b"", hello[:100], hello)[i % 3])
            clients.append(client)
        wait_until(lambda: self.gateway.metric("connections_open") >= count, "all are there")
        cost = (self.gateway.private_dirty() - before) / count
        print(f"a half-open handshake costs {cost:.0f} bytes of private memory")
        if not SANITIZED:
            self.assertLess(cost, BYTES_PER_HANDSHAKE_MAX)
        self.assert_others_are_served()
        tunnel.echo(b"still here")
        wait_until(lambda: self.gateway.metric("connections_open") == 0, "all are gone at their limit", HANDSHAKE_SECONDS + PATIENCE)
        tunnel.echo(b"still here")
        for client in clients:
            client.close()
        tunnel.stream.close()

    def test_what_is_no_handshake_ends_at_once(self):
        hello = client_hello()
        for bytes_sent in (b"\x16\x03\x01\xff\xff" + b"\x01" * 100, b"\x16\x03\x01\x00\x04\x01\xff\xff\xff" + b"\x00" * 50,
                           b"\x80\x2e\x01\x00\x02", b"\x15\x03\x01\x00\x02\x02\x28", b"\x00" * 300, hello[:11] + b"\xff" * 200,
                           hello + hello, b"\x14\x03\x03\x00\x01\x01" * 1000):
            with self.raw() as client:
                try:
                    client.sendall(bytes_sent)
                    client.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                receive_all(client)  # ends
        self.assert_others_are_served()

    def test_a_record_longer_than_tls_allows_ends_the_connection(self):
        with self.raw() as raw:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            client = context.wrap_socket(raw, server_hostname="gw.test")
            copy = socket.socket(fileno=os.dup(client.fileno()))
            copy.settimeout(PATIENCE)
            copy.sendall(b"\x17\x03\x03\x50\x00" + b"x" * 0x5000)
            receive_all(copy)  # ends
            copy.close()
            client.close()
        self.assert_others_are_served()


if __name__ == "__main__":
    unittest.main()

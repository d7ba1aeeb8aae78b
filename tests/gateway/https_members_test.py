"""Members that speak HTTPS: requests, WebSockets and probes over TLS, with the right SNI."""
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import Gateway, ScriptedBackend, example, receive_until
from websocket import SWITCH, WebSocket, frame


class TlsBackend(ScriptedBackend):
    """A ScriptedBackend behind TLS, which notes the names it was asked for."""

    def __init__(self, script, folder):
        self.names = []
        key, certificate = folder / "key.pem", folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=member"], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.sni_callback = lambda _, name, __: self.names.append(name)
        super().__init__(script)

    def _serve(self, client):
        try:
            secured = self.context.wrap_socket(client, server_side=True)
        except (OSError, ssl.SSLError):
            return
        super()._serve(secured)


class HttpsMembers(unittest.TestCase):
    def test_requests_websockets_and_probes_go_over_tls(self):
        def serve(client, head):
            if b"Upgrade: websocket" in head:
                client.sendall(SWITCH)
                while data := client.recv(65536):
                    client.sendall(frame(2, b"x" * 100000, masked=False))
                return
            while True:
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"y" * 100000)
                head = receive_until(client, b"\r\n\r\n")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="passerelle-"))
        self.addCleanup(shutil.rmtree, folder)

        def over_tls(p):
            p["backendHttpSettingsCollection"][0]["properties"].update(protocol="Https", port=443, hostName="member.example")
            p["probes"][0]["properties"].update(protocol="Https", host="probe.example")
        with TlsBackend(serve, folder) as backend, Gateway([backend.address], template=example(over_tls)) as gateway:
            gateway.process.wait_for("certificates of https members are not verified yet")
            for tls in (False, True):
                status, body = gateway.get("/x", tls)
                self.assertEqual((status, len(body)), (200, 100000))
                tunnel = WebSocket(gateway.connect(tls))
                for _ in range(20):
                    tunnel.send(b"more")
                    self.assertEqual(tunnel.receive(), (2, b"x" * 100000))
                tunnel.stream.close()
            self.assertIn(b"Host: member.example\r\n", backend.head())
            self.assertIn("probe.example", backend.names)
            self.assertIn("member.example", backend.names)
            self.assertGreaterEqual(gateway.metric("upstream_reuses_total"), 1)

    def test_a_kept_connection_serves_only_the_name_it_was_made_for(self):
        def serve(client, head):
            while True:
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                head = receive_until(client, b"\r\n\r\n")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="passerelle-"))
        self.addCleanup(shutil.rmtree, folder)

        def over_tls(p):
            p["backendHttpSettingsCollection"][0]["properties"].update(protocol="Https", port=443)
            p["backendHttpSettingsCollection"][0]["properties"].pop("hostName", None)
            p["probes"][0]["properties"].update(protocol="Https", host="probe.example")
        with TlsBackend(serve, folder) as backend, Gateway([backend.address], template=example(over_tls)) as gateway:
            with gateway.connect() as client:
                for host in ("a.example", "b.example", "a.example", "b.example"):
                    client.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                    self.assertTrue(receive_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 200"))
            asked = [name for name in backend.names if name != "probe.example"]
            self.assertEqual(asked, ["a.example", "b.example"])
            self.assertEqual(backend.connections, 2)


if __name__ == "__main__":
    unittest.main()

"""Members that speak HTTPS: requests, WebSockets and probes over TLS, with the right SNI."""
import os
import ssl
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from certificates import Certificates
from harness import Gateway, ScriptedBackend, example, receive_until, wait_until
from websocket import SWITCH, WebSocket, frame


class TlsBackend(ScriptedBackend):
    """A ScriptedBackend behind TLS, which notes the names it was asked for."""

    def __init__(self, script, chain, key):
        self.names = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(chain, key)
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
        made = Certificates(self).leaf("member", ["member.example", "probe.example", "a.example", "b.example"])
        chain, key = made.join("chain.pem", "member", "intermediate"), made.path("member.key")
        local = {"trustedCertificates": {"*": str(made.path("root.pem"))}}

        def over_tls(p):
            p["backendHttpSettingsCollection"][0]["properties"].update(protocol="Https", port=443, hostName="member.example")
            p["probes"][0]["properties"].update(protocol="Https", host="probe.example")
        with TlsBackend(serve, chain, key) as backend, Gateway([backend.address], template=example(over_tls), local=local) as gateway:
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
        made = Certificates(self).leaf("member", ["member.example", "probe.example", "a.example", "b.example"])
        chain, key = made.join("chain.pem", "member", "intermediate"), made.path("member.key")
        local = {"trustedCertificates": {"*": str(made.path("root.pem"))}}

        def over_tls(p):
            p["backendHttpSettingsCollection"][0]["properties"].update(protocol="Https", port=443)
            p["backendHttpSettingsCollection"][0]["properties"].pop("hostName", None)
            p["probes"][0]["properties"].update(protocol="Https", host="probe.example")
        with TlsBackend(serve, chain, key) as backend, Gateway([backend.address], template=example(over_tls), local=local) as gateway:
            with gateway.connect() as client:
                for host in ("a.example", "b.example", "a.example", "b.example"):
                    client.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                    self.assertTrue(receive_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 200"))
            asked = [name for name in backend.names if name != "probe.example"]
            self.assertEqual(asked, ["a.example", "b.example"])
            self.assertEqual(backend.connections, 2)


def answer(client, head):
    while head:
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        head = receive_until(client, b"\r\n\r\n")


class Verification(unittest.TestCase):
    """A member's certificate is verified for its chain, its expiry and its name, and each failure is told apart."""

    def setUp(self):
        self.made = Certificates(self)
        self.made.authority("other-root")

    def gateway(self, backend, local=None, collections=None, **settings):
        def change(p):
            p["backendHttpSettingsCollection"][0]["properties"].update(protocol="Https", port=443, hostName="member.example", **settings)
            p["probes"][0]["properties"].update(protocol="Https", host="member.example")
            p.update(collections or {})
        return Gateway([backend.address], template=example(change), local=local, healthy=False)

    def seen(self, chain, key="member", **how):
        """What the probe saw of a member with this chain, and what a request got."""
        pem = self.made.join("served.pem", *chain)
        with TlsBackend(answer, pem, self.made.path(f"{key}.key")) as backend, self.gateway(backend, **how) as gateway:
            def member():
                return gateway.health()["pools"][0]["members"][0]
            wait_until(lambda: member()["lastProbe"] and member()["lastProbe"]["received"], "a probe")
            probe = member()["lastProbe"]
            if probe["success"]:
                wait_until(lambda: member()["health"] == "Up", "the member up")
            return probe["received"], gateway.get("/")[0]

    def roots(self, *names):
        return {"collections": {"trustedRootCertificates": [{"name": n, "properties": {"data": self.made.base64(n)}} for n in names]},
                "trustedRootCertificates": [{"id": f"/applicationGateways/applicationGateway1/trustedRootCertificates/{n}"} for n in names]}

    def test_a_member_under_a_trusted_root_is_up(self):
        self.made.leaf("member", ["member.example"])
        self.assertEqual(self.seen(["member", "intermediate"], **self.roots("root")), ("status 200", 200))

    def test_one_of_several_trusted_roots_is_enough(self):
        self.made.leaf("member", ["member.example"])
        self.assertEqual(self.seen(["member", "intermediate"], **self.roots("other-root", "root")), ("status 200", 200))

    def test_an_unknown_root(self):
        self.made.leaf("member", ["member.example"])
        for how in (self.roots("other-root"), {}):
            received, status = self.seen(["member", "intermediate"], **how)
            self.assertIn("the chain leads to an unknown root", received)
            self.assertEqual(status, 502)
        received, _ = self.seen(["member", "intermediate", "root"], **self.roots("other-root"))
        self.assertIn("the chain leads to an unknown root", received)

    def test_a_missing_intermediate(self):
        self.made.leaf("member", ["member.example"])
        self.assertIn("an intermediate certificate is missing", self.seen(["member"], **self.roots("root"))[0])

    def test_a_missing_leaf(self):
        self.assertIn("the leaf certificate is missing", self.seen(["intermediate"], "intermediate", **self.roots("other-root"))[0])

    def test_a_self_signed_leaf(self):
        self.made.leaf("member", ["member.example"], issuer=None)
        self.assertIn("the certificate is self-signed and not trusted", self.seen(["member"])[0])
        self.assertIn("self-signed", self.seen(["member"], **self.roots("member"))[0])

    def test_another_name(self):
        self.made.leaf("member", ["another.example"])
        self.assertIn("not for the name that was asked for", self.seen(["member", "intermediate"], **self.roots("root"))[0])
        self.assertEqual(self.seen(["member", "intermediate"], validateSNI=False, **self.roots("root")), ("status 200", 200))

    def test_the_common_name_counts_only_without_alternatives(self):
        self.made.leaf("member", [], subject="/CN=member.example")
        self.assertEqual(self.seen(["member", "intermediate"], **self.roots("root")), ("status 200", 200))
        self.made.leaf("member", ["another.example"], subject="/CN=member.example")
        self.assertIn("not for the name", self.seen(["member", "intermediate"], **self.roots("root"))[0])

    def test_a_trailing_dot_of_the_host_is_no_part_of_the_name(self):
        self.made.leaf("member", ["a.example", "probe.example"])
        chain, key = self.made.join("served.pem", "member", "intermediate"), self.made.path("member.key")

        def change(p):
            p["backendHttpSettingsCollection"][0]["properties"].update(protocol="Https", port=443)
            p["backendHttpSettingsCollection"][0]["properties"].pop("hostName", None)
            p["probes"][0]["properties"].update(protocol="Https", host="probe.example")
        with TlsBackend(answer, chain, key) as backend, Gateway([backend.address], template=example(change), local={"trustedCertificates": {"*": str(self.made.path("root.pem"))}}) as gateway, gateway.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a.example.\r\n\r\n")
            self.assertTrue(receive_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 200"))
            self.assertIn("a.example", backend.names)

    def test_an_expired_certificate(self):
        self.made.leaf("member", ["member.example"], days=-2)
        self.assertIn("has expired", self.seen(["member", "intermediate"], **self.roots("root"))[0])
        self.assertEqual(self.seen(["member", "intermediate"], validateCertChainAndExpiry=False, **self.roots("root")), ("status 200", 200))

    def test_the_name_sent_may_be_given(self):
        self.made.leaf("member", ["sni.example"])
        self.assertEqual(self.seen(["member", "intermediate"], sniName="sni.example", **self.roots("root")), ("status 200", 200))

    def test_an_authentication_certificate_is_the_members_own(self):
        self.made.leaf("member", ["another.example"], issuer=None).leaf("stranger", ["member.example"])
        for name, result in (("member", ("status 200", 200)), ("stranger", ("no answer: the certificate is none of the authentication certificates", 502))):
            named = {"collections": {"authenticationCertificates": [{"name": "own", "properties": {"data": self.made.base64(name)}}]},
                     "authenticationCertificates": [{"id": "/applicationGateways/applicationGateway1/authenticationCertificates/own"}]}
            self.assertEqual(self.seen(["member"], **named), result)

    def test_the_local_file_gives_roots_by_name_and_for_everyone(self):
        self.made.leaf("member", ["member.example"])
        root = str(self.made.path("root.pem"))
        self.assertEqual(self.seen(["member", "intermediate"], local={"trustedCertificates": {"other-root": root}}, **self.roots("other-root")), ("status 200", 200))
        self.assertEqual(self.seen(["member", "intermediate"], local={"trustedCertificates": {"*": root}}), ("status 200", 200))

    def test_a_root_changed_by_reload_is_asked_from_then_on(self):
        self.made.leaf("member", ["member.example"])
        pem = self.made.join("served.pem", "member", "intermediate")
        local = {"trustedCertificates": {"*": str(self.made.path("root.pem"))}}
        with TlsBackend(answer, pem, self.made.path("member.key")) as backend, self.gateway(backend, local=local) as gateway:
            gateway.wait_healthy(1)
            self.assertEqual(gateway.get("/")[0], 200)
            gateway.local["trustedCertificates"]["*"] = str(self.made.path("other-root.pem"))
            gateway.write_local(gateway.local)
            gateway.reload()
            self.assertEqual(gateway.get("/")[0], 502)  # no kept connection serves by what was trusted before


if __name__ == "__main__":
    unittest.main()

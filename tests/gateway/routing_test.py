"""Hosts, path maps, redirects and certificates by name, on the running gateway."""
import json
import os
import socket
import ssl
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config, forward, reference
from harness import BINARY, PATIENCE, Gateway, MirrorBackend, receive_all, receive_until
from websocket import WebSocket


def request(gateway, listener, path="/", host="gw.test", method="GET", fields=""):
    """Status, fields by lower-case name, body."""
    with socket.create_connection(("127.0.0.1", gateway.port_of(listener)), PATIENCE) as client:
        client.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}\r\n".encode())
        head, _, body = receive_all(client).partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    return int(lines[0].split()[1]), {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}, body


class Routing(unittest.TestCase):
    def setUp(self):
        self.config = Config()

    def pool(self, name):
        backend = MirrorBackend(name)
        self.addCleanup(backend.__exit__)
        return self.config.pool(name, backend.address)

    def start(self):
        gateway = Gateway.of(self.config)
        self.addCleanup(gateway.stop)
        return gateway

    def test_hosts_by_priority_paths_by_order_and_nobody_for_the_rest(self):
        c = self.config
        one, two, three = self.pool("one"), self.pool("two"), self.pool("three")
        wild = c.listener("wild", hostNames=["*.contoso.com", "contoso.com"])
        exact = c.listener("exact", hostName="www.contoso.com")
        paths = c.path_map("paths", forward(c, two), echo=(["/echo*"], forward(c, three)), later=(["/echo/deep/*"], forward(c, one)))
        c.rule("wild", wild, priority=200, **forward(c, one))
        c.rule("exact", exact, priority=100, urlPathMap=paths)
        gateway = self.start()
        status, _, body = request(gateway, "wild", host="other.example")
        self.assertEqual(status, 404)
        self.assertIn(b"<h1>404 Not Found</h1>", body)
        for host, path, member in (("a.contoso.com", "/", "one"), ("contoso.com", "/echo", "one"), ("www.CONTOSO.com:8080", "/", "two"),
                                   ("www.contoso.com", "/echo", "three"), ("www.contoso.com", "/ECHO/deep/x?y", "three"), ("www.contoso.com", "/%65cho", "three"),
                                   ("www.contoso.com", "/xecho", "two")):
            _, fields, body = request(gateway, "wild", path, host)
            self.assertEqual(fields.get("x-backend"), member, (host, path))
            self.assertTrue(body.startswith(f"GET {path} HTTP/1.1\r\n".encode()), "the path goes on as it came")
            record = gateway.wait_record(lambda r: r["properties"]["originalHost"] == host and r["properties"]["originalRequestUriWithArgs"] == path, "a record")
            self.assertEqual(record["backendPoolName"], member)
            self.assertEqual(record["ruleName"], "wild" if member == "one" else "exact")
        with socket.create_connection(("127.0.0.1", gateway.port_of("exact")), PATIENCE) as client:
            tunnel = WebSocket(client, "/echo/chat", host="www.contoso.com")
            self.assertIn(b"X-Backend: three", tunnel.head)
            tunnel.echo(b"hello")

    def test_without_priorities_the_rules_order_decides(self):
        c = self.config
        one, two = self.pool("one"), self.pool("two")
        basic, exact = c.listener("basic"), c.listener("exact", hostName="www.contoso.com")
        c.rule("exact", exact, **forward(c, two))
        c.rule("basic", basic, **forward(c, one))
        gateway = self.start()
        self.assertEqual(request(gateway, "basic", host="www.contoso.com")[1]["x-backend"], "two")
        self.assertEqual(request(gateway, "basic", host="any")[1]["x-backend"], "one")

    def test_redirects_to_a_listener_and_to_a_url(self):
        c = self.config
        one = self.pool("one")
        plain, secure = c.listener("plain"), c.listener("secure", 443, "Https")
        to_https = c.add("redirectConfigurations", "https", redirectType="Permanent", targetListener=secure, includePath=True, includeQueryString=True)
        away = c.add("redirectConfigurations", "away", redirectType="SeeOther", targetUrl="https://other.example/", includePath=False, includeQueryString=False)
        paths = c.path_map("paths", {"redirectConfiguration": to_https}, away=(["/away/*"], {"redirectConfiguration": away}))
        c.rule("plain", plain, urlPathMap=paths)
        c.rule("secure", secure, **forward(c, one))
        gateway = self.start()
        port = gateway.port_of("secure")
        status, fields, body = request(gateway, "plain", "/a%20b?x=1&y", "www.contoso.com:80")
        self.assertEqual((status, fields["location"]), (301, f"https://www.contoso.com:{port}/a%20b?x=1&y"))
        self.assertIn(b"<h1>301 Moved Permanently</h1>", body)
        self.assertEqual(fields["server"], "Passerelle")
        status, fields, body = request(gateway, "plain", "/away/x?q", method="HEAD")
        self.assertEqual((status, fields["location"], body), (303, "https://other.example/", b""))
        record = gateway.wait_record(lambda r: r["properties"]["httpStatus"] == 303, "the redirect's record")
        self.assertEqual((record["ruleName"], record["properties"]["httpMethod"]), ("plain", "HEAD"))

    def test_the_name_a_client_asks_for_chooses_the_certificate(self):
        c = self.config
        one = self.pool("one")
        for name, hosts in (("first", {"hostName": "first.example"}), ("second", {"hostNames": ["*.second.example"]})):
            c.rule(name, c.listener(name, 443, "Https", **hosts), **forward(c, one))
        gateway = self.start()

        def certificate(server_name):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", gateway.port_of("first")), PATIENCE) as raw, context.wrap_socket(raw, server_hostname=server_name) as secured:
                return secured.getpeercert(binary_form=True)
        first, second = certificate("first.example"), certificate("A.second.example")
        self.assertNotEqual(first, second)
        self.assertEqual(certificate("b.second.example"), second)
        self.assertEqual(certificate("unknown.example"), first)
        self.assertEqual(certificate(None), first)

    def test_routing_changes_by_reload_and_tunnels_go_on(self):
        c = self.config
        one, two = self.pool("one"), self.pool("two")
        c.rule("basic", c.listener("basic"), **forward(c, one))
        gateway = self.start()
        with socket.create_connection(("127.0.0.1", gateway.port_of("basic")), PATIENCE) as client:
            tunnel = WebSocket(client, "/echo", host="any")
            tunnel.echo(b"before")
            c.properties["requestRoutingRules"].clear()
            listener = reference("httpListeners", "basic")
            c.rule("basic", listener, urlPathMap=c.path_map("paths", forward(c, two), old=(["/old"], forward(c, one))))
            gateway.write_template(c.template())
            gateway.write_local(c.local())
            gateway.reload()
            gateway.wait_all_up()
            self.assertEqual(request(gateway, "basic", "/old")[1]["x-backend"], "one")
            self.assertEqual(request(gateway, "basic", "/new")[1]["x-backend"], "two")
            tunnel.echo(b"after")

    def test_a_connection_outlives_a_reload_that_moves_its_frontend_and_no_clear_text_reaches_a_tls_listener(self):
        c = self.config
        one = self.pool("one")
        c.rule("basic", c.listener("basic"), **forward(c, one))
        gateway = self.start()
        with socket.create_connection(("127.0.0.1", gateway.port_of("basic")), PATIENCE) as client:
            def ask():
                client.sendall(b"GET /x HTTP/1.1\r\nHost: any\r\n\r\n")
                head = receive_until(client, b"\r\n\r\n")
                while b"\r\n\r\n" not in head.partition(b"\r\n\r\n")[2]:  # the mirrored head is the body
                    if not head.startswith(b"HTTP/1.1 200"):
                        break
                    head += client.recv(65536)
                return int(head.split()[1])
            self.assertEqual(ask(), 200)
            gateway.write_local(dict(c.local(), frontendIPConfigurations={"*": "127.0.0.2"}))
            gateway.reload()
            self.assertEqual(ask(), 200)
            c.properties["httpListeners"][0]["properties"].update(protocol="Https", sslCertificate=c.add("sslCertificates", "cert"))
            gateway.write_template(c.template())
            gateway.reload()
            self.assertEqual(ask(), 503)
            gateway.process.wait_for("503 to 127.0.0.1: a reload took the frontend front:80 its connection came in by")

    def test_the_redirect_matrix_and_explain_says_the_same(self):
        c = self.config
        secure = c.listener("secure", port=443, protocol="Https", hostName="secure.test")
        c.rule("secure", secure, **forward(c, self.pool("one")))
        targets = {"listener": {"targetListener": secure}, "bare": {"targetUrl": "https://away.test"}, "path": {"targetUrl": "https://away.test/own?x=1"}}
        cases = [(kind, target, path, query) for kind in ("Permanent", "Found", "SeeOther", "Temporary") for target in targets for path in (True, False) for query in (True, False)]
        rules = {}
        for i, (kind, target, path, query) in enumerate(cases):
            made = c.add("redirectConfigurations", f"r{i}", redirectType=kind, includePath=path, includeQueryString=query, **targets[target])
            rules[f"p{i}"] = ([f"/case{i}/*"], {"redirectConfiguration": made})
        c.rule("plain", c.listener("plain"), urlPathMap=c.path_map("map", {"redirectConfiguration": reference("redirectConfigurations", "r0")}, **rules))
        gateway = self.start()
        gateway.write_local(dict(c.local(), frontendPorts={"443": gateway.port_of("secure")}))
        statuses = {"Permanent": 301, "Found": 302, "SeeOther": 303, "Temporary": 307}
        for i, (kind, target, path, query) in enumerate(cases):
            asked = f"/case{i}/%41b?q=1&r"
            own_path = {"listener": asked.split("?")[0] if path else "/", "bare": asked.split("?")[0] if path else "", "path": "/own?x=1"}[target]
            base = {"listener": f"https://secure.test:{gateway.port_of('secure')}", "bare": "https://away.test", "path": "https://away.test"}[target]
            expected = base + own_path + (("&" if "?" in own_path else "?") + "q=1&r" if query else "")
            status, fields, _ = request(gateway, "plain", asked)
            self.assertEqual((status, fields["location"]), (statuses[kind], expected), (kind, target, path, query))
            said = json.loads(subprocess.run([BINARY, "explain", str(gateway.template_path), f"http://gw.test{asked}", "--format", "json"], capture_output=True, text=True).stdout)
            self.assertEqual((said["action"], said["status"], said["location"]), ("redirect", status, expected))

    def test_a_redirect_without_a_host_to_go_to_is_a_400(self):
        c = self.config
        one = self.pool("one")
        plain, secure = c.listener("plain"), c.listener("secure", 443, "Https")
        c.rule("plain", plain, redirectConfiguration=c.add("redirectConfigurations", "https", redirectType="Found", targetListener=secure, includePath=True))
        c.rule("secure", secure, **forward(c, one))
        gateway = self.start()
        with socket.create_connection(("127.0.0.1", gateway.port_of("plain")), PATIENCE) as client:
            client.sendall(b"GET /evil.example HTTP/1.0\r\n\r\n")
            self.assertTrue(receive_all(client).startswith(b"HTTP/1.1 400 "))


if __name__ == "__main__":
    unittest.main()

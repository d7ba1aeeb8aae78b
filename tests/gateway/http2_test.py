"""HTTP/2 on HTTPS listeners: who gets it, what members see of it, bodies both ways, and how connections end."""
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import http2
from config import Config, forward
from harness import PATIENCE, Gateway, GatewayCase, ScriptedBackend, receive_until, wait_until
from http2 import CANCEL, DATA, END_HEADERS, END_STREAM, HEADERS, INTERNAL_ERROR, NO_ERROR, RST_STREAM, Http2, frame, request, tls_context


def http2_gateway(backend, change=None, **more):
    config = Config()
    config.rule("rule", config.listener("listener", 443, "Https"), **forward(config, config.pool("pool", backend.address)), priority=1)
    config.rule("clear-rule", config.listener("clear", 80), **forward(config, config.pool("pool", backend.address)), priority=2)
    config.properties["enableHttp2"] = True
    if change:
        change(config)
    return Gateway.of(config, **more)


def respond(text, fields=""):
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n{fields}\r\n{text}".encode()


def body_after(head, client, done):
    """What follows a head, some of which may have come with it, until it is done."""
    body = head.partition(b"\r\n\r\n")[2]
    while not done(body):
        piece = client.recv(65536)
        if not piece:
            break
        body += piece
    return body


class Http2Case(GatewayCase):
    @classmethod
    def make_gateway(cls, backend):
        return http2_gateway(backend)

    def client(self, **more):
        client = Http2(self.gateway.https_port, **more)
        self.addCleanup(client.socket.close)
        return client

    def serve(self, *answers):
        """The member gives these answers, one a request, on whatever connection they come."""
        waiting = list(answers)

        def script(client, head):
            while True:
                client.sendall(waiting.pop(0))
                receive_until(client, b"\r\n\r\n")
        type(self).script = staticmethod(script)


class Requests(Http2Case):
    def test_a_member_sees_an_http_1_1_request(self):
        self.serve(respond("hello", "Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Kept: Yes\r\n"))
        with self.client() as client:
            answer = client.fetch(request("/a?b=c", fields=[("cookie", "a=1"), ("cookie", "b=2"), ("x-own", "Value"), ("te", "trailers")]))
            self.assertEqual((answer.status, answer.data), (200, b"hello"))
            self.assertEqual(answer.fields["x-kept"], "Yes")
            for name in ("connection", "keep-alive", "x-hop", "transfer-encoding"):
                self.assertNotIn(name, answer.fields)
        seen = self.backend.head().decode()
        self.assertTrue(seen.startswith("GET /a?b=c HTTP/1.1\r\nHost: gw.test\r\n"), seen)
        lines = seen.split("\r\n")
        self.assertIn("Cookie: a=1; b=2", lines)
        self.assertIn("x-own: Value", lines)
        self.assertNotIn("chunked", seen)
        self.assertIn("X-Forwarded-Proto: https", lines)

    def test_the_access_log_names_the_version(self):
        self.serve(respond("hello"))
        with self.client() as client:
            client.fetch(request("/logged"))
        record = self.gateway.wait_record(lambda r: r["properties"].get("originalRequestUriWithArgs", "") == "/logged", "the record")
        self.assertEqual(record["properties"]["httpVersion"], "HTTP/2.0")
        self.assertGreater(record["properties"]["sentBytes"], 5)

    def test_a_body_with_a_length_keeps_it_and_one_without_is_chunked(self):
        bodies = []

        def script(client, head):
            if b"Transfer-Encoding: chunked" in head:
                bodies.append(body_after(head, client, lambda body: body.endswith(b"0\r\n\r\n")))
            else:
                bodies.append(body_after(head, client, lambda body: len(body) == 5))
            client.sendall(respond("ok"))
        type(self).script = staticmethod(script)
        with self.client() as client:
            self.assertEqual(client.fetch(request(method="POST", fields=[("content-length", "5")]), b"12345").status, 200)
        self.assertIn(b"Content-Length: 5\r\n", self.backend.head())
        self.backend.drop_all()
        with self.client() as client:
            self.assertEqual(client.fetch(request(method="POST"), b"12345").status, 200)
        self.assertEqual(bodies, [b"12345", b"5\r\n12345\r\n0\r\n\r\n"])

    def test_trailers_pass_both_ways(self):
        seen = []

        def script(client, head):
            seen.append(body_after(head, client, lambda body: body.endswith(b"sum\r\n\r\n")))
            client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\nContent-Length: 7\r\n\r\n")
        type(self).script = staticmethod(script)
        with self.client() as client:
            stream = client.open(request(method="POST"), end=False)
            client.data(stream, b"12345")
            self.assertTrue(client.alive())
            client.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, http2.head([("x-check", "sum"), ("host", "evil.test")])))
            answer = client.finish(stream)
            self.assertEqual((answer.status, answer.data), (200, b"hello"))
            self.assertEqual(dict(answer.heads[1]), {"x-sum": "42"})
        self.assertEqual(seen, [b"5\r\n12345\r\n0\r\nx-check: sum\r\n\r\n"])

    def test_large_bodies_pass_both_ways_whole(self):
        body = os.urandom(3_000_000)

        def script(client, head):
            got = body_after(head, client, lambda got: len(got) >= len(body))
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(got) + got)
        type(self).script = staticmethod(script)
        with self.client() as client:
            answer = client.fetch(request(method="PUT", fields=[("content-length", str(len(body)))]), body)
            self.assertEqual(answer.data, body)
            self.assertTrue(client.alive())

    def test_head_and_empty_answers_end_with_their_head(self):
        self.serve(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n")
        with self.client() as client:
            self.assertEqual([client.fetch(request(method=m)).status for m in ("HEAD", "GET", "GET")], [200, 204, 304])
            self.assertEqual([s.data for s in client.streams.values()], [b"", b"", b""])

    def test_an_answer_that_ends_with_its_connection_ends_with_its_stream(self):
        def script(client, head):
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil close")
        type(self).script = staticmethod(script)
        with self.client() as client:
            answer = client.fetch(request())
            self.assertEqual((answer.data, answer.reset), (b"until close", None))

    def test_interim_answers_pass(self):
        def script(client, head):
            client.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" + respond("done"))
        type(self).script = staticmethod(script)
        with self.client() as client:
            answer = client.fetch(request())
            self.assertEqual([dict(h)[":status"] for h in answer.heads], ["103", "200"])
            self.assertEqual(answer.data, b"done")

    def test_an_answer_that_comes_before_the_body_has_ended_is_whole_and_the_stream_then_reset(self):
        def script(client, head):
            client.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!")
        type(self).script = staticmethod(script)
        with self.client() as client:
            stream = client.open(request(method="POST"), end=False)
            client.data(stream, b"x" * 1000)
            answer = client.finish(stream)
            self.assertEqual((answer.status, answer.data), (413, b"no!"))
            client.wait(lambda: answer.reset is not None, "the reset")
            self.assertEqual(answer.reset, NO_ERROR)
            client.send(frame(DATA, 0, stream, b"too late"))
            self.assertTrue(client.alive())

    def test_an_answer_cut_short_is_a_reset(self):
        def script(client, head):
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        type(self).script = staticmethod(script)
        with self.client() as client:
            answer = client.fetch(request())
            self.assertEqual((answer.status, answer.reset, answer.ended), (200, INTERNAL_ERROR, False))
            self.assertTrue(client.alive())

    def test_a_request_the_client_resets_lets_its_member_go(self):
        left = threading.Event()

        def script(client, head):
            if client.recv(1) == b"":
                left.set()
        type(self).script = staticmethod(script)
        with self.client() as client:
            stream = client.open(request())
            self.backend.head()
            client.send(frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big")))
            self.assertTrue(left.wait(PATIENCE))
            self.assertTrue(client.alive())

    def test_a_slow_request_does_not_hold_up_the_next(self):
        go_on = threading.Event()

        def script(client, head):
            if b"/slow" in head:
                go_on.wait(PATIENCE)
            client.sendall(respond("ok"))
        type(self).script = staticmethod(script)
        with self.client() as client:
            slow = client.open(request("/slow"))
            self.assertEqual(client.fetch(request("/fast")).data, b"ok")
            self.assertFalse(client.streams[slow].heads)
            go_on.set()
            self.assertEqual(client.finish(slow).data, b"ok")

    def test_our_own_pages_and_refusals_come_by_stream(self):
        with self.client() as client:
            too_long = client.fetch(request(fields=[("x-long", "a" * 9000)]))
            too_many = client.fetch(request(fields=[(f"x-{i}", "a" * 1000) for i in range(18)]))
            two_hosts = client.fetch(request(fields=[("host", "other.test")]))
            expects = client.fetch(request(fields=[("expect", "the-unexpected")]))
            self.assertEqual([s.status for s in (too_long, too_many, two_hosts, expects)], [431, 431, 400, 400])
            self.assertIn(b"431", too_long.data)
            self.assertTrue(client.alive())

    def test_requests_are_not_mixed_up(self):
        def script(client, head):
            while True:
                client.sendall(respond(head.split()[1].decode() * 500))
                head = receive_until(client, b"\r\n\r\n")
        type(self).script = staticmethod(script)
        with self.client() as client:
            streams = {client.open(request(f"/{i}-")): f"/{i}-" for i in range(200)}
            for stream, path in streams.items():
                self.assertEqual(client.finish(stream).data.decode(), path * 500)


class Configured(unittest.TestCase):
    def test_a_rewrite_sees_the_version(self):
        def change(config):
            rewrite = config.add("rewriteRuleSets", "set", rewriteRules=[{"name": "r", "ruleSequence": 1, "actionSet": {"responseHeaderConfigurations": [{"headerName": "X-Version", "headerValue": "{var_http_version}"}]}}])
            for rule in config.properties["requestRoutingRules"]:
                rule["properties"]["rewriteRuleSet"] = rewrite

        def script(client, head):
            client.sendall(respond("ok"))
        with ScriptedBackend(script) as backend:
            config_with_sets = lambda config: (config.properties.setdefault("rewriteRuleSets", []), change(config))
            with http2_gateway(backend, config_with_sets) as gateway, Http2(gateway.https_port) as client:
                self.assertEqual(client.fetch(request()).fields["x-version"], "HTTP/2.0")
                with gateway.connect(tls=True) as old:
                    old.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    self.assertIn(b"X-Version: HTTP/1.1\r\n", receive_until(old, b"\r\n\r\n"))

    def test_a_reload_that_takes_http_2_away_leaves_open_connections_as_they_are(self):
        with ScriptedBackend(lambda client, head: client.sendall(respond("ok"))) as backend, http2_gateway(backend) as gateway, Http2(gateway.https_port) as client:
            self.assertEqual(client.fetch(request()).status, 200)
            template = json.loads(gateway.template_path.read_text())
            template["resources"][0]["properties"]["enableHttp2"] = False
            gateway.write_template(template)
            gateway.reload()
            self.assertEqual(client.fetch(request()).status, 200)
            raw = socket.create_connection(("127.0.0.1", gateway.https_port), PATIENCE)
            with tls_context("h2", "http/1.1").wrap_socket(raw) as after:
                self.assertEqual(after.selected_alpn_protocol(), "http/1.1")

    def test_a_reload_that_takes_the_listener_away_answers_503_and_ends(self):
        with ScriptedBackend(lambda client, head: client.sendall(respond("ok"))) as backend, http2_gateway(backend) as gateway, Http2(gateway.https_port) as client:
            self.assertEqual(client.fetch(request()).status, 200)
            template = json.loads(gateway.template_path.read_text())
            properties = template["resources"][0]["properties"]
            properties["httpListeners"] = [each for each in properties["httpListeners"] if each["name"] == "clear"]
            properties["requestRoutingRules"] = [each for each in properties["requestRoutingRules"] if each["name"] == "clear-rule"]
            gateway.write_template(template)
            gateway.reload()
            self.assertEqual(client.fetch(request()).status, 503)


class Negotiation(unittest.TestCase):
    def test_only_where_the_template_says_so_and_the_client_offers_it(self):
        with ScriptedBackend(lambda client, head: client.sendall(respond("ok"))) as backend:
            for enabled in (True, False):
                with http2_gateway(backend, lambda c: c.properties.update(enableHttp2=enabled)) as gateway:
                    for offer, chosen in ((["h2", "http/1.1"], "h2" if enabled else "http/1.1"), (["http/1.1"], "http/1.1"), (["http/1.1", "h2"], "h2" if enabled else "http/1.1"), ([], None)):
                        raw = socket.create_connection(("127.0.0.1", gateway.https_port), PATIENCE)
                        with (tls_context(*offer) if offer else ssl._create_unverified_context()).wrap_socket(raw) as client:
                            self.assertEqual(client.selected_alpn_protocol(), chosen)
                    if not enabled:
                        raw = socket.create_connection(("127.0.0.1", gateway.https_port), PATIENCE)
                        with contextlib.closing(raw), self.assertRaises(ssl.SSLError):
                            tls_context("h2").wrap_socket(raw)

    def test_not_with_a_suite_that_http_2_forbids(self):
        def change(config):
            config.properties["sslPolicy"] = {"policyType": "Predefined", "policyName": "AppGwSslPolicy20170401"}
        with ScriptedBackend(lambda client, head: client.sendall(respond("ok"))) as backend, http2_gateway(backend, change) as gateway:
            for suite, chosen in (("ECDHE-ECDSA-AES128-GCM-SHA256", "h2"), ("ECDHE-ECDSA-AES128-SHA", "http/1.1")):
                context = tls_context("h2", "http/1.1")
                context.maximum_version = ssl.TLSVersion.TLSv1_2
                context.set_ciphers(suite)
                raw = socket.create_connection(("127.0.0.1", gateway.https_port), PATIENCE)
                with context.wrap_socket(raw) as client:
                    self.assertEqual(client.selected_alpn_protocol(), chosen, suite)

    def test_never_in_clear_text(self):
        with ScriptedBackend(lambda client, head: client.sendall(respond("ok"))) as backend, http2_gateway(backend) as gateway:
            upgrade = gateway.get(fields="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n")
            self.assertEqual(upgrade[0], 403)
            with gateway.connect() as client:
                client.sendall(http2.PREFACE + http2.settings())
                self.assertTrue(receive_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 400 "))


class Endings(unittest.TestCase):
    def setUp(self):
        self.hold = threading.Event()

        def script(client, head):
            while True:
                if b"/held" in head:
                    self.hold.wait(PATIENCE)
                client.sendall(respond("ok"))
                head = receive_until(client, b"\r\n\r\n")
        self.backend = ScriptedBackend(script)
        self.addCleanup(self.backend.__exit__)
        self.gateway = http2_gateway(self.backend)
        self.addCleanup(self.gateway.stop)

    def test_the_thousandth_request_is_the_last_and_every_one_is_answered(self):
        with Http2(self.gateway.https_port) as client:
            for _ in range(10):
                streams = [client.open(request()) for _ in range(100)]
                for stream in streams:
                    self.assertEqual(client.finish(stream).status, 200)
            client.wait(lambda: client.goaways, "GOAWAY")
            client.wait_end()
            self.assertEqual(client.goaways[-1], (1999, NO_ERROR))

    def test_a_request_sent_before_the_goaway_was_read_is_still_served(self):
        with Http2(self.gateway.https_port) as client:
            for _ in range(10):
                streams = [client.open(request()) for _ in range(101)]
                for stream in streams:
                    self.assertEqual(client.finish(stream).status, 200)

    def test_a_stop_lets_what_is_under_way_end(self):
        with Http2(self.gateway.https_port) as client, Http2(self.gateway.https_port) as idle:
            self.assertEqual(idle.fetch(request()).status, 200)
            held = client.open(request("/held"))
            self.assertTrue(client.alive())
            self.gateway.process.send(signal.SIGTERM)
            idle.wait_end()
            self.assertEqual(idle.goaways, [(1, NO_ERROR)])
            client.wait(lambda: client.goaways, "GOAWAY")
            self.hold.set()
            self.assertEqual(client.finish(held).data, b"ok")
            client.wait_end()
            self.assertEqual(client.goaways[-1], (held, NO_ERROR))

    def test_a_client_that_says_goaway_still_gets_its_answers(self):
        with Http2(self.gateway.https_port) as client:
            held = client.open(request("/held"))
            self.backend.head()
            client.frame(http2.GOAWAY, payload=bytes(8))
            self.hold.set()
            self.assertEqual(client.finish(held).data, b"ok")
            client.wait_end()

    def test_a_client_that_leaves_lets_go_of_everything(self):
        with Http2(self.gateway.https_port) as client:
            for _ in range(20):
                client.open(request("/held"))
            wait_until(lambda: self.backend.connections == 20, "20 requests at the member")
        wait_until(lambda: self.gateway.metric("connections_open") == 0, "the connection's end")
        before = self.gateway.descriptors()
        self.assertLess(before, 40)

    def test_h2load_runs_clean(self):
        done = subprocess.run(["h2load", "-n", "5000", "-c", "10", "-m", "50", f"https://127.0.0.1:{self.gateway.https_port}/"], capture_output=True, text=True, timeout=120)
        self.assertIn("5000 succeeded, 0 failed, 0 errored, 0 timeout", done.stdout)
        self.assertIn("5000 2xx, 0 3xx, 0 4xx, 0 5xx", done.stdout)


if __name__ == "__main__":
    unittest.main()

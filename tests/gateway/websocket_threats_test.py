"""What an upgrade is attacked with (docs/threat_model.md, W): positive tests of upgrades are not enough, refusals are tested."""
import os
import queue
import socket
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import PATIENCE, Gateway, GatewayCase, ScriptedBackend, example, receive_all, receive_exactly, receive_until, wait_until
from websocket import ACCEPT, KEY, SWITCH, WebSocket, handshake

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PLAIN = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"


class WebSocketThreats(GatewayCase):
    def answering(self, *answers):
        """Each head on a connection gets the next answer, the last one for ever."""
        def script(client, head):
            for i in range(1000):
                answer = answers[min(i, len(answers) - 1)]
                client.sendall(answer(head) if callable(answer) else answer)
                head = receive_until(client, b"\r\n\r\n")
                self.backend.received.put(head)
        type(self).script = staticmethod(script)

    def ask(self, request, end=b"\r\n\r\n"):
        client = self.gateway.connect()
        client.sendall(request)
        return client, receive_until(client, end)

    def status(self, request):
        client, head = self.ask(request)
        client.close()
        return int(head.split()[1])

    def test_w1_a_426_is_an_answer_and_what_follows_is_http(self):
        self.answering(b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n", OK)
        client, head = self.ask(handshake().replace(b"Version: 13", b"Version: 7"))
        self.assertTrue(head.startswith(b"HTTP/1.1 426 "))
        client.sendall(b"GET /private HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
        self.assertTrue(receive_until(client, b"ok").startswith(b"HTTP/1.1 200"))
        self.backend.head()
        self.assertIn(b"X-Forwarded-For: 6.6.6.6, 127.0.0.1:", self.backend.head())

    def test_w2_w5_a_200_is_no_upgrade_whatever_its_fields_say(self):
        self.answering(b"HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno", OK)
        client, head = self.ask(handshake(), b"no")
        self.assertNotIn(b"Upgrade", head)
        client.sendall(PLAIN)
        self.assertTrue(receive_until(client, b"ok").startswith(b"HTTP/1.1 200"))
        self.backend.head()
        self.assertIn(b"X-Original-URL: /next", self.backend.head())

    def test_w3_w12_other_protocols_are_not_offered_to_the_backend_and_pipelined_requests_are_parsed(self):
        for protocol, fields in ((b"foo", b""), (b"foo", b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n")):
            self.answering(OK)
            client, head = self.ask(b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: " + protocol + b"\r\n" + fields + b"\r\n" + PLAIN, b"ok")
            if head.count(b"HTTP/1.1 200") < 2:
                head += receive_until(client, b"ok")
            self.assertEqual(head.count(b"HTTP/1.1 200"), 2)
            first, second = self.backend.head(), self.backend.head()
            for word in (b"pgrade", b"HTTP2-Settings"):
                self.assertNotIn(word, first)
            self.assertIn(b"GET /next ", second)
        for protocol in (b"h2c", b"h2c, foo"):
            _, head = self.ask(b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: " + protocol + b"\r\n\r\n", b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 403 "), head)

    def test_w4_bytes_behind_an_upgrade_that_is_refused_are_not_tunnelled(self):
        self.answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", OK)
        client, head = self.ask(handshake() + b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n", b"ok")
        self.assertIn(b"HTTP/1.1 403", head)
        self.backend.head()
        self.assertIn(b"X-Original-URL: /admin", self.backend.head())

    def test_w6_an_upgrade_with_a_body_is_refused(self):
        self.answering(SWITCH)
        for body in (b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"):
            client, head = self.ask(handshake()[:-2] + body)
            self.assertTrue(head.startswith(b"HTTP/1.1 400 "))
            receive_all(client)
        self.assertTrue(self.backend.received.empty())

    def test_w7_w8_a_101_nobody_asked_for_is_a_502_and_no_tunnel(self):
        self.answering(SWITCH)
        for request in (PLAIN, b"POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n",
                        handshake().replace(b"HTTP/1.1", b"HTTP/1.0"), handshake().replace(b"Connection: Upgrade\r\n", b"")):
            self.assertEqual(self.status(request), 502, request)

    def test_w9_w10_w11_a_101_that_does_not_fit_is_a_502(self):
        for bad in (SWITCH.replace(b"Upgrade: websocket\r\n", b""), SWITCH.replace(b"websocket", b"h2c"), SWITCH.replace(b"Connection: Upgrade\r\n", b""),
                    SWITCH.replace(ACCEPT.encode(), b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="), SWITCH.replace(b"Sec-WebSocket-Accept", b"X-Nothing"),
                    SWITCH[:-2] + b"Content-Length: 5\r\n\r\nhello", SWITCH[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"):
            self.answering(bad)
            self.assertEqual(self.status(handshake()), 502, bad)
        self.answering(SWITCH[:-2] + b"Content-Length: 0\r\n\r\n")
        client, head = self.ask(handshake())
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "))
        self.assertNotIn(b"Content-Length", head)

    def test_w13_an_upgrade_that_does_not_count_is_not_forwarded(self):
        self.answering(OK)
        for request in (handshake().replace(b"HTTP/1.1", b"HTTP/1.0"), handshake().replace(b"Connection: Upgrade\r\n", b"")):
            self.assertEqual(self.status(request), 200)
            self.assertNotIn(b"Upgrade:", self.backend.head())

    def test_w14_w15_fields_named_in_connection_are_stripped_and_our_own_survive(self):
        self.answering(SWITCH)
        client, _ = self.ask(handshake().replace(b"Connection: Upgrade", b"Connection: Upgrade, X-Internal-Auth, X-Forwarded-For, X-AppGW-Trace-Id")[:-2]
                             + b"X-Internal-Auth: me\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n")
        seen = self.backend.head()
        self.assertNotIn(b"X-Internal-Auth", seen)
        self.assertIn(b"127.0.0.1:", seen.split(b"X-Forwarded-For: ")[1].split(b"\r\n")[0])
        self.assertRegex(seen, rb"X-AppGW-Trace-Id: [0-9a-f]{32}\r\n")
        client.close()

    def test_w16_w17_a_handshake_has_one_key_and_one_host(self):
        self.answering(SWITCH)
        key = b"Sec-WebSocket-Key: " + KEY.encode() + b"\r\n"
        for request in (handshake().replace(key, b""), handshake().replace(key, key + key), handshake().replace(KEY.encode(), b"short"),
                        handshake().replace(b"Host: gw.test\r\n", b""), handshake().replace(b"Host: gw.test\r\n", b"Host: a\r\nHost: b\r\n")):
            self.assertEqual(self.status(request), 400, request)
        self.assertTrue(self.backend.received.empty())
        client, _ = self.ask(handshake().replace(b"Upgrade: websocket", b"Upgrade: foo/1\r\nUpgrade: websocket, bar"))
        seen = self.backend.head()
        self.assertIn(b"Upgrade: websocket\r\n", seen)
        self.assertNotIn(b"bar", seen)
        client.close()

    def test_w18_frames_in_the_same_segment_as_the_heads_arrive_in_order(self):
        def script(client, head):
            client.sendall(SWITCH + b"behind the 101")
            client.sendall(receive_exactly(client, 18))
        type(self).script = staticmethod(script)
        for tls in (False, True):
            client = self.gateway.connect(tls)
            client.sendall(handshake() + b"behind the request")
            answer = receive_until(client, b"behind the request")
            self.assertEqual(answer.split(b"\r\n\r\n", 1)[1], b"behind the 101behind the request")

    def test_w19_a_client_that_never_reads_stops_the_backend_and_memory_stays(self):
        sent = [0]

        def flood(client, head):
            client.sendall(SWITCH)
            client.settimeout(1)
            try:
                while sent[0] < 1 << 30:
                    sent[0] += client.send(b"x" * 65536)
            except OSError:
                pass
        type(self).script = staticmethod(flood)
        client, _ = self.ask(handshake())
        before = -1
        while before != sent[0]:
            before = sent[0]
            threading.Event().wait(0.3)
        self.assertLess(sent[0], 64 << 20)
        with open(f"/proc/{self.gateway.pid}/status") as file:
            resident = int(file.read().split("VmRSS:")[1].split()[0])
        if "asan" not in os.environ.get("PASSERELLE_BINARY", "") and "tsan" not in os.environ.get("PASSERELLE_BINARY", ""):
            self.assertLess(resident, 60 * 1024)
        client.close()

    def test_w20_w23_odd_frames_pass_untouched(self):
        def echo(client, head):
            client.sendall(SWITCH)
            while data := client.recv(65536):
                client.sendall(data)
        type(self).script = staticmethod(echo)
        for odd in (b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff" + b"x" * 100, b"\x8f\x80abcd", b"\x81\x05hello", b"\x89\xfe\xff\xff" + b"x" * 100, b"\x00" * 50, b"GET / HTTP/1.1\r\n\r\n"):
            client, _ = self.ask(handshake())
            client.sendall(odd)
            self.assertEqual(receive_exactly(client, len(odd)), odd)
            client.close()

    def test_w21_when_one_leg_breaks_the_other_is_released_within_a_second(self):
        gone = queue.Queue()

        def hold(client, head):
            if b"/late" not in head:
                client.sendall(SWITCH)
            try:
                gone.put("end" if client.recv(1) == b"" else "data")
            except ConnectionError:
                gone.put("reset")
        type(self).script = staticmethod(hold)
        baseline = self.gateway.descriptors()
        for path, abrupt in (("/", True), ("/", False), ("/late", True), ("/late", False)):
            client = self.gateway.connect()
            client.sendall(handshake(path))
            if path == "/":
                receive_until(client, b"\r\n\r\n")
            self.backend.head()
            if abrupt:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            self.assertIn(gone.get(timeout=1 if "san" not in os.environ.get("PASSERELLE_BINARY", "") else 5), ("reset", "end"), (path, abrupt))

        def abort(client, head):
            client.sendall(SWITCH)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        type(self).script = staticmethod(abort)
        client, _ = self.ask(handshake())
        with self.assertRaises(ConnectionResetError):
            while client.recv(100):
                pass
        wait_until(lambda: self.gateway.descriptors() <= baseline, "descriptors back to %d, now %d" % (baseline, self.gateway.descriptors()))

    def test_w22_half_close_both_ways(self):
        def after_end(client, head):
            client.sendall(SWITCH)
            said = receive_all(client)
            client.sendall(b"you said " + said)
        type(self).script = staticmethod(after_end)
        client, _ = self.ask(handshake())
        client.sendall(b"all of it")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_all(client), b"you said all of it")

        heard = queue.Queue()

        def first_to_end(client, head):
            client.sendall(SWITCH)
            client.shutdown(socket.SHUT_WR)
            heard.put(receive_all(client))
        type(self).script = staticmethod(first_to_end)
        client, _ = self.ask(handshake())
        self.assertEqual(client.recv(10), b"")
        client.sendall(b"still talking")
        client.close()
        self.assertEqual(heard.get(timeout=PATIENCE), b"still talking")

    def test_w24_origin_cookies_extensions_and_subprotocols_pass_untouched(self):
        self.answering(SWITCH[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\nSet-Cookie: a=b; Path=/\r\n\r\n")
        fields = ("Origin: http://evil.example\r\nCookie: session=1; b=2\r\nAuthorization: Bearer x\r\n"
                  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other; a=\"1,2\"\r\nSec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c\r\n")
        client, head = self.ask(handshake("/", fields))
        seen = self.backend.head()
        for line in fields.encode().split(b"\r\n")[:-1]:
            self.assertIn(line + b"\r\n", seen)
        self.assertIn(b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n", head)
        self.assertIn(b"Set-Cookie: a=b; Path=/\r\n", head)
        client.close()

    def test_w25_interim_answers_pass_and_the_101_still_counts(self):
        self.answering(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SWITCH + b"hello")
        client, head = self.ask(handshake(), b"hello")
        self.assertIn(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", head)
        self.assertIn(b"HTTP/1.1 101 ", head)

    def test_a_401_to_a_handshake_passes_whole(self):
        self.answering(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 3\r\n\r\nwho")
        _, head = self.ask(handshake(), b"who")
        self.assertIn(b"WWW-Authenticate: Basic\r\n", head)


class TunnelTimeouts(unittest.TestCase):
    """The founding document: requestTimeout never touches a tunnel, unless the local file asks for Azure's later way."""

    def run_quiet(self, local):
        def quiet(client, head):
            client.sendall(SWITCH)
            receive_all(client)
        short = example(lambda p: p["backendHttpSettingsCollection"][0]["properties"].update(requestTimeout=1))
        with ScriptedBackend(quiet) as backend, Gateway([backend.address], template=short, local=local) as gateway:
            client = gateway.connect()
            client.sendall(handshake())
            receive_until(client, b"\r\n\r\n")
            client.settimeout(2.5)
            try:
                said = client.recv(100)
                ended = not said or said[2:4] == struct.pack("!H", 1001)
            except TimeoutError:
                ended = False
            client.close()
            record = gateway.wait_record(lambda r: r.get("tunnel", {}).get("event") == "close", "the close record")
            return ended, record["tunnel"]["cause"]

    def test_request_timeout_does_not_touch_a_tunnel(self):
        ended, cause = self.run_quiet({})
        self.assertFalse(ended)
        self.assertEqual(cause, "client ended without a close frame")

    def test_request_timeout_limits_tunnels_where_it_is_asked_for(self):
        self.assertEqual(self.run_quiet({"azureParity": {"requestTimeoutLimitsTunnels": True}}), (True, "idle timeout"))

    def test_tunnel_idle_timeout_ends_a_silent_tunnel(self):
        self.assertEqual(self.run_quiet({"tunnelIdleTimeout": 1}), (True, "idle timeout"))


if __name__ == "__main__":
    unittest.main()

"""What HTTP/1 parsing is attacked with (docs/threat_model.md, H), and the ordinary HTTP that must still pass."""
import json
import os
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import GatewayCase, receive_all, receive_until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def request(fields=b"", line=b"POST /x HTTP/1.1", body=b"", host=b"Host: a\r\n"):
    return line + b"\r\n" + host + fields + b"\r\n" + body


class HttpCase(GatewayCase):
    """The scripted backend answers every head alike."""

    def setUp(self):
        super().setUp()
        self.answer_with(OK)

    def answer_with(self, answer, close=False):
        def script(client, head):
            while True:
                client.sendall(answer)
                if close:
                    return
                head = receive_until(client, b"\r\n\r\n")
                self.backend.received.put(head)
        type(self).script = staticmethod(script)

    def send(self, data, half_close=True):
        """Everything the gateway says to these bytes, until it closes."""
        with self.gateway.connect() as client:
            client.sendall(data)
            if half_close:
                client.shutdown(socket.SHUT_WR)
            return receive_all(client)

    def refused(self, data, *statuses):
        answer = self.send(data, half_close=False)
        self.assertIn(int(answer.split()[1]), statuses, data)
        self.assertIn(b"Connection: close", answer)
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1)
        self.assertTrue(self.backend.received.empty(), data)


class HttpThreats(HttpCase):
    def test_h29_h31_bodies_with_two_lengths_are_refused(self):
        chunked, length = b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n"
        for fields in (chunked + length, length + chunked):
            self.refused(request(fields, body=b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"), 400)
        self.refused(request(chunked, line=b"POST /x HTTP/1.0", body=b"0\r\n\r\n"), 400)

    def test_h30_obscured_transfer_encodings_are_refused(self):
        for coding in (b" xchunked", b" chunked, chunked", b" chunked, identity", b"\x0bchunked", b" \"chunked\"", b" chunked\x00", b" identity", b"", b" chunked;a=b",
                       b"\n chunked", b" ,chunked x", b" cow", b" chunked, cow"):
            self.refused(request(b"Transfer-Encoding:" + coding + b"\r\n", body=b"0\r\n\r\n"), 400, 501)
        for fields in (b"Transfer-Encoding : chunked\r\n", b" Transfer-Encoding: chunked\r\n", b"X: y\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding\t: chunked\r\n",
                       b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n"):
            self.refused(request(fields, body=b"0\r\n\r\n"), 400, 501)

    def test_h32_content_lengths_that_are_no_plain_number_are_refused(self):
        for value in (b"+5", b"-5", b"5, 5", b"5,6", b"0x5", b"", b"5 5", b"5;", b"18446744073709551621", b"99999999999999999999999", b"\xb2", b"five", b"5\x00"):
            self.refused(request(b"Content-Length: " + value + b"\r\n", body=b"hello"), 400, 413)
        self.refused(request(b"Content-Length: 5\r\nContent-Length: 5\r\n", body=b"hello"), 400)
        self.refused(request(b"Content-Length: 5\r\nContent-Length: 6\r\n", body=b"hello!"), 400)
        self.refused(request(b"Content-Length: 99999999999\r\n"), 413)

    def test_h33_to_h36_heads_that_could_be_read_two_ways_are_refused(self):
        for fields in (b": empty name\r\n", b"A: b\x00c\r\n", b"A: b\rc\r\n", b"A: b\nc: d\r\n", b"A: b\r\n folded\r\n", b"A : b\r\n", b"A\x00: b\r\n", b"A(: b\r\n", b"no colon\r\n"):
            self.refused(request(fields, line=b"GET /x HTTP/1.1"), 400)
        self.refused(b"GET /x HTTP/1.1\nHost: a\n\n", 400)

    def test_h37_h38_chunks_that_could_be_read_two_ways_end_in_400(self):
        chunked = b"Transfer-Encoding: chunked\r\n"
        for body in (b"+5\r\nhello\r\n0\r\n\r\n", b"0_5\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff1\r\nhello", b"5\r\nhelloX\r\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n",
                     b"5 \r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"5;a=\n\r\nhello\r\n0\r\n\r\n", b"5;" + b"a" * 20000 + b"\r\nhello\r\n0\r\n\r\n", b"\r\n5\r\nhello\r\n0\r\n\r\n",
                     b"0\r\nX : y\r\n\r\n"):
            answer = self.send(request(chunked, body=body + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"), half_close=False)
            self.assertIn(b" 400 ", answer.split(b"\r\n")[0], body)
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1)
        while not self.backend.received.empty():
            self.assertNotIn(b"smuggled", self.backend.received.get().split(b"\r\n")[0])

    def test_h39_forbidden_trailers_are_dropped_and_others_arrive(self):
        got = []

        def script(client, head):
            body = head.split(b"\r\n\r\n", 1)[1]
            while b"\r\n\r\n" not in body:
                body += client.recv(65536)
            got.append(body)
            client.sendall(OK)
        type(self).script = staticmethod(script)
        self.assertIn(b" 200 ", self.send(request(b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", body=b"3\r\nabc\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: evil\r\nX_Forwarded_For: evil\r\nHTTP2-Settings: evil\r\nAuthorization: evil\r\nContent-Range: evil\r\nX-Sum: 7\r\n\r\n")))
        self.assertTrue(got[0].endswith(b"0\r\nX-Sum: 7\r\n\r\n"), got)
        self.assertNotIn(b"evil", got[0])

    def test_h40_hosts_that_are_none_or_two_are_refused_and_an_absolute_target_wins(self):
        for host in (b"", b"Host: a\r\nHost: b\r\n", b"Host: a,b\r\n", b"Host: u@a\r\n", b"Host: \r\n", b"Host: a b\r\n", b"Host: a:b\r\n", b"Host: a/b\r\n", b"Host: [::1\r\n", b"Host: a:1:2\r\n"):
            self.refused(request(line=b"GET /x HTTP/1.1", host=host), 400)
        self.send(b"GET http://real.example/y HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n")
        seen = self.backend.head()
        self.assertTrue(seen.startswith(b"GET /y HTTP/1.1\r\nHost: real.example\r\n"), seen)

    def test_h41_h42_targets_methods_and_versions_of_another_trade(self):
        self.refused(request(line=b"GET /a#b HTTP/1.1"), 400)
        self.refused(request(line=b"CONNECT a:80 HTTP/1.1"), 400, 405)
        self.refused(request(line=b"TRACE / HTTP/1.1"), 405)
        self.refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505)
        self.refused(b"GET /\r\n\r\n", 400)
        self.refused(request(line=b"GET / HTTP/3.0"), 505)
        self.refused(request(line=b"GET / HTTP/1.1 x"), 400)
        self.refused(b"\x16\x03\x01\x02\x00\x01\x00", 400)

    def test_h43_hop_by_hop_fields_stay_on_their_hop_both_ways(self):
        self.answer_with(b"HTTP/1.1 200 OK\r\nConnection: x-hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok")
        answer = self.send(request(b"Connection: close, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\nProxy-Authorization: x\r\nX-Kept: 1\r\n",
                                   line=b"GET /x HTTP/1.1"))
        seen = self.backend.head()
        for word in (b"X-Secret", b"Keep-Alive", b"Proxy-", b"TE:", b"Connection"):
            self.assertNotIn(word, seen)
        for word in (b"X-Hop", b"Keep-Alive", b"Proxy-", b"Upgrade"):
            self.assertNotIn(word, answer)
        self.assertIn(b"X-Kept: 1", seen)
        self.assertIn(b"X-Kept: 1", answer)

    def test_h44_what_the_gateway_says_of_the_client_cannot_be_forged(self):
        self.send(request(b"Connection: close\r\nX-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 7.7.7.7\r\nX.Forwarded.For: 8.8.8.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 9\r\n"
                          b"X-Original-Host: evil\r\nX-Original-URL: /evil\r\nX-AppGW-Trace-Id: 0\r\nx_under: kept\r\n", line=b"GET /x?y=1 HTTP/1.1"))
        seen = self.backend.head().decode()
        self.assertRegex(seen, r"\r\nX-Forwarded-For: 6\.6\.6\.6, 127\.0\.0\.1:\d+\r\n")
        for line in ("X-Forwarded-Proto: http", "X-Forwarded-Port: 80", "X-Original-Host: a", "X-Original-URL: /x?y=1", "x_under: kept"):
            self.assertIn(line + "\r\n", seen)
        self.assertRegex(seen, r"\r\nX-AppGW-Trace-Id: [0-9a-f]{32}\r\n")
        for word in ("7.7.7.7", "8.8.8.8", "evil"):
            self.assertNotIn(word, seen)

    def test_h45_an_unread_body_is_never_read_as_a_request(self):
        self.answer_with(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", close=True)
        with self.gateway.connect() as client:
            client.sendall(request(b"Content-Length: 100\r\n", body=b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"))
            answer = receive_all(client)
        self.assertIn(b" 403 ", answer)
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1)

    def test_h46_what_is_too_long_is_414_or_431(self):
        self.refused(request(line=b"GET /" + b"a" * 33000 + b" HTTP/1.1"), 414)
        self.refused(request(b"A: " + b"a" * 33000 + b"\r\n", line=b"GET / HTTP/1.1"), 431)
        self.refused(request(b"".join(b"A%d: b\r\n" % i for i in range(5000)), line=b"GET / HTTP/1.1"), 431)
        self.assertIn(b" 200 ", self.send(request(b"Connection: close\r\n", line=b"GET /" + b"a" * 30000 + b" HTTP/1.1")))

    def test_h47_a_body_the_backend_cut_short_never_ends_cleanly(self):
        self.answer_with(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort", close=True)
        answer = self.send(request(line=b"GET / HTTP/1.1"), half_close=False)
        self.assertTrue(answer.endswith(b"short"))
        self.answer_with(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n", close=True)
        answer = self.send(request(line=b"GET / HTTP/1.1"), half_close=False)
        self.assertTrue(answer.endswith(b"5\r\nshort\r\n"), answer)
        def late(client, head):
            client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n")
            threading.Event().wait(0.1)
            client.sendall(b"XX\r\n")
        type(self).script = staticmethod(late)
        self.assertTrue(self.send(request(line=b"GET / HTTP/1.1"), half_close=False).endswith(b"5\r\nshort\r\n"))

    def test_h37_bad_chunks_of_an_answer_are_a_502_while_nothing_has_left(self):
        for chunk in (b"zz\r\n", b"+5\r\n", b"0x5\r\nhello\r\n", b"\r\n", b"5\nhello\r\n", b"ffffffffffffffff\r\n"):
            self.answer_with(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, close=True)
            self.assertIn(b" 502 ", self.send(request(b"Connection: close\r\n", line=b"GET / HTTP/1.1")).split(b"\r\n")[0], chunk)

    def test_a_connection_field_that_names_too_much_is_refused(self):
        self.refused(request(b"Connection: " + b"a," * 15000 + b"\r\n", line=b"GET / HTTP/1.1"), 400)
        self.answer_with(b"HTTP/1.1 200 OK\r\nConnection: " + b"a," * 15000 + b"\r\nContent-Length: 2\r\n\r\nok", close=True)
        self.assertIn(b" 502 ", self.send(request(b"Connection: close\r\n", line=b"GET / HTTP/1.1")).split(b"\r\n")[0])

    def test_h48_a_backend_that_says_too_much_loses_its_connection(self):
        self.answer_with(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        for _ in range(3):
            self.assertNotIn(b"poison", self.send(request(b"Connection: close\r\n", line=b"GET / HTTP/1.1")))

    def test_backends_that_break_the_protocol_end_in_502(self):
        for bad in (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
                    b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"HTTP/2 200\r\n\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1 99 x\r\n\r\n", b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 20, b"HTTP/1.1 200 OK\r\nA: " + b"x" * 40000 + b"\r\n\r\n"):
            self.answer_with(bad, close=True)
            self.assertIn(b" 502 Bad Gateway", self.send(request(b"Connection: close\r\n", line=b"GET / HTTP/1.1")).split(b"\r\n\r\n")[-2], bad[:60])

    def test_log_lines_cannot_be_split_or_drive_a_terminal(self):
        self.send(request(b"Connection: close\r\nUser-Agent: a\"b\\c\xff\xc2\x9b31m\r\n", line=b"GET /log%0d%0a%1b[31m HTTP/1.1"))
        self.gateway.wait_record(lambda r: "/log" in r["properties"].get("requestUri", ""), "the record")
        text = self.gateway.log_path.read_bytes()
        for line in text.splitlines():
            json.loads(line)
        self.assertNotIn(b"\x1b", text)
        self.assertNotIn("\x9b".encode(), text)


class OrdinaryHttp(HttpCase):
    """What must pass, on the same gateway."""

    def test_pipelined_requests_are_answered_in_order(self):
        def script(client, head):
            while True:
                path = head.split()[1]
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))
                head = receive_until(client, b"\r\n\r\n")
        type(self).script = staticmethod(script)
        answer = self.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n%s\r\n" % (i, b"Connection: close\r\n" if i == 3 else b"") for i in (1, 2, 3)))
        self.assertEqual([part[:2] for part in answer.split(b"\r\n\r\n")[1:]], [b"/1", b"/2", b"/3"])

    def test_heads_and_bodiless_statuses_have_no_body(self):
        for line, answer in ((b"HEAD / HTTP/1.1", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), (b"GET / HTTP/1.1", b"HTTP/1.1 204 No Content\r\n\r\n"),
                             (b"GET / HTTP/1.1", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: x\r\n\r\n")):
            self.answer_with(answer)
            got = self.send(request(line=line) + request(b"Connection: close\r\n", line=line))
            self.assertEqual(got.count(b"HTTP/1.1 "), 2, got)
            self.assertTrue(got.endswith(b"\r\n\r\n"))
            self.backend.drop_all()

    def test_old_clients_get_bodies_they_can_read(self):
        self.answer_with(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
        answer = self.send(b"GET / HTTP/1.0\r\n\r\n")
        self.assertTrue(answer.endswith(b"\r\n\r\nhello world"), answer)
        self.assertNotIn(b"chunked", answer)
        self.backend.drop_all()
        self.answer_with(OK)
        answer = self.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n")
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 2)
        self.assertIn(b"Connection: keep-alive\r\n", answer)

    def test_a_host_with_an_empty_label_is_refused(self):
        for host in (b".example", b"a..b", b".", b".a:80"):
            self.refused(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", 400)

    def test_an_old_client_without_a_host_is_given_the_members(self):
        self.answer_with(OK)
        self.assertTrue(self.send(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 "))
        self.assertIn(b"\r\nHost: 127.0.0.1\r\n", self.backend.head())

    def test_a_body_that_ends_with_the_connection_is_chunked_on(self):
        self.answer_with(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", close=True)
        answer = self.send(request(b"Connection: close\r\n", line=b"GET / HTTP/1.1"))
        self.assertIn(b"Transfer-Encoding: chunked", answer)
        self.assertTrue(answer.endswith(b"\r\n\r\nd\r\nuntil the end\r\n0\r\n\r\n"), answer)

    def test_continue_and_early_hints_pass_and_the_body_follows(self):
        def script(client, head):
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = head.split(b"\r\n\r\n", 1)[1]
            while len(body) < 5:
                body += client.recv(10)
            client.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body)
        type(self).script = staticmethod(script)
        with self.gateway.connect() as client:
            client.sendall(request(b"Content-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n"))
            self.assertEqual(receive_until(client, b"\r\n\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n")
            client.sendall(b"hello")
            rest = receive_all(client)
        self.assertIn(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", rest)
        self.assertTrue(rest.endswith(b"hello"))

    def test_large_bodies_stream_both_ways(self):
        def script(client, head):
            body = head.split(b"\r\n\r\n", 1)[1]
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n")
            client.sendall(body)
            left = 20000000 - len(body)
            while left:
                piece = client.recv(65536)
                left -= len(piece)
                client.sendall(piece)
        type(self).script = staticmethod(script)
        payload = os.urandom(20000000)
        with self.gateway.connect() as client:
            threading.Thread(target=lambda: client.sendall(request(b"Content-Length: 20000000\r\nConnection: close\r\n", body=payload)), daemon=True).start()
            answer = receive_all(client)
        self.assertTrue(answer.partition(b"\r\n\r\n")[2] == payload)

    def test_plain_http_to_the_https_port_gets_a_400(self):
        with socket.create_connection(("127.0.0.1", self.gateway.https_port), 10) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertIn(b" 400 ", receive_all(client).split(b"\r\n")[0])


if __name__ == "__main__":
    unittest.main()

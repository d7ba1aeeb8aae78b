"""What HTTP/2 is attacked with: rows 49 to 58 of the threat model. Memory and work stay bounded, and other clients do not feel it."""
import os
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import http2
from harness import PATIENCE, SANITIZED, ScriptedBackend, receive_until, scaled, wait_until
from http2 import (ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PADDED, PING, PREFACE, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, Http2, frame, head, integer,
                   literal, request, settings)
from http2_test import Http2Case, respond

GET = head(request())
POST = head(request(method="POST"))
ENDLESS = 200_000  # frames: far more than any limit
MEMORY_MAX = 64 << 20


class Http2Threats(Http2Case):
    def setUp(self):
        super().setUp()
        self.stop = threading.Event()

        def script(client, request_head):
            while True:
                if b"/big" in request_head:
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(1_000_000))
                elif b"/held" in request_head:
                    client.recv(1)
                    return
                else:
                    client.sendall(respond("ok"))
                request_head = receive_until(client, b"\r\n\r\n")
        type(self).script = staticmethod(script)
        # Whoever was here before the attack is here after it, and is answered all the while.
        self.neighbour = self.client()
        self.assertEqual(self.neighbour.fetch(request()).status, 200)
        self.before = self.gateway.private_dirty()

    def neighbour_is_well(self):
        self.assertEqual(self.neighbour.fetch(request()).status, 200)
        if not SANITIZED:
            self.assertLess(self.gateway.private_dirty() - self.before, MEMORY_MAX)

    def flood(self, *first, each, count=ENDLESS, batch=500, reads=True, code=ENHANCE_YOUR_CALM):
        """Sends `each(i)` until the connection ends, which must be long before `count` of them. How many were sent."""
        client = self.client(gives_room=False)
        client.send(*first)
        for start in range(0, count, batch):
            if not client.send(*(each(i) for i in range(start, start + batch))):
                break
            if start % (batch * 20) == 0:
                self.neighbour_is_well()
        else:
            self.fail("all of it was taken")
        client.wait_end()
        if client.goaways:
            self.assertEqual(client.goaways[-1][1], code)
        self.neighbour_is_well()
        return start

    def test_2_49_rapid_reset(self):
        def request_and_reset(i):
            return frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, GET) + frame(RST_STREAM, 0, 2 * i + 1, struct.pack("!I", CANCEL))
        before = self.backend.connections
        self.flood(each=request_and_reset)
        self.assertLess(self.backend.connections - before, 600)

    def test_2_49_rapid_reset_one_by_one(self):
        client = self.client()
        for i in range(ENDLESS):
            if not client.send(frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, head(request("/held")))) or not client.alive():
                break
            client.send(frame(RST_STREAM, 0, 2 * i + 1, struct.pack("!I", CANCEL)))
        self.assertLess(i, 1100)
        client.wait_end()
        self.assertEqual(client.goaways[-1][1], ENHANCE_YOUR_CALM)
        self.neighbour_is_well()

    def test_2_50_resets_that_we_are_made_to_send(self):
        """MadeYouReset: the client breaks the stream's protocol instead of resetting it."""
        for breach in (lambda n: frame(HEADERS, END_HEADERS, n, head([("x", "y")])), lambda n: frame(WINDOW_UPDATE, 0, n, bytes(4)), lambda n: frame(WINDOW_UPDATE, 0, n, struct.pack("!I", 0x7FFFFFFF)) * 2):
            client = self.client()
            for i in range(ENDLESS):
                if not client.send(frame(HEADERS, END_HEADERS, 2 * i + 1, head(request("/held", method="POST"))) + breach(2 * i + 1)):
                    break
            self.assertLess(i, 20_000)
            client.wait_end()
            self.neighbour_is_well()

    def test_2_51_continuations_without_end(self):
        opening = frame(HEADERS, END_STREAM, 1, GET)
        self.flood(opening, each=lambda i: frame(CONTINUATION, 0, 1, literal(f"x-{i}", "a" * 1000)))
        self.flood(opening, each=lambda i: frame(CONTINUATION, 0, 1))

    def test_2_52_ping_settings_priority_window_updates_empty_data_and_unknown_frames(self):
        self.flood(each=lambda i: frame(PING, 0, 0, bytes(8)))
        self.flood(each=lambda i: frame(PING, ACK, 0, bytes(8)))
        self.flood(each=lambda i: frame(SETTINGS))
        self.flood(each=lambda i: settings(INITIAL_WINDOW_SIZE=i))
        self.flood(each=lambda i: settings(HEADER_TABLE_SIZE=i))
        self.flood(each=lambda i: frame(PRIORITY, 0, 2 * i + 1, bytes(4) + b"\x10"))
        self.flood(each=lambda i: frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", 1)))
        self.flood(each=lambda i: frame(0x77, 0, 0))
        self.flood(each=lambda i: frame(CONTINUATION + 1, 0xFF, 2 * i + 1, b"x"))
        held = frame(HEADERS, END_HEADERS, 1, head(request("/held", method="POST")))
        self.flood(held, each=lambda i: frame(DATA, 0, 1))
        self.flood(held, each=lambda i: frame(DATA, PADDED, 1, b"\x00"))
        self.flood(held, each=lambda i: frame(WINDOW_UPDATE, 0, 1, struct.pack("!I", 1)))
        self.flood(held, frame(RST_STREAM, 0, 1, bytes(4)), each=lambda i: frame(RST_STREAM, 0, 1, bytes(4)))

    def test_2_52_a_client_that_asks_and_does_not_read_the_replies(self):
        client = self.client()
        wait_until(lambda: not client.send(*(frame(PING, 0, 0, bytes(8)) for _ in range(1000))), "the connection's end")
        self.neighbour_is_well()

    def test_2_52_zero_windows_hold_one_piece_of_each_answer(self):
        count = scaled(900, 200)
        client = self.client(preface=PREFACE + settings(INITIAL_WINDOW_SIZE=0))
        streams = [client.open(request("/big")) for _ in range(count)]
        for stream in streams[:100]:
            client.accepted(stream)
        self.assertEqual(self.neighbour.fetch(request()).status, 200)
        if not SANITIZED:
            self.assertLess(self.gateway.private_dirty() - self.before, 30 << 20)
        # It was a stall, no loss: all come whole once there is room.
        client.send(settings(INITIAL_WINDOW_SIZE=1_000_000), frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", 1 << 30)))
        client.gives_room = False
        for stream in streams[:200]:
            self.assertEqual(len(client.finish(stream).data), 1_000_000)
            client.streams.pop(stream)

    def test_2_53_a_table_entry_that_is_named_over_and_over(self):
        """HPACK bomb: a few kilobytes that unpack to hundreds of megabytes."""
        entry = b"\x40" + integer(1, 7) + b"x" + integer(4000, 7) + b"a" * 4000
        client = self.client()
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, GET + entry))
        self.assertEqual(client.finish(1).status, 200)
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, GET + b"\xbe" * 16000))
        client.wait_end()
        self.assertEqual(client.goaways[-1][1], ENHANCE_YOUR_CALM)
        self.neighbour_is_well()
        client = self.client()
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, GET + entry + b"\xbe" * 10))
        self.assertEqual(client.finish(1).status, 431)
        self.assertTrue(client.alive())

    def test_2_53_the_same_in_trailers(self):
        entry = b"\x40" + integer(1, 7) + b"x" + integer(4000, 7) + b"a" * 4000
        client = self.client()
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, GET + entry))
        self.assertEqual(client.finish(1).status, 200)
        client.send(frame(HEADERS, END_HEADERS, 3, head(request("/held", method="POST"))), frame(HEADERS, END_HEADERS | END_STREAM, 3, b"\xbe" * 16000))
        client.wait_end()
        self.assertEqual(client.goaways[-1][1], ENHANCE_YOUR_CALM)
        self.neighbour_is_well()

    def test_2_53_heads_of_thousands_of_fields_are_refused(self):
        client = self.client()
        self.assertEqual(client.fetch(request(fields=[("x", "")] * 300)).status, 431)
        self.assertEqual(client.fetch(request(fields=[(f"x{i}", "y") for i in range(1000)])).status, 431)
        self.assertTrue(client.alive())

    def test_2_56_nothing_a_head_holds_becomes_a_second_request(self):
        evil = "x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil.test\r\n\r\n"
        for field in (("x-any", evil), (evil, "x"), ("cookie", evil), ("content-length", "5\r\nx: y"), ("content-length", "+5"), ("content-length", "5, 5"), ("transfer-encoding", "chunked"), ("te", evil)):
            self.client().fetch(request(method="POST", fields=[field]), b"hello")
        for name in (":path", ":authority", ":method", ":scheme"):
            self.client().fetch([(n, evil if n == name else v) for n, v in request()])
        # A length shorter than the body would make its rest the next request of a kept connection.
        client = self.client()
        stream = client.open(request(method="POST", fields=[("content-length", "3")]), end=False)
        client.data(stream, b"abcGET /evil HTTP/1.1\r\nHost: evil.test\r\n\r\n", end=True)
        client.finish(stream)
        # And one longer waits for what never comes (CVE-2026-33555): the end of the stream is no body.
        client = self.client()
        stream = client.open(request(method="POST", fields=[("content-length", "100")]), end=True)
        self.assertEqual(client.finish(stream).reset, http2.PROTOCOL_ERROR)
        self.neighbour_is_well()
        seen = b""
        while not self.backend.received.empty():
            seen += self.backend.received.get()
        self.assertNotIn(b"evil", seen)

    def test_2_57_websockets_after_the_first_work_and_an_upgrade_field_opens_none(self):
        client = self.client()
        for _ in range(3):
            self.assertEqual(client.finish(client.open(http2.websocket("/none"), end=False)).status, 502)
        self.assertEqual(client.fetch(request(fields=[("upgrade", "websocket")])).reset, http2.PROTOCOL_ERROR)
        self.assertTrue(client.alive())

    def test_a_byte_at_a_time_is_read_as_it_stands(self):
        client = self.client(preface=b"")
        for byte in PREFACE + settings() + frame(HEADERS, END_HEADERS, 1, POST) + frame(DATA, PADDED | END_STREAM, 1, b"\x02hello\0\0"):
            client.send(bytes([byte]))
        self.assertEqual(client.finish(1).status, 200)


if __name__ == "__main__":
    unittest.main()

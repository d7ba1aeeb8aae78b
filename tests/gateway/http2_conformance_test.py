"""RFC 9113 and RFC 7541, breach by breach: what must end a stream or the connection does, by the code it must, and what must be borne is borne.

The order and the numbers are those of RFC 9113's sections; where it leaves a choice, the stricter one is taken.
"""
import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import http2
from harness import ScriptedBackend, receive_until
from http2 import (ACK, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, GOAWAY, HEADERS, NO_ERROR, PADDED, PING, PREFACE,
                   PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE, REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, WITH_PRIORITY, Http2, frame, head, literal, request, settings)
from http2_test import http2_gateway, respond

OK = head(request())
POST = head(request(method="POST"))


def setting(number, value):
    return frame(SETTINGS, payload=struct.pack("!HI", number, value))


def opens(stream=1, block=OK, flags=END_HEADERS | END_STREAM, payload=None):
    return frame(HEADERS, flags, stream, block if payload is None else payload)


def update(stream, size):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", size))


class Conformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        def script(client, request_head):
            while True:
                if b"/held" in request_head:
                    client.recv(1)
                client.sendall(respond("x" * 100))
                request_head = receive_until(client, b"\r\n\r\n")
        cls.backend = ScriptedBackend(script)
        cls.gateway = http2_gateway(cls.backend)

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()
        cls.backend.__exit__()

    def connect(self, **more):
        client = Http2(self.gateway.https_port, **more)
        self.addCleanup(client.socket.close)
        return client

    def ends_connection(self, code, *pieces, **more):
        """The connection ends by GOAWAY with this code (or one of these)."""
        client = self.connect(**more)
        client.send(*pieces)
        client.wait_end()
        self.assertTrue(client.goaways, "no GOAWAY")
        self.assertIn(client.goaways[-1][1], code if isinstance(code, tuple) else (code,))

    def resets_stream(self, code, *pieces, stream=1):
        """The stream is reset with this code, and the connection lives."""
        client = self.connect()
        client.send(*pieces)
        client.wait(lambda: client.stream(stream).reset is not None, "the reset")
        self.assertEqual(client.streams[stream].reset, code)
        self.assertTrue(client.alive(), client.goaways)

    def answers(self, *pieces, stream=1, status=200, **more):
        client = self.connect(**more)
        client.send(*pieces)
        self.assertEqual(client.finish(stream).status, status)
        self.assertTrue(client.alive())

    # --- 3.4: the preface ---
    def test_3_4_a_wrong_preface_ends_the_connection(self):
        self.ends_connection(PROTOCOL_ERROR, preface=b"INVALID CONNECTION PREFACE\r\n\r\n")
        self.ends_connection(PROTOCOL_ERROR, preface=PREFACE + frame(PING, payload=bytes(8)))

    def test_3_4_our_settings_come_first(self):
        client = self.connect()
        client.wait(lambda: client.settings, "SETTINGS")
        self.assertEqual(client.settings[http2.NO_RFC7540_PRIORITIES], 1)
        self.assertEqual(client.settings[http2.MAX_HEADER_LIST_SIZE], 16384)

    # --- 4: frames ---
    def test_4_1_unknown_types_flags_and_reserved_bits_are_borne(self):
        self.answers(frame(0x16, 0xFF, 0, bytes(8)), frame(PING, 0xFE & ~ACK, 0, bytes(8)), opens())
        reserved = bytearray(frame(PING, 0, 0, bytes(8)))
        reserved[5] |= 0x80
        self.answers(bytes(reserved), opens())

    def test_4_2_frames_of_the_largest_size_are_taken_and_larger_ones_are_not(self):
        client = self.connect()
        client.wait(lambda: client.settings, "SETTINGS")
        client.send(opens(block=POST, flags=END_HEADERS), frame(DATA, END_STREAM, 1, bytes(16384)))
        self.assertEqual(client.finish(1).status, 200)
        self.ends_connection(FRAME_SIZE_ERROR, opens(block=POST, flags=END_HEADERS), frame(DATA, END_STREAM, 1, bytes(16385)))
        self.ends_connection((FRAME_SIZE_ERROR, COMPRESSION_ERROR), opens(block=OK + literal("x", "a" * 16384)))

    def test_4_3_a_header_block_that_cannot_be_decompressed_ends_the_connection(self):
        self.ends_connection(COMPRESSION_ERROR, opens(block=OK + b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff"))
        self.ends_connection((COMPRESSION_ERROR, PROTOCOL_ERROR), opens(block=OK + b"\xff\xff\xff\xff\xff\xff\xff\xff"))

    def test_4_3_nothing_comes_between_the_pieces_of_a_header_block(self):
        for between in (frame(PRIORITY, 0, 1, bytes(5)), frame(PING, payload=bytes(8)), opens(3), frame(DATA, 0, 1, b"x"), frame(0x16, 0, 0, b"x")):
            self.ends_connection(PROTOCOL_ERROR, opens(flags=END_STREAM), between, frame(CONTINUATION, END_HEADERS, 1))

    # --- 5.1: states ---
    def test_5_1_idle(self):
        for piece in (frame(DATA, END_STREAM, 1, b"test"), frame(RST_STREAM, 0, 1, bytes(4)), update(1, 100), frame(CONTINUATION, END_HEADERS, 1, OK)):
            self.ends_connection(PROTOCOL_ERROR, piece)

    def half_closed(self):
        """A client whose stream 1 has said all, and is not answered in full: there is no room for it."""
        client = self.connect(preface=PREFACE + setting(http2.INITIAL_WINDOW_SIZE, 0))
        client.send(opens())
        client.accepted(1)
        return client

    def test_5_1_half_closed_by_the_client(self):
        for piece in (frame(DATA, END_STREAM, 1, b"test"), opens(1)):
            client = self.half_closed()
            client.send(piece)
            client.wait(lambda: client.goaways or client.stream(1).reset is not None, "the end")
            self.assertEqual(client.stream(1).reset if client.stream(1).reset is not None else client.goaways[-1][1], STREAM_CLOSED)
        client = self.half_closed()
        client.send(frame(CONTINUATION, END_HEADERS, 1, OK))
        client.wait_end()
        self.assertIn(client.goaways[-1][1], (STREAM_CLOSED, PROTOCOL_ERROR))

    def test_5_1_closed_by_reset(self):
        for piece in (frame(DATA, END_STREAM, 1, b"test"), opens(1), frame(CONTINUATION, END_HEADERS, 1, OK)):
            self.ends_connection((STREAM_CLOSED, PROTOCOL_ERROR) if piece[3] == CONTINUATION else STREAM_CLOSED, opens(block=POST, flags=END_HEADERS), frame(RST_STREAM, 0, 1, struct.pack("!I", http2.CANCEL)), piece)

    def test_5_1_closed_in_order(self):
        for piece in (frame(DATA, END_STREAM, 1, b"test"), opens(1), frame(CONTINUATION, END_HEADERS, 1, OK)):
            client = self.connect()
            client.send(opens())
            client.finish(1)
            client.send(piece)
            client.wait_end()
            self.assertIn(client.goaways[-1][1], (STREAM_CLOSED, PROTOCOL_ERROR) if piece[3] == CONTINUATION else (STREAM_CLOSED,))

    def test_5_1_what_may_still_come_on_a_closed_stream_is_borne(self):
        client = self.connect()
        client.send(opens())
        client.finish(1)
        client.send(update(1, 100), frame(RST_STREAM, 0, 1, bytes(4)), frame(PRIORITY, 0, 1, bytes(4) + b"\x10"))
        self.assertTrue(client.alive())

    def test_5_1_1_stream_numbers_are_odd_and_rise(self):
        self.ends_connection(PROTOCOL_ERROR, opens(2))
        self.ends_connection((PROTOCOL_ERROR, STREAM_CLOSED), opens(5), opens(3))

    def test_5_1_2_more_streams_than_allowed_are_refused(self):
        client = self.connect(preface=PREFACE + setting(http2.INITIAL_WINDOW_SIZE, 0))
        client.wait(lambda: client.settings, "SETTINGS")
        allowed = client.settings[http2.MAX_CONCURRENT_STREAMS]
        numbers = [2 * i + 1 for i in range(allowed + 5)]
        client.send(*(opens(number, block=POST, flags=END_HEADERS) for number in numbers))
        client.wait(lambda: client.goaways or client.stream(numbers[-1]).reset is not None, "the last one's refusal")
        if client.goaways:
            self.assertEqual(client.goaways[-1], (numbers[allowed - 1], PROTOCOL_ERROR))
        else:
            self.assertEqual({client.stream(number).reset for number in numbers[allowed:]}, {REFUSED_STREAM})

    # --- 6: frame by frame ---
    def test_6_1_data(self):
        self.ends_connection(PROTOCOL_ERROR, frame(DATA, 0, 0, b"test"))
        self.ends_connection(PROTOCOL_ERROR, opens(block=POST, flags=END_HEADERS), frame(DATA, END_STREAM | PADDED, 1, b"\x06Test"))
        self.answers(opens(block=POST, flags=END_HEADERS), frame(DATA, END_STREAM | PADDED, 1, b"\x06Test" + bytes(6)))

    def test_6_2_headers(self):
        self.ends_connection(PROTOCOL_ERROR, opens(0))
        self.ends_connection(PROTOCOL_ERROR, opens(flags=END_HEADERS | END_STREAM | PADDED, payload=bytes([len(OK) + 1]) + OK))
        self.answers(opens(flags=END_HEADERS | END_STREAM | PADDED, payload=b"\x04" + OK + bytes(4)))
        self.answers(opens(flags=END_HEADERS | END_STREAM | WITH_PRIORITY, payload=bytes(4) + b"\x10" + OK))

    def test_6_3_priority(self):
        self.ends_connection(PROTOCOL_ERROR, frame(PRIORITY, 0, 0, bytes(5)))
        self.ends_connection(FRAME_SIZE_ERROR, opens(block=POST, flags=END_HEADERS), frame(PRIORITY, 0, 1, bytes(4)))
        self.ends_connection(PROTOCOL_ERROR, frame(PRIORITY, 0, 3, struct.pack("!I", 3) + b"\x10"))
        self.ends_connection(PROTOCOL_ERROR, opens(flags=END_HEADERS | END_STREAM | WITH_PRIORITY, payload=struct.pack("!I", 1) + b"\x10" + OK))
        self.answers(frame(PRIORITY, 0, 1, bytes(4) + b"\x10"), opens())

    def test_6_4_rst_stream(self):
        self.ends_connection(PROTOCOL_ERROR, frame(RST_STREAM, 0, 0, bytes(4)))
        self.ends_connection(FRAME_SIZE_ERROR, opens(block=POST, flags=END_HEADERS), frame(RST_STREAM, 0, 1, bytes(3)))

    def test_6_5_settings(self):
        self.ends_connection(FRAME_SIZE_ERROR, frame(SETTINGS, ACK, 0, bytes(6)))
        self.ends_connection(PROTOCOL_ERROR, frame(SETTINGS, 0, 1, struct.pack("!HI", 3, 100)))
        self.ends_connection(FRAME_SIZE_ERROR, frame(SETTINGS, 0, 0, bytes(3)))
        self.ends_connection(PROTOCOL_ERROR, setting(http2.ENABLE_PUSH, 2))
        self.ends_connection(FLOW_CONTROL_ERROR, setting(http2.INITIAL_WINDOW_SIZE, 1 << 31))
        self.ends_connection(PROTOCOL_ERROR, setting(http2.MAX_FRAME_SIZE, 16383))
        self.ends_connection(PROTOCOL_ERROR, setting(http2.MAX_FRAME_SIZE, 1 << 24))
        self.answers(setting(0xFF, 1), opens())

    def test_6_5_3_settings_are_acknowledged_and_the_last_value_holds(self):
        client = self.connect(gives_room=False)
        client.send(settings(INITIAL_WINDOW_SIZE=100), frame(SETTINGS, 0, 0, struct.pack("!HIHI", 4, 100, 4, 1)), opens())
        client.wait(lambda: client.acknowledged == 3 and client.stream(1).data, "acknowledgements and a byte")
        self.assertEqual(client.streams[1].data, b"x")

    def test_6_6_push_promise_from_a_client(self):
        self.ends_connection(PROTOCOL_ERROR, opens(block=POST, flags=END_HEADERS), frame(PUSH_PROMISE, END_HEADERS, 1, struct.pack("!I", 2) + OK))

    def test_6_7_ping(self):
        self.ends_connection(PROTOCOL_ERROR, frame(PING, 0, 1, bytes(8)))
        self.ends_connection(FRAME_SIZE_ERROR, frame(PING, 0, 0, bytes(6)))
        client = self.connect()
        client.send(frame(PING, ACK, 0, b"unasked!"))
        self.assertTrue(client.alive())
        self.assertEqual(client.pings, 1)

    def test_6_8_goaway(self):
        self.ends_connection(PROTOCOL_ERROR, frame(GOAWAY, 0, 1, bytes(8)))

    def test_6_9_window_update(self):
        self.ends_connection(PROTOCOL_ERROR, update(0, 0))
        self.ends_connection(FRAME_SIZE_ERROR, frame(WINDOW_UPDATE, 0, 0, bytes(3)))
        client = self.half_closed()
        client.send(update(1, 0))
        client.wait(lambda: client.goaways or client.stream(1).reset is not None, "the end")
        self.assertEqual(client.stream(1).reset if client.stream(1).reset is not None else client.goaways[-1][1], PROTOCOL_ERROR)

    def test_6_9_1_windows_that_overflow(self):
        self.ends_connection(FLOW_CONTROL_ERROR, update(0, 0x7FFFFFFF), update(0, 0x7FFFFFFF))
        client = self.half_closed()
        client.send(update(1, 0x7FFFFFFF), update(1, 0x7FFFFFFF))
        client.wait(lambda: client.goaways or client.stream(1).reset is not None or client.stream(1).ended, "the end")
        # All was sent between the two, or the stream is reset.
        self.assertIn(client.stream(1).reset, (None, FLOW_CONTROL_ERROR))
        self.assertTrue(client.alive())

    def test_6_9_2_a_window_that_changes_and_one_below_zero(self):
        client = self.half_closed()
        client.send(settings(INITIAL_WINDOW_SIZE=1))
        client.wait(lambda: client.stream(1).data, "one byte")
        self.assertEqual(client.streams[1].data, b"x")
        client = self.connect(preface=PREFACE + settings(INITIAL_WINDOW_SIZE=3), gives_room=False)
        client.send(opens())
        client.wait(lambda: len(client.stream(1).data) == 3, "three bytes")
        client.send(settings(INITIAL_WINDOW_SIZE=2), update(1, 2))
        client.wait(lambda: len(client.stream(1).data) == 4, "the fourth byte")
        self.assertTrue(client.alive())
        self.assertEqual(len(client.stream(1).data), 4)

    def test_6_9_a_client_that_sends_past_its_window(self):
        client = self.connect()
        client.wait(lambda: client.settings, "SETTINGS")
        room = client.settings[http2.INITIAL_WINDOW_SIZE]
        client.send(opens(block=head(http2.websocket("/held")), flags=END_HEADERS), *(frame(DATA, 0, 1, bytes(16384)) for _ in range(room // 16384 + 1)))
        client.wait(lambda: client.goaways or client.stream(1).over, "the end")
        self.assertEqual(client.goaways[-1][1] if client.goaways else client.stream(1).reset, FLOW_CONTROL_ERROR)

    def test_6_10_continuation(self):
        self.answers(opens(flags=END_STREAM), frame(CONTINUATION, 0, 1, head([("x-one", "1")])), frame(CONTINUATION, END_HEADERS, 1, head([("x-two", "2")])))
        self.ends_connection(PROTOCOL_ERROR, opens(flags=END_STREAM), frame(CONTINUATION, END_HEADERS, 0))
        self.ends_connection((PROTOCOL_ERROR, STREAM_CLOSED), opens(), frame(CONTINUATION, END_HEADERS, 1, head([("x", "y")])))
        self.ends_connection((PROTOCOL_ERROR, STREAM_CLOSED), opens(block=POST, flags=END_HEADERS), frame(DATA, 0, 1, b"x"), frame(CONTINUATION, END_HEADERS, 1, head([("x", "y")])))

    # --- 8: HTTP in it ---
    def test_8_1_a_second_head_that_does_not_end_the_stream(self):
        self.resets_stream(PROTOCOL_ERROR, opens(block=POST, flags=END_HEADERS), opens(block=head([("x", "y")]), flags=END_HEADERS))

    def test_8_2_fields_that_must_not_be_there(self):
        for field in (("X-Upper", "ok"), ("connection", "keep-alive"), ("keep-alive", "x"), ("proxy-connection", "x"), ("transfer-encoding", "chunked"), ("upgrade", "websocket"), ("te", "trailers, deflate"),
                      ("te", "chunked"), (":unknown", "x"), (":status", "200"), ("x space", "y"), ("x:colon", "y"), ("", "y"), ("x", "a\r\nevil: 1"), ("x", "a\nb"), ("x", "a\0b")):
            self.resets_stream(PROTOCOL_ERROR, opens(block=OK + head([field])))

    def test_8_3_1_pseudo_fields(self):
        method, scheme, authority, path = request()
        for fields in ([scheme, authority, path], [method, authority, path], [method, scheme, authority], [method, method, scheme, authority, path], [method, scheme, scheme, authority, path],
                       [method, scheme, authority, path, path], [method, scheme, authority, ("x", "y"), path], [method, scheme, authority, (":path", "")], [method, scheme, path],
                       [method, scheme, authority, (":path", "no-slash")], [method, scheme, authority, path, method]):
            self.resets_stream(PROTOCOL_ERROR, opens(block=head(fields)))

    def test_8_3_1_what_no_http_1_1_head_could_hold(self):
        for changed, status in (((":path", "/a b"), 400), ((":path", "/a#b"), 400), ((":path", "/\r\nevil: 1"), 400), ((":method", "GET /x HTTP/1.1"), 400), ((":method", "G\r\nT"), 400),
                                ((":scheme", "gopher"), 400), ((":scheme", "https://evil.test/x?"), 400), ((":authority", "a b"), 400), ((":authority", "user@gw.test"), 400), ((":authority", "a,b"), 400)):
            client = self.connect()
            fields = [changed if name == changed[0] else (name, value) for name, value in request()]
            client.send(opens(block=head(fields)))
            answer = client.finish(1)
            self.assertTrue(answer.reset == PROTOCOL_ERROR or answer.status == status, (changed, answer.status, answer.reset))
            self.assertTrue(client.alive())

    def test_8_1_1_a_length_that_is_not_the_bodys(self):
        for length, pieces in ((1, [b"test"]), (5, [b"test"]), (1, [b"te", b"st"]), (4, [])):
            data = [frame(DATA, END_STREAM if i == len(pieces) - 1 else 0, 1, piece) for i, piece in enumerate(pieces)]
            flags = END_HEADERS | (0 if pieces else END_STREAM)
            self.resets_stream(PROTOCOL_ERROR, opens(block=POST + head([("content-length", str(length))]), flags=flags), *data)
        self.resets_stream(PROTOCOL_ERROR, opens(block=POST + head([("content-length", "4"), ("content-length", "4")]), flags=END_HEADERS))

    def test_8_1_pseudo_fields_in_trailers(self):
        self.resets_stream(PROTOCOL_ERROR, opens(block=POST, flags=END_HEADERS), opens(block=head([(":method", "GET")])))

    # --- RFC 7541 ---
    def test_hpack_breaches_end_the_connection(self):
        for field in (b"\x80", b"\xc6", b"\x00\x85\xf2\xb2\x4a\x87\xff\xff\xff\xfd\x25\x42\x7f", b"\x00\x85\xf2\xb2\x4a\x84\xff\xff\xff\xff\xff" + b"\xff" * 8):
            self.ends_connection(COMPRESSION_ERROR, opens(block=OK + field))
        self.ends_connection(COMPRESSION_ERROR, opens(block=OK + b"\x3f\xe1\x1f"))  # a table size behind a field
        self.ends_connection(COMPRESSION_ERROR, opens(block=b"\x3f\xe1\xff\x03" + OK))  # a table larger than ours

    def test_hpack_tables_are_understood(self):
        indexed = b"\x82\x87\x84" + b"\x41" + http2.integer(7, 7) + b"gw.test" + b"\x40\x01x\x01y" + b"\xbe"
        client = self.connect()
        client.send(opens(1, block=indexed), opens(3, block=b"\x82\x87\x84\xbf\xbe"))
        self.assertEqual([client.finish(n).status for n in (1, 3)], [200, 200])


if __name__ == "__main__":
    unittest.main()

"""WebSockets over HTTP/2 (RFC 8441): opened, carried and ended as over HTTP/1.1, many on one connection, none in the way of another."""
import base64
import contextlib
import hashlib
import os
import socket
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import http2
from harness import PATIENCE, MirrorBackend, ScriptedBackend, receive_exactly, scaled, wait_until
from http2 import CANCEL, DATA, END_STREAM, NO_ERROR, RST_STREAM, Http2, frame, request
from http2_test import Http2Case, http2_gateway, respond
from websocket import CLOSE, SWITCH, TEXT, WebSocket, answer_echo
from websocket import frame as ws_frame


def answers_switch(client, head, fields=""):
    key = next(line.split(b": ", 1)[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    client.sendall(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{fields}\r\n".encode())


def ask(client, payload=b"hello", stream=None, **more):
    """Opens a WebSocket unless one is given, and has its echo."""
    if stream is None:
        stream = client.open(http2.websocket(**more), end=False)
        assert client.accepted(stream).status == 200, client.streams[stream].heads
    client.data(stream, ws_frame(TEXT, payload))
    answer = ws_frame(TEXT, payload, masked=False)
    assert client.received(stream, len(answer)) == answer
    return stream


class Opening(Http2Case):
    def test_a_member_sees_an_ordinary_handshake(self):
        def script(client, head):
            answers_switch(client, head, "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n")
            client.recv(1)
        type(self).script = staticmethod(script)
        with self.client() as client:
            client.wait(lambda: client.settings, "SETTINGS")
            self.assertEqual(client.settings[http2.ENABLE_CONNECT_PROTOCOL], 1)
            stream = client.open(http2.websocket("/chat?a=b", [("sec-websocket-protocol", "chat, other"), ("sec-websocket-extensions", "permessage-deflate"), ("origin", "https://gw.test")]), end=False)
            answer = client.accepted(stream)
            self.assertEqual(answer.status, 200)
            self.assertEqual((answer.fields["sec-websocket-protocol"], answer.fields["sec-websocket-extensions"]), ("chat", "permessage-deflate"))
            for name in ("upgrade", "connection", "sec-websocket-accept"):
                self.assertNotIn(name, answer.fields)
        seen = self.backend.head().decode()
        self.assertTrue(seen.startswith("GET /chat?a=b HTTP/1.1\r\nHost: gw.test\r\n"), seen)
        for line in ("Upgrade: websocket", "Connection: Upgrade", "sec-websocket-version: 13", "sec-websocket-protocol: chat, other", "origin: https://gw.test"):
            self.assertIn(line.lower(), [each.lower() for each in seen.split("\r\n")])
        self.assertEqual(seen.lower().count("sec-websocket-key: "), 1)

    def test_each_handshake_has_a_key_of_its_own_and_none_of_the_clients(self):
        type(self).script = staticmethod(lambda client, head: (answers_switch(client, head), client.recv(1)))
        keys = set()
        with self.client() as client:
            for _ in range(3):
                self.assertEqual(client.accepted(client.open(http2.websocket(fields=[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")]), end=False)).status, 200)
                seen = self.backend.head().decode()
                keys.update(line for line in seen.split("\r\n") if line.lower().startswith("sec-websocket-key:"))
        self.assertEqual(len(keys), 3)
        self.assertNotIn("dGhlIHNhbXBsZSBub25jZQ==", str(keys))

    def test_what_a_member_answers_instead_reaches_the_client(self):
        type(self).script = staticmethod(lambda client, head: client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: no\r\n\r\nno"))
        with self.client() as client:
            answer = client.finish(client.open(http2.websocket(), end=False))
            self.assertEqual((answer.status, answer.fields["x-why"], answer.data), (403, "no", b"no"))
            self.assertTrue(client.alive())

    def test_a_2xx_is_no_open_websocket(self):
        for answer in (respond("hello"), b"HTTP/1.1 204 No Content\r\n\r\n", respond("x", "Upgrade: websocket\r\nConnection: Upgrade\r\n")):
            type(self).script = staticmethod(lambda client, head, answer=answer: client.sendall(answer))
            with self.client() as client:
                self.assertEqual(client.finish(client.open(http2.websocket(), end=False)).status, 502, answer)

    def test_a_switch_that_does_not_fit_is_a_502(self):
        for answer in (SWITCH, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"):
            type(self).script = staticmethod(lambda client, head, answer=answer: client.sendall(answer))
            with self.client() as client:
                self.assertEqual(client.finish(client.open(http2.websocket(), end=False)).status, 502, answer)

    def test_another_protocol_and_a_stream_that_has_ended_are_refused(self):
        with self.client() as client:
            self.assertEqual(client.finish(client.open(http2.websocket(protocol="connect-udp"), end=False)).status, 501)
            self.assertEqual(client.finish(client.open(http2.websocket(), end=True)).status, 400)
            self.assertIn(client.finish(client.open([(":method", "CONNECT"), (":authority", "gw.test:443")], end=False)).status, (400, 405))
            self.assertTrue(client.alive())

    def test_it_needs_nothing_to_be_switched_on_but_http2_and_http_1_1_stays_beside_it(self):
        with MirrorBackend("m") as backend, http2_gateway(backend) as gateway:
            with Http2(gateway.https_port) as client:
                ask(client)
            WebSocket(gateway.connect(tls=True)).echo(b"old")


class Carrying(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.backend = MirrorBackend("m")
        cls.gateway = http2_gateway(cls.backend)

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()
        cls.backend.server.close()

    def client(self, **more):
        client = Http2(self.gateway.https_port, **more)
        self.addCleanup(client.socket.close)
        return client

    def test_many_on_one_connection_beside_requests(self):
        with self.client() as client:
            streams = [ask(client, b"%d" % i) for i in range(50)]
            self.assertEqual(client.fetch(request("/between")).status, 200)
            for i, stream in enumerate(streams):
                ask(client, b"again %d" % i, stream)

    def test_what_is_sent_before_the_answer_is_delivered(self):
        with self.client() as client:
            stream = client.open(http2.websocket(), end=False)
            client.data(stream, ws_frame(TEXT, b"early"))
            self.assertEqual(client.received(stream, 7), ws_frame(TEXT, b"early", masked=False))

    def test_the_logs_say_how_it_ended(self):
        with self.client() as client:
            stream = ask(client, path="/for-the-log")
            client.data(stream, ws_frame(CLOSE, b"\x03\xe8bye"))
            client.received(stream, 7)
            client.data(stream, b"", end=True)
            client.finish(stream)
        opened = self.gateway.wait_record(lambda r: r["properties"].get("originalRequestUriWithArgs") == "/for-the-log", "the opening's record")
        self.assertEqual((opened["properties"]["httpVersion"], opened["properties"]["httpStatus"]), ("HTTP/2.0", 101))
        trace = opened["properties"]["transactionId"]
        closed = self.gateway.wait_record(lambda r: r is not opened and r["properties"].get("transactionId") == trace and "closeCode" in str(r), "the close's record")
        self.assertIn("1000", str(closed))

    def test_a_thousand_on_one_connection_and_a_stalled_one_hold_nobody_up(self):
        count = scaled(1000, 200)
        with self.client() as client:
            streams = [ask(client, b"%d" % i) for i in range(count)]
            # The first is read from no more: their windows fill up, of a member's flood and of ours.
            client.gives_room = False
            stalled = streams[0]
            client.data(stalled, ws_frame(TEXT, b"x" * 20000) * 4)
            client.wait(lambda: len(client.streams[stalled].data) >= 30000, "the stalled one's window to fill")
            client.gives_room = True
            for _ in range(3):
                for i, stream in enumerate(streams[1:]):
                    ask(client, b"still here %d" % i, stream)
            self.assertLess(len(client.streams[stalled].data), 65536)

    def test_a_member_that_does_not_read_holds_nobody_up(self):
        go_on = threading.Event()

        def script(client, head):
            if b"/stalled" in head:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                answers_switch(client, head)
                go_on.wait(PATIENCE * 2)
                return
            answer_echo(client, head, "echo")
        with ScriptedBackend(script) as backend, http2_gateway(backend) as gateway, Http2(gateway.https_port) as client:
            good = ask(client)
            # Together more than the connection's window: what a tunnel has not taken is not held against the others.
            for _ in range(20):
                stalled = client.open(http2.websocket("/stalled"), end=False)
                self.assertEqual(client.accepted(stalled).status, 200)
                while client.windows.setdefault(stalled, client.settings[http2.INITIAL_WINDOW_SIZE]) > 0:
                    client.data(stalled, b"x" * client.windows[stalled])
                    self.assertTrue(client.alive())
            for i in range(100):
                ask(client, b"on and on %d" % i, good)
            go_on.set()

    def test_neighbours_share_the_way_out_whatever_priority_one_asks_for(self):
        """A tunnel that has much to send does not starve one that has little, even if the client puts it behind."""
        def script(client, head):
            answers_switch(client, head)
            if b"/flood" in head:
                while True:
                    client.sendall(bytes(65536))
            answer = receive_exactly(client, 7)
            while answer:
                client.sendall(b"\x81\x01.")
                answer = receive_exactly(client, 7)
        with ScriptedBackend(script) as backend, http2_gateway(backend) as gateway, Http2(gateway.https_port) as client:
            flood = client.open(http2.websocket("/flood"), end=False)
            client.accepted(flood)
            quiet = client.open(http2.websocket("/quiet"), end=False)
            client.accepted(quiet)
            client.frame(http2.PRIORITY, 0, quiet, flood.to_bytes(4, "big") + b"\x00")
            for _ in range(20):
                before = len(client.streams[flood].data)
                client.data(quiet, ws_frame(TEXT, b"."))
                client.received(quiet, 3)
                self.assertLess(len(client.streams[flood].data) - before, 8_000_000)


class Ending(Http2Case):
    def test_end_of_stream_is_fin_and_fin_is_end_of_stream(self):
        seen = []

        def script(client, head):
            answers_switch(client, head)
            seen.append(client.recv(100))
            seen.append(client.recv(100))
            client.sendall(b"last words")
        type(self).script = staticmethod(script)
        with self.client() as client:
            stream = client.open(http2.websocket(), end=False)
            client.accepted(stream)
            client.data(stream, b"\x88\x80abcd", end=True)
            answer = client.finish(stream)
            self.assertEqual((answer.data, answer.ended, answer.reset), (b"last words", True, None))
        self.assertEqual(seen, [b"\x88\x80abcd", b""])

    def test_a_reset_of_the_stream_is_a_reset_of_the_members_connection(self):
        ended = []

        def script(client, head):
            answers_switch(client, head)
            try:
                ended.append(client.recv(100))
            except ConnectionResetError:
                ended.append("reset")
        type(self).script = staticmethod(script)
        with self.client() as client:
            stream = client.open(http2.websocket(), end=False)
            client.accepted(stream)
            client.send(frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big")))
            wait_until(lambda: ended, "the member's end")
            self.assertTrue(client.alive())
        self.assertEqual(ended, ["reset"])

    def test_a_members_reset_is_a_cancelled_stream(self):
        def script(client, head):
            answers_switch(client, head)
            client.recv(1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        type(self).script = staticmethod(script)
        with self.client() as client:
            stream = client.open(http2.websocket(), end=False)
            client.accepted(stream)
            client.data(stream, b"x")
            answer = client.finish(stream)
            self.assertEqual((answer.reset, answer.ended), (CANCEL, False))
            self.assertTrue(client.alive())

    def test_the_connections_end_ends_its_tunnels(self):
        ended = []

        def script(client, head):
            answers_switch(client, head)
            try:
                client.recv(100)
            except OSError:
                pass
            ended.append(1)
        type(self).script = staticmethod(script)
        with self.client() as client:
            for _ in range(30):
                client.accepted(client.open(http2.websocket(), end=False))
        wait_until(lambda: len(ended) == 30, "all members' connections to end")
        wait_until(lambda: self.gateway.metric("tunnels_open") == 0, "the tunnels' end")

    def test_tunnels_close_while_both_windows_are_full(self):
        """CVE-2025-62409: flow control must not look for what has just gone."""
        def script(client, head):
            answers_switch(client, head)
            while True:
                client.sendall(bytes(65536))
        for ending in ("reset", "leave", "reload", "end"):
            type(self).script = staticmethod(script)
            with self.client(gives_room=False) as client:
                streams = [client.open(http2.websocket(), end=False) for _ in range(10)]
                for stream in streams:
                    client.accepted(stream)
                    client.send(frame(DATA, 0, stream, bytes(16000)))
                client.wait(lambda: sum(len(client.streams[s].data) for s in streams) > 60000, "full windows")
                if ending == "reset":
                    client.send(*(frame(RST_STREAM, 0, s, CANCEL.to_bytes(4, "big")) for s in streams))
                    self.assertTrue(client.alive())
                elif ending == "end":
                    client.send(*(frame(DATA, END_STREAM, s) for s in streams))
                    self.assertTrue(client.alive())
                elif ending == "reload":
                    self.gateway.reload()
                    self.assertTrue(client.alive())
            wait_until(lambda: self.gateway.metric("tunnels_open") == 0, "the tunnels' end after " + ending)


class Floods(unittest.TestCase):
    def test_members_that_flood_and_reset_take_their_tunnels_only(self):
        def script(client, head):
            answers_switch(client, head)
            if b"/flood" not in head:
                return answer_echoes(client)
            with contextlib.suppress(OSError):
                for _ in range(60):
                    client.sendall(bytes(65536))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        def answer_echoes(client):
            while piece := client.recv(65536):
                client.sendall(piece)
        wide = http2.PREFACE + http2.settings(INITIAL_WINDOW_SIZE=10_000_000) + frame(http2.WINDOW_UPDATE, 0, 0, struct.pack("!I", 1 << 30))
        with ScriptedBackend(script) as backend, http2_gateway(backend) as gateway:
            for _ in range(scaled(20, 4)):
                with Http2(gateway.https_port, preface=wide) as client:
                    calm = client.open(http2.websocket("/calm"), end=False)
                    self.assertEqual(client.accepted(calm).status, 200)
                    floods = [client.open(http2.websocket("/flood"), end=False) for _ in range(20)]
                    for stream in floods:
                        client.finish(stream)
                    client.data(calm, b"still here")
                    self.assertEqual(client.received(calm, 10), b"still here")
            wait_until(lambda: gateway.metric("tunnels_open") == 0, "the tunnels' end")


class Outliving(unittest.TestCase):
    def test_a_goaway_waits_for_tunnels_which_do_not_count_as_requests(self):
        with MirrorBackend("m") as backend, http2_gateway(backend) as gateway, Http2(gateway.https_port) as client:
            tunnel = ask(client)
            for _ in range(10):
                ask(client)
            self.assertFalse(client.goaways)
            for _ in range(10):
                for stream in [client.open(request()) for _ in range(100)]:
                    self.assertEqual(client.finish(stream).status, 200)
            client.wait(lambda: len(client.goaways) == 2, "both GOAWAYs")
            self.assertEqual(client.goaways[-1][1], NO_ERROR)
            for i in range(10):
                ask(client, b"still %d" % i, tunnel)

    def test_a_reload_leaves_tunnels_alone(self):
        with MirrorBackend("m") as backend, http2_gateway(backend) as gateway, Http2(gateway.https_port) as client:
            tunnel = ask(client)
            for i in range(5):
                gateway.reload()
                ask(client, b"after %d" % i, tunnel)
                self.assertEqual(client.fetch(request()).status, 200)


if __name__ == "__main__":
    unittest.main()

"""Close with manners: a tunnel that has to end says so to both sides, between frames, and waits for their answers; many are spread over the time."""
import os
import signal
import socket
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import http2
from harness import PATIENCE, DemoBackend, Gateway, ScriptedBackend, example, receive_exactly, receive_until, scaled, wait_until
from websocket import BINARY, CLOSE, SWITCH, TEXT, WebSocket, frame, handshake

GOING_AWAY = frame(CLOSE, struct.pack("!H", 1001) + b"the gateway is shutting down", masked=False)


def unmask(bytes_):
    """Opcode and payload of a short masked frame."""
    assert bytes_[1] & 0x80, "not masked"
    size = bytes_[1] & 0x7F
    mask, payload = bytes_[2:6], bytes_[6:6 + size]
    return bytes_[0] & 0x0F, bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


class Manners(unittest.TestCase):
    def gateway(self, script, drain="0", **more):
        backend = ScriptedBackend(script)
        self.addCleanup(backend.__exit__)
        return Gateway([backend.address], arguments=["--drain", drain], **more)

    def open(self, gateway, tls=False):
        stream = gateway.connect(tls)
        stream.sendall(handshake())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += receive_exactly(stream, 1)
        return stream

    def test_both_sides_get_a_close_and_their_answers_are_waited_for(self):
        seen = []

        def script(client, head):
            client.sendall(SWITCH)
            seen.append(receive_exactly(client, 6 + 2 + 28))
            client.sendall(frame(CLOSE, struct.pack("!H", 1001), masked=False))
            seen.append(client.recv(100))
        for tls in (False, True):
            gateway = self.gateway(script)
            stream = self.open(gateway, tls)
            gateway.process.send(signal.SIGTERM)
            self.assertEqual(receive_exactly(stream, len(GOING_AWAY)), GOING_AWAY)
            stream.sendall(frame(CLOSE, struct.pack("!H", 1001)))
            self.assertEqual(stream.recv(100), b"", "an end in order")
            gateway.stop()
            opcode, payload = unmask(seen.pop(0))
            self.assertEqual((opcode, payload), (CLOSE, struct.pack("!H", 1001) + b"the gateway is shutting down"))
            self.assertEqual(seen.pop(0), b"")

    def test_never_within_a_frame(self):
        go_on = threading.Event()
        seen = []

        def script(client, head):
            client.sendall(SWITCH)
            client.sendall(frame(BINARY, bytes(1000), masked=False)[:500])
            go_on.wait(PATIENCE)
            client.sendall(frame(BINARY, bytes(1000), masked=False)[500:] + frame(TEXT, b"too late", masked=False))
            got = b""
            while piece := client.recv(65536):
                got += piece
            seen.append(got)
        gateway = self.gateway(script)
        stream = self.open(gateway)
        receive_exactly(stream, 500)
        half = frame(TEXT, b"x" * 100)
        stream.sendall(half[:50])
        wait_until(lambda: gateway.metric("tunnels_open") == 1, "the tunnel")
        gateway.process.send(signal.SIGTERM)
        gateway.process.wait_for("draining")
        go_on.set()
        stream.sendall(half[50:])
        self.assertEqual(receive_exactly(stream, 504 + len(GOING_AWAY)), frame(BINARY, bytes(1000), masked=False)[500:] + GOING_AWAY)
        stream.sendall(frame(CLOSE))
        stream.recv(1)
        gateway.stop()
        wait_until(lambda: seen, "what the member saw")
        self.assertTrue(seen[0].startswith(half))
        self.assertEqual(unmask(seen[0][len(half):])[0], CLOSE)

    def test_who_does_not_answer_is_closed_all_the_same(self):
        gateway = self.gateway(lambda client, head: (client.sendall(SWITCH), client.recv(1000), client.recv(1000)))
        stream = self.open(gateway)
        began = time.monotonic()
        gateway.stop()
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(receive_exactly(stream, len(GOING_AWAY)), GOING_AWAY)

    def test_a_close_under_way_gets_no_second_one(self):
        seen = []
        go_on = threading.Event()

        def script(client, head):
            client.sendall(SWITCH)
            seen.append(receive_exactly(client, 6 + 2))
            go_on.wait(PATIENCE)
            client.sendall(frame(CLOSE, struct.pack("!H", 1000), masked=False))
            seen.append(client.recv(100))
        gateway = self.gateway(script)
        stream = self.open(gateway)
        stream.sendall(frame(CLOSE, struct.pack("!H", 1000)))
        wait_until(lambda: 'control_frames_total{from="client",opcode="close"} 1' in gateway.admin("/metrics")[1], "the close")
        gateway.process.send(signal.SIGTERM)
        self.assertEqual(receive_exactly(stream, len(GOING_AWAY)), GOING_AWAY)
        go_on.set()
        self.assertEqual(stream.recv(100), b"", "the member's own comes too late")
        gateway.stop()
        self.assertEqual(unmask(seen[0]), (CLOSE, struct.pack("!H", 1000)))
        self.assertEqual(seen[1:], [b""], "nothing followed the client's")

    def test_a_stream_of_http_2_gets_it_too(self):
        with DemoBackend() as one:
            gateway = Gateway([one.address], template=example(lambda p: p.update(enableHttp2=True)), arguments=["--drain", "0"])
            with http2.Http2(gateway.https_port) as client:
                stream = client.open(http2.websocket(), end=False)
                self.assertEqual(client.accepted(stream).status, 200)
                gateway.process.send(signal.SIGTERM)
                self.assertEqual(client.received(stream, len(GOING_AWAY)), GOING_AWAY)
                client.data(stream, frame(CLOSE, struct.pack("!H", 1001)))
                client.wait_end()
            gateway.stop()

    def test_many_are_spread_over_the_time_and_each_gets_its_1001(self):
        count = scaled(5000, 200)
        with DemoBackend() as one:
            gateway = Gateway([one.address], arguments=["--drain", "6"])
            streams = [WebSocket(gateway.connect()) for _ in range(count)]
            for stream in streams:
                stream.echo(b"here")
            began = time.monotonic()
            gateway.process.send(signal.SIGTERM)
            at = []
            for stream in streams:
                self.assertEqual(receive_exactly(stream.stream, len(GOING_AWAY)), GOING_AWAY)
                at.append(time.monotonic() - began)
                stream.send(struct.pack("!H", 1001), CLOSE)
            for stream in streams:
                self.assertEqual(stream.stream.recv(1), b"")
            gateway.stop()
            # Tunnels leave in the order they came, so what was read in that order tells when.
            self.assertLess(at[count // 10], 2.5)
            self.assertGreater(at[-1], 2.5)
            self.assertLess(at[-1], 7)


if __name__ == "__main__":
    unittest.main()

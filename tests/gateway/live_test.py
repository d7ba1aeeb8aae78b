"""The live picture of the admin listener: who watches, how many may, and what it does not disturb."""
import json
import os
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import PATIENCE, DemoBackend, Gateway, receive_all, scaled, wait_until
from websocket import CLOSE, PING, PONG, TEXT, WebSocket, frame, handshake

WATCHERS_MAX = 64


class Live(unittest.TestCase):
    def setUp(self):
        self.backend = DemoBackend()
        self.addCleanup(self.backend.__exit__, None, None, None)
        self.gateway = Gateway([self.backend.address], workers=2)
        self.addCleanup(self.gateway.__exit__, None, None, None)

    def connect(self):
        stream = socket.create_connection(("127.0.0.1", self.gateway.admin_port), PATIENCE)
        self.addCleanup(stream.close)
        return stream

    def watch(self):
        return WebSocket(self.connect(), "/api/v1/live", host=f"127.0.0.1:{self.gateway.admin_port}")

    @staticmethod
    def close_of(watcher):
        """The code of the Close that ends it."""
        opcode = TEXT
        while opcode != CLOSE:
            opcode, payload = watcher.receive()
        return int.from_bytes(payload[:2], "big")

    def ask(self, fields="", path="/api/v1/live", host="localhost"):
        """The first line of what a handshake comes to."""
        with socket.create_connection(("127.0.0.1", self.gateway.admin_port), PATIENCE) as stream:
            stream.sendall(handshake(path, fields, host))
            return stream.recv(65536).split(b"\r\n")[0].decode()

    def test_a_watcher_gets_a_picture_at_once_and_one_a_second(self):
        watcher = self.watch()
        opcode, payload = watcher.receive()
        first = json.loads(payload)
        self.assertEqual((opcode, first["tunnels"], first["ready"]), (TEXT, 0, True))
        tunnel = WebSocket(self.gateway.connect())
        self.gateway.clients.append(tunnel.stream)
        tunnel.send(b"hello", TEXT)
        tunnel.receive()

        def counted():
            picture = json.loads(watcher.receive()[1])
            return picture["tunnels"] == 1 and picture["messages"] == [1, 1] and picture
        picture = wait_until(counted, "the tunnel is in the picture")
        route = next(each for each in picture["routes"] if each["tunnels"] == 1)
        self.assertEqual(route["messages"], [1, 1])
        self.assertEqual([m["tunnels"] for m in picture["members"] if m["address"] == self.backend.address][:1], [1])

    def test_it_speaks_the_protocol(self):
        watcher = self.watch()
        watcher.send(b"are you there", PING)
        while True:
            opcode, payload = watcher.receive()
            if opcode == PONG:
                break
        self.assertEqual(payload, b"are you there")
        watcher.send(b"\x03\xe8bye", CLOSE)
        while opcode != CLOSE:
            opcode, payload = watcher.receive()
        self.assertEqual(payload, b"\x03\xe8")
        self.assertEqual(receive_all(watcher.stream), b"")

    def test_who_sends_what_is_no_frame_or_too_much_is_shown_out(self):
        for broken, code in ((frame(TEXT, b"unmasked", masked=False), 1002), (frame(TEXT, b"x" * 100_000), 1009), (frame(CLOSE, b"\x03"), 1002), (frame(CLOSE, b"\x03\xed"), 1002)):
            watcher = self.watch()
            watcher.stream.sendall(broken)
            self.assertEqual(self.close_of(watcher), code)

    def test_another_sites_page_may_not_watch(self):
        self.assertIn(" 403 ", self.ask("Origin: https://evil.test\r\n"))
        self.assertIn(" 403 ", self.ask(host="rebound.evil.test"))
        self.assertIn(" 101 ", self.ask(f"Origin: http://localhost:{self.gateway.admin_port}\r\n", host=f"localhost:{self.gateway.admin_port}"))

    def test_without_a_handshake_it_says_what_it_is_and_elsewhere_there_is_none(self):
        self.assertEqual(self.gateway.admin("/api/v1/live")[0], 426)
        with self.connect() as stream:
            stream.sendall(handshake("/api/v1/live", host="localhost").replace(b"Version: 13", b"Version: 8"))
            answer = stream.recv(65536)
        self.assertIn(b" 426 ", answer.split(b"\r\n")[0])
        self.assertIn(b"Sec-WebSocket-Version: 13\r\n", answer)
        self.assertIn(" 404 ", self.ask(path="/api/v1/health"))

    def test_of_a_thousand_watchers_those_past_the_limit_are_turned_away_and_the_rest_of_the_listener_answers(self):
        descriptors = self.gateway.descriptors()
        watchers = [self.watch() for _ in range(WATCHERS_MAX)]
        for _ in range(scaled(1000 - WATCHERS_MAX, 100)):
            self.assertIn(" 503 ", self.ask())
        self.assertEqual(self.gateway.admin("/readyz")[0], 200)
        wait_until(lambda: self.gateway.descriptors() < descriptors + WATCHERS_MAX + 10, "those who were turned away are gone")
        for watcher in watchers:
            watcher.receive()
        watchers.pop().stream.close()
        wait_until(lambda: " 101 " in self.ask(), "a place is free again")

    def test_an_upgrade_tells_the_watchers_who_then_find_the_new_process(self):
        watcher = self.watch()
        self.gateway.upgrade()
        self.assertEqual(self.close_of(watcher), 1012)
        self.assertEqual(json.loads(self.watch().receive()[1])["ready"], True)


if __name__ == "__main__":
    unittest.main()

"""Keepers of tunnels, by listener in the local file: pings, limits, origins, the greatest age."""
import os
import socket
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import PATIENCE, DemoBackend, Gateway, ScriptedBackend, receive_all, receive_exactly, receive_until, wait_until
from websocket import BINARY, CLOSE, PING, PONG, SWITCH, TEXT, frame, handshake

CLOSE_HEADER = 2


def unmask(bytes_):
    size = bytes_[1] & 0x7F
    mask, payload = bytes_[2:6], bytes_[6:6 + size]
    return bytes_[0] & 0x0F, bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


class Keepers(unittest.TestCase):
    def gateway(self, keepers, script=None, **more):
        backend = DemoBackend() if script is None else ScriptedBackend(script)
        self.addCleanup(backend.__exit__, None, None, None)
        gateway = Gateway([backend.address], local={"httpListeners": {"*": keepers}}, **more)
        self.addCleanup(gateway.__exit__, None, None, None)
        return gateway

    def open(self, gateway, tls=False, fields=""):
        stream = gateway.connect(tls)
        gateway.clients.append(stream)
        stream.sendall(handshake("/echo", fields))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += receive_exactly(stream, 1)
        return stream, head

    def closed_with(self, stream):
        """The code of the Close that comes next."""
        header = receive_exactly(stream, 2)
        self.assertEqual(header[0], 0x80 | CLOSE)
        payload = receive_exactly(stream, header[1])
        return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    def cause(self, gateway):
        return gateway.wait_record(lambda r: r.get("tunnel", {}).get("event") == "close", "the close record")["tunnel"]["cause"]

    def test_pings_go_to_both_sides_and_their_answers_leak_to_neither(self):
        seen, go_on = [], threading.Event()

        def script(client, head):
            client.sendall(SWITCH)
            ping = receive_exactly(client, 6 + 8)
            opcode, payload = unmask(ping)
            seen.append(opcode)
            client.sendall(frame(PONG, payload, masked=False) + frame(PONG, b"my own", masked=False))
            seen.append(unmask(receive_exactly(client, 6 + 8)))
            go_on.wait(PATIENCE)
        for tls in (False, True):
            gateway = self.gateway({"pingSeconds": 1}, script)
            stream, _ = self.open(gateway, tls)
            own = frame(PONG, b"my own", masked=False)
            ping = receive_exactly(stream, 10)
            if ping.startswith(own):  # the member was faster
                ping = ping[len(own):] + receive_exactly(stream, len(own))
            else:
                self.assertEqual(receive_exactly(stream, len(own)), own)
            self.assertEqual(ping[:2], bytes([0x80 | PING, 8]))
            pong = frame(PONG, ping[2:])
            stream.sendall(pong[:3])
            stream.sendall(pong[3:] + frame(PONG, b"8 bytes!"))
            wait_until(lambda: len(seen) == 2, "what the member saw")
            self.assertEqual(seen, [PING, (PONG, b"8 bytes!")])
            tunnel = wait_until(lambda: [t for t in gateway.tunnels() if t["roundTripClient"]], "a round-trip time")[0]
            self.assertLess(tunnel["roundTripClient"], PATIENCE)
            go_on.set()
            seen.clear()
            stream.close()

    def test_who_answers_no_ping_is_dead(self):
        gateway = self.gateway({"pingSeconds": 1})
        stream, _ = self.open(gateway)
        self.assertEqual(receive_exactly(stream, 10)[0], 0x80 | PING)
        self.assertEqual(self.closed_with(stream), (1001, "the other side does not answer pings"))
        self.assertEqual(self.cause(gateway), "dead peer")

    def test_who_says_other_things_is_not_dead(self):
        gateway = self.gateway({"pingSeconds": 1})
        stream, _ = self.open(gateway)
        pings = 0
        while pings < 3:
            header = receive_exactly(stream, 2)
            payload = receive_exactly(stream, header[1])
            if header[0] == 0x80 | PING:
                pings += 1
                stream.sendall(frame(TEXT, b"not now"))
            else:
                self.assertEqual(payload, b"not now")

    def test_a_message_that_is_too_long_never_reaches_the_member(self):
        seen = []

        def script(client, head):
            client.sendall(SWITCH)
            got = b""
            while piece := client.recv(65536):
                got += piece
                if got.endswith(b"messageBytesMax") or len(got) > 500:
                    break
            seen.append(got)
        for message in (frame(BINARY, bytes(1001)), frame(TEXT, bytes(600), fin=False) + frame(0, bytes(401))):
            gateway = self.gateway({"messageBytesMax": 1000}, script)
            stream, _ = self.open(gateway)
            stream.sendall(message[:1])
            stream.sendall(message[1:])
            self.assertEqual(self.closed_with(stream), (1009, "a message is longer than messageBytesMax"))
            stream.sendall(frame(CLOSE, struct.pack("!H", 1009)))
            self.assertEqual(self.cause(gateway), "limit")
            wait_until(lambda: seen, "what the member saw")
            self.assertNotIn(bytes(1001), seen.pop())
        gateway = self.gateway({"messageBytesMax": 1000})
        stream, _ = self.open(gateway)
        stream.sendall(frame(BINARY, bytes(1000)))
        self.assertEqual(receive_exactly(stream, 1004)[4:], bytes(1000))

    def test_bytes_sent_before_the_101_are_looked_at_too(self):
        gateway = self.gateway({"messageBytesMax": 1000})
        message = frame(BINARY, bytes(1001))
        for cut in (1, 3, len(message)):
            stream = gateway.connect()
            gateway.clients.append(stream)
            stream.sendall(handshake("/echo") + message[:cut])
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += receive_exactly(stream, 1)
            stream.sendall(message[cut:])
            self.assertEqual(self.closed_with(stream), (1009, "a message is longer than messageBytesMax"))

    def test_a_side_that_has_ended_or_a_close_under_way_gets_no_ping(self):
        go_on = threading.Event()

        def half_closing(client, head):
            client.sendall(SWITCH)
            client.shutdown(socket.SHUT_WR)
            go_on.wait(PATIENCE)
            receive_all(client)

        def slow_to_close(client, head):
            client.sendall(SWITCH)
            receive_exactly(client, 8)
            go_on.wait(PATIENCE)
            client.sendall(frame(CLOSE, struct.pack("!H", 1000), masked=False))
        for script in (half_closing, slow_to_close):
            go_on.clear()
            gateway = self.gateway({"pingSeconds": 1}, script)
            stream, _ = self.open(gateway)
            if script is slow_to_close:
                stream.sendall(frame(CLOSE, struct.pack("!H", 1000)))
            stream.settimeout(3.5)
            if script is half_closing:
                self.assertEqual(stream.recv(100), b"")
            else:
                with self.assertRaises(TimeoutError):
                    stream.recv(100)
            self.assertEqual(gateway.metric("tunnels_open"), 1, "nobody was declared dead")
            go_on.set()
            if script is slow_to_close:
                self.assertEqual(receive_exactly(stream, 4), frame(CLOSE, struct.pack("!H", 1000), masked=False))
            stream.close()

    def test_who_cannot_be_heard_because_the_other_side_is_slow_is_not_dead(self):
        go_on = threading.Event()

        def script(client, head):
            client.sendall(SWITCH)
            go_on.wait(PATIENCE)
            receive_all(client)
        gateway = self.gateway({"pingSeconds": 1}, script)
        stream, _ = self.open(gateway)
        stream.settimeout(0.2)
        bulk = frame(BINARY, bytes(1 << 20)) * 64
        sent = 0
        began = time.monotonic()
        while time.monotonic() - began < 4:
            try:
                sent += stream.send(bulk[sent:sent + 65536])
            except TimeoutError:
                pass
        self.assertEqual(gateway.metric("tunnels_open"), 1)
        go_on.set()

    def test_too_many_messages_or_bytes_a_second_end_in_1008(self):
        for keepers, message, count in (({"messagesPerSecondMax": 5}, frame(TEXT, b"x"), 50), ({"bytesPerSecondMax": 2000}, frame(BINARY, bytes(300)), 20)):
            gateway = self.gateway(keepers)
            stream, _ = self.open(gateway)
            stream.sendall(message)
            receive_exactly(stream, len(message) - 4)
            stream.sendall(message * count)
            received = receive_until(stream, b"a second than")
            self.assertIn(struct.pack("!H", 1008) + b"more ", received)
            stream.sendall(frame(CLOSE, struct.pack("!H", 1008)))
            self.assertEqual(self.cause(gateway), "limit")

    def test_only_allowed_origins_open_a_websocket(self):
        gateway = self.gateway({"allowedOrigins": ["https://app.contoso.com", "https://*.fabrikam.com"]})
        for origin, status in (("https://app.contoso.com", 101), ("https://a.fabrikam.com", 101), ("https://evil.test", 403), ("null", 403), (None, 101)):
            stream = gateway.connect()
            gateway.clients.append(stream)
            stream.sendall(handshake("/echo", f"Origin: {origin}\r\n" if origin else ""))
            self.assertEqual(int(receive_until(stream, b"\r\n\r\n").split()[1]), status, origin)
        self.assertEqual(gateway.get("/health", fields="Origin: https://evil.test\r\n")[0], 200, "requests are not asked")

    def test_a_tunnel_gets_no_older_than_it_may(self):
        gateway = self.gateway({"tunnelSecondsMax": 1})
        stream, _ = self.open(gateway)
        self.assertEqual(self.closed_with(stream), (1001, "the tunnel is as old as tunnelSecondsMax allows"))
        self.assertEqual(self.cause(gateway), "limit")

    def test_they_go_along_when_a_new_binary_takes_over(self):
        gateway = self.gateway({"pingSeconds": 1, "messageBytesMax": 1000})
        stream, _ = self.open(gateway)
        stream.sendall(frame(BINARY, bytes(500), fin=False))
        receive_exactly(stream, 10)
        half = frame(0, bytes(501))
        stream.sendall(half[:3])
        gateway.upgrade()
        stream.sendall(half[3:])
        received = receive_until(stream, b"messageBytesMax")
        self.assertIn(struct.pack("!H", 1009), received)

    def test_names_and_numbers_that_cannot_be_are_told_with_their_place(self):
        with self.assertRaises(AssertionError) as caught:
            Gateway([], local={"httpListeners": {"nobody": {"pingSeconds": 0, "pingSecond": 1, "allowedOrigins": ["contoso.com/x"]}}})
        for text in ('did you mean "pingSeconds"', "a whole number from 1", "an origin was expected"):
            self.assertIn(text, str(caught.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)

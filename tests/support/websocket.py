"""A WebSocket client of few words, for tests that need the bytes in hand."""
import base64
import hashlib
import os
import struct

from harness import receive_exactly, receive_until

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

SWITCH = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          f"Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n").encode()


def handshake(path="/echo", fields="", host="gw.test"):
    return (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{fields}\r\n").encode()


def frame(opcode, payload=b"", fin=True, masked=True):
    out = bytes([(0x80 if fin else 0) | opcode])
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        out += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        out += bytes([bit | 126]) + struct.pack("!H", len(payload))
    else:
        out += bytes([bit | 127]) + struct.pack("!Q", len(payload))
    if not masked:
        return out + payload
    mask = os.urandom(4)
    if payload:
        repeated = (mask * (len(payload) // 4 + 1))[:len(payload)]
        payload = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(payload), "big")
    return out + mask + payload


def answer_echo(client, head, name):
    """The server's side: accepts the handshake in `head` and sends back what it gets, in small unfragmented frames."""
    key = next(line.split(b": ", 1)[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    client.sendall(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Backend: {name}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    while True:
        first, second = receive_exactly(client, 2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", receive_exactly(client, 2))[0]
        mask = receive_exactly(client, 4)
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(receive_exactly(client, size)))
        client.sendall(frame(first & 0x0F, payload, masked=False))
        if first & 0x0F == CLOSE:
            return


class WebSocket:
    """An open WebSocket over a connected socket."""

    def __init__(self, stream, path="/echo", fields="", host="gw.test"):
        self.stream = stream
        stream.sendall(handshake(path, fields, host))
        head = receive_until(stream, b"\r\n\r\n")
        self.head, _, self.rest = head.partition(b"\r\n\r\n")
        if not self.head.startswith(b"HTTP/1.1 101 "):
            raise AssertionError(f"no WebSocket: {head!r}")

    def _take(self, count):
        if len(self.rest) < count:
            self.rest += receive_exactly(self.stream, count - len(self.rest))
        out, self.rest = self.rest[:count], self.rest[count:]
        return out

    def send(self, payload, opcode=BINARY, fin=True):
        self.stream.sendall(frame(opcode, payload, fin))

    def receive(self):
        """The next frame: opcode, payload."""
        first, second = self._take(2)
        length = second & 0x7f
        if length == 126:
            length, = struct.unpack("!H", self._take(2))
        elif length == 127:
            length, = struct.unpack("!Q", self._take(8))
        return first & 0x0f, self._take(length)

    def echo(self, payload):
        self.send(payload)
        opcode, back = self.receive()
        assert (opcode, back) == (BINARY, payload), f"sent {payload[:40]!r}, got {opcode} {back[:40]!r}"

    def close(self, code=1000):
        self.send(struct.pack("!H", code), CLOSE)
        opcode, payload = self.receive()
        self.stream.close()
        return opcode, payload

"""Families of WebSocket cases give the same result through the gateway as without it: in clear text and over TLS, and across reloads and upgrades at random moments."""
import os
import pathlib
import random
import select
import signal
import socket
import ssl
import struct
import sys
import threading
import unittest
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import PATIENCE, Gateway, Process, receive_until, scaled
from websocket import BINARY, CLOSE, PING, PONG, TEXT, frame, handshake

CLIENTS = pathlib.Path(__file__).resolve().parent.parent / "clients"
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n"


def raw(first, payload=b"", length=None):
    """A masked frame whose first byte is given whole."""
    return bytes([first]) + frame(BINARY, payload)[1:] if length is None else bytes([first]) + length + b"mask" + payload


def deflated(payload):
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def cases():
    """(name, frames, fields): what a client sends, in the order and families of Autobahn's suite."""
    chance = random.Random(6455)
    sizes = [0, 1, 125, 126, 127, 128, 65535, 65536, 70_000]
    for opcode, family in ((TEXT, "1.1"), (BINARY, "1.2")):
        for i, size in enumerate(sizes):
            yield f"{family}.{i}", frame(opcode, b"*" * size)
    for i, size in enumerate([0, 1, 10, 125]):
        yield f"2.{i}", frame(PING, bytes(size)) + frame(TEXT, b"after")
    yield "2.4 unasked pong", frame(PONG, b"unasked") + frame(PING, b"x") + frame(PONG)
    yield "2.5 ping too long", raw(0x89, bytes(126))
    yield "2.6 ten pings", b"".join(frame(PING, b"ping %d" % i) for i in range(10))
    for i, bits in enumerate((0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70)):
        yield f"3.{i} reserved bits", frame(TEXT, b"fine") + raw(0x80 | bits | TEXT, b"not")
        yield f"3.{i} reserved bits of a ping", raw(0x80 | bits | PING, b"not")
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield f"4.{opcode} reserved opcode", frame(TEXT, b"fine") + raw(0x80 | opcode, b"?") + frame(PING)
    yield "5.1 fragmented ping", raw(PING, b"part") + raw(0x80, b"rest")
    yield "5.2 fragments", frame(TEXT, b"frag", fin=False) + frame(0, b"ment")
    yield "5.3 a ping between fragments", frame(TEXT, b"frag", fin=False) + frame(PING, b"p") + frame(0, b"ment", fin=False) + frame(PING, b"q") + frame(0, b"ed")
    yield "5.4 a continuation of nothing", frame(0, b"of nothing")
    yield "5.5 a message within a message", frame(TEXT, b"one", fin=False) + frame(TEXT, b"two")
    yield "5.6 many fragments", b"".join(frame(BINARY if i == 0 else 0, bytes([i]), fin=i == 99) for i in range(100))
    for i, text in enumerate(("Hällo ☃ 🎉", "\0", "\ud7ff\ue000\uffff", "\U0010ffff")):
        yield f"6.{i} UTF-8", frame(TEXT, text.encode())
    for i, text in enumerate((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ok \xe2\x98", b"\xce\xba\xe1\xbd")):
        yield f"6.{i + 10} not UTF-8", frame(TEXT, text)
    yield "6.20 a character in two fragments", frame(TEXT, b"\xe2", fin=False) + frame(0, b"\x98\x83")
    yield "7.1 close", frame(CLOSE)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield f"7.7 close {code}", frame(CLOSE, struct.pack("!H", code) + b"why not")
    for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535):
        yield f"7.9 close {code}", frame(CLOSE, struct.pack("!H", code))
    yield "7.3 a close of one byte", frame(CLOSE, b"\x03")
    yield "7.5 a reason that is no UTF-8", frame(CLOSE, struct.pack("!H", 1000) + b"\xff\xfe")
    yield "7.6 the longest reason", frame(CLOSE, struct.pack("!H", 1000) + b"*" * 123)
    yield "7.2 words after the close", frame(TEXT, b"before") + frame(CLOSE, struct.pack("!H", 1000)) + frame(TEXT, b"after")
    yield "7.4 two closes", frame(CLOSE, struct.pack("!H", 1000)) * 2
    for i, size in enumerate((64 << 10, 256 << 10, 1 << 20, 4 << 20)):
        yield f"9.{i} large", frame(BINARY, chance.randbytes(size))
    yield "9.5 large in small fragments", b"".join(frame(BINARY if i == 0 else 0, chance.randbytes(1000), fin=i == 255) for i in range(256))
    yield "10.1 no mask", frame(TEXT, b"clear", masked=False)
    yield "10.2 a length of 63 bits", raw(0x82, b"", b"\xff\x7f\xff\xff\xff\xff\xff\xff\xff")
    yield "10.3 a length with its highest bit", raw(0x82, b"", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff")
    for i, text in enumerate((b"", b"hello " * 100, chance.randbytes(5000), b"*" * 200_000)):
        yield f"12.{i} compressed", raw(0xC2, deflated(text)), DEFLATE
    yield "12.5 compressed and not", raw(0xC2, deflated(b"one" * 50)) + frame(BINARY, b"two") + raw(0xC2, deflated(b"three" * 50)), DEFLATE
    yield "12.6 no deflate", raw(0xC2, b"\xff\xff\xff\xff"), DEFLATE
    yield "12.7 compressed in fragments", raw(0x42, deflated(b"four" * 500)[:9]) + frame(0, deflated(b"four" * 500)[9:]), DEFLATE


NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def run_case(connect, name, sent, fields=""):
    """What comes back, and whether the connection is still open then."""
    chance = random.Random(name)
    # A last ping says that everything before was taken, where nothing ended it.
    sent += frame(PING, b"end")
    with connect() as stream:
        stream.sendall(handshake("/echo", fields))
        head, _, got = receive_until(stream, b"\r\n\r\n").partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        stream.setblocking(False)
        while not got.endswith(b"\x8a\x03end"):
            progress = False
            if sent:
                size = len(sent) if chance.random() < 0.5 else 1 + chance.randrange(len(sent))
                try:
                    sent = sent[stream.send(sent[:min(size, 1 << 16)]):]
                    progress = True
                except NOT_YET:
                    pass
                except OSError:
                    sent = b""
            try:
                piece = stream.recv(65536)
                if not piece:
                    return got, "closed"
                got += piece
                progress = True
            except NOT_YET:
                pass
            except OSError:
                return got, "closed"
            if not progress and not select.select([stream], [stream] if sent else [], [], PATIENCE)[0] and not sent:
                return got, "silent"
        return got, "open"


class Conformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Process(["node", str(CLIENTS / "server.mjs")])
        port = int(cls.server.wait_for(r"ready on (\d+)").group(1))
        cls.address = f"127.0.0.1:{port}"
        cls.without = {case[0]: run_case(lambda: socket.create_connection(("127.0.0.1", port), PATIENCE), *case) for case in cases()}

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def compare(self, gateway, tls):
        for case in cases():
            self.assertEqual(run_case(lambda: gateway.connect(tls), *case), self.without[case[0]], f"{case[0]} over {'TLS' if tls else 'clear text'}")

    def test_the_cases_are_what_they_should_be_without_the_gateway(self):
        ends = [end for _, end in self.without.values()]
        self.assertGreater(ends.count("open"), 40)
        self.assertGreater(ends.count("closed"), 50)
        self.assertEqual(self.without["7.7 close 4999"][0], frame(CLOSE, struct.pack("!H", 4999) + b"why not", masked=False))

    def test_the_same_through_the_gateway(self):
        with Gateway([self.address]) as gateway:
            for tls in (False, True):
                self.compare(gateway, tls)

    def test_the_same_while_configurations_and_binaries_change(self):
        with Gateway([self.address], workers=2) as gateway:
            stopped = threading.Event()

            def change():
                chance = random.Random(17)
                while not stopped.wait(chance.random() * 0.05):
                    os.kill(gateway.pid, signal.SIGHUP)
            changing = threading.Thread(target=change)
            changing.start()
            try:
                for _ in range(scaled(5)):
                    for tls in (False, True):
                        self.compare(gateway, tls)
            finally:
                stopped.set()
                changing.join()
            upgrading = threading.Event()

            def upgrade():
                while not upgrading.is_set():
                    gateway.upgrade()
            thread = threading.Thread(target=upgrade)
            thread.start()
            try:
                while len(gateway.successors) < scaled(20, 3):
                    self.compare(gateway, False)
            finally:
                upgrading.set()
                thread.join()


if __name__ == "__main__":
    unittest.main(verbosity=2)

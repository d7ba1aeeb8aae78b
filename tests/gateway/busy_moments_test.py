"""Several things in one turn of the loop, as when a worker is busy: the gateway is held still meanwhile."""
import contextlib
import os
import pathlib
import signal
import socket
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from certificates import Certificates
from harness import ScriptedBackend, Gateway, example, receive_exactly, receive_until, wait_until
from https_members_test import TlsBackend
from websocket import CLOSE, SWITCH, WebSocket, frame

BUSY = 30  # echoes that make a connection a busy one


def is_stopped(task):
    return (task / "stat").read_text().rpartition(")")[2].split()[0] == "T"


@contextlib.contextmanager
def held(gateway):
    """What happens within is met by the gateway all at once."""
    os.kill(gateway.pid, signal.SIGSTOP)
    try:
        # A thread that runs goes on until it is told: what is said before would be met on its own.
        wait_until(lambda: all(is_stopped(task) for task in pathlib.Path(f"/proc/{gateway.pid}/task").iterdir()), "the gateway stands still")
        yield
        time.sleep(0.05)  # the kernel delivers what was said
    finally:
        os.kill(gateway.pid, signal.SIGCONT)


def reset(stream):
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


class BusyMoments(unittest.TestCase):
    def test_what_a_client_said_before_it_reset_the_connection_reaches_the_member(self):
        said = b"".join(frame(2, b"%04d" % i + b"m" * 90) for i in range(47)) + frame(CLOSE, struct.pack("!H", 1000))
        got, over = bytearray(), threading.Event()

        def serve(client, _head):
            client.sendall(SWITCH)
            for _ in range(BUSY):
                receive_exactly(client, 10)
                client.sendall(frame(2, b"pong", masked=False))
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    got.extend(data)
            over.set()
        for engine in ("io_uring", "epoll"):
            got.clear()
            over.clear()
            with self.subTest(engine), ScriptedBackend(serve) as backend, Gateway([backend.address], arguments=("--engine", engine)) as gateway:
                tunnel = WebSocket(gateway.connect())
                for _ in range(BUSY):
                    tunnel.send(b"ping")
                    tunnel.receive()
                with held(gateway):
                    tunnel.stream.sendall(said)
                    reset(tunnel.stream)
                self.assertTrue(over.wait(10))
                self.assertEqual(bytes(got), said)

    def test_urgent_data_within_a_long_frame_stops_nothing(self):
        payload = b"u" * 60000

        def serve(client, _head):
            client.sendall(SWITCH)
            total = 0
            while data := client.recv(65536):
                total += len(data)
                if total >= received_first and not first.is_set():
                    first.set()
                if total >= received_all:
                    done.set()
        for engine in ("io_uring", "epoll"):
            first, done = threading.Event(), threading.Event()
            whole = frame(2, payload)
            received_first, received_all = len(frame(2, b"a" * 100000)), len(frame(2, b"a" * 100000)) + len(whole) - 1  # the urgent byte is beside the stream
            with self.subTest(engine), ScriptedBackend(serve) as backend, Gateway([backend.address], arguments=("--engine", engine)) as gateway:
                tunnel = WebSocket(gateway.connect())
                tunnel.send(b"a" * 100000)
                self.assertTrue(first.wait(10))
                with held(gateway):
                    tunnel.stream.sendall(whole[:30000])
                    tunnel.stream.send(whole[30000:30001], socket.MSG_OOB)
                    tunnel.stream.sendall(whole[30001:])
                self.assertTrue(done.wait(10), "the rest of the frame does not come through")

    def test_an_answer_nobody_asked_for_is_not_given_to_the_next_client_over_tls_either(self):
        connections = []

        def serve(client, head):
            connections.append(client)
            mine = len(connections)
            while True:
                if b"/probe" not in head and mine > 1 and b"POST" in head:
                    answer = b"good"
                else:
                    answer = b"fine"
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + answer)
                head = receive_until(client, b"\r\n\r\n")
        made = Certificates(self).leaf("member", ["member.example"])
        chain, key = made.join("chain.pem", "member", "intermediate"), made.path("member.key")
        local = {"trustedCertificates": {"*": str(made.path("root.pem"))}}

        def over_tls(p):
            p["backendHttpSettingsCollection"][0]["properties"].update(protocol="Https", port=443, hostName="member.example")
            p["probes"][0]["properties"].update(protocol="Https", host="member.example", path="/probe", interval=600)
        for engine in ("io_uring", "epoll"):
            connections.clear()
            with self.subTest(engine), TlsBackend(serve, chain, key) as backend, Gateway([backend.address], template=example(over_tls), local=local, arguments=("--engine", engine)) as gateway:
                client = gateway.connect()
                for _ in range(BUSY):
                    client.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
                    self.assertTrue(receive_until(client, b"fine").startswith(b"HTTP/1.1 200"))
                kept = connections[-1]
                with held(gateway):
                    client.sendall(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
                    time.sleep(0.05)  # the client comes first
                    kept.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL")
                head = receive_until(client, b"\r\n\r\n")
                self.assertIn(b" 200 ", head)
                body = head.partition(b"\r\n\r\n")[2] or receive_exactly(client, 4)
                self.assertNotEqual(body, b"EVIL")


if __name__ == "__main__":
    unittest.main()

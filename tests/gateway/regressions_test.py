"""Bugs that were found by review and by attack, each pinned down by a test. Written beside their fixes."""
import ctypes
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, EXAMPLE, SANITIZED, DemoBackend, Gateway, Process, ScriptedBackend, example, receive_all, receive_until, wait_until
from websocket import CLOSE, SWITCH, WebSocket, frame


def short_timeout(properties):
    properties["backendHttpSettingsCollection"][0]["properties"].update(requestTimeout=1)


def pending(pid):
    """Whether the process has signals nobody has taken yet."""
    with open(f"/proc/{pid}/status") as file:
        return int(next(line for line in file if line.startswith("ShdPnd")).split()[1], 16) != 0


class Regressions(unittest.TestCase):
    def test_sigterm_while_waiting_for_health_ends_in_order(self):
        process = Process([BINARY, "run", str(EXAMPLE), "--port", "80=0", "--port", "443=0", "--bind", "DefaultFrontendPublicIP=127.0.0.1", "--bind",
                           "appGatewayFrontendIP=127.0.0.1", "--admin", "127.0.0.1:0", "--access-log", "off", "--wait-healthy", "60"])
        process.wait_for("probe: member .* is down")
        self.assertEqual(process.stop(signal.SIGTERM), 0)
        self.assertNotIn("NotHealthy", process.text)

    def test_wait_healthy_gives_up_with_exit_code_3(self):
        process = Process([BINARY, "run", str(EXAMPLE), "--port", "80=0", "--port", "443=0", "--bind", "DefaultFrontendPublicIP=127.0.0.1", "--bind",
                           "appGatewayFrontendIP=127.0.0.1", "--admin", "127.0.0.1:0", "--access-log", "off", "--wait-healthy", "1"])
        self.assertEqual(process.child.wait(20), 3)

    def test_a_slow_upload_is_not_charged_to_the_member(self):
        def answer(client, head):
            received = head.partition(b"\r\n\r\n")[2]
            while len(received) < 10:
                received += client.recv(10)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + received)
        with ScriptedBackend(answer) as backend, Gateway([backend.address], template=example(short_timeout)) as gateway:
            client = gateway.connect()
            client.sendall(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
            backend.head()
            threading.Event().wait(1.5)  # longer than the requestTimeout: the client's time, not the member's
            client.sendall(b"world")
            self.assertTrue(receive_until(client, b"helloworld").startswith(b"HTTP/1.1 200"))

    def test_a_close_frame_in_front_of_a_reset_arrives(self):
        def too_much(client, head):
            client.sendall(SWITCH)
            client.recv(10)
            client.sendall(frame(CLOSE, struct.pack("!H", 1009) + b"too big", masked=False))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
            client.close()  # with unread input: the kernel resets
        with ScriptedBackend(too_much) as backend, Gateway([backend.address]) as gateway:
            for _ in range(20):
                tunnel = WebSocket(gateway.connect())
                try:
                    tunnel.stream.sendall(frame(2, b"x" * 300000))
                except OSError:
                    pass
                self.assertEqual(tunnel.receive(), (CLOSE, b"\x03\xf1too big"))
                tunnel.stream.close()

    @unittest.skipIf(SANITIZED, "sanitizers keep what was freed")
    def test_pooled_connections_do_not_grow_with_what_passes(self):
        def forever(client, head):
            while True:
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
                head = receive_until(client, b"\r\n\r\n")
        with ScriptedBackend(forever) as backend, Gateway([backend.address]) as gateway:
            client = gateway.connect()

            def ask(times):
                for _ in range(times):
                    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    got = b""
                    while len(got.partition(b"\r\n\r\n")[2]) < 1000:
                        got += client.recv(65536)

            def resident():
                with open(f"/proc/{gateway.pid}/statm") as file:
                    return int(file.read().split()[1]) * 4096
            ask(2000)  # the buffers it keeps for good are touched one after another
            before = resident()
            ask(3000)
            self.assertLess(resident() - before, 1 << 20)

    def test_bytes_nobody_asked_for_never_answer_the_next_request(self):
        def poison(client, head):
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
            threading.Event().wait(0.05)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
            receive_all(client)
        with ScriptedBackend(poison) as backend, Gateway([backend.address]) as gateway:
            for _ in range(5):
                self.assertEqual(gateway.get("/x"), (200, b"good"))
                threading.Event().wait(0.1)

    def test_a_get_on_a_kept_connection_that_is_reset_is_asked_again_and_a_post_is_not(self):
        def once(client, head):
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine")
            receive_until(client, b"\r\n\r\n")  # the second request on this connection
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with ScriptedBackend(once) as backend, Gateway([backend.address]) as gateway:
            self.assertEqual(gateway.get("/one"), (200, b"fine"))
            self.assertEqual(gateway.get("/two"), (200, b"fine"))
            self.assertEqual(backend.connections, 2, "the second GET met a reset and went out again on a connection of its own")
            self.assertEqual(gateway.get("/three", method="POST", fields="Content-Length: 0\r\n")[0], 502)

    @unittest.skipIf(SANITIZED, "the sanitizer's runtime is in the way of a debugger")
    def test_a_second_signal_ends_it_even_when_its_threads_are_stuck(self):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long] * 4
        attach, all_children = 16, 0x40000000
        with DemoBackend() as one:
            gateway = Gateway([one.address])
            tasks = f"/proc/{gateway.pid}/task"
            stuck = []
            for thread in map(int, os.listdir(tasks)):
                with open(f"{tasks}/{thread}/comm") as file:
                    name = file.read().strip()
                if thread == gateway.pid or name.startswith("worker"):
                    self.assertEqual(libc.ptrace(attach, thread, 0, 0), 0, os.strerror(ctypes.get_errno()))
                    os.waitpid(thread, all_children)
                    stuck.append(thread)
            self.assertGreaterEqual(len(stuck), 2, "the main thread and a worker")
            gateway.process.send(signal.SIGTERM)
            # The first is taken at once; the second must not merge with it while both are pending.
            wait_until(lambda: not pending(gateway.pid), "the first signal is taken")
            gateway.process.send(signal.SIGTERM)
            for thread in sorted(stuck, reverse=True):  # the leader last: it is reported when the others are gone
                self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(thread, all_children)[1]), 0)
            shutil.rmtree(gateway.folder)

    def test_a_blocked_standard_error_makes_nobody_wait(self):
        with DemoBackend() as one, Gateway([one.address], template=example()) as gateway:
            folder = gateway.folder
            command = [BINARY, "run", str(folder / "gateway.json"), "--admin", "127.0.0.1:0", "--access-log", "off", "--log-level", "debug"]
            reading, writing = os.pipe()
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=writing)
            os.close(writing)
            self.addCleanup(os.close, reading)
            self.addCleanup(child.wait)
            self.addCleanup(child.kill)
            said = b""
            while not re.search(rb"http://127\.0\.0\.1:\d+/\s.*\n(.*\n)*.*https://", said):
                said += os.read(reading, 4096)
            port = int(re.search(rb"^    http://127\.0\.0\.1:(\d+)/", said, re.M).group(1))
            (folder / "gateway.json").write_text("no JSON")
            def held():
                return struct.unpack("i", fcntl.ioctl(reading, termios.FIONREAD, b"\0\0\0\0"))[0]
            # Each says why it is refused. The pipe is full when nothing more goes in, whatever is said.
            last, same = held(), 0
            while same < 50:
                child.send_signal(signal.SIGHUP)
                with socket.create_connection(("127.0.0.1", port), 15) as client:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                    self.assertTrue(receive_all(client).startswith(b"HTTP/1.1 200"))
                last, same = (held(), same + 1) if held() == last else (held(), 0)
            self.assertGreater(last, 1000)


if __name__ == "__main__":
    unittest.main()

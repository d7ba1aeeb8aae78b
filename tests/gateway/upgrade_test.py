"""A new binary takes over: listening sockets and clear tunnels pass to it, at any byte; what cannot be moved ends where it is."""
import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, PATIENCE, DemoBackend, Gateway, ScriptedBackend, is_running, receive_exactly, scaled, wait_until
from websocket import BINARY as OPCODE_BINARY, CLOSE, PING, PONG, SWITCH, TEXT, frame, handshake


def open_tunnel(gateway, tls=False, path="/echo"):
    stream = gateway.connect(tls)
    gateway.clients.append(stream)
    stream.sendall(handshake(path))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += receive_exactly(stream, 1)
    return stream


class Upgrade(unittest.TestCase):
    def gateway(self, script=None, **more):
        backend = DemoBackend() if script is None else ScriptedBackend(script)
        self.addCleanup(backend.__exit__, None, None, None)
        gateway = Gateway([backend.address], **more)
        self.addCleanup(gateway.__exit__, None, None, None)
        return gateway

    def test_a_clear_tunnel_goes_on_in_the_new_process(self):
        gateway = self.gateway()
        stream = open_tunnel(gateway)
        stream.sendall(frame(TEXT, b"before"))
        self.assertEqual(receive_exactly(stream, 8), frame(TEXT, b"before", masked=False))
        old = gateway.pid
        gateway.upgrade()
        self.assertEqual(gateway.process.wait_end(), 0, "the old process has nothing more to do")
        stream.sendall(frame(TEXT, b"after"))
        self.assertEqual(receive_exactly(stream, 7), frame(TEXT, b"after", masked=False))
        self.assertNotEqual(gateway.pid, old)
        self.assertEqual(gateway.metric("tunnels_open"), 1)
        stream.sendall(frame(CLOSE, struct.pack("!H", 1000)))
        stream.close()
        record = gateway.wait_record(lambda r: r.get("tunnel", {}).get("event") == "close", "the close record")
        self.assertEqual(record["tunnel"]["cause"], "client closed")
        self.assertEqual(record["tunnel"]["messagesFromClient"], 2, "what passed in the old process counts")

    def test_no_byte_is_lost_repeated_or_reordered_under_traffic(self):
        gateway = self.gateway(workers=2)
        tunnels, upgrades = scaled(5000, 200), scaled(20, 3)
        clients = [WebSocketClient(open_tunnel(gateway), i) for i in range(tunnels)]
        traffic = Traffic(clients)
        traffic.start()
        try:
            for _ in range(upgrades):
                traffic.wait_rounds(2)
                gateway.upgrade()
            traffic.wait_rounds(2)
        finally:
            traffic.stop()
        self.assertEqual(traffic.failures, [])
        self.assertEqual(gateway.metric("tunnels_open"), tunnels)

    def test_a_bulk_with_a_slow_reader_passes_whole(self):
        """Frames cut anywhere, and bytes that the slow side would not take yet."""
        total = scaled(200, 40) * 1024 * 1024
        payload = random.Random(7).randbytes(1 << 20)

        def script(client, head):
            client.sendall(SWITCH)
            left = total
            while left > 0:
                client.sendall(payload[:min(left, len(payload))])
                left -= min(left, len(payload))
            client.shutdown(socket.SHUT_WR)
            client.recv(1)
        gateway = self.gateway(script)
        stream = open_tunnel(gateway)
        received, upgrades = 0, 0
        while received < total:
            piece = stream.recv(200_000)
            self.assertTrue(piece, f"ended after {received} of {total}")
            at = received % len(payload)
            self.assertEqual(piece, (payload + payload)[at:at + len(piece)] if len(piece) <= len(payload) else None)
            received += len(piece)
            if received > total * (upgrades + 1) / 5 and upgrades < 4:
                gateway.upgrade()
                upgrades += 1
        self.assertEqual(stream.recv(1), b"")
        self.assertEqual(upgrades, 4)

    def test_a_side_that_has_ended_stays_so(self):
        go_on = threading.Event()

        def script(client, head):
            client.sendall(SWITCH)
            got = b""
            while piece := client.recv(65536):
                got += piece
            go_on.wait(PATIENCE)
            client.sendall(b"\x82\x7e\x00\xc8" + got.rjust(200))
        gateway = self.gateway(script)
        stream = open_tunnel(gateway)
        last = frame(TEXT, b"the last word")
        stream.sendall(last)
        stream.shutdown(socket.SHUT_WR)
        wait_until(lambda: 'from="client"' in gateway.admin("/metrics")[1], "the message")
        gateway.upgrade()
        go_on.set()
        self.assertEqual(receive_exactly(stream, 204)[4:], last.rjust(200))
        self.assertEqual(stream.recv(1), b"")

    def test_no_connection_is_refused_and_no_request_fails_meanwhile(self):
        gateway = self.gateway(workers=2)
        failures, served, stopped = [], [0], threading.Event()

        def ask():
            while not stopped.is_set():
                try:
                    status, _ = gateway.get("/health")
                    if status != 200:
                        failures.append(status)
                except Exception as error:
                    failures.append(repr(error))
                served[0] += 1
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(scaled(20, 4)):
            before = served[0]
            wait_until(lambda: served[0] > before + 20, "requests")
            gateway.upgrade()
        stopped.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_tunnels_over_tls_stay_and_the_next_upgrade_ends_them(self):
        gateway = self.gateway(arguments=["--drain", "1"])
        first = gateway.pid
        stream = open_tunnel(gateway, tls=True)
        clear = open_tunnel(gateway)
        gateway.upgrade()
        gateway.process.wait_for("1 tunnels have moved there, 1 stay here")
        second = open_tunnel(gateway, tls=True)
        for client in (stream, clear, second):
            client.sendall(frame(TEXT, b"hello"))
            self.assertEqual(receive_exactly(client, 7), frame(TEXT, b"hello", masked=False))
        self.assertTrue(is_running(first))
        gateway.upgrade()
        expected = frame(CLOSE, struct.pack("!H", 1012) + b"the gateway is replaced", masked=False)
        self.assertEqual(receive_exactly(stream, len(expected)), expected)
        stream.sendall(frame(CLOSE, struct.pack("!H", 1012)))
        self.assertEqual(gateway.process.wait_end(), 0)
        for client in (clear, second):
            client.sendall(frame(TEXT, b"hello"))
            self.assertEqual(receive_exactly(client, 7), frame(TEXT, b"hello", masked=False))
        record = gateway.wait_record(lambda r: r.get("tunnel", {}).get("event") == "close", "the close record")
        self.assertEqual(record["tunnel"]["cause"], "gateway upgrade")

    def test_what_becomes_a_tunnel_in_the_old_process_moves_later(self):
        switch = threading.Event()

        def script(client, head):
            switch.wait(PATIENCE)
            client.sendall(SWITCH)
            client.sendall(receive_exactly(client, 11))
        gateway = self.gateway(script)
        stream = gateway.connect()
        stream.sendall(handshake("/late"))
        wait_until(lambda: gateway.health()["pools"][0]["members"][0]["requests"] == 1, "the handshake")
        gateway.upgrade()
        switch.set()
        while not receive_exactly(stream, 1) == b"\n" or not receive_exactly(stream, 2).endswith(b"\n"):
            pass
        self.assertEqual(gateway.process.wait_end(), 0)
        hello = frame(TEXT, b"hello")
        stream.sendall(hello)
        self.assertEqual(receive_exactly(stream, len(hello)), hello)

    def test_a_new_process_killed_at_any_step_before_the_go_costs_nothing(self):
        folder = tempfile.mkdtemp(prefix="passerelle-")
        self.addCleanup(shutil.rmtree, folder)
        binary = os.path.join(folder, "passerelle")
        shutil.copy(BINARY, binary)
        gateway = self.gateway(binary=binary, workers=2)
        clients = [WebSocketClient(open_tunnel(gateway), i) for i in range(scaled(1000, 300))]
        traffic = Traffic(clients)
        traffic.start()
        # What is installed now says what a successor says, as far as it is told to, and is gone.
        os.unlink(binary)
        with open(binary, "w") as file:
            file.write(f"#!{sys.executable}\n{DYING_SUCCESSOR}")
        os.chmod(binary, 0o755)
        try:
            for step in range(-(-len(clients) // 125) + 5):
                pathlib.Path(folder, "steps").write_text(str(step))
                failures = gateway.process.text.count("this process goes on as before")
                gateway.process.send(signal.SIGUSR2)
                wait_until(lambda: gateway.process.text.count("this process goes on as before") > failures, f"step {step}: {gateway.process.text}")
                traffic.wait_rounds(1)
                self.assertEqual(gateway.get("/health")[0], 200)
        finally:
            traffic.stop()
        self.assertEqual(traffic.failures, [])
        self.assertEqual(gateway.metric("tunnels_open"), len(clients))
        os.unlink(binary)
        shutil.copy(BINARY, binary)
        gateway.upgrade()
        gateway.process.wait_for(rf"{len(clients)} tunnels have moved there, 0 stay here")

    def test_a_new_process_killed_at_any_moment_costs_nothing_before_the_go(self):
        gateway = self.gateway()
        stream = open_tunnel(gateway)
        for attempt in range(scaled(100, 15)):
            before = len(gateway.process.lines)
            gateway.process.send(signal.SIGUSR2)
            new = wait_until(lambda: re.findall(r"process (\d+) is started", "\n".join(gateway.process.lines[before:])), "a new process")
            time.sleep(random.Random(attempt).random() * 0.05)  # of the new process's life, not of ours
            os.kill(int(new[0]), signal.SIGKILL)
            ended = wait_until(lambda: re.search("goes on as before|carries the traffic now", "\n".join(gateway.process.lines[before:])), "an outcome")
            if ended.group(0).startswith("carries"):
                return  # the go was said: that it was killed then is no business of the old one
            stream.sendall(frame(TEXT, b"hello"))
            self.assertEqual(receive_exactly(stream, 7), frame(TEXT, b"hello", masked=False))

    def test_a_new_process_that_refuses_its_configuration_changes_nothing(self):
        gateway = self.gateway()
        stream = open_tunnel(gateway)
        gateway.template_path.write_text("{ this is none")
        gateway.process.send(signal.SIGUSR2)
        gateway.process.wait_for(r"error upgrade: the new process did not get ready: it is gone \(exit code 1\); this process goes on")
        stream.sendall(frame(TEXT, b"hello"))
        self.assertEqual(receive_exactly(stream, 7), frame(TEXT, b"hello", masked=False))
        self.assertEqual(gateway.get("/health")[0], 200)

    def test_the_old_process_does_not_follow_its_files_any_more(self):
        gateway = self.gateway(arguments=["--watch", "--drain", "1"])
        stream = open_tunnel(gateway, tls=True)
        gateway.upgrade()
        gateway.local["frontendPorts"] = {"80": free_port(), "443": free_port()}
        gateway.write_local(gateway.local)
        wait_until(lambda: gateway.health()["configurationVersion"] == 2, "the reload in the new process: " + gateway.process.text)
        gateway.http_port = gateway.local["frontendPorts"]["80"]
        self.assertEqual(gateway.get("/health")[0], 200)
        self.assertEqual(gateway.process.text.count("is in force"), 1)
        stream.close()
        self.assertEqual(gateway.process.wait_end(), 0)

    def test_a_reload_asked_for_meanwhile_is_made_by_the_new_process(self):
        binary = self.slow_successor(2)
        gateway = self.gateway(binary=binary)
        stream = open_tunnel(gateway)
        gateway.process.send(signal.SIGUSR2)
        gateway.process.wait_for("is started from")
        pathlib.Path(os.path.dirname(binary), "held").read_text()  # blocks until the new process is held up
        port = free_port()
        gateway.local["frontendPorts"] = {"80": port, "443": 0}
        gateway.write_local(gateway.local)
        gateway.process.send(signal.SIGHUP)
        gateway.process.wait_for(r"process (\d+) carries the traffic now")
        gateway.process.wait_for("version 2 is in force")
        gateway.successors.append(int(pathlib.Path(os.path.dirname(binary), "child").read_text()))
        gateway.http_port = port
        self.assertEqual(gateway.get("/health")[0], 200)
        stream.sendall(frame(TEXT, b"hello"))
        self.assertEqual(receive_exactly(stream, 7), frame(TEXT, b"hello", masked=False))

    def test_tunnels_with_pings_survive_a_hand_over_that_takes_long(self):
        binary = self.slow_successor(0, later=4)
        gateway = self.gateway(binary=binary, local={"httpListeners": {"*": {"pingSeconds": 1}}})
        streams = [open_tunnel(gateway) for _ in range(20)]

        def answer(stream, out):
            with contextlib.suppress(OSError, AssertionError):
                while True:
                    header = receive_exactly(stream, 2)
                    payload = receive_exactly(stream, header[1])
                    if header[0] == 0x80 | PING:
                        stream.sendall(frame(PONG, payload))
                    else:
                        out.append((header[0], payload))
        heard = [[] for _ in streams]
        for stream, out in zip(streams, heard):
            threading.Thread(target=answer, args=(stream, out), daemon=True).start()
        gateway.process.send(signal.SIGUSR2)
        gateway.process.wait_for(r"process (\d+) carries the traffic now", 3 * PATIENCE)
        gateway.successors.append(int(pathlib.Path(os.path.dirname(binary), "child").read_text()))
        for stream in streams:
            stream.sendall(frame(TEXT, b"hello"))
        wait_until(lambda: all((0x80 | TEXT, b"hello") in out for out in heard), "every echo")
        self.assertEqual([out for out in heard if out != [(0x80 | TEXT, b"hello")]], [], "no Close, and no pong of somebody else's")

    def slow_successor(self, seconds, later=0):
        """A binary whose next start waits, once the go could come, for so long; and says so in a pipe beside it."""
        folder = tempfile.mkdtemp(prefix="passerelle-")
        self.addCleanup(shutil.rmtree, folder)
        binary = os.path.join(folder, "passerelle")
        os.mkfifo(os.path.join(folder, "held"))
        pathlib.Path(binary).write_text(f"#!{sys.executable}\n{RELAYING_SUCCESSOR.format(binary=BINARY, seconds=seconds, later=later)}")
        os.chmod(binary, 0o755)
        return binary

    def test_a_second_upgrade_meanwhile_is_refused_and_a_failed_one_leaves_no_process(self):
        folder = tempfile.mkdtemp(prefix="passerelle-")
        self.addCleanup(shutil.rmtree, folder)
        binary = os.path.join(folder, "passerelle")
        shutil.copy(BINARY, binary)
        gateway = self.gateway(binary=binary)
        os.unlink(binary)
        pathlib.Path(binary).write_text(f"#!{sys.executable}\nimport os, struct, time\n"
                                        "os.write(int(os.environ['PASSERELLE_PREDECESSOR']), struct.pack('=IHBx', 4, 0, 0) + struct.pack('=I', 99))\ntime.sleep(60)\n")
        os.chmod(binary, 0o755)
        gateway.process.send(signal.SIGUSR2)
        child = int(gateway.process.wait_for(r"process (\d+) is started").group(1))
        gateway.process.send(signal.SIGUSR2)
        gateway.process.wait_for(r"hands over in another way \(version 99 of it, here it is 2\): restart instead \(signal 9\); this process goes on")
        self.assertFalse(is_running(child))
        self.assertEqual(gateway.process.text.count("is started"), 1)
        self.assertEqual(gateway.get("/health")[0], 200)

    def test_sockets_that_systemd_opened_are_used_and_the_others_told(self):
        wanted, other = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagram.bind(("127.0.0.1", wanted.getsockname()[1]))
        port = wanted.getsockname()[1]

        starter = self.starter_with((wanted, other, datagram))
        numbers = [each.fileno() for each in (wanted, other, datagram)]
        gateway = self.gateway(binary=starter, descriptors=numbers, workers=2, local={"frontendPorts": {"80": port, "443": 0}})
        self.assertEqual(gateway.http_port, port)
        gateway.process.wait_for(f"nothing in the configuration listens on 127.0.0.1:{other.getsockname()[1]}")
        other.close()
        self.assertEqual(gateway.get("/health")[0], 200)
        stream = open_tunnel(gateway)
        # The manager keeps the socket, so its end here is not the end of it.
        gateway.local["frontendPorts"]["80"] = 0
        gateway.write_local(gateway.local)
        gateway.reload()
        for _ in range(5):
            socket.create_connection(("127.0.0.1", port)).close()
        stream.sendall(frame(TEXT, b"hello"))
        self.assertEqual(receive_exactly(stream, 7), frame(TEXT, b"hello", masked=False))
        gateway.upgrade()
        stream.sendall(frame(TEXT, b"hello"))
        self.assertEqual(receive_exactly(stream, 7), frame(TEXT, b"hello", masked=False))

    def starter_with(self, sockets):
        """A program that starts the gateway as a service manager does, with these sockets from descriptor 3 on."""
        folder = tempfile.mkdtemp(prefix="passerelle-")
        self.addCleanup(shutil.rmtree, folder)
        numbers = [each.fileno() for each in sockets]
        path = os.path.join(folder, "start")
        pathlib.Path(path).write_text(f"""#!{sys.executable}
import os, sys
if "PASSERELLE_PREDECESSOR" not in os.environ:
    own = [os.dup(number) for number in {numbers}]
    for place, number in enumerate(own):
        os.dup2(number, 100 + place)
    for place in range(len(own)):
        os.dup2(100 + place, 3 + place)
        os.set_inheritable(3 + place, True)
        os.close(100 + place)
    os.environ.update(LISTEN_FDS=str(len(own)), LISTEN_PID=str(os.getpid()))
os.execv({BINARY!r}, [{BINARY!r}, *sys.argv[1:]])
""")
        os.chmod(path, 0o755)
        return path

    def test_it_tells_the_service_manager_which_process_it_is(self):
        folder = tempfile.mkdtemp(prefix="passerelle-")
        self.addCleanup(shutil.rmtree, folder)
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(os.path.join(folder, "notify"))
        manager.settimeout(PATIENCE)
        gateway = self.gateway(environment={"NOTIFY_SOCKET": os.path.join(folder, "notify")})
        self.assertEqual(manager.recv(1000), b"READY=1")
        gateway.reload()
        self.assertRegex(manager.recv(1000).decode(), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.assertEqual(manager.recv(1000), b"READY=1")
        gateway.upgrade()
        self.assertRegex(manager.recv(1000).decode(), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
        self.assertEqual(manager.recv(1000).decode(), f"READY=1\nMAINPID={gateway.pid}")

    def test_on_its_end_the_new_process_ends_the_old_one_too(self):
        gateway = self.gateway(arguments=["--drain", "1"])
        stream = open_tunnel(gateway, tls=True)
        gateway.upgrade()
        os.kill(gateway.pid, signal.SIGTERM)
        self.assertEqual(receive_exactly(stream, 4)[2:], struct.pack("!H", 1001))
        stream.close()
        self.assertEqual(gateway.process.wait_end(), 0)


# Reads the steps it is to take from a file beside it, then dies: hello, an answer for each message of sockets, prepared, an answer for each of tunnels.
DYING_SUCCESSOR = r"""
import array, os, pathlib, socket, struct, sys
HELLO, SOCKETS, TAKEN, KNOWLEDGE, PREPARED, TUNNELS, GO = range(7)
left = int(pathlib.Path(sys.argv[0]).with_name("steps").read_text())
channel = socket.socket(fileno=int(os.environ["PASSERELLE_PREDECESSOR"]))
channel.setblocking(True)
kept = []

def say(kind, payload=b""):
    global left
    if left == 0:
        os.kill(os.getpid(), 9)
    left -= 1
    channel.sendall(struct.pack("=IHBx", len(payload), 0, kind) + payload)

def take(size):
    got = b""
    while len(got) < size:
        piece, descriptors, _, _ = socket.recv_fds(channel, size - len(got), 250)
        if not piece:
            sys.exit(9)
        kept.extend(descriptors)
        got += piece
    return got

say(HELLO, struct.pack("=I", 2))
while True:
    size, _, kind = struct.unpack("=IHBx", take(8))
    take(size)
    if kind == GO:
        sys.exit("the go came before its time")
    say(PREPARED if kind == KNOWLEDGE else TAKEN)
"""


# Starts the real binary and relays the conversation; before what the new process says last ahead of the go, it waits.
RELAYING_SUCCESSOR = r"""
import os, pathlib, select, socket, struct, subprocess, sys, time
if "PASSERELLE_PREDECESSOR" not in os.environ:
    os.execv({binary!r}, sys.argv)
old = socket.socket(fileno=int(os.environ["PASSERELLE_PREDECESSOR"]))
old.setblocking(True)
new, its = socket.socketpair()
os.set_inheritable(its.fileno(), True)
child = subprocess.Popen([{binary!r}, *sys.argv[1:]], pass_fds=[its.fileno()], env=dict(os.environ, PASSERELLE_PREDECESSOR=str(its.fileno())))
its.close()
pathlib.Path(sys.argv[0]).with_name("child").write_text(str(child.pid))
held = False
while True:
    for source in select.select([old, new], [], [])[0]:
        piece, descriptors, _, _ = socket.recv_fds(source, 65536, 250)
        if not piece:
            sys.exit(0)
        if source is old and {later} and len(piece) >= 8 and struct.unpack("=IHBx", piece[:8])[2] == 5:
            time.sleep({later})
        if source is new and piece == struct.pack("=IHBx", 0, 0, 4) and not held and {seconds}:
            held = True
            with open(pathlib.Path(sys.argv[0]).with_name("held"), "w") as pipe:
                pipe.write("yes")
            time.sleep({seconds})
        socket.send_fds(new if source is old else old, [piece], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class WebSocketClient:
    """Sends numbered messages and expects each back, once, in order."""

    def __init__(self, stream, seed):
        self.stream = stream
        self.stream.setblocking(False)
        self.random = random.Random(seed)
        self.number = 0
        self.expected = b""
        self.echoed = 0

    def send(self):
        size = self.random.choice((0, 1, 20, 125, 126, 1000, 70_000 if self.number % 50 == 49 else 30))
        payload = struct.pack("!I", self.number) + self.random.randbytes(size)
        self.number += 1
        self.expected += frame(OPCODE_BINARY, payload, masked=False)
        # Cut, so that an upgrade finds it within a frame.
        bytes_ = frame(OPCODE_BINARY, payload)
        cut = self.random.randrange(len(bytes_))
        self.stream.setblocking(True)
        self.stream.sendall(bytes_[:cut])
        yield
        self.stream.setblocking(True)
        self.stream.sendall(bytes_[cut:])
        self.stream.setblocking(False)

    def receive(self):
        with contextlib.suppress(BlockingIOError):
            while self.expected:
                self.stream.setblocking(False)
                got = self.stream.recv(65536)
                if not got:
                    raise AssertionError("the tunnel ended")
                if not self.expected.startswith(got):
                    raise AssertionError(f"received {got[:20]!r}, expected {self.expected[:20]!r}")
                self.expected = self.expected[len(got):]


class Traffic:
    """All clients, round after round, in one thread."""

    def __init__(self, clients):
        self.clients = clients
        self.rounds = 0
        self.failures = []
        self.stopped = False
        self.thread = threading.Thread(target=self._run)

    def start(self):
        self.thread.start()

    def stop(self):
        self.stopped = True
        self.thread.join()

    def wait_rounds(self, count):
        wanted = self.rounds + count
        wait_until(lambda: self.rounds >= wanted or self.failures, "rounds of messages", 8 * PATIENCE)

    def _run(self):
        while not self.stopped and not self.failures:
            try:
                halves = [client.send() for client in self.clients]
                for half in halves:
                    next(half)
                for half in halves:
                    next(half, None)
                deadline = time.monotonic() + 4 * PATIENCE
                while any(client.expected for client in self.clients):
                    for client in self.clients:
                        client.receive()
                    if time.monotonic() > deadline:
                        raise AssertionError("echoes are missing")
                self.rounds += 1
            except Exception as error:
                self.failures.append(repr(error))


if __name__ == "__main__":
    unittest.main(verbosity=2)

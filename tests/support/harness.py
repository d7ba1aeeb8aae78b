"""Starts the real gateway with a configuration of the test's, and finds out where it listens."""
import contextlib
import http.client
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("PASSERELLE_BINARY", str(ROOT / "build" / "release" / "passerelle"))
ENGINE = os.environ.get("PASSERELLE_ENGINE", "auto")
SCALE = float(os.environ.get("PASSERELLE_SCALE", "0.2"))
EXAMPLE = ROOT / "examples" / "websocket" / "gateway.json"
SANITIZED = "asan" in BINARY or "tsan" in BINARY
# A generous limit for "soon": tests wait for conditions, never for time.
PATIENCE = 30.0 if SANITIZED else 15.0


def scaled(count, least=1):
    return max(least, int(count * SCALE))


def wait_until(condition, what, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("never came true: " + what)
        time.sleep(0.01)


def example(change=None):
    """The example's template as a dictionary, changed by `change(properties)`."""
    template = json.loads(EXAMPLE.read_text())
    if change:
        change(template["resources"][0]["properties"])
    return template


class Process:
    """A child with its standard error collected line by line."""

    def __init__(self, arguments, environment=None, preexec=None, stdout=subprocess.DEVNULL, descriptors=()):
        env = dict(os.environ, **(environment or {}))
        self.child = subprocess.Popen(arguments, stdout=stdout, stderr=subprocess.PIPE, text=True, env=env, preexec_fn=preexec, pass_fds=descriptors)
        self.lines = []
        self.thread = threading.Thread(target=self._collect, daemon=True)
        self.thread.start()

    def _collect(self):
        for line in self.child.stderr:
            self.lines.append(line.rstrip("\n"))

    @property
    def text(self):
        return "\n".join(self.lines)

    def wait_for(self, pattern, patience=PATIENCE):
        def found():
            match = re.search(pattern, self.text, re.M)
            if match is None and self.child.poll() is not None and not self.thread.is_alive():
                raise AssertionError(f"ended with {self.child.returncode} before {pattern!r}:\n{self.text}")
            return match
        try:
            return wait_until(found, pattern, patience)
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- standard error:\n{self.text}") from None

    def send(self, number):
        self.child.send_signal(number)

    def wait_end(self, patience=PATIENCE):
        """The exit code, once it has ended by itself."""
        return self.child.wait(patience)

    def stop(self, number=signal.SIGTERM, patience=PATIENCE):
        if self.child.poll() is None:
            self.child.send_signal(number)
            try:
                self.child.wait(patience)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
                self.thread.join(5)
                raise AssertionError("did not stop when asked to:\n" + self.text) from None
        self.thread.join(5)
        return self.child.returncode


class Gateway:
    """The gateway on the example's template (or another), its listeners on free ports of 127.0.0.1."""

    def __init__(self, backends=None, template=None, local=None, arguments=(), workers=1, files=None, healthy=True, preexec=None, binary=BINARY, environment=None, descriptors=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="passerelle-"))
        self.template_path = self.folder / "gateway.json"
        self.local_path = self.folder / "passerelle.local.json"
        self.log_path = self.folder / "access.log"
        self.write_template(template if template is not None else example())
        self.local = {"frontendIPConfigurations": {"*": "127.0.0.1"}, "frontendPorts": {"80": 0, "443": 0}}
        if not any(str(a) == "--state" for a in arguments):
            arguments = (*arguments, "--state", str(self.folder / "state"))
        if not any(str(a) == "--engine" for a in arguments):
            arguments = (*arguments, "--engine", ENGINE)
        if backends is not None:
            self.local["backendPools"] = {"*": backends}
        self.local.update(local or {})
        self.write_local(self.local)
        names = [str(self.template_path)] + [str(f) for f in (files or [])]
        self.successors = []  # their process ids, the newest last
        self.clients = []  # connections made here that close before the gateway does, so that it need not wait for them
        self.process = Process([binary, "run", *names, "--admin", "127.0.0.1:0", "--workers", str(workers), "--drain", "5",
                                "--access-log", str(self.log_path), *arguments], preexec=preexec, environment=environment, descriptors=descriptors)
        try:
            ready = self.process.wait_for(r"^passerelle: ready.*admin http://127\.0\.0\.1:(\d+)/")
            self.admin_port = int(ready.group(1))
            if healthy and backends:
                self.wait_healthy(len(backends))
            # The report under the ready line comes after the first probes.
            self.http_port = int(self.process.wait_for(r"^    http://127\.0\.0\.1:(\d+)/").group(1)) if self._has("Http") else None
            self.https_port = int(self.process.wait_for(r"^    https://127\.0\.0\.1:(\d+)/").group(1)) if self._has("Https") else None
        except BaseException:
            self.process.child.kill()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    @classmethod
    def of(cls, config, **more):
        """Of a Config, with all its members up."""
        gateway = cls(template=config.template(), local=config.local(), healthy=False, **more)
        try:
            gateway.wait_all_up()
        except BaseException:
            gateway.process.child.kill()
            raise
        return gateway

    def wait_all_up(self):
        def up():
            return all(m["health"] == "Up" for p in self.health()["pools"] for m in p["members"])
        wait_until(up, "all members up: " + self.process.text)

    def port_of(self, listener):
        """Where a listener really listens."""
        return int(self.process.wait_for(rf"^  {re.escape(listener)}( for .*)?\n    https?://127\.0\.0\.1:(\d+)/").group(2))

    def _has(self, protocol):
        return f'"protocol": "{protocol}"' in json.dumps(json.loads(self.template_path.read_text())["resources"][0]["properties"]["httpListeners"])

    def write_template(self, template):
        self.template_path.write_text(json.dumps(template, indent=1))

    def write_local(self, local):
        self.local_path.write_text(json.dumps(local, indent=1))

    @property
    def pid(self):
        """Of the process that carries the traffic now."""
        return self.successors[-1] if self.successors else self.process.child.pid

    def upgrade(self, patience=PATIENCE):
        """Hands over to a process of the binary as it is now."""
        done = r"upgrade: process (\d+) carries the traffic now"
        before = len(re.findall(done, self.process.text))
        ready = self.process.text.count("passerelle: ready")
        os.kill(self.pid, signal.SIGUSR2)
        wait_until(lambda: len(re.findall(done, self.process.text)) > before, "the upgrade: " + self.process.text, patience)
        wait_until(lambda: self.process.text.count("passerelle: ready") > ready, "the new process", patience)
        self.successors.append(int(re.findall(done, self.process.text)[-1]))

    def admin(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=PATIENCE)
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, body

    def health(self):
        status, body = self.admin("/api/v1/health")
        assert status == 200, body
        return json.loads(body)

    def tunnels(self):
        return json.loads(self.admin("/api/v1/tunnels")[1])["tunnels"]

    def members_up(self):
        return sum(m["health"] == "Up" for p in self.health()["pools"][:1] for m in p["members"])

    def wait_healthy(self, count):
        wait_until(lambda: self.members_up() == count, f"{count} members up, not {self.members_up()}: {self.process.text}")

    def metric(self, name):
        for line in self.admin("/metrics")[1].splitlines():
            if line.startswith("passerelle_" + name + " "):
                return float(line.split()[-1])
        raise AssertionError("no metric " + name)

    def reload(self):
        before = self.health()["configurationVersion"]
        self.process.send(signal.SIGHUP)
        wait_until(lambda: self.health()["configurationVersion"] == before + 1, "the reload: " + self.process.text)

    def private_dirty(self):
        """Bytes of memory that are the gateway's alone, counted by the kernel."""
        return int(re.search(r"Private_Dirty:\s+(\d+) kB", pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()).group(1)) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def log_records(self):
        if not self.log_path.exists():
            return []
        # The last line may still be on its way.
        return [json.loads(line) for line in self.log_path.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def wait_record(self, wanted, what):
        def found():
            return next((r for r in self.log_records() if wanted(r)), None)
        return wait_until(found, what)

    def connect(self, tls=False, timeout=PATIENCE):
        raw = socket.create_connection(("127.0.0.1", self.https_port if tls else self.http_port), timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not tls:
            return raw
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(raw, server_hostname="server.example.com")

    def get(self, path="/", tls=False, fields="", method="GET"):
        """Status and body of one request on a connection of its own."""
        with self.connect(tls) as client:
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n{fields}\r\n".encode())
            answer = receive_all(client)
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def stop(self):
        # Whoever came later ends first, and tells whom it came from to end too.
        for pid in reversed(self.successors):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            wait_until(lambda pid=pid: not is_running(pid), f"the end of process {pid}: {self.process.text}", 2 * PATIENCE)
        code = self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        sanitizer = [l for l in self.process.lines if "ERROR: " in l and "Sanitizer" in l or "WARNING: ThreadSanitizer" in l]
        assert not sanitizer, self.process.text
        assert code == 0, f"exit code {code}:\n{self.process.text}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for client in self.clients:
            client.close()
        if kind is None:
            return self.stop()
        print(self.process.text)
        for pid in self.successors:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(Exception):
            self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def is_running(pid):
    """Not one that has ended and was not collected, either; but as long as any of its threads has yet to end: until the last of
    them has, what the process holds (a lock, a port) is not given back, though the first already counts as ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if pathlib.Path(f"/proc/{pid}/task/{thread}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                    return True
    return False


def receive_all(stream):
    """Everything until the peer ends or resets."""
    received = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while True:
            piece = stream.recv(65536)
            if not piece:
                break
            received += piece
    return received


def receive_until(stream, end):
    received = b""
    while end not in received:
        piece = stream.recv(65536)
        if not piece:
            raise AssertionError(f"ended before {end!r}: {received!r}")
        received += piece
    return received


def receive_exactly(stream, count):
    received = b""
    while len(received) < count:
        piece = stream.recv(count - len(received))
        if not piece:
            raise AssertionError(f"ended after {len(received)} of {count} bytes")
        received += piece
    return received


class DemoBackend(Process):
    """`passerelle backend` on a free port."""

    def __init__(self, name="one", port=0):
        super().__init__([BINARY, "backend", "--listen", f"127.0.0.1:{port}", "--name", name])
        self.address = self.wait_for(r"ready on http://([\d.]+:\d+)/").group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class ScriptedBackend:
    """A TCP server on a free port whose every connection is answered by `script(connection)` in a thread of its own.

    Probes (GET /health) are answered 200 here, so that scripts need not know of them.
    """

    def __init__(self, script):
        self.script = script
        self.server = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = "127.0.0.1:%d" % self.server.getsockname()[1]
        self.received = queue.Queue()
        self.connections = 0
        self.open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            client.settimeout(PATIENCE)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError, AssertionError), client:
            head = receive_until(client, b"\r\n\r\n")
            if head.startswith(b"GET /health "):
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            self.connections += 1
            self.open.add(client)
            self.received.put(head)
            self.script(client, head)

    def drop_all(self):
        """Ends every connection, so that none that was kept answers by an old script."""
        for client in list(self.open):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self.open.clear()

    def head(self):
        return self.received.get(timeout=PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()


class MirrorBackend(ScriptedBackend):
    """Answers every request with its head as the body, and with its own name; accepts every WebSocket and echoes it."""

    def __init__(self, name):
        self.name = name
        super().__init__(self.mirror)

    def mirror(self, client, head):
        while True:
            if b"\r\nUpgrade: websocket\r\n" in head:
                from websocket import answer_echo
                return answer_echo(client, head, self.name)
            client.sendall(f"HTTP/1.1 200 OK\r\nX-Backend: {self.name}\r\nContent-Length: {len(head)}\r\n\r\n".encode() + head)
            head = receive_until(client, b"\r\n\r\n")


class MirrorCase(unittest.TestCase):
    """One mirror for all tests of a class, which bring their own gateways."""

    @classmethod
    def setUpClass(cls):
        cls.backend = MirrorBackend("mirror")

    @classmethod
    def tearDownClass(cls):
        cls.backend.server.close()


class GatewayCase(unittest.TestCase):
    """One gateway and one scripted backend for all tests of a class; `script` is the class's, set by each test."""

    @classmethod
    def setUpClass(cls):
        cls.backend = ScriptedBackend(lambda client, head: cls.script(client, head))
        cls.gateway = cls.make_gateway(cls.backend)

    @classmethod
    def make_gateway(cls, backend):
        return Gateway([backend.address])

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()
        cls.backend.__exit__()

    def setUp(self):
        self.backend.drop_all()
        while not self.backend.received.empty():
            self.backend.received.get()

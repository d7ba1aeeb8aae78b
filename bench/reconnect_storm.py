"""A member restarts under thousands of WebSockets whose clients all come back at once: how long until all are served, how many tries
failed, and what somebody else's requests feel of it. Passerelle, HAProxy and nginx, one worker each, on the same script, interleaved.

    ./dev bench reconnect_storm [clients] [rounds]
"""
import http.client
import json
import multiprocessing
import os
import pathlib
import random
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BINARY = os.environ.get("PASSERELLE_BINARY", "build/release/passerelle")
CLIENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # open files; each process that is measured gets as many
OUTAGE = 2.0  # seconds the member is away
RETRY = 0.2  # seconds until a client whose try failed tries again, unless it was told another time
PATIENCE = 120
HANDSHAKE = (b"GET /echo HTTP/1.1\r\nHost: storm.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def free_ports(count):
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


def wait_for_port(port):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Gateway:
    """One listener leads to the member that restarts, another to somebody else's."""

    def __init__(self, storm, quiet):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="storm-"))
        self.storm_port, self.quiet_port = free_ports(2)
        self.child = subprocess.Popen(self.command(storm, quiet), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        for port in (self.storm_port, self.quiet_port):
            wait_for_port(port)

    def stop(self):
        # In order, so that nginx's worker ends with its master; Passerelle would drain, and ends at once when asked twice.
        self.child.terminate()
        try:
            self.child.wait(1)
        except subprocess.TimeoutExpired:
            self.child.terminate()
            self.child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Passerelle(Gateway):
    name = "Passerelle"

    def command(self, storm, quiet):
        reference = lambda kind, name: {"id": f"/x/{kind}/{name}"}
        sides = {"storm": (8001, storm), "quiet": (8002, quiet)}
        properties = {
            "frontendIPConfigurations": [{"name": "front"}],
            "frontendPorts": [{"name": n, "properties": {"port": p}} for n, (p, _) in sides.items()],
            "httpListeners": [{"name": n, "properties": {"frontendIPConfiguration": reference("frontendIPConfigurations", "front"), "frontendPort": reference("frontendPorts", n), "protocol": "Http"}} for n in sides],
            "backendAddressPools": [{"name": n, "properties": {"backendAddresses": [{"ipAddress": "10.0.0.1"}]}} for n in sides],
            "probes": [{"name": "probe", "properties": {"protocol": "Http", "host": "storm.test", "path": "/health", "interval": 1, "timeout": 1, "unhealthyThreshold": 2}}],
            "backendHttpSettingsCollection": [{"name": "settings", "properties": {"port": 80, "protocol": "Http", "probe": reference("probes", "probe")}}],
            "requestRoutingRules": [{"name": n, "properties": {"ruleType": "Basic", "httpListener": reference("httpListeners", n), "backendAddressPool": reference("backendAddressPools", n),
                                                               "backendHttpSettings": reference("backendHttpSettingsCollection", "settings")}} for n in sides]}
        (self.folder / "gateway.json").write_text(json.dumps({"name": "gw", "type": "Microsoft.Network/applicationGateways", "properties": properties}))
        local = {"frontendIPConfigurations": {"*": "127.0.0.1"}, "frontendPorts": {"8001": self.storm_port, "8002": self.quiet_port},
                 "backendPools": {n: [f"127.0.0.1:{member}"] for n, (_, member) in sides.items()}}
        (self.folder / "passerelle.local.json").write_text(json.dumps(local))
        return [os.path.abspath(BINARY), "run", "gateway.json", "--workers", "1", "--admin", "off", "--access-log", "off", "--state", "state"]


class HaProxy(Gateway):
    name = "HAProxy"

    def command(self, storm, quiet):
        sides = [("storm", self.storm_port, storm), ("quiet", self.quiet_port, quiet)]
        text = f"global\n  nbthread 1\n  maxconn {(FILES - 200) // 2}\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  timeout tunnel 1h\n  option redispatch\n"
        for name, port, member in sides:
            text += (f"frontend {name}\n  bind 127.0.0.1:{port}\n  default_backend {name}\n"
                     f"backend {name}\n  option httpchk GET /health\n  server one 127.0.0.1:{member} check inter 1s fall 2 rise 1\n")
        (self.folder / "haproxy.cfg").write_text(text)
        return ["haproxy", "-f", "haproxy.cfg", "-db"]


class Nginx(Gateway):
    name = "nginx"

    def command(self, storm, quiet):
        servers = ""
        for name, port, member in (("storm", self.storm_port, storm), ("quiet", self.quiet_port, quiet)):
            servers += (f"upstream {name} {{ server 127.0.0.1:{member} max_fails=0; keepalive 16; }}\n"
                        f"server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://{name}; proxy_http_version 1.1; proxy_read_timeout 1h;\n"
                        f"  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $upgrade_or_not; }} }}\n")
        (self.folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid nginx.pid; error_log /dev/null; events {{ worker_connections {FILES - 200}; }}\n"
            "http { access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n"
            f"map $http_upgrade $upgrade_or_not {{ default upgrade; '' ''; }}\n{servers}}}\n")
        return ["nginx", "-p", str(self.folder), "-c", "nginx.conf"]


def start_member(port):
    child = subprocess.Popen([BINARY, "backend", "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_port(port)
    return child


def ask_somebody_else(port, begin, stop, out):
    """Requests on a connection of their own, one every five milliseconds: how long each took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    times, errors = [], 0
    begin.wait()
    while not stop.is_set():
        began = time.monotonic()
        try:
            connection.request("GET", "/health")
            response = connection.getresponse()
            response.read()
            errors += response.status != 200
        except Exception:
            errors += 1
            connection.close()
        times.append(time.monotonic() - began)
        time.sleep(0.005)
    out.put((times, errors))


class Clients:
    """All of them in one thread: each opens a WebSocket, and a new one when it ends."""

    def __init__(self, port):
        self.port = port
        self.epoll = select.epoll()
        self.sockets = {}
        self.open = set()
        self.errors = 0
        self.later = []  # (when, count)
        for _ in range(CLIENTS):
            self.start()

    def start(self):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", self.port))
        self.sockets[client.fileno()] = [client, b"", False]
        self.epoll.register(client.fileno(), select.EPOLLOUT | select.EPOLLIN)

    def end(self, number, after):
        client = self.sockets.pop(number)[0]
        self.open.discard(number)
        self.epoll.unregister(number)
        client.close()
        self.later.append(time.monotonic() + after)

    def step(self):
        now = time.monotonic()
        due = [when for when in self.later if when <= now]
        self.later = [when for when in self.later if when > now]
        for _ in due:
            self.start()
        for number, events in self.epoll.poll(0.01, 1000):
            state = self.sockets[number]
            if not state[2] and events & (select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR):
                state[2] = True
                self.epoll.modify(number, select.EPOLLIN)
                try:
                    state[0].send(HANDSHAKE)
                except OSError:
                    self.errors += 1
                    self.end(number, RETRY)
                continue
            try:
                got = state[0].recv(4096)
            except OSError:
                got = b""
            if number in self.open:
                if not got:
                    self.end(number, 0)  # the storm
                continue
            state[1] += got
            if state[1].startswith(b"HTTP/1.1 101") and b"\r\n\r\n" in state[1]:
                self.open.add(number)
            elif not got or b"\r\n\r\n" in state[1]:
                self.errors += 1
                told = [line for line in state[1].split(b"\r\n") if line.lower().startswith(b"retry-after:")]
                self.end(number, int(told[0].split(b":")[1]) if told else RETRY)

    def until_all_open(self):
        deadline = time.monotonic() + PATIENCE
        while len(self.open) < CLIENTS and time.monotonic() < deadline:
            self.step()
        return len(self.open) == CLIENTS

    def close(self):
        for client, _, _ in self.sockets.values():
            client.close()


def one_round(kind):
    storm_member, quiet_member = free_ports(2)
    members = [start_member(storm_member), start_member(quiet_member)]
    gateway = kind(storm_member, quiet_member)
    begin, stop, out = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Queue()
    # Before there are clients, or it would hold a copy of each of their sockets.
    asking = multiprocessing.Process(target=ask_somebody_else, args=(gateway.quiet_port, begin, stop, out))
    asking.start()
    clients = None
    try:
        time.sleep(1.5)  # the first health checks
        clients = Clients(gateway.storm_port)
        if not clients.until_all_open():
            raise SystemExit(f"{kind.name}: not all clients could be opened at first")
        begin.set()
        clients.errors = 0
        members[0].kill()
        members[0].wait()
        back = time.monotonic() + OUTAGE
        while time.monotonic() < back:
            clients.step()
        members[0] = start_member(storm_member)
        began = time.monotonic()
        served = clients.until_all_open()
        took = time.monotonic() - began
        stop.set()
        times, other_errors = out.get()
        return {"seconds": took if served else float("inf"), "errors": clients.errors, "worst": max(times) * 1e3,
                "p99": sorted(times)[int(len(times) * 0.99)] * 1e3, "other errors": other_errors}
    finally:
        stop.set()
        begin.set()
        asking.join(5)
        if clients:
            clients.close()
        gateway.stop()
        for member in members:
            member.kill()
            member.wait()


def main():
    kinds = [Passerelle] + [kind for kind, program in ((HaProxy, "haproxy"), (Nginx, "nginx")) if shutil.which(program)]
    results = {kind.name: [] for kind in kinds}
    for number in range(ROUNDS):
        for kind in random.sample(kinds, len(kinds)):
            results[kind.name].append(one_round(kind))
            print(f"round {number + 1}, {kind.name}: {results[kind.name][-1]}", file=sys.stderr, flush=True)
    print(f"{CLIENTS} clients, a member away for {OUTAGE:g} s, medians of {ROUNDS} rounds:\n")
    print("| gateway | until all are served | tries that failed | others' requests: worst | p99 | failed |")
    print("|---|---|---|---|---|---|")
    for name, rounds in results.items():
        middle = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
        print(f"| {name} | {middle['seconds']:.2f} s | {middle['errors']:.0f} | {middle['worst']:.1f} ms | {middle['p99']:.1f} ms | {middle['other errors']:.0f} |")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()

"""What is compared: the floor, the rivals, and Passerelle; each a process on a core of its own."""
import os
import pathlib
import shutil
import socket
import subprocess
import time

BENCH = pathlib.Path(__file__).resolve().parent.parent
CORES = sorted(os.sched_getaffinity(0))
PROXY_CORE, LOAD_CORE = str(CORES[0]), str(CORES[-1] if len(CORES) < 2 else CORES[1])
START_SECONDS_MAX = 10


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def built(name):
    return pathlib.Path(os.environ.get("PASSERELLE_BINARY", "build/release/passerelle")).resolve().parent / "bench" / name


class Proxy:
    """One that runs."""

    http2 = False  # carries WebSockets over it
    logs = True

    cores = PROXY_CORE

    def __init__(self, name, folder, backend, log=False):
        self.name, self.log = name, log
        self.folder = pathlib.Path(folder) / name.replace(" ", "_")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.http, self.https = free_port(), free_port()
        for file in ("certificate.pem", "key.pem", "both.pem"):
            shutil.copy(pathlib.Path(folder) / file, self.folder)
        with (self.folder / "stderr.txt").open("w") as errors:
            self.process = subprocess.Popen(["taskset", "-c", self.cores, *self.command(backend)], stdout=subprocess.DEVNULL, stderr=errors)
        try:
            self.wait()
        except SystemExit:
            self.stop()
            raise

    def fill(self, file, **words):
        """A configuration of bench/rivals with what this run gives it."""
        text = (BENCH / "rivals" / file).read_text()
        for word, value in {"folder": self.folder, "http": self.http, "https": self.https, **words}.items():
            text = text.replace(f"@{word}@", str(value))
        path = self.folder / file
        path.write_text(text)
        return str(path)

    def wait(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        for port in (self.http, self.https):
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if time.monotonic() > deadline or self.process.poll() is not None:
                        raise SystemExit(f"{self.name} does not start: {(self.folder / 'stderr.txt').read_text()}") from None

    def processes(self):
        """All of its processes: a master has workers."""
        found = [self.process.pid]
        for pid in found:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        return found

    def private_kb(self):
        total = 0
        for pid in self.processes():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(("Private_Clean", "Private_Dirty")):
                    total += int(line.split()[1])
        return total

    def port(self, tls):
        return self.https if tls else self.http

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(START_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Floor(Proxy):
    logs = False

    def command(self, backend):
        return [built("bench_floor"), f"127.0.0.1:{self.http}", backend, f"127.0.0.1:{self.https}", self.folder / "certificate.pem", self.folder / "key.pem"]


class Nginx(Proxy):
    tuning = ""

    def command(self, backend):
        file = self.fill("nginx.conf", backend=backend, tuning=self.tuning, log=f"{self.folder}/access.log" if self.log else "off")
        return ["nginx", "-p", self.folder, "-c", file]


class NginxLargeBuffers(Nginx):
    tuning = "proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;"


class HAProxy(Proxy):
    http2 = True
    tuning = ""

    def command(self, backend):
        log = "log stdout format raw local0" if self.log else ""
        return ["haproxy", "-db", "-f", self.fill("haproxy.cfg", backend=backend, tuning=self.tuning, log=log, use_log="log global\n  option httplog" if self.log else "")]


class HAProxySplice(HAProxy):
    tuning = "option splice-auto"


class Passerelle(Proxy):
    http2 = True
    engine = "io_uring"
    workers = 1

    def command(self, backend):
        template = self.fill("passerelle.json")
        local = self.fill("passerelle.local.json", backend=backend)
        return [os.environ.get("PASSERELLE_BINARY", "build/release/passerelle"), "run", template, "--local", local, "--engine", self.engine, "--workers", str(self.workers),
                "--admin", f"127.0.0.1:{free_port()}", "--state", self.folder / "state", "--access-log", self.folder / "access.log" if self.log else "off", "--log-level", "error"]


class PasserelleEpoll(Passerelle):
    engine = "epoll"


class PasserelleTwoWorkers(Passerelle):
    workers = 2
    cores = f"{PROXY_CORE},{LOAD_CORE}"


KINDS = {"floor": Floor, "nginx": Nginx, "nginx 64k": NginxLargeBuffers, "HAProxy": HAProxy, "HAProxy splice": HAProxySplice, "Passerelle epoll": PasserelleEpoll, "Passerelle": Passerelle}

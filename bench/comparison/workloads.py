"""What is measured, and what has to come of it."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Workload:
    """`options`: of bench_load. `title` is a row of the tables."""

    name: str
    title: str
    options: str
    tls: bool = False
    http2: bool = False
    log: bool = False
    seconds: float = 1.0
    traced: bool = True  # its calls are counted: by strace, which is too slow for thousands that connect at once

    def command(self, port):
        out = [f"127.0.0.1:{port}", "--seconds", str(self.seconds), *self.options.split()]
        return out + ["--tls"] * self.tls + ["--http2"] * self.http2

    def carried_by(self, kind):
        return (not self.http2 or kind.http2) and (not self.log or kind.logs)


def echo_of(connections):
    return Workload(f"echo-{connections}", f"ws echo 64 B, {connections:,} connection{'s' * (connections > 1)}", f"--connections {connections}", traced=connections <= 1000)


ECHO_100 = echo_of(100)
WORKLOADS = [
    echo_of(1),
    ECHO_100,
    echo_of(1000),
    Workload("echo-1k", "ws echo 1 KiB, 200 connections", "--connections 200 --payload 1024"),
    Workload("echo-16k", "ws echo 16 KiB, 50 connections", "--connections 50 --payload 16384"),
    Workload("echo-1m", "ws echo 1 MiB, 8 connections", "--connections 8 --payload 1048576"),
    Workload("one-way", "ws one-way, 64 KiB messages, 4 connections", "--mode one-way --path /sink --connections 4 --payload 65536"),
    Workload("idle-9000", "ws echo 64 B, 90 of 9,000 connections", "--connections 9000 --talkers 90", traced=False),
    Workload("handshake", "ws handshake (connect, upgrade, close), 50 at a time", "--mode handshake --connections 50"),
    Workload("http", "HTTP keep-alive, 64 B body, 100 connections", "--mode http --path /bytes/64 --connections 100"),
    Workload("http-headers", "HTTP keep-alive, 32 headers more, 100 connections", "--mode http --path /bytes/64 --headers 32 --connections 100"),
    Workload("http-10k", "HTTP keep-alive, 10 KiB body, 50 connections", "--mode http --path /bytes/10240 --connections 50"),
    Workload("http-1m", "HTTP keep-alive, 1 MiB body, 8 connections", "--mode http --path /bytes/1048576 --connections 8"),
    Workload("churn", "HTTP, a connection a request, 50 at a time", "--mode churn --path /bytes/64 --connections 50"),
    Workload("wss-100", "wss echo 64 B, 100 connections", "--connections 100", tls=True),
    Workload("wss-16k", "wss echo 16 KiB, 50 connections", "--connections 50 --payload 16384", tls=True),
    Workload("wss-handshake", "wss handshake, full, ECDSA P-256, 20 at a time", "--mode handshake --connections 20", tls=True),
    Workload("http2", "wss echo 64 B over HTTP/2, 10 connections of 10 sockets", "--connections 10 --streams 10", tls=True, http2=True),
    Workload("http-log", "HTTP keep-alive, 64 B body, with the access log", "--mode http --path /bytes/64 --connections 100", log=True),
    Workload("handshake-log", "ws handshake, with the access log", "--mode handshake --connections 50", log=True),
]


@dataclasses.dataclass(frozen=True)
class Goal:
    """Passerelle's processor time an operation is at most so much of the floor's, nginx's, HAProxy's."""

    title: str
    workload: str
    proxy: str
    limits: dict


def goals():
    def row(title, workload, floor, proxy="Passerelle", **rivals):
        return Goal(title, workload, proxy, {"floor": floor, **{name.replace("_", " "): limit for name, limit in rivals.items()}})

    return [
        row("ws echo 64 B, 100 connections, epoll", "echo-100", 1.03, proxy="Passerelle epoll"),
        row("ws echo 64 B, 100 connections", "echo-100", 0.98, nginx=0.95, HAProxy=0.78),
        row("ws echo 64 B, 1,000 connections, epoll", "echo-1000", 1.03, proxy="Passerelle epoll"),
        row("ws echo 64 B, 1,000 connections", "echo-1000", 0.98, nginx=0.95, HAProxy=0.78),
        row("ws echo 16 KiB", "echo-16k", 1.05, nginx=0.35, nginx_64k=0.98, HAProxy=0.65),
        row("ws echo 1 MiB, clear", "echo-1m", 0.60, nginx=0.2, HAProxy=0.45),
        row("ws one-way bulk, clear", "one-way", 0.75, nginx=0.2, HAProxy=0.45),
        row("handshake", "handshake", 1.08, nginx=0.98, HAProxy=0.82),
        row("HTTP keep-alive, small", "http", 1.15, nginx=0.75, HAProxy=0.75),
        row("wss echo 64 B", "wss-100", 1.05, nginx=0.9, HAProxy=0.9),
    ]


# Private memory of an idle tunnel, in kB, and as a part of the rivals'.
MEMORY_GOALS = {"ws": (1.0, {"nginx": 1 / 17, "HAProxy": 1 / 4}), "wss": (15.0, {"nginx": 1 / 3, "HAProxy": 4 / 5})}
IDLE_TUNNELS = {"ws": 4000, "wss": 1000}

# What a proxy keeps for busy moments is there before its idle tunnels are counted.
WARM_UP = Workload("warm-up", "", "--connections 100 --payload 16384", seconds=0.3)
CONNECTIONS_SWEPT = (1, 10, 100, 1000, 9000)
TUNNELS_SWEPT = (1000, 2000, 4000, 8000)

"""Passerelle beside a blind relay (the floor), nginx and HAProxy: processor time an operation, latency, calls, memory.

    ./dev bench compare [--rounds N] [--only NAME,NAME] [--proxies NAME,NAME] [--no-page]

Each proxy has one worker on one core; the load and the backend have the other. In each round every proxy is measured
once, in an order drawn anew, so that what disturbs the machine disturbs all; ratios are taken within a round.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from comparison import report
from comparison.proxies import KINDS, LOAD_CORE, Floor, Passerelle, PasserelleTwoWorkers, built, free_port
from comparison.workloads import CONNECTIONS_SWEPT, ECHO_100, IDLE_TUNNELS, TUNNELS_SWEPT, WARM_UP, WORKLOADS, echo_of

RUN_SECONDS_MAX = 120
QUIET_SECONDS = 3  # before memory is read


def say(text):
    print(text, file=sys.stderr, flush=True)


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                    "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"], check=True, capture_output=True)
    pathlib.Path(folder, "both.pem").write_text(pathlib.Path(folder, "certificate.pem").read_text() + pathlib.Path(folder, "key.pem").read_text())


class Bench:
    def __init__(self, folder, backend):
        self.folder, self.backend = folder, backend

    def load(self, workload, proxy, *more):
        command = ["taskset", "-c", LOAD_CORE, built("bench_load"), *workload.command(proxy.port(workload.tls)), "--watch", ",".join(map(str, proxy.processes())), *more]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"{workload.name} over {proxy.name} does not end") from None
        if done.returncode != 0:
            raise SystemExit(f"{workload.name} over {proxy.name}: {done.stderr.strip()}")
        measured = json.loads(done.stdout)
        if measured["failures"]:
            raise SystemExit(f"{workload.name} over {proxy.name}: {measured['failures']} failures; the first: {measured['why']}")
        return measured

    def rounds(self, workload, kinds, count):
        """{name: [measured, a round each]}"""
        proxies = []
        try:
            for name, kind in kinds.items():
                if workload.carried_by(kind):
                    proxies.append(kind(name, self.folder, self.backend, log=workload.log))
            out = {proxy.name: [] for proxy in proxies}
            for number in range(count):
                for proxy in random.sample(proxies, len(proxies)):
                    out[proxy.name].append(self.load(workload, proxy))
                say(f"  round {number + 1} of {count}: " + ", ".join(f"{name} {runs[-1]['cpu_us']:.1f}" for name, runs in out.items()))
            for proxy in proxies:
                calls = self.system_calls(workload, proxy) if workload.traced else None
                for run in out[proxy.name]:
                    run["calls"] = calls
            return out
        finally:
            for proxy in proxies:
                proxy.stop()

    def system_calls(self, workload, proxy):
        """An operation's, counted by strace while a load runs."""
        counts = pathlib.Path(self.folder, "calls.txt")
        pids = [argument for pid in proxy.processes() for argument in ("-p", str(pid))]
        tracer = subprocess.Popen(["strace", "-f", "-c", "-o", counts, *pids], stderr=subprocess.PIPE, text=True)
        tracer.stderr.readline()  # attached
        # The calls of the warm-up would count too; the opening of the connections does, and is spread over the run.
        done = self.load(workload, proxy, "--warm-up", "0")
        tracer.terminate()
        tracer.wait()
        total = [line for line in counts.read_text().splitlines() if line.endswith("total")]
        return int(total[0].split()[3 if len(total[0].split()) > 4 else 2]) / max(done["operations"], 1) if total else None

    def idle_kb(self, proxy, tls, count):
        """Private memory an idle tunnel, over a proxy that has been busy."""
        self.load(dataclasses.replace(WARM_UP, tls=tls), proxy)
        time.sleep(1)
        before = proxy.private_kb()
        holder = subprocess.Popen([built("bench_load"), f"127.0.0.1:{proxy.port(tls)}", "--mode", "idle", "--connections", str(count)] + ["--tls"] * tls, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if holder.stdout.readline() != "ready\n":
                raise SystemExit(f"{count} idle tunnels cannot be opened over {proxy.name}")
            # What handshakes needed is given back by and by, by some not before it has been quiet for a moment.
            time.sleep(QUIET_SECONDS)
            settled, deadline = proxy.private_kb(), time.monotonic() + 10
            while time.monotonic() < deadline:
                time.sleep(1)
                last, settled = settled, proxy.private_kb()
                if last == settled:
                    break
            return (settled - before) / count
        finally:
            holder.stdin.close()
            holder.wait()

    def scaling(self, rounds):
        """How Passerelle's costs grow: with workers, with connections, with tunnels."""
        say("one worker and two, which share the cores with the load [scaling]")
        workers = self.rounds(ECHO_100, {"one worker": Passerelle, "two workers": PasserelleTwoWorkers}, rounds)
        connections = {}
        for count in CONNECTIONS_SWEPT:
            say(f"{count} connections that all talk")
            connections[count] = self.rounds(echo_of(count), {"floor": Floor, "Passerelle": Passerelle}, max(3, rounds // 3))
        tunnels = {}
        for count in TUNNELS_SWEPT:
            proxy = Passerelle("Passerelle", self.folder, self.backend)
            try:
                tunnels[count] = self.idle_kb(proxy, False, count)
            finally:
                proxy.stop()
            say(f"{count} idle tunnels: {tunnels[count]:.2f} kB each")
        return report.Scaling(workers, connections, tunnels)

    def memory(self, kinds, rounds):
        out = {}
        for tls in (False, True):
            for name, kind in kinds.items():
                for _ in range(rounds):
                    proxy = kind(name, self.folder, self.backend)
                    try:
                        out.setdefault("wss" if tls else "ws", {}).setdefault(name, []).append(self.idle_kb(proxy, tls, IDLE_TUNNELS["wss" if tls else "ws"]))
                    finally:
                        proxy.stop()
                say(f"  an idle {'wss' if tls else 'ws'} tunnel: {name} {statistics.median(out['wss' if tls else 'ws'][name]):.2f} kB")
        return out


def options():
    parser = argparse.ArgumentParser(description="Passerelle beside a blind relay, nginx and HAProxy.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", help="workloads: " + ", ".join(w.name for w in WORKLOADS) + ", memory, scaling", default="")
    parser.add_argument("--proxies", help=", ".join(KINDS), default="")
    parser.add_argument("--no-page", action="store_true", help="only print; do not write docs/performance/")
    return parser.parse_args()


def main():
    wanted = options()
    only = [name for name in wanted.only.split(",") if name]
    kinds = {name: kind for name, kind in KINDS.items() if not wanted.proxies or name in wanted.proxies.split(",")}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="passerelle-bench-") as folder:
        make_certificate(folder)
        address = f"127.0.0.1:{free_port()}"
        backend = subprocess.Popen(["taskset", "-c", LOAD_CORE, built("bench_backend"), address])
        try:
            bench = Bench(folder, address)
            results = {}
            for workload in WORKLOADS:
                if only and workload.name not in only:
                    continue
                say(f"{workload.title} [{workload.name}]")
                results[workload.name] = bench.rounds(workload, kinds, wanted.rounds)
            memory = bench.memory(kinds, 3) if not only or "memory" in only else {}
            scaling = None
            if (not only or "scaling" in only) and "Passerelle" in kinds:
                try:
                    scaling = bench.scaling(wanted.rounds)
                except SystemExit as failed:  # an hour's other figures are worth a page
                    say(f"the scaling is not measured: {failed}")
        finally:
            backend.terminate()
            backend.wait()
    run = report.Run(results, memory, scaling, wanted.rounds, time.monotonic() - began)
    print(run.text())
    if not only and not wanted.proxies and not wanted.no_page:
        run.write(pathlib.Path(__file__).resolve().parent.parent / "docs" / "performance")


if __name__ == "__main__":
    main()

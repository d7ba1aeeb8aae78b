"""What a scrape of /metrics costs those who talk: 200 listeners, 9,000 tunnels, with ten scrapes a second and without.

    ./dev bench scrape [ROUNDS]

One worker on one core, the load on the other; the scraper takes turns with the load. Rounds are paired, in an order drawn
anew; the scrapes are made by the control plane's thread, so what the worker feels is its share of the machine.
"""
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(__file__))
from comparison.proxies import LOAD_CORE, PROXY_CORE, built, free_port

LISTENERS, TUNNELS = 200, 9_000


def reference(collection, name):
    return {"id": f"/applicationGateways/gw/{collection}/{name}"}


def template():
    """Listeners by host name; the last one is for every host, and takes the load."""
    properties = {"frontendIPConfigurations": [{"name": "front"}], "frontendPorts": [{"name": "port", "properties": {"port": 80}}],
                  "backendHttpSettingsCollection": [{"name": "settings", "properties": {"port": 80, "protocol": "Http"}}],
                  "backendAddressPools": [], "httpListeners": [], "requestRoutingRules": []}
    for i in range(LISTENERS):
        host = {"hostName": f"host-{i}.contoso.com"} if i < LISTENERS - 1 else {}
        properties["backendAddressPools"].append({"name": f"pool-{i}", "properties": {"backendAddresses": [{"ipAddress": "10.0.0.4"}]}})
        properties["httpListeners"].append({"name": f"listener-{i}", "properties": {
            "frontendIPConfiguration": reference("frontendIPConfigurations", "front"), "frontendPort": reference("frontendPorts", "port"), "protocol": "Http", **host}})
        properties["requestRoutingRules"].append({"name": f"rule-{i}", "properties": {
            "ruleType": "Basic", "priority": i + 1, "httpListener": reference("httpListeners", f"listener-{i}"), "backendAddressPool": reference("backendAddressPools", f"pool-{i}"),
            "backendHttpSettings": reference("backendHttpSettingsCollection", "settings")}})
    return {"type": "Microsoft.Network/applicationGateways", "name": "gw", "properties": properties}


class Scraper:
    """Ten times a second, until stopped."""

    def __init__(self, admin):
        self.url, self.stopped, self.sizes, self.times = f"http://127.0.0.1:{admin}/metrics", threading.Event(), [], []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stopped.is_set():
            began = time.monotonic()
            self.sizes.append(len(urllib.request.urlopen(self.url).read()))
            self.times.append(time.monotonic() - began)
            self.stopped.wait(0.1)

    def stop(self):
        self.stopped.set()
        self.thread.join()


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    with tempfile.TemporaryDirectory(prefix="passerelle-bench-") as folder:
        port, admin, backend_port = free_port(), free_port(), free_port()
        pathlib.Path(folder, "gateway.json").write_text(json.dumps(template()))
        pathlib.Path(folder, "passerelle.local.json").write_text(json.dumps({"frontendIPConfigurations": {"*": "127.0.0.1"}, "frontendPorts": {"80": port},
                                                                           "backendAddresses": {"*": f"127.0.0.1:{backend_port}"}}))
        backend = subprocess.Popen([built("bench_backend"), f"127.0.0.1:{backend_port}"])
        gateway = subprocess.Popen(["taskset", "-c", PROXY_CORE, os.environ.get("PASSERELLE_BINARY", "build/release/passerelle"), "run", f"{folder}/gateway.json", "--workers", "1",
                                    "--admin", f"127.0.0.1:{admin}", "--state", f"{folder}/state", "--access-log", "off", "--log-level", "error", "--wait-healthy", "30"], stderr=subprocess.PIPE, text=True)
        holder = None
        try:
            for line in gateway.stderr:
                if line.startswith("passerelle: ready"):
                    break
            threading.Thread(target=gateway.stderr.read, daemon=True).start()
            holder = subprocess.Popen([built("bench_load"), f"127.0.0.1:{port}", "--mode", "idle", "--connections", str(TUNNELS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            if holder.stdout.readline() != "ready\n":
                raise SystemExit(f"{TUNNELS} tunnels cannot be opened")
            out, scraped = {"scraped": [], "not scraped": []}, []
            for number in range(rounds):
                for how in random.sample(sorted(out), 2):
                    scraper = Scraper(admin) if how == "scraped" else None
                    done = subprocess.run([built("bench_load"), f"127.0.0.1:{port}", "--seconds", "1", "--connections", "100", "--watch", str(gateway.pid)], capture_output=True, text=True, check=True)
                    if scraper:
                        scraper.stop()
                        scraped.append(scraper)
                    out[how].append(json.loads(done.stdout))
                print(f"  round {number + 1} of {rounds}: " + ", ".join(f"{how} p99 {runs[-1]['p99_us']:.0f} µs" for how, runs in out.items()), file=sys.stderr, flush=True)
        finally:
            if holder:
                holder.stdin.close()
                holder.wait()
            for process in (gateway, backend):
                process.terminate()
                process.wait()
    median = statistics.median
    print(f"a scrape: {median(s for each in scraped for s in each.sizes) / 1000:.0f} kB in {median(t for each in scraped for t in each.times) * 1000:.1f} ms, {LISTENERS} listeners, {TUNNELS:,} tunnels\n")
    print("| | µs an echo | a second | p50 µs | p99 µs | p99.9 µs |\n|---|---|---|---|---|---|")
    for how, runs in out.items():
        print(f"| {how} | " + " | ".join(f"{median(run[key] for run in runs):,.1f}" for key in ("cpu_us", "per_second", "p50_us", "p99_us", "p999_us")) + " |")
    ratio = [a["p99_us"] / b["p99_us"] for a, b in zip(out["scraped"], out["not scraped"])]
    print(f"\np99 scraped to not scraped, within a round: {median(ratio):.2f}")


if __name__ == "__main__":
    main()

"""How long `check` takes, and how much memory, on templates of growing size: both should grow as the template does.

    ./dev bench template_load
"""
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

BINARY = os.environ.get("PASSERELLE_BINARY", "build/release/passerelle")
ROUNDS = 7


def reference(collection, name):
    return {"id": f"[resourceId('Microsoft.Network/applicationGateways/{collection}', variables('gateway'), '{name}')]"}


def template(listeners, path_rules, pools, members):
    """Multi-site listeners on one port, a path map each."""
    to = lambda n: {"backendAddressPool": reference("backendAddressPools", f"pool{n % pools}"), "backendHttpSettings": reference("backendHttpSettingsCollection", "settings")}
    default = lambda n: {"default" + k[0].upper() + k[1:]: v for k, v in to(n).items()}
    properties = {
        "frontendIPConfigurations": [{"name": "front"}],
        "frontendPorts": [{"name": "port", "properties": {"port": 80}}],
        "httpListeners": [{"name": f"listener{i}", "properties": {"frontendIPConfiguration": reference("frontendIPConfigurations", "front"), "frontendPort": reference("frontendPorts", "port"),
                                                                  "protocol": "Http", "hostName": f"host{i}.example"}} for i in range(listeners)],
        "backendAddressPools": [{"name": f"pool{i}", "properties": {"backendAddresses": [{"ipAddress": f"10.{i}.{j // 250}.{j % 250 + 1}"} for j in range(members)]}} for i in range(pools)],
        "backendHttpSettingsCollection": [{"name": "settings", "properties": {"port": 80, "protocol": "Http"}}],
        "urlPathMaps": [{"name": f"map{i}", "properties": {**default(i), "pathRules": [{"name": f"path{k}", "properties": {"paths": [f"/path{k}/*"], **to(i + k)}} for k in range(path_rules)]}} for i in range(listeners)],
        "requestRoutingRules": [{"name": f"rule{i}", "properties": {"ruleType": "PathBasedRouting", "httpListener": reference("httpListeners", f"listener{i}"), "urlPathMap": reference("urlPathMaps", f"map{i}")}}
                                for i in range(listeners)],
    }
    return {"variables": {"gateway": "gw"}, "resources": [{"type": "Microsoft.Network/applicationGateways", "name": "gw", "properties": properties}]}


def measure(path, local):
    """Seconds of one check."""
    began = time.perf_counter()
    child = subprocess.Popen([BINARY, "check", path, "--local", local], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, said = child.communicate()
    took = time.perf_counter() - began
    if child.returncode != 0:
        sys.exit(said.decode())
    return took


def main():
    print(f"passerelle check, median of {ROUNDS}")
    print(f"{'template':>12} {'listeners':>10} {'path rules':>11} {'members':>9} {'time':>9} {'a MB':>9} {'memory':>9}")
    with tempfile.TemporaryDirectory() as folder:
        local = pathlib.Path(folder) / "local.json"
        local.write_text("{}")
        for listeners, path_rules, pools, members in ((4, 20, 4, 20), (20, 100, 10, 100), (100, 100, 20, 600), (200, 100, 20, 1200)):
            path = pathlib.Path(folder) / f"gateway{listeners}.json"
            path.write_text(json.dumps(template(listeners, path_rules, pools, members), indent=1))
            size = path.stat().st_size
            seconds = statistics.median(measure(path, local) for _ in range(ROUNDS))
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # of the largest so far: they grow
            print(f"{size / 1e6:9.2f} MB {listeners:10} {listeners * path_rules:11} {pools * members:9} {seconds * 1e3:6.0f} ms {seconds * 1e3 / (size / 1e6):6.0f} ms {peak:6.0f} MB")


if __name__ == "__main__":
    main()

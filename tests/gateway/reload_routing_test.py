"""Everything routing is made of, changed by reloads under load: no request fails, no tunnel is lost."""
import http.client
import os
import random
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config
from harness import PATIENCE, Gateway, MirrorBackend, scaled
from websocket import WebSocket

BACKENDS = ("one", "two", "three")


def configuration(rng, backends):
    """Another one each time, in which GET /app/… of www.test always comes to some member."""
    c = Config()
    c.properties["rewriteRuleSets"] = []
    c.properties["loadDistributionPolicies"] = []
    members = rng.sample([b.address for b in backends], rng.randint(1, 3))
    pool = c.pool(f"pool{rng.randint(0, 2)}", *members)
    more = {"cookieBasedAffinity": rng.choice(["Enabled", "Disabled"]), "requestTimeout": rng.randint(20, 60)}
    if rng.random() < 0.5:
        more["path"] = rng.choice(["/inner/", "/other"])
    if rng.random() < 0.5:
        more["connectionDraining"] = {"enabled": True, "drainTimeoutInSec": 3600}
    to = {"backendAddressPool": pool, "backendHttpSettings": c.settings(f"settings{rng.randint(0, 2)}", **more)}
    if rng.random() < 0.3:
        target = [{"name": "t", "properties": {"backendAddressPool": pool, "weightPerServer": rng.randint(1, 9)}}]
        policy = c.add("loadDistributionPolicies", "policy", loadDistributionAlgorithm=rng.choice(["RoundRobin", "LeastConnections", "IpHash"]), loadDistributionTargets=target)
        to = {"loadDistributionPolicy": policy, "backendHttpSettings": to["backendHttpSettings"]}
    if rng.random() < 0.6:
        actions = {"requestHeaderConfigurations": [{"headerName": "X-Version", "headerValue": "{var_uri_path}"}], "responseHeaderConfigurations": [{"headerName": "X-Version", "headerValue": str(rng.random())}]}
        if rng.random() < 0.5:
            actions["urlConfiguration"] = {"modifiedPath": "/rewritten{var_uri_path}", "reroute": rng.random() < 0.5}
        to["rewriteRuleSet"] = c.add("rewriteRuleSets", f"set{rng.randint(0, 1)}", rewriteRules=[{"name": "r", "ruleSequence": 1, "actionSet": actions}])
    listener = c.listener("listener", **({"hostNames": rng.choice([["www.test"], ["*.test"], ["www.t??t", "other.test"]])} if rng.random() < 0.7 else {}))
    if rng.random() < 0.6:
        paths = c.path_map(f"map{rng.randint(0, 1)}", to, app=(rng.choice([["/app/*"], ["/a*", "/b"], ["/rewritten/*"]]), to))
        c.rule("rule", listener, priority=rng.randint(1, 100), urlPathMap=paths)
    else:
        c.rule("rule", listener, priority=rng.randint(1, 100), **to)
    if rng.random() < 0.5:
        c.rule("beside", c.listener("beside", hostName="beside.test"), priority=rng.randint(101, 200), backendAddressPool=pool, backendHttpSettings=c.settings(f"settings{rng.randint(3, 4)}"))
    return c


class Load:
    """Clients that ask, one request after the other, over a connection that is kept and over new ones."""

    def __init__(self, port):
        self.port, self.stop, self.failed, self.answered = port, threading.Event(), [], 0
        self.threads = [threading.Thread(target=self.ask, args=(kept,)) for kept in (True, True, False)]
        for thread in self.threads:
            thread.start()

    def ask(self, kept):
        client = None
        while not self.stop.is_set():
            try:
                client = client or http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
                client.request("GET", "/app/x", headers={"Host": "www.test"})
                response = client.getresponse()
                body = response.read()
                if response.status != 200 or response.headers["X-Backend"] not in BACKENDS:
                    self.failed.append((response.status, body[:200]))
                self.answered += 1
                if not kept:
                    client.close()
                    client = None
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(error)
                client = None

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


class ReloadRouting(unittest.TestCase):
    def test_listeners_rules_maps_rewrites_pools_and_settings_change_and_nobody_notices(self):
        seed = int(os.environ.get("PASSERELLE_SEED", random.SystemRandom().randrange(10**9)))
        print("seed", seed)
        rng = random.Random(seed)
        backends = [MirrorBackend(n) for n in BACKENDS]
        for backend in backends:
            self.addCleanup(backend.__exit__)
        first = configuration(rng, backends)
        with Gateway.of(first, workers=2) as gateway:
            port = gateway.port_of("listener")

            def tunnel():
                client = socket.create_connection(("127.0.0.1", port), PATIENCE)
                self.addCleanup(client.close)
                return WebSocket(client, "/app/chat", host="www.test")
            tunnels = [tunnel() for _ in range(20)]
            load = Load(port)
            self.addCleanup(load.end)
            for _ in range(scaled(200, 15)):
                config = configuration(rng, backends)
                # Members of a new setting are probed before they get traffic: for that moment each pool counts its first as healthy.
                config.properties["probes"][0]["properties"]["minServers"] = 1
                gateway.write_template(config.template())
                gateway.write_local(dict(config.local(), frontendPorts={"80": 0}))
                gateway.reload()
                tunnels.append(tunnel())
                for each in rng.sample(tunnels, 5):
                    each.echo(b"still there")
                self.assertEqual(load.failed, [], f"seed {seed}\n" + gateway.template_path.read_text())
            for each in tunnels:
                each.echo(b"to the end")
            load.end()
            self.assertEqual(load.failed, [])
            self.assertGreater(load.answered, 10)


if __name__ == "__main__":
    unittest.main()

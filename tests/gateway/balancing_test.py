"""Who gets which request: affinity cookies, load distribution policies, and tunnels to the member with the fewest."""
import collections
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config, reference
from harness import PATIENCE, DemoBackend, Gateway, MirrorBackend, ScriptedBackend, receive_all, receive_until, scaled, wait_until
from websocket import WebSocket


class Balancing(unittest.TestCase):
    def backends(self, *names):
        backends = [MirrorBackend(n) for n in names]
        for backend in backends:
            self.addCleanup(backend.__exit__)
        return backends

    def start(self, config, local=None, **more):
        described = config.local()
        described.update(local or {})
        gateway = Gateway(template=config.template(), local=described, healthy=False, **more)
        self.addCleanup(gateway.stop)
        gateway.wait_all_up()
        return gateway

    def with_affinity(self, config, backends, **settings):
        to = {"backendAddressPool": config.pool("pool", *(b.address for b in backends)), "backendHttpSettings": config.settings(cookieBasedAffinity="Enabled", **settings)}
        config.rule("rule", config.listener("listener"), **to)

    def ask(self, gateway, cookie=None, fields=""):
        """The member's name, and what Set-Cookie fields came with its answer."""
        with socket.create_connection(("127.0.0.1", gateway.port_of("listener")), PATIENCE) as client:
            lines = f"Cookie: {cookie}\r\n" if cookie else ""
            client.sendall(f"GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n{lines}{fields}\r\n".encode())
            head = receive_all(client).partition(b"\r\n\r\n")[0].decode("latin-1")
        return re.search(r"^X-Backend: (.*)$", head, re.M).group(1).strip(), re.findall(r"^Set-Cookie: (.*?)\r?$", head, re.M)

    # --- affinity ---

    def test_a_client_with_a_cookie_stays_at_its_member_and_gets_no_other_cookie(self):
        backends = self.backends("one", "two", "three")
        config = Config()
        self.with_affinity(config, backends)
        gateway = self.start(config, workers=2)
        first, cookies = self.ask(gateway)
        value = re.fullmatch(r"ApplicationGatewayAffinity=([0-9a-f]{32}); Path=/", cookies[1]).group(1)
        self.assertEqual(cookies[0], f"ApplicationGatewayAffinityCORS={value}; Path=/; SameSite=None; Secure")
        for _ in range(10):
            self.assertEqual(self.ask(gateway, f"a=b; ApplicationGatewayAffinity={value}; c=d"), (first, []))
            self.assertEqual(self.ask(gateway, f"ApplicationGatewayAffinityCORS={value}"), (first, []))
        self.assertEqual(len({self.ask(gateway)[0] for _ in range(6)}), 3, "without a cookie they take turns")
        other, fresh = self.ask(gateway, "ApplicationGatewayAffinity=nonsense")
        self.assertEqual(len(fresh), 2, other)

    def test_a_cookie_of_a_member_that_is_down_gets_another_member_and_its_cookie(self):
        one, two = self.backends("one", "two")
        config = Config()
        config.properties["probes"][0]["properties"].update(interval=1, timeout=1, unhealthyThreshold=1)
        self.with_affinity(config, [one, two], affinityCookieName="Own.Name")
        gateway = self.start(config)
        cookie = next(c for c in (self.ask(gateway) for _ in range(4)) if c[0] == "one")[1][1].split(";")[0]
        self.assertTrue(cookie.startswith("Own.Name="))
        one.drop_all()
        one.__exit__()
        wait_until(lambda: gateway.members_up() == 1, "the member is down")
        name, cookies = self.ask(gateway, cookie)
        self.assertEqual((name, len(cookies)), ("two", 2))
        self.assertEqual(self.ask(gateway, cookies[1].split(";")[0]), ("two", []))

    def test_the_value_is_the_same_after_a_restart_and_on_every_instance_with_the_key_and_another_without(self):
        backends = self.backends("one", "two")

        def cookies_of(local=None, arguments=()):
            config = Config()
            self.with_affinity(config, backends)
            gateway = self.start(config, local, arguments=arguments)
            out = dict((name, cookies[1]) for name, cookies in (self.ask(gateway) for _ in range(2)))
            gateway.stop()
            return out
        state = tempfile.mkdtemp(prefix="passerelle-")
        self.addCleanup(shutil.rmtree, state)
        kept = cookies_of(arguments=("--state", state))
        self.assertEqual(cookies_of(arguments=("--state", state)), kept)
        self.assertEqual(os.stat(os.path.join(state, "affinity.key")).st_mode & 0o777, 0o600)
        shared = cookies_of({"affinityKey": "a key that instances share"})
        self.assertEqual(cookies_of({"affinityKey": "a key that instances share"}), shared)
        self.assertEqual(len(set(kept.values()) | set(shared.values())), 4)

    def test_a_handshake_is_bound_by_its_cookie_and_gets_one_on_the_101(self):
        backends = self.backends("one", "two")
        config = Config()
        self.with_affinity(config, backends)
        gateway = self.start(config)

        def tunnel(fields=""):
            client = socket.create_connection(("127.0.0.1", gateway.port_of("listener")), PATIENCE)
            self.addCleanup(client.close)
            return WebSocket(client, "/chat", fields=fields)
        first = tunnel()
        value = re.search(rb"Set-Cookie: (ApplicationGatewayAffinity=[0-9a-f]{32}); Path=/", first.head).group(1).decode()
        name = re.search(rb"X-Backend: (\w+)", first.head).group(1)
        for _ in range(4):
            again = tunnel(f"Cookie: {value}\r\n")
            self.assertIn(b"X-Backend: " + name, again.head)
            self.assertNotIn(b"Set-Cookie", again.head)
            again.echo(b"and frames pass untouched: Set-Cookie")

    def test_where_no_key_can_be_kept_it_is_said_and_the_gateway_runs(self):
        backends = self.backends("one", "two")
        config = Config()
        self.with_affinity(config, backends)
        gateway = self.start(config, arguments=("--state", "/proc/nowhere"))
        gateway.process.wait_for(r"warning: NoAffinityKey: the key of affinity cookies cannot be kept, so clients change members at the next start: /proc/nowhere/affinity.key cannot be written: .*; "
                                 r"name another folder with --state DIR; or give \"affinityKey\" in the local file")
        name, cookies = self.ask(gateway)
        gateway.reload()
        self.assertEqual(self.ask(gateway, cookies[1].split(";")[0]), (name, []), "a reload keeps it")

    # --- a connection of one's own ---

    def test_a_client_connection_keeps_its_own_member_connection_for_itself(self):
        import queue
        seen = queue.Queue()

        def answer(client, head):
            for _ in range(100):
                seen.put((client.getpeername()[1], head.split(b"\r\n")[0].decode()))
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                head = receive_until(client, b"\r\n\r\n")
        one, two = ScriptedBackend(answer), ScriptedBackend(answer)
        self.addCleanup(one.__exit__)
        self.addCleanup(two.__exit__)
        config = Config()
        to = {"backendAddressPool": config.pool("pool", one.address, two.address), "backendHttpSettings": config.settings(dedicatedBackendConnection=True)}
        config.rule("rule", config.listener("listener"), **to)
        gateway = self.start(config)
        clients = [socket.create_connection(("127.0.0.1", gateway.port_of("listener")), PATIENCE) for _ in range(3)]
        ports = [set() for _ in clients]
        for turn in range(4):
            for i, client in enumerate(clients):
                client.sendall(f"GET /{i} HTTP/1.1\r\nHost: gw.test\r\n\r\n".encode())
                receive_until(client, b"\r\n\r\n")
                ports[i].add(seen.get(timeout=PATIENCE)[0])
        self.assertEqual([len(p) for p in ports], [1, 1, 1], "always the same connection")
        self.assertEqual(len(set.union(*ports)), 3, "and nobody else's")
        for client in clients:
            client.close()

    def test_a_client_has_one_connection_of_its_own_for_each_setting_and_handshakes_use_it(self):
        import queue
        seen = queue.Queue()

        def answer(client, head):
            for _ in range(100):
                seen.put(client.getpeername()[1])
                status = "401 Unauthorized" if b"Upgrade: websocket" in head else "200 OK"
                client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
                head = receive_until(client, b"\r\n\r\n")
        one, two = ScriptedBackend(answer), ScriptedBackend(answer)
        self.addCleanup(one.__exit__)
        self.addCleanup(two.__exit__)
        config = Config()
        to = {n: {"backendAddressPool": config.pool(n, b.address), "backendHttpSettings": config.settings(n, dedicatedBackendConnection=True)} for n, b in (("one", one), ("two", two))}
        config.rule("rule", config.listener("listener"), urlPathMap=config.path_map("map", to["one"], two=(["/two"], to["two"])))
        gateway = self.start(config)
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        with socket.create_connection(("127.0.0.1", gateway.port_of("listener")), PATIENCE) as client:
            used = []
            for path, fields in (("/one", ""), ("/two", ""), ("/one", upgrade), ("/two", ""), ("/one", upgrade)):
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n".encode())
                receive_until(client, b"\r\n\r\n")
                used.append(seen.get(timeout=PATIENCE))
        self.assertEqual((used[2], used[4], used[3]), (used[0], used[0], used[1]))

    # --- load distribution policies ---

    def with_policy(self, algorithm, shares):
        config = Config()
        config.properties["loadDistributionPolicies"] = []
        targets = [{"name": f"t{i}", "properties": {"backendAddressPool": config.pool(f"pool{i}", *(b.address for b in backends)), "weightPerServer": weight}}
                   for i, (backends, weight) in enumerate(shares)]
        policy = config.add("loadDistributionPolicies", "policy", loadDistributionAlgorithm=algorithm, loadDistributionTargets=targets)
        config.rule("rule", config.listener("listener"), loadDistributionPolicy=policy, backendHttpSettings=config.settings())
        return self.start(config, workers=2)

    def test_round_robin_by_weight_is_exact_over_all_workers(self):
        one, two, three = self.backends("one", "two", "three")
        gateway = self.with_policy("RoundRobin", [([one, two], 1), ([three], 3)])
        self.assertEqual(collections.Counter(self.ask(gateway)[0] for _ in range(50)), {"one": 10, "two": 10, "three": 30})

    def test_ip_hash_keeps_a_client_at_its_member(self):
        gateway = self.with_policy("IpHash", [(self.backends("one", "two", "three"), 1)])
        self.assertEqual(len({self.ask(gateway)[0] for _ in range(10)}), 1)

    def test_least_connections_counts_open_tunnels_by_weight(self):
        one, two = self.backends("one", "two")
        gateway = self.with_policy("LeastConnections", [([one], 1), ([two], 3)])
        tunnels = []
        for _ in range(40):
            client = socket.create_connection(("127.0.0.1", gateway.port_of("listener")), PATIENCE)
            self.addCleanup(client.close)
            tunnels.append(WebSocket(client, "/chat"))
            wait_until(lambda: gateway.metric("tunnels_open") == len(tunnels), "the tunnel is counted")
        held = collections.Counter(re.search(rb"X-Backend: (\w+)", t.head).group(1) for t in tunnels)
        self.assertEqual(held, {b"one": 10, b"two": 30})

    # --- tunnels to the member that holds the fewest ---

    def test_a_third_member_under_load_gets_what_reconnects_until_all_hold_the_same(self):
        count = scaled(3000, 300)
        with DemoBackend("one") as one, DemoBackend("two") as two, DemoBackend("three") as three:
            config = Config()
            pool = config.pool("pool", one.address, two.address)
            config.rule("rule", config.listener("listener"), backendAddressPool=pool, backendHttpSettings=config.settings())
            gateway = self.start(config, {"tunnelBalancing": "fewest"}, workers=2)

            def open_tunnel():
                client = socket.create_connection(("127.0.0.1", gateway.port_of("listener")), PATIENCE)
                return WebSocket(client, "/echo")

            def open_many(n):
                made = []
                def work():
                    for _ in range(n // 4):
                        made.append(open_tunnel())
                threads = [threading.Thread(target=work) for _ in range(4)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                return made

            def held():
                return sorted(m["tunnels"] for m in gateway.health()["pools"][0]["members"])
            tunnels = open_many(count)
            wait_until(lambda: held() == [count // 2] * 2, f"an even share, not {held()}")
            config.pools["pool"].append(three.address)
            local = dict(config.local(), tunnelBalancing="fewest")
            gateway.write_local(local)
            gateway.reload()
            gateway.wait_all_up()
            self.assertEqual(held(), [0, count // 2, count // 2], "nobody was moved")
            # A third of them reconnects, as after a deployment: all go to the new member.
            for tunnel in tunnels[:count // 3]:
                tunnel.stream.close()
            wait_until(lambda: sum(held()) == count - count // 3, "the closed ones are gone")
            left = held()
            rest = tunnels[count // 3:] + open_many(count // 3)
            wait_until(lambda: sum(held()) == count, "all are back")
            # Each went where the fewest were at that moment: what the others hold more than their share, they held before.
            for _ in range(count // 3):
                left[left.index(min(left))] += 1
            self.assertEqual(held(), sorted(left))
            for tunnel in rest[::50]:
                tunnel.echo(b"alive")
            for tunnel in rest:
                tunnel.stream.close()


if __name__ == "__main__":
    unittest.main()

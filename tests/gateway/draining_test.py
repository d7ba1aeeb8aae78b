"""A member that leaves, or is down: what is under way may finish, then ends; tunnels and affinity go by their own rules."""
import os
import re
import selectors
import socket
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config
from harness import PATIENCE, Gateway, MirrorBackend, ScriptedBackend, receive_all, receive_exactly, receive_until, scaled, wait_until
from websocket import CLOSE, TEXT, WebSocket, answer_echo, frame, handshake


class Slow(ScriptedBackend):
    """Answers /slow when it is let, everything else at once; accepts every WebSocket and echoes it."""

    def __init__(self, name):
        self.name = name
        self.let = threading.Event()
        self.asked = threading.Event()
        super().__init__(self.answer)

    def answer(self, client, head):
        if b"\r\nUpgrade: websocket\r\n" in head:
            return answer_echo(client, head, self.name)
        if head.startswith(b"GET /slow"):
            self.asked.set()
            self.let.wait(PATIENCE)
        client.sendall(f"HTTP/1.1 200 OK\r\nX-Backend: {self.name}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())


class Draining(unittest.TestCase):
    def setUp(self):
        self.one, self.two = Slow("one"), MirrorBackend("two")
        self.addCleanup(self.one.__exit__)
        self.addCleanup(self.two.__exit__)
        self.addCleanup(self.one.let.set)
        self.config = Config()

    def start(self, drain=None, **settings):
        c = self.config
        if drain:
            settings["connectionDraining"] = {"enabled": True, "drainTimeoutInSec": drain}
        c.rule("rule", c.listener("listener"), backendAddressPool=c.pool("pool", self.one.address), backendHttpSettings=c.settings(**settings))
        self.gateway = Gateway.of(c, workers=2)
        self.addCleanup(self.gateway.stop)

    def begin(self, path="/", cookie=None):
        client = socket.create_connection(("127.0.0.1", self.gateway.port_of("listener")), PATIENCE)
        self.addCleanup(client.close)
        line = f"Cookie: {cookie}\r\n" if cookie else ""
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: gw.test\r\n{line}Connection: close\r\n\r\n".encode())
        return client

    def ask(self, path="/", cookie=None):
        return receive_all(self.begin(path, cookie)).decode("latin-1")

    def swap(self):
        """The second member in place of the first."""
        self.config.pools["pool"] = [self.two.address]
        self.gateway.write_local(self.config.local())
        self.gateway.reload()
        wait_until(lambda: any(m["health"] == "Up" and m["address"] == self.two.address for m in self.members()), "the second member is up")

    def members(self):
        return self.gateway.health()["pools"][0]["members"]

    def test_what_is_under_way_at_a_member_that_leaves_may_finish(self):
        self.start(drain=3600)
        slow = self.begin("/slow")
        self.assertTrue(self.one.asked.wait(PATIENCE))
        self.swap()
        self.assertIn("X-Backend: two", self.ask())
        self.assertIn("Draining", [m["health"] for m in self.members()])
        self.one.let.set()
        self.assertIn(b"X-Backend: one", receive_all(slow))

    def test_past_the_time_without_draining_requests_end_and_tunnels_do_not(self):
        self.start()
        with socket.create_connection(("127.0.0.1", self.gateway.port_of("listener")), PATIENCE) as client:
            tunnel = WebSocket(client, "/chat")
            slow = self.begin("/slow")
            self.assertTrue(self.one.asked.wait(PATIENCE))
            self.swap()
            wait_until(lambda: [m["health"] for m in self.members()] == ["Up"], "it is forgotten")
            tunnel.echo(b"the tunnel outlives its member's configuration")
            self.one.let.set()
            self.assertIn(b"X-Backend: one", receive_all(slow))

    def test_past_the_drain_timeout_requests_end(self):
        self.start(drain=1)
        slow = self.begin("/slow")
        self.assertTrue(self.one.asked.wait(PATIENCE))
        self.swap()
        self.assertTrue(receive_all(slow).startswith(b"HTTP/1.1 502 "))
        self.gateway.process.wait_for("it has left or is down, and its drain timeout is over")

    def test_tunnels_of_a_member_that_leaves_drain_evenly_as_its_settings_say(self):
        self.start(drain=2)
        tunnels = [self.open() for _ in range(scaled(1000, 100))]
        self.swap()
        began = time.monotonic()
        ends = []
        waiting = selectors.DefaultSelector()  # select() stops at descriptor 1024
        self.addCleanup(waiting.close)
        said = {tunnel: b"" for tunnel in tunnels}
        for tunnel in tunnels:
            waiting.register(tunnel, selectors.EVENT_READ)
        while len(ends) < len(tunnels):
            for key, _ in waiting.select(PATIENCE):
                tunnel = key.fileobj
                said[tunnel] += tunnel.recv(1000)
                if len(said[tunnel]) >= 4:
                    self.assertEqual(said[tunnel][2:4], struct.pack("!H", 1012))
                    ends.append(time.monotonic() - began)
                    waiting.unregister(tunnel)
                    tunnel.sendall(frame(CLOSE, struct.pack("!H", 1012)))
        halfway = sum(end < 1.2 for end in ends) / len(ends)
        self.assertGreater(halfway, 0.2, "some leave in the first half")
        self.assertLess(halfway, 0.8, "and some in the second")
        record = self.gateway.wait_record(lambda r: r.get("tunnel", {}).get("event") == "close", "a close record")["tunnel"]
        self.assertEqual((record["cause"], record["closeCode"], record["closeReason"]),
                         ("drained: member left", 1012, "the member left with version 2 of the configuration"))

    def open(self):
        client = socket.create_connection(("127.0.0.1", self.gateway.port_of("listener")), PATIENCE)
        self.addCleanup(client.close)
        client.sendall(handshake("/chat"))
        receive_until(client, b"\r\n\r\n")
        return client

    def test_with_azures_way_every_update_ends_the_tunnels_after_the_drain_timeout(self):
        self.config.local = lambda plain=self.config.local: dict(plain(), azureParity={"updateDrainsTunnels": True})
        self.start(drain=1)
        tunnel = self.open()
        self.gateway.reload()
        young = self.open()
        self.assertEqual(tunnel.recv(1), b"", "no Close: clients see 1006, as in Azure")
        young.sendall(frame(TEXT, b"hello"))
        self.assertEqual(receive_exactly(young, 7), frame(TEXT, b"hello", masked=False))
        record = self.gateway.wait_record(lambda r: r.get("tunnel", {}).get("event") == "close", "the close record")
        self.assertEqual(record["tunnel"]["cause"], "drained: configuration update")

    def test_a_member_that_comes_back_in_time_keeps_what_it_has(self):
        self.start(drain=2)
        slow = self.begin("/slow")
        self.assertTrue(self.one.asked.wait(PATIENCE))
        self.swap()
        self.config.pools["pool"] = [self.one.address, self.two.address]
        self.gateway.write_local(self.config.local())
        self.gateway.reload()
        wait_until(lambda: [m["health"] for m in self.members()] == ["Up", "Up"], "it is a member like any other")
        self.one.let.set()
        self.assertIn(b"X-Backend: one", receive_all(slow))

    def test_affinity_overrides_draining_until_the_member_is_gone(self):
        self.start(drain=2, cookieBasedAffinity="Enabled")
        cookie = re.search(r"(ApplicationGatewayAffinity=[0-9a-f]+);", self.ask()).group(1)
        self.swap()
        self.assertIn("X-Backend: one", self.ask(cookie=cookie))
        self.assertIn("X-Backend: two", self.ask())
        wait_until(lambda: "X-Backend: two" in self.ask(cookie=cookie), "it is gone for its clients too")

    def test_affinity_ends_too_where_the_member_stays_in_another_pool_or_the_pool_itself_went(self):
        self.start(drain=1, cookieBasedAffinity="Enabled")
        c = self.config
        c.rule("beside", c.listener("beside", port=81), backendAddressPool=c.pool("beside", self.one.address), backendHttpSettings=c.settings())
        self.gateway.write_template(c.template())
        cookie = re.search(r"(ApplicationGatewayAffinity=[0-9a-f]+);", self.ask()).group(1)
        self.swap()
        wait_until(lambda: "X-Backend: two" in self.ask(cookie=cookie), "the cookie leads elsewhere")
        rule = next(r for r in c.properties["requestRoutingRules"] if r["name"] == "rule")
        rule["properties"]["backendAddressPool"] = c.pool("third", self.two.address)
        self.gateway.write_template(c.template())
        self.gateway.write_local(c.local())
        self.gateway.reload()
        self.assertNotIn("pool", [p["name"] for p in self.gateway.health()["pools"]])

    def test_a_member_that_was_gone_for_long_has_to_answer_its_probe_first(self):
        self.start(drain=1)
        with Slow("gone") as gone:
            self.config.pools["pool"] = [gone.address, self.two.address]
            self.gateway.write_local(self.config.local())
            self.gateway.reload()
            self.gateway.wait_all_up()
            slow = self.begin("/slow")
            if not gone.asked.wait(1):
                slow = self.begin("/slow")  # it was the other one's turn
            self.assertTrue(gone.asked.wait(PATIENCE))
            self.swap()
            self.assertTrue(receive_all(slow).startswith(b"HTTP/1.1 502 "))
            gone.let.set()
        self.config.pools["pool"] = [gone.address, self.two.address]
        self.gateway.write_local(self.config.local())
        self.gateway.reload()
        for _ in range(4):
            self.assertIn("X-Backend: two", self.ask())

    def test_a_member_that_turns_unhealthy_ends_its_requests_after_the_drain_timeout_too(self):
        self.config.properties["probes"][0]["properties"].update(interval=1, timeout=1, unhealthyThreshold=1)
        self.start(drain=1)
        with socket.create_connection(("127.0.0.1", self.gateway.port_of("listener")), PATIENCE) as client:
            tunnel = WebSocket(client, "/chat")
            slow = self.begin("/slow")
            self.assertTrue(self.one.asked.wait(PATIENCE))
            self.one.server.close()
            self.assertTrue(receive_all(slow).startswith(b"HTTP/1.1 502 "))
            tunnel.echo(b"the tunnel is left alone")


if __name__ == "__main__":
    unittest.main()

"""When many clients come back at once: members are asked as fast as they answer, whoever has to wait too long is told when to come back, and what is open is served."""
import collections
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config
from harness import PATIENCE, DemoBackend, Gateway, ScriptedBackend, receive_exactly, receive_until, scaled, wait_until
from websocket import SWITCH, TEXT, frame, handshake

AT_ONCE = 100  # member_upgrades_max


class Storm(unittest.TestCase):
    def open(self, gateway, tls=False):
        stream = gateway.connect(tls)
        gateway.clients.append(stream)
        stream.sendall(handshake("/echo"))
        return stream

    def test_a_member_gets_no_more_handshakes_at_a_time_than_it_should(self):
        go_on, lock, under_way, most = threading.Event(), threading.Lock(), [0], [0]

        def script(client, head):
            with lock:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
            go_on.wait(PATIENCE)
            with lock:
                under_way[0] -= 1
            client.sendall(SWITCH)
            client.recv(1)
        backend = ScriptedBackend(script)
        self.addCleanup(backend.__exit__)
        gateway = Gateway([backend.address])
        self.addCleanup(gateway.__exit__, None, None, None)
        streams = [self.open(gateway) for _ in range(3 * AT_ONCE)]
        wait_until(lambda: gateway.metric("upgrades_waited_total") == 2 * AT_ONCE, "the others wait")
        wait_until(lambda: under_way[0] == AT_ONCE, "so many are there")
        streams.pop().close()  # one that waits no longer
        go_on.set()
        for stream in streams:
            self.assertTrue(receive_until(stream, b"\r\n\r\n").startswith(b"HTTP/1.1 101 "))
        self.assertEqual(most[0], AT_ONCE)

    def test_who_waits_too_long_is_told_when_to_come_back_each_another_time(self):
        never = threading.Event()
        self.addCleanup(never.set)
        backend = ScriptedBackend(lambda client, head: never.wait(2 * PATIENCE))
        self.addCleanup(backend.__exit__)
        gateway = Gateway([backend.address], workers=1)
        self.addCleanup(gateway.__exit__, None, None, None)
        # Who has no answer after two seconds lets the next one in: in ten seconds five times as many are at it.
        first = [self.open(gateway) for _ in range(6 * AT_ONCE)]
        wait_until(lambda: gateway.metric("upgrades_waited_total") == 5 * AT_ONCE, "the others wait")
        others = [self.open(gateway) for _ in range(40)]
        times = []
        for stream in others:
            head = receive_until(stream, b"\r\n\r\n").decode()
            self.assertTrue(head.startswith("HTTP/1.1 503 "), head)
            times.append(int(head.split("Retry-After: ")[1].split("\r\n")[0]))
        self.assertTrue(all(1 <= t <= 30 for t in times), times)
        self.assertGreater(len(set(times)), 8, "spread")
        self.assertEqual(gateway.metric("upgrades_refused_total"), 40)
        del first

    def test_an_answer_that_is_no_websocket_holds_nobody_up(self):
        never = threading.Event()
        self.addCleanup(never.set)

        def script(client, head):
            if b"/large" not in head:
                client.sendall(SWITCH)
                return never.wait(PATIENCE)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + bytes(10_000_000))
        backend = ScriptedBackend(script)
        self.addCleanup(backend.__exit__)
        gateway = Gateway([backend.address], workers=1)
        self.addCleanup(gateway.__exit__, None, None, None)
        for _ in range(AT_ONCE):
            stream = gateway.connect()
            gateway.clients.append(stream)
            stream.sendall(handshake("/large"))
            receive_exactly(stream, 12)
        began = time.monotonic()
        self.assertTrue(receive_until(self.open(gateway), b"\r\n\r\n").startswith(b"HTTP/1.1 101 "))
        self.assertLess(time.monotonic() - began, 1)

    def test_many_tls_handshakes_at_once_all_come_to_their_end_beside_an_open_tunnel(self):
        backend = DemoBackend()
        self.addCleanup(backend.__exit__, None, None, None)
        gateway = Gateway([backend.address], workers=1)
        self.addCleanup(gateway.__exit__, None, None, None)
        tunnel = self.open(gateway)
        receive_until(tunnel, b"\r\n\r\n")
        done, threads = [], []

        def come():
            stream = self.open(gateway, tls=True)
            receive_until(stream, b"\r\n\r\n")
            done.append(stream)
        count = scaled(500, 100)
        for _ in range(count):
            threads.append(threading.Thread(target=come))
            threads[-1].start()
        while len(done) < count:
            tunnel.sendall(frame(TEXT, b"x"))
            receive_exactly(tunnel, 3)
        for thread in threads:
            thread.join()

    def test_handshakes_outlive_a_short_restart_of_their_member(self):
        backend = DemoBackend()
        port = int(backend.address.rpartition(":")[2])
        gateway = Gateway([backend.address])
        self.addCleanup(gateway.__exit__, None, None, None)
        backend.stop()
        streams = [self.open(gateway) for _ in range(50)]
        wait_until(lambda: gateway.metric("upstream_failures_total") >= 50, "they were refused")
        again = DemoBackend("again", port)
        self.addCleanup(again.__exit__, None, None, None)
        for stream in streams:
            self.assertTrue(receive_until(stream, b"\r\n\r\n").startswith(b"HTTP/1.1 101 "))

    def test_a_member_that_stays_away_is_a_502_in_the_end_and_at_once_to_a_request(self):
        backend = DemoBackend()
        gateway = Gateway([backend.address])
        self.addCleanup(gateway.__exit__, None, None, None)
        backend.stop()
        began = time.monotonic()
        self.assertEqual(gateway.get("/")[0], 502)
        self.assertLess(time.monotonic() - began, 2)
        self.assertTrue(receive_until(self.open(gateway), b"\r\n\r\n").startswith(b"HTTP/1.1 502 "))

    def test_a_member_that_comes_back_gets_its_tunnels_by_and_by(self):
        one, two = DemoBackend("one"), DemoBackend("two")
        self.addCleanup(one.__exit__, None, None, None)
        c = Config()
        c.properties["probes"][0]["properties"].update(interval=1, timeout=1, unhealthyThreshold=1)
        c.rule("rule", c.listener("listener"), backendAddressPool=c.pool("pool", one.address, two.address), backendHttpSettings=c.settings())
        gateway = Gateway.of(c, workers=1)
        self.addCleanup(gateway.__exit__, None, None, None)
        gateway.http_port = gateway.port_of("listener")
        port = int(two.address.rpartition(":")[2])
        two.stop()
        wait_until(lambda: self.up(gateway) == 1, "it is down")
        two = DemoBackend("two", port)
        self.addCleanup(two.__exit__, None, None, None)
        wait_until(lambda: self.up(gateway) == 2, "it is back")
        began = time.monotonic()
        for _ in range(200):
            receive_until(self.open(gateway), b"\r\n\r\n")
        seconds = time.monotonic() - began + 1
        share = collections.Counter(t["member"] for t in gateway.tunnels())
        self.assertGreaterEqual(share[two.address], 16, "a few at once")
        self.assertLess(share[two.address], min(100, 17 + 16 * (seconds + seconds ** 2)), share)

    def up(self, gateway):
        return sum(m["health"] == "Up" for m in gateway.health()["pools"][0]["members"])


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""/metrics: what Prometheus' own checker says of it, how large it gets, and what is in it."""
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config, forward
from harness import ROOT, DemoBackend, Gateway, scaled, wait_until
from websocket import WebSocket

LISTENERS = 200
SCRAPE_BYTES_MAX = 1_000_000


class Metrics(unittest.TestCase):
    def setUp(self):
        self.backend = DemoBackend()
        self.addCleanup(self.backend.stop)

    def value(self, text, sample):
        found = re.search(rf"^passerelle_{re.escape(sample)} (\S+)$", text, re.M)
        return float(found.group(1)) if found else None

    def test_prometheus_checker_finds_nothing_and_a_tunnels_life_is_in_no_histogram(self):
        c = Config()
        c.rule("rule", c.listener("listener"), **forward(c, c.pool("pool", self.backend.address)))
        with Gateway.of(c) as gateway:
            for path in ("/health", "/nothing"):
                gateway.get(path)
            tunnel = WebSocket(gateway.connect())
            tunnel.echo(b"hello")
            tunnel.close()
            closed = 'route_tunnels_closed_total{listener="listener",rule="rule",pool="pool",code="1000"}'
            wait_until(lambda: self.value(gateway.admin("/metrics")[1], closed) == 1, "the tunnel's end")
            text = gateway.admin("/metrics")[1]
            promtool = shutil.which("promtool") or str(ROOT / "build" / "tools" / "usr" / "bin" / "promtool")
            checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
            self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))
            self.assertEqual(self.value(text, 'listener_responses_total{listener="listener",class="2xx"}'), 1)
            self.assertEqual(self.value(text, 'listener_responses_total{listener="listener",class="4xx"}'), 1)
            self.assertEqual(self.value(text, 'listener_responses_total{listener="listener",class="1xx"}'), 1)
            self.assertEqual(self.value(text, 'listener_request_seconds_count{listener="listener"}'), 2)
            self.assertEqual(self.value(text, 'backend_requests_total{pool="pool",settings="settings"}'), 3)
            self.assertEqual(self.value(text, 'backend_first_byte_seconds_count{pool="pool",settings="settings"}'), 3)
            self.assertEqual(self.value(text, 'backend_answers_total{pool="pool",settings="settings"}'), 2)
            self.assertEqual(self.value(text, 'backend_failures_total{pool="pool",settings="settings"}'), 0)

    def test_a_scrape_of_two_hundred_listeners_with_thousands_of_tunnels_is_less_than_a_megabyte(self):
        c = Config()
        listeners = [c.listener(f"listener-{i}", hostName=f"host-{i}.contoso.com") for i in range(LISTENERS)]
        for i, listener in enumerate(listeners):
            c.rule(f"rule-{i}", listener, **forward(c, c.pool(f"pool-{i}", self.backend.address)))
        with Gateway.of(c) as gateway:
            port = gateway.port_of("listener-0")
            count = scaled(9_000)
            for i in range(count):
                gateway.http_port = port
                gateway.clients.append(WebSocket(gateway.connect(), host=f"host-{i % LISTENERS}.contoso.com").stream)
            text = gateway.admin("/metrics")[1]
            self.assertEqual(self.value(text, "tunnels_open"), count)
            self.assertLess(len(text), SCRAPE_BYTES_MAX)


if __name__ == "__main__":
    unittest.main()

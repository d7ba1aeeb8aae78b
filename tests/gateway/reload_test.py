"""Configurations change under load: nothing is lost, and a bad one changes nothing."""
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import DemoBackend, Gateway, example, receive_until, scaled, wait_until
from websocket import BINARY, WebSocket


class Reload(unittest.TestCase):
    def test_tunnels_with_traffic_live_through_reloads_without_a_lost_repeated_or_reordered_byte(self):
        count, reloads = scaled(2000, 50), scaled(100, 5)
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            tunnels = [WebSocket(gateway.connect()) for _ in range(count)]
            stop, failures, rounds = threading.Event(), [], [0]

            def talk(mine):
                number = 0
                try:
                    while not stop.is_set():
                        number += 1
                        for tunnel in mine:
                            tunnel.send(b"%d of a numbered stream" % number)
                        for tunnel in mine:
                            got = tunnel.receive()
                            assert got == (BINARY, b"%d of a numbered stream" % number), got
                        rounds[0] += 1
                except (AssertionError, OSError) as error:
                    failures.append(error)
            threads = [threading.Thread(target=talk, args=(tunnels[i::4],)) for i in range(4)]
            for thread in threads:
                thread.start()
            for _ in range(reloads):
                gateway.reload()
            seen = rounds[0]
            wait_until(lambda: failures or rounds[0] > seen + 4, "another round after the last reload")
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])
            self.assertEqual(gateway.metric("tunnels_open"), count)
            for tunnel in tunnels:
                tunnel.stream.close()

    def test_requests_under_load_see_no_failure(self):
        with DemoBackend() as one, Gateway([one.address], workers=2) as gateway:
            stop, failures, done = threading.Event(), [], [0]

            def ask():
                while not stop.is_set():
                    try:
                        status, _ = gateway.get("/health")
                    except (OSError, IndexError) as error:
                        status = error
                    done[0] += 1
                    if status != 200:
                        failures.append(status)
            threads = [threading.Thread(target=ask) for _ in range(3)]
            for thread in threads:
                thread.start()
            for _ in range(scaled(100, 10)):
                gateway.reload()
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])
            self.assertGreater(done[0], 10)

    def test_a_bad_configuration_changes_nothing_and_is_reported(self):
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            tunnel = WebSocket(gateway.connect())
            good = gateway.template_path.read_text()
            gateway.template_path.write_text(good.replace('"Https"', '"Gopher"'))
            gateway.process.send(1)
            gateway.process.wait_for(r"gateway.json:\d+:\d+: error: InvalidRequestFormat: a listener's protocol is")
            gateway.process.wait_for(r"the configuration is refused \(SIGHUP\); version 1 stays in force")
            gateway.template_path.write_text("{")
            gateway.process.send(1)
            gateway.process.wait_for(r"error: InvalidJson")
            tunnel.echo(b"unharmed")
            self.assertEqual(gateway.get("/health")[0], 200)
            gateway.template_path.write_text(good)
            gateway.reload()
            tunnel.echo(b"still unharmed")

    def test_a_listener_comes_and_goes_and_its_tunnels_stay(self):
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            tunnel = WebSocket(gateway.connect())
            request = gateway.connect()
            request.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            receive_until(request, b"healthy\n")

            def without_http(p):
                p["httpListeners"] = [l for l in p["httpListeners"] if l["properties"]["protocol"] == "Https"]
                p["requestRoutingRules"] = [r for r in p["requestRoutingRules"] if r["name"] == "ruleHttps"]
            gateway.write_template(example(without_http))
            gateway.reload()
            tunnel.echo(b"its listener is gone")
            with self.assertRaises(OSError):
                gateway.connect()
            self.assertEqual(gateway.get("/health", tls=True)[0], 200)

    def test_verdicts_outlive_a_reload(self):
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            for _ in range(5):
                gateway.process.send(1)
                self.assertEqual(gateway.get("/health")[0], 200)

    def test_watch_loads_again_when_a_file_changes(self):
        with DemoBackend() as one, DemoBackend() as two, Gateway([one.address], arguments=["--watch"]) as gateway:
            gateway.local["backendPools"] = {"*": [two.address]}
            gateway.write_local(gateway.local)
            gateway.process.wait_for(r"version 2 is in force \(a file changed\)")
            wait_until(lambda: gateway.health()["pools"][0]["members"][0]["address"] == two.address, "the new member")


if __name__ == "__main__":
    unittest.main()

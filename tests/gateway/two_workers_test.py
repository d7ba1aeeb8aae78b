"""Two workers, one gateway: balance is exact over both, and everything at once harms nothing. Also run under ThreadSanitizer."""
import collections
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import DemoBackend, Gateway, scaled
from websocket import WebSocket


class TwoWorkers(unittest.TestCase):
    def test_round_robin_is_exact_over_both_workers(self):
        with DemoBackend("one") as one, DemoBackend("two") as two, Gateway([one.address, two.address], workers=2) as gateway:
            seen = collections.Counter()
            for _ in range(40):
                tunnel = WebSocket(gateway.connect(), "/chat")
                seen[tunnel.receive()[1]] += 1
                tunnel.stream.close()
            self.assertEqual(sorted(seen.values()), [20, 20])

    def test_tunnels_requests_reloads_and_looks_from_outside_at_once(self):
        with DemoBackend("one") as one, DemoBackend("two") as two, Gateway([one.address, two.address], workers=2) as gateway:
            failures = []

            def guarded(work):
                def run():
                    try:
                        for _ in range(scaled(100, 10)):
                            work()
                    except Exception as error:  # whatever it is, it is a failure
                        failures.append(repr(error))
                return run

            def talk():
                for tls in (False, True):
                    tunnel = WebSocket(gateway.connect(tls))
                    tunnel.echo(os.urandom(70000))
                    tunnel.close()

            def ask():
                assert gateway.get("/health", tls=True)[0] == 200

            def look():
                for page in ("/metrics", "/api/v1/health", "/api/v1/tunnels"):
                    assert gateway.admin(page)[0] == 200
            threads = [threading.Thread(target=guarded(work)) for work in (talk, talk, ask, look, gateway.reload)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])


if __name__ == "__main__":
    unittest.main()

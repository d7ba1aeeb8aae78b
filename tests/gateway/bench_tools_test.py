"""What the comparison measures with: every kind of load gets through, checked, over the floor and over the gateway."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "bench"))
from compare import make_certificate
from comparison.proxies import Floor, Passerelle, built, free_port
from comparison.workloads import WORKLOADS


class BenchTools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        make_certificate(cls.folder.name)
        address = f"127.0.0.1:{free_port()}"
        cls.backend = subprocess.Popen([built("bench_backend"), address])
        cls.proxies = [Floor("floor", cls.folder.name, address), Passerelle("Passerelle", cls.folder.name, address)]

    @classmethod
    def tearDownClass(cls):
        for proxy in cls.proxies:
            proxy.stop()
        cls.backend.terminate()
        cls.backend.wait()
        cls.folder.cleanup()

    def test_every_load_gets_through_without_a_failure(self):
        for workload in WORKLOADS:
            for proxy in self.proxies:
                if workload.log or not workload.carried_by(type(proxy)):
                    continue
                with self.subTest(workload=workload.name, proxy=proxy.name):
                    command = [built("bench_load"), *workload.command(proxy.port(workload.tls)), "--connections", "4", "--talkers", "0", "--streams", "3", "--seconds", "0.1", "--warm-up", "0.05"]
                    measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)
                    self.assertEqual(measured["failures"], 0, measured["why"])
                    self.assertGreater(measured["operations"], 0)


if __name__ == "__main__":
    unittest.main()

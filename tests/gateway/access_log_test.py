"""Where the access log goes, and what of it."""
import json
import os
import signal
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, PATIENCE, DemoBackend, Gateway, Process, example, wait_until
from websocket import WebSocket

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class AccessLog(unittest.TestCase):
    def setUp(self):
        self.backend = DemoBackend()
        self.addCleanup(self.backend.stop)

    def test_a_rotated_log_is_opened_anew_at_usr1(self):
        with Gateway(backends=[self.backend.address]) as gateway:
            gateway.get("/before")
            wait_until(lambda: len(gateway.log_records()) == 1, "the record")
            rotated = gateway.log_path.with_suffix(".1")
            gateway.log_path.rename(rotated)
            gateway.process.send(signal.SIGUSR1)

            def again():
                gateway.get("/after")
                return gateway.log_path.exists() and gateway.log_records()
            self.assertEqual(wait_until(again, "a record in the new file")[0]["properties"]["requestUri"], "/after")
            self.assertIn("/before", rotated.read_text())

    def syslog(self, family, address):
        daemon = socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(daemon.close)
        daemon.settimeout(PATIENCE)
        daemon.bind(address)
        return daemon

    def test_syslog_over_udp_gets_a_datagram_a_record(self):
        daemon = self.syslog(socket.AF_INET, ("127.0.0.1", 0))
        with Gateway(backends=[self.backend.address], arguments=("--access-log", f"syslog:127.0.0.1:{daemon.getsockname()[1]}")) as gateway:
            for path in ("/one", "/two"):
                gateway.get(path)
                head, _, record = daemon.recv(65536).decode().partition(" access - ")
                self.assertRegex(head, rf"^<134>1 - \S+ passerelle {gateway.pid}$")
                self.assertEqual(json.loads(record)["properties"]["requestUri"], path)

    def test_the_machines_own_syslog_is_found_again_after_its_restart(self):
        path = tempfile.mkdtemp(prefix="passerelle-") + "/log"
        daemon = self.syslog(socket.AF_UNIX, path)
        with Gateway(backends=[self.backend.address], arguments=("--access-log", f"syslog:unix:{path}")) as gateway:
            gateway.get("/one")
            head, _, record = daemon.recv(65536).decode().partition(": ")
            self.assertEqual(head, f"<134>passerelle[{gateway.pid}]")
            self.assertEqual(json.loads(record)["properties"]["requestUri"], "/one")
            daemon.close()
            gateway.get("/lost")
            os.unlink(path)
            daemon = self.syslog(socket.AF_UNIX, path)
            gateway.get("/two")
            while "/two" not in daemon.recv(65536).decode():
                pass

    def test_a_daemon_that_does_not_read_costs_lines_and_nobodys_time(self):
        path = tempfile.mkdtemp(prefix="passerelle-") + "/log"
        self.syslog(socket.AF_UNIX, path)
        with Gateway(backends=[self.backend.address], arguments=("--access-log", f"syslog:unix:{path}")) as gateway:
            for _ in range(1200):
                self.assertEqual(gateway.get("/health")[0], 200)
            self.assertEqual(gateway.process.stop(), 0)

    def test_of_a_share_whatever_went_wrong_is_all_there(self):
        with Gateway(backends=[self.backend.address], arguments=("--access-log-share", "0")) as gateway:
            for _ in range(20):
                gateway.get("/health")
            tunnel = WebSocket(gateway.connect())
            gateway.clients.append(tunnel.stream)
            gateway.wait_record(lambda r: r["category"] == "PasserelleTunnelLog", "the tunnel's record")
            self.assertEqual(len(gateway.log_records()), 1)
            self.backend.stop()
            wait_until(lambda: gateway.get("/health")[0] == 502, "a 502")
            gateway.wait_record(lambda r: r["properties"]["httpStatus"] == 502, "the failure's record")

    def test_of_half_a_share_some_are_there_and_some_are_not(self):
        with Gateway(backends=[self.backend.address], arguments=("--access-log-share", "0.5")) as gateway:
            for _ in range(64):
                gateway.get("/health")
            # The last one is written in any case, so all before it are there.
            self.backend.stop()
            wait_until(lambda: gateway.get("/health")[0] == 502, "a 502")
            gateway.wait_record(lambda r: r["properties"]["httpStatus"] == 502, "the failure's record")
            self.assertTrue(0 < len([r for r in gateway.log_records() if r["properties"]["httpStatus"] == 200]) < 64)

    def test_a_trace_is_passed_on_and_in_the_record_beside_our_own_id(self):
        with Gateway(backends=[self.backend.address]) as gateway:
            gateway.get("/health", fields=f"traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n")
            record = gateway.wait_record(lambda r: r["properties"]["httpStatus"] == 200, "the record")["properties"]
            self.assertEqual(record["traceId"], TRACE)
            self.assertRegex(record["transactionId"], "^[0-9a-f]{32}$")
            gateway.get("/nothing", fields="traceparent: rubbish\r\n")
            record = gateway.wait_record(lambda r: r["properties"]["httpStatus"] == 404, "the record")["properties"]
            self.assertNotIn("traceId", record)

    def test_where_syslog_is_not_the_start_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/gateway.json"
            with open(path, "w") as file:
                json.dump(example(), file)
            process = Process([BINARY, "run", path, "--access-log", "syslog:unix:/nowhere/log"])
            self.assertEqual(process.wait_end(), 3)
            process.stop()
            self.assertIn("NoSyslog: syslog does not listen on unix:/nowhere/log", process.text)


if __name__ == "__main__":
    unittest.main()

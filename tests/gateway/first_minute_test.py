"""What a stranger does first: run the example, open it, chat, look at health and logs, stop it."""
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, EXAMPLE, DemoBackend, Gateway, example
from websocket import CLOSE, TEXT, WebSocket


class FirstMinute(unittest.TestCase):
    def test_http_and_websocket_pass_over_both_listeners_and_both_members_share(self):
        with DemoBackend("one") as one, DemoBackend("two") as two, Gateway([one.address, two.address]) as gateway:
            for tls in (False, True):
                status, body = gateway.get("/", tls)
                self.assertEqual(status, 200)
                self.assertIn(b"<!doctype html>", body)
                socket = WebSocket(gateway.connect(tls), "/echo", "Sec-WebSocket-Protocol: chat, superchat\r\n")
                self.assertIn(b"Sec-WebSocket-Protocol: chat", socket.head)
                for size in (0, 1, 125, 126, 65535, 65536, 1 << 20):
                    socket.echo(os.urandom(size))
                self.assertEqual(socket.close(4001), (CLOSE, b"\x0f\xa1"))
            welcomes = set()
            for _ in range(4):
                socket = WebSocket(gateway.connect(), "/chat")
                opcode, text = socket.receive()
                self.assertEqual(opcode, TEXT)
                welcomes.add(text)
                socket.stream.close()
            self.assertEqual(welcomes, {b"one: welcome", b"two: welcome"})

    def test_the_report_under_the_ready_line_answers_the_first_questions(self):
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            gateway.process.wait_for(r"rule ruleHttp -> pool ContosoServerPool: 1 of 1 member up")
            gateway.process.wait_for(r"accepted without effect here: sku, gatewayIPConfigurations")

    def test_a_member_that_exists_only_in_azure_comes_with_the_line_that_maps_it(self):
        template = example(lambda p: p["backendAddressPools"][0]["properties"].update(backendAddresses=[{"ipAddress": "10.255.255.254"}]))
        template["resources"][0]["properties"]["probes"][0]["properties"].update(interval=1, timeout=1)
        with Gateway(template=template, local={"sslCertificates": {"*": "self-signed"}}) as gateway:
            gateway.process.wait_for(r'"backendAddresses": \{ "10.255.255.254": "127.0.0.1:9001" \}')
            gateway.process.wait_for(r"self-made: open its https:// address in the browser and accept it once")

    def test_the_access_log_tells_of_requests_and_of_a_tunnels_open_and_close(self):
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            gateway.get("/a/b?x=1", fields="User-Agent: me\r\n")
            record = gateway.wait_record(lambda r: r["properties"].get("requestUri") == "/a/b", "the request's record")
            self.assertEqual(record["category"], "ApplicationGatewayAccessLog")
            self.assertEqual(record["operationName"], "ApplicationGatewayAccess")
            self.assertEqual(record["listenerName"], "appGatewayHttpListener")
            self.assertEqual(record["ruleName"], "ruleHttp")
            self.assertEqual(record["backendPoolName"], "ContosoServerPool")
            properties = record["properties"]
            self.assertEqual((properties["httpMethod"], properties["httpStatus"], properties["requestQuery"]), ("GET", 404, "x=1"))
            self.assertEqual((properties["userAgent"], properties["serverRouted"], properties["serverStatus"]), ("me", one.address, "404"))
            self.assertRegex(properties["transactionId"], "^[0-9a-f]{32}$")
            socket = WebSocket(gateway.connect(), "/echo")
            socket.echo(b"hello")
            socket.close(1000)
            opened = gateway.wait_record(lambda r: r.get("tunnel", {}).get("event") == "open", "the open record")
            self.assertEqual(opened["category"], "PasserelleTunnelLog")
            self.assertEqual(opened["properties"]["httpStatus"], 101)
            closed = gateway.wait_record(lambda r: r.get("tunnel", {}).get("event") == "close", "the close record")
            self.assertEqual(closed["category"], "ApplicationGatewayAccessLog")
            tunnel = closed["tunnel"]
            self.assertEqual(tunnel["id"], opened["tunnel"]["id"])
            self.assertEqual((tunnel["cause"], tunnel["closeCode"], tunnel["closeSide"]), ("client closed", 1000, "client"))
            self.assertEqual((tunnel["messagesFromClient"], tunnel["messagesFromBackend"]), (1, 1))
            self.assertEqual((tunnel["bytesFromClient"], tunnel["bytesFromBackend"]), (6 + 5 + 6 + 2, 2 + 5 + 2 + 2))

    def test_the_admin_listener_answers(self):
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            self.assertEqual(gateway.admin("/livez")[0], 200)
            self.assertEqual(gateway.admin("/readyz")[0], 200)
            self.assertIn("passerelle_tunnels_open 0", gateway.admin("/metrics")[1])
            member = gateway.health()["pools"][0]["members"][0]
            self.assertEqual((member["health"], member["lastProbe"]["received"]), ("Up", "status 200"))
            socket = WebSocket(gateway.connect())
            self.assertIn('"rule":"ruleHttp"', gateway.admin("/api/v1/tunnels")[1])
            socket.stream.close()
            self.assertEqual(gateway.admin("/nowhere")[0], 404)

    def test_init_writes_a_local_file_that_makes_the_template_run(self):
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            template = gateway.folder / "other.json"
            template.write_text(EXAMPLE.read_text())
            local = gateway.folder / "init.local.json"
            made = subprocess.run([BINARY, "init", str(template), "--local", str(local)], capture_output=True, text=True)
            self.assertEqual(made.returncode, 0, made.stderr)
            text = local.read_text()
            for name in ("10.0.1.4", "10.0.1.5", "appGatewayFrontendPort443", "appGatewaySslCert1", "DefaultFrontendPublicIP"):
                self.assertIn(name, text)
            checked = subprocess.run([BINARY, "check", str(template), "--local", str(local)], capture_output=True, text=True)
            self.assertEqual((checked.returncode, checked.stdout), (0, ""), checked.stderr)
            again = subprocess.run([BINARY, "init", str(template), "--local", str(local)], capture_output=True, text=True)
            self.assertEqual(again.returncode, 1)
            self.assertIn("left as it is", again.stderr)

    def test_sigterm_drains_lets_a_tunnel_finish_and_ends_with_0(self):
        with DemoBackend() as one, Gateway([one.address], arguments=["--drain", "20"]) as gateway:
            socket = WebSocket(gateway.connect())
            idle = gateway.connect()
            idle.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(idle.recv(65536).startswith(b"HTTP/1.1 200"))
            gateway.process.send(signal.SIGTERM)
            gateway.process.wait_for("draining")
            self.assertEqual(idle.recv(10), b"")  # an idle connection ends at once
            socket.echo(b"still here")
            socket.close()
            self.assertEqual(gateway.process.child.wait(10), 0)

    def test_a_second_signal_ends_at_once(self):
        with DemoBackend() as one, Gateway([one.address], arguments=["--drain", "600"]) as gateway:
            WebSocket(gateway.connect()).echo(b"x")
            gateway.process.send(signal.SIGTERM)
            gateway.process.wait_for("draining")
            gateway.process.send(signal.SIGTERM)
            self.assertEqual(gateway.process.child.wait(10), 0)


if __name__ == "__main__":
    unittest.main()

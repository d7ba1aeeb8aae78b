"""Members come and go: who gets traffic, who does not, and what the clients see."""
import os
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import PATIENCE, DemoBackend, Gateway, ScriptedBackend, example, receive_all, receive_until, wait_until
from websocket import TEXT, WebSocket


def quick_probes(change=None):
    def apply(properties):
        properties["probes"][0]["properties"].update(interval=1, timeout=1, unhealthyThreshold=1)
        if change:
            change(properties)
    return example(apply)


def welcome(gateway):
    client = WebSocket(gateway.connect(), "/chat")
    opcode, text = client.receive()
    assert opcode == TEXT
    client.stream.close()
    return text.split(b":")[0]


class Members(unittest.TestCase):
    def test_one_of_two_dies_new_clients_go_to_the_other_and_it_gets_its_share_back(self):
        with DemoBackend("one") as one, DemoBackend("two") as two, Gateway([one.address, two.address], template=quick_probes()) as gateway:
            tunnels = [WebSocket(gateway.connect(), "/echo") for _ in range(10)]
            port = int(one.address.rsplit(":", 1)[1])
            one.child.kill()
            one.child.wait()
            # At once, before any probe: no request fails, for a failed connect asks the other member.
            for _ in range(20):
                self.assertEqual(gateway.get("/health")[0], 200)
                self.assertEqual(welcome(gateway), b"two")
            broken = 0
            for tunnel in tunnels:
                try:
                    tunnel.echo(b"still there?")
                except (AssertionError, OSError):
                    broken += 1
            self.assertEqual(broken, 5, "only the dead member's own tunnels break")
            wait_until(lambda: gateway.members_up() == 1, "the dead member is down")
            with DemoBackend("one", port):
                gateway.wait_healthy(2)
                self.assertEqual(sorted(welcome(gateway) for _ in range(10)), [b"one"] * 5 + [b"two"] * 5)

    def test_when_all_are_dead_it_is_502_and_the_log_says_why(self):
        with DemoBackend() as one, Gateway([one.address], template=quick_probes()) as gateway:
            one.child.kill()
            one.child.wait()
            status, body = gateway.get("/x")
            self.assertEqual(status, 502)
            self.assertIn(b"<title>502 Bad Gateway</title>", body)
            self.assertIn(b"<h1>502 Bad Gateway</h1>", body)
            gateway.process.wait_for(r"cannot connect: connection refused")
            gateway.process.wait_for(r"is down: sent GET http://\S+/health with Host: localhost; expected status 200-399; received no answer: connection refused")
            self.assertEqual(gateway.get("/x")[0], 502)
            gateway.process.wait_for(r"502 on listener 'appGatewayHttpListener': no member of pool 'ContosoServerPool' is healthy")

    def test_a_member_gets_nothing_before_its_first_good_probe(self):
        opened = threading.Event()

        def probe(connection, head):
            raise AssertionError("traffic before health")

        class Shy(ScriptedBackend):
            def _serve(self, client):
                with client:
                    receive_until(client, b"\r\n\r\n")
                    client.sendall(b"HTTP/1.1 %s x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (b"200" if opened.is_set() else b"503"))
        with Shy(probe) as backend:
            with Gateway([backend.address], template=quick_probes(), healthy=False) as gateway:
                self.assertEqual(gateway.get("/x")[0], 502)
                with gateway.connect() as client:
                    client.sendall(b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                   b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
                    self.assertTrue(receive_until(client, b"\r\n").startswith(b"HTTP/1.1 502 "))
                opened.set()
                gateway.wait_healthy(1)
                self.assertEqual(gateway.get("/x")[0], 200)

    def test_a_server_for_websockets_only_is_told_apart_with_a_hint(self):
        class Only(ScriptedBackend):
            def _serve(self, client):
                with client:
                    receive_until(client, b"\r\n\r\n")
                    client.sendall(b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        with Only(None) as backend, Gateway([backend.address], template=quick_probes(), healthy=False) as gateway:
            gateway.process.wait_for(r"hint: this looks like a server for WebSockets only")
            self.assertIn("WebSockets only", gateway.health()["pools"][0]["members"][0]["lastProbe"]["hint"])

    def test_live_tunnels_of_a_member_that_turns_unhealthy_stay(self):
        sick = threading.Event()

        class Moody(ScriptedBackend):
            def _serve(self, client):
                head = receive_until(client, b"\r\n\r\n")
                if not head.startswith(b"GET /health "):
                    with client:
                        self.script(client, head)
                    return
                with client:
                    client.sendall(b"HTTP/1.1 %s x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % (b"500" if sick.is_set() else b"200"))

        def echo(client, head):
            from websocket import SWITCH
            client.sendall(SWITCH)
            while data := client.recv(65536):
                client.sendall(data)
        for drains in (False, True):
            sick.clear()
            draining = lambda p: p["backendHttpSettingsCollection"][0]["properties"].update(connectionDraining={"enabled": True, "drainTimeoutInSec": 1})
            local = {"azureParity": {"unhealthyDrainsTunnels": drains}}
            with Moody(echo) as backend, Gateway([backend.address], template=quick_probes(draining), local=local) as gateway:
                client = gateway.connect()
                client.sendall(b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
                receive_until(client, b"\r\n\r\n")
                sick.set()
                wait_until(lambda: gateway.members_up() == 0, "the member is down")
                self.assertEqual(gateway.get("/x")[0], 502)
                if drains:
                    self.assertEqual(receive_all(client), b"\x88\x14\x03\xf4the member is down")
                    record = gateway.wait_record(lambda r: r.get("tunnel", {}).get("event") == "close", "the close record")
                    self.assertEqual(record["tunnel"]["cause"], "member unhealthy")
                else:
                    client.sendall(b"alive")
                    self.assertEqual(client.recv(10), b"alive")
                client.close()

    def test_a_unix_socket_is_a_member_like_any_other(self):
        path = f"/tmp/passerelle-test-{os.getpid()}.sock"
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()

        def serve():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    receive_until(client, b"\r\n\r\n")
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nunix")
        threading.Thread(target=serve, daemon=True).start()
        try:
            with Gateway(["unix:" + path]) as gateway:
                self.assertEqual(gateway.get("/x"), (200, b"unix"))
        finally:
            server.close()
            os.unlink(path)

    def test_a_name_is_followed_to_its_addresses(self):
        with DemoBackend() as one:
            port = one.address.rsplit(":", 1)[1]
            template = quick_probes(lambda p: p["backendAddressPools"][0]["properties"].update(backendAddresses=[{"fqdn": "localhost"}]))
            with Gateway(template=template, local={"backendAddresses": {"localhost": f"localhost:{port}"}}) as gateway:
                wait_until(lambda: gateway.members_up() >= 1, "localhost resolves: " + gateway.process.text)
                self.assertEqual(gateway.get("/health")[0], 200)

    def test_a_frozen_member_costs_one_request_timeout_and_the_other_member_answers(self):
        def freeze(client, head):
            client.recv(1)

        def answer(client, head):
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        short = quick_probes(lambda p: p["backendHttpSettingsCollection"][0]["properties"].update(requestTimeout=1))
        with ScriptedBackend(freeze) as frozen, ScriptedBackend(answer) as well, Gateway([frozen.address, well.address], template=short) as gateway:
            self.assertEqual([gateway.get("/x")[0] for _ in range(2)], [200, 200])
            # A POST that may have been acted upon is not sent to a second member.
            statuses = sorted(gateway.get("/x", method="POST", fields="Content-Length: 0\r\n")[0] for _ in range(2))
            self.assertEqual(statuses, [200, 504])

    def test_as_many_connections_to_a_member_are_kept_as_were_in_use_at_once(self):
        clients, rounds = 200, 3
        everybody = threading.Barrier(clients)

        def serve(stream, _):
            while True:
                everybody.wait(PATIENCE)  # each is answered while all the others are under way
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                receive_until(stream, b"\r\n\r\n")

        with ScriptedBackend(serve) as one, Gateway([one.address]) as gateway:
            streams = [gateway.connect() for _ in range(clients)]
            for _ in range(rounds):
                for stream in streams:
                    stream.sendall(b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n")
                for stream in streams:
                    self.assertTrue(receive_until(stream, b"\r\n\r\nok").startswith(b"HTTP/1.1 200"))
            self.assertEqual(one.connections, clients)
            for stream in streams:
                stream.close()


if __name__ == "__main__":
    unittest.main()

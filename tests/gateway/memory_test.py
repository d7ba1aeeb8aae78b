"""What an idle tunnel costs: private memory, counted by the kernel."""
import os
import resource
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import http2
from harness import SANITIZED, DemoBackend, Gateway, example, receive_until, scaled, wait_until
from websocket import TEXT, WebSocket, handshake
from websocket import frame as ws_frame


class Memory(unittest.TestCase):
    def cost(self, tls):
        """Private bytes a tunnel that carried 64 KiB both ways and then rests."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = max(1000, scaled(4000))
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            payload = os.urandom(64 * 1024)
            warm = [WebSocket(gateway.connect(tls)) for _ in range(50)]
            for tunnel in warm:
                tunnel.echo(payload)
            for _ in range(10):  # all at once: what the workers keep for busy moments is there
                for tunnel in warm:
                    tunnel.send(b"warm")
                for tunnel in warm:
                    tunnel.receive()
            gateway.admin("/metrics")  # and what the thread that writes them keeps
            before = gateway.private_dirty()
            tunnels = []
            for _ in range(count):
                tunnel = WebSocket(gateway.connect(tls))
                tunnel.echo(payload)
                tunnels.append(tunnel)
            wait_until(lambda: gateway.metric("connections_open") == 0, "all are tunnels")
            slope = (gateway.private_dirty() - before) / count
            print(f"an idle tunnel costs {slope:.0f} bytes of private memory")
            for tunnel in warm + tunnels:
                tunnel.stream.close()
            wait_until(lambda: gateway.metric("tunnels_open") == 0, "all are closed")
            return slope

    @unittest.skipIf(SANITIZED, "sanitizers keep their own books beside every byte")
    def test_an_idle_plain_tunnel_that_carried_64_kib_both_ways_costs_at_most_1_kb(self):
        self.assertLessEqual(self.cost(tls=False), 1000)

    @unittest.skipIf(SANITIZED, "sanitizers keep their own books beside every byte")
    def test_of_thousands_that_shook_hands_at_once_at_most_2_kb_each_are_left_when_it_is_quiet(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = 3000
        with DemoBackend() as one, Gateway([one.address]) as gateway:
            warm = [WebSocket(gateway.connect()) for _ in range(50)]
            for tunnel in warm:
                tunnel.echo(b"warm")
            gateway.admin("/metrics")
            before = gateway.private_dirty()
            streams = [gateway.connect() for _ in range(count)]
            for stream in streams:
                stream.sendall(handshake())
            for stream in streams:
                receive_until(stream, b"\r\n\r\n")
            wait_until(lambda: gateway.metric("connections_open") == 0, "all are tunnels")
            try:
                wait_until(lambda: gateway.private_dirty() - before <= 2000 * count, "what the handshakes took is given back", 30)
            finally:
                print(f"each holds {(gateway.private_dirty() - before) / count:.0f} bytes of private memory")
            for stream in streams + [tunnel.stream for tunnel in warm]:
                stream.close()
            wait_until(lambda: gateway.metric("tunnels_open") == 0, "all are closed")

    @unittest.skipIf(SANITIZED, "sanitizers keep their own books beside every byte")
    def test_an_idle_tls_tunnel_that_carried_64_kib_both_ways_costs_at_most_15_kb(self):
        self.assertLessEqual(self.cost(tls=True), 15000)

    @unittest.skipIf(SANITIZED, "sanitizers keep their own books beside every byte")
    def test_an_idle_tunnel_on_a_stream_of_http_2_that_carried_32_kib_both_ways_costs_at_most_2_kib(self):
        count = 500
        payload = os.urandom(32 * 1024)
        echoed = ws_frame(TEXT, payload, masked=False)
        with DemoBackend() as one, Gateway([one.address], template=example(lambda properties: properties.update(enableHttp2=True))) as gateway:
            client = http2.Http2(gateway.https_port)

            def open_and_echo():
                stream = client.open(http2.websocket(), end=False)
                self.assertEqual(client.accepted(stream).status, 200)
                client.data(stream, ws_frame(TEXT, payload))
                self.assertEqual(client.received(stream, len(echoed)), echoed)
            for _ in range(50):
                open_and_echo()
            before = gateway.private_dirty()
            for _ in range(count):
                open_and_echo()
            slope = (gateway.private_dirty() - before) / count
            print(f"an idle tunnel on a stream costs {slope:.0f} bytes of private memory")
            client.socket.close()
            wait_until(lambda: gateway.metric("tunnels_open") == 0, "all are closed")
        self.assertLessEqual(slope, 2048)


if __name__ == "__main__":
    unittest.main()

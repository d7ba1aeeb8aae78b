"""Why a socket died, and what it carried: the close record, and the metrics by cause, code, listener, rule and pool."""
import contextlib
import os
import re
import signal
import socket
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import PATIENCE, Gateway, GatewayCase, ScriptedBackend, receive_exactly, receive_until, wait_until
from websocket import BINARY, CLOSE, PING, PONG, SWITCH, TEXT, frame, handshake


def metrics(gateway):
    """Every sample, by its name with labels."""
    lines = [line.rsplit(" ", 1) for line in gateway.admin("/metrics")[1].splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def reset(stream):
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


class Observed(GatewayCase):
    def tunnel(self, script, tls=False):
        """A client's stream behind the 101; the member goes on with `script`."""
        def member(client, head):
            client.sendall(SWITCH)
            script(client)
        type(self).script = staticmethod(member)
        self.path = f"/{self.id()}-{os.urandom(4).hex()}"
        stream = self.gateway.connect(tls)
        stream.sendall(handshake(self.path))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += receive_exactly(stream, 1)
        self.assertIn(b" 101 ", head)
        return stream

    def record(self):
        opened = self.gateway.wait_record(lambda r: r["properties"].get("originalRequestUriWithArgs") == self.path, "the opening")
        identity = opened["tunnel"]["id"]
        return self.gateway.wait_record(lambda r: r.get("tunnel", {}).get("id") == identity and r["tunnel"]["event"] == "close", "the close")["tunnel"]

    def test_a_close_by_the_client_has_its_code_and_its_words(self):
        def echo_close(client):
            receive_exactly(client, 6 + 2)
            client.sendall(frame(TEXT, b"hi", masked=False))
            receive_exactly(client, 6 + 2 + 9)
            client.sendall(frame(CLOSE, struct.pack("!H", 4001) + b"as you wish", masked=False))
        stream = self.tunnel(echo_close)
        stream.sendall(frame(TEXT, b"yo") + frame(CLOSE, struct.pack("!H", 4002) + 'fed "up"\n'.encode()))
        receive_exactly(stream, 4)
        stream.close()
        record = self.record()
        self.assertEqual((record["cause"], record["closeSide"], record["closeCode"], record["closeReason"]), ("client closed", "client", 4002, 'fed "up"\n'))
        self.assertEqual((record["messagesFromClient"], record["messagesFromBackend"]), (1, 1))
        self.assertEqual(record["lastFramesFromClient"], ["text 2", "close 11"])

    def test_a_close_by_the_member(self):
        stream = self.tunnel(lambda client: client.sendall(frame(PING, b"?", masked=False) + frame(CLOSE, struct.pack("!H", 1011) + b"oops", masked=False)))
        receive_exactly(stream, 3 + 8)
        stream.close()
        record = self.record()
        self.assertEqual((record["cause"], record["closeSide"], record["closeCode"], record["closeReason"]), ("backend closed", "backend", 1011, "oops"))
        self.assertEqual(record["lastFramesFromBackend"], ["ping 1", "close 6"])

    def test_the_last_frames_are_the_last_ones(self):
        stream = self.tunnel(receive_until_end)
        stream.sendall(frame(TEXT, b"") + frame(BINARY, b"", fin=False) + frame(0, bytes(300)) + frame(PING) + frame(PONG))
        stream.close()
        record = self.record()
        self.assertEqual(record["lastFramesFromClient"], ["continuation 300", "ping 0", "pong 0"])
        self.assertEqual((record["messagesFromClient"], record["cause"]), (2, "client ended without a close frame"))

    def test_an_end_without_a_close_a_reset_and_a_stream_that_is_no_websocket(self):
        stream = self.tunnel(lambda client: None)
        receive_until_end(stream)
        stream.close()
        self.assertEqual(self.record()["cause"], "backend ended without a close frame")
        stream = self.tunnel(lambda client: client.recv(1))
        reset(stream)
        self.assertEqual((self.record()["cause"], self.record()["closeCode"], self.record()["closeReason"]), ("client reset", None, None))

        def member_resets(client):
            client.recv(1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream = self.tunnel(member_resets)
        stream.sendall(b"x")
        receive_until_end(stream)
        stream.close()
        self.assertEqual(self.record()["cause"], "backend reset")
        stream = self.tunnel(lambda client: client.sendall(receive_exactly(client, 15)))
        stream.sendall(b"SSH-2.0-OpenSSH")
        self.assertEqual(receive_exactly(stream, 15), b"SSH-2.0-OpenSSH")
        stream.close()
        self.assertEqual(self.record()["lastFramesFromClient"][-1], "opaque")

    @contextlib.contextmanager
    def stopped(self):
        """The gateway, standing still: what happens meanwhile reaches it all at once."""
        os.kill(self.gateway.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.gateway.pid, signal.SIGCONT)

    def test_a_reset_within_a_long_frame_is_a_reset_to_the_other_side_too(self):
        ended = []

        def member(client):
            try:
                while client.recv(1 << 16):
                    pass
                ended.append("in order")
            except ConnectionResetError:
                ended.append("reset")
        for _ in range(3):
            ended.clear()
            stream = self.tunnel(member)
            with self.stopped():
                stream.sendall(frame(BINARY, bytes(10 << 20))[:100_000])
                reset(stream)
            self.assertEqual(self.record()["cause"], "client reset")
            wait_until(lambda: ended, "the member hears of it")
            self.assertEqual(ended, ["reset"])

    def test_what_a_member_says_right_behind_the_101_arrives_though_it_resets(self):
        said = frame(TEXT, b"hello", masked=False) + frame(CLOSE, struct.pack("!H", 1008), masked=False)
        def member(client, head):
            with self.stopped():
                client.sendall(SWITCH + said)
                reset(client)
        type(self).script = staticmethod(member)
        stream = self.gateway.connect()
        stream.sendall(handshake(f"/{self.id()}"))
        self.assertEqual(receive_until_end(stream)[-len(said):], said)
        stream.close()

    def test_a_tls_failure_is_told_from_others(self):
        stream = self.tunnel(lambda client: client.recv(1), tls=True)
        raw = socket.socket(fileno=os.dup(stream.fileno()))
        raw.sendall(b"\x17\x03\x03\x00\x20" + os.urandom(32))
        wait_until(lambda: self.gateway.metric("tunnels_open") == 0, "the tunnel's end")
        raw.close()
        stream.close()
        self.assertEqual(self.record()["cause"], "TLS failure")

    def test_metrics_tell_what_tunnels_carried_by_listener_rule_and_pool(self):
        before = metrics(self.gateway)
        stream = self.tunnel(lambda client: (client.sendall(frame(BINARY, bytes(70), masked=False)), receive_exactly(client, 6 + 100 + 6 + 8 + 70_000 + 6), client.sendall(frame(CLOSE, struct.pack("!H", 1001), masked=False))))
        stream.sendall(frame(TEXT, bytes(100)) + frame(TEXT, bytes(70_000)) + frame(PING))
        receive_exactly(stream, 72 + 4)
        stream.close()
        self.record()
        after = metrics(self.gateway)

        def grew(name):
            return after.get(name, 0) - before.get(name, 0)
        route = next(re.findall(r"\{(.*)\}", name)[0] for name in after if name.startswith("passerelle_route_tunnels_opened_total{") and grew(name))
        self.assertRegex(route, r'listener="[^"]+",rule="[^"]+",pool="[^"]+"')
        self.assertEqual(after[f"passerelle_route_tunnels_open{{{route}}}"], 0)
        self.assertEqual(grew(f'passerelle_route_tunnel_messages_total{{{route},from="client"}}'), 2)
        self.assertEqual(grew(f'passerelle_route_tunnel_messages_total{{{route},from="backend"}}'), 1)
        self.assertEqual(grew(f'passerelle_route_tunnel_bytes_total{{{route},from="backend"}}'), 72 + 4)
        self.assertEqual(grew(f'passerelle_route_tunnels_closed_total{{{route},code="1001"}}'), 1)
        self.assertEqual(grew('passerelle_tunnels_ended_total{cause="backend closed"}'), 1)
        self.assertEqual(grew('passerelle_tunnel_control_frames_total{from="client",opcode="ping"}'), 1)
        self.assertEqual(grew('passerelle_tunnel_message_bytes_count{from="client"}'), 2)
        self.assertEqual(grew('passerelle_tunnel_message_bytes_sum{from="client"}'), 70_100)
        self.assertEqual(grew('passerelle_tunnel_message_bytes_bucket{from="client",le="256"}'), 1)
        self.assertEqual(grew('passerelle_tunnel_message_bytes_bucket{from="client",le="64"}'), 0)

    def test_a_reload_goes_on_counting(self):
        stream = self.tunnel(lambda client: client.recv(1))
        def open_one():
            return next((name for name, value in metrics(self.gateway).items() if name.startswith("passerelle_route_tunnels_open{") and value == 1), None)
        name = wait_until(open_one, "the tunnel")
        self.gateway.reload()
        self.assertEqual(metrics(self.gateway)[name], 1)
        stream.close()
        wait_until(lambda: metrics(self.gateway)[name] == 0, "the tunnel's end")


def receive_until_end(stream):
    got = b""
    with contextlib.suppress(ConnectionError):
        while piece := stream.recv(65536):
            got += piece
    return got


class Shutdown(unittest.TestCase):
    def test_a_shutdown_names_itself(self):
        def script(client, head):
            client.sendall(SWITCH)
            client.recv(1)
        with ScriptedBackend(script) as backend:
            gateway = Gateway([backend.address], arguments=["--drain", "0"])
            stream = gateway.connect()
            stream.sendall(handshake())
            receive_until(stream, b"\r\n\r\n")
            log = gateway.log_path
            gateway.process.stop(signal.SIGTERM)
            self.assertIn('"cause":"gateway shutdown"', log.read_text().replace(": ", ":"))
            gateway.stop()


if __name__ == "__main__":
    unittest.main()

"""Request buffering: with enableRequestBuffering written as true a body is whole before a member is asked; else it streams."""
import hashlib
import os
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config, forward
from harness import PATIENCE, Gateway, MirrorBackend, ScriptedBackend, receive_all, receive_exactly, receive_until


class Buffering(unittest.TestCase):
    def start(self, **options):
        self.asked = threading.Event()
        self.heads = []

        def digest(client, head):
            self.asked.set()
            head, _, body = head.partition(b"\r\n\r\n")
            self.heads.append(head)
            length = next((int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: ")), None)
            while (len(body) < length) if length is not None else not body.endswith(b"0\r\n\r\n"):
                body += client.recv(1 << 20)
            answer = hashlib.sha256(body).hexdigest().encode()
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(answer) + answer)
        backend = ScriptedBackend(digest)
        self.addCleanup(backend.__exit__)
        self.config = config = Config()
        if options:
            config.properties["globalConfiguration"] = options
        config.rule("rule", config.listener("listener"), **forward(config, config.pool("pool", backend.address)))
        self.gateway = Gateway.of(config)
        self.addCleanup(self.gateway.stop)

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.gateway.port_of("listener")), PATIENCE)
        self.addCleanup(client.close)
        return client

    def test_no_member_is_asked_before_the_body_is_whole(self):
        self.start(enableRequestBuffering=True, enableResponseBuffering=True)
        # In memory, and in a file: both sides of 64 KiB.
        for size in (10, 65536, 65537, 3_000_000):
            self.asked.clear()
            body = os.urandom(size)
            client = self.connect()
            client.sendall(b"POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: %d\r\n\r\n" % size + body[:-1])
            with self.subTest(size):
                # A whole other exchange passes meanwhile, so what was sent has been read.
                other = self.connect()
                other.sendall(b"GET /none HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                receive_all(other)
                self.assertEqual(len([h for h in self.heads if h.startswith(b"POST") and b"Content-Length: %d\r\n" % size in h + b"\r\n"]), 0)
                client.sendall(body[-1:])
                receive_until(client, b"\r\n\r\n" + hashlib.sha256(body).hexdigest().encode())

    def test_a_chunked_body_keeps_its_framing_and_its_trailers(self):
        self.start(enableRequestBuffering=True)
        client = self.connect()
        client.sendall(b"POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
        receive_until(client, b"\r\n\r\n")
        self.assertIn(b"Transfer-Encoding: chunked", self.heads[-1])

    def test_the_gateway_itself_tells_a_client_to_go_on(self):
        self.start(enableRequestBuffering=True)
        client = self.connect()
        client.sendall(b"POST / HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        self.assertEqual(receive_exactly(client, 25), b"HTTP/1.1 100 Continue\r\n\r\n")
        self.assertFalse(self.asked.is_set())
        client.sendall(b"hello")
        receive_until(client, hashlib.sha256(b"hello").hexdigest().encode())
        self.assertNotIn(b"Expect", self.heads[-1])

    def test_a_client_that_leaves_half_way_costs_no_member_anything(self):
        self.start(enableRequestBuffering=True)
        client = self.connect()
        client.sendall(b"POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 500000\r\n\r\n" + b"x" * 300000)
        client.close()
        record = self.gateway.wait_record(lambda r: r["properties"]["httpStatus"] == 499, "the record")
        self.assertEqual(record["properties"]["serverRouted"], "")
        self.assertFalse(self.asked.is_set())

    def test_members_that_left_while_a_body_came_are_not_asked(self):
        self.start(enableRequestBuffering=True)
        client = self.connect()
        client.sendall(b"POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 4\r\n\r\nab")
        with MirrorBackend("other") as other:
            self.config.pools["pool"] = [other.address]
            self.gateway.write_local(self.config.local())
            self.gateway.reload()
            self.gateway.wait_all_up()
            client.sendall(b"cd")
            self.assertIn(b"X-Backend: other", receive_until(client, b"\r\n\r\n"))
        self.assertFalse(self.asked.is_set())

    def test_without_it_a_body_streams(self):
        for options in ({}, {"enableResponseBuffering": True}, {"enableRequestBuffering": False}):
            with self.subTest(options):
                self.start(**options)
                client = self.connect()
                client.sendall(b"POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 6\r\n\r\nhel")
                self.assertTrue(self.asked.wait(PATIENCE))
                client.sendall(b"lo!")
                receive_until(client, hashlib.sha256(b"hello!").hexdigest().encode())


if __name__ == "__main__":
    unittest.main()

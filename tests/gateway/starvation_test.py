"""Out of descriptors: that one connection is refused, nothing spins, everything else goes on, and it recovers by itself."""
import os
import resource
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import SANITIZED, DemoBackend, Gateway, receive_all, wait_until
from websocket import WebSocket


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Starvation(unittest.TestCase):
    @unittest.skipIf(SANITIZED, "the sanitizer looks at memory through a pipe: without descriptors it takes good pointers for bad")
    def test_out_of_descriptors(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        with DemoBackend() as one, Gateway([one.address], preexec=limit) as gateway:
            tunnel = WebSocket(gateway.connect())
            tunnel.echo(b"before")
            crowd = [socket.create_connection(("127.0.0.1", gateway.http_port)) for _ in range(200)]
            wait_until(lambda: gateway.descriptors() >= 44, "the clients' share of the descriptors is used up")
            gateway.process.wait_for("out of file descriptors: connections are refused; raise the limit")
            before = processor_seconds(gateway.pid)
            for i in range(50):
                tunnel.echo(b"meanwhile %d" % i)
            self.assertEqual(gateway.admin("/livez")[0], 200, "our own pages have descriptors of their own")
            gateway.reload()
            # Nothing is left in the backlog: each surplus connection was ended at once.
            self.assertEqual(receive_all(crowd[-1]), b"")
            # A second of waiting, a fifth of it at most spent on the processor.
            crowd[0].settimeout(1)
            try:
                crowd[0].recv(1)
            except (TimeoutError, ConnectionError):
                pass
            self.assertLess(processor_seconds(gateway.pid) - before, 0.3)
            for client in crowd:
                client.close()
            wait_until(lambda: gateway.descriptors() < 40, "the descriptors come back")
            self.assertEqual(gateway.members_up(), 1, "our own want says nothing of the member")
            wait_until(lambda: gateway.get("/health")[0] == 200, "it serves again")
            tunnel.echo(b"after")
            tunnel.stream.close()


if __name__ == "__main__":
    unittest.main()

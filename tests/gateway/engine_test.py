"""Which engine carries the traffic is chosen at the start, and said."""
import ctypes
import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import DemoBackend, Gateway
from websocket import WebSocket


def refuse_io_uring():
    """As a container's seccomp profile does: io_uring_setup (425 everywhere) ends with EPERM."""
    program = struct.pack("HBBI", 0x20, 0, 0, 0) + struct.pack("HBBI", 0x15, 0, 1, 425) + struct.pack("HBBI", 0x06, 0, 0, 0x00050001) + struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)
    instructions = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.c_char_p(header), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def kernel_refuses_io_uring():
    """As the engine asks for it: SINGLE_ISSUER and DEFER_TASKRUN, which Linux 6.1 was the first to know."""
    parameters = ctypes.create_string_buffer(struct.pack("III", 0, 0, 1 << 12 | 1 << 13) + bytes(108))
    ring = ctypes.CDLL(None, use_errno=True).syscall(425, 8, parameters)
    if ring >= 0:
        os.close(ring)
    return ring < 0


class Engine(unittest.TestCase):
    def carries(self, gateway):
        tunnel = WebSocket(gateway.connect())
        for size in [10] * 20 + [100000, 10]:
            tunnel.echo(os.urandom(size))
        tunnel.stream.close()

    def test_each_engine_is_named_in_the_ready_line_and_carries_tunnels(self):
        with DemoBackend() as one:
            for engine in ("epoll", "io_uring"):
                if engine == "io_uring" and kernel_refuses_io_uring():
                    self.skipTest("io_uring is refused here: Linux 6.1 or later, and no seccomp profile against it, have it")
                with self.subTest(engine), Gateway([one.address], arguments=("--engine", engine)) as gateway:
                    self.assertRegex(gateway.process.text, rf"ready: .* with 1 worker on {engine}[,\n]")
                    self.carries(gateway)

    def test_where_the_kernel_refuses_io_uring_the_gateway_runs_on_epoll_and_says_so_to_whoever_asked_for_it(self):
        with DemoBackend() as one:
            for engine, is_told in (("auto", False), ("io_uring", True)):
                with self.subTest(engine), Gateway([one.address], arguments=("--engine", engine), preexec=refuse_io_uring) as gateway:
                    self.assertRegex(gateway.process.text, r"ready: .* on epoll[,\n]")
                    self.assertEqual("does not allow io_uring" in gateway.process.text, is_told)
                    self.carries(gateway)


if __name__ == "__main__":
    unittest.main()

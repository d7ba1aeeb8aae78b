"""Started by root it is somebody else, and still listens on low ports."""
import json
import os
import pathlib
import pwd
import shutil
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import BINARY, DemoBackend, Process, wait_until
from config import Config, forward


def status_of(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


@unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
class Privileges(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="passerelle-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        self.backend = DemoBackend()
        self.addCleanup(self.backend.stop)

    def run_gateway(self, port, *arguments):
        c = Config()
        c.rule("rule", c.listener("listener", port), **forward(c, c.pool("pool", self.backend.address)))
        (self.folder / "gateway.json").write_text(json.dumps(c.template()))
        (self.folder / "passerelle.local.json").write_text(json.dumps({"frontendIPConfigurations": {"*": "127.0.0.1"}, "backendPools": c.pools}))
        process = Process([BINARY, "run", str(self.folder / "gateway.json"), "--admin", "127.0.0.1:0", "--access-log", "off", "--state", str(self.folder / "state"), *arguments])
        self.addCleanup(lambda: process.child.poll() is None and process.stop())
        return process

    def free_low_port(self):
        for port in range(1023, 600, -1):
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
        self.fail("no low port is free")

    def test_as_another_user_it_has_one_right_of_roots_and_can_gain_no_other(self):
        port = self.free_low_port()
        process = self.run_gateway(port, "--user", "nobody")
        process.wait_for("^passerelle: ready")
        nobody = pwd.getpwnam("nobody")
        for task in pathlib.Path(f"/proc/{process.child.pid}/task").iterdir():
            status = status_of(task.name)
            self.assertEqual(set(status["Uid"].split()), {str(nobody.pw_uid)})
            self.assertEqual(set(status["Gid"].split()), {str(nobody.pw_gid)})
            self.assertEqual((status["CapEff"], status["CapPrm"], status["NoNewPrivs"]), ("0000000000000400", "0000000000000400", "1"))
        socket.create_connection(("127.0.0.1", port)).close()
        self.assertEqual((self.folder / "state" / "token").stat().st_uid, nobody.pw_uid)
        other = self.free_low_port()
        template = self.folder / "gateway.json"
        template.write_text(template.read_text().replace(f'"port": {port}', f'"port": {other}'))
        process.send(1)
        def listens():
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", other)) == 0
        wait_until(listens, "a reload that opens another low port: " + process.text)

    def test_a_user_that_does_not_exist_is_an_error(self):
        process = self.run_gateway(8080, "--user", "nobody-of-that-name")
        self.assertEqual(process.wait_end(), 3)
        process.stop()
        self.assertIn("CannotChangeUser: there is no user nobody-of-that-name", process.text)

    def test_told_to_it_stays_root(self):
        process = self.run_gateway(self.free_low_port(), "--user", "root")
        process.wait_for("^passerelle: ready")
        self.assertEqual(set(status_of(process.child.pid)["Uid"].split()), {"0"})
        self.assertNotIn("runs as root", process.text)


if __name__ == "__main__":
    unittest.main()

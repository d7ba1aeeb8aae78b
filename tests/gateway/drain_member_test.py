"""A member is drained by hand, and comes back."""
import http.client
import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from harness import PATIENCE, DemoBackend, Gateway, example, receive_all, wait_until
from websocket import CLOSE, WebSocket


def drains_fast(properties):
    for settings in properties["backendHttpSettingsCollection"]:
        settings["properties"]["connectionDraining"] = {"enabled": True, "drainTimeoutInSec": 1}
        settings["properties"]["cookieBasedAffinity"] = "Disabled"


class DrainMember(unittest.TestCase):
    def setUp(self):
        self.backends = [DemoBackend("one"), DemoBackend("two")]
        for backend in self.backends:
            self.addCleanup(backend.__exit__, None, None, None)
        self.gateway = Gateway([backend.address for backend in self.backends], template=example(drains_fast))
        self.addCleanup(self.gateway.__exit__, None, None, None)
        pool = self.gateway.health()["pools"][0]
        self.where = {"pool": pool["name"], "backendSettings": pool["backendSettings"]}

    def post(self, what, member, token=True, **more):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.admin_port, timeout=PATIENCE)
        secret = (self.gateway.folder / "state" / "token").read_text().strip()
        connection.request("POST", f"/api/v1/members/{what}", json.dumps({**self.where, "member": member, **more}), {"Authorization": "Bearer " + secret} if token else {})
        response = connection.getresponse()
        return response.status, response.read().decode()

    def standing(self):
        return {m["address"]: m["health"] for m in self.gateway.health()["pools"][0]["members"]}

    def who_answers(self, times=8):
        return {self.gateway.get("/nothing")[1].decode().split(":")[0] for _ in range(times)}

    def test_it_gets_nobody_new_its_tunnels_leave_and_others_stay(self):
        one, two = (backend.address for backend in self.backends)
        tunnels = self.open_tunnels(4)
        self.assertEqual({member: len(some) for member, some in tunnels.items()}, {one: 2, two: 2})
        status, body = self.post("drain", one)
        self.assertEqual((status, json.loads(body)), (200, {"tunnels": 2, "overSeconds": 1, "pools": [self.where["pool"]]}))
        self.assertEqual(self.standing(), {one: "Draining", two: "Up"})
        self.assertEqual(self.who_answers(), {"two"})
        for tunnel in tunnels[one]:
            opcode, payload = tunnel.receive()
            self.assertEqual((opcode, payload[:2]), (CLOSE, (1012).to_bytes(2, "big")))
            tunnel.send(payload, CLOSE)
        ended = wait_until(lambda: len(json.loads(self.gateway.admin("/api/v1/tunnels/ended")[1])["tunnels"]) == 2 and json.loads(self.gateway.admin("/api/v1/tunnels/ended")[1])["tunnels"], "both have ended")
        self.assertEqual({(each["member"], each["cause"], each["code"]) for each in ended}, {(one, "closed by the operator", 1012)})
        for tunnel in tunnels[two]:
            tunnel.send(b"still here")
            self.assertEqual(tunnel.receive()[1], b"still here")
        self.assertEqual(self.post("resume", one)[0], 200)
        self.assertEqual(self.standing(), {one: "Up", two: "Up"})
        self.assertEqual(self.who_answers(), {"one", "two"})

    def drain_for(self, seconds):
        """Another drain time of the settings."""
        template = json.loads(self.gateway.template_path.read_text())
        for settings in template["resources"][0]["properties"]["backendHttpSettingsCollection"]:
            settings["properties"]["connectionDraining"]["drainTimeoutInSec"] = seconds
        self.gateway.write_template(template)
        self.gateway.reload()

    def open_tunnels(self, count):
        """By their members."""
        out = {backend.address: [] for backend in self.backends}
        tunnels = [WebSocket(self.gateway.connect()) for _ in range(count)]
        where = {tunnel["client"]: tunnel["member"] for tunnel in self.gateway.tunnels()}
        for tunnel in tunnels:
            self.gateway.clients.append(tunnel.stream)
            out[where[f"127.0.0.1:{tunnel.stream.getsockname()[1]}"]].append(tunnel)
        return out

    def test_it_stays_drained_through_a_reload_and_an_upgrade_which_takes_its_tunnels_along_and_drains_them(self):
        one = self.backends[0].address
        self.drain_for(6)
        tunnels = self.open_tunnels(4)
        self.assertEqual(self.post("drain", one)[0], 200)
        self.gateway.reload()
        self.assertEqual(self.standing()[one], "Draining")
        self.gateway.upgrade()
        for tunnel in tunnels[one]:
            opcode, payload = tunnel.receive()
            self.assertEqual((opcode, payload[:2]), (CLOSE, (1012).to_bytes(2, "big")))
            tunnel.send(payload, CLOSE)
        self.assertEqual(self.standing()[one], "Draining")
        self.assertEqual(self.who_answers(), {"two"})
        self.assertEqual(self.post("resume", one)[0], 200)
        wait_until(lambda: self.who_answers() == {"one", "two"}, "it is back")

    def test_a_resume_calls_a_drain_off(self):
        one = self.backends[0].address
        tunnels = self.open_tunnels(4)
        for _ in range(3):
            self.assertEqual(self.post("drain", one)[0], 200)
            self.assertEqual(self.post("resume", one)[0], 200)
        # Another drain's whole time: what was called off had ended by then.
        self.assertEqual(self.post("drain", self.backends[1].address)[0], 200)
        for tunnel in tunnels[self.backends[1].address]:
            self.assertEqual(tunnel.receive()[0], CLOSE)
        for tunnel in tunnels[one]:
            tunnel.send(b"still here")
            self.assertEqual(tunnel.receive()[1], b"still here")
        self.assertEqual(self.post("resume", self.backends[1].address)[0], 200)
        self.assertEqual(self.who_answers(), {"one", "two"})

    def test_a_member_that_goes_and_comes_back_is_still_drained(self):
        one, two = (backend.address for backend in self.backends)
        self.assertEqual(self.post("drain", one)[0], 200)
        for members in ([two], [two, one]):
            self.gateway.write_local({**self.gateway.local, "backendPools": {"*": members}})
            self.gateway.reload()
        wait_until(lambda: self.standing() == {one: "Draining", two: "Up"}, "it is back, and drained")

    def test_while_it_drains_a_clients_cookie_still_leads_there_and_afterwards_no_more(self):
        template = json.loads(self.gateway.template_path.read_text())
        for settings in template["resources"][0]["properties"]["backendHttpSettingsCollection"]:
            settings["properties"]["cookieBasedAffinity"] = "Enabled"
            settings["properties"]["connectionDraining"]["drainTimeoutInSec"] = 3
        self.gateway.write_template(template)
        self.gateway.reload()
        with self.gateway.connect() as client:
            client.sendall(b"GET /nothing HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n")
            answer = receive_all(client).decode()
        cookie = re.search(r"Set-Cookie: (ApplicationGatewayAffinity=[^;]+)", answer).group(1)
        own = answer.split("\r\n\r\n")[1].split(":")[0]
        address = {"one": self.backends[0].address, "two": self.backends[1].address}[own]

        def with_cookie():
            return self.gateway.get("/nothing", fields=f"Cookie: {cookie}\r\n")[1].decode().split(":")[0]
        self.assertEqual(self.post("drain", address)[0], 200)
        self.assertEqual(with_cookie(), own)
        self.assertNotIn(own, self.who_answers())
        wait_until(lambda: with_cookie() != own, "its drain is over")

    def test_with_every_member_drained_there_is_nobody_to_answer(self):
        for backend in self.backends:
            self.assertEqual(self.post("drain", backend.address)[0], 200)
        self.assertEqual(self.gateway.get("/")[0], 502)

    def test_it_needs_the_token_and_a_member_that_is_there(self):
        one = self.backends[0].address
        self.assertEqual(self.post("drain", one, token=False)[0], 401)
        self.assertEqual(self.post("drain", "10.9.9.9:80")[0], 404)
        self.assertEqual(self.post("drain", one, pool="nobody")[0], 404)
        self.assertEqual(self.post("drain", "")[0], 400)
        self.assertEqual(self.standing()[one], "Up")


if __name__ == "__main__":
    unittest.main()

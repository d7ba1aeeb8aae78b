"""The portal, in a real browser: every page and every action. With PASSERELLE_WRITE_PAGES its pictures in docs/portal/ are made anew."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from certificates import Certificates
from harness import PATIENCE, ROOT, DemoBackend, wait_until
from kept import KeptGateway, reference, resource
from websocket import TEXT, WebSocket

TUNNELS = 8
PASSWORD = "a password of the certificate"


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def shop(pfx):
    """Two listeners, a path rule, two pools, four members of which one is down."""
    properties = resource(80, sslCertificates=[{"name": "shop-2026", "properties": {"data": pfx, "password": PASSWORD}}])
    # Long, so that a drain that is called off has moved nobody.
    properties["backendHttpSettingsCollection"][0]["properties"]["connectionDraining"] = {"enabled": True, "drainTimeoutInSec": 3600}
    properties["frontendPorts"].append({"name": "tls", "properties": {"port": 443}})
    properties["backendAddressPools"] = [{"name": "chat", "properties": {"backendAddresses": [{"ipAddress": f"10.0.1.{i}"} for i in (4, 5, 6)]}},
                                         {"name": "images", "properties": {"backendAddresses": [{"ipAddress": "10.0.2.4"}]}}]
    chat, images, settings = reference("backendAddressPools/chat"), reference("backendAddressPools/images"), reference("backendHttpSettingsCollection/settings")
    properties["urlPathMaps"] = [{"name": "paths", "properties": {
        "defaultBackendAddressPool": chat, "defaultBackendHttpSettings": settings,
        "pathRules": [{"name": "pictures", "properties": {"paths": ["/images/*"], "backendAddressPool": images, "backendHttpSettings": settings}}]}}]
    front = {"frontendIPConfiguration": reference("frontendIPConfigurations/front")}
    properties["httpListeners"] = [
        {"name": "web", "properties": {**front, "frontendPort": reference("frontendPorts/port"), "protocol": "Http"}},
        {"name": "web-secure", "properties": {**front, "frontendPort": reference("frontendPorts/tls"), "protocol": "Https", "hostName": "shop.test", "sslCertificate": reference("sslCertificates/shop-2026")}}]
    properties["requestRoutingRules"] = [
        {"name": "by-path", "properties": {"ruleType": "PathBasedRouting", "priority": 10, "httpListener": reference("httpListeners/web"), "urlPathMap": reference("urlPathMaps/paths")}},
        {"name": "all-to-chat", "properties": {"ruleType": "Basic", "priority": 20, "httpListener": reference("httpListeners/web-secure"), "backendAddressPool": chat, "backendHttpSettings": settings}}]
    return properties


def template(properties):
    return json.dumps({"resources": [{"type": "Microsoft.Network/applicationGateways", "apiVersion": "2024-01-01", "name": "gw", "location": "westeurope", "properties": properties}]}, indent=2)


class Traffic:
    """Requests and messages, again and again, until it is left."""

    def __init__(self, port):
        self.port = port
        self.over = threading.Event()
        self.tunnels = [WebSocket(socket.create_connection(("127.0.0.1", port), PATIENCE)) for _ in range(TUNNELS)]
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.ask, self.talk)]

    def ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        while not self.over.wait(0.02):
            for path in ["/"] * 9 + ["/images/cat.png"]:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    connection.request("GET", path)
                    connection.getresponse().read()

    def talk(self):
        while not self.over.wait(0.05):
            for tunnel in self.tunnels:
                with contextlib.suppress(OSError, AssertionError):
                    tunnel.send(b"hello", TEXT)
                    tunnel.receive()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE)
        for tunnel in self.tunnels:
            tunnel.stream.close()


class Portal(unittest.TestCase):
    def test_every_page_and_action_works_in_a_browser_without_a_console_error_or_an_outside_request(self):
        certificates = Certificates(self)
        certificates.authority("intermediate")
        certificates.leaf("shop", ("shop.test",))
        pfx = base64.b64encode(pathlib.Path(certificates.pfx("shop", PASSWORD)).read_bytes()).decode()
        pictures = ROOT / "docs" / "portal" if os.environ.get("PASSERELLE_WRITE_PAGES") else None
        if pictures:
            pictures.mkdir(exist_ok=True)
        with DemoBackend("one") as one, DemoBackend("two") as two, DemoBackend("three") as three:
            dead = f"127.0.0.1:{closed_port()}"
            local = {"backendPools": {"chat": [one.address, two.address, dead], "images": [three.address]}}
            with KeptGateway(local=local) as gateway, KeptGateway() as empty:
                properties = shop(pfx)
                gateway.put(properties)
                # A member gets no traffic before its first good probe.
                wait_until(lambda: sorted(m["health"] for p in gateway.page("/api/v1/health")["pools"] for m in p["members"]) == ["Down", "Up", "Up", "Up"], "every member is probed")
                with Traffic(gateway.port_of("web")) as traffic:
                    text = template(properties)
                    changed = text.replace('"requestTimeout": 20', '"requestTimeout": 33')
                    broken = text.replace('"ruleType": "Basic"', '"ruleType": "Simple"')
                    facts = {
                        "gateway": "gw", "tunnels": TUNNELS, "up": "3 of 4", "nodes": ["web", "web-secure", "by-path", "chat", "images", one.address],
                        "down": dead, "drained": two.address, "client": "127.0.0.1:%d" % traffic.tunnels[0].stream.getsockname()[1],
                        "certificate": "shop-2026", "url": "http://anything.test/images/cat.png", "explained": ["images", "pictures", three.address.split(":")[1]],
                        "broken": broken, "broken_line": broken[:broken.index('"ruleType": "Simple"')].count("\n") + 1,
                        "changed": changed, "change": "33", "pfx": pfx, "password": PASSWORD, "member_port": int(three.address.split(":")[1]),
                    }
                    path = gateway.folder / "facts.json"
                    path.write_text(json.dumps(facts))
                    environment = dict(os.environ, PORTAL=f"http://127.0.0.1:{gateway.admin_port}/", EMPTY=f"http://127.0.0.1:{empty.admin_port}/", TOKEN=gateway.token,
                                       EMPTY_TOKEN=empty.token, FACTS=str(path), PICTURES=str(pictures or ""), PATIENCE=str(PATIENCE))
                    done = subprocess.run(["node", str(ROOT / "tests" / "clients" / "portal.mjs")], env=environment, capture_output=True, text=True, timeout=550)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr + gateway.process.text)
                    steps = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("ok ")]
                    self.assertEqual(steps, ["overview", "members", "tunnels", "certificates", "explain", "change", "create", "keyboard", "phone"])
                    # What was created carries traffic, and what was changed did not end a tunnel that it did not name.
                    self.assertIsNotNone(empty.port_of("listener"))
                    still = traffic.tunnels[1]
                    traffic.over.set()
                    for thread in traffic.threads:
                        thread.join(PATIENCE)
                    still.send(b"still here", TEXT)
                    self.assertEqual(still.receive(), (TEXT, b"still here"))


if __name__ == "__main__":
    unittest.main()

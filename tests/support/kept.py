"""A gateway that belongs to the REST API, and a resource for it."""
import http.client
import json
import pathlib
import shutil
import ssl
import subprocess
import tempfile

from harness import BINARY, ENGINE, PATIENCE, Process, wait_until


def reference(rest):
    return {"id": f"{KeptGateway.ID}/{rest}"}


def resource(port, listener_port=80, **more):
    """The properties of a gateway whose one member is on that port of 127.0.0.1."""
    return {
        "sku": {"name": "Standard_v2", "tier": "Standard_v2", "capacity": 2},
        "frontendIPConfigurations": [{"name": "front"}],
        "frontendPorts": [{"name": "port", "properties": {"port": listener_port}}],
        "backendAddressPools": [{"name": "pool", "properties": {"backendAddresses": [{"ipAddress": "127.0.0.1"}]}}],
        "backendHttpSettingsCollection": [{"name": "settings", "properties": {"port": port, "protocol": "Http", "requestTimeout": 20, "probe": reference("probes/probe")}}],
        "probes": [{"name": "probe", "properties": {"protocol": "Http", "host": "probe.test", "path": "/health", "interval": 30, "timeout": 5, "unhealthyThreshold": 3}}],
        "httpListeners": [{"name": "listener", "properties": {"frontendIPConfiguration": reference("frontendIPConfigurations/front"),
                                                              "frontendPort": reference("frontendPorts/port"), "protocol": "Http"}}],
        "requestRoutingRules": [{"name": "rule", "properties": {"ruleType": "Basic", "priority": 10, "httpListener": reference("httpListeners/listener"),
                                                                "backendAddressPool": reference("backendAddressPools/pool"),
                                                                "backendHttpSettings": reference("backendHttpSettingsCollection/settings")}}],
        **more,
    }


class KeptGateway:
    """A gateway without a template: what it carries comes over the REST API and stays in its state folder."""

    ID = "/subscriptions/s-1/resourceGroups/group/providers/Microsoft.Network/applicationGateways/gw"

    def __init__(self, local=None, arguments=(), folder=None, stdout=subprocess.DEVNULL):
        self.folder = folder or pathlib.Path(tempfile.mkdtemp(prefix="passerelle-"))
        self.own_folder = folder is None
        self.local = {"frontendIPConfigurations": {"*": "127.0.0.1"}, "frontendPorts": {"80": 0, "443": 0}, **(local or {})}
        (self.folder / "passerelle.local.json").write_text(json.dumps(self.local))
        self.process = Process([BINARY, "run", "--state", str(self.folder), "--admin", "127.0.0.1:0", "--admin-tls", "127.0.0.1:0", "--workers", "1", "--drain", "1",
                                "--engine", ENGINE, "--access-log", "off", *arguments], stdout=stdout)
        try:
            ready = self.process.wait_for(r"^passerelle: ready.*admin http://127\.0\.0\.1:(\d+)/ and https://127\.0\.0\.1:(\d+)/")
        except BaseException:
            self.process.child.kill()
            raise
        self.admin_port, self.api_port = int(ready.group(1)), int(ready.group(2))
        self.token = (self.folder / "token").read_text().strip()
        made = self.folder / "admin.crt"
        self.trust = ssl.create_default_context(cafile=str(made) if made.exists() else None)

    def ask(self, method, path, body=None, headers=None, token=None):
        """(status, parsed body or None, header fields)"""
        connection = http.client.HTTPSConnection("127.0.0.1", self.api_port, timeout=PATIENCE, context=self.trust)
        try:
            given = {"Authorization": f"Bearer {self.token if token is None else token}", **(headers or {})}
            text = json.dumps(body) if isinstance(body, (dict, list)) else body
            connection.request(method, path, text, {"Content-Type": "application/json", **given})
            response = connection.getresponse()
            read = response.read()
            return response.status, json.loads(read) if read else None, response.headers
        finally:
            connection.close()

    def arm(self, method, rest="", body=None, headers=None, version="2024-01-01"):
        """The gateway's own resource, or what stands under it."""
        join = "&" if "?" in rest else "?"
        return self.ask(method, f"{self.ID}{rest}{join}api-version={version}", body, headers)

    def wait_operation(self, fields):
        """What became of it."""
        path = fields["Azure-AsyncOperation"].split(f":{self.api_port}", 1)[1]

        def over():
            status, body, _ = self.ask("GET", path)
            assert status == 200, (status, body)
            return body["status"] != "InProgress" and body
        return wait_until(over, "the operation's end")

    def put(self, properties, **more):
        status, body, fields = self.arm("PUT", body={"location": "westeurope", "properties": properties, **more})
        assert status in (200, 201), (status, body)
        ended = self.wait_operation(fields)
        assert ended["status"] == "Succeeded", ended
        return body

    def page(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=PATIENCE)
        connection.request("GET", path)
        body = json.loads(connection.getresponse().read())
        connection.close()
        return body

    def wait_up(self):
        def up():
            return all(member["health"] == "Up" for pool in self.page("/api/v1/health")["pools"] for member in pool["members"])
        wait_until(up, "all members up")

    def port_of(self, listener):
        listeners = self.page("/api/v1/listeners")["listeners"]
        found = [each["addresses"] for each in listeners if each["name"] == listener]
        return int(found[0][0].rsplit(":", 1)[1]) if found and found[0] else None

    def stop(self):
        code = self.process.stop()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        assert "Sanitizer" not in self.process.text and code == 0, f"exit code {code}:\n{self.process.text}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            return self.stop()
        print(self.process.text)
        self.process.child.kill()
        self.process.stop()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

"""Azure's REST API over the admin listener: the gateway's whole life, without a template."""
import base64
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import sys
import unittest
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from certificates import Certificates
from harness import BINARY, PATIENCE, DemoBackend, Gateway, Process, is_running, scaled, wait_until
from kept import KeptGateway, reference, resource
from websocket import CLOSE, WebSocket


class RestApi(unittest.TestCase):
    def setUp(self):
        self.backend = DemoBackend()
        self.addCleanup(self.backend.stop)
        self.backend_port = int(self.backend.address.rsplit(":", 1)[1])

    def gateway(self, **more):
        gateway = KeptGateway(**more)
        self.addCleanup(lambda: gateway.process.child.poll() is None and gateway.stop())
        return gateway

    def created(self, **more):
        gateway = self.gateway()
        gateway.put(resource(self.backend_port, **more))
        return gateway

    def get_health_page(self, gateway):
        gateway.wait_up()
        return urllib.request.urlopen(f"http://127.0.0.1:{gateway.port_of('listener')}/health", timeout=PATIENCE).status

    def websocket(self, gateway):
        gateway.wait_up()
        client = socket.create_connection(("127.0.0.1", gateway.port_of("listener")), PATIENCE)
        self.addCleanup(client.close)
        return WebSocket(client)

    def assert_error(self, answer, status, code):
        got, body, fields = answer
        self.assertEqual((got, body["error"]["code"]), (status, code), body)
        self.assertTrue(body["error"]["message"])
        self.assertRegex(fields["x-ms-request-id"], "^[0-9a-f-]{36}$")

    def test_without_a_gateway_there_is_nothing_and_nothing_listens(self):
        gateway = self.gateway()
        self.assertIn("no gateway yet", gateway.process.text)
        self.assert_error(gateway.arm("GET"), 404, "ResourceNotFound")
        self.assertEqual(gateway.arm("DELETE")[0], 204)
        self.assertEqual(gateway.ask("GET", "/subscriptions/s-1/providers/Microsoft.Network/applicationGateways?api-version=2024-01-01")[1], {"value": []})

    def test_a_put_creates_a_gateway_that_carries_at_once_and_tells_its_state(self):
        gateway = self.gateway()
        status, body, fields = gateway.arm("PUT", body={"location": "northeurope", "tags": {"owner": "us"}, "properties": resource(self.backend_port)})
        self.assertEqual((status, body["properties"]["provisioningState"], body["id"]), (201, "Updating", KeptGateway.ID))
        self.assertRegex(fields["Azure-AsyncOperation"], rf"^https://127.0.0.1:{gateway.api_port}/subscriptions/s-1/providers/Microsoft.Network/locations/[a-z]+/operations/[0-9a-f-]{{36}}\?api-version=2024-01-01$")
        self.assertEqual(fields["Retry-After"], "1")
        self.assertEqual(gateway.wait_operation(fields)["status"], "Succeeded")
        self.assertEqual(self.get_health_page(gateway), 200)
        status, body, _ = gateway.arm("GET")
        self.assertEqual((status, body["location"], body["tags"], body["properties"]["provisioningState"], body["properties"]["operationalState"]),
                         (200, "northeurope", {"owner": "us"}, "Succeeded", "Running"))
        self.assertEqual(body["properties"]["frontendPorts"][0]["properties"]["httpListeners"], [reference("httpListeners/listener")])
        self.assertEqual(gateway.arm("PUT", body=body)[0], 200)

    def test_lists_hold_it_for_its_own_subscription_and_group(self):
        gateway = self.created()
        path = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/applicationGateways?api-version=2024-01-01"
        self.assertEqual([g["id"] for g in gateway.ask("GET", path.format("S-1", "GROUP"))[1]["value"]], [KeptGateway.ID])
        self.assertEqual(gateway.ask("GET", path.format("s-1", "other"))[1], {"value": []})
        all_of_it = "/subscriptions/{}/providers/Microsoft.Network/applicationGateways?api-version=2024-01-01"
        self.assertEqual(len(gateway.ask("GET", all_of_it.format("s-1"))[1]["value"]), 1)
        self.assertEqual(gateway.ask("GET", all_of_it.format("s-2"))[1], {"value": []})

    def test_no_change_touches_a_tunnel(self):
        gateway = self.created()
        tunnel = self.websocket(gateway)
        port = gateway.port_of("listener")
        for timeout in (10, 11, 12):
            changed = resource(self.backend_port)
            changed["backendHttpSettingsCollection"][0]["properties"]["requestTimeout"] = timeout
            gateway.put(changed)
            tunnel.echo(b"still here")
        self.assertEqual(gateway.port_of("listener"), port)
        self.assertEqual(gateway.arm("GET")[1]["properties"]["backendHttpSettingsCollection"][0]["properties"]["requestTimeout"], 12)

    def test_what_has_errors_is_refused_whole_and_says_what_is_wrong(self):
        gateway = self.created()
        before = gateway.arm("GET")[1]
        wrong = resource(self.backend_port)
        wrong["requestRoutingRules"][0]["properties"]["httpListener"] = reference("httpListeners/nobody")
        wrong["probes"][0]["properties"]["interval"] = 0
        status, body, _ = gateway.arm("PUT", body={"properties": wrong})
        self.assertEqual((status, body["error"]["code"]), (400, body["error"]["details"][0]["code"]))
        said = {detail["code"]: detail for detail in body["error"]["details"]}
        self.assertIn("nobody", said["InvalidResourceReference"]["message"])
        self.assertGreaterEqual(len(said), 2)
        self.assertTrue(all(detail["target"] for detail in body["error"]["details"]), body)
        for text in ("{", "[]", '"x"', "{}", '{"properties": []}', '{"properties": {}, "tags": {"a": 1}}'):
            status, body, _ = gateway.arm("PUT", body=text)
            self.assertEqual(status, 400, (text, body))
        self.assertEqual(gateway.arm("GET")[1], before)
        self.assertEqual(self.get_health_page(gateway), 200)

    def test_a_listener_that_cannot_open_rolls_the_change_back(self):
        gateway = self.created()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            more = resource(self.backend_port)
            more["frontendPorts"].append({"name": "taken", "properties": {"port": taken.getsockname()[1]}})
            listener = json.loads(json.dumps(more["httpListeners"][0]))
            listener["name"] = "second"
            listener["properties"]["frontendPort"] = reference("frontendPorts/taken")
            more["httpListeners"].append(listener)
            rule = json.loads(json.dumps(more["requestRoutingRules"][0]))
            rule["name"], rule["properties"]["priority"], rule["properties"]["httpListener"] = "second", 20, reference("httpListeners/second")
            more["requestRoutingRules"].append(rule)
            status, _, fields = gateway.arm("PUT", body={"properties": more})
            self.assertEqual(status, 200)
            ended = gateway.wait_operation(fields)
            self.assertEqual((ended["status"], ended["error"]["code"]), ("Failed", "AddressInUse"))
        body = gateway.arm("GET")[1]
        self.assertEqual((body["properties"]["provisioningState"], len(body["properties"]["httpListeners"])), ("Failed", 1))
        self.assertEqual(self.get_health_page(gateway), 200)
        gateway.put(more)  # the port is free now
        self.assertEqual(gateway.arm("GET")[1]["properties"]["provisioningState"], "Succeeded")

    def test_if_match_holds_off_whoever_has_not_seen_the_last_change(self):
        gateway = self.created()
        etag = gateway.arm("GET")[1]["etag"]
        body = {"properties": resource(self.backend_port), "tags": {"a": "b"}}
        self.assert_error(gateway.arm("PUT", body=body, headers={"If-Match": 'W/"other"'}), 412, "PreconditionFailed")
        self.assert_error(gateway.arm("PUT", body=body, headers={"If-None-Match": "*"}), 412, "PreconditionFailed")
        status, _, fields = gateway.arm("PUT", body=body, headers={"If-Match": etag})
        self.assertEqual(status, 200)
        gateway.wait_operation(fields)
        self.assertNotEqual(gateway.arm("GET")[1]["etag"], etag)
        self.assert_error(gateway.arm("DELETE", headers={"If-Match": etag}), 412, "PreconditionFailed")

    def test_tags_change_without_anything_else(self):
        gateway = self.created()
        before = gateway.arm("GET")[1]
        status, body, _ = gateway.arm("PATCH", body={"tags": {"stage": "test"}})
        self.assertEqual((status, body["tags"]), (200, {"stage": "test"}))
        after = gateway.arm("GET")[1]
        self.assertEqual(after["tags"], {"stage": "test"})
        self.assertEqual(after["properties"]["requestRoutingRules"][0]["properties"], before["properties"]["requestRoutingRules"][0]["properties"])
        self.assert_error(gateway.arm("PATCH", body={"tags": 7}), 400, "InvalidRequestContent")

    def test_stopped_it_carries_nothing_says_so_to_tunnels_and_stays_stopped_until_it_is_started(self):
        gateway = self.created()
        tunnel = self.websocket(gateway)
        status, _, fields = gateway.arm("POST", "/stop")
        self.assertEqual(status, 202)
        self.assertEqual(gateway.wait_operation(fields)["status"], "Succeeded")
        self.assertIsNone(gateway.port_of("listener"))
        opcode, payload = tunnel.receive()
        self.assertEqual((opcode, payload), (CLOSE, b"\x03\xe9the gateway is stopped"))
        self.assertEqual(gateway.arm("GET")[1]["properties"]["operationalState"], "Stopped")
        gateway.process.stop()
        again = self.gateway(folder=gateway.folder)
        self.assertEqual(again.arm("GET")[1]["properties"]["operationalState"], "Stopped")
        self.assertIsNone(again.port_of("listener"))
        again.wait_operation(again.arm("POST", "/start")[2])
        self.assertEqual(again.arm("GET")[1]["properties"]["operationalState"], "Running")
        self.assertEqual(self.get_health_page(again), 200)
        again.wait_operation(again.arm("POST", "/stop")[2])
        again.put(resource(self.backend_port))  # as Azure has it, this starts it
        self.assertEqual(self.get_health_page(again), 200)

    def test_deleted_it_is_gone_from_the_disk_too(self):
        gateway = self.created()
        self.assertEqual(os.stat(gateway.folder / "gateway.json").st_mode & 0o777, 0o600)
        status, _, fields = gateway.arm("DELETE")
        self.assertEqual(status, 202)
        self.assertEqual(gateway.wait_operation(fields)["status"], "Succeeded")
        self.assert_error(gateway.arm("GET"), 404, "ResourceNotFound")
        self.assertFalse((gateway.folder / "gateway.json").exists())
        self.assertEqual(gateway.arm("DELETE")[0], 204)
        gateway.put(resource(self.backend_port))
        self.assertEqual(self.get_health_page(gateway), 200)

    def test_it_starts_from_what_was_applied_last(self):
        gateway = self.created()
        before = gateway.arm("GET")[1]
        gateway.process.stop()
        again = self.gateway(folder=gateway.folder)
        self.assertEqual(again.arm("GET")[1], before)
        self.assertEqual(self.get_health_page(again), 200)

    def test_one_process_has_one_gateway(self):
        gateway = self.created()
        other = KeptGateway.ID.replace("/gw", "/other")
        self.assert_error(gateway.ask("PUT", f"{other}?api-version=2024-01-01", {"properties": resource(self.backend_port)}), 409, "OneApplicationGateway")
        for name in ("-gw", "g%20w", "g" * 81, "gw."):
            self.assert_error(gateway.ask("PUT", f"{other[:-5]}{name}?api-version=2024-01-01", {"properties": {}}), 400, "InvalidResourceName")

    def test_backend_health_is_told_in_azures_shape(self):
        gateway = self.created()

        def health(query=""):
            status, _, fields = gateway.arm("POST", "/backendhealth" + query)
            self.assertEqual(status, 202)
            gateway.wait_operation(fields)
            status, body, _ = gateway.ask("GET", fields["Location"].split(f":{gateway.api_port}", 1)[1])
            self.assertEqual(status, 200)
            return body["backendAddressPools"][0]

        def server():
            return health()["backendHttpSettingsCollection"][0]["servers"][0]
        wait_until(lambda: server()["health"] == "Up", "the member up")
        self.assertEqual(server()["address"], "127.0.0.1")
        self.assertIn("200", server()["healthProbeLog"])
        self.assertEqual(health()["backendAddressPool"], reference("backendAddressPools/pool"))
        expanded = health("?$expand=BackendAddressPool,BackendHttpSettings")
        self.assertEqual(expanded["backendAddressPool"]["name"], "pool")
        self.assertEqual(expanded["backendHttpSettingsCollection"][0]["backendHttpSettings"]["properties"]["port"], self.backend_port)

    def test_health_on_demand_probes_now(self):
        gateway = self.created()

        def probe(**more):
            asked = {"backendAddressPool": reference("backendAddressPools/pool"), "backendHttpSettings": reference("backendHttpSettingsCollection/settings"), **more}
            status, _, fields = gateway.arm("POST", "/getBackendHealthOnDemand", asked)
            self.assertEqual(status, 202)
            gateway.wait_operation(fields)
            return gateway.ask("GET", fields["Location"].split(f":{gateway.api_port}", 1)[1])[1]["backendHealthHttpSettings"]["servers"][0]["health"]
        self.assertEqual(probe(protocol="Http", path="/health", timeout=5), "Up")
        self.assertEqual(probe(protocol="Http", path="/nothing", timeout=5), "Down")
        self.assert_error(gateway.arm("POST", "/getBackendHealthOnDemand", {"backendAddressPool": reference("backendAddressPools/none")}), 400, "InvalidRequestContent")

    def test_the_lists_of_what_there_is(self):
        gateway = self.gateway()

        def get(rest):
            status, body, _ = gateway.ask("GET", f"/subscriptions/s/providers/Microsoft.Network/{rest}?api-version=2024-01-01")
            self.assertEqual(status, 200, rest)
            return body
        self.assertIn("client_ip", get("applicationGatewayAvailableServerVariables"))
        self.assertIn("User-Agent", get("applicationGatewayAvailableRequestHeaders"))
        self.assertIn("Set-Cookie", get("applicationGatewayAvailableResponseHeaders"))
        self.assertEqual(get("applicationGatewayAvailableWafRuleSets"), {"value": []})
        options = get("applicationGatewayAvailableSslOptions/default")["properties"]
        self.assertEqual((options["defaultPolicy"], len(options["predefinedPolicies"])), ("AppGwSslPolicy20220101", 5))
        self.assertEqual(len(get("applicationGatewayAvailableSslOptions/default/predefinedPolicies")["value"]), 5)
        self.assertEqual(get("applicationGatewayAvailableSslOptions/default/predefinedPolicies/AppGwSslPolicy20170401S")["properties"]["minProtocolVersion"], "TLSv1_2")
        self.assertEqual(gateway.ask("GET", "/subscriptions/s/providers/Microsoft.Network/applicationGatewayAvailableSslOptions/default/predefinedPolicies/None?api-version=2024-01-01")[0], 404)

    def test_a_certificate_that_is_put_back_without_its_data_stays(self):
        certificates = Certificates(self)
        certificates.leaf("site", hosts=("site.test",))
        pfx = base64.b64encode(certificates.pfx("site", "s3cret").read_bytes()).decode()
        tls = resource(self.backend_port, 443, sslCertificates=[{"name": "certificate", "properties": {"data": pfx, "password": "s3cret"}}])
        tls["httpListeners"][0]["properties"].update(protocol="Https", sslCertificate=reference("sslCertificates/certificate"))
        gateway = self.gateway()
        gateway.put(tls)

        def shown():
            return ssl.get_server_certificate(("127.0.0.1", gateway.port_of("listener")))
        self.assertEqual(shown().strip(), certificates.path("site.pem").read_text().strip())
        body = gateway.arm("GET")[1]
        text = json.dumps(body)
        self.assertNotIn(pfx, text)
        self.assertNotIn("s3cret", text)
        public = base64.b64decode(body["properties"]["sslCertificates"][0]["properties"]["publicCertData"])
        self.assertIn(ssl.PEM_cert_to_DER_cert(certificates.path("site.pem").read_text()), public)
        status, _, fields = gateway.arm("PUT", body=body)
        self.assertEqual((status, gateway.wait_operation(fields)["status"]), (200, "Succeeded"))
        self.assertEqual(shown().strip(), certificates.path("site.pem").read_text().strip())
        etag = gateway.arm("GET")[1]["etag"]
        self.assertEqual(etag, body["etag"])
        certificates.leaf("other", hosts=("site.test",))
        body["properties"]["sslCertificates"][0]["properties"] = {"data": base64.b64encode(certificates.pfx("other", "new").read_bytes()).decode(), "password": "new"}
        gateway.wait_operation(gateway.arm("PUT", body=body)[2])
        self.assertEqual(shown().strip(), certificates.path("other.pem").read_text().strip())
        self.assertNotEqual(gateway.arm("GET")[1]["etag"], etag)
        self.assertNotIn("s3cret", gateway.process.text)

    def test_what_looks_like_an_expression_is_a_text(self):
        texts = ("[0-9]+", "[[0-9]", "[concat('a', 'b')]", "[]", "[1]", "[parameters('x')]")
        more = {"rewriteRuleSets": [{"name": "set", "properties": {"rewriteRules": [
            {"name": f"r{i}", "ruleSequence": 100 + i, "conditions": [{"variable": "var_uri_path", "pattern": "[0-9]+" if i else "[[0-9]", "ignoreCase": False, "negate": False}],
             "actionSet": {"requestHeaderConfigurations": [{"headerName": "X-Text", "headerValue": text}]}} for i, text in enumerate(texts)]}}]}
        gateway = self.gateway()
        tags = {f"t{i}": text for i, text in enumerate(texts)}
        gateway.put(resource(self.backend_port, **more), tags=tags)
        before = gateway.arm("GET")[1]
        self.assertEqual(before["tags"], tags)
        rules = before["properties"]["rewriteRuleSets"][0]["properties"]["rewriteRules"]
        self.assertEqual([r["actionSet"]["requestHeaderConfigurations"][0]["headerValue"] for r in rules], list(texts))
        gateway.wait_operation(gateway.arm("PUT", body=before)[2])
        self.assertEqual(gateway.arm("GET")[1], before)
        gateway.process.stop()
        self.assertEqual(self.gateway(folder=gateway.folder).arm("GET")[1], before)

    def test_an_etag_is_the_contents_however_far_a_change_has_come(self):
        gateway = self.gateway()
        body = {"location": "westeurope", "properties": resource(self.backend_port)}
        status, answered, fields = gateway.arm("PUT", body=body)
        gateway.wait_operation(fields)
        self.assertEqual(gateway.arm("GET")[1]["etag"], answered["etag"])
        with socket.create_server(("127.0.0.1", 0)) as taken:
            wrong = resource(self.backend_port, taken.getsockname()[1])
            self.assertEqual(gateway.wait_operation(gateway.arm("PUT", body={"properties": wrong})[2])["status"], "Failed")
        after = gateway.arm("GET")[1]
        self.assertEqual((after["etag"], after["properties"]["provisioningState"]), (answered["etag"], "Failed"))
        self.assertEqual(gateway.arm("PATCH", body={"tags": {"a": "b"}}, headers={"If-Match": after["etag"]})[0], 200)
        self.assertEqual(gateway.arm("GET")[1]["properties"]["provisioningState"], "Succeeded")

    def test_names_that_no_header_and_no_id_can_hold_are_no_names(self):
        gateway = self.gateway()
        for subscription in ("a%0d%0aX-Evil:%201", "a%2Fb", "%ff"):
            path = f"/subscriptions/{subscription}/resourceGroups/g/providers/Microsoft.Network/applicationGateways/gw?api-version=2024-01-01"
            status, _, fields = gateway.ask("PUT", path, {"properties": resource(self.backend_port)})
            self.assertEqual(status, 404)
            self.assertNotIn("X-Evil", str(fields))
        self.assert_error(gateway.ask("PUT", KeptGateway.ID.replace("/group/", "/group./") + "?api-version=2024-01-01", {"properties": {}}), 400, "InvalidResourceGroup")

    def test_a_process_that_ends_or_hands_over_makes_no_change(self):
        gateway = self.created()
        tunnel = self.websocket(gateway)
        kept = http.client.HTTPSConnection("127.0.0.1", gateway.api_port, timeout=PATIENCE, context=gateway.trust)
        self.addCleanup(kept.close)
        token = {"Authorization": "Bearer " + gateway.token}
        # A request that has begun before the end has.
        kept.putrequest("DELETE", KeptGateway.ID + "?api-version=2024-01-01")
        for name, value in {**token, "Content-Length": "1"}.items():
            kept.putheader(name, value)
        kept.endheaders()
        gateway.process.send(signal.SIGTERM)
        gateway.process.wait_for("draining")
        kept.send(b" ")
        response = kept.getresponse()
        self.assertEqual((response.status, json.loads(response.read())["error"]["code"]), (503, "ServerBusy"))
        self.assertTrue((gateway.folder / "gateway.json").exists())
        tunnel.stream.close()
        gateway.process.wait_end()

    def test_what_is_acknowledged_while_a_new_binary_takes_over_is_in_force_there(self):
        # Its first probes take a while, and so does the hand-over.
        with socket.create_server(("127.0.0.1", 0)) as silent:
            gateway = self.gateway()
            gateway.put(resource(silent.getsockname()[1]), tags={"number": "0"})
            gateway.process.send(signal.SIGUSR2)
            over, acknowledged, refused = r"process (\d+) carries the traffic now", 0, 0
            for number in range(1, 10_000):
                done = re.search(over, gateway.process.text)
                with contextlib.suppress(OSError, http.client.HTTPException):
                    status, body, fields = gateway.arm("PUT", body={"properties": resource(silent.getsockname()[1]), "tags": {"number": str(number)}})
                    if status == 200:
                        with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
                            gateway.wait_operation(fields)
                        acknowledged = number
                    else:
                        self.assertEqual((status, body["error"]["code"], fields["Retry-After"]), (503, "ServerBusy", "1"))
                        refused += 1
                    if done and status == 200:
                        break
            self.assertGreater(refused, 0)
            self.assertEqual(gateway.arm("GET")[1]["tags"], {"number": str(acknowledged)})
            os.kill(int(done.group(1)), signal.SIGTERM)
            gateway.process.wait_end()

    def test_a_state_folder_is_one_processs_and_its_successors(self):
        gateway = self.created()

        def second():
            process = Process([BINARY, "run", "--state", str(gateway.folder), "--admin", "off", "--admin-tls", "127.0.0.1:0", "--access-log", "off"])
            try:
                return process.wait_end(), process.text
            finally:
                process.stop()
        code, said = second()
        self.assertEqual(code, 3)
        self.assertIn("StateFolderInUse: another Passerelle runs on", said)
        gateway.process.send(signal.SIGUSR2)
        successor = int(gateway.process.wait_for(r"process (\d+) carries the traffic now").group(1))
        gateway.process.wait_end()
        self.assertEqual(second()[0], 3)
        os.kill(successor, signal.SIGKILL)
        wait_until(lambda: not is_running(successor), "the successor's end")
        self.gateway(folder=gateway.folder)

    def test_a_pool_of_thousands_of_members_is_taken_and_replaced(self):
        gateway = self.gateway()
        large = resource(self.backend_port)
        # An address each: thousands of probes to one and the same would wait for the kernel to find them a free port.
        large["backendAddressPools"][0]["properties"]["backendAddresses"] = [{"ipAddress": f"127.1.{i // 256}.{i % 256}"} for i in range(scaled(45_000, 2_000))]
        gateway.put(large)
        gateway.put(resource(self.backend_port))
        self.assertEqual(self.get_health_page(gateway), 200)

    def test_with_templates_on_the_command_line_it_only_reads(self):
        with Gateway(backends=[self.backend.address], arguments=("--admin-tls", "127.0.0.1:0")) as gateway:
            port = int(gateway.process.wait_for(r"^passerelle: ready.* and https://127\.0\.0\.1:(\d+)/").group(1))
            token = (gateway.folder / "state" / "token").read_text().strip()
            trust = ssl.create_default_context(cafile=str(gateway.folder / "state" / "admin.crt"))

            def ask(method, path, body=None):
                connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=trust)
                connection.request(method, path, body, {"Authorization": f"Bearer {token}"})
                response = connection.getresponse()
                out = response.status, json.loads(response.read())
                connection.close()
                return out
            every = "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Network/applicationGateways?api-version=2024-01-01"
            status, body = ask("GET", every)
            own = body["value"][0]["id"] + "?api-version=2024-01-01"
            self.assertEqual(ask("GET", own)[0], 200)
            for method, path in (("PUT", own), ("PATCH", own), ("DELETE", own), ("POST", own.replace("?", "/stop?"))):
                status, body = ask(method, path, json.dumps({"properties": {}, "tags": {}}))
                self.assertEqual((status, body["error"]["code"]), (409, "ScopeLocked"), method)
            self.assertEqual(gateway.get("/health")[0], 200)



class Apply(unittest.TestCase):
    def setUp(self):
        self.backend = DemoBackend()
        self.addCleanup(self.backend.__exit__, None, None, None)
        self.gateway = KeptGateway()
        self.addCleanup(self.gateway.__exit__, None, None, None)
        self.properties = resource(int(self.backend.address.rsplit(":", 1)[1]))

    def template(self, name="gw", **more):
        return {"resources": [{"type": "Microsoft.Network/applicationGateways", "apiVersion": "2024-01-01", "name": name, "location": "westeurope", "properties": self.properties, **more}]}

    def apply(self, body):
        status, answer, fields = self.gateway.ask("POST", "/api/v1/apply", body)
        if status in (200, 201):
            answer = self.gateway.wait_operation(fields)
        return status, answer

    def what_if(self, body):
        status, answer, _ = self.gateway.ask("POST", "/api/v1/what-if", body)
        self.assertEqual(status, 200)
        return answer

    def test_a_template_is_applied_as_a_put_of_what_it_comes_to(self):
        status, ended = self.apply(self.template())
        self.assertEqual((status, ended["status"]), (201, "Succeeded"))
        self.assertIsNotNone(self.gateway.port_of("listener"))
        self.properties["httpListeners"][0]["name"] = "other"
        self.properties["requestRoutingRules"][0]["properties"]["httpListener"]["id"] = KeptGateway.ID + "/httpListeners/other"
        status, ended = self.apply(self.template())
        self.assertEqual((status, ended["status"]), (200, "Succeeded"))
        self.assertIsNotNone(self.gateway.port_of("other"))
        self.assertIsNone(self.gateway.port_of("listener"))

    def test_it_is_deployed_to_where_the_gateway_is_and_a_resource_without_a_name_is_the_gateways(self):
        self.gateway.put(self.properties)
        status, _ = self.apply(self.template(tags={"of": "[subscription().subscriptionId]", "in": "[resourceGroup().name]"}))
        self.assertEqual(status, 200)
        _, shown, _ = self.gateway.arm("GET")
        self.assertEqual(shown["tags"], {"of": "s-1", "in": "group"})
        self.assertEqual(self.apply({"properties": self.properties})[0], 200)

    def test_what_if_says_what_apply_would(self):
        self.gateway.put(self.properties)
        for name, code in (("other-name", "OneApplicationGateway"), ("my gw", "InvalidResourceName")):
            considered = self.what_if(self.template(name))
            self.assertIn(code, [problem["code"] for problem in considered["problems"]])
            self.assertIsNone(considered["whatIf"])
            self.assertEqual(self.apply(self.template(name))[0], 400)
        self.assertIsNotNone(self.what_if(self.template())["whatIf"])

    def test_without_the_token_or_with_errors_nothing_changes(self):
        self.gateway.put(self.properties)
        connection = http.client.HTTPSConnection("127.0.0.1", self.gateway.api_port, timeout=PATIENCE, context=self.gateway.trust)
        self.addCleanup(connection.close)
        connection.request("POST", "/api/v1/apply", json.dumps(self.template()))
        self.assertEqual(connection.getresponse().status, 401)
        del self.properties["requestRoutingRules"][0]["properties"]["backendAddressPool"]
        status, answer = self.apply(self.template())
        self.assertEqual(status, 400)
        self.assertTrue(answer["problems"])
        self.assertIsNotNone(self.gateway.port_of("listener"))


if __name__ == "__main__":
    unittest.main()

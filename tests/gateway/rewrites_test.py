"""Rewrite sets and the settings' path, on the running gateway; `explain` says the same of each request."""
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config
from harness import BINARY, PATIENCE, Gateway, MirrorBackend, ScriptedBackend, receive_all, receive_until
from websocket import WebSocket, answer_echo


def condition(variable, pattern, **more):
    return {"variable": variable, "pattern": pattern, **more}


def header(name, value="", **more):
    return {"headerName": name, "headerValue": value, **more}


def rule(name="rule", sequence=100, conditions=(), request=(), response=(), url=None):
    actions = {"requestHeaderConfigurations": list(request), "responseHeaderConfigurations": list(response)}
    if url is not None:
        actions["urlConfiguration"] = url
    return {"name": name, "ruleSequence": sequence, "conditions": list(conditions), "actionSet": actions}


class AnswerBackend(ScriptedBackend):
    """Answers with the fields (and status) a request asks for: X-Answer: 404|Name: value|…; its body is the request's head."""

    def __init__(self):
        super().__init__(self.answer)

    def answer(self, client, head):
        while True:
            if b"\r\nUpgrade: websocket\r\n" in head:
                return answer_echo(client, head, "answer")
            asked = next((line[10:] for line in head.decode("latin-1").split("\r\n") if line.startswith("X-Answer: ")), "200")
            status, *fields = asked.split("|")
            lines = "".join(f"{field}\r\n" for field in fields)
            client.sendall(f"HTTP/1.1 {status} Answer\r\n{lines}Content-Length: {len(head)}\r\n\r\n".encode("latin-1") + head)
            head = receive_until(client, b"\r\n\r\n")


class Answer:
    def __init__(self, raw):
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = [tuple(line.split(": ", 1)) for line in lines[1:]]
        seen = body.decode("latin-1").rstrip("\r\n").split("\r\n")
        self.line = seen[0]
        self.sent = [tuple(line.split(": ", 1)) for line in seen[1:] if ": " in line]

    def got(self, name):
        """What the client got under this name."""
        return [value for n, value in self.fields if n.lower() == name.lower()]

    def seen(self, name):
        """What the member saw under this name."""
        return [value for n, value in self.sent if n.lower() == name.lower()]

    @property
    def path(self):
        return self.line.split(" ")[1]


class Rewrites(unittest.TestCase):
    def setUp(self):
        self.config = Config()
        self.config.properties["rewriteRuleSets"] = []
        backend = AnswerBackend()
        self.addCleanup(backend.__exit__)
        self.pool = self.config.pool("pool", backend.address)

    def rules(self, *rules, name="set"):
        return self.config.add("rewriteRuleSets", name, rewriteRules=list(rules))

    def start(self, *rules, listener=None, **settings):
        """A gateway with one basic rule and these rewrite rules."""
        c = self.config
        to = {"backendAddressPool": self.pool, "backendHttpSettings": c.settings(**settings)}
        if rules:
            to["rewriteRuleSet"] = self.rules(*rules)
        c.rule("rule", listener or c.listener("listener"), **to)
        return self.run_gateway()

    def run_gateway(self):
        gateway = Gateway.of(self.config)
        self.addCleanup(gateway.stop)
        self.gateway = gateway
        return gateway

    def ask(self, path="/", *fields, host="gw.test", method="GET", tls=False, explained=True):
        text = "".join(f"{name}: {value}\r\n" for name, value in fields)
        with socket.create_connection(("127.0.0.1", self.gateway.port_of("listener")), PATIENCE) as raw:
            client = ssl._create_unverified_context().wrap_socket(raw) if tls else raw
            self.client_port = client.getsockname()[1]
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{text}\r\n".encode("latin-1"))
            answer = Answer(receive_all(client))
        if explained and answer.sent:
            self.check_explained(answer, path, fields, host, method, tls)
        return answer

    def check_explained(self, answer, path, fields, host, method, tls):
        arguments = [BINARY, "explain", str(self.gateway.template_path), f"http{'s' if tls else ''}://{host}{path}", "-X", method, "--format", "json"]
        for name, value in fields:
            arguments += ["-H", f"{name}: {value}"]
        said = json.loads(subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE).stdout)["request"]
        self.assertEqual((said["method"], said["path"], said["host"]), (method, answer.path, answer.seen("Host")[0]))
        # These differ from connection to connection.
        own = {"X-AppGW-Trace-Id", "X-Forwarded-For", "X-Port", "X-Rtt", "X-Ciphers", "X-Cipher", "X-Protocol"}
        self.assertEqual({n: v for n, v in said["headers"].items() if n not in own}, {n: v for n, v in answer.sent if n not in own})

    # --- request fields ---

    def test_request_fields_are_set_added_and_removed(self):
        self.start(rule(request=[header("X-Old", "new"), header("X-Added", "yes"), header("x-gone", ""), header("X-Twice", "once")]))
        a = self.ask("/", ("X-Old", "old"), ("X-Gone", "1"), ("X-Twice", "a"), ("X-Twice", "b"))
        self.assertEqual([a.seen(n) for n in ("X-Old", "X-Added", "X-Gone", "X-Twice")], [["new"], ["yes"], [], ["once"]])

    def test_the_gateways_own_fields_can_be_rewritten(self):
        self.start(rule(request=[header("X-Forwarded-For", "{var_add_x_forwarded_for_proxy}"), header("X-Original-URL", ""), header("Host", "inner.example")]))
        a = self.ask("/p", ("X-Forwarded-For", "203.0.113.7"))
        self.assertEqual((a.seen("X-Forwarded-For"), a.seen("X-Original-URL"), a.seen("Host"), a.seen("X-Original-Host")),
                         (["203.0.113.7, 127.0.0.1"], [], ["inner.example"], ["gw.test"]))
        self.assertEqual(self.ask("/").seen("X-Forwarded-For"), ["127.0.0.1"])

    def test_the_settings_host_name_wins_over_a_rewritten_host(self):
        self.start(rule(request=[header("Host", "rewritten.example")]), hostName="settings.example")
        self.assertEqual(self.ask("/").seen("Host"), ["settings.example"])

    def test_values_hold_variables_captures_and_plain_braces(self):
        self.start(rule(conditions=[condition("var_uri_path", "^/(?P<a>[a-z]+)/([0-9]+)$"), condition("http_req_X-In", "(.)-(.)")],
                        request=[header("X-Out", '{var_uri_path_2}/{var_uri_path_1}:{http_req_X-In_2}{http_req_X-In_1} {"a":{var_uri_path}}')]))
        self.assertEqual(self.ask("/abc/42", ("X-In", "x-y")).seen("X-Out"), ['42/abc:yx {"a":/abc/42}'])
        self.assertEqual(self.ask("/abc/x", ("X-In", "x-y")).seen("X-Out"), [], "all conditions must hold")

    def test_conditions_are_negated_and_ignore_case(self):
        self.start(rule("a", 1, [condition("http_req_X-In", "^YES$", ignoreCase=True)], [header("X-A", "1")]),
                   rule("b", 2, [condition("http_req_X-In", "^YES$")], [header("X-B", "1")]),
                   rule("c", 3, [condition("http_req_X-In", "^YES$", negate=True)], [header("X-C", "1")]),
                   rule("d", 4, [condition("http_req_X-None", ".+", negate=True)], [header("X-D", "1")]))
        a = self.ask("/", ("x-in", "yes"))
        self.assertEqual([bool(a.seen("X-" + n)) for n in "ABCD"], [True, False, True, True])

    def test_rules_run_by_sequence_and_each_sees_what_those_before_made(self):
        self.start(rule("last", 300, request=[header("X-Order", "{http_req_X-Order} last")]), rule("first", 100, request=[header("X-Order", "first")]),
                   rule("middle", 200, [condition("http_req_X-Order", "^first$")], [header("X-Order", "{http_req_X-Order} middle")]))
        self.assertEqual(self.ask("/").seen("X-Order"), ["first middle last"])

    def test_no_value_can_smuggle_a_field_in(self):
        self.start(rule(request=[header("X-User", "{var_client_user}")]))
        import base64
        secret = base64.b64encode(b"al\r\nX-Evil: 1\r\n ice:pw").decode()
        a = self.ask("/", ("Authorization", "Basic " + secret))
        self.assertEqual((a.seen("X-User"), a.seen("X-Evil")), ([], []), "nobody is called that")

    def test_what_a_condition_tested_is_what_its_value_is(self):
        self.start(rule(conditions=[condition("http_req_X-Tenant", "^[a-z]+$")], url={"modifiedPath": "/t/{http_req_X-Tenant}{var_uri_path}"}))
        self.assertEqual(self.ask("/x", ("X-Tenant", "good")).path, "/t/good/x")
        for twice in ((("X-Tenant", "../../admin"), ("X-Tenant", "good")), (("X-Tenant", "good"), ("X-Tenant", "../../admin"))):
            self.assertEqual(self.ask("/x", *twice, explained=False).path, "/x")

    def test_http_req_is_what_the_client_sent_until_a_rule_changes_it(self):
        self.start(rule("a", 1, [condition("http_req_X-Forwarded-Proto", "^https$"), condition("http_req_X-Forwarded-For", r"^203\.0\.113\.7$")], [header("X-Cdn", "{http_req_X-Forwarded-For}")]),
                   rule("b", 2, request=[header("X-Forwarded-For", "made")]), rule("c", 3, [condition("http_req_X-Forwarded-For", "^made$")], [header("X-Then", "yes")]))
        a = self.ask("/", ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "203.0.113.7"))
        self.assertEqual((a.seen("X-Cdn"), a.seen("X-Then"), a.seen("X-Forwarded-Proto")), (["203.0.113.7"], ["yes"], ["http"]))

    def test_the_actions_of_one_rule_do_not_see_each_other(self):
        self.start(rule(request=[header("X-A", "{http_req_X-B}"), header("X-B", "{http_req_X-A}")], url={"modifiedPath": "/{http_req_X-A}{var_query_string}", "modifiedQueryString": "{var_uri_path}"}))
        a = self.ask("/p?q", ("X-A", "a"), ("X-B", "b"))
        self.assertEqual((a.seen("X-A"), a.seen("X-B"), a.path), (["b"], ["a"], "/aq?/p"))

    def test_what_is_set_or_removed_does_not_come_back_by_another_spelling_or_as_a_trailer(self):
        self.start(rule(request=[header("X-Real-IP", "{var_client_ip}"), header("X-Admin", "")], response=[header("X-Secret", "")]))
        a = self.ask("/", ("X_Real_IP", "6.6.6.6"), ("X.Admin", "1"), ("x_admin", "2"), ("X-Admin", "3"), ("X-Answer", "200|X-Secret: 1|X_Secret: 2"))
        self.assertEqual(([v for n, v in a.sent if "real" in n.lower()], [n for n, _ in a.sent if "admin" in n.lower()], [n for n, _ in a.fields if "secret" in n.lower()]), (["127.0.0.1"], [], []))
        seen = []

        def trailers(client, head):
            while not head.endswith(b"X-Fine: 1\r\n\r\n"):
                head += client.recv(65536)
            seen.append(head)
            client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Backend: b\r\nConnection: close\r\n\r\n2\r\nok\r\n0\r\nX-Secret: 1\r\nX-Fine: 1\r\n\r\n")
        with ScriptedBackend(trailers) as backend:
            self.config.pools["pool"] = [backend.address]
            self.gateway.write_local(self.config.local())
            self.gateway.reload()
            self.gateway.wait_all_up()
            with socket.create_connection(("127.0.0.1", self.gateway.port_of("listener")), PATIENCE) as client:
                client.sendall(b"POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nhi\r\n0\r\nX-Admin: 1\r\nX-Real-IP: 6.6.6.6\r\nX-Fine: 1\r\n\r\n")
                answer = receive_all(client)
        self.assertIn(b"X-Fine: 1", answer)
        self.assertNotIn(b"X-Secret", answer)
        self.assertIn(b"X-Fine: 1", seen[-1])
        self.assertNotIn(b"6.6.6.6", seen[-1])
        self.assertNotIn(b"X-Admin", seen[-1])

    def test_a_host_that_is_none_after_a_rewrite_is_a_400(self):
        self.start(rule(conditions=[condition("http_req_X-H", ".+")], request=[header("Host", "{http_req_X-H}")]))
        self.assertEqual(self.ask("/", ("X-H", "fine.example:8080")).seen("Host"), ["fine.example:8080"])
        for value in ("evil.test, x y", "a/b", "user@host", ":80"):
            self.assertEqual(self.ask("/", ("X-H", value), explained=False).status, 400, value)

    def test_a_long_url_a_client_may_send_can_be_rewritten(self):
        self.start(rule(url={"modifiedPath": "/p{var_uri_path}"}))
        self.assertEqual(self.ask("/" + "x" * 30000, explained=False).path, "/p/" + "x" * 30000)

    def test_a_value_beyond_its_limit_is_a_500_that_names_the_rule(self):
        self.start(*[rule(f"r{i}", i, request=[header("X-Long", "{http_req_X-Long}{http_req_X-Long}")]) for i in range(30)])
        self.assertEqual(self.ask("/", ("X-Long", "x" * 1000), explained=False).status, 500)
        self.gateway.process.wait_for(re.escape("500 on listener 'listener', rule 'rule': rewrite rule 'r5' of set 'set' makes a value of more than 40960 bytes"))
        self.assertEqual(self.ask("/").status, 200)

    # --- server variables ---

    def test_every_server_variable(self):
        names = {"X-Xff": "add_x_forwarded_for_proxy", "X-Ip": "client_ip", "X-Port": "client_port", "X-Rtt": "client_tcp_rtt", "X-User": "client_user", "X-Host": "host",
                 "X-Cookie": "cookie_b", "X-Method": "http_method", "X-Version": "http_version", "X-Query": "query_string", "X-Received": "received_bytes",
                 "X-Request-Query": "request_query", "X-Scheme": "request_scheme", "X-Uri": "request_uri", "X-Server-Port": "server_port", "X-Path": "uri_path",
                 "X-Ciphers": "ciphers_supported", "X-Cipher": "ciphers_used", "X-Protocol": "ssl_connection_protocol", "X-Tls": "ssl_enabled",
                 "X-Verified": "client_certificate_verification", "X-Subject": "client_certificate_subject"}
        headers = [header(n, "<{var_%s}>" % v) for n, v in names.items()]
        c = self.config
        self.start(rule(request=headers, response=[header("X-Status", "{var_http_status}"), header("X-Sent", "{var_sent_bytes}")]), listener=c.listener("listener", port=443, protocol="Https"))
        fields = [("Cookie", "a=1; b=2; c=3"), ("Authorization", "Basic YWxpY2U6cHc="), ("X-Forwarded-For", "1.2.3.4"), ("X-Answer", "404")]
        a = self.ask("/a%20b?x=1&y", *fields, host="gw.test:443", tls=True, explained=False)
        got = {n: a.seen(n)[0][1:-1] for n in names}
        expected = {"X-Xff": "1.2.3.4, 127.0.0.1", "X-Ip": "127.0.0.1", "X-Port": str(self.client_port), "X-User": "alice", "X-Host": "gw.test", "X-Cookie": "2", "X-Method": "GET",
                    "X-Version": "HTTP/1.1", "X-Query": "x=1&y", "X-Request-Query": "x=1&y", "X-Scheme": "https", "X-Uri": "/a%20b?x=1&y", "X-Server-Port": "443",
                    "X-Path": "/a%20b", "X-Protocol": "TLSv1.3", "X-Tls": "On", "X-Verified": "NONE", "X-Subject": ""}
        self.assertEqual({n: got[n] for n in expected}, expected)
        self.assertGreater(int(got["X-Rtt"]), 0)
        self.assertGreater(int(got["X-Received"]), 100)
        self.assertIn(got["X-Cipher"], got["X-Ciphers"].split(":"))
        self.assertEqual((a.status, a.got("X-Status"), a.got("X-Sent")), (404, ["404"], ["0"]))

    def test_server_variables_in_clear(self):
        self.start(rule(request=[header("X-Tls", "<{var_ssl_enabled}{var_ciphers_used}{var_ssl_connection_protocol}{var_request_scheme}>")]))
        self.assertEqual(self.ask("/").seen("X-Tls"), ["<http>"])

    # --- the URL ---

    def test_path_and_query_are_rewritten_and_the_clients_url_is_kept_aside(self):
        self.start(rule(conditions=[condition("var_uri_path", "^/article/([0-9]+)/(.*)$")],
                        url={"modifiedPath": "/article.aspx", "modifiedQueryString": "id={var_uri_path_1}&title={var_uri_path_2}&{var_query_string}"}))
        a = self.ask("/article/123/fabrikam?x=1")
        self.assertEqual((a.path, a.seen("X-Original-URL")), ("/article.aspx?id=123&title=fabrikam&x=1", ["/article/123/fabrikam?x=1"]))
        record = self.gateway.wait_record(lambda r: r["properties"]["originalRequestUriWithArgs"].startswith("/article"), "a record")
        self.assertEqual((record["properties"]["requestUri"], record["properties"]["requestQuery"]), ("/article.aspx", "id=123&title=fabrikam&x=1"))
        self.assertEqual(self.ask("/other?x=1").path, "/other?x=1")

    def test_a_missing_query_configuration_leaves_it_and_an_empty_one_drops_it(self):
        self.start(rule("keep", 1, [condition("var_uri_path", "^/keep")], url={"modifiedPath": "/kept"}), rule("drop", 2, [condition("var_uri_path", "^/drop")], url={"modifiedQueryString": ""}))
        self.assertEqual([self.ask(p).path for p in ("/keep?a=1", "/drop?a=1", "/drop")], ["/kept?a=1", "/drop", "/drop"])

    def test_what_a_url_may_not_hold_is_encoded(self):
        self.start(rule(conditions=[condition("http_req_X-In", "(.*)")], url={"modifiedPath": "no-slash/{http_req_X-In_1}", "modifiedQueryString": "?q={http_req_X-In_1}"}))
        self.assertEqual(self.ask("/", ("X-In", 'a b?#"<é'), explained=False).path, "/no-slash/a%20b%3F%23%22%3C%E9?q=a%20b?%23%22%3C%E9")

    def test_reroute_asks_the_path_map_again(self):
        c = self.config
        other = MirrorBackend("other")
        self.addCleanup(other.__exit__)
        to_other = {"backendAddressPool": c.pool("other", other.address), "backendHttpSettings": c.settings()}
        again = self.rules(rule(conditions=[condition("var_uri_path", "^/old/(.*)$")], url={"modifiedPath": "/new/{var_uri_path_1}", "reroute": True}), name="again")
        stay = self.rules(rule(conditions=[condition("var_uri_path", "^/stay/(.*)$")], url={"modifiedPath": "/new/{var_uri_path_1}"}), name="stay")
        mark = self.rules(rule(request=[header("X-Marked", "1")], response=[header("X-Answered", "1")]), name="mark")
        default = {"backendAddressPool": self.pool, "backendHttpSettings": c.settings()}
        c.rule("rule", c.listener("listener"), urlPathMap=c.path_map("map", default, old=(["/old/*"], dict(default, rewriteRuleSet=again)), stay=(["/stay/*"], dict(default, rewriteRuleSet=stay)),
                                                                     new=(["/new/*"], dict(to_other, rewriteRuleSet=mark))))
        self.run_gateway()
        a = self.ask("/old/x?y=1")
        self.assertEqual((a.path, a.got("X-Backend"), a.seen("X-Marked"), a.got("X-Answered")), ("/new/x?y=1", ["other"], ["1"], ["1"]))
        a = self.ask("/stay/x")
        self.assertEqual((a.path, a.got("X-Backend")), ("/new/x", []))

    def test_a_reroute_loop_that_only_traffic_shows_is_a_500_that_names_its_set(self):
        c = self.config
        default = {"backendAddressPool": self.pool, "backendHttpSettings": c.settings()}
        ping = self.rules(rule(conditions=[condition("http_req_X-Loop", "1")], url={"modifiedPath": "/pong{var_uri_path}", "reroute": True}), name="ping")
        pong = self.rules(rule(conditions=[condition("http_req_X-Loop", "1")], url={"modifiedPath": "/ping", "reroute": True}), name="pong")
        c.rule("rule", c.listener("listener"), urlPathMap=c.path_map("map", default, ping=(["/ping*"], dict(default, rewriteRuleSet=ping)), pong=(["/pong*"], dict(default, rewriteRuleSet=pong))))
        self.run_gateway()
        self.assertEqual(self.ask("/ping", ("X-Loop", "1"), explained=False).status, 500)
        self.gateway.process.wait_for(re.escape("500 on listener 'listener', rule 'rule': the rewrite set 'ping' reroutes without end: more than 10 times"))
        self.assertEqual(self.ask("/ping").path, "/ping")

    # --- responses ---

    def test_response_fields_are_set_added_and_removed_on_errors_too(self):
        self.start(rule(response=[header("Server", ""), header("Strict-Transport-Security", "max-age=31536000"), header("X-Was", "{http_resp_X-Was}!"), header("X-From", "{http_req_X-In}")]))
        for status in ("200", "404", "500"):
            a = self.ask("/", ("X-Answer", f"{status}|Server: secret|X-Was: it"), ("X-In", "client"))
            self.assertEqual((a.status, a.got("Server"), a.got("Strict-Transport-Security"), a.got("X-Was"), a.got("X-From")), (int(status), [], ["max-age=31536000"], ["it!"], ["client"]))

    def test_a_location_is_rewritten_by_what_a_condition_on_it_captured(self):
        self.start(rule(conditions=[condition("http_resp_Location", r"(https?)://.*azurewebsites\.net(.*)$", ignoreCase=True)], response=[header("Location", "{http_resp_Location_1}://contoso.com{http_resp_Location_2}")]))
        self.assertEqual(self.ask("/", ("X-Answer", "302|Location: https://app.azurewebsites.net/path1")).got("Location"), ["https://contoso.com/path1"])
        self.assertEqual(self.ask("/", ("X-Answer", "302|Location: https://elsewhere/path1")).got("Location"), ["https://elsewhere/path1"])

    def test_a_matcher_picks_one_of_several_fields(self):
        self.start(rule("one", 1, response=[header("Set-Cookie", "a=1; Secure", headerValueMatcher={"pattern": "^A=", "ignoreCase": True})]),
                   rule("gone", 2, response=[header("Set-Cookie", "", headerValueMatcher={"pattern": "^drop="})]),
                   rule("others", 3, response=[header("X-Mark", "other", headerValueMatcher={"pattern": "^keep$", "negate": True})]))
        a = self.ask("/", ("X-Answer", "200|Set-Cookie: a=1|Set-Cookie: b=2|Set-Cookie: drop=3|X-Mark: keep|X-Mark: change"))
        self.assertEqual((a.got("Set-Cookie"), a.got("X-Mark")), (["a=1; Secure", "b=2"], ["keep", "other"]))

    def test_a_condition_fits_any_of_several_fields_and_the_status(self):
        self.start(rule("any", 1, [condition("http_resp_Set-Cookie", "^b=(.*)")], response=[header("X-B", "{http_resp_Set-Cookie_1}")]),
                   rule("status", 2, [condition("var_http_status", "^5")], response=[header("X-Failed", "yes")]))
        a = self.ask("/", ("X-Answer", "503|Set-Cookie: a=1|Set-Cookie: b=2"))
        self.assertEqual((a.got("X-B"), a.got("X-Failed")), (["2"], ["yes"]))
        self.assertEqual(self.ask("/").got("X-Failed"), [])

    def test_conditions_on_request_and_response_are_each_told_in_their_time(self):
        self.start(rule("one", 1, [condition("var_uri_path", "^/(asked)$"), condition("var_http_status", "^200$")], response=[header("X-B", "{var_uri_path_1}")]), rule("two", 2, url={"modifiedPath": "/other"}))
        self.assertEqual(self.ask("/asked").got("X-B"), ["asked"])
        self.assertEqual(self.ask("/asked", ("X-Answer", "404")).got("X-B"), [])
        self.assertEqual(self.ask("/else").got("X-B"), [])

    def test_early_hints_do_not_bring_what_a_rewrite_removes(self):
        def hints(client, head):
            client.sendall(b"HTTP/1.1 103 Early Hints\r\nServer: secret\r\n\r\nHTTP/1.1 200 OK\r\nServer: secret\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        backend = ScriptedBackend(hints)
        self.addCleanup(backend.__exit__)
        self.config.pools["pool"] = [backend.address]
        self.start(rule(response=[header("Server", "")]))
        with socket.create_connection(("127.0.0.1", self.gateway.port_of("listener")), PATIENCE) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n")
            answer = receive_all(client)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer)
        self.assertNotIn(b"secret", answer)

    def test_a_response_value_beyond_its_limit_is_a_500_and_the_member_is_not_blamed(self):
        self.start(*[rule(f"r{i}", i, response=[header("X-Long", "{http_resp_X-Long}{http_resp_X-Long}")]) for i in range(10)])
        self.assertEqual(self.ask("/", ("X-Answer", "200|X-Long: " + "x" * 1000), explained=False).status, 500)
        self.gateway.process.wait_for("500 on listener 'listener', rule 'rule': rewrite rule 'r5' makes a value of more than 40960 bytes")
        record = self.gateway.wait_record(lambda r: r["properties"]["httpStatus"] == 500, "the record")
        self.assertEqual(record["properties"]["serverStatus"], "200")

    def test_what_a_request_condition_captured_is_there_for_the_response(self):
        self.start(rule(conditions=[condition("var_uri_path", "^/(.*)$")], response=[header("X-Path", "{var_uri_path_1}")], url={"modifiedPath": "/other"}))
        a = self.ask("/asked")
        self.assertEqual((a.path, a.got("X-Path")), ("/other", ["asked"]))

    def test_the_gateways_own_answers_are_not_rewritten(self):
        self.start(rule(response=[header("X-Rewritten", "1")]))
        a = self.ask("/", method="TRACE", explained=False)
        self.assertEqual((a.status, a.got("X-Rewritten")), (405, []))

    def test_a_tunnels_handshake_is_rewritten_both_ways_and_its_frames_are_not(self):
        self.start(rule(request=[header("X-Forwarded-For", "{var_client_ip}")], response=[header("X-Opened", "{http_req_X-Forwarded-For}")], url={"modifiedPath": "/inner{var_uri_path}"}))
        with socket.create_connection(("127.0.0.1", self.gateway.port_of("listener")), PATIENCE) as client:
            tunnel = WebSocket(client, "/chat", host="gw.test")
            self.assertIn(b"\r\nX-Opened: 127.0.0.1", tunnel.head)
            tunnel.echo(b"X-Opened: frames pass as they are")

    # --- the settings' path ---

    def test_the_path_override_table(self):
        c = self.config
        to = {"backendAddressPool": self.pool, "backendHttpSettings": c.settings(path="/override/")}
        plain = {"backendAddressPool": self.pool, "backendHttpSettings": c.settings("plain", path="/override")}
        c.rule("basic", c.listener("listener", hostName="basic.test"), priority=1, **to)
        c.rule("star", c.listener("star", hostName="star.test"), priority=2, urlPathMap=c.path_map("star", to, one=(["/pathrule*"], to)))
        c.rule("home", c.listener("home", hostName="home.test"), priority=3, urlPathMap=c.path_map("home", to, one=(["/pathrule/home*"], to), two=(["/pathrule/"], to)))
        c.rule("plain", c.listener("plain", hostName="plain.test"), priority=4, urlPathMap=c.path_map("plain", plain, one=(["/pathrule/*"], plain), two=(["/exact"], plain)))
        self.run_gateway()
        for host, path, expected in (("basic.test", "/home/", "/override/home/"), ("basic.test", "/home/secondhome/", "/override/home/secondhome/"), ("basic.test", "/", "/override/"),
                                     ("star.test", "/pathrule/home/", "/override/home/"), ("star.test", "/pathrule/home/secondhome/", "/override/home/secondhome/"),
                                     ("star.test", "/home/", "/override/home/"), ("star.test", "/home/secondhome/", "/override/home/secondhome/"),
                                     ("home.test", "/pathrule/home/", "/override/"), ("home.test", "/pathrule/home/secondhome/", "/override/secondhome/"), ("home.test", "/pathrule/", "/override/"),
                                     ("home.test", "/PathRule/%68ome/x%20y?q=1&r", "/override/x%20y?q=1&r"), ("home.test", "/pathrule/home/?", "/override/?"),
                                     ("plain.test", "/pathrule/x", "/override/x"), ("plain.test", "/pathrule/", "/override/"), ("plain.test", "/exact", "/override"), ("plain.test", "/x", "/override/x")):
            a = self.ask(path, host=host)
            self.assertEqual((a.path, a.seen("X-Original-URL")), (expected, [path]), (host, path))

    def test_a_rewritten_path_is_what_the_override_is_applied_to(self):
        self.start(rule(url={"modifiedPath": "/rewritten{var_uri_path}"}), path="/override/")
        self.assertEqual(self.ask("/x?y").path, "/override/rewritten/x?y")


if __name__ == "__main__":
    unittest.main()

"""`explain` says what live traffic does: random requests over random configurations, and the verb's own manners."""
import json
import os
import random
import re
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config, forward
from harness import BINARY, PATIENCE, Gateway, MirrorBackend, receive_all, scaled

HOSTS = ["www.contoso.com", "api.contoso.com", "a.b.contoso.com", "contoso.com", "shop1.fabrikam.com", "fabrikam.com", "WWW.Contoso.COM", "other.example"]
PATTERNS = [["www.contoso.com"], ["*.contoso.com"], ["contoso.com", "fabrikam.com"], ["shop?.fabrikam.*"], ["*"], ["api.*", "*.b.contoso.com"]]
PATHS = ["/", "/images", "/images/", "/images/a.png", "/IMAGES/x", "/imagesx", "/%69mages/y", "/video/a%2Fb", "/video", "/x?a=1&b=%20", "/images/?q", "//", "/a;b=c/d"]
PATH_RULES = [["/images/*"], ["/images*"], ["/images"], ["/video/*", "/video"], ["/"], ["/*"], ["/a;b=c/*"]]


def random_rewrites(rng, c):
    def value():
        return "".join(rng.choice(["a", "-", "{var_uri_path}", "{var_host}", "{http_req_Accept}", "{var_query_string}", "{var_cookie_a}", "{var_http_method}"]) for _ in range(rng.randint(0, 3)))

    def rule(n):
        conditions, values = [], [value(), value()]
        if rng.random() < 0.6:
            variable, pattern = rng.choice([("var_uri_path", "^/(images|x)(.*)$"), ("http_req_Accept", "(.*)/(.*)"), ("var_host", "^(www|api)[.](.*)$"), ("http_req_X-Made", "a(.?)()")])
            conditions.append({"variable": variable, "pattern": pattern, "ignoreCase": rng.random() < 0.5, "negate": rng.random() < 0.2})
            values += ["{%s_1}" % variable, "x{%s_2}" % variable]
        fields = [{"headerName": name, "headerValue": rng.choice(values)} for name in rng.sample(["X-Made", "Accept", "X-Forwarded-For", "X-Original-Host", "Cookie"], rng.randint(0, 3))]
        actions = {"requestHeaderConfigurations": fields, "responseHeaderConfigurations": []}
        if rng.random() < 0.2:
            fields.append({"headerName": "Host", "headerValue": rng.choice(["h.example", "{var_host}"])})
        if rng.random() < 0.4:
            actions["urlConfiguration"] = {"modifiedPath": "/" + rng.choice(values), "reroute": rng.random() < 0.5}
            if rng.random() < 0.5:
                actions["urlConfiguration"]["modifiedQueryString"] = rng.choice(values)
        return {"name": f"r{n}", "ruleSequence": n, "conditions": conditions, "actionSet": actions}
    name = f"set{len(c.properties.setdefault('rewriteRuleSets', []))}"
    return c.add("rewriteRuleSets", name, rewriteRules=[rule(n) for n in range(rng.randint(1, 3))])


def random_config(rng, backends):
    c = Config()
    pools = [c.pool(b.name, b.address) for b in backends]
    hosts = rng.sample(PATTERNS, rng.randint(1, 4))
    listeners = [c.listener(f"listener{i}", hostNames=names) for i, names in enumerate(hosts)]
    if rng.random() < 0.6:
        listeners.append(c.listener("basic"))
    if rng.random() < 0.3:
        listeners.append(c.listener("elsewhere", 81))
    single = [c.listener("target", 82)]
    c.rule("target", single[0], priority=20000, **forward(c, pools[0]))

    def destination():
        if rng.random() < 0.25:
            target = {"targetListener": single[0]} if rng.random() < 0.5 else {"targetUrl": rng.choice(["https://away.example", "https://away.example/own?x=1"])}
            name = f"redirect{len(c.properties['redirectConfigurations'])}"
            return {"redirectConfiguration": c.add("redirectConfigurations", name, redirectType=rng.choice(["Permanent", "Found", "SeeOther", "Temporary"]),
                                                   includePath=rng.random() < 0.5, includeQueryString=rng.random() < 0.5, **target)}
        settings = [c.settings(), c.settings("named", hostName="inside.example"), c.settings("picked", pickHostNameFromBackendAddress=True), c.settings("path", path="/inner/"), c.settings("bare", path="/bare")]
        to = {"backendAddressPool": rng.choice(pools), "backendHttpSettings": rng.choice(settings)}
        if rng.random() < 0.4:
            to["rewriteRuleSet"] = random_rewrites(rng, c)
        return to
    for i, listener in enumerate(rng.sample(listeners, len(listeners))):
        priority = {"priority": rng.randint(1, 500) * 20 + i}
        if rng.random() < 0.5:
            rules = {f"path{n}": (paths, destination()) for n, paths in enumerate(rng.sample(PATH_RULES, rng.randint(1, 4)))}
            c.rule(f"rule{i}", listener, urlPathMap=c.path_map(f"map{i}", destination(), **rules), **priority)
        else:
            c.rule(f"rule{i}", listener, **destination(), **priority)
    return c


def random_request(rng):
    fields = rng.sample([("X-Forwarded-For", "10.1.2.3"), ("Connection", "keep-alive, x-hop"), ("X-Hop", "1"), ("Accept", "*/*"), ("Cookie", "a=b"), ("Content-Length", "0"), ("Te", "trailers")], rng.randint(0, 3))
    return {"method": rng.choice(["GET", "GET", "POST", "OPTIONS", "PUT", "TRACE"]), "host": rng.choice(HOSTS), "path": rng.choice(PATHS), "fields": fields}


def ask(gateway, asked):
    with socket.create_connection(("127.0.0.1", gateway.port_of("target" if asked.get("port") == 82 else gateway.first)), PATIENCE) as client:
        lines = [f"{asked['method']} {asked['path']} HTTP/1.1", f"Host: {asked['host']}", *(f"{n}: {v}" for n, v in asked["fields"]), "", ""]
        client.sendall("\r\n".join(lines).encode())
        client.shutdown(socket.SHUT_WR)
        head, _, body = receive_all(client).partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    return int(lines[0].split()[1]), {n.lower(): v for n, v in (line.split(": ", 1) for line in lines[1:])}, body.decode("latin-1")


def explain(gateway, asked, *more):
    arguments = [BINARY, "explain", str(gateway.template_path), f"http://{asked['host']}{asked['path']}", "-X", asked["method"], "--format", "json", *more]
    for name, value in asked["fields"]:
        arguments += ["-H", f"{name}: {value}"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE)
    return json.loads(done.stdout)


def merged(lines):
    """Fields of one name are one list; what differs from request to request is put out of the way."""
    out = {}
    for line in lines:
        name, value = line.split(": ", 1)
        out[name] = out[name] + ", " + value if name in out else value
    out["X-AppGW-Trace-Id"] = "?"
    # The client's port differs; a rewrite may have taken the field away.
    out["X-Forwarded-For"] = re.sub(r":\d+$", "", out.get("X-Forwarded-For", ""))
    return out


class Explain(unittest.TestCase):
    def agree(self, gateway, asked):
        said = explain(gateway, asked)
        status, fields, body = ask(gateway, asked)
        where = f"{asked}\n{json.dumps(said)}\n{status} {fields}\n{gateway.template_path.read_text()}"
        if said["action"] == "forward":
            self.assertEqual((status, fields["x-backend"]), (200, said["pool"]), where)
            first, *lines = body.rstrip("\r\n").split("\r\n")
            self.assertEqual(first, f"{said['request']['method']} {said['request']['path']} HTTP/1.1", where)
            expected = merged(f"{n}: {v}" for n, v in said["request"]["headers"].items())
            self.assertEqual(merged(lines), expected, where)
            self.assertEqual(said["request"]["host"], expected["Host"])
        else:
            self.assertEqual(status, said["status"], where)
            self.assertEqual(fields.get("location"), said["location"], where)

    def test_explain_and_live_traffic_agree(self):
        seed = int(os.environ.get("PASSERELLE_SEED", random.SystemRandom().randrange(10**9)))
        print("seed", seed)
        rng = random.Random(seed)
        backends = [MirrorBackend(n) for n in ("pool0", "pool1", "pool2")]
        for backend in backends:
            self.addCleanup(backend.__exit__)
        for _ in range(scaled(40, 2)):
            config = random_config(rng, backends)
            with Gateway.of(config) as gateway:
                # The port of the redirects' target is any free one: tell it to explain too.
                gateway.first = next(l["name"] for l in config.properties["httpListeners"])
                local = dict(config.local(), frontendPorts={"82": gateway.port_of("target")})
                gateway.write_local(local)
                for _ in range(250):
                    self.agree(gateway, random_request(rng))

    def test_what_is_passed_over_is_said_and_expectations_are_checked(self):
        backend = MirrorBackend("one")
        self.addCleanup(backend.__exit__)
        c = Config()
        one = c.pool("one", backend.address)
        c.rule("exact", c.listener("exact", hostName="www.contoso.com"), priority=1, **forward(c, one))
        c.rule("basic", c.listener("basic"), priority=2, urlPathMap=c.path_map("paths", forward(c, one), images=(["/images/*"], forward(c, one))))
        with Gateway.of(c) as gateway:
            said = explain(gateway, {"method": "GET", "host": "other.example", "path": "/x", "fields": []})
            self.assertEqual([(p["listener"], p["reason"]) for p in said["considered"]],
                             [("exact", "the host other.example is none of www.contoso.com"), ("basic", "the path /x is none of /images/*")])
            self.assertEqual((said["listener"], said["rule"], said["pathRule"], said["pool"], said["backendSettings"]), ("basic", "basic", None, "one", "settings"))
            self.assertEqual(said["members"], [{"address": "127.0.0.1", "port": int(backend.address.split(":")[1]), "health": "Unknown"}])

            def expect(*more):
                return subprocess.run([BINARY, "explain", str(gateway.template_path), "ws://www.contoso.com/chat", *more], capture_output=True, text=True)
            self.assertEqual(expect("--expect", "listener=exact", "--expect", "header.Upgrade=websocket").returncode, 0)
            wrong = expect("--expect", "pool=two")
            self.assertEqual((wrong.returncode, wrong.stderr), (1, "passerelle: expected pool two, found one\n"))
            self.assertEqual(expect("--expect", "colour=red").returncode, 2)
            self.assertIn("nobody listens on https port 443", subprocess.run([BINARY, "explain", str(gateway.template_path), "https://x/"], capture_output=True, text=True).stdout)
            self.assertEqual(subprocess.run([BINARY, "explain", str(gateway.template_path), "nonsense"], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()

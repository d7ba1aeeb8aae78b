"""Custom error pages: by file and by URL, of the gateway and of a listener, and only for what the gateway itself answers."""
import os
import pathlib
import socket
import ssl
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from config import Config, forward
from harness import PATIENCE, Gateway, MirrorBackend, ScriptedBackend, receive_all, wait_until


class ErrorPages(unittest.TestCase):
    def setUp(self):
        self.config = Config()
        self.pages = {"/502.html": b"<p>fetched 502</p>", "/404.htm": b"<p>fetched 404</p>"}
        self.asked = []
        self.site = ScriptedBackend(self.answer_page)
        self.addCleanup(self.site.__exit__)

    def answer_page(self, client, head):
        path = head.decode().split(" ")[1]
        self.asked.append(path)
        body = self.pages.get(path)
        status = "200 OK" if body is not None else "404 Not Found"
        client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body or b'')}\r\nConnection: close\r\n\r\n".encode() + (body or b""))

    def page(self, status, path="/none.html"):
        return {"statusCode": f"HttpStatus{status}", "customErrorPageUrl": f"http://{self.site.address}{path}"}

    def start(self, files=None):
        """Two listeners: `listener` with a pool that is empty, for gw.test; nobody for other hosts."""
        c = self.config
        c.rule("rule", c.listener("listener", hostName="gw.test", customErrorConfigurations=self.listener_pages), priority=1, **forward(c, c.pool("empty")))
        described = dict(c.local(), customErrorPages={f"HttpStatus{s}": name for s, name in (files or {}).items()})
        gateway = Gateway(template=c.template(), local=described, healthy=False)
        self.addCleanup(gateway.stop)
        self.gateway = gateway
        return gateway

    listener_pages = ()

    def ask(self, host="gw.test", method="GET"):
        with socket.create_connection(("127.0.0.1", self.gateway.port_of("listener")), PATIENCE) as client:
            client.sendall(f"{method} / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            head, _, body = receive_all(client).partition(b"\r\n\r\n")
        return int(head.split()[1]), body, head.decode()

    def test_a_file_of_the_local_file_stands_in_for_the_url_and_is_read_again_at_a_reload(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="passerelle-"))
        path = folder / "502.html"
        path.write_bytes(b"<p>from a file</p>")
        self.config.properties["customErrorConfigurations"] = [self.page(502)]
        self.start({502: str(path)})
        status, body, head = self.ask()
        self.assertEqual((status, body), (502, b"<p>from a file</p>"))
        self.assertIn("HTTP/1.1 502 Bad Gateway\r\nServer: Passerelle\r\n", head)
        self.assertIn("Content-Type: text/html\r\nContent-Length: 18\r\n", head)
        self.assertEqual(self.ask(method="HEAD")[1], b"")
        path.write_bytes(b"<p>another</p>")
        self.gateway.reload()
        self.assertEqual(self.ask()[:2], (502, b"<p>another</p>"))
        self.assertEqual(self.asked, [], "the URL is not asked")
        path.unlink()
        folder.rmdir()

    def test_a_url_is_fetched_once_for_each_configuration_and_a_page_that_is_gone_stays(self):
        self.config.properties["customErrorConfigurations"] = [self.page(502, "/502.html"), self.page(404, "/none.html")]
        self.start()
        wait_until(lambda: self.ask()[1] == b"<p>fetched 502</p>", "the page is there")
        self.gateway.process.wait_for(r"the error page http://127.0.0.1:\d+/none.html cannot be fetched: the answer is a 404; the gateway's own page is sent")
        self.assertIn(b"<h1>404 Not Found</h1>", self.ask("nobody.test")[1])
        self.assertEqual(sorted(self.asked), ["/502.html", "/none.html"])
        self.pages["/502.html"] = b"<p>new</p>"
        self.gateway.reload()
        wait_until(lambda: self.ask()[1] == b"<p>new</p>", "the new page is there")
        del self.pages["/502.html"]
        self.gateway.reload()
        self.gateway.process.wait_for(r"/502.html cannot be fetched: the answer is a 404; the one fetched before is sent")
        self.assertEqual(self.ask()[1], b"<p>new</p>")
        self.assertEqual(self.gateway.health()["configurationVersion"], 3, "pages are no version of their own")

    def test_a_listeners_page_comes_before_the_gateways_and_errors_without_a_listener_have_the_gateways(self):
        self.pages["/own.html"] = b"<p>the listener's</p>"
        self.listener_pages = [self.page(502, "/own.html")]
        self.config.properties["customErrorConfigurations"] = [self.page(502, "/502.html"), self.page(404, "/404.htm")]
        self.start()
        wait_until(lambda: self.ask()[1] == b"<p>the listener's</p>" and self.ask("nobody.test")[1] == b"<p>fetched 404</p>", "the pages are there")
        self.assertEqual(self.ask("nobody.test")[0], 404)
        self.assertIn(b"<h1>405 Method Not Allowed</h1>", self.ask(method="TRACE")[1], "no page for that")

    def test_a_page_that_hangs_holds_no_other_up_and_what_opens_it_is_not_logged(self):
        self.config.properties["customErrorConfigurations"] = [self.page(404, "/hang.html?sig=SECRET"), self.page(502, "/502.html")]
        answer, let = self.site.script, threading.Event()
        self.addCleanup(let.set)
        self.site.script = lambda client, head: let.wait(PATIENCE) if b"/hang" in head else answer(client, head)
        self.start()
        wait_until(lambda: self.ask()[1] == b"<p>fetched 502</p>", "the other page is there")
        let.set()
        self.gateway.process.wait_for(r"the error page http://127.0.0.1:\d+/hang.html cannot be fetched")
        self.assertNotIn("SECRET", self.gateway.process.text)

    def test_errors_before_a_request_have_the_gateways_page_and_a_page_changes_no_certificate(self):
        self.pages["/400.html"] = b"<p>fetched 400</p>"
        self.config.properties["customErrorConfigurations"] = [self.page(400, "/400.html")]
        c = self.config
        answer, let = self.site.script, threading.Event()
        self.addCleanup(let.set)
        self.site.script = lambda client, head: (let.wait(PATIENCE), answer(client, head))
        c.rule("rule", c.listener("listener", port=443, protocol="Https"), **forward(c, c.pool("empty")))
        self.gateway = Gateway(template=c.template(), local=c.local(), healthy=False)
        self.addCleanup(self.gateway.stop)
        address = ("127.0.0.1", self.gateway.port_of("listener"))
        before = ssl.get_server_certificate(address)
        let.set()
        wait_until(lambda: self.ask()[1] == b"<p>fetched 400</p>", "the page for plain HTTP on a TLS port")
        self.assertEqual(ssl.get_server_certificate(address), before)

    def test_a_members_own_error_passes(self):
        def broken(client, head):
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine")
        backend = ScriptedBackend(broken)
        self.addCleanup(backend.__exit__)
        self.config.properties["customErrorConfigurations"] = [self.page(502, "/502.html")]
        c = self.config
        c.rule("rule", c.listener("listener"), **forward(c, c.pool("pool", backend.address)))
        self.gateway = Gateway.of(c)
        self.addCleanup(self.gateway.stop)
        self.assertEqual(self.ask()[:2], (502, b"mine"))

    def test_https_pages_are_verified(self):
        backend = MirrorBackend("inner")
        self.addCleanup(backend.__exit__)
        c = Config()
        c.rule("rule", c.listener("listener", port=443, protocol="Https"), **forward(c, c.pool("pool", backend.address)))
        with Gateway.of(c) as other:
            self.config.properties["customErrorConfigurations"] = [{"statusCode": "HttpStatus502", "customErrorPageUrl": f"https://127.0.0.1:{other.port_of('listener')}/page.html"}]
            self.start()
            self.gateway.process.wait_for(r"page.html cannot be fetched: TLS: .*; the gateway's own page is sent")
            self.assertIn(b"<h1>502 Bad Gateway</h1>", self.ask()[1])


if __name__ == "__main__":
    unittest.main()

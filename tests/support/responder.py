"""An OCSP responder on a free port: HTTP here, the answers by the openssl command."""
import http.server
import threading

from certificates import openssl


class Responder:
    """Speaks for `issuer` of a Certificates folder. `status` by serial number: "V" good, "R" revoked; others it does not know."""

    def __init__(self, made, issuer):
        self.made, self.issuer, self.status, self.asked, self.broken = made, issuer, {}, 0, False
        self.signer = issuer
        responder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = responder.answer(body) if self.headers["Content-Type"] == "application/ocsp-request" else b""
                self.send_response(500 if responder.broken else 200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/ocsp"

    def say(self, name, status):
        serial = openssl("x509", "-noout", "-serial", "-in", self.made.path(f"{name}.pem")).decode().strip().partition("=")[2]
        self.status[serial] = status

    def answer(self, request):
        self.asked += 1
        for name, content in (("request.der", request), ("ocsp.index.attr", b"unique_subject = no\n"), ("ocsp.index", "".join(
                f"{status}\t400101000000Z\t{'250101000000Z' if status == 'R' else ''}\t{serial}\tunknown\t/CN=x\n" for serial, status in self.status.items()).encode())):
            self.made.path(name).write_bytes(content)
        openssl("ocsp", "-index", self.made.path("ocsp.index"), "-CA", self.made.path(f"{self.issuer}.pem"), "-rsigner", self.made.path(f"{self.signer}.pem"),
                "-rkey", self.made.path(f"{self.signer}.key"), "-ndays", "1", "-reqin", self.made.path("request.der"), "-respout", self.made.path("answer.der"))
        return self.made.path("answer.der").read_bytes()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

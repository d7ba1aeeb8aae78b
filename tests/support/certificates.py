"""Authorities and certificates for tests, made by the openssl command."""
import base64
import pathlib
import shutil
import subprocess
import tempfile


def openssl(*arguments, **more):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **more).stdout


class Certificates:
    """A folder with a root, an intermediate, and what they sign. Each name is NAME.pem and NAME.key in it."""

    def __init__(self, test):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="passerelle-"))
        test.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority("root")
        self.authority("intermediate", issuer="root")

    def path(self, name):
        return self.folder / name

    def pem(self, *names):
        return "".join(self.path(f"{name}.pem").read_text() for name in names)

    def join(self, to, *names):
        """A chain file of these, and its path."""
        self.path(to).write_text(self.pem(*names))
        return str(self.path(to))

    def base64(self, *names):
        return base64.b64encode(self.pem(*names).encode()).decode()

    def authority(self, name, issuer=None):
        self._make(name, f"/O=Passerelle tests/CN={name}", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n", issuer, 300, "ec")

    def leaf(self, name, hosts=("localhost",), issuer="intermediate", days=300, kind="ec", extensions="", subject=None):
        names = ",".join(("IP:" if h.replace(".", "").isdigit() else "DNS:") + h for h in hosts)
        more = (f"subjectAltName={names}\n" if hosts else "") + extensions
        self._make(name, subject or f"/CN={name}", "basicConstraints=CA:FALSE\n" + more, issuer, days, kind)
        return self

    def pfx(self, name, password="", chain=(), *more):
        """The path of NAME.pfx with its key and chain."""
        out = self.path(f"{name}.pfx")
        extra = ["-certfile", self.join(f"{name}.chain", *chain)] if chain else []
        openssl("pkcs12", "-export", "-inkey", self.path(f"{name}.key"), "-in", self.path(f"{name}.pem"), *extra, "-passout", f"pass:{password}", "-out", out, *more)
        return out

    def _make(self, name, subject, extensions, issuer, days, kind):
        key, request, config = self.path(f"{name}.key"), self.path(f"{name}.csr"), self.path(f"{name}.cnf")
        if kind == "weak":
            algorithm = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]
        else:
            algorithm = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        openssl("genpkey", *algorithm, "-out", key)
        openssl("req", "-new", "-key", key, "-subj", subject, "-out", request)
        config.write_text(extensions)
        signer = ["-CA", self.path(f"{issuer}.pem"), "-CAkey", self.path(f"{issuer}.key"), "-CAcreateserial"] if issuer else ["-key", key]
        if days < 0:
            return self._sign_in_the_past(name, request, config, issuer)
        openssl("x509", "-req", "-in", request, *signer, "-days", days, "-extfile", config, "-out", self.path(f"{name}.pem"))

    def _sign_in_the_past(self, name, request, config, issuer):
        """It began and ended in 2020: only `openssl ca` knows how."""
        settings = self.path("ca.cnf")
        settings.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.folder}/index\nnew_certs_dir={self.folder}\nserial={self.folder}/serial\nunique_subject=no\n"
                            "default_md=sha256\npolicy=p\n[p]\ncommonName=optional\norganizationName=optional\n")
        self.path("index").write_text("")
        self.path("serial").write_text("77\n")
        openssl("ca", "-batch", "-config", settings, "-in", request, "-cert", self.path(f"{issuer}.pem"), "-keyfile", self.path(f"{issuer}.key"),
                "-startdate", "200101000000Z", "-enddate", "200201000000Z", "-extfile", config, "-notext", "-out", self.path(f"{name}.pem"))

"""Certificates made with the openssl command, and key stores for Java; nothing of it is kept."""

import functools
import ssl
import subprocess

PASSWORD = "changeit"


def run(*command, folder):
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


class Certificates:
    """An authority in `folder`, and what it signs there."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = folder / "ca.pem"
        self._make("ca", "/CN=Interop Root", "-x509", "-addext", "basicConstraints=critical,CA:TRUE")

    def _make(self, name, subject, *more, days=1):
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.pem", "-days", days, "-subj", subject, *more, folder=self.folder)

    def issue(self, name, common_name, names="DNS:localhost,IP:127.0.0.1"):
        """The paths of a certificate and of its key."""
        self._make(name, f"/CN={common_name}", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName={names}",
                   "-addext", "basicConstraints=critical,CA:FALSE")
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    @functools.cached_property
    def server(self):
        """For localhost and 127.0.0.1."""
        return self.issue("server", "localhost")

    @functools.cached_property
    def client(self):
        """For a caller named alice."""
        return self.issue("client", "alice", "DNS:alice")

    def server_flags(self):
        """What makes a server of ours speak TLS beside plain connections."""
        certificate, key = self.server
        return ["--tls-certificate", certificate, "--tls-key", key]

    def server_context(self):
        """A server of Python's with such a certificate."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(*self.server)
        return made

    def context(self):
        """A client that believes the authority."""
        return ssl.create_default_context(cafile=str(self.ca))

    def java_store(self, issued):
        """A key store with an issued certificate, its key, and the authority as trusted."""
        certificate, key = issued
        name = certificate.stem
        store = self.folder / f"{name}.jks"
        run("openssl", "pkcs12", "-export", "-in", certificate, "-inkey", key, "-certfile", "ca.pem", "-name", name,
            "-out", f"{name}.p12", "-passout", f"pass:{PASSWORD}", folder=self.folder)
        run("keytool", "-importkeystore", "-srckeystore", f"{name}.p12", "-srcstoretype", "pkcs12", "-srcstorepass", PASSWORD,
            "-destkeystore", store, "-deststoretype", "jks", "-deststorepass", PASSWORD, "-noprompt", folder=self.folder)
        run("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", "ca.pem", "-keystore", store, "-storepass", PASSWORD, folder=self.folder)
        return store

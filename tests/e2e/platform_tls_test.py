"""`sofa server` over TLS: who reaches it, applications that attach, users by their certificates, and the program's own commands."""

import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "interop"), str(ROOT / "tests" / "e2e")]

import certificates  # noqa: E402
import programs  # noqa: E402
from platform_test import Platform  # noqa: E402

SOFA = programs.binaries() / "sofa"


class Secure:
    """A server over TLS that asks for certificates of users, and its admin."""

    def __init__(self, folder, port=0):
        self.folder = folder
        self.made = certificates.Certificates(folder)
        cert, key = self.made.server
        self.file = folder / "sofa.yaml"
        self.file.write_text(f"admin: {{port: {port}, tls: {{cert: {cert}, key: {key}, client_ca: {self.made.ca}}}}}\n"
                             f"platform: {{data: {folder / 'data'}, auth: true}}\n")
        self.platform = Platform("server", "-c", self.file)
        self.password = re.search(r"the password (\S+) ;", "\n".join(self.platform.lines))[1]
        self.url = f"https://localhost:{self.platform.port}"
        made = self.sofa("token", "add", "admin", "-o", "json", SOFA_PASSWORD=self.password, user="admin")
        assert made.returncode == 0, made
        self.token = json.loads(made.stdout)["secret"]

    def sofa(self, *arguments, server=None, user=None, stdin="", **environment):
        command = [SOFA, *arguments, *(["--server", server or self.url, "--ca", self.made.ca] if server != "context" else []), *(["--user", user] if user else [])]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, input=stdin,
                              env={**os.environ, "XDG_CONFIG_HOME": str(self.folder), **environment})

    def get(self, path, context):
        request = urllib.request.Request(self.url + path)
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return json.load(answer)

    def processes(self):
        listed = self.sofa("status", "-o", "json", SOFA_TOKEN=self.token)
        assert listed.returncode == 0, listed
        return json.loads(listed.stdout)


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    one = Secure(tmp_path_factory.mktemp("tls"))
    yield one
    one.platform.kill()


def test_it_says_its_own_addresses_and_is_in_its_own_list(secure):
    assert f"https://127.0.0.1:{secure.platform.port}/" in "\n".join(secure.platform.lines)
    programs.until(lambda: [process["pid"] for process in secure.processes()] == [secure.platform.pid])


def test_nothing_is_answered_in_clear(secure):
    with socket.create_connection(("127.0.0.1", secure.platform.port), 5) as plain:
        plain.sendall(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        try:
            assert plain.recv(100) == b""
        except ConnectionResetError:
            pass


def application(secure, folder, platform, ca=None):
    file = folder / "hello.yaml"
    authority = f", platform_ca: {ca}" if ca else ""
    file.write_text(f"server: {{port: 0}}\nadmin: {{port: 0, platform: \"{platform}\", platform_token: {secure.token}{authority}}}\n")
    started = programs.Program([programs.binaries() / "boot-hello", "--config", file])
    started.wait_for_line(r"^ready ", 20)
    return started


def test_an_application_attaches_over_tls_and_is_asked_there(secure, tmp_path):
    with application(secure, tmp_path, secure.url, secure.made.ca) as attached:
        programs.until(lambda: attached.process.pid in [process["pid"] for process in secure.processes()])
        own = next(process["id"] for process in secure.processes() if process["pid"] == attached.process.pid)
        logs = secure.sofa("logs", own, SOFA_TOKEN=secure.token)
        assert logs.returncode == 0 and "attached to the platform" in logs.stdout
    programs.until(lambda: attached.process.pid not in [process["pid"] for process in secure.processes()])


def test_an_application_comes_back_when_the_platform_does(tmp_path):
    secure = Secure(tmp_path, programs.free_port())
    try:
        with application(secure, tmp_path, secure.url, secure.made.ca) as attached:
            programs.until(lambda: attached.process.pid in [process["pid"] for process in secure.processes()])
            secure.platform.kill()
            attached.wait_for_line("not attached to the platform", 20)
            secure.platform = Platform("server", "-c", secure.file)
            programs.until(lambda: attached.process.pid in [process["pid"] for process in secure.processes()], seconds=30)
    finally:
        secure.platform.kill()


def test_an_application_that_does_not_believe_the_certificate_stays_away_and_says_why(secure, tmp_path):
    with application(secure, tmp_path, secure.url) as stranger:
        programs.until(lambda: any("not attached to the platform" in line and "certificate" in line for line in stranger.lines))
        assert stranger.process.pid not in [process["pid"] for process in secure.processes()]


def test_a_user_is_known_by_its_certificate(secure):
    assert secure.sofa("user", "add", "alice", "--without-password", "--role", "viewer", SOFA_TOKEN=secure.token).returncode == 0
    context = secure.made.context()
    assert secure.get("/v1/session", context)["user"] == ""
    context.load_cert_chain(*secure.made.client)
    session = secure.get("/v1/session", context)
    assert (session["user"], session["proof"]) == ("alice", "certificate")
    assert secure.get("/v1/users", context)["users"]


def test_commands_know_the_server_by_a_context_with_an_authority(secure):
    added = secure.sofa("context", "add", "prod", "--user", "admin", "--password", "-", server="context", stdin=secure.password + "\n")
    assert added.returncode == 0, added
    for more in (("--server", secure.url), ("--ca", str(secure.made.ca))):
        assert secure.sofa("context", "add", "prod", *more, server="context").returncode == 0
    listed = secure.sofa("user", "list", "--context", "prod", "-o", "json", server="context")
    assert listed.returncode == 0 and "admin" in listed.stdout, listed
    strange = secure.sofa("user", "list", server="context", SOFA_CONTEXT="prod", SSL_CERT_FILE="/dev/null")
    assert strange.returncode == 0, "the context names the authority"
    refused = subprocess.run([SOFA, "user", "list", "--server", secure.url], capture_output=True, text=True, timeout=60, check=False,
                             env={**os.environ, "XDG_CONFIG_HOME": str(secure.folder), "SOFA_TOKEN": secure.token})
    assert refused.returncode == 3 and "certificate" in refused.stderr, refused


def test_a_secret_does_not_leave_this_machine_in_clear(secure):
    for command in (["user", "list"], ["logs", "-f"], ["audit"]):
        refused = secure.sofa(*command, server="http://192.0.2.1:9900", SOFA_TOKEN="sofa_secret")
        assert refused.returncode == 2 and "in clear" in refused.stderr and "--allow-plain" in refused.stderr, refused
    key = secure.sofa("key", "add", "ann", server="http://192.0.2.1:9900", SOFA_TOKEN="")
    assert key.returncode == 2 and "in clear" in key.stderr, key


def test_a_certificate_without_its_key_and_a_bind_for_others_without_tls_are_sentences(secure, tmp_path):
    file = tmp_path / "sofa.yaml"

    def refused(admin, code):
        file.write_text(f"admin: {{port: 0, {admin}}}\nplatform: {{data: {tmp_path / 'data'}, auth: true}}\n")
        done = subprocess.run([SOFA, "server", "-c", file], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == code, done
        return done.stderr

    assert "admin.tls: both cert and key are needed: key is missing" in refused(f"tls: {{cert: {secure.made.server[0]}}}", 2)
    assert "none.pem" in refused("tls: {cert: none.pem, key: none.key}", 1)
    said = refused("host: 0.0.0.0", 2)
    assert "in clear" in said and "admin.tls.cert" in said and "--insecure" in said


def test_a_server_for_others_with_tls_and_proof_is_taken(tmp_path):
    made = certificates.Certificates(tmp_path)
    cert, key = made.server
    file = tmp_path / "sofa.yaml"
    file.write_text(f"admin: {{host: 0.0.0.0, port: 0, tls: {{cert: {cert}, key: {key}}}}}\nplatform: {{data: {tmp_path / 'data'}, auth: true}}\n")
    served = Platform("server", "-c", file)
    try:
        context = ssl.create_default_context(cafile=str(made.ca))
        with urllib.request.urlopen(f"https://127.0.0.1:{served.port}/readyz", timeout=10, context=context) as answer:
            assert answer.status == 200
        os.kill(served.pid, signal.SIGTERM)
        assert served.wait(20) == 0
    finally:
        if served.process.poll() is None:
            served.kill()

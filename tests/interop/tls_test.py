"""Bolt over TLS: SOFARPC's own Java client and server (JSSE), Python's ssl and the openssl command at the other end."""

import socket
import ssl
import subprocess
import time

import pytest

import bolt
import programs
from certificates import PASSWORD, Certificates

HEARTBEAT = bytes.fromhex("01010000010000000101ffffffff0000000000000000")
ANSWER = bytes.fromhex("0100000001000000010100000000000000000000")


def start_server(*arguments, port="--bolt"):
    return programs.Server([programs.binaries() / "interop-server", port, 0, *arguments])


@pytest.fixture(scope="module")
def server(certificates):
    started = start_server(*certificates.server_flags())
    yield started
    started.stop()


@pytest.fixture(scope="module")
def mutual_server(certificates):
    """On the one port of every protocol."""
    started = start_server(*certificates.server_flags(), "--tls-client-ca", certificates.ca, port="--port")
    yield started
    started.stop()


def java(side, store, main_class, *arguments):
    """A Java program whose SOFARPC speaks TLS as client or as server."""
    options = {"enable": "true", "keystore": store, "keystore.password": PASSWORD, "keystore.type": "jks"}
    options |= {"tmf.algorithm": "PKIX"} if side == "client" else {"kmf.algorithm": "PKIX"}
    words = " ".join(f"-Dbolt.{side}.ssl.{name}={value}" for name, value in options.items())
    return ["env", f"JAVA_TOOL_OPTIONS={words} -Dbolt.server.ssl.kmf.algorithm=PKIX", *programs.java_command(main_class, *arguments)]


def context(certificates, files=None, **rules):
    made = certificates.context()
    if files:
        made.load_cert_chain(*map(str, files))
    for name, value in rules.items():
        setattr(made, name, value)
    return made


def connect(port, how, name="localhost"):
    return how.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname=name)


def read(connection, count):
    got = b""
    while len(got) < count:
        piece = connection.recv(count - len(got))
        assert piece, f"the connection ended after {got.hex()}"
        got += piece
    return got


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_heartbeats_are_answered_over_tls_also_byte_by_byte(server, certificates, version):
    with connect(server.port, context(certificates, minimum_version=version, maximum_version=version)) as peer:
        peer.sendall(HEARTBEAT)
        assert read(peer, len(ANSWER)) == ANSWER
        for byte in HEARTBEAT:
            peer.sendall(bytes([byte]))
        assert read(peer, len(ANSWER)) == ANSWER


def test_plain_connections_stay_possible_on_the_port(server):
    with bolt.Peer(server.address) as peer:
        peer.send(HEARTBEAT)
        assert peer.read(len(ANSWER)) == ANSWER


def test_a_client_without_a_certificate_is_refused_and_one_with_it_is_served(mutual_server, certificates):
    with connect(mutual_server.port, context(certificates, certificates.client)) as peer:
        peer.sendall(HEARTBEAT)
        assert read(peer, len(ANSWER)) == ANSWER
    with pytest.raises(ssl.SSLError, match="(?i)certificate.required"):
        with connect(mutual_server.port, context(certificates)) as peer:
            peer.sendall(HEARTBEAT)
            peer.recv(1)


def test_the_openssl_command_verifies_the_server_and_may_not_renegotiate(server, certificates):
    command = ["openssl", "s_client", "-connect", server.address, "-servername", "localhost", "-verify_hostname", "localhost",
               "-verify_return_error", "-CAfile", str(certificates.ca), "-tls1_2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as client:
        lines = []
        for line in client.stdout:
            lines.append(line)
            if line.strip() == "---" and any("Verify return code" in earlier for earlier in lines):
                break
        text = "".join(lines)
        client.stdin.write("R\n")  # the command for a renegotiation
        client.stdin.flush()
        rest, _ = client.communicate(timeout=20)
    assert "Verify return code: 0 (ok)" in text, text
    assert "Secure Renegotiation IS supported" in text, "it is safe from the old attack"
    assert "no renegotiation" in rest, rest


def test_strangers_inside_tls_are_closed_at_once(server, certificates):
    with connect(server.port, context(certificates)) as peer:
        peer.sendall(b"Z")
        begun = time.monotonic()
        assert peer.recv(1) == b"", "close_notify tells the end"
        assert time.monotonic() - begun < 2


def test_the_java_client_calls_every_method_over_tls(mutual_server, certificates):
    store = certificates.java_store(certificates.client)
    failed, passed = programs.run_checks(java("client", store, "InteropJavaClient", mutual_server.address), 300)
    assert failed == []
    assert passed > 40


def test_our_client_calls_the_java_server_over_tls(certificates):
    store = certificates.java_store(certificates.server)
    server = programs.Server(java("server", store, "InteropJavaServer", "--bolt", 0))
    try:
        failed, passed = programs.run_checks([programs.binaries() / "interop-client", server.address, "--tls-ca", certificates.ca], 120)
    finally:
        server.stop()
    assert failed == []
    assert passed > 40


def test_our_client_calls_our_server_with_mutual_tls(mutual_server, certificates):
    certificate, key = certificates.client
    failed, passed = programs.run_checks(
        [programs.binaries() / "interop-client", mutual_server.address, "--tls-ca", certificates.ca, "--tls-certificate", certificate,
         "--tls-key", key], 120)
    assert failed == []
    assert passed > 40


def test_our_client_says_why_it_does_not_believe_the_server(server, certificates, tmp_path):
    other = Certificates(tmp_path)
    client = programs.Program([programs.binaries() / "interop-client", server.address, "--tls-ca", other.ca])
    assert client.wait(60) == 1
    assert any("the certificate of host 127.0.0.1" in line and "is not among the trusted ones" in line for line in client.lines), client

"""A server that is stopped under load while another one stands beside it: no call is lost, whatever protocol it comes by."""

import http.client
import json
import re
import threading

import grpc
import pytest

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ server")

SCHEMES = ["bolt", "tri", "grpc", "dubbo"]  # of our client
RETRIES = 0  # of our clients: the server tells them that it stops before it leaves them
JAVA_RETRIES = 1  # of SOFARPC's client, which is not told: it goes elsewhere with what it is told "busy" for
CALLERS = 8
SECONDS = 8
PATIENCE = 20  # for one call
GONE = (http.client.RemoteDisconnected, http.client.BadStatusLine, ConnectionResetError, BrokenPipeError)


class Callers:
    """Threads that call one after another until they are told to end; what each call that failed has met."""

    def __init__(self, call_until_ended, count):
        self.done = 0
        self.lost = []
        self._ended = threading.Event()

        def run():
            try:
                call_until_ended(self)
            except Exception as error:  # no thread ends unseen
                self.lost.append(repr(error))

        self._threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def goes_on(self):
        return not self._ended.is_set()

    def stop(self):
        self._ended.set()

    def end(self):
        self.stop()
        for thread in self._threads:
            thread.join(2 * PATIENCE)
            assert not thread.is_alive(), "a call hangs"


def http_calls(ports):
    """POST over connections that are kept: a server that has no use for one any more says so in an answer, and the next call goes elsewhere."""
    def run(callers):
        at, connection = 0, None
        while callers.goes_on():
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", ports[at], timeout=PATIENCE)
                    connection.connect()
            except ConnectionRefusedError:
                at, connection = (at + 1) % len(ports), None
                continue
            try:
                connection.request("POST", "/sofa.interop.InteropService:1.0/sleep", "[5]", {"content-type": "application/json"})
                answer = connection.getresponse()
                assert (answer.status, answer.read()) == (200, b'"slept 5"')
                callers.done += 1
            except (AssertionError, *GONE) as error:
                callers.lost.append(repr(error))
                connection = None
                continue
            if answer.will_close:
                connection = None
    return run


def grpcio_calls(ports):
    """Unary calls of gRPC's C core over one channel to all."""
    channel = grpc.insecure_channel("ipv4:" + ",".join(f"127.0.0.1:{port}" for port in ports), options=[("grpc.lb_policy_name", "round_robin")])
    echo = channel.unary_unary("/sofa.interop.pb.Interop/Echo")

    def run(callers):
        while callers.goes_on():
            try:
                assert echo(b"\x0a\x01x\x28\x05", timeout=PATIENCE) == b"\x0a\x01x"  # text "x", sleep_ms 5
                callers.done += 1
            except (AssertionError, grpc.RpcError) as error:
                callers.lost.append(repr(error))
    return run


def report_of(client):
    return json.loads(next(line for line in client.lines if line.startswith("{")))


JAVA_THREADS = 16  # of Load.java


def test_a_java_client_loses_at_most_what_crosses_the_end_of_its_connection(java):
    """SOFARPC's client knows no GoAway and would close its connection on one. It is told "busy" for what is new, which its own retry takes elsewhere, and
    goes on sending until the connection ends: of what is on its way then each of its threads may lose one call, as it repeats no call of a lost connection."""
    first, second = (programs.Server([programs.binaries() / "interop-server", "--port", 0]) for _ in range(2))
    client = None
    try:
        client = programs.Program(programs.client_command("java", f"{first.address},bolt://{second.address}", "--load", SECONDS, "--retries", JAVA_RETRIES))
        client.wait_for_line(r"^second [1-9] ok=[1-9]", 120)
        first.stop()
        assert first.process.returncode == 0, f"{first}"
        assert client.wait(60) == 0, client.lines
        report = next(line for line in client.lines if line.startswith("load "))
        assert " wrong=0 " in report, report
        assert sum(map(int, re.findall(r"Exception=(\d+)", report))) <= JAVA_THREADS, report
        assert int(re.search(r"ok_in_last_second=(\d+)", report)[1]) > 0, report
    finally:
        for program in (client, first, second):
            if program is not None:
                program.kill()


def test_no_call_is_lost_when_one_of_two_servers_is_stopped():
    first, second = (programs.Server([programs.binaries() / "interop-server", "--port", 0]) for _ in range(2))
    clients, others = {}, {}
    try:
        for scheme in SCHEMES:
            targets = ",".join(f"{scheme}://{server.address}" for server in (first, second))
            clients[scheme] = programs.Program(programs.client_command("cpp", targets, "--load", SECONDS, "--callers", CALLERS, "--retries", RETRIES))
        ports = [first.port, second.port]
        others = {"http": Callers(http_calls(ports), CALLERS), "grpcio": Callers(grpcio_calls(ports), CALLERS)}
        for client in clients.values():
            client.wait_for_line(r"^second [1-9] ok=[1-9]", 60)
        before = {name: callers.done for name, callers in others.items()}
        first.stop()
        assert first.process.returncode == 0, f"{first}"
        codes = {scheme: client.wait(60) for scheme, client in clients.items()}
        for callers in others.values():
            callers.end()
        reports = {scheme: report_of(client) for scheme, client in clients.items()}
        lost = {scheme: report["errors"] for scheme, report in reports.items()} | {name: callers.lost for name, callers in others.items()}
        print(reports, {name: callers.done for name, callers in others.items()})
        assert not any(lost.values()), lost
        assert set(codes.values()) == {0}, reports
        assert all(report["ok"] > 100 for report in reports.values()), reports
        assert all(callers.done > before[name] > 0 for name, callers in others.items()), "calls come before and after the stop"
    finally:
        for callers in others.values():
            callers.stop()
        for program in (*clients.values(), first, second):
            program.kill()

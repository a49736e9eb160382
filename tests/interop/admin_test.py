"""The admin port for tools that no one here wrote: promtool and Prometheus, grpcurl, Go's pprof."""

import json
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

import conftest
import programs

pytestmark = pytest.mark.skipif(conftest.server_kind() == "java", reason="proves the C++ servers")


@pytest.fixture(scope="module")
def admin():
    server = programs.Server([programs.binaries() / "admin-server", "--port", 0], protocol="admin")
    yield server
    server.stop()
    assert server.process.returncode == 0, f"{server}"


def get(admin, path, token="viewer"):
    request = urllib.request.Request(f"http://{admin.address}{path}", headers={"authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def test_promtool_finds_nothing_to_say_about_the_metrics(admin):
    checked = subprocess.run(["promtool", "check", "metrics"], input=get(admin, "/metrics"), capture_output=True, timeout=60)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.fixture(scope="module")
def prometheus(admin, tmp_path_factory):
    """The address of a Prometheus that scrapes the admin port four times a second, and has a rule."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "post", "interval": "1s", "rules": [
        {"alert": "PostWaits", "expr": "post_waiting_bytes < 0"}]}]}))
    (folder / "prometheus.yml").write_text(json.dumps({
        "global": {"scrape_interval": "250ms", "scrape_timeout": "250ms"}, "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "admin", "authorization": {"credentials": "viewer"}, "static_configs": [{"targets": [admin.address]}]}]}))
    address = f"127.0.0.1:{programs.free_port()}"
    with programs.Program(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                           f"--web.listen-address={address}"]) as started:
        started.wait_for_line("Server is ready", 60)
        yield address


def ask(prometheus, path, wanted, seconds=30):
    """What Prometheus answers, as soon as `wanted` takes it."""
    deadline = time.monotonic() + seconds
    while True:
        with urllib.request.urlopen(f"http://{prometheus}/api/v1/{path}", timeout=10) as answer:
            data = json.load(answer)["data"]
        if wanted(data):
            return data
        assert time.monotonic() < deadline, data
        time.sleep(0.1)


def test_prometheus_scrapes_what_the_server_counts(prometheus):
    """It asks for OpenMetrics."""
    target = ask(prometheus, "targets", lambda data: data["activeTargets"] and data["activeTargets"][0]["health"] != "unknown")["activeTargets"][0]
    assert (target["health"], target["lastError"]) == ("up", "")
    for query, value in (('post_sent_total{kind="parcel \\"large\\""}', "7"), ('post_delivery_seconds_count{kind="letter"}', "1"),
                         ('post_delivery_seconds_bucket{kind="letter",le="0.0025"}', "0"), ('post_delivery_seconds_bucket{kind="letter",le="0.005"}', "1")):
        data = ask(prometheus, "query?query=" + urllib.parse.quote(query), lambda data: data["result"])
        assert [series["value"][1] for series in data["result"]] == [value], query


def test_prometheus_alerts(prometheus):
    alerts = ask(prometheus, "alerts", lambda data: data["alerts"])["alerts"]
    assert [(alert["labels"]["alertname"], alert["state"]) for alert in alerts] == [("PostWaits", "firing")]


def grpcurl(go_grpc, admin, *words, data=None, token="secret"):
    options = ([] if data is None else ["-d", json.dumps(data)]) + ([] if token is None else ["-H", f"authorization: Bearer {token}"])
    return subprocess.run([go_grpc / "grpcurl", "-plaintext", "-max-time", "20", *options, admin.address, *words],
                          capture_output=True, text=True, timeout=60)


def test_grpcurl_learns_the_operations(go_grpc, admin):
    listed = grpcurl(go_grpc, admin, "list")
    assert {"sofa.admin.v1.Parcels", "sofa.admin.v1.Session", "grpc.health.v1.Health"} <= set(listed.stdout.split()), listed.stderr
    for symbol, text in (("sofa.admin.v1.Parcels", "rpc Follow ( .sofa.admin.v1.Nothing ) returns ( stream .sofa.admin.v1.Parcel )"),
                         ("sofa.admin.v1.Parcel", "map<string, string> labels = 5"), ("sofa.admin.v1.Size", "SIZE_LARGE = 1"),
                         ("grpc.health.v1.Health", "rpc Watch")):
        described = grpcurl(go_grpc, admin, "describe", symbol)
        assert text in described.stdout, described.stdout + described.stderr
    assert "Unauthenticated" in grpcurl(go_grpc, admin, "list", token=None).stderr


def test_grpcurl_calls_the_operations(go_grpc, admin):
    sent = grpcurl(go_grpc, admin, "sofa.admin.v1.Parcels/Send",
                   data={"id": "p1", "size": "SIZE_LARGE", "stations": ["a", "b"], "labels": {"to": "中"}})
    assert json.loads(sent.stdout) == {
        "id": "p1", "size": "SIZE_LARGE", "grams": "100", "stations": ["a", "b"], "labels": {"to": "中"}}, sent.stderr
    followed = grpcurl(go_grpc, admin, "sofa.admin.v1.Parcels/Follow", data={})
    assert followed.stdout.count('"id": "p') == 3, followed.stderr
    health = grpcurl(go_grpc, admin, "grpc.health.v1.Health/Check", data={})
    assert json.loads(health.stdout) == {"status": "SERVING"}, health.stderr


def test_grpcurl_is_told_what_it_may_not_do(go_grpc, admin):
    weak = grpcurl(go_grpc, admin, "sofa.admin.v1.Parcels/Send", data={"id": "p1"}, token="viewer")
    assert "PermissionDenied" in weak.stderr and "parcels:write" in weak.stderr
    wrong = grpcurl(go_grpc, admin, "sofa.admin.v1.Parcels/Send", data={"id": "p1", "grams": "0"})
    assert "InvalidArgument" in wrong.stderr and "grams" in wrong.stderr


def test_protoc_takes_the_proto(admin, tmp_path):
    (tmp_path / "admin.proto").write_bytes(get(admin, "/admin.proto"))
    done = subprocess.run(["protoc", f"-I{tmp_path}", f"--descriptor_set_out={tmp_path}/out.bin", "admin.proto"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_pprof_reads_a_profile(go_grpc, admin, tmp_path):
    """go_grpc: there is a Go toolchain."""
    file = tmp_path / "cpu.pb.gz"
    file.write_bytes(get(admin, "/debug/pprof/profile?seconds=1&hertz=500"))
    read = subprocess.run(["go", "tool", "pprof", "-raw", file], capture_output=True, text=True, timeout=120)
    assert read.returncode == 0, read.stderr
    assert "PeriodType: cpu nanoseconds" in read.stdout and "samples/count cpu/nanoseconds" in read.stdout, read.stdout

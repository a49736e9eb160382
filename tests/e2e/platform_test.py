"""`sofa dev` and `sofa server`: one process with everything, what it says, who may come in, and that a process that dies is gone."""

import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import programs  # noqa: E402

CONTRACT = json.loads((ROOT / "console" / "api" / "openapi.json").read_text())
SOFA = programs.binaries() / "sofa"


class Platform(programs.Program):
    """One that runs; `port` is that of its admin API."""

    def __init__(self, *arguments):
        super().__init__([SOFA, *arguments])
        ready = self.wait_for_line(r"^ready sofa pid=(\d+) admin=(\d+)", 30)
        self.pid, self.port = int(ready[1]), int(ready[2])
        self.address = f"127.0.0.1:{self.port}"

    def ask(self, path, method="GET", body=None, **headers):
        request = urllib.request.Request(f"http://{self.address}{path}", method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"content-type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def json(self, path):
        status, body = self.ask(path)
        assert status == 200, body
        return json.loads(body)

    def sofa(self, *arguments):
        return subprocess.run([SOFA, *arguments, "--server", self.address], capture_output=True, text=True, timeout=60, check=False)

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        return self.wait(20)


def free_offset():
    """What takes the port 9900 to a free one."""
    return programs.free_port() - 9900


@pytest.fixture
def dev(tmp_path):
    one = Platform("dev", "--data", tmp_path / "data", "--port-offset", free_offset())
    yield one
    one.kill()


def test_dev_says_what_is_there_and_is_ready(dev):
    text = "\n".join(dev.lines)
    assert f"http://127.0.0.1:{dev.port}/" in text and "console" in text and "metrics" in text
    assert f"sofa status --server 127.0.0.1:{dev.port}" in text, "the usual port is another"
    assert dev.ask("/readyz")[0] == 200
    assert pathlib.Path(f"/proc/{dev.pid}/comm").read_text().strip() == "sofa"
    status, page = dev.ask("/console/")
    assert status == 200 and "<html" in page


def test_dev_is_seen_in_its_own_list_and_asked_through_it(dev):
    programs.until(lambda: len(dev.json("/v1/processes")) == 1)
    own = dev.json("/v1/processes")[0]
    assert own["name"] == "sofa" and own["pid"] == dev.pid
    assert dev.json(f"/v1/processes/{own['id']}/actuator/health")["status"] == "UP"
    shown = dev.sofa("status")
    assert shown.returncode == 0 and own["id"] in shown.stdout
    logs = dev.sofa("logs", own["id"], "--space", "admin", "-o", "json")
    assert logs.returncode == 0 and "a process has attached" in logs.stdout
    assert "a process has attached" in dev.sofa("logs").stdout


def test_its_admin_api_is_a_proto_that_protoc_takes(dev, tmp_path):
    status, text = dev.ask("/admin.proto")
    assert status == 200
    (tmp_path / "admin.proto").write_text(text)
    done = subprocess.run(["protoc", f"--proto_path={tmp_path}", "--descriptor_set_out=/dev/null", "admin.proto"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    called = subprocess.run([SOFA, "call", f"grpc://{dev.address}", "sofa.admin.v1.Processes.List", "{}"], capture_output=True, text=True, timeout=60)
    assert "is already defined" not in called.stderr, called


def test_what_waits_and_what_runs_in_a_process_is_shown(dev, tmp_path):
    own = json.loads(dev.sofa("status", "-o", "json").stdout)[0]["id"]
    tasks = json.loads(dev.sofa("tasks", own, "-o", "json").stdout)["tasks"]
    assert any("accept" in task["functions"][-1] for task in tasks), tasks
    assert "waits in" in dev.sofa("tasks").stdout
    folded = tmp_path / "own.folded"
    done = dev.sofa("profile", own, "--seconds", "1", "--form", "folded", "--out", str(folded))
    assert done.returncode == 0 and folded.exists(), done
    heap = json.loads(dev.sofa("profile", "--kind", "heap", "-o", "json").stdout)
    assert heap["unit"] == "bytes" and heap["stacks"]
    nowhere = dev.sofa("profile", "--kind", "heap", "-o", "json", "--out", str(tmp_path / "none" / "heap.json"))
    assert nowhere.returncode == 1 and "another file by --out: No such file or directory" in nowhere.stdout, nowhere


@pytest.fixture
def hello(dev, tmp_path):
    """An application that attaches to the platform `dev`."""
    file, dynamic = tmp_path / "hello.yaml", tmp_path / "dynamic.yaml"
    dynamic.write_text("")
    file.write_text(f"server: {{port: 0}}\nadmin: {{port: 0, platform: \"{dev.address}\"}}\ndynamic: {{file: {dynamic}}}\n")
    application = programs.Program([programs.binaries() / "boot-hello", "--config", file])
    application.wait_for_line(r"^ready ", 20)
    programs.until(lambda: len(dev.json("/v1/processes")) == 2)
    yield application
    application.kill()


def other_than(platform):
    """The process on the platform that is not its own; None when there is none."""
    return next((one for one in platform.json("/v1/processes") if one["pid"] != platform.pid), None)


@pytest.mark.usefixtures("hello")
def test_an_application_attaches_and_is_gone_when_it_is_killed(dev):
    other = other_than(dev)
    assert dev.json(f"/v1/processes/{other['id']}/actuator/readiness")["status"] == "UP"
    os.kill(other["pid"], signal.SIGKILL)
    programs.until(lambda: len(dev.json("/v1/processes")) == 1, seconds=5)


@pytest.mark.usefixtures("hello")
def test_an_application_attaches_again_after_a_loss_of_the_platform(dev, tmp_path):
    pid = other_than(dev)["pid"]
    os.kill(dev.pid, signal.SIGKILL)
    dev.wait(20)
    again = Platform("dev", "--data", tmp_path / "data", "--port-offset", dev.port - 9900)
    try:
        programs.until(lambda: (other_than(again) or {}).get("pid") == pid)
        assert again.json(f"/v1/processes/boot-hello-{pid}/actuator/readiness")["status"] == "UP"
    finally:
        again.kill()


@pytest.mark.usefixtures("hello")
def test_the_overview_tells_how_processes_do_and_what_has_happened(dev):
    def overview():
        return dev.json("/v1/overview")

    programs.until(lambda: [one["state"] for one in overview()["processes"]] == ["ready", "ready"])
    seen = overview()
    jsonschema.validate(seen, {**CONTRACT["components"]["schemas"]["Overview"], "components": CONTRACT["components"]})
    assert [one["name"] for one in seen["processes"]] == ["boot-hello", "sofa"]
    assert seen["platform"]["address"] == dev.address and seen["platform"]["mode"] == "dev"
    assert seen["health"] == "up" and "diskSpace" in [check["name"] for check in seen["checks"]]
    assert {role["state"] for role in seen["roles"]} == {"ready"}
    assert seen["rates"]["memory_bytes"] == sum(one["memory_bytes"] for one in seen["processes"]) > 1_000_000
    assert len(seen["history"]["times_ms"]) == len(seen["history"]["calls_per_second"]) >= 1
    other = other_than(dev)
    assert {"attached", "readiness"} <= {event["kind"] for event in seen["events"] if event["process"] == other["id"]}
    os.kill(other["pid"], signal.SIGKILL)
    programs.until(lambda: len(overview()["processes"]) == 1, seconds=5)
    last = overview()["events"][0]
    assert last["kind"] == "gone" and last["process"] == other["id"] and str(other["pid"]) in last["message"]


@pytest.mark.usefixtures("hello")
def test_a_change_of_configuration_is_told(dev, tmp_path):
    def told():
        return [event["subject"] for event in dev.json("/v1/overview")["events"] if event["kind"] == "configuration"]

    programs.until(lambda: [one["state"] for one in dev.json("/v1/overview")["processes"]] == ["ready", "ready"])
    assert told() == []
    (tmp_path / "dynamic.yaml").write_text("log: {levels: debug}\n")
    programs.until(lambda: told() == ["log.levels"])


def test_live_values_come_over_one_stream(dev, tmp_path):
    programs.until(lambda: len(dev.json("/v1/processes")) == 1)
    own = f"/v1/processes/sofa-{dev.pid}/v1/startup"
    with urllib.request.urlopen(f"http://{dev.address}/v1/events?watch=/v1/processes&watch={own}&period_ms=250", timeout=20) as stream:

        def next_of(path, holds):
            while True:
                line = stream.readline()
                assert line, "the stream has ended"
                told = json.loads(line[len("data: "):]) if line.startswith(b"data: ") else {}
                if told.get("path") == path and holds(told["body"]):
                    return told

        assert next_of("/v1/processes", lambda body: len(body) == 1)["status"] == 200
        file = tmp_path / "hello.yaml"
        file.write_text(f"server: {{port: 0}}\nadmin: {{port: 0, platform: \"{dev.address}\"}}\n")
        with programs.Program([programs.binaries() / "boot-hello", "--config", file]):
            next_of("/v1/processes", lambda body: len(body) == 2)
        next_of("/v1/processes", lambda body: len(body) == 1)
    with urllib.request.urlopen(f"http://{dev.address}/v1/events?watch={own}", timeout=20) as stream:
        assert '"stages"' in stream.readline().decode()


def test_dev_keeps_nothing_open_when_it_is_stopped(dev, tmp_path):
    assert dev.stop() == 0
    again = Platform("dev", "--data", tmp_path / "data", "--port-offset", free_offset())
    assert again.stop() == 0


def test_a_port_that_is_taken_is_one_sentence(dev, tmp_path):
    offset = dev.port - 9900
    second = subprocess.run([SOFA, "dev", "--data", tmp_path / "other", "--port-offset", str(offset)], capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert str(dev.port) in second.stderr and "choose another with --port-offset" in second.stderr, second
    assert "admin.port" not in second.stderr, "sofa dev reads no file"


def test_without_the_role_console_there_are_no_pages(tmp_path):
    plain = Platform("dev", "--only", "admin", "--data", tmp_path / "data", "--port-offset", free_offset())
    try:
        assert plain.ask("/readyz")[0] == 200 and plain.json("/v1/overview")
        for path in ("/", "/console/"):
            status, said = plain.ask(path)
            assert status == 404 and "has no console" in said, path
        assert "open it in a browser" not in "\n".join(plain.lines)
    finally:
        plain.kill()


def test_a_role_that_there_is_not_is_told_with_those_that_there_are(tmp_path):
    unknown = subprocess.run([SOFA, "dev", "--only", "registry", "--data", tmp_path], capture_output=True, text=True, timeout=30, check=False)
    assert unknown.returncode == 2 and all(word in unknown.stderr for word in ("registry", "admin", "console")), unknown
    file = tmp_path / "sofa.yaml"
    file.write_text("platform: {roles: [registry]}\n")
    checked = subprocess.run([SOFA, "config", "check", "-c", file], capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 1 and all(word in checked.stdout for word in ("registry", "admin", "console")), checked


def test_a_folder_that_is_in_use_is_one_sentence(dev, tmp_path):
    second = subprocess.run([SOFA, "dev", "--data", tmp_path / "data", "--port-offset", str(free_offset())], capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert str(tmp_path / "data") in second.stderr


def test_with_auth_nobody_comes_in_without_proof(tmp_path):
    guarded = Platform("dev", "--auth", "--data", tmp_path / "data", "--port-offset", free_offset())
    try:
        assert guarded.ask("/readyz")[0] == 200
        for path in ("/v1/processes", "/metrics", "/v1/users", "/openapi.json", "/actuator/env"):
            assert guarded.ask(path)[0] == 401, path
        password = re.search(r"the password (\S+) ;", "\n".join(guarded.lines))[1]
        basic = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        basic.add_password(None, f"http://{guarded.address}/", "admin", password)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(basic))
        with opener.open(f"http://{guarded.address}/v1/processes", timeout=10) as answer:
            assert [one["pid"] for one in json.load(answer)] == [guarded.pid]
    finally:
        guarded.kill()


def test_looking_through_the_platform_gives_nobody_more_than_their_roles(tmp_path):
    guarded = Platform("dev", "--auth", "--data", tmp_path / "data", "--port-offset", free_offset())
    try:
        password = re.search(r"the password (\S+) ;", "\n".join(guarded.lines))[1]

        def ask_as(name, secret, path, method="GET", body=None):
            proof = base64.b64encode(f"{name}:{secret}".encode()).decode()
            return guarded.ask(path, method, body, authorization=f"Basic {proof}")

        for role in ("viewer", "operator"):
            assert ask_as("admin", password, "/v1/users", "POST", {"name": role, "password": "a-password", "roles": [role]})[0] == 200
        process = f"/v1/processes/sofa-{guarded.pid}"
        programs.until(lambda: ask_as("viewer", "a-password", process)[0] == 200)
        assert ask_as("viewer", "a-password", f"{process}/v1/logs")[0] == 200
        assert ask_as("viewer", "a-password", f"{process}/v1/audit")[0] == 403
        eve = {"name": "eve", "password": "a-password", "roles": ["admin"]}
        assert ask_as("operator", "a-password", f"{process}/v1/users", "POST", eve)[0] == 403
        assert ask_as("admin", password, f"{process}/v1/users", "POST", eve)[0] == 200
        assert (tmp_path / "data" / "identity").stat().st_mode & 0o077 == 0
    finally:
        guarded.kill()


def test_a_server_for_others_needs_proof_or_the_word_insecure(tmp_path):
    file = tmp_path / "sofa.yaml"
    file.write_text(f"admin: {{host: 0.0.0.0, port: 0}}\nplatform: {{data: {tmp_path / 'data'}}}\n")
    refused = subprocess.run([SOFA, "server", "-c", file], capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 2
    assert "--insecure" in refused.stderr and "platform.auth" in refused.stderr
    open_one = Platform("server", "-c", file, "--insecure")
    try:
        assert open_one.ask("/readyz")[0] == 200
    finally:
        open_one.kill()


def test_a_server_of_several_shards_is_refused_as_it_belongs_to_one(tmp_path):
    file = tmp_path / "sofa.yaml"
    file.write_text(f"server: {{shards: 2}}\nadmin: {{port: 0}}\nplatform: {{data: {tmp_path / 'data'}}}\n")
    refused = subprocess.run([SOFA, "server", "-c", file], capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 2 and f"{file}:1:18: server.shards: the platform belongs to one shard" in refused.stderr, refused
    assert subprocess.run([SOFA, "config", "check", "-c", file], capture_output=True, timeout=30, check=False).returncode == 1


def test_foreign_pages_and_names_are_refused(dev):
    assert dev.ask("/v1/processes", origin="http://evil.example")[0] == 403
    assert dev.ask("/v1/processes", host="evil.example")[0] == 421
    assert dev.ask("/v1/users", "POST", {"name": "eve", "password": "12345678"}, origin=f"http://{dev.address}")[0] == 403

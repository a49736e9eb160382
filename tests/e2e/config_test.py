"""`sofa config`: what is told of files, values and keys, and the schema, judged by a validator that no one here wrote."""

import json
import os
import pathlib
import subprocess
import sys
import urllib.request

import jsonschema
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import programs  # noqa: E402

OK, REFUSED, WRONG_USAGE = 0, 1, 2


def config(*arguments, environment=None):
    command = [programs.binaries() / "sofa", "config", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, env={**os.environ, **(environment or {})})


def written(folder, text):
    path = folder / "sofa.yaml"
    path.write_text(text)
    return path


def values(*arguments, **options):
    rows = json.loads(config("show", "-o", "json", *arguments, **options).stdout)
    return {row["key"]: row for row in rows}


def test_every_mistake_is_a_line_with_its_place(tmp_path):
    path = written(tmp_path, "server:\n  prot: 1\n  drain_timeout: 2 fortnights\nlog: {levels: loud}\n")
    done = config("check", "-c", path)
    assert done.returncode == REFUSED and done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == f'{path}:2:3: server.prot is no known key; did you mean "port"?'
    assert lines[1].startswith(f"{path}:3:18: server.drain_timeout: expected a whole number")
    assert lines[2].startswith(f"{path}:4:15: log.levels: log level 'loud' is wrong")
    assert len(lines) == 3
    done = config("check", "-c", path, "-o", "json")
    assert done.returncode == REFUSED
    told = json.loads(done.stdout)
    assert [(one["file"], one["line"], one["column"]) for one in told] == [(str(path), 2, 3), (str(path), 3, 18), (str(path), 4, 15)]
    assert told[0]["message"] == 'server.prot is no known key; did you mean "port"?'


def test_a_file_without_mistakes_is_ok(tmp_path):
    path = written(tmp_path, "server: {port: 1}\n")
    done = config("check", "-c", path, environment={"SOFA_SERVER_PORT": "many"})
    assert (done.returncode, done.stdout) == (OK, f"{path}: ok\n")
    assert json.loads(config("check", "-c", path, "-o", "json").stdout) == []


def test_it_knows_what_the_server_knows(tmp_path):
    path = written(tmp_path, f"admin: {{port: 0}}\nplatform: {{data: {tmp_path / 'data'}}}\nserver: {{drain_delay: 5}}\n")
    shown = values("-c", path)
    with programs.Program([programs.binaries() / "sofa", "server", "-c", path]) as server:
        port = server.wait_for_line(r"^ready sofa pid=\d+ admin=(\d+)", 30)[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/config", timeout=10) as answer:
            running = {row["key"]: row for row in json.load(answer)["entries"]}
    assert set(running) == set(shown)
    for key, row in shown.items():
        assert json.loads(running[key]["value"]) == row["value"], key
    assert {"admin.tls.cert", "dynamic.file", "modules.active_profiles", "platform.auth"} <= set(shown)
    assert values()["admin.port"]["value"] == 9900


def test_what_the_start_would_refuse_of_several_keys_is_a_mistake_of_the_file(tmp_path):
    path = written(tmp_path, "admin:\n  platform: 10.0.0.7:9900\n  platform_ca: ca.pem\n  tls: {cert: a.pem}\n")
    done = config("check", "-c", path)
    assert done.returncode == REFUSED
    assert done.stdout.splitlines() == [
        f'{path}:2:13: admin: platform is "10.0.0.7:9900", which is not encrypted, and platform_ca is given: write https://10.0.0.7:9900',
        f"{path}:4:15: admin.tls: both cert and key are needed: key is missing",
    ]


def test_a_file_that_is_not_there_is_a_wrong_command_line():
    done = config("check", "-c", "/no/such/sofa.yaml")
    assert (done.returncode, done.stdout) == (WRONG_USAGE, "") and '"/no/such/sofa.yaml"' in done.stderr


def test_values_are_shown_with_their_origin(tmp_path):
    path = written(tmp_path, "server: {port: 1, host: 10.0.0.1}\n")
    shown = values("-c", path, environment={"SOFA_SERVER_PORT": "2"})
    assert (shown["server.port"]["value"], shown["server.port"]["origin"], shown["server.port"]["place"]) == (2, "environment", "SOFA_SERVER_PORT")
    assert (shown["server.host"]["value"], shown["server.host"]["place"]) == ("10.0.0.1", f"{path}:1:25")
    assert shown["log.levels"] == {"key": "log.levels", "value": "info", "origin": "default", "place": "", "live": True}
    assert set(values("-c", path, "--changed")) == {"server.port", "server.host"}
    in_yaml = yaml.safe_load(config("show", "-c", path, "-o", "yaml", "--changed").stdout)
    assert [row["key"] for row in in_yaml] == ["server.host", "server.port"]


def test_a_wrong_variable_is_told():
    done = config("show", environment={"SOFA_SERVER_PORT": "many"})
    assert done.returncode == REFUSED and "SOFA_SERVER_PORT: expected a whole number" in done.stderr


def test_a_key_and_a_section_are_explained():
    explained = json.loads(config("explain", "server.drain_timeout", "-o", "json").stdout)
    assert (explained["unit"], explained["default"], explained["flag"]) == ("ms", 20000, "--server-drain-timeout")
    assert explained["environment"] == "SOFA_SERVER_DRAIN_TIMEOUT" and "whole number" in explained["takes"]
    section = json.loads(config("explain", "log", "-o", "json").stdout)
    assert {row["key"] for row in section} >= {"log.levels", "log.file"} and all(row["key"].startswith("log.") for row in section)
    done = config("explain", "server.prot")
    assert done.returncode == WRONG_USAGE and 'did you mean "server.port"?' in done.stderr


@pytest.fixture(scope="module")
def schema():
    made = json.loads(config("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


@pytest.mark.parametrize("text", [
    "{}",
    "server:\nlog:\n",
    "server: {port: 0, host: '::', drain_timeout: 30s}\nlog: {levels: debug, max_file_bytes: 32MiB}\n",
    "server: {drain_timeout: 1.5 h, drain_delay: 10, insulator: true}\n",
    (ROOT / "docs" / "configuration" / "sofa.yaml").read_text(),
])
def test_what_is_right_fits_the_schema(schema, text, tmp_path):
    schema.validate(yaml.safe_load(text))
    assert config("check", "-c", written(tmp_path, text)).returncode == OK


@pytest.mark.parametrize("text", [
    "serverr: {}",
    "server: {prot: 1}",
    "server: {port: 65536}",
    "server: {port: -1}",
    "server: {port: '80'}",
    "server: {port: [80]}",
    "server: []",
    "server: {insulator: maybe}",
    "server: {drain_timeout: 3 fortnights}",
    "server: {drain_timeout: 3MiB}",
    "log: {max_files: 0}",
    "log: {max_file_bytes: 5s}",
    "log: {file: [a]}",
    "- server",
])
def test_what_is_wrong_does_not_fit_the_schema(schema, text, tmp_path):
    assert not schema.is_valid(yaml.safe_load(text))
    assert config("check", "-c", written(tmp_path, text)).returncode == REFUSED


def test_the_schema_tells_what_the_descriptions_tell(schema):
    timeout = schema.schema["properties"]["server"]["properties"]["drain_timeout"]
    assert timeout["default"] == 20000 and timeout["x-unit"] == "ms" and "(ms)" in timeout["description"]
    assert schema.schema["properties"]["log"]["properties"]["levels"]["x-live"] is True

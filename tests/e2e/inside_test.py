"""What a process on boot tells of itself, asked as the console asks: through the platform that it has attached to. Every answer has the shape that
console/api/openapi.json describes."""

import json
import pathlib
import sys
import urllib.error
import urllib.request

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import programs  # noqa: E402

CONTRACT = json.loads((ROOT / "console" / "api" / "openapi.json").read_text())
SERVICE = "com.acme.Hello"


def schema_of(route, method):
    answer = CONTRACT["paths"][f"/v1/processes/{{id}}/v1/{route}"][method]["responses"]["200"]["content"]["application/json"]["schema"]
    return {**answer, "components": CONTRACT["components"]}


class Inside:
    """`boot-hello`, attached to a platform that is asked."""

    def __init__(self, port, process):
        self.port, self.process = port, process

    def ask(self, route, target=None, body=None):
        url = f"http://127.0.0.1:{self.port}/v1/processes/{self.process}/v1/{target or route}"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data=data, headers={"content-type": "application/json"}), timeout=10) as got:
            answer = json.loads(got.read())
        jsonschema.validate(answer, schema_of(route, "get" if body is None else "post"))
        return answer

    def call(self, name):
        return self.ask("calls", body={"service": SERVICE, "method": "hello", "arguments": [name]})


@pytest.fixture(scope="module")
def inside(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inside")
    platform = programs.Program([programs.binaries() / "sofa", "dev", "--data", folder / "data", "--port-offset", programs.free_port() - 9900])
    port = int(platform.wait_for_line(r"^ready sofa pid=\d+ admin=(\d+)", 30)[1])
    hello = programs.Program([programs.binaries() / "boot-hello", "--server-port", "0", "--admin-port", "0", "--admin-platform", f"127.0.0.1:{port}"])
    hello.wait_for_line(r"^ready boot-hello", 30)

    def attached():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/processes", timeout=10) as got:
            return [one["id"] for one in json.loads(got.read()) if one["name"] == "boot-hello"]

    yield Inside(port, programs.until(attached)[0])
    hello.kill()
    platform.kill()


def test_a_method_is_called_from_json_and_its_error_is_told(inside):
    assert inside.call("Ann")["result"] == "hello Ann"
    refused = inside.ask("calls", body={"service": SERVICE, "method": "hello", "arguments": [1, 2]})
    assert not refused["ok"] and refused["code"] == "invalid_argument"
    with pytest.raises(urllib.error.HTTPError) as unknown:
        inside.ask("calls", body={"service": "com.acme.Nobody", "method": "hello", "arguments": []})
    assert unknown.value.code == 404


def test_calls_are_in_every_picture_of_them(inside):
    programs.until(lambda: inside.ask("services")["services"][0]["history"])  # rates count from the first look on
    before = inside.ask("services")["services"][0]["calls_total"]
    for _ in range(20):
        inside.call("Ann")
    service = programs.until(lambda: next((one for one in inside.ask("services")["services"] if one["calls_total"] >= before + 20 and one["calls_per_second"] > 0), None))
    assert service["name"] == SERVICE
    detail = inside.ask("services/{service}", f"services/{SERVICE}")
    assert [one["name"] for one in detail["methods"]] == ["hello"]
    assert detail["methods"][0]["request_schema"]["prefixItems"][0]["type"] == "string"
    figures = inside.ask("figures")
    assert figures["state"] == "ready" and figures["services"] == 1 and figures["memory_bytes"] > 1 << 20
    assert programs.until(lambda: max(inside.ask("figures")["history"], default=0) > 0)
    assert programs.until(lambda: sum(map(sum, (column["rows"] for column in inside.ask("latency", "latency?seconds=60")["counts"]))) >= 20)
    assert inside.ask("slowest", f"slowest?service={SERVICE}&limit=3")["calls"][0]["stages"]
    assert len(inside.ask("calls", "calls?limit=5")["calls"]) == 5


def test_an_error_stands_among_the_errors_with_its_message(inside):
    told = inside.ask("calls", body={"service": SERVICE, "method": "hello", "arguments": [1, 2, 3]})
    row = programs.until(lambda: next((one for one in inside.ask("errors")["errors"] if one["message"] == told["message"]), None))
    assert (row["code"], row["service"], row["method"]) == ("invalid_argument", SERVICE, "hello")
    assert "3" in row["message"] and row["count"] >= 1 and row["last_at_ms"] > 0


def test_connections_metrics_and_defaults(inside):
    inside.ask("connections")
    names = programs.until(lambda: {one["name"] for one in inside.ask("metrics")["metrics"]} & {"rpc_server_calls_total"} and True)
    assert names
    told = inside.ask("metrics/query", "metrics/query?name=rpc_server_calls_total&by=method&function=value")
    assert told["series"][0]["labels"] == {"method": "hello"} and len(told["series"][0]["values"]) == len(told["times_ms"])
    entries = {one["key"]: one for one in inside.ask("config")["entries"]}
    assert entries["admin.further_ports"]["default_value"] == entries["admin.further_ports"]["value"]
    assert entries["server.port"]["default_value"] == "12200" and entries["server.port"]["value"] == "0"

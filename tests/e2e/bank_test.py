"""The demo as a test: the bank is killed in the middle, and its own proof must hold."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))

import programs  # noqa: E402

BIN = str(programs.binaries())
PROOF = "every acknowledged transfer is there exactly once"


def run_demo(*arguments, tmp_path):
    command = [os.path.join(BIN, "bank-demo"), "--folder", str(tmp_path / "bank"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def figure(name, text):
    return int(re.search(name + r"\s+([\d,]+)", text)[1].replace(",", ""))


def assert_figures(text):
    """Percentiles in order, and of each process its CPU time per transfer and its memory, which a wrong sum would throw far off."""
    latencies = [float(re.search(rf"^  {re.escape(name)} +([\d.]+) ms$", text, re.MULTILINE)[1]) for name in ("p50", "p99", "p99.9")]
    assert 0 < latencies[0] <= latencies[1] <= latencies[2], latencies
    for process in ("gateway", "ledger", "risk"):
        cpu_us, megabytes = re.search(rf"^  {process} +([\d.]+) us +([\d.]+) MB$", text, re.MULTILINE).groups()
        assert 1 < float(cpu_us) < 5000, f"{process}: {cpu_us} us"
        assert 3 < float(megabytes) < 500, f"{process}: {megabytes} MB"


def assert_events_and_next_steps(text):
    killed = re.search(r"^  kill -9 of the ledger, pid (\d+)$", text, re.MULTILINE)
    back = re.search(r"^  the ledger is back, pid (\d+), on the same folder and port$", text, re.MULTILINE)
    assert killed[1] != back[1] and killed.start() < back.start()
    for name in ("bank-risk", "bank-ledger --journal-folder build/bank", "bank-gateway -c examples/bank/gateway.yaml", "sofa dev"):
        assert re.search(rf"^    ./dev run {name}$", text, re.MULTILINE), name
    assert '.setDirectUrl("bolt://127.0.0.1:12200")' in text
    assert """curl -d '["account-0000", 100000]' http://127.0.0.1:12200/bank.Gateway:1.0/openAccount""" in text
    assert "127.0.0.1:12200 bank.v1.Bank/GetStatement" in text


def test_the_bank_loses_nothing_when_its_ledger_is_killed(tmp_path):
    done = run_demo("--seconds", "4", tmp_path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert PROOF in done.stdout
    assert figure("transfers acknowledged", done.stdout) > 100
    assert re.search(r"ledger recovered in\D+\d+", done.stdout)
    assert "\033" not in done.stdout and "\r" not in done.stdout, "plain lines where there is no terminal"
    assert done.stderr == "", "what the processes log is in their files"
    shown = [float(seconds) for seconds in re.findall(r"^ *([\d.]+) of 4 s ", done.stdout, re.MULTILINE)]
    assert len(shown) >= 3 and max(shown) <= 4, shown
    assert_figures(done.stdout)
    assert_events_and_next_steps(done.stdout)
    assert str(tmp_path / "bank/bank-demo/*.log") in done.stdout
    assert "cannot connect" in (tmp_path / "bank/bank-demo/gateway.log").read_text()


def test_a_slow_risk_process_is_seen_as_deadlines_and_retries_and_books_nothing_twice(tmp_path):
    done = run_demo("--seconds", "4", "--risk-slow-one-in", "10", "--risk-slow-ms", "150", tmp_path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert PROOF in done.stdout
    assert figure("for a deadline", done.stdout) > 0
    assert figure("calls repeated", done.stdout) >= figure("for a deadline", done.stdout)


def test_a_ledger_that_forgets_is_caught(tmp_path):
    """The proof can fail: a transfer that is acknowledged but never booked must end the demo with an error."""
    done = run_demo("--seconds", "2", "--forge-acknowledgement", tmp_path=tmp_path)
    assert done.returncode == 1
    assert "is acknowledged but not in the ledger" in done.stdout


def test_the_demo_empties_no_folder_of_somebody_else(tmp_path):
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "letter").write_text("dear")
    done = run_demo("--seconds", "1", tmp_path=tmp_path)
    assert done.returncode == 1
    assert "--folder" in done.stderr
    assert (tmp_path / "bank" / "letter").read_text() == "dear"


def test_a_second_demo_on_the_same_folder_is_refused_with_the_pid_of_the_first(tmp_path):
    command = [os.path.join(BIN, "bank-demo"), "--folder", str(tmp_path / "bank"), "--seconds", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        try:
            assert "accounts" in first.stdout.readline()
            second = run_demo("--seconds", "1", tmp_path=tmp_path)
            assert second.returncode == 1
            assert f"pid {first.pid}" in second.stderr and "--folder" in second.stderr, second.stderr
            assert first.poll() is None
        finally:
            first.terminate()


@pytest.fixture(name="bank")
def started_bank(tmp_path):
    bank = programs.Bank(tmp_path)
    yield bank
    bank.stop()


def test_each_program_stops_within_two_seconds_of_sigterm(bank):
    ended = bank.stop()
    assert list(ended) == ["gateway", "ledger", "risk"]
    for name, (code, seconds) in ended.items():
        assert code == 0 and seconds < 2, (name, code, seconds)


def test_each_program_tells_of_its_components_and_of_its_health(bank):
    wanted = {"risk": {"risk"}, "ledger": {"journal", "ledger"}, "gateway": {"gateway"}}
    for name, components in wanted.items():
        at = f"http://127.0.0.1:{bank.programs[name].ports['admin']}"
        assert curl(f"{at}/actuator/readiness")["status"] == "UP", name
        assert components <= {one["name"] for one in curl(f"{at}/v1/components")["components"]}, name
    values = json.dumps(curl(f"http://127.0.0.1:{bank.programs['gateway'].ports['admin']}/v1/config"))
    assert "gateway.yaml:2" in values, "where the gateway knows the ledger's address from"


def curl(*words):
    done = subprocess.run(["curl", "-sS", "--fail-with-body", "--max-time", "20", *words], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_platform_knows_the_processes(tmp_path):
    port = programs.free_port()
    with programs.Program([os.path.join(BIN, "sofa"), "dev", "--data", tmp_path / "platform", "--port-offset", port - 9900]) as platform:
        platform.wait_for_line("^ready sofa", 30)
        bank = programs.Bank(tmp_path, "--admin-platform", f"127.0.0.1:{port}")

        def known():
            return {one["name"] for one in curl(f"http://127.0.0.1:{port}/v1/processes")}

        programs.until(lambda: {"bank-risk", "bank-ledger", "bank-gateway"} <= known())
        bank.stop()


def test_curl_calls_the_gateway_as_the_readme_says(bank):
    at = f"http://{bank.gateway}/bank.Gateway:1.0"
    assert curl("-d", '["alice", 100000]', f"{at}/openAccount")["sequence"] == 1
    assert curl("-d", '{"depositCents": 5, "account": "bob"}', f"{at}/openAccount")["sequence"] == 2
    transfer = '{"id": "t-1", "from": "alice", "to": "bob", "cents": 250}'
    receipt = curl("-d", transfer, f"{at}/transfer")
    assert (receipt["id"], receipt["sequence"]) == ("t-1", 3)
    assert curl("-d", transfer, f"{at}/transfer")["sequence"] == 3, "the same id is the same transfer"
    statement = curl(f"{at}/statement?account=alice&skip=0&limit=10")
    assert (statement["balance"], [line["cents"] for line in statement["postings"]]) == (99750, [100000, -250])
    as_json = ["-H", "content-type: application/json", "-d", '{"account": "bob", "limit": 10}']
    assert curl(*as_json, f"http://{bank.gateway}/bank.v1.Bank/GetStatement")["balance"] == "255"

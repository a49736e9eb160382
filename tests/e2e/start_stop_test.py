"""Programs that start and stop where things are not as they should be: killed, a port taken, a disk that is full or may not be written, a missing right,
a clock that jumps; and many times one after another in the same folder."""

import datetime
import http.cookies
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))

import programs  # noqa: E402

BIN = programs.binaries()
NOBODY = 65534
CYCLES = 50

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts, and other users' rights, are root's to give")


def ledger(folder):
    return [BIN / "bank-ledger", "--server-port", "0", "--admin-port", "0", "--journal-folder", folder]


def platform(folder, port=None):
    return [BIN / "sofa", "dev", "--data", folder, "--port-offset", (port or programs.free_port()) - 9900]


WRITERS = {"ledger": ledger, "platform": platform}


def fails(command, before=""):
    """Runs a program that cannot start, after `before` in a mount namespace of its own; the sentence that it ends with."""
    words = [str(word) for word in command]
    if before:
        words = ["unshare", "-m", "bash", "-c", f'set -e; {before}; exec "$@"', "start", *words]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1, done
    said = [line for line in done.stderr.splitlines() if not re.match(r"\d{4}-\d\d-\d\dT", line)]
    assert len(said) == 1, done.stderr
    return said[0]


def ask(url, method="GET", body=None, **headers):
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read() or b"null"), answer.headers
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(), refused.headers


def call(bank, method, *arguments):
    """A call of the gateway that has to be answered."""
    status, answer, _ = ask(f"http://{bank.gateway}/bank.Gateway:1.0/{method}", "POST", list(arguments))
    assert status == 200, answer
    return answer


def end(program, by=signal.SIGTERM):
    program.process.send_signal(by)
    return program.wait(20)


# --- signals


@pytest.mark.parametrize("command", [ledger, platform], ids=list(WRITERS))
def test_sigterm_ends_it_with_0_and_a_killed_one_starts_again_on_its_folder_and_port(tmp_path, command):
    with programs.Program(command(tmp_path / "data")) as first:
        first.wait_for_line("^ready ", 30)
        assert end(first, signal.SIGKILL) == -signal.SIGKILL
    again = programs.Program(command(tmp_path / "data"))
    again.wait_for_line("^ready ", 30)
    assert end(again) == 0


def test_a_second_sigterm_ends_the_ledger_at_once_and_its_book_is_whole(tmp_path):
    """128 + 15, as a shell has it; what was acknowledged is on the disk before."""
    first = programs.Server([*ledger(tmp_path / "book"), "--server-drain-delay", "30000"], protocol="port")
    opened = ask(f"http://{first.address}/bank.Ledger:1.0/openAccount", "POST", ["ann", 100])
    assert opened[0] == 200, opened
    first.process.send_signal(signal.SIGTERM)
    first.wait_for_line("step=BeforeStopStage", 10)
    assert end(first) == 128 + signal.SIGTERM
    again = programs.Server(ledger(tmp_path / "book"), protocol="port")
    assert ask(f"http://{again.address}/bank.Ledger:1.0/statement", "POST", ["ann", 0, 10])[1]["balance"] == 100
    assert end(again) == 0


# --- what is taken, read-only, full, not allowed


def test_a_port_that_is_taken_is_told_with_who_has_it(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        holder = f"port {port} is taken: 127.0.0.1:{port} is held by pid {os.getpid()}"
        said = fails([*ledger(tmp_path / "book"), "--server-port", port, "--server-insulator"])
        assert holder in said and "choose another with server.port" in said, said
        said = fails(platform(tmp_path / "data", port))
        assert holder in said and "--port-offset" in said, said


@needs_root
@pytest.mark.parametrize("command", [ledger, platform], ids=list(WRITERS))
def test_a_disk_that_may_only_be_read_is_one_sentence(tmp_path, command):
    (tmp_path / "disk").mkdir()
    said = fails(command(tmp_path / "disk" / "data"), before=f"mount --bind {tmp_path}/disk {tmp_path}/disk; mount -o remount,bind,ro {tmp_path}/disk")
    assert str(tmp_path / "disk" / "data") in said and "Read-only file system" in said, said


@needs_root
@pytest.mark.parametrize("command", [ledger, platform], ids=list(WRITERS))
def test_a_full_disk_is_one_sentence(tmp_path, command):
    (tmp_path / "disk").mkdir()
    said = fails(command(tmp_path / "disk" / "data"),
                 before=f"mount -t tmpfs -o size=256k tmpfs {tmp_path}/disk; dd if=/dev/zero of={tmp_path}/disk/filler bs=4k 2>/dev/null || true")
    assert str(tmp_path / "disk" / "data") in said and "No space left on device" in said, said


@needs_root
@pytest.mark.parametrize("command", [ledger, platform], ids=list(WRITERS))
def test_a_folder_of_somebody_else_is_one_sentence(tmp_path, command):
    (tmp_path / "disk").mkdir(mode=0o755)
    for folder in [tmp_path, *tmp_path.parents]:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    said = fails([*as_nobody, *command(tmp_path / "disk" / "data")])
    assert str(tmp_path / "disk" / "data") in said and "Permission denied" in said, said


# --- the clock


class Clock:
    """The wall clock of programs, moved while they run; their monotonic clock goes on, as the machine's does."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.move("+0")
        library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        self.environment = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}

    def move(self, by):
        new = self.file.with_suffix(".new")
        new.write_text(by + "\n")
        new.rename(self.file)


@pytest.fixture
def clock(tmp_path):
    if not list(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")):
        pytest.skip("the package faketime is not installed: ./dev setup --tests")
    return Clock(tmp_path)


JUMPS = ["+3600s", "+0", "-86400s", "+0", "+400d"]


def test_calls_in_time_stay_in_time_when_the_clock_jumps(clock, tmp_path):
    """Deadlines, retries and pings count the time that passes."""
    bank = programs.Bank(tmp_path, environment=clock.environment)
    try:
        for name in ("alice", "bob"):
            call(bank, "openAccount", name, 100_000)
        for number, jump in enumerate(JUMPS):
            clock.move(jump)
            for more in range(20):
                receipt = call(bank, "transfer", {"id": f"t{number}-{more}", "from": "alice", "to": "bob", "cents": 1})
                assert receipt["deadlines"] <= 1, "risk is slow for one in 500"
        assert call(bank, "statement", "bob", 0, 1)["balance"] == 100_000 + 20 * len(JUMPS)
    finally:
        ended = bank.stop()
    assert all(code == 0 for code, _ in ended.values()), ended
    in_300_days = (datetime.datetime.now() + datetime.timedelta(days=300)).strftime("%Y-%m-%d")
    for name, program in bank.programs.items():
        assert [line for line in program.lines if "step=ServerStopStage" in line][0] > in_300_days, f"{name} has not seen the clock jump"


def test_a_token_ends_with_its_day_and_a_session_with_the_time_that_passes(clock, tmp_path):
    port = programs.free_port()
    guarded = programs.Program([*platform(tmp_path / "data", port), "--auth"], clock.environment)
    try:
        guarded.wait_for_line("^ready ", 30)
        at = f"http://127.0.0.1:{port}"
        password = re.search(r"the password (\S+) ;", "\n".join(guarded.lines))[1]
        status, signed_in, headers = ask(f"{at}/v1/session", "POST", {"user": "admin", "password": password})
        assert status == 200, signed_in
        cookie = next(iter(http.cookies.SimpleCookie(headers["set-cookie"]).values()))
        session = {"cookie": f"{cookie.key}={cookie.value}"}
        made = subprocess.run([BIN / "sofa", "token", "add", "admin", "--expires-in", "2", "-o", "json", "--server", f"127.0.0.1:{port}", "--user", "admin"],
                              capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "SOFA_PASSWORD": password, "XDG_CONFIG_HOME": str(tmp_path)})
        assert made.returncode == 0, made
        token = {"authorization": f"Bearer {json.loads(made.stdout)['secret']}"}
        for jump, of_token in [("+0", 200), ("+3600s", 200), ("+3d", 401), ("-3600s", 200), ("+0", 200)]:
            clock.move(jump)
            assert ask(f"{at}/v1/users", **token)[0] == of_token, jump
            assert ask(f"{at}/v1/users", **session)[0] == 200, f"the session, {jump}"
        assert end(guarded) == 0
    finally:
        guarded.kill()


# --- again and again


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_fifty_starts_of_the_platform_in_one_folder_leave_nothing_behind(tmp_path):
    run = tmp_path / "run"
    port = programs.free_port()
    seen = []
    for cycle in range(CYCLES):
        one = programs.Program(platform(tmp_path / "data", port), {"SOFA_RUN_DIR": str(run)})
        one.wait_for_line("^ready ", 30)
        if cycle in (1, CYCLES - 1):
            seen.append((one.rss_mib(), len(os.listdir(f"/proc/{one.process.pid}/fd")), files_of(tmp_path / "data")))
        assert end(one) == 0, f"cycle {cycle}: {one}"
        assert os.listdir(run) == [], f"cycle {cycle}"
    (first_mib, first_open, first_files), (last_mib, last_open, last_files) = seen
    assert last_open == first_open
    assert last_mib < first_mib * 1.1 + 1, (first_mib, last_mib)
    assert len(last_files) <= len(first_files) + 2, (first_files, last_files)
    size = sum(path.stat().st_blocks * 512 for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert size < 64 << 20, f"{size} bytes on the disk"
    with socket.create_server(("127.0.0.1", port)):
        pass  # nobody holds it
    shutil.rmtree(tmp_path / "data")

"""Users, keys, tokens and roles by the program `sofa`, against a server that is killed in between; what the disk and the answers show."""

import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import programs  # noqa: E402

OK, REFUSED, WRONG_USAGE, NO_ANSWER = 0, 1, 2, 3


class Served:
    """An identity-server on a folder, and `sofa` as one of its users."""

    def __init__(self, folder):
        self.folder = folder
        self.command = [programs.binaries() / "identity-server", "--folder", folder / "identity"]
        self.server = programs.Server(self.command, protocol="http")
        self.password = next(line.split()[-1] for line in self.server.lines if line.startswith("first user: admin "))

    def kill_and_start_again(self):
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.wait(10)
        self.server = programs.Server(self.command, protocol="http")

    def sofa(self, *arguments, stdin="", user="admin", password=None, token=None):
        environment = {**os.environ, "XDG_CONFIG_HOME": str(self.folder)}
        who = []
        if token:
            environment["SOFA_TOKEN"] = token
        elif user:
            environment["SOFA_PASSWORD"] = password or self.password
            who = ["--user", user]
        command = [programs.binaries() / "sofa", *arguments, "--server", self.server.address, *who]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False, env=environment)

    def json(self, *arguments, **options):
        done = self.sofa(*arguments, "-o", "json", **options)
        assert done.returncode == OK, done
        return json.loads(done.stdout)


@pytest.fixture
def served(tmp_path):
    one = Served(tmp_path)
    yield one
    one.server.kill()


def test_what_was_acknowledged_is_there_after_a_kill(served):
    assert served.sofa("user", "add", "ann", "--role", "viewer", stdin="correct horse\n").returncode == OK
    token = served.json("token", "add", "ann", "--doc", "ci", "--expires-in", "1")["secret"]
    key = served.json("key", "add", "ann")
    served.kill_and_start_again()
    assert [user["name"] for user in served.json("user", "list")] == ["admin", "ann"]
    assert [user["name"] for user in served.json("user", "list", token=token)] == ["admin", "ann"]
    assert [one["id"] for one in served.json("key", "list", "--owner", "ann")] == [key["key"]["id"]]
    assert served.json("key", "list", "--owner", "admin") == []
    assert served.json("user", "show", "ann", user="ann", password="correct horse")["roles"] == ["viewer"]


def test_nothing_on_the_disk_or_in_a_line_of_the_server_is_a_secret(served):
    served.sofa("user", "add", "ann", stdin="correct horse\n")
    secrets = [served.password, "correct horse", served.json("token", "add", "ann")["secret"], served.json("key", "add", "ann")["secret"]]
    served.sofa("user", "list", user="ann", password="wrong horse")
    files = [path for path in (served.folder / "identity").rglob("*") if path.is_file()]
    assert len(files) >= 4
    for path in files:
        content = path.read_bytes()
        assert not any(secret.encode() in content for secret in secrets), path
    assert (served.folder / "identity" / "node-key").stat().st_mode & 0o777 == 0o600
    served.server.kill()
    said = [line for line in served.server.lines if "first user:" not in line]
    assert not any(secret in line for secret in [*secrets, "wrong horse"] for line in said)


def test_users_are_changed_and_what_they_may_counts_at_once(served):
    served.sofa("user", "add", "ann", "--role", "viewer", stdin="correct horse\n")
    token = served.json("token", "add", "ann")["secret"]
    refused = served.sofa("user", "add", "bob", "--without-password", token=token)
    assert refused.returncode == REFUSED and "lacks the permission users:write" in refused.stderr
    assert served.sofa("role", "put", "hr", "-p", "users:*", "--doc", "people").returncode == OK
    changed = served.json("user", "change", "ann", "--role", "viewer", "--role", "hr", "--display-name", "Ann")
    assert changed["roles"] == ["viewer", "hr"] and changed["display_name"] == "Ann"
    assert served.sofa("user", "add", "bob", "--without-password", token=token).returncode == OK
    in_use = served.sofa("role", "remove", "hr")
    assert in_use.returncode == REFUSED and "'ann' has the role 'hr'" in in_use.stderr
    assert served.sofa("user", "change", "ann", "--disabled").returncode == OK
    assert served.sofa("user", "list", token=token).returncode == REFUSED
    assert served.sofa("user", "change", "ann", "--no-disabled").returncode == OK
    assert served.sofa("user", "password", "ann", stdin="another horse\n").returncode == OK
    assert served.sofa("user", "list", user="ann", password="another horse").returncode == OK
    assert served.sofa("user", "remove", "ann").returncode == OK
    assert served.sofa("user", "show", "ann").returncode == REFUSED


def test_namespaces_are_added_listed_and_removed(served):
    assert served.sofa("namespace", "list").stdout == "There are no namespaces.\n"
    assert served.json("namespace", "add", "loans", "--doc", "credit")["name"] == "loans"
    assert [one["doc"] for one in served.json("namespace", "list")] == ["credit"]
    assert re.search(r"^loans +credit +\d{4}-\d\d-\d\d", served.sofa("namespace", "list").stdout, re.M)
    assert "name: loans" in served.sofa("namespace", "list", "-o", "yaml").stdout
    assert served.sofa("user", "add", "ann", "--without-password", "--namespace", "loans").returncode == OK
    held = served.sofa("namespace", "remove", "loans")
    assert held.returncode == REFUSED and "'ann' is held to the namespace 'loans'" in held.stderr
    assert served.sofa("user", "change", "ann", "--everywhere").returncode == OK
    assert served.sofa("namespace", "remove", "loans").returncode == OK
    assert served.json("namespace", "list") == []


def test_the_audit_tells_who_did_what_and_who_was_refused(served):
    served.sofa("user", "add", "ann", "--role", "viewer", stdin="correct horse\n")
    served.sofa("user", "list", user="ann", password="wrong horse")
    served.sofa("role", "put", "hr", "-p", "users:*")
    told = [(entry["actor"], entry["action"], entry["result"]) for entry in served.json("audit")]
    assert told == [("local", "user.add", "ok"), ("admin", "user.add", "ok"), ("ann", "login", "denied"), ("admin", "role.put", "ok")]
    assert [entry["actor"] for entry in served.json("audit", "--result", "denied")] == ["ann"]
    assert [entry["target"] for entry in served.json("audit", "--action", "user", "--actor", "admin")] == ["ann"]
    assert len(served.json("audit", "--since", "1h")) == 4 and len(served.json("audit", "-n", "2")) == 2
    assert re.search(r"admin +role.put +hr +ok +127.0.0.1", served.sofa("audit").stdout)
    assert served.sofa("audit", "--actor", "nobody").stdout == "Nothing of that is in the audit.\n"
    for wrong in ("yesterday", "5", "h"):
        refused = served.sofa("audit", "--since", wrong)
        assert refused.returncode == WRONG_USAGE and "30m, 2h or 7d" in refused.stderr
    denied = served.sofa("audit", user="ann", password="correct horse")
    assert denied.returncode == REFUSED and "audit:read" in denied.stderr


@pytest.mark.parametrize("form", ["table", "json"])
def test_the_audit_is_followed_and_the_password_is_checked_once(served, form):
    environment = {"XDG_CONFIG_HOME": str(served.folder), "SOFA_PASSWORD": served.password}
    command = [programs.binaries() / "sofa", "audit", "-f", "--server", served.server.address, "--user", "admin", "-o", form]
    with programs.Program(command, environment) as following:
        following.wait_for_line(r"session.open", 20)
        for name in ("ann", "bob"):
            assert served.sofa("user", "add", name, "--without-password").returncode == OK
            following.wait_for_line(rf"user.add.*{name}", 20)
        following.process.send_signal(signal.SIGINT)
        assert following.wait(10) == 130
    assert len([line for line in following.lines if "user.add" in line and "ann" in line]) == 1
    assert len(served.json("audit", "--action", "session.open")) == 1
    assert [entry["actor"] for entry in served.json("audit", "--action", "session.close")] == ["admin"], "no session stays open behind the command"


def test_tables_are_for_people(served):
    listed = served.sofa("user", "list").stdout.splitlines()
    assert listed[0].split() == ["name", "display", "name", "roles", "disabled"]
    assert listed[1].split() == ["admin", "admin", "no"]
    roles = served.sofa("role", "list").stdout
    assert re.search(r"^viewer +0 +\*:read, !audit:read$", roles, re.M), roles
    made = served.sofa("token", "add", "admin", "--expires-in", "30")
    assert re.search(r"^secret +sofa_\S{43}$", made.stdout, re.M) and "never again" in made.stderr
    assert served.sofa("key", "list").stdout == "There are no access keys.\n"


def test_who_is_refused_is_told_what_to_do(served):
    nobody = served.sofa("user", "list", user=None)
    assert nobody.returncode == REFUSED and "--user" in nobody.stderr
    wrong = served.sofa("user", "list", password="wrong horse")
    assert wrong.returncode == REFUSED and "the name or the password is wrong" in wrong.stderr
    short = served.sofa("user", "add", "ann", stdin="short\n")
    assert short.returncode == REFUSED and "8 to 256" in short.stderr
    last = served.sofa("user", "remove", "admin")
    assert last.returncode == REFUSED and "last user" in last.stderr
    assert served.sofa("user", "show").returncode == WRONG_USAGE


def test_a_stopped_server_is_said(tmp_path):
    done = subprocess.run([programs.binaries() / "sofa", "user", "list", "--server", "127.0.0.1:1"], capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)})
    assert done.returncode == NO_ANSWER and "no server can be reached at http://127.0.0.1:1" in done.stderr


def test_a_password_that_a_person_types_is_not_shown(served):
    me, terminal = pty.openpty()
    command = [programs.binaries() / "sofa", "user", "list", "--server", served.server.address, "--user", "admin"]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(served.folder)}
    asking = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True)
    os.close(terminal)
    shown, typed, deadline = b"", False, time.monotonic() + 30
    while time.monotonic() < deadline:
        if not select.select([me], [], [], 1)[0]:
            continue
        try:
            shown += os.read(me, 4096)
        except OSError:  # the program has ended
            break
        if not typed and b"Password of admin: " in shown:
            os.write(me, served.password.encode() + b"x\x7f\r")
            typed = True
    assert asking.wait(10) == OK, shown
    assert b"display name" in shown and served.password.encode() not in shown
    os.close(me)


def test_a_folder_of_a_newer_version_is_refused(served):
    served.server.kill()
    (served.folder / "identity" / "VERSION").write_text("sofa-identity 9\n")
    done = subprocess.run(served.command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "'sofa-identity 9'" in done.stderr and "start the version that wrote it" in done.stderr

"""The program `sofa` against real servers: what it prints, and how it ends."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import programs  # noqa: E402

SERVICE = "sofa.interop.InteropService"
OK, REFUSED, WRONG_USAGE, NO_ANSWER = 0, 1, 2, 3


def sofa(*arguments, stdin=None, environment=None):
    command = [programs.binaries() / "sofa", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **(environment or {})})


def result(*arguments, **options):
    """The result of a call that must succeed."""
    done = sofa(*arguments, "-o", "json", **options)
    assert done.returncode == OK, done
    return json.loads(done.stdout)["result"]


@pytest.fixture(scope="module", params=["cpp", "java"])
def server(request):
    """The contract's server, ours and SOFARPC's."""
    if request.param == "java":
        built = subprocess.run([programs.HERE / "java" / "build.sh"], capture_output=True, text=True, timeout=600, check=False)
        assert built.returncode == 0, built.stderr
    started = programs.Server(programs.server_command(request.param))
    yield started
    started.stop()


# Over Bolt, by Java signature

@pytest.mark.parametrize("method, arguments, expected", [
    ("hello(java.lang.String,int)", ["x", 2], "hello x,hello x"),
    ("hello", ["x"], "hello x"),
    ("add(int,int)", [1, 2], 3),
    ("addLong(Long,long)", [1, 2 ** 40], 2 ** 40 + 1),
    ("half(double)", [3], 1.5),
    ("ping()", [], None),
    ("sum(int[])", [[1, 2, 3]], 6),
    ("echoArray(String[])", [["a", None, "中文"]], ["a", None, "中文"]),
    ("nextLevel(sofa.interop.Level)", ["BRONZE"], {"class": "sofa.interop.Level", "name": "SILVER"}),
    ("echoBytes(byte[])", ["AQID"], {"class": "byte[]", "value": "AQID"}),
    ("plusDays(java.time.LocalDateTime,int)", ["2000-02-28T10:15:30", 1], {"class": "java.time.LocalDateTime", "value": "2000-02-29T10:15:30"}),
    ("echoMap(Map)", [{"a": 1, "b": [1.5, None, True, 2 ** 40]}], {"a": 1, "b": [1.5, None, True, 2 ** 40]}),
])
def test_arguments_and_results_are_json(server, method, arguments, expected):
    assert result("call", server.address, f"{SERVICE}.{method}", json.dumps(arguments)) == expected


def test_an_object_goes_in_as_it_came_out(server):
    user = result("call", server.address, f"{SERVICE}.getUser(long)", "[7]")
    assert user["class"] == "sofa.interop.User" and user["id"] == 7
    assert user["birthday"] == {"class": "java.util.Date", "value": "2000-01-01T00:00:07Z"}
    back = result("call", server.address, f"{SERVICE}.putUser(sofa.interop.User)", "-", stdin=json.dumps([user]))
    assert {**back, "id": 7} == {**user, "id": 7, "name": back["name"], "manager": back["manager"]}


def test_baggage_and_metadata_travel_with_the_call(server):
    done = sofa("call", server.address, f"{SERVICE}.baggage(String)", '["k"]', "-b", "k=v", "-o", "json")
    answer = json.loads(done.stdout)
    assert (answer["result"], answer["baggage"]) == ("v", {"answer": "got-v"})


def test_a_java_exception_is_shown_as_java_shows_it(server):
    done = sofa("call", server.address, f"{SERVICE}.fail(String)", '["checked"]')
    assert done.returncode == REFUSED and done.stdout == ""
    assert "sofa.interop.InteropException: boom checked" in done.stderr and "code = 42" in done.stderr
    told = json.loads(sofa("call", server.address, f"{SERVICE}.fail(String)", '["checked"]', "-o", "json").stdout)
    assert told["ok"] is False
    assert told["error"]["exception"]["class"] == "sofa.interop.InteropException"
    assert told["error"]["exception"]["fields"]["code"] == 42


def test_a_call_that_takes_too_long_ends_with_a_sentence(server):
    done = sofa("call", server.address, f"{SERVICE}.sleep(long)", "[5000]", "-t", "0.3")
    assert done.returncode == NO_ANSWER
    assert "no answer within" in done.stderr and "--timeout" in done.stderr


def test_nobody_at_the_address_is_said():
    done = sofa("call", "bolt://127.0.0.1:1", f"{SERVICE}.ping()")
    assert done.returncode == NO_ANSWER
    assert len(done.stderr.splitlines()) == 1 and "127.0.0.1:1" in done.stderr and "start one there" in done.stderr


# The command line

@pytest.mark.parametrize("arguments, words", [
    (["cal"], ["'cal'", "call", "sofa help"]),
    (["call"], ["TARGET SERVICE.METHOD"]),
    (["call", "smtp://h:1", "a.b"], ["smtp", "bolt"]),
    (["call", "h:1", "hello"], ["'hello'", "SERVICE.METHOD"]),
    (["call", "h:1", "a.b", "--tmeout", "3"], ["--timeout"]),
    (["call", "127.0.0.1:1", "a.b(int)", '["x"]'], ["argument 1", "whole number", '"x"']),
    (["call", "127.0.0.1:1", "a.b(int)", "[1, 2]"], ["takes 1 arguments", "2 are given"]),
    (["call", "127.0.0.1:1", "a.b(int)", "[1"], ["arguments"]),
])
def test_a_wrong_command_line_ends_with_2_and_says_what_is_meant(arguments, words):
    done = sofa(*arguments)
    assert (done.returncode, done.stdout) == (WRONG_USAGE, "")
    assert all(word in done.stderr for word in words), done.stderr


def test_help_lists_the_commands_and_explains_one():
    done = sofa("help")
    assert done.returncode == OK and "  call " in done.stdout
    assert sofa().stdout == done.stdout
    assert "--timeout" in sofa("help", "call").stdout
    assert sofa("help", "call").stdout == sofa("call", "--help").stdout


def test_nothing_is_coloured_unless_a_person_looks():
    assert "\x1b" not in sofa("help").stdout

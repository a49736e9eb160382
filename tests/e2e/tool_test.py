"""The program `sofa` against real servers: what it prints, and how it ends."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from concurrent import futures

import grpc
import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import certificates  # noqa: E402
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


def one_port(*flags):
    """The contract's server with every protocol on its port."""
    return programs.Server([programs.binaries() / "interop-server", "--port", "0", *flags], protocol="h2")


@pytest.fixture(scope="module")
def all_protocols():
    with one_port() as server:
        yield server.address


@pytest.fixture(scope="module", params=["cpp", "java"])
def server(request):
    """The contract's server, ours and SOFARPC's."""
    if request.param == "java":
        programs.compile_java(programs.HERE / "java")
    with programs.Server(programs.server_command(request.param)) as started:
        yield started


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
    in_yaml = sofa("call", server.address, f"{SERVICE}.baggage(String)", '["k"]', "-b", "k=v", "-o", "yaml").stdout
    assert {**yaml.safe_load(in_yaml), "milliseconds": 0} == {**answer, "milliseconds": 0}


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


@pytest.mark.parametrize("protocol", ["bolt", "dubbo", "tri", "http", "h2c"])
def test_arguments_come_from_standard_input(all_protocols, protocol):
    service = "sofa.interop.DubboInteropService:1.0" if protocol == "dubbo" else SERVICE
    assert result("call", f"{protocol}://{all_protocols}", f"{service}.add", "-", stdin=" \n[1, 2]\n") == 3


# Over Dubbo, by Java signature

DUBBO_SERVICE = "sofa.interop.DubboInteropService:1.0"


@pytest.fixture(scope="module", params=["cpp", "java"])
def dubbo_target(request):
    if request.param == "java":
        programs.compile_java(programs.DUBBO_JAVA)
        command = programs.dubbo_command("DubboJavaServer", "--dubbo", "0")
    else:
        command = [programs.binaries() / "interop-server", "--port", "0"]
    with programs.Server(command, protocol="dubbo") as started:
        yield f"dubbo://{started.address}"


@pytest.mark.parametrize("method, arguments, expected", [
    ("hello(String,int)", ["x", 2], "hello x,hello x"),
    ("add(int,int)", [1, 2], 3),
    ("echoArray(String[])", [["a", None]], ["a", None]),
    ("nextLevel(sofa.interop.Level)", ["BRONZE"], {"class": "sofa.interop.Level", "name": "SILVER"}),
    ("plusDays(java.time.LocalDateTime,int)", ["2000-02-28T10:15:30", 1], {"class": "java.time.LocalDateTime", "value": "2000-02-29T10:15:30"}),
])
def test_dubbo_takes_and_gives_the_same_json(dubbo_target, method, arguments, expected):
    assert result("call", dubbo_target, f"{DUBBO_SERVICE}.{method}", json.dumps(arguments)) == expected


def test_a_user_over_dubbo_goes_in_as_it_came_out(dubbo_target):
    user = result("call", dubbo_target, f"{DUBBO_SERVICE}.getUser(long)", "[7]")
    assert user["birthday"] == {"class": "java.util.Date", "value": "2000-01-01T00:00:07Z"}
    back = result("call", dubbo_target, f"{DUBBO_SERVICE}.putUser(sofa.interop.User)", "-", stdin=json.dumps([user]))
    assert back["class"] == "sofa.interop.User" and back["balance"] == user["balance"]


def test_a_java_exception_over_dubbo_is_shown(dubbo_target):
    done = sofa("call", dubbo_target, f"{DUBBO_SERVICE}.fail(String)", '["checked"]')
    assert done.returncode == REFUSED
    assert "sofa.interop.InteropException" in done.stderr and "boom checked" in done.stderr


# Over Triple's wrapper messages, by Java signature

@pytest.fixture(scope="module", params=["cpp-sofarpc", "cpp-dubbo", "java-dubbo"])
def triple(request):
    """Our server, and Dubbo's; as callers of SOFARPC and of Dubbo name them, with the service there."""
    kind, family = request.param.split("-")
    if kind == "cpp":
        command, protocol = [programs.binaries() / "interop-server", "--port", "0"], "h2"
    else:
        programs.compile_java(programs.DUBBO_JAVA)
        command, protocol = programs.dubbo_command("DubboJavaServer", "--triple", 0), "triple"
    with programs.Server(command, protocol=protocol) as started:
        is_dubbo = family == "dubbo"
        yield f"tri://{started.address}{'?serialization=hessian4' if is_dubbo else ''}", DUBBO_SERVICE if is_dubbo else SERVICE


def test_methods_of_java_types_over_triple(triple):
    target, service = triple
    patience = ["-t", "30"]  # a JVM's first call loads classes
    assert result("call", target, f"{service}.hello(String,int)", '["x", 2]', *patience) == "hello x,hello x"
    assert result("call", target, f"{service}.add(int,int)", "[1, 2]") == 3
    user = result("call", target, f"{service}.getUser(long)", "[7]")
    assert user["class"] == "sofa.interop.User" and user["birthday"] == {"class": "java.util.Date", "value": "2000-01-01T00:00:07Z"}
    assert result("call", target, f"{service}.putUser(sofa.interop.User)", json.dumps([user]))["balance"] == user["balance"]
    done = sofa("call", target, f"{service}.fail(String)", '["checked"]')
    assert done.returncode == REFUSED and "boom checked" in done.stderr


@pytest.mark.parametrize("protocol", ["bolt", "tri", "http"])
def test_a_version_is_called_over_every_protocol_of_sofarpc(all_protocols, protocol):
    target = f"{protocol}://{all_protocols}"
    assert result("call", target, f"{SERVICE}.echo", '["x"]') == "x"
    assert result("call", target, f"{SERVICE}:2.0.echo", '["x"]') == "2.0:x"
    assert result("call", target, f"{SERVICE}:1.0:blue.echo", '["x"]') == "blue:x"


# Methods of a .proto: gRPC, Triple, JSON over HTTP

PROTO = "sofa.interop.pb.Interop"
PROTO_FILE = programs.HERE / "proto" / "interop.proto"


def grpcio_server(folder):
    """The contract's gRPC service by grpcio, with its own reflection."""
    pool = descriptor_pool.Default()
    for file in descriptor_pb2.FileDescriptorSet.FromString(programs.compile_proto(folder, PROTO_FILE.name).read_bytes()).file:
        pool.Add(file)
    request, response = (message_factory.GetMessageClass(pool.FindMessageTypeByName(f"sofa.interop.pb.{name}")) for name in ("EchoRequest", "EchoResponse"))

    def answer(message, index, context):
        if message.fail:
            context.abort(grpc.StatusCode.UNKNOWN, f"boom {message.fail}")
        metadata = dict(context.invocation_metadata())
        return response(text=message.text, index=index, blob=message.blob, attrs={**message.attrs, **({"k": metadata["k"]} if "k" in metadata else {})})

    def gathered(messages, context):
        texts = [message.text for message in messages]
        return response(text="".join(texts), index=len(texts))

    codec = {"request_deserializer": request.FromString, "response_serializer": response.SerializeToString}
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(PROTO, {
        "Echo": grpc.unary_unary_rpc_method_handler(lambda m, c: answer(m, 0, c), **codec),
        "ServerStream": grpc.unary_stream_rpc_method_handler(lambda m, c: (answer(m, i, c) for i in range(m.times)), **codec),
        "ClientStream": grpc.stream_unary_rpc_method_handler(gathered, **codec),
        "BidiStream": grpc.stream_stream_rpc_method_handler(lambda ms, c: (answer(m, i, c) for i, m in enumerate(ms)), **codec),
    })])
    reflection.enable_server_reflection([PROTO, reflection.SERVICE_NAME], server)
    return server, f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"


@pytest.fixture(scope="module", params=["cpp", "grpcio"])
def grpc_address(request, tmp_path_factory):
    if request.param == "grpcio":
        server, address = grpcio_server(tmp_path_factory.mktemp("proto"))
        server.start()
        yield address
        server.stop(None).wait(10)
    else:
        with one_port() as server:
            yield server.address


def messages(done):
    assert done.returncode == OK, done
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("protocol", ["grpc", "tri"])
@pytest.mark.parametrize("source", [[], ["--proto", PROTO_FILE]], ids=["reflection", "proto"])
def test_a_message_goes_in_and_out_as_json(grpc_address, protocol, source):
    answer = result("call", f"{protocol}://{grpc_address}", f"{PROTO}.Echo", '{"text": "hi 中", "blob": "AQID", "attrs": {"a": "b"}}', *source)
    assert answer == {"text": "hi 中", "index": 0, "blob": "AQID", "attrs": {"a": "b"}}


@pytest.mark.parametrize("protocol", ["grpc", "tri"])
def test_a_message_goes_to_the_version_that_is_named(all_protocols, protocol):
    done = sofa("call", f"{protocol}://{all_protocols}", f"{PROTO}:7.0:blue.Echo", '{"text": "x"}')
    assert done.returncode == REFUSED and "tri-service-version '7.0' and tri-service-group 'blue'" in done.stderr, done


@pytest.mark.parametrize("protocol", ["grpc", "tri"])
def test_a_message_comes_from_standard_input(grpc_address, protocol):
    assert result("call", f"{protocol}://{grpc_address}", f"{PROTO}.Echo", "-", stdin='\n {"text": "hi"}\n')["text"] == "hi"


def test_a_server_stream_is_one_line_for_each_message(grpc_address):
    done = sofa("call", f"grpc://{grpc_address}", f"{PROTO}.ServerStream", '{"text": "s", "times": 3}', "-o", "json")
    assert [message["index"] for message in messages(done)] == [0, 1, 2]


def test_a_client_stream_is_one_message_for_each_line_of_the_input(grpc_address):
    done = sofa("call", f"grpc://{grpc_address}", f"{PROTO}.ClientStream", "-", "-o", "json", stdin='{"text": "a"}\n\n{"text": "b"}')
    assert [(message["text"], message["index"]) for message in messages(done)] == [("ab", 2)]


def test_a_stream_both_ways_answers_before_the_input_has_ended(grpc_address):
    command = [programs.binaries() / "sofa", "call", f"grpc://{grpc_address}", f"{PROTO}.BidiStream", "-", "-o", "json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        for text in ("a", "b"):
            running.stdin.write(json.dumps({"text": text}) + "\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["text"] == text
        running.stdin.close()
        assert running.wait(20) == OK


def test_a_stream_whose_input_stays_open_ends_with_the_signal(grpc_address):
    command = [programs.binaries() / "sofa", "call", f"grpc://{grpc_address}", f"{PROTO}.BidiStream", "-", "-o", "json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        running.stdin.write('{"text": "a"}\n')
        running.stdin.flush()
        assert json.loads(running.stdout.readline())["text"] == "a"
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 130


def test_a_status_is_told_with_its_code(grpc_address):
    done = sofa("call", f"grpc://{grpc_address}", f"{PROTO}.Echo", '{"fail": "x"}', "-o", "json")
    assert done.returncode == REFUSED
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "unknown" and "boom x" in error["message"] and f"{PROTO}/Echo" in error["message"]


def test_a_wrong_field_or_method_is_named(grpc_address):
    done = sofa("call", f"grpc://{grpc_address}", f"{PROTO}.Echo", '{"texty": "x"}')
    assert done.returncode == WRONG_USAGE and "texty" in done.stderr and "text, times, blob, attrs, sleepMs, fail" in done.stderr
    done = sofa("call", f"grpc://{grpc_address}", f"{PROTO}.Ecko")
    assert done.returncode == REFUSED and "ServerStream" in done.stderr
    done = sofa("call", f"grpc://{grpc_address}", f"{PROTO}.BidiStream", "-", stdin='{"text": "a"}\n{"texty": "b"}\n')
    assert done.returncode == REFUSED and "line 2" in done.stderr


def test_services_and_methods_are_listed(grpc_address):
    listed = json.loads(sofa("call", f"grpc://{grpc_address}", "-o", "json").stdout)
    methods = {service["service"]: service["methods"] for service in listed}[PROTO]
    assert methods["ServerStream"] == "(sofa.interop.pb.EchoRequest) returns (stream sofa.interop.pb.EchoResponse)"
    assert f"{PROTO}\n  Echo(" in sofa("call", grpc_address).stdout


def test_metadata_reaches_the_service(tmp_path):
    server, address = grpcio_server(tmp_path)
    server.start()
    try:
        assert result("call", f"grpc://{address}", f"{PROTO}.Echo", "{}", "-H", "k=v")["attrs"] == {"k": "v"}
    finally:
        server.stop(None).wait(10)


def test_json_over_http(all_protocols):
    target = f"http://{all_protocols}"
    assert result("call", target, f"{PROTO}.Echo", '{"text": "hi"}') == {"text": "hi"}
    assert result("call", target, f"{SERVICE}.hello", '["x"]') == "hello x"
    done = sofa("call", target, f"{PROTO}.Echo", '{"texty": "hi"}')
    assert done.returncode == REFUSED and "400" in done.stderr and "texty" in done.stderr
    assert sofa("call", target, "no.Such.method", "{}").returncode == REFUSED


@pytest.fixture(scope="module")
def orders():
    with programs.Server([programs.binaries() / "rest-orders", "--port", "0"]) as server:
        yield f"127.0.0.1:{server.port}"


def test_routes_of_rest_take_arguments_by_name(orders):
    target = f"http://{orders}"
    assert result("call", target, "POST /orders", '{"item": "tea & cake", "count": 2}')["id"] == 1
    assert result("call", target, "GET /orders/{id}", '{"id": 1}')["item"] == "tea & cake"
    assert result("call", target, "GET /orders", '{"item": "tea & cake"}')[0]["id"] == 1
    assert result("call", target, "GET /orders", '{"item": "milk"}') == []
    missing = sofa("call", target, "GET /orders/{id}", '{"id": 7}')
    assert missing.returncode == REFUSED and "there is no order 7" in missing.stderr
    wrong = sofa("call", target, "GET /orders/{id}", '{"idd": 7}')
    assert wrong.returncode == WRONG_USAGE and "'idd'" in wrong.stderr


def test_routes_of_rest_are_listed(orders):
    listed = {service["service"]: service["methods"] for service in json.loads(sofa("call", f"http://{orders}", "-o", "json").stdout)}
    assert "integer id" in listed["Orders"]["GET /orders/{id}"]


# Methods of a .proto over Bolt

BOLT_PROTO = ["--proto", programs.HERE / "proto" / "interop_pb.proto"]
BOLT_ECHO = "sofa.interop.InteropPbService/echo"


def test_a_message_over_bolt_goes_in_and_out_as_json(server):
    target = f"bolt://{server.address}"
    sent = {"text": "hi 中", "blob": "AQID", "attrs": {"a": "b"}}
    assert result("call", target, BOLT_ECHO, json.dumps(sent), *BOLT_PROTO) == {**sent, "index": 0}
    assert result("call", target, BOLT_ECHO, "-", *BOLT_PROTO, stdin=json.dumps(sent)) == {**sent, "index": 0}
    done = sofa("call", target, BOLT_ECHO, '{"fail": "checked"}', *BOLT_PROTO)
    assert done.returncode == REFUSED and "boom checked" in done.stderr, done
    run, = figures(target, BOLT_ECHO, '{"text": "x"}', *BOLT_PROTO, "-d", "0.2", "-w", "0")["runs"]
    assert run["calls"] > 0 and run["errors"] == {}


def test_what_is_wrong_with_a_message_over_bolt_is_told(server):
    target = f"bolt://{server.address}"
    done = sofa("call", target, BOLT_ECHO, '{"texty": "hi"}', *BOLT_PROTO)
    assert done.returncode == WRONG_USAGE and "texty" in done.stderr
    done = sofa("call", target, BOLT_ECHO, '{"text": "hi"}')
    assert done.returncode == WRONG_USAGE and "--proto" in done.stderr
    done = sofa("call", target, f"{PROTO}/BidiStream", "{}", "--proto", PROTO_FILE)
    assert done.returncode == WRONG_USAGE and "streams" in done.stderr and "grpc://" in done.stderr
    done = sofa("call", target, BOLT_ECHO.replace("/", ":9.9/"), '{"text": "hi"}', *BOLT_PROTO)
    assert done.returncode == REFUSED and "InteropPbService:9.9" in done.stderr, done


# TLS

@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An authority of this test."""
    return certificates.Certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that no server here believes."""
    return certificates.Certificates(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def secure(made):
    """A server whose certificate the authority has signed."""
    with one_port(*made.server_flags()) as server:
        yield server.address


@pytest.fixture(scope="module")
def mutual(made):
    """One that wants the caller's certificate, too."""
    with one_port(*made.server_flags(), "--tls-client-ca", made.ca) as server:
        yield server.address


ENCRYPTED = [
    ("bolt", f"{SERVICE}.add(int,int)", "[1, 2]", 3),
    ("dubbo", f"{DUBBO_SERVICE}.add(int,int)", "[1, 2]", 3),
    ("tri", f"{SERVICE}.add(int,int)", "[1, 2]", 3),
    ("grpcs", f"{PROTO}.Echo", '{"text": "x"}', {"text": "x", "index": 0, "blob": "", "attrs": {}}),
    ("https", f"{PROTO}.Echo", '{"text": "x"}', {"text": "x"}),
]


@pytest.mark.parametrize("protocol, method, arguments, expected", ENCRYPTED)
def test_calls_over_tls(secure, made, protocol, method, arguments, expected):
    call = "call", f"{protocol}://{secure}", method, arguments
    assert result(*call, "--ca", made.ca) == expected
    assert result(*call, "--insecure") == expected
    done = sofa(*call, "--tls")
    assert done.returncode == NO_ANSWER and "certificate" in done.stderr and "--ca" in done.stderr, done


def test_java_types_over_https_are_refused_in_a_sentence(secure, made):
    done = sofa("call", f"https://{secure}", f"{SERVICE}.add(int,int)", "[1, 2]", "--ca", made.ca)
    assert done.returncode == WRONG_USAGE and f"write h2://{secure}" in done.stderr, done
    assert result("call", f"h2://{secure}", f"{SERVICE}.add(int,int)", "[1, 2]", "--ca", made.ca) == 3


@pytest.mark.parametrize("protocol, method, arguments, expected", ENCRYPTED)
def test_calls_over_mutual_tls_and_what_a_refused_certificate_is_told(mutual, made, stranger, protocol, method, arguments, expected):
    call = "call", f"{protocol}://{mutual}", method, arguments

    def told(*flags):
        done = sofa(*call, *flags)
        assert done.returncode == NO_ANSWER and len(done.stderr.splitlines()) == 1, done
        return done.stderr

    assert result(*call, "--ca", made.ca, *identity(made)) == expected
    assert "certificate required" in told("--ca", made.ca) and "--cert and --key" in told("--ca", made.ca)
    assert "does not trust the issuer of our certificate" in told("--ca", made.ca, *identity(stranger))
    unknown = told("--ca", stranger.ca, *identity(made))
    assert "issued by 'CN=Interop Root'" in unknown and "--ca" in unknown
    misnamed = told("--ca", made.ca, *identity(made), "--server-name", "elsewhere.example")
    assert "made for localhost" in misnamed and "--server-name" in misnamed
    assert result(*call, "--ca", made.ca, *identity(made), "--server-name", "localhost")


def identity(of):
    certificate, key = of.client
    return "--cert", certificate, "--key", key


def test_bench_and_top_prove_who_they_are(mutual, made):
    run, = figures(f"bolt://{mutual}", f"{SERVICE}.add(int,int)", "[1, 2]", "-d", "0.2", "-w", "0", "--ca", made.ca, *identity(made))["runs"]
    assert run["calls"] > 0 and run["errors"] == {}
    done = sofa("top", mutual, "--once", "-o", "json", "--ca", made.ca, *identity(made))
    assert done.returncode == OK and "add" in done.stdout, done
    done = sofa("top", mutual, "--once", "--ca", made.ca)
    assert done.returncode == NO_ANSWER and "--cert and --key" in done.stderr, done


@pytest.mark.parametrize("flags, words", [
    (["--cert", "mine.pem"], ["--cert and --key go together"]),
    (["--ca", "/no/such.pem"], ["/no/such.pem", "--ca", "No such file"]),
])
@pytest.mark.parametrize("command", [["call"], ["call", "a.B/c"], ["bench", "a.B/c"], ["top"]], ids=lambda words: words[0])
def test_flags_of_tls_that_cannot_be_meant_are_told_at_once(command, flags, words):
    name, *method = command
    done = sofa(name, "127.0.0.1:1", *method, *flags)
    assert done.returncode == WRONG_USAGE and all(word in done.stderr for word in words), done


# Load

def figures(*arguments):
    done = sofa("bench", *arguments, "-o", "json")
    assert done.returncode == OK, done
    return json.loads(done.stdout)


@pytest.mark.parametrize("protocol, method, arguments", [
    ("bolt", f"{SERVICE}.add(int,int)", "[1, 2]"),
    ("dubbo", f"{DUBBO_SERVICE}.add(int,int)", "[1, 2]"),
    ("grpc", f"{PROTO}.Echo", '{"text": "x"}'),
    ("tri", f"{PROTO}.Echo", '{"text": "x"}'),
    ("http", f"{PROTO}.Echo", '{"text": "x"}'),
])
def test_a_load_in_a_closed_loop(all_protocols, protocol, method, arguments):
    run, = figures(f"{protocol}://{all_protocols}", method, arguments, "-c", "4", "-n", "2", "-d", "0.3", "-w", "0")["runs"]
    assert run["calls"] > 0 and run["errors"] == {} and run["unsent"] == 0
    assert 0 < run["p50_us"] <= run["p90_us"] <= run["p99_us"] <= run["p999_us"] <= run["max_us"]
    assert run["rate"] == pytest.approx(run["calls"] / run["seconds"], rel=0.01)


def test_a_load_at_a_rate(all_protocols):
    run, = figures(all_protocols, f"{SERVICE}.add(int,int)", "[1, 2]", "-r", "200", "-c", "64", "-d", "1", "-w", "0")["runs"]
    assert run["calls"] + run["unsent"] == 200


def test_latencies_at_a_rate_count_from_when_a_call_was_due(all_protocols):
    run, = figures(all_protocols, f"{SERVICE}.sleep(long)", "[50]", "-r", "100", "-c", "1", "-d", "1", "-w", "0")["runs"]
    assert run["unsent"] > 50, "one caller that needs 50 ms a call makes 20 in a second, not 100"
    assert run["max_us"] > 200_000, "the last of them waited for those before"


def test_two_targets_are_compared(all_protocols):
    told = figures(f"bolt://{all_protocols}", f"{SERVICE}.sleep(long)", "[5]", "-d", "0.5", "-w", "0", "--compare", all_protocols)
    assert len(told["runs"]) == 2
    assert set(told["ratios"]) == {"rate", "p50_us", "p90_us", "p99_us", "p999_us", "max_us"}
    table = sofa("bench", all_protocols, f"{SERVICE}.ping()", "-d", "0.2", "-w", "0", "--compare", all_protocols).stdout.splitlines()
    assert table[0].split() == ["target", "calls/s", "p50", "p90", "p99", "p99.9", "max", "errors"]
    assert len(table) == 4 and table[3].startswith("second / first")


def test_failed_calls_are_counted_by_kind(all_protocols):
    done = sofa("bench", all_protocols, f"{SERVICE}.fail(String)", '["checked"]', "-d", "0.2", "-w", "0")
    assert done.returncode == REFUSED
    assert "sofa.interop.InteropException" in done.stdout and "boom checked" in done.stdout


@pytest.mark.parametrize("protocol", ["grpc", "tri"])
@pytest.mark.parametrize("method, message, flags", [
    ("BidiStream", {"text": "x"}, []),
    ("ServerStream", {"text": "x", "times": 7}, []),
    ("ClientStream", {"text": "x"}, ["-m", "5"]),
])
def test_a_load_of_a_method_that_streams_counts_messages(all_protocols, protocol, method, message, flags):
    run, = figures(f"{protocol}://{all_protocols}", f"{PROTO}.{method}", json.dumps(message), "-c", "3", "-n", "2", "-d", "0.3", "-w", "0.1", *flags)["runs"]
    assert run["unit"] == "messages" and run["errors"] == {}
    assert run["calls"] > 21, "more than one call of each caller"
    assert 0 < run["p50_us"] <= run["max_us"]


def test_a_load_of_streams_at_a_rate_and_of_two_targets(all_protocols):
    target, method, message = f"grpc://{all_protocols}", f"{PROTO}.BidiStream", '{"text": "x", "sleepMs": 20}'
    run, = figures(target, method, message, "-r", "200", "-c", "16", "-d", "1", "-w", "0")["runs"]
    assert run["calls"] + run["unsent"] == 200
    told = figures(target, method, message, "-d", "0.5", "-w", "0", "--compare", f"tri://{all_protocols}")
    assert [run["unit"] for run in told["runs"]] == ["messages", "messages"] and "p50_us" in told["ratios"]
    table = sofa("bench", target, method, message, "-d", "0.2", "-w", "0").stdout
    assert "messages/s" in table


def test_a_stream_without_the_message_that_is_due_is_an_error(all_protocols):
    done = sofa("bench", f"grpc://{all_protocols}", f"{PROTO}.ServerStream", '{"times": 0}', "-d", "0.1", "-w", "0")
    assert done.returncode == REFUSED and "failed_precondition" in done.stdout and "without an answer" in done.stdout, done


# Recorded bytes

HEARTBEAT = "01 01 0000 01 00000007 01 00000bb8 0000 0000 00000000"  # of Bolt


def vectors(path, key):
    lines = (ROOT / "src" / "sofa" / path).read_text().splitlines()
    return [json.loads(line)[key] for line in lines]


@pytest.mark.parametrize("path, word", [
    ("wire/bolt/tests/vectors/exchanges.jsonl", "com.alipay.sofa.rpc.core.request.SofaRequest"),
    ("wire/dubbo/tests/vectors/dubbo-frames.jsonl", "parameter types"),
    ("rpc/tests/vectors/triple-exchanges.jsonl", "HEADERS"),
])
def test_recorded_bytes_are_explained_whatever_they_are(path, word, tmp_path):
    recorded = vectors(path, "request")[0]
    done = sofa("trace-bytes", "-", stdin=recorded)
    assert done.returncode == OK and word in done.stdout, done
    binary = tmp_path / "recorded.bin"
    binary.write_bytes(bytes.fromhex(recorded))
    assert sofa("trace-bytes", binary).stdout == done.stdout
    fields = json.loads(sofa("trace-bytes", binary, "-o", "json").stdout)["fields"]
    assert bytes.fromhex("".join(field["bytes"] for field in fields)) == binary.read_bytes()


def test_a_heartbeat_is_explained_field_by_field():
    lines = [line.split() for line in sofa("trace-bytes", "-", stdin=HEARTBEAT).stdout.splitlines()]
    assert ["0", "01", "protocol", "1"] in lines
    assert ["2", "00", "00", "command", "0", "(heartbeat)"] in lines
    assert ["5", "00", "00", "00", "07", "request", "id", "7"] in lines


def test_the_first_wrong_byte_is_told_with_what_was_expected():
    done = sofa("trace-bytes", "-", "--as", "bolt", stdin=HEARTBEAT.replace("01 01 0000", "01 07 0000"))
    assert done.returncode == REFUSED
    assert "byte 1 is wrong" in done.stderr and "request" in done.stderr and "07" in done.stderr
    done = sofa("trace-bytes", "-", stdin=HEARTBEAT[:20])
    assert done.returncode == REFUSED and "more bytes" in done.stderr and "the end" in done.stderr
    assert sofa("trace-bytes", "/no/such/file").returncode == WRONG_USAGE


def test_hessian_of_either_dialect():
    assert "double 1" in sofa("trace-bytes", "-", "--as", "hessian", stdin="68").stdout
    assert "double 1" in sofa("trace-bytes", "-", "--as", "hessian4", stdin="5c").stdout


# The examples of docs/tool.md and docs/configuration.md

def examples():
    """The commands of its code blocks, each with the lines of output that follow it."""
    found = []
    pages = [(ROOT / "docs" / name).read_text() for name in ("tool.md", "configuration.md")]
    for block in (block for page in pages for block in page.split("```")[1::2]):
        before = len(found)
        for line in block.strip("\n").splitlines():
            if re.match(r"([A-Z_]+=\S+ )*sofa ", line) or "| sofa " in line:
                found.append((line, []))
            elif len(found) > before:
                found[-1][1].append(line)
    return found


@pytest.fixture(scope="module")
def documented_ports():
    """The servers of the page, and where they listen here."""
    with (programs.Server([programs.binaries() / "hello-server", "--port", "0"]) as hello,
          programs.Server([programs.binaries() / "greeter-server", "--port", "0"], protocol="h2") as greeter,
          programs.Server([programs.binaries() / "rest-orders", "--port", "0"]) as orders):
        yield {"12200": str(hello.port), "12201": str(greeter.port), "12202": str(orders.port)}


@pytest.mark.parametrize("command, output", examples(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_examples_of_the_docs_work(documented_ports, command, output):
    for documented, port in documented_ports.items():
        command = command.replace(f"127.0.0.1:{documented}", f"127.0.0.1:{port}")
    environment = {**os.environ, "PATH": f"{programs.binaries()}:{os.environ['PATH']}", "XDG_CONFIG_HOME": "/nonexistent"}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False, env=environment, cwd=ROOT)
    assert done.returncode == OK, done
    if output:
        assert done.stdout.splitlines() == output


# The command line

def completed(line):
    """What bash would offer for the last word of a line."""
    words = line.split(" ")
    given = " ".join(word or "''" for word in words)
    script = sofa("completion", "bash").stdout + f"COMP_WORDS=({given}); COMP_CWORD={len(words) - 1}; _sofa; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True).stdout.split()


def test_bash_completes_commands_flags_and_values():
    assert completed("sofa ca") == ["call"]
    assert {"call", "bench", "trace-bytes", "completion", "help"} <= set(completed("sofa "))
    assert "--timeout" in completed("sofa call h:1 --t")
    assert completed("sofa call --output j") == ["json"]
    assert completed("sofa call -o j") == ["json"]
    assert completed("sofa completion f") == ["fish"]
    assert completed("sofa call") == ["call"]
    assert completed("sofa help tr") == ["trace-bytes"]
    assert completed("sofa conf") == ["config"]
    assert "check" in completed("sofa config ")
    assert "check" in completed("sofa help config ch")
    assert completed("sofa config check --con") == ["--config"]


def offered_by_fish(line):
    script = sofa("completion", "fish").stdout + f"complete -C '{line}'"
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return [offer.split("\t")[0] for offer in done.stdout.splitlines()]


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish: './dev setup --tests' installs it")
def test_fish_completes_commands_flags_and_values():
    assert offered_by_fish("sofa ca") == ["call"]
    assert {"--timeout", "--tls"} <= set(offered_by_fish("sofa call --t"))
    assert {"-o", "-t"} <= set(offered_by_fish("sofa call -"))
    assert offered_by_fish("sofa call -o ") == ["json", "table", "wide", "yaml"]
    assert offered_by_fish("sofa help tr") == ["trace-bytes"]
    assert offered_by_fish("sofa conf") == ["config"]
    assert offered_by_fish("sofa config ch") == ["check"]
    assert offered_by_fish("sofa help config ch") == ["check"]
    assert "--config" in offered_by_fish("sofa config check --con")
    assert offered_by_fish("sofa completion z") == ["zsh"]


# Types a line and a tab into a zsh of its own; its completion is told to write what it offers into the file OFFERED and to leave the line alone.
ZSH = r"""
zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell 'autoload -Uz compinit; compinit -u -D; source $SCRIPT; PS1=; unsetopt zle_bracketed_paste
compadd() { builtin compadd -O matches "$@"; print -rl -- $matches >> $OFFERED; builtin compadd "$@" }; print rea""dy'
zpty -r -m shell line '*ready*'
zpty -w -n shell "$LINE"$'\t'
zpty -w -n shell $'\C-u'"print do"'""'$'ne\n'
zpty -r -m shell line '*done*'
zpty -d shell
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh: './dev setup --tests' installs it")
@pytest.mark.parametrize("line, words", [
    ("sofa ca", {"call"}),
    ("sofa call --tim", {"--timeout"}),
    ("sofa call -o js", {"json"}),
    ("sofa help tr", {"trace-bytes"}),
    ("sofa completion fi", {"fish"}),
    ("sofa conf", {"config"}),
    ("sofa config ch", {"check"}),
    ("sofa help config ch", {"check"}),
    ("sofa config check --con", {"--config"}),
])
def test_zsh_completes_commands_flags_and_values(line, words, tmp_path):
    script, offered = tmp_path / "sofa.zsh", tmp_path / "offered"
    script.write_text(sofa("completion", "zsh").stdout)
    offered.touch()
    environment = {**os.environ, "SCRIPT": str(script), "OFFERED": str(offered), "LINE": line, "HOME": str(tmp_path)}
    done = subprocess.run(["zsh", "-f", "-c", ZSH], capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert words <= set(offered.read_text().split()), done


def test_there_is_no_script_for_other_shells():
    assert sofa("completion", "csh").returncode == WRONG_USAGE


@pytest.mark.parametrize("arguments, words", [
    (["cal"], ["'cal'", "call", "sofa help"]),
    (["call"], ["TARGET [SERVICE.METHOD"]),
    (["config", "chekc"], ["'config chekc'", "check", "Did you mean 'config check'?"]),
    (["config", "check"], ["--config is required"]),
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
    assert re.fullmatch(r"sofa \d+\.\d+\.\d+\n", sofa("--version").stdout)
    assert "--timeout" in sofa("help", "call").stdout
    assert sofa("help", "call").stdout == sofa("call", "--help").stdout
    group = sofa("config")
    assert group.returncode == OK and "  check " in group.stdout and "  config " in done.stdout
    assert group.stdout == sofa("help", "config").stdout == sofa("config", "--help").stdout
    assert "Usage: sofa config check" in sofa("help", "config", "check").stdout
    assert sofa("help", "config", "check").stdout == sofa("config", "check", "--help").stdout


def test_the_version_is_told_in_each_form():
    told = json.loads(sofa("version", "-o", "json").stdout)
    assert sofa("--version").stdout == f"sofa {told['version']}\n"
    assert yaml.safe_load(sofa("version", "-o", "yaml").stdout) == told
    assert told["version"] in sofa("version").stdout


def test_the_doctor_looks_at_the_machine_and_says_what_to_do(tmp_path):
    done = sofa("doctor", "-o", "json", "--data", tmp_path)
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert {"port 9900", "port 12200", "open files", "clock", "disk", "somaxconn", "huge pages"} == set(findings)
    assert findings["disk"]["verdict"] != "fail" and str(tmp_path) in findings["disk"]["found"] and not list(tmp_path.iterdir())
    assert all(bool(finding["advice"]) == (finding["verdict"] != "ok") for finding in findings.values())
    assert done.returncode == (REFUSED if any(finding["verdict"] == "fail" for finding in findings.values()) else OK)
    assert sofa("doctor", "--data", tmp_path / "missing").returncode == REFUSED


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff: apt-get install groff-base")
def test_groff_reads_every_page_for_man(tmp_path):
    subprocess.run([programs.binaries() / "sofa-docs", "--man", tmp_path], check=True, timeout=60)
    pages = sorted(tmp_path.glob("*.1"))
    assert {"sofa.1", "sofa-call.1", "sofa-config-check.1"} <= {page.name for page in pages}
    for page in pages:
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", page], capture_output=True, text=True, timeout=60, check=True)
        assert done.stderr == "" and "it was interrupted" in done.stdout, (page, done.stderr)


def test_clusters_have_names_and_their_secrets_are_never_shown(tmp_path):
    def context(*arguments, **options):
        return sofa("context", *arguments, environment={"XDG_CONFIG_HOME": str(tmp_path)}, **options)

    assert "There are no contexts" in context("list").stdout
    assert context("add", "lab", "--server", "http://127.0.0.1:9900").returncode == OK
    assert context("add", "prod", "--server", "https://sofa.example.com:9900", "--token", "-", stdin="t0ken\n").returncode == OK
    assert context("use", "prod").returncode == OK
    assert context("add", "prod", "--ca", "/dev/null").returncode == OK, "the rest stays"
    shown = context("add", "prod", "--token", "t0ken")
    assert shown.returncode == WRONG_USAGE and "file:PATH" in shown.stderr and "t0ken" not in shown.stderr
    rows = {row["name"]: row for row in json.loads(context("list", "-o", "json").stdout)}
    assert (rows["prod"]["current"], rows["prod"]["proof"], rows["lab"]["proof"]) == (True, "token", "none")
    kept = tmp_path / "sofa" / "contexts.yaml"
    assert kept.stat().st_mode & 0o777 == 0o600 and yaml.safe_load(kept.read_text())["contexts"]["prod"]["token"] == "t0ken"
    assert all("t0ken" not in context("list", "-o", form).stdout for form in ("table", "wide", "json", "yaml"))
    assert context("remove", "prod").returncode == OK and context("use", "prod").returncode == WRONG_USAGE
    kept.chmod(0o644)
    assert "chmod 600" in context("list").stderr


def test_nothing_is_coloured_unless_a_person_looks():
    assert "\x1b" not in sofa("help").stdout

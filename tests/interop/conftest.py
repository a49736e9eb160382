"""Fixtures: the C++ server (one for the whole run) and the kinds of program that a test pairs.

SOFA_INTEROP_SERVER=java puts the Java server where the C++ server stands: that proves the tests themselves.
"""

import contextlib
import os
import shutil
import subprocess

import pytest

import programs
from certificates import Certificates


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Fixtures may ask a test's stash whether it failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def server_kind():
    return os.environ.get("SOFA_INTEROP_SERVER", "cpp")


def pytest_configure(config):
    config.addinivalue_line("markers", "stricter_than_java: the contract of the C++ server asks for more here than SOFARPC does")


def pytest_collection_modifyitems(items):
    if server_kind() == "java":
        for item in items:
            if item.get_closest_marker("stricter_than_java"):
                item.add_marker(pytest.mark.skip(reason="the Java server does not promise this"))


@pytest.fixture(scope="session")
def java():
    """The Java programs, compiled."""
    programs.compile_java(programs.HERE / "java")


@pytest.fixture(scope="session")
def dubbo_java():
    """The Dubbo programs, compiled."""
    programs.compile_java(programs.DUBBO_JAVA)


@pytest.fixture(scope="session")
def grpc_java():
    """grpc_java(main_class, arguments...): the command line of a program of grpc-java, compiled."""
    folder = programs.HERE / "grpc-java"
    programs.compile_java(folder)
    return lambda main_class, *arguments: [programs.JAVA_RUN, "--folder", folder, main_class, *arguments]


@pytest.fixture(scope="session")
def go_grpc(tmp_path_factory):
    """The folder of grpc-go's interoperability client and server, of grpcurl, and of grpc_go's client and server of the contract, built from what
    grpc_go/go.mod names."""
    if shutil.which("go") is None:
        pytest.skip("no Go toolchain: './dev setup --tests' installs one")
    folder = tmp_path_factory.mktemp("go")
    for part in ("proto", "grpc_go"):
        shutil.copytree(programs.HERE / part, folder / part)  # the stubs are made beside the sources
    packages = ["google.golang.org/grpc/interop/client", "google.golang.org/grpc/interop/server", "github.com/fullstorydev/grpcurl/cmd/grpcurl",
                "./contract-client", "./contract-server"]
    for command in (["sh", "generate.sh"], ["go", "build", "-o", f"{folder}/", *packages]):
        built = subprocess.run(command, cwd=folder / "grpc_go", capture_output=True, text=True, timeout=900)
        assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="session")
def start_server():
    """start_server(kind="cpp"|"java", port=0, java_options=""): a server that is stopped at the end of the run if it still lives."""
    with contextlib.ExitStack() as started:

        def start(kind=None, port=0, java_options=""):
            server = programs.Server(programs.server_command(kind or server_kind(), port), environment={"JAVA_OPTIONS": java_options})
            started.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="session")
def server(start_server):
    """The one server of the contract that most tests share."""
    return start_server()


@pytest.fixture
def own_server(start_server):
    """A server of this test alone, for tests that harm it or measure it."""
    made = start_server()
    yield made
    assert made.process.poll() is None, f"the server ended by itself with {made.process.poll()}: {made}"
    made.stop()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """An authority that is made for this run."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def one_port(certificates):
    """The C++ server with every protocol on its one port, plain and over TLS."""
    made = programs.Server([programs.binaries() / "interop-server", "--port", 0, *certificates.server_flags()])
    yield made
    assert made.process.poll() is None, f"the server ended by itself with {made.process.poll()}: {made}"
    made.stop()

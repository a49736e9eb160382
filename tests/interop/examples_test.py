"""The programs under examples/, called by SOFARPC's Java client as README.md and the demo say."""

import pytest

import conftest
import programs


@pytest.fixture(name="examples")
def started_examples(tmp_path):
    """hello-server and the three programs of the bank; the addresses of the two that Java calls."""
    started = []

    def start(name, *arguments):
        started.append(programs.Server([programs.binaries() / name, "--port", "0", *arguments]))
        return started[-1].address

    risk = start("bank-risk")
    ledger = start("bank-ledger", "--folder", tmp_path / "book")
    yield start("hello-server"), start("bank-gateway", "--ledger", f"bolt://{ledger}", "--risk", f"bolt://{risk}")
    for program in reversed(started):
        program.stop()


@pytest.mark.skipif(conftest.server_kind() == "java", reason="the examples are C++")
def test_a_java_client_calls_hello_and_the_bank(java, examples):
    failed, passed = programs.run_checks(programs.java_command("ExampleCalls", *examples), 60)
    assert not failed, "\n".join(failed)
    assert passed == 5

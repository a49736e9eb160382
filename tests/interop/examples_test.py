"""The programs under examples/, called by SOFARPC's Java client as README.md and the demo say."""

import pytest

import conftest
import programs


@pytest.fixture(name="examples")
def started_examples(tmp_path):
    """hello-server and the three programs of the bank; the addresses of the two that Java calls."""
    hello, bank = programs.Server([programs.binaries() / "hello-server", "--port", "0"]), programs.Bank(tmp_path)
    yield hello.address, bank.gateway
    bank.stop()
    hello.stop()


@pytest.mark.skipif(conftest.server_kind() == "java", reason="the examples are C++")
def test_a_java_client_calls_hello_and_the_bank(java, examples):
    failed, passed = programs.run_checks(programs.java_command("ExampleCalls", *examples), 60)
    assert not failed, "\n".join(failed)
    assert passed == 5

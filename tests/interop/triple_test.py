"""SOFARPC's Java client on the contract's Java interface over Triple, in wrapper mode (docs/protocols/triple.md)."""

import pytest

import programs

CHECK_SECONDS = 120
CHECKS_AT_LEAST = 170
# Checks that expect an exception's class, which SOFARPC's Triple does not carry.
CLASS_IS_LOST = {name + suffix for name in ("plusDays.past_the_last_year", "getUser.no_level") for suffix in ("", "@blue")}


@pytest.fixture(scope="module")
def one_port():
    server = programs.Server([programs.binaries() / "interop-server", "--port", 0], protocol="h2")
    yield server
    server.stop()


def test_java_client_in_wrapper_mode(java, one_port):
    failed, passed = programs.run_checks(programs.java_command("InteropTripleClient", one_port.address), CHECK_SECONDS)
    others = [line for line in failed if line.split()[1].rstrip(":") not in CLASS_IS_LOST]
    assert not others, f"{len(others)} checks failed, {passed} passed:\n" + "\n".join(others)
    assert passed >= CHECKS_AT_LEAST

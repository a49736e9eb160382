"""The driver's own tests: its proxies, its clients on a group that answers well, and on one that lies."""

from conftest import go


def test_the_driver_finds_stale_reads_and_lost_writes_of_a_fake_group(lincheck, monkeypatch):
    monkeypatch.setenv("LINCHECK", str(lincheck))
    said = go("tests/chaos", "test", "-count=1", "./...")
    assert "ok " in said and "SKIP" not in said, said

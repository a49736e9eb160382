"""The layer of faults: what a program meets that has it preloaded, and what a power cut leaves."""

import contextlib
import errno
import random
import shutil
import socket
import subprocess
import threading

import pytest
from conftest import BINARIES

WRITE_AND_SYNC = """
fd = os.open("file", os.O_RDWR | os.O_CREAT)
try:
    os.pwrite(fd, b"word", 0)
    os.fdatasync(fd)
    print("done")
except OSError as failed:
    print(errno.errorcode[failed.errno])
"""


def test_without_faults_everything_is_done(faulty):
    assert faulty.python(WRITE_AND_SYNC) == (0, "done\n")
    assert (faulty.data / "file").read_bytes() == b"word"


@pytest.mark.parametrize("field, number", [("sync_errno", errno.EIO), ("write_errno", errno.EIO), ("write_errno", errno.ENOSPC)])
def test_a_call_fails_as_it_is_told(faulty, field, number):
    faulty.set(**{field: number})
    assert faulty.python(WRITE_AND_SYNC) == (0, f"{errno.errorcode[number]}\n")


def test_other_folders_have_no_faults(faulty, tmp_path):
    faulty.set(sync_errno=errno.EIO, write_errno=errno.EIO, disk_full=1)
    assert faulty.python(WRITE_AND_SYNC.replace('"file"', repr(str(tmp_path / "elsewhere")))) == (0, "done\n")


def test_a_full_disk_takes_what_fits_into_a_file_and_nothing_more(faulty):
    (faulty.data / "file").write_bytes(bytes(8))
    faulty.set(disk_full=1)
    assert faulty.python(WRITE_AND_SYNC) == (0, "done\n")
    assert faulty.python(WRITE_AND_SYNC.replace(", 0)", ", 6)")) == (0, "ENOSPC\n")
    assert faulty.python(WRITE_AND_SYNC.replace('os.pwrite(fd, b"word", 0)', "os.posix_fallocate(fd, 0, 100)")) == (0, "ENOSPC\n")


def test_a_slow_disk_takes_its_time(faulty):
    faulty.set(sync_delay_us=150_000)
    code, output = faulty.python("start = time.monotonic()\n" + WRITE_AND_SYNC + "print(time.monotonic() - start >= 0.15)")
    assert (code, output) == (0, "done\nTrue\n")


def test_the_wall_clock_is_shifted_and_the_monotonic_one_is_not(faulty):
    script = "print(round(time.time()), round(time.monotonic()))"
    wall, monotonic = map(int, faulty.python(script)[1].split())
    for offset in (3600, -3600):
        faulty.set(clock_offset_ns=offset * 10**9)
        shifted, later = map(int, faulty.python(script)[1].split())
        assert abs(shifted - wall - offset) < 30 and 0 <= later - monotonic < 30


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_a_connection_goes_where_the_table_says(faulty, family):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host = "127.0.9.1" if family == "AF_INET" else "::ffff:127.0.9.1"
        table = f"127.0.8.1:7000=127.0.0.1:1;127.0.9.1:7000=127.0.0.1:{listening.getsockname()[1]}"
        code, output = faulty.python(f"s = socket.socket(socket.{family}); s.connect(({host!r}, 7000)); print('connected')", links=table)
        assert (code, output) == (0, "connected\n")


def test_the_process_is_killed_at_its_step(faulty):
    faulty.set(calls_until_kill=3)  # 1 and 2: the file is made; 3: before the write
    code, _ = faulty.python(WRITE_AND_SYNC)
    assert code == -9 and (faulty.data / "file").read_bytes() == b""


POWER_CUT = """
def put(name, data, sync, at=0):
    fd = os.open(name, os.O_RDWR | os.O_CREAT)
    os.pwrite(fd, data, at)
    if sync: os.fdatasync(fd)
    os.close(fd)
def sync_folder(name="."):
    fd = os.open(name, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
"""


def test_what_was_synced_survives_every_power_cut(faulty):
    for seed in range(12):
        shutil.rmtree(faulty.data)
        faulty.data.mkdir()
        faulty.python(POWER_CUT + """
put("old", b"a" * 4096, True); put("gone", b"gone", True); sync_folder()
os.rename("old", "new"); os.unlink("gone"); os.mkdir("folder"); put("folder/inside", b"i" * 2000, True); sync_folder("folder"); sync_folder()
put("new", b"b" * 1024, True, at=1024)
put("new", b"c" * 4096, False, at=4096)
die()
""")
        said = faulty.cut(seed)
        assert sorted(path.name for path in faulty.data.iterdir()) == ["folder", "new"], said
        kept = (faulty.data / "new").read_bytes()
        assert kept[:4096] == b"a" * 1024 + b"b" * 1024 + b"a" * 2048, said
        assert (faulty.data / "folder" / "inside").read_bytes() == b"i" * 2000, said


def test_what_was_not_synced_is_kept_dropped_and_torn(faulty):
    seen = set()
    for seed in range(40):
        shutil.rmtree(faulty.data)
        faulty.data.mkdir()
        faulty.python(POWER_CUT + 'put("file", b"a" * 4096, True); sync_folder(); put("file", b"b" * 4096, False); die()')
        faulty.cut(seed)
        content = (faulty.data / "file").read_bytes()
        sectors = [content[at : at + 512] for at in range(0, 4096, 512)]
        assert len(content) == 4096 and all(sector in (b"a" * 512, b"b" * 512) for sector in sectors)
        seen.add("kept" if content[:1] * 4096 == b"b" * 4096 else "dropped" if content[:1] * 4096 == content else "torn")
    assert seen == {"kept", "dropped", "torn"}


def test_names_whose_folder_was_not_synced_go_back_to_what_they_were(faulty):
    seen = set()
    for seed in range(40):
        shutil.rmtree(faulty.data)
        faulty.data.mkdir()
        faulty.python(POWER_CUT + """
put("state", b"old", True); sync_folder()
put("state.tmp", b"new", True); os.rename("state.tmp", "state"); put("more", b"more", True); os.unlink("more"); die()
""")
        faulty.cut(seed)
        names = sorted(path.name for path in faulty.data.iterdir())
        content = (faulty.data / "state").read_bytes()
        assert content in (b"old", b"new")
        seen.add((content, *names))
    # In the order in which they were made, as a file system keeps it: nothing, the temporary file, the rename, the second file, its end.
    assert seen >= {(b"old", "state"), (b"new", "state"), (b"old", "state", "state.tmp"), (b"new", "more", "state")}


def test_a_data_folder_that_the_program_makes_itself_stays(faulty):
    faulty.data.rmdir()
    process = faulty.python(f"os.chdir('/'); os.mkdir({str(faulty.data)!r}); os.chdir({str(faulty.data)!r})" + POWER_CUT + 'put("file", b"a", True); sync_folder(); die()',
                            folder="/")
    assert process[0] == -9, process
    for seed in range(8):
        faulty.cut(seed)
        assert (faulty.data / "file").read_bytes() == b"a"


def test_after_a_failed_sync_a_later_one_saves_nothing(faulty):
    faulty.python(POWER_CUT + 'put("file", b"a" * 1000, True); sync_folder()')
    faulty.set(sync_errno=errno.EIO)
    faulty.python(POWER_CUT + """
try: put("file", b"b" * 1000, True)
except OSError: pass
""")
    faulty.set()
    faulty.python(POWER_CUT + 'put("file", b"c" * 1000, True, at=1000); die()')
    faulty.cut(1)
    assert (faulty.data / "file").read_bytes() == b"a" * 1000 + b"c" * 1000


def log_writer(faulty, seed, acknowledged):
    """One life of a writer of the log, to its end by the fault layer or by hand; what it acknowledged is added to the file."""
    with acknowledged.open("a") as output:
        process = faulty.start([BINARIES / "soak-log", "write", faulty.data / "log", seed], stdout=output, stderr=subprocess.DEVNULL)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def verify(faulty, acknowledged):
    done = subprocess.run([BINARIES / "soak-log", "verify", faulty.data / "log", acknowledged], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def test_the_log_loses_nothing_acknowledged_in_power_cuts(faulty, tmp_path):
    seed = random.randrange(10**6)
    draw = random.Random(seed)
    acknowledged = tmp_path / "acknowledged"
    for life in range(12):
        faulty.set(calls_until_kill=draw.choice([draw.randint(1, 60), draw.randint(1, 600)]))
        log_writer(faulty, seed + life, acknowledged)
        said = faulty.cut(draw.randrange(10**9))
        good, words = verify(faulty, acknowledged)
        assert good, f"seed {seed}, life {life}: {said}{words}"


def test_a_disk_that_lies_about_syncs_is_found_out(faulty, tmp_path):
    acknowledged = tmp_path / "acknowledged"
    for seed in range(20):
        faulty.set(calls_until_kill=300, syncs_lie=1)
        log_writer(faulty, seed, acknowledged)
        faulty.cut(seed)
        if not verify(faulty, acknowledged)[0]:
            return
    raise AssertionError("20 power cuts of a disk that never syncs lost nothing: the fault layer does nothing")


@contextlib.contextmanager
def raft_node(faulty, port):
    """A group of one node, which is killed in the end."""
    address = f"127.0.0.1:{port}"
    command = [BINARIES / "sofa", "raft", "lab", "--group", "one", "--id", address, "--peers", address, "--data", faulty.data / "node"]
    process = faulty.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    limit = threading.Timer(60, process.kill)
    limit.start()
    try:
        yield process
    finally:
        limit.cancel()
        process.kill()
        process.communicate()


def said_until_ready(process):
    """The output until it serves, or has ended."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("READY "):
            break
    return "".join(lines)


def test_a_node_starts_while_its_disk_is_full(faulty):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with raft_node(faulty, port) as node:
        assert "READY" in said_until_ready(node)
    (faulty.data / "node" / "log" / "LOCK").write_bytes(b"")  # so that it would have to grow
    faulty.set(disk_full=1)
    with raft_node(faulty, port) as node:
        said = said_until_ready(node)
        assert "READY" in said, said
        with raft_node(faulty, port) as second:
            refused = said_until_ready(second)
            assert second.wait(30) == 1 and "LOCK is held by another process (pid unknown)" in refused, refused


def test_a_node_whose_disk_lets_nothing_be_overwritten_says_so_and_starts_when_there_is_space(faulty):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with raft_node(faulty, port) as node:
        assert "READY" in said_until_ready(node)
    faulty.set(write_errno=errno.ENOSPC)
    with raft_node(faulty, port) as node:
        said = said_until_ready(node)
        assert node.wait(30) == 1 and "free space, then start again" in said, said
    faulty.set()
    with raft_node(faulty, port) as node:
        assert "READY" in said_until_ready(node)

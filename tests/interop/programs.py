"""Starts the programs under test and ends them by their own process, never by name."""

import functools
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
JAVA_RUN = HERE / "java" / "run.sh"
DUBBO_JAVA = HERE / "dubbo-java"


def binaries():
    """The folder of the C++ programs: $SOFA_BIN, $SOFA_BUILD_DIR/bin or build/release/bin."""
    build = pathlib.Path(os.environ.get("SOFA_BUILD_DIR", ROOT / "build" / "release"))
    return pathlib.Path(os.environ.get("SOFA_BIN", build / "bin"))


def compile_java(folder):
    """Compiles the Java programs of a folder, unless they are."""
    done = subprocess.run([HERE / "java" / "build.sh", folder], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"the Java programs of {folder} do not build: {done.stderr}"


def compile_proto(folder, file):
    """The path of the descriptors of proto/`file` and what it imports, made in `folder`."""
    compiled = folder / pathlib.Path(file).with_suffix(".bin").name
    subprocess.run(["protoc", "--include_imports", f"--descriptor_set_out={compiled}", f"-I{HERE / 'proto'}", file], check=True, timeout=60)
    return compiled


def free_port():
    """For a server that cannot choose one; another program may take it first."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def until(holds, seconds=10):
    """Waits until it holds, and gives what it gave; fails when the deadline passes."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"it did not come to be within {seconds} s"
        time.sleep(0.05)
    return found


class Program:
    """One started process whose output is read line by line. In a `with` it is stopped at the end."""

    def __init__(self, command, environment=None):
        self.command = [str(word) for word in command]
        self.lines = []
        self._waiting = queue.Queue()
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace",
            env={**os.environ, **(environment or {})})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._waiting.put(line.rstrip("\n"))
        self._waiting.put(None)

    def wait_for_line(self, pattern, seconds):
        """The match of the next line that fits; fails with the output when the deadline passes or the program ends before."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._waiting.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line like '{pattern}' within {seconds} s from {self}") from None
            if line is None:
                raise AssertionError(f"it ended with {self.process.wait()} before a line like '{pattern}': {self}")
            found = re.search(pattern, line)
            if found:
                return found

    def wait(self, seconds):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running after {seconds} s: {self}") from None
        self._reader.join(5)
        self.check_sanitizers()
        return code

    def check_sanitizers(self):
        """What a program built with a sanitizer found fails its test, also when it came after the last answer."""
        found = [line for line in self.lines if re.search(r"(ERROR|WARNING): \w+Sanitizer: |: runtime error: ", line)]
        assert not found, "\n".join([*found, *self.lines[-200:]])

    def stop(self, seconds=10):
        """SIGTERM, and SIGKILL when it does not end in time; the seconds that it took."""
        start = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        self._reader.join(5)
        took = time.monotonic() - start
        self.check_sanitizers()
        return took

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reader.join(5)

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def __str__(self):
        tail = "\n  ".join(self.lines[-40:])
        return f"{' '.join(self.command)}\n  {tail}"


class Server(Program):
    """A program that prints "ready pid=N bolt=P" when it listens; `protocol` is the one whose port is wanted, `ports` has all of them. An
    application on boot prints "ready NAME pid=N port=P"."""

    def __init__(self, command, seconds=60, environment=None, protocol="bolt"):
        super().__init__(command, environment)
        try:
            ready = self.wait_for_line(rf"^ready (?:\S+ )?pid=(\d+)(?: \S+)*? {protocol}=(\d+).*", seconds)
        except AssertionError:
            self.kill()
            raise
        self.pid = int(ready[1])
        self.port = int(ready[2])
        self.ports = {name: int(port) for name, port in re.findall(r" (\w+)=(\d+)", ready[0])}
        self.address = f"127.0.0.1:{self.port}"


class Bank:
    """The programs of examples/bank by name, the ledger's data in `folder`; `gateway` is the address that clients call. `arguments` are for each."""

    def __init__(self, folder, *arguments, environment=None):
        self.programs = {}
        self._environment = environment
        try:
            risk, ledger = self._start("risk", *arguments), self._start("ledger", "--journal-folder", folder / "book", *arguments)
            references = folder / "gateway.yaml"
            references.write_text(f"references:\n  bank.Ledger: {{url: 'bolt://{ledger}'}}\n  bank.Risk: {{url: 'bolt://{risk}'}}\n")
            self.gateway = self._start("gateway", "-c", references, *arguments)
        except AssertionError:
            self.stop()
            raise

    def _start(self, name, *arguments):
        command = [binaries() / f"bank-{name}", "--server-port", 0, "--admin-port", 0, *arguments]
        self.programs[name] = Server(command, environment=self._environment, protocol="port")
        return self.programs[name].address

    def stop(self):
        """Callers before those that they call; the exit code of each and the seconds that it took."""
        ended = {}
        for name, program in reversed(self.programs.items()):
            seconds = program.stop()
            ended[name] = (program.process.returncode, seconds)
        return ended


def java_command(main_class, *arguments):
    return [JAVA_RUN, f"sofa.interop.{main_class}", *arguments]


@functools.cache
def node_modules():
    """The folder of the Node packages that node/package-lock.json names, for NODE_PATH; installed beside the programs when they are not there yet."""
    folder = binaries().parent / "node"
    lock = HERE / "node" / "package-lock.json"
    marker = folder / "installed.json"
    if not marker.exists() or marker.read_bytes() != lock.read_bytes():
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "node" / file, folder)
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"the Node packages cannot be installed: {done.stdout}{done.stderr}"
        shutil.copy(lock, marker)
    return folder / "node_modules"


def node_command(script, *arguments):
    """(command, environment) of a script of node/."""
    return ["node", HERE / "node" / script, *arguments], {"NODE_PATH": str(node_modules())}


def dubbo_command(main_class, *arguments):
    return [JAVA_RUN, "--folder", DUBBO_JAVA, f"sofa.interop.{main_class}", *arguments]


def server_command(kind, port=0):
    """kind: "cpp" or "java"."""
    if kind == "java":
        return java_command("InteropJavaServer", "--bolt", port)
    return [binaries() / "interop-server", "--bolt", port]


def client_command(kind, address, *arguments):
    if kind == "java":
        return java_command("InteropJavaClient", address, *arguments)
    return [binaries() / "interop-client", address, *arguments]


def run_checks(command, seconds, environment=None):
    """Runs a client to its end; the lines that tell of a failure and the number of checks that passed."""
    client = Program(command, environment)
    code = client.wait(seconds)
    closing = [re.fullmatch(r"(\d+) passed, (\d+) failed", line) for line in client.lines]
    closing = [match for match in closing if match]
    assert closing, f"no closing line (exit code {code}): {client}"
    failed = [line for line in client.lines if line.startswith("FAIL ")]
    assert (code == 0) == (int(closing[-1][2]) == 0), f"exit code {code} and '{closing[-1][0]}' disagree: {client}"
    return failed, int(closing[-1][1])

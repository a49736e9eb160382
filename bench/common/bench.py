"""What the benchmarks of calls share: servers as processes, one measured window, the table and its bars.

Each figure is one window on warm programs. The servers stand side by side, but only one is loaded at a time. CPU is user + system of the server's
whole process, and of its children, over the window (/proc/PID/stat), divided by the calls that the client counted in it. Clients compare every
answer with what they expect, and a run with one that differs, or failed, gives no figures.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BIN = ROOT / "build" / "release" / "bin"
JAVA = ROOT / "tests" / "interop" / "java"
OUT = ROOT / "build" / "bench"
TICKS = os.sysconf("SC_CLK_TCK")
SIZES = (100, 1024)
CALLERS = (1, 16, 64)
FIGURES = {"cpu_us": "CPU us a call", "p99_us": "p99 us", "rate": "calls/s", "rss_mib": "RSS MiB"}
START_SECONDS = 60
CLIENT_SPARE_SECONDS = 60  # a client that takes so much longer than its window is stopped


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A started process; `makes_ready`: it prints a line "ready", otherwise it is ready when it accepts connections."""

    def __init__(self, name, command, port, makes_ready=True):
        self.name, self.port, self.target = name, port, f"127.0.0.1:{port}"
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if not (self._said_ready() if makes_ready else self._accepts()):
            self.stop()
            sys.exit(f"{name} ended with {self.process.returncode} before it was ready: {' '.join(map(str, command))}")

    def _said_ready(self):
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        ready = any(line.startswith("ready") for line in self.process.stdout)
        watchdog.cancel()
        return ready

    def _accepts(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if accepts(self.port):
                return True
            time.sleep(0.05)
        return False

    def _pids(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def cpu_seconds(self):
        ticks = 0
        for pid in self._pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def rss_mib(self):
        status = (pathlib.Path(f"/proc/{pid}/status").read_text() for pid in self._pids())
        return sum(int(re.search(r"VmRSS:\s+(\d+)", text)[1]) for text in status) / 1024

    def wait_until_idle(self):
        """Until it uses under 3 % of a core for half a second, so that the work of one window is not counted in the next."""
        deadline = time.monotonic() + 20
        before = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = self.cpu_seconds()
            if now - before < 0.015:
                return
            before = now

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def ours(name="C++", program="bench-server", *options):
    """Our server, on one thread."""
    port = free_port()
    return Server(name, [BIN / program, "--port", port, *options], port)


def java_server(name, folder, main_class, *options):
    port = free_port()
    return Server(name, [JAVA / "run.sh", "--folder", folder, main_class, "--port", port, *options], port)


def measure(server, command, seconds, environment=None):
    """Runs one client for about so many seconds, with further variables in its environment; the window begins at its line "measuring", or at its start
    if it prints none, and ends with its line of JSON."""
    server.wait_until_idle()
    start = server.cpu_seconds()
    client = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, **(environment or {})})
    watchdog = threading.Timer(seconds + CLIENT_SPARE_SECONDS, client.kill)
    watchdog.start()
    figures = None
    for line in client.stdout:
        if line.startswith("measuring"):
            start = server.cpu_seconds()
        elif line.startswith("{"):
            cpu = server.cpu_seconds() - start
            figures = json.loads(line)
    errors = client.stderr.read()
    code = client.wait()
    watchdog.cancel()
    if code != 0 or figures is None or not figures["calls"]:
        sys.exit(f"the client failed ({code}): {' '.join(map(str, command))}\n{errors}")
    if figures.get("errors"):
        sys.exit(f"{figures['errors']} calls failed: {' '.join(map(str, command))}\n{errors}")
    return {**figures, "cpu_us": cpu * 1e6 / figures["calls"], "rss_mib": server.rss_mib()}


def load(server, protocol, seconds, callers=64, connections=64, size=100, rate=0, more=(), environment=None):
    """One window of bench-load, after half a second of the same load."""
    command = [BIN / "bench-load", "--protocol", protocol, "--target", server.target, "--connections", connections, "--callers", callers,
               "--size", size, "--warmup", 0.5, "--seconds", seconds, *more]
    return measure(server, command + (["--rate", rate] if rate else []), seconds, environment)


def warm(servers, protocols, seconds):
    """Loads each server for so long in all, by each of the protocols."""
    protocols = list(protocols)
    for server in servers:
        say(f"warming {server.name} for {seconds} s")
        for protocol in protocols:
            load(server, protocol, seconds / len(protocols))


class Table:
    """What was measured, printed line by line as it comes, and the bars."""

    def __init__(self, title):
        self.rows, self.verdicts, self.kept = [], [], {}
        print(f"{title} on {machine()}", flush=True)

    def row(self, what, server, figures):
        self.rows.append({"what": what, "server": server.name, **figures})
        self.kept[what, server.name] = figures
        say(f"  {what:<44} {server.name:<10} {figures['rate']:>9,.0f}/s  p50 {figures['p50_us']:>8,} us  p99 {figures['p99_us']:>8,} us  "
            f"p99.9 {figures['p999_us']:>8,} us  server CPU {figures['cpu_us']:>7.2f} us a call, {figures['rss_mib']:.0f} MiB")
        return figures

    def verdict(self, what, our, peers, bar, reach=None):
        """Both in the same unit; bar and reach are the largest allowed ratio."""
        ratio = our / peers if peers else float("inf")
        state = "reach" if reach and ratio <= reach else "bar" if ratio <= bar else "MISSED"
        self.verdicts.append({"what": what, "ours": our, "peer": peers, "ratio": ratio, "bar": bar, "at": "most", "state": state})

    def verdict_at_least(self, what, our, peers, bar):
        """The same where more is better: bar is the smallest allowed ratio."""
        ratio = our / peers if peers else float("inf")
        self.verdicts.append({"what": what, "ours": our, "peer": peers, "ratio": ratio, "bar": bar, "at": "least",
                              "state": "bar" if ratio >= bar else "MISSED"})

    def compare(self, what, figure, our, peer, bar):
        """A figure of the row `what`, of two servers."""
        self.verdict(f"{FIGURES[figure]}, {what}, {peer}", self.kept[what, our][figure], self.kept[what, peer][figure], bar)

    def compare_at_least(self, what, figure, our, peer, bar):
        """The same where more is better."""
        self.verdict_at_least(f"{FIGURES[figure]}, {what}, {peer}", self.kept[what, our][figure], self.kept[what, peer][figure], bar)

    def print_markdown(self):
        print("| load | server | calls/s | p50 us | p99 us | p99.9 us | server CPU us a call | RSS MiB |\n|---|---|---:|---:|---:|---:|---:|---:|")
        for row in self.rows:
            latency = " | ".join(f"{row[key]:,}" for key in ("p50_us", "p99_us", "p999_us"))
            print(f"| {row['what']} | {row['server']} | {row['rate']:,.0f} | {latency} | {row['cpu_us']:.2f} | {row['rss_mib']:.0f} |")

    def print_verdicts(self):
        if self.verdicts:
            print("\n| against the bar | ours | peer | ratio | bar | |\n|---|---:|---:|---:|---:|---|")
        for v in self.verdicts:
            print(f"| {v['what']} | {shown_figure(v['ours'])} | {shown_figure(v['peer'])} | {shown_ratio(v['ratio'])} | "
                  f"at {v['at']} {shown_ratio(v['bar'])} | {v['state']} |")

    def close(self, options):
        """Prints everything and ends the program: with 1 when a bar was missed."""
        self.print_markdown()
        self.close_verdicts(options)

    def close_verdicts(self, options):
        """The same for a benchmark that has printed its own rows."""
        self.print_verdicts()
        if options.json:
            options.json.write_text(json.dumps({"rows": self.rows, "verdicts": self.verdicts}, indent=1))
        missed = [v["what"] for v in self.verdicts if v["state"] == "MISSED"]
        sys.exit(f"missed: {'; '.join(missed)}" if missed else 0)


def shown_figure(figure):
    return f"{figure:,.2f}" if figure < 100 else f"{figure:,.0f}"


def shown_ratio(ratio):
    return f"1/{1 / ratio:.1f}" if 0 < ratio < 0.75 else f"{ratio:.2f}x"


def machine():
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    load_average = os.getloadavg()[0]
    return f"{os.cpu_count()} x {model[1] if model else 'unknown CPU'}, Linux {os.uname().release}, load average {load_average:.2f} at the start"


def parser_of(text, quick):
    """--quick, --seconds and --json; `quick` says what quick means."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{quick}: to see that it runs, not for figures")
    parser.add_argument("--seconds", type=float, help="length of a measured window")
    parser.add_argument("--json", type=pathlib.Path, help="also writes all figures there")
    return parser


def parse(parser, seconds, quick_seconds=1):
    """Also lets this process and those that it starts have many connections."""
    options = parser.parse_args()
    options.seconds = options.seconds or (quick_seconds if options.quick else seconds)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16_384), hard))
    return options


def build(*programs):
    for program in programs:
        if subprocess.run([ROOT / "dev", "build", program], stdout=sys.stderr).returncode != 0:
            sys.exit(f"{program} does not build.")


def build_java(folder):
    if subprocess.run([JAVA / "build.sh", folder], stdout=subprocess.DEVNULL).returncode != 0:
        sys.exit("The Java peer does not build; './dev setup --tests' installs JDK and Maven.")


def build_go(folder):
    """The program of a folder with a go.mod."""
    if shutil.which("go") is None:
        sys.exit("There is no Go toolchain for the peer: './dev setup --tests' installs one; './dev bench' finds it.")
    program = OUT / folder.resolve().relative_to(ROOT / "bench").as_posix().replace("/", "-")
    if subprocess.run(["go", "build", "-C", folder, "-o", program, "."], stdout=sys.stderr).returncode != 0:
        sys.exit(f"The Go peer in {folder} does not build: see above; its modules come from the Go module proxy.")
    return program


def nginx(name, folder, sites):
    """nginx with one worker; `sites` is the inside of its `http` block, with PORT where it listens. Its files go to `folder` in the build folder."""
    if (program := shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")) is None:
        sys.exit("nginx is missing: './dev bench' installs it (nginx-light).")
    port = free_port()
    folder = OUT / folder
    folder.mkdir(parents=True, exist_ok=True)
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(f"""{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; {temporary}
{sites.replace("PORT", str(port))} }}
""")
    return Server(name, [program, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"], port, makes_ready=False)

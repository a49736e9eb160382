"""The Debian package, and docs/getting-started.md: every command of that page is run, with the package unpacked into a prefix outside of the tree as all
that the project has. What a block of text on the page shows is what the command before it printed; "..." stands for anything."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import programs  # noqa: E402

PAGE = ROOT / "docs" / "getting-started.md"
IN_ANOTHER_TERMINAL = "sh in another terminal"

# Brings up the loopback interface of its own network, says so, and waits: the ports of the page are free there.
OWN_NETWORK = """
import fcntl, signal, socket, struct
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
print("up", flush=True)
signal.pause()
"""

pytestmark = pytest.mark.skipif(programs.binaries().parent.name != "release", reason="the package is made of the release build")


def blocks():
    """(kind, text) of each fenced block of the page."""
    return re.findall(r"^```(.+?)\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class Terminal:
    """Runs the blocks of the page one after the other: the folder goes on from one to the next; those in another terminal run until the end."""

    def __init__(self, work):
        self.work, self.folder, self.prefix = work, ROOT, work / "prefix"
        self.background, self.stack = {}, contextlib.ExitStack()
        tools = work / "tools"
        write_program(tools / "sudo", '#!/bin/sh\nexec "$@"\n')
        write_program(tools / "apt", f'#!/bin/sh\n[ "$1" = install ] && for file; do :; done && exec dpkg-deb -x "$file" {self.prefix}\n')
        self.environment = {
            **os.environ, "TMPDIR": str(work), "XDG_STATE_HOME": str(work / "state"), "XDG_CONFIG_HOME": str(work / "config"),
            "PATH": f"{tools}:{self.prefix}/usr/bin:{os.environ['PATH']}", "CMAKE_PREFIX_PATH": f"{self.prefix}/usr",
            "PKG_CONFIG_PATH": f"{self.prefix}/usr/lib/pkgconfig", "CMAKE_BUILD_PARALLEL_LEVEL": "2",
            # The compiler's cache finds what an earlier run has built in another folder.
            "CMAKE_CXX_COMPILER_LAUNCHER": "ccache", "CCACHE_BASEDIR": str(work), "CCACHE_NOHASHDIR": "1"}
        self.network = self.own_network()

    def own_network(self):
        """What stands before a command so that it runs in a network of its own; nothing where the machine does not allow one."""
        flags = ["--net"] if os.geteuid() == 0 else ["--net", "--user", "--map-root-user"]
        holder = subprocess.Popen(["unshare", *flags, sys.executable, "-c", OWN_NETWORK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.stack.callback(lambda: (holder.kill(), holder.wait(), holder.stdout.close()))
        if holder.stdout.readline() != "up\n":
            return []
        return ["nsenter", f"--target={holder.pid}", "--net", *(["--user", "--preserve-credentials"] if os.geteuid() else [])]

    def command(self, script):
        return [*self.network, "bash", "-euo", "pipefail", "-c", script]

    def run(self, script, seconds=600):
        """What it printed; the folder is where it ended."""
        ended = self.work / "folder"
        done = subprocess.run(self.command(f"{script}\npwd >{ended}"), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        self.folder = pathlib.Path(ended.read_text().strip())
        return done.stdout

    def start(self, script):
        """A program that stays; the one that was started by the same name is stopped before, as Ctrl-C does."""
        name = script.split()[0]
        if name in self.background:
            self.background[name].process.send_signal(signal.SIGINT)
            self.background[name].wait(30)
        # bash becomes the program, so that signals reach it.
        script = f"cd {self.folder} && exec {script}"
        program = programs.Program(self.command(script), environment=self.environment)
        self.stack.callback(program.stop)
        self.background[name] = program
        program.wait_for_line(r"^ready ", 30)


def fits(expected, printed):
    return re.fullmatch(".*".join(re.escape(part) for part in expected.strip().split("...")), printed.strip(), re.S) is not None


@pytest.fixture(scope="module")
def grpcurl(tmp_path_factory):
    if shutil.which("go") is None:
        pytest.skip("no Go toolchain: './dev setup --tests' installs one")
    folder = tmp_path_factory.mktemp("grpcurl")
    subprocess.run(["go", "build", "-o", f"{folder}/", "github.com/fullstorydev/grpcurl/cmd/grpcurl"], cwd=ROOT / "tests" / "interop" / "grpc_go",
                   check=True, timeout=600)
    return folder


@pytest.fixture(scope="module")
def tour(tmp_path_factory, grpcurl):
    """The whole page, run; (script, expected, printed) of each command that shows what it prints."""
    terminal = Terminal(tmp_path_factory.mktemp("package"))
    terminal.environment["PATH"] += f":{grpcurl}"
    shown, script = [], None
    with terminal.stack:
        for kind, text in blocks():
            if kind == IN_ANOTHER_TERMINAL:
                terminal.start(text.strip())
            elif kind == "sh":
                script, printed = text, terminal.run(text)
            else:
                deadline = time.monotonic() + 10  # a process that attaches is seen a moment later
                while not fits(text, printed) and time.monotonic() < deadline:
                    time.sleep(0.1)
                    printed = terminal.run(script)
                shown.append((script, text, printed))
        yield types.SimpleNamespace(prefix=terminal.prefix, project=terminal.folder, shown=shown, environment=terminal.environment)


def test_what_the_page_shows_is_what_its_commands_print(tour):
    assert len(tour.shown) >= 8
    for script, expected, printed in tour.shown:
        assert fits(expected, printed), f"{script}\n{printed}"


def test_every_block_of_the_page_is_of_a_kind_that_is_run(tour):
    assert {kind for kind, _ in blocks()} == {"sh", IN_ANOTHER_TERMINAL, "text"}


def test_the_package_holds_what_belongs_to_a_program_and_its_libraries(tour):
    usr = tour.prefix / "usr"
    for path in ("bin/sofa", "bin/protoc-gen-sofa", "lib/libsofa_boot.a", "include/sofa/boot/testing/test_app.h", "lib/cmake/sofa/sofaConfig.cmake",
                 "lib/systemd/system/sofa.service", "share/man/man1/sofa.1.gz", "share/man/man1/sofa-new-app.1.gz", "share/doc/sofa/copyright"):
        assert (usr / path).is_file(), path
    assert not list(usr.glob("include/sofa/tool*")) and not list(usr.glob("include/**/tests"))
    package = next((ROOT / "build" / "package").glob("*.deb"))
    control = subprocess.run(["dpkg-deb", "--ctrl-tarfile", package], capture_output=True, check=True, timeout=60).stdout
    conffiles = subprocess.run(["tar", "-xO", "./conffiles"], input=control, capture_output=True, check=True, timeout=60).stdout.decode()
    assert conffiles.split() == ["/etc/sofa/sofa.yaml"]
    assert package.stat().st_size < 20 << 20


def test_the_package_says_nothing_of_the_machine_that_built_it(tour):
    places = [str(ROOT).encode(), str(pathlib.Path.home()).encode() + b"/"]
    told = [path for path in tour.prefix.rglob("*") if path.is_file() and any(place in path.read_bytes() for place in places)]
    assert not told


def test_the_configuration_of_the_unit_is_right(tour):
    done = subprocess.run([tour.prefix / "usr/bin/sofa", "config", "check", "-c", tour.prefix / "etc/sofa/sofa.yaml"], capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("script, arguments, sentences", [("postinst", ["configure", "0.1"], ["has not read sofa.service anew", "was not started anew"]),
                                                          ("postinst", ["configure", ""], ["has not read sofa.service anew"]),
                                                          ("prerm", ["remove"], ["was not stopped"]), ("postrm", ["remove"], ["still knows"])])
def test_a_package_is_not_half_configured_when_systemd_refuses(tmp_path, script, arguments, sentences):
    write_program(tmp_path / "adduser", "#!/bin/sh\n")
    write_program(tmp_path / "systemctl", "#!/bin/sh\nexit 1\n")
    text = (ROOT / "packaging" / "debian" / script).read_text()
    assert "[ -d /run/systemd/system ]" in text
    write_program(tmp_path / script, text.replace("/run/systemd/system", str(tmp_path)))
    done = subprocess.run([tmp_path / script, *arguments], env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.returncode == 0, done
    assert len(done.stderr.splitlines()) == len(sentences) and all(sentence in done.stderr for sentence in sentences), done


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_takes_the_unit(tour, tmp_path):
    unit = (tour.prefix / "usr/lib/systemd/system/sofa.service").read_text()
    (tmp_path / "sofa.service").write_text(unit.replace("/usr/bin/sofa", str(tour.prefix / "usr/bin/sofa")))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / "sofa.service"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "sofa.service" not in done.stderr, done.stderr


@pytest.mark.parametrize("shell, file, proof", [("bash", "bash-completion/completions/sofa", "source {0}; complete -p sofa"),
                                                ("zsh", "zsh/vendor-completions/_sofa", "autoload -Uz compinit; compinit -D; source {0}; whence _sofa"),
                                                ("fish", "fish/vendor_completions.d/sofa.fish", "source {0}; complete -C 'sofa n'")])
def test_a_shell_takes_its_completion(tour, shell, file, proof):
    done = subprocess.run([shell, "-c", proof.format(tour.prefix / "usr/share" / file)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and done.stdout and not done.stderr, done


def test_pkg_config_alone_links_a_client(tour, tmp_path):
    built = subprocess.run(["bash", "-c", f"clang++-19 {ROOT}/examples/hello/client.cpp -o client $(pkg-config --cflags --libs --static sofa)"],
                           cwd=tmp_path, env=tour.environment, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stderr
    assert "bolt://127.0.0.1:12200" in subprocess.run([tmp_path / "client", "--help"], capture_output=True, text=True, check=True, timeout=30).stdout


def test_the_target_of_all_libraries_links_a_platform(tour, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(own LANGUAGES CXX)\nfind_package(sofa REQUIRED)\n"
                                             "add_executable(own own.cpp)\ntarget_link_libraries(own PRIVATE sofa::sofa)\n")
    (tmp_path / "own.cpp").write_text('#include "sofa/platform/platform.h"\n'
                                      'int main() { sofa::boot::Application app("own"); sofa::platform::prepare(app); }\n')
    for command in (["cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DCMAKE_CXX_COMPILER=clang++-19"], ["cmake", "--build", "build"], ["build/own"]):
        done = subprocess.run(command, cwd=tmp_path, env=tour.environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_find_package_names_the_compiler_that_it_needs(tour, tmp_path):
    forced = ["-DCMAKE_CXX_COMPILER_FORCED=ON", "-DCMAKE_CXX_COMPILER_ID=GNU", "-DCMAKE_CXX_COMPILER_VERSION=12.2.0"]
    done = subprocess.run(["cmake", "-S", tour.project, "-B", tmp_path, "-G", "Ninja", "-DCMAKE_CXX_COMPILER=clang++-19", *forced], env=tour.environment,
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "needs Clang 19 or newer and found GNU 12.2.0" in " ".join(done.stderr.split())


def test_the_dockerfile_is_clean_and_brings_what_the_program_loads(tour):
    file = tour.project / "Dockerfile"
    judged = subprocess.run(["hadolint", file], capture_output=True, text=True, timeout=60, check=False)
    assert (judged.returncode, judged.stdout) == (0, "")
    installed = set(re.search(r"no-install-recommends \\\n(.*?)\\\n", file.read_text(), re.S)[1].split())
    loaded = re.findall(r"=> (/\S+)", subprocess.run(["ldd", tour.project / "build/hello"], capture_output=True, text=True, check=True, timeout=30).stdout)
    found = subprocess.run(["dpkg", "-S", *map(os.path.realpath, loaded)], capture_output=True, text=True, check=False, timeout=60).stdout
    needed = {line.split(":")[0] for line in found.splitlines()} - {"libc6", "libgcc-s1", "libstdc++6"}
    assert needed and needed <= installed, needed - installed


@pytest.mark.parametrize("arguments, code, sentence", [(["Hello"], 2, "lower-case letters"), (["class"], 2, "class-service"),
                                                       (["shop", "--dir", "."], 1, "is not empty: name another by --dir")])
def test_new_app_refuses_in_a_sentence(tmp_path, arguments, code, sentence):
    (tmp_path / "mine").write_text("kept")
    done = subprocess.run([programs.binaries() / "sofa", "new", "app", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code and sentence in done.stderr, done
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]

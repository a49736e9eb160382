"""Starts of a program, one after the other: how long each took to its line "ready", the CPU time until then, and the memory that it holds."""

import contextlib
import os
import pathlib
import subprocess
import sys
import time

import bench


def cpu_ms(pid):
    """User and system time of the process, by ticks of the clock."""
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) * 1000 / bench.TICKS


def precise_cpu_ms(pid):
    """Of all threads, in nanoseconds where the kernel counts them so."""
    try:
        spent = [pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0] for task in os.listdir(f"/proc/{pid}/task")]
        return sum(map(int, spent)) / 1e6
    except OSError:
        return cpu_ms(pid)


def rss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("a process has a VmRSS")


@contextlib.contextmanager
def started(command, folder):
    """The program with its figures {wall_ms, cpu_ms} until it was ready; killed at the end."""
    begun = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("ready"):
                break
        else:
            sys.exit(f"{command[0]} ended before it was ready:\n{''.join(lines)}")
        wall = (time.monotonic() - begun) * 1000
        yield process, {"wall_ms": wall, "cpu_ms": max(cpu_ms(process.pid), precise_cpu_ms(process.pid))}
    finally:
        process.kill()
        process.communicate()


def start_once(command, folder):
    """{wall_ms, cpu_ms, rss_mib}: the memory a second after it was ready."""
    with started(command, folder) as (process, figures):
        time.sleep(1)
        return {**figures, "rss_mib": rss_mib(process.pid)}

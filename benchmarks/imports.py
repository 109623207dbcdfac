"""Seconds that imports take, each in a new process, in turn."""

import statistics
import subprocess
import sys
import time

STATEMENTS = ("import tensorflow", "from stylelib import *", "import stylelib")


def seconds(statement):
    start = time.perf_counter()
    command = [sys.executable, "-c", statement]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603
    return time.perf_counter() - start


def report(rounds=5):
    for statement in STATEMENTS:
        seconds(statement)  # fills the disk cache
    times = {statement: [] for statement in STATEMENTS}
    for _ in range(rounds):
        for statement in STATEMENTS:
            times[statement].append(seconds(statement))
    yield "| statement | seconds, the process included |"
    yield "|---|---|"
    for statement, values in times.items():
        yield f"| `{statement}` | {statistics.median(values):.2f} |"

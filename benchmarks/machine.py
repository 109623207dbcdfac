"""What a measurement was taken on."""

import datetime
import os
import platform
from pathlib import Path

from stylelib.api import versions


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine():
    """One line: day, processor, versions."""
    software = {"Python": platform.python_version(), **versions()}
    return f"{datetime.date.today()} · {processor()}, {os.cpu_count()} cores · " + " · ".join(
        f"{name} {version}" for name, version in software.items()
    )

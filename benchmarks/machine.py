"""What a measurement was taken on."""

import datetime
import os
import platform
from pathlib import Path

from stylelib import versions
from stylelib._utils.tensorflow import tf


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def accelerators():
    """Names of the GPUs that TensorFlow sees."""
    gpus = tf.config.list_physical_devices("GPU")
    details = map(tf.config.experimental.get_device_details, gpus)
    return [each.get("device_name", "a GPU") for each in details]


def machine():
    """One line: day, processor, GPU if there is one, versions."""
    software = {"Python": platform.python_version(), **versions()}
    facts = [
        str(datetime.date.today()),
        f"{processor()}, {os.cpu_count()} cores",
        *accelerators(),
        *(f"{name} {version}" for name, version in software.items()),
    ]
    return " · ".join(" ".join(fact.split()) for fact in facts)  # no fact brings a line break

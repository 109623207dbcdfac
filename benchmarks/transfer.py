"""A whole transfer, each size in a process of its own: seconds, final style loss, peak memory."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

from stylelib.weights import DATA

IMAGES = DATA / "images"


def measure(size):
    from stylelib import transfer

    result = transfer(
        IMAGES / "summer_palace.jpg",
        IMAGES / "starry_night.jpg",
        "gatys2015",
        size=size,
        steps=200,
        init="content",
    )
    style = result.history["style"]
    return {
        "seconds": result.seconds,
        "evaluations": result.evaluations,
        "style": style[-1] / style[0],
        "memory": peak_memory() / 2**30,
    }


def peak_memory():
    """Largest resident size of this process so far, in bytes."""
    if sys.platform == "linux":  # where getrusage also counts the process that started this one
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def report():
    yield "| size | seconds | s per evaluation | style loss, end / start | peak memory |"
    yield "|---|---|---|---|---|"
    for size in (256, 512):
        command = [sys.executable, "-m", "benchmarks.transfer", str(size)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
        run = json.loads(done.stdout)
        yield (
            f"| {size} px | {run['seconds']:.0f} | {run['seconds'] / run['evaluations']:.3f} | "
            f"{run['style']:.2%} | {run['memory']:.2f} GiB |"
        )


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))

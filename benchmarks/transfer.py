"""A whole transfer, each size in a process of its own: peak memory and seconds per evaluation.

Memory grows until L-BFGS has its ten corrections, and no further; more evaluations than that only
make the seconds steadier.
"""

import itertools
import json
import re
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from stylelib.vgg.weights import DATA

IMAGES = DATA / "images"
PAIR = {"content": IMAGES / "summer_palace.jpg", "style": IMAGES / "starry_night.jpg"}
RUNS = (
    {"size": 256, "steps": 60},
    {"size": 512, "steps": 60},
    {"size": 1024, "steps": 30},
    {"size": 2048, "steps": 14},
    {"size": 1024, "steps": 5, "tile": 512, "optimizer": "adam"},
    {"size": 4096, "steps": 2, "tile": 512, "optimizer": "adam"},
)


def measure(options):
    from stylelib.runs.job import make_job
    from stylelib.runs.memory import estimated_memory
    from stylelib.runs.run import run

    ends = []
    options = {"recipe": "gatys2015", "init": "content", "precision": "float32"} | options
    job = make_job(PAIR, **options)
    result = run(job, callback=lambda *_: ends.append(time.perf_counter()))
    return {
        "size": result.image.shape[:2],
        "seconds": result.seconds,
        "each": statistics.median(end - start for start, end in itertools.pairwise(ends)),
        "memory": peak_memory() / 1e9,
        "estimate": estimated_memory(job) / 1e9,
    }


def peak_memory():
    """Largest resident size of this process so far, in bytes."""
    if sys.platform == "linux":  # where getrusage also counts the process that started this one
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def in_new_process(options):
    command = [sys.executable, "-m", "benchmarks.transfer", json.dumps(options)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return json.loads(done.stdout)


def report(runs=RUNS):
    yield "| size | how | peak memory, GB | estimated, GB | s per evaluation | evaluations |"
    yield "|---" * 6 + "|"
    for options in runs:
        run = in_new_process(options)
        height, width = run["size"]
        how = f"Adam, tiles of {options['tile']} px" if "tile" in options else "L-BFGS"
        yield (
            f"| {width} × {height} px | {how} | {run['memory']:.2f} | {run['estimate']:.2f} | "
            f"{run['each']:.3f} | {options['steps']} |"
        )


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))

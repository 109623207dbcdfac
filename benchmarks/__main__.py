"""Run every benchmark and write RESULTS.md."""

import datetime
import os
import platform
from pathlib import Path

from benchmarks import evaluation, imports, transfer
from stylelib.api import versions

RESULTS = Path(__file__).with_name("RESULTS.md")
PARTS = {
    "One evaluation": (evaluation, "Medians of five rounds; each ratio compares within a round."),
    "One transfer": (
        transfer,
        "The pavilion with The Starry Night, recipe `gatys2015`, from the content image, "
        "200 evaluations of L-BFGS, float32; 'seconds' includes compiling the graph.",
    ),
    "Imports": (imports, "Medians of five."),
}


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def lines():
    yield "# Measured speed and memory"
    yield ""
    yield "Written by `make bench`. Seconds belong to the machine below; ratios travel."
    yield ""
    yield f"{datetime.date.today()} · {processor()}, {os.cpu_count()} cores · Python "
    yield f"{platform.python_version()} · " + " · ".join(f"{k} {v}" for k, v in versions().items())
    for title, (module, note) in PARTS.items():
        yield f"\n## {title}\n\n{note}\n"
        yield from module.report()


if __name__ == "__main__":
    text = []
    for line in lines():
        print(line, flush=True)
        text.append(line)
    RESULTS.write_text("\n".join(text) + "\n", encoding="utf-8")

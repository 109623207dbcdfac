"""Run every benchmark and write RESULTS.md, or run those named and only print them."""

import sys
import time
from pathlib import Path

from benchmarks import evaluation, fidelity, imports, published, race, transfer
from benchmarks.machine import machine

RESULTS = Path(__file__).with_name("RESULTS.md")
PARTS = {
    "evaluation": (
        evaluation,
        "One evaluation",
        "Recipe `gatys2015`, the pavilion with The Starry Night, in float32 unless it says "
        "bfloat16. The bare loop calls the same loss and gradient, written with TensorFlow's own "
        "operations, and does nothing else. “On top” is a step of L-BFGS against the evaluation "
        "within that step. Medians of three rounds of six in turn; each ratio compares within a "
        "round.",
    ),
    "published": (
        published,
        "Published programs",
        "One step of each, and one of ours with the same loss: VGG16, 224 × 224 pixels. Medians of "
        "five rounds in turn.",
    ),
    "race": (
        race,
        "Time to a loss",
        "TensorFlow's tutorial does its 1000 steps of Adam with VGG16 at 224 × 224 pixels, and "
        "ours starts from the same photograph and stops where its loss is as low, or after "
        f"{race.MOST} evaluations. The tutorial "
        "lowers a loss of its own, not the paper's; therefore both are raced for. "
        "Compiling is left out on both sides. All losses are those in float32. Runs of ours are "
        f"medians of three, those of more than {race.LONG:.0f} s single.",
    ),
    "fidelity": (
        fidelity,
        "Reduced precision",
        f"Final loss against float32's after {fidelity.STEPS} evaluations of `gatys2015` at "
        f"{fidelity.SIZE} px, all pictures re-scored in float32. “Nudged” is float32 once more, "
        f"from a start that differs by at most {fidelity.NUDGE} grey levels: what no two runs "
        "agree on.",
    ),
    "transfer": (
        transfer,
        "One transfer",
        "The pavilion with The Starry Night, recipe `gatys2015`, from the content image, float32, "
        "each in a process of its own. GB are 10⁹ bytes, at the peak of the whole process; "
        "“estimated” is what a run is asked to have free before it starts.",
    ),
    "imports": (imports, "Imports", "Medians of five."),
}


def part(name):
    module, title, note = PARTS[name]
    yield f"\n## {title}\n\n{note}\n"
    yield from module.report()


def lines(names):
    start = time.perf_counter()
    yield "# Measured speed and memory"
    yield ""
    yield (
        "Written by `make bench`. Seconds belong to the machine below; ratios are more likely to "
        "hold on another."
    )
    yield ""
    yield machine()
    for name in names:
        yield from part(name)
    yield f"\nAll of this took {(time.perf_counter() - start) / 60:.0f} minutes."


def main(names):
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"expected some of {', '.join(PARTS)}, got {', '.join(unknown)}")
    text = []
    for line in lines(names or PARTS):
        print(line, flush=True)
        text.append(line)
    if not names:
        RESULTS.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Run every benchmark and write RESULTS.md."""

from pathlib import Path

from benchmarks import evaluation, imports, published, transfer
from benchmarks.machine import machine

RESULTS = Path(__file__).with_name("RESULTS.md")
PARTS = {
    "One evaluation": (evaluation, "Medians of five rounds; each ratio compares within a round."),
    "Published programs": (
        published,
        "One step of each, and one of ours with the same loss: VGG16, 224 × 224 pixels. Medians of "
        "five rounds in turn.",
    ),
    "One transfer": (
        transfer,
        "The pavilion with The Starry Night, recipe `gatys2015`, from the content image, "
        "200 evaluations of L-BFGS, float32; 'seconds' includes compiling the graph.",
    ),
    "Imports": (imports, "Medians of five."),
}


def lines():
    yield "# Measured speed and memory"
    yield ""
    yield "Written by `make bench`. Seconds belong to the machine below; ratios travel."
    yield ""
    yield machine()
    for title, (module, note) in PARTS.items():
        yield f"\n## {title}\n\n{note}\n"
        yield from module.report()


if __name__ == "__main__":
    text = []
    for line in lines():
        print(line, flush=True)
        text.append(line)
    RESULTS.write_text("\n".join(text) + "\n", encoding="utf-8")

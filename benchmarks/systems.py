"""Every recipe in full on one pair of pictures: seconds, losses, and the pictures of their page.

``make systems`` writes benchmarks/SYSTEMS.md and data/results/systems/. The pictures depend on the
recipe alone, the seconds on the machine.
"""

from pathlib import Path

from benchmarks.machine import machine
from stylelib import RECIPES, VGG, Objective, load_image, preprocess, save_image, transfer
from stylelib.vgg.weights import DATA

RESULTS = Path(__file__).with_name("SYSTEMS.md")
PICTURES = DATA / "results" / "systems"
CONTENT, STYLE = (DATA / "images" / name for name in ("summer_palace.jpg", "starry_night.jpg"))
SIZE = 192
TERMS = ("content", "style", "total")
HEADER = """# Eleven systems on one pair of pictures

Written by `make systems`: the pavilion with The Starry Night, 192 px, each recipe with its own
start, optimiser and number of evaluations, VGG16, float32. “The paper's” losses are those of
`gatys2015` on the finished picture: α = 1 for content, β = 1000 for style.

{machine}

| recipe | evaluations | seconds | its own loss, start → end | the paper's content | style | total |
|---|---|---|---|---|---|---|"""
#: Two recipes are `augustins` with another weight for larger pictures.
NAMES = [name for name in RECIPES if name not in ("augustins256", "augustins512")]


def paper_losses():
    """Return a function that scores an image in the paper's convention."""
    recipe = RECIPES["gatys2015"]
    vgg = VGG([*recipe.style_layers, *recipe.content_layers], pooling=recipe.pooling)
    images = (load_image(path, max_size=SIZE) for path in (CONTENT, STYLE))
    objective = Objective(vgg, recipe, *images)
    return lambda image: {k: float(v) for k, v in objective.losses(preprocess(image)).items()}


def lines():
    losses = paper_losses()
    yield HEADER.format(machine=machine())
    for name in NAMES:
        result = transfer(CONTENT, STYLE, name, size=SIZE)
        save_image(PICTURES / f"{name}.jpg", result.image)
        own, paper = result.history["total"], losses(result.image)
        yield (
            f"| `{name}` | {result.evaluations} | {result.seconds:.0f} | {own[0]:.2g} → "
            f"{own.min():.2g} | {' | '.join(f'{paper[k]:.2g}' for k in TERMS)} |"
        )
    start = losses(load_image(CONTENT, max_size=SIZE))
    yield f"| the photograph | | | | 0 | {start['style']:.2g} | {start['total']:.2g} |"


def main():
    PICTURES.mkdir(exist_ok=True)
    text = []
    for line in lines():
        print(line, flush=True)
        text.append(line)
    RESULTS.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

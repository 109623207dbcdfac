"""Every recipe in full on one pair of pictures: seconds, measures, and the pictures of their page.

``make systems`` writes benchmarks/SYSTEMS.md and data/results/systems/. The pictures depend on the
recipe and on the precision, the seconds on the machine.
"""

from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from stylelib import (
    RECIPES,
    VGG,
    Objective,
    content_similarity,
    load_image,
    preprocess,
    save_image,
    transfer,
)
from stylelib.losses import style_layer_loss
from stylelib.recipes.conventions import at_size
from stylelib.vgg.weights import DATA

RESULTS = Path(__file__).with_name("SYSTEMS.md")
PICTURES = DATA / "results" / "systems"
CONTENT, STYLE = (DATA / "images" / name for name in ("summer_palace.jpg", "starry_night.jpg"))
SIZE = 400
#: Style layers of no program that is run here.
HELD_OUT = ["conv3_3", "conv4_3", "conv5_3"]
TERMS = ("content", "style", "total")
HEADER = """# Eleven systems on one pair of pictures

Written by `make systems`: the pavilion with The Starry Night at {size} px, each recipe with its own
start, optimiser and number of evaluations, VGG16, {precision}. A recipe made for another size has
the weights that keep the balance of its losses. “The paper's” losses are those of `gatys2015` on
the finished picture: α = 1 for content, β = 1000 for style. The similarity is
`content_similarity`. The style distance is $E_l$ on {layers}, which no recipe optimises, as a part
of the photograph's, in the mean. `multiscale` is this project's own recipe, asked for the
similarity of `jcjohnson`; its seconds include the search for the weight.

{machine}

| recipe | evaluations | seconds | its own loss | content | style | total | similarity | distance |
|---|---|---|---|---|---|---|---|---|"""
#: Of the three recipes of one program, that for the nearest size.
NEAREST = {"augustins": "augustins512"}
NAMES = [name for name in RECIPES if name not in ("multiscale", "augustins256", "augustins512")]


def balanced(name):
    """Return a recipe with the weights that keep at `SIZE` the balance of its own size."""
    recipe = RECIPES[NEAREST.get(name, name)]
    own = recipe.size
    if isinstance(own, int):
        own = load_image(CONTENT, max_size=own).shape[:2]
    return at_size(recipe, own, load_image(CONTENT, max_size=SIZE).shape[:2])


def paper_losses():
    """Return a function that scores an image in the paper's convention."""
    recipe = RECIPES["gatys2015"]
    vgg = VGG([*recipe.style_layers, *recipe.content_layers], pooling=recipe.pooling)
    images = (load_image(path, max_size=SIZE) for path in (CONTENT, STYLE))
    objective = Objective(vgg, recipe, *images)
    return lambda image: {k: float(v) for k, v in objective.losses(preprocess(image)).items()}


def style_distance():
    """Return a function: the mean E_l of an image on `HELD_OUT`, as a part of the photograph's."""
    vgg = VGG(HELD_OUT)
    photo, painting = (
        vgg(preprocess(load_image(path, max_size=SIZE))) for path in (CONTENT, STYLE)
    )

    def distances(maps):
        return np.array([style_layer_loss(maps[name], painting[name]) for name in HELD_OUT])

    return lambda image: float(np.mean(distances(vgg(preprocess(image))) / distances(photo)))


def lines():
    losses, distance = paper_losses(), style_distance()
    photo = load_image(CONTENT, max_size=SIZE)

    def measures(image):
        paper = losses(image)
        yield from (f"{paper[term]:.2g}" for term in TERMS)
        yield f"{content_similarity(image, photo):.2f}"
        yield f"{distance(image):.1%}"

    def row(name, recipe, **options):
        result = transfer(CONTENT, STYLE, recipe, size=SIZE, **options)
        save_image(PICTURES / f"{name}.jpg", result.image)
        own = result.history["total"]
        cells = f"`{name}`", result.evaluations, f"{result.seconds:.0f}"
        cells = *cells, f"{own[0]:.2g} → {own.min():.2g}", *measures(result.image)
        return result, f"| {' | '.join(map(str, cells))} |"

    for name in NAMES:
        result, line = row(name, balanced(name))
        if name == NAMES[0]:
            precision, layers = result.settings["precision"], ", ".join(HELD_OUT)
            header = {"size": SIZE, "precision": precision, "layers": layers}
            yield HEADER.format(**header, machine=machine())
        yield line
    strength = 1 - content_similarity(PICTURES / "jcjohnson.jpg", photo)
    yield row("multiscale", "multiscale", strength=strength)[1]
    yield f"| the photograph | | | | {' | '.join(measures(photo))} |"


def main():
    PICTURES.mkdir(exist_ok=True)
    text = []
    for line in lines():
        print(line, flush=True)
        text.append(line)
    RESULTS.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

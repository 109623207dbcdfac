"""Every recipe in full on one pair of pictures: seconds, measures, and the pictures of their page.

``make systems`` paints into data/results/systems/ what is missing there, beside each picture a
record of all settings, and writes benchmarks/SYSTEMS.md. The pictures depend on the recipe and on
the precision, the seconds on the machine.
"""

import json
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from stylelib import RECIPES, VGG, Objective, content_similarity, load_image, preprocess
from stylelib.losses import style_layer_loss
from stylelib.recipes.conventions import at_size
from stylelib.vgg.weights import DATA
from tools.figures import is_painted, paint, store

RESULTS = Path(__file__).with_name("SYSTEMS.md")
PICTURES = DATA / "results" / "systems"
PAIR = {"content": "images/summer_palace.jpg", "style": "images/starry_night.jpg"}
CONTENT, STYLE = (DATA / path for path in PAIR.values())
SIZE = 400
#: This program is about its sizes: it paints 512 pixels, and then 1024 from there.
OWN_SIZES = {"gatys2016_code": 1024}
#: Style layers of no program that is run here.
HELD_OUT = ["conv3_3", "conv4_3", "conv5_3"]
TERMS = ("content", "style", "total")
WEIGHTS = ("content", "style", "tv")
HEADER = """# Eleven systems on one pair of pictures

Written by `make systems`: the pavilion with The Starry Night at {size} px, each recipe with its own
start, optimiser and number of evaluations, VGG16, {precision}. A recipe made for another size has
the weights that keep the balance of its losses. `gatys2016_code` is painted at 1024 px, its own
size, and measured after reduction to {size} px. “The paper's” losses are those of `gatys2015` on
the finished picture: α = 1 for content, β = 1000 for style. The similarity is
`content_similarity`. The style distance is $E_l$ on {layers}, which no recipe optimises, as a part
of the photograph's, in the mean. `multiscale` is this project's own recipe, asked for the
similarity of `{like}`; its seconds include the search for the weight.
Seconds are those of the run that painted the picture, whatever else the machine did meanwhile.

{machine}

| recipe | evaluations | seconds | its own loss | content | style | total | similarity | distance |
|---|---|---|---|---|---|---|---|---|"""
#: Of the three recipes of one program, that for the nearest size.
NEAREST = {"augustins": "augustins512"}
OURS = "multiscale"
NAMES = [name for name in RECIPES if name not in (OURS, "augustins256", "augustins512")]
LIKE = "jcjohnson"  # the program that ours is compared with


def call_of(name):
    """Return what paints a system: its recipe, with the balance of its own size kept at `SIZE`.

    Ours is asked for the similarity that `LIKE` has reached, whose picture has to be there.
    """
    if name == OURS:
        photo = load_image(CONTENT, max_size=SIZE)
        strength = round(1 - content_similarity(PICTURES / f"{LIKE}.jpg", photo), 2)
        ours = {"recipe": OURS, "strength": strength}
        return {"function": "transfer", "size": SIZE} | PAIR | ours
    name = NEAREST.get(name, name)
    recipe = RECIPES[name]
    own, size = recipe.size, OWN_SIZES.get(name, SIZE)
    if isinstance(own, int):
        own = load_image(CONTENT, max_size=own).shape[:2]
    recipe = at_size(recipe, own, load_image(CONTENT, max_size=size).shape[:2])
    weights = {f"{term}_weight": getattr(recipe, f"{term}_weight") for term in WEIGHTS}
    return {"function": "transfer", "recipe": name, "size": size} | PAIR | weights


def painted(name):
    """Return a picture and its record, painted where they are missing."""
    picture, call = PICTURES / f"{name}.jpg", call_of(name)
    if not is_painted(picture, call):
        result = paint(call)
        store(picture, call, result)
        print(f"{name} {result.seconds:.0f} s", flush=True)
    record = json.loads(picture.with_suffix(".json").read_text("utf-8"))
    return load_image(picture, max_size=SIZE), record


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

    def row(name):
        image, record = painted(name)
        first, last = record["losses"]["total"]
        cells = f"`{name}`", record["evaluations"], record["seconds"], f"{first:.2g} → {last:.2g}"
        return f"| {' | '.join(map(str, (*cells, *measures(image))))} |"

    rows = [row(name) for name in (*NAMES, OURS)]
    _, record = painted(NAMES[0])  # all are painted in one precision
    facts = {"precision": record["settings"]["precision"], "layers": ", ".join(HELD_OUT)}
    yield HEADER.format(size=SIZE, machine=machine(), like=LIKE, **facts)
    yield from rows
    yield f"| the photograph | | | | {' | '.join(measures(photo))} |"


def main():
    PICTURES.mkdir(exist_ok=True)
    text = "\n".join(lines()) + "\n"
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

"""What is measured: the paper's recipe, and pictures that all parts share."""

from stylelib import RECIPES, VGG, Objective, load_image
from stylelib.vgg.weights import DATA

PAPER = RECIPES["gatys2015"]
PAIR = ("summer_palace", "starry_night")


def pictures(names=PAIR, **size):
    """Pictures of data/images by name; for `size` see `load_image`."""
    return [load_image(DATA / "images" / f"{name}.jpg", **size) for name in names]


def objective_of(recipe, content, style, precision="float32"):
    layers = [*recipe.style_layers, *recipe.content_layers]
    vgg = VGG(layers, pooling=recipe.pooling, precision=precision)
    return Objective(vgg, recipe, content, style)


def score(objective, x):
    """Total loss of a picture in VGG space."""
    return float(objective.losses(x)["total"])

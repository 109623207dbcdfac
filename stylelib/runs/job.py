"""A transfer made ready: every setting checked, every picture read, nothing computed yet.

Nothing here imports TensorFlow, so bad input is found at once, and a program that hands its jobs to
other processes stays small.
"""

import dataclasses
import hashlib
import os

import numpy as np

from stylelib._utils.checks import check_choice, check_count, check_flag, check_number
from stylelib.images.load import load_image
from stylelib.images.sizes import scaled_size
from stylelib.recipes.conventions import check_style_size
from stylelib.recipes.published import find_recipe
from stylelib.recipes.recipe import INITS, Recipe
from stylelib.vgg.layers import NETWORKS, PRECISION_CHOICES, keras_name, smallest_side
from stylelib.vgg.tiles import SMALLEST_TILE
from stylelib.vgg.weights import check_weights

#: Below 32 pixels on the longer side the deep layers see next to nothing.
SMALLEST_SIZE, LARGEST_SIZE = 32, 16_384


@dataclasses.dataclass(frozen=True)
class Job:
    """All that one run needs, in a form that can be sent to another process or machine.

    Attributes
    ----------
    recipe : Recipe
    images : dict of str to numpy.ndarray
        ``"content"``, ``"style"`` or both: ``uint8``, ``(H, W, 3)``, RGB, at the sizes of the run.
    init : str or numpy.ndarray
        One of `INITS`, or a picture of the size of the result.
    network : {"vgg16", "vgg19"}
    weights : str, optional
        See `load_weights`. A path must lead to the same file wherever the job runs.
    precision : {"float32", "bfloat16", "float16", "auto"}
        ``"auto"`` is decided where the job runs.
    seed : int
    tile : int, optional
        Longest side of a tile, see `transfer`.
    settings : dict
        What `Result.settings` says of all this, ready for JSON.
    """

    recipe: Recipe
    images: dict
    init: str | np.ndarray
    network: str
    weights: str | None
    precision: str
    seed: int
    tile: int | None
    settings: dict

    @property
    def layers(self):
        """Layers that a term with a weight needs, each once."""
        return _active_layers(self.recipe)


def transfer_job(
    content, style, recipe="gatys2015", size=None, steps=None, as_published=False, init=None, **rest
):
    """Make `transfer` ready; parameters and errors are its own, without `callback`.

    Examples
    --------
    >>> grey = np.full((40, 60, 3), 128, np.uint8)
    >>> job = transfer_job(grey, grey, size=32, style_scale=2.0)
    >>> job.images["content"].shape, job.images["style"].shape
    ((21, 32, 3), (43, 64, 3))
    """
    name = recipe if isinstance(recipe, str) else None
    recipe = find_recipe(recipe)
    check_flag("as_published", as_published)
    options = {option: rest.pop(option) for option in JOB_OPTIONS if option in rest}
    recipe = changed(recipe.as_published() if as_published else recipe, size, steps, rest)
    if isinstance(init, str) and init in INITS:
        recipe = recipe.replace(init=init)
    sources = {"content": content, "style": style}
    return make_job(
        recipe, sources, init=recipe.init if init is None else init, name=name, **options
    )


def changed(recipe, size, steps, changes):
    """Apply all changes to a recipe before anything slow begins."""
    overrides = {"size": size, "steps": steps}
    changes = changes | {name: value for name, value in overrides.items() if value is not None}
    recipe = recipe.replace(**changes)
    if isinstance(recipe.size, int):
        check_count("size", recipe.size, minimum=SMALLEST_SIZE)
    return recipe


#: What `transfer` takes beside pictures, the start and the settings of a recipe.
JOB_OPTIONS = ("network", "weights", "precision", "seed", "style_scale", "tile")


def make_job(
    recipe,
    sources,
    network="vgg16",
    weights=None,
    init="noise",
    precision="float32",
    seed=0,
    style_scale=1.0,
    tile=None,
    name=None,
):
    """Check all settings, and read the pictures there are: ``"content"``, ``"style"`` or both."""
    check_choice("precision", precision, PRECISION_CHOICES)
    check_number("style_scale", style_scale, positive=True)
    check_count("seed", seed, minimum=0)
    if tile is not None:
        check_count("tile", tile, minimum=SMALLEST_TILE)
    for role in ("content", "style"):
        weight = getattr(recipe, f"{role}_weight")
        if weight and role not in sources:
            raise ValueError(f"expected {role}_weight 0, as there is no {role} image, got {weight}")
    check_choice("network", network, [*NETWORKS, "recipe"])
    network = recipe.network if network == "recipe" else network
    check_weights(network, weights)
    layers = _active_layers(recipe)
    for layer in layers:
        keras_name(layer, network)
    images = _load_all(sources, recipe, style_scale, layers)
    start = _load_init(init, images)
    weights = weights if weights is None else os.fspath(weights)
    settings = {role: described(source, images[role]) for role, source in sources.items()} | {
        "network": network,
        "weights": weights,
        "init": {"source": init} if isinstance(start, str) else described(init, start),
        "style_scale": style_scale,
        "precision": precision,
        "seed": seed,
        "tile": tile,
        "recipe": {"name": name, **dataclasses.asdict(recipe)},
    }
    return Job(recipe, images, start, network, weights, precision, seed, tile, settings)


def described(source, image):
    """Say what a picture was: its name, and a hash of the pixels that were used.

    Examples
    --------
    >>> described("black.png", np.zeros((1, 1, 3), np.uint8))["source"]
    'black.png'
    """
    name = os.fspath(source) if isinstance(source, (str, os.PathLike)) else type(source).__name__
    return {"source": name, "sha256": hashlib.sha256(image.tobytes()).hexdigest()}


def _active_layers(recipe):
    style = recipe.style_layers if recipe.style_weight else ()
    content = recipe.content_layers if recipe.content_weight else ()
    return list(dict.fromkeys([*style, *content]))


def _load_all(sources, recipe, style_scale, layers):
    """Read the pictures at the sizes that the recipe gives them."""
    images, scales = {}, {"content": 1.0, "style": style_scale}
    for role, source in sources.items():  # the content image comes first
        image = load_image(source)
        shape = image.shape[:2]
        if recipe.same_size and "content" in images:
            shape = images["content"].shape[:2]
        longer_side = recipe.size
        if isinstance(recipe.size, tuple):
            shape, longer_side = recipe.size, max(recipe.size)
        size = _checked_size(shape, longer_side * scales[role], role, layers)
        images[role] = load_image(image, size=size, resampling=recipe.resampling)
    if len(images) == 2 and recipe.style_weight:
        check_style_size(recipe, *(image.shape[:2] for image in images.values()))
    return images


def _checked_size(shape, longer_side, role, layers):
    """Scale ``(height, width)``, up or down, and refuse what is too large or too small."""
    if longer_side > LARGEST_SIZE:
        raise ValueError(
            f"expected a {role} image of at most {LARGEST_SIZE} pixels a side, "
            f"got {longer_side:.0f}"
        )
    size = scaled_size(shape, max(1, round(longer_side)))
    deepest = max(layers, key=smallest_side)
    if min(size) < smallest_side(deepest):
        raise ValueError(
            f"expected a {role} image of at least {smallest_side(deepest)} pixels a side, as "
            f"{deepest} needs, got {size[1]} × {size[0]} after scaling; ask for a larger size"
        )
    return size


def _load_init(init, images):
    """The name of a start, or a picture of the size of the content image if there is one."""
    if isinstance(init, str) and init in INITS:
        check_choice("init", init, ["noise", "grey", *images])
        return init
    return load_image(init, size=next(iter(images.values())).shape[:2])

"""One call per subject of the notebooks."""

import dataclasses
import hashlib
import os

import numpy as np
import scipy

import stylelib
from stylelib._tensorflow import keras, tf
from stylelib.errors import check_choice, check_count, check_number
from stylelib.images import scaled_size
from stylelib.layers import keras_name, smallest_side
from stylelib.preprocessing import deprocess, load_image, noise_image, preprocess
from stylelib.recipes import INITS, find_recipe
from stylelib.training import Objective, minimize
from stylelib.vgg import PRECISIONS, VGG

#: Below 32 pixels on the longer side the deep layers see next to nothing.
SMALLEST_SIZE, LARGEST_SIZE = 32, 16_384


def transfer(
    content,
    style,
    recipe="gatys2015",
    size=None,
    steps=None,
    network="vgg16",
    init=None,
    style_scale=1.0,
    precision="float32",
    seed=0,
    callback=None,
    weights=None,
    **changes,
):
    """Paint the content image in the manner of the style image.

    Parameters
    ----------
    content, style : array, path, https address or anything else that `load_image` takes
        Of any two sizes and proportions.
    recipe : str or Recipe
        A name from `RECIPES`, or a recipe of your own.
    size : int, optional
        Longer side of the result in pixels, at least 32; by default the recipe's.
    steps : int, optional
        Evaluations of the loss; by default the recipe's.
    network : {"vgg16", "vgg19"}
        VGG16 works offline. The network that a recipe names is the one of its source.
    init : {"content", "noise", "style"} or a picture, optional
        Where to start; by default as the recipe says.
    style_scale : float
        The longer side of the style image is `size` × `style_scale`: larger values give larger
        brush strokes.
    precision : {"float32", "bfloat16"}
        ``"bfloat16"`` is about twice as fast on processors that have it, and slower on others.
    seed : int
        Of the noise.
    callback : callable, optional
        See `minimize`.
    weights : str or path, optional
        See `load_weights`.
    **changes
        Settings of the recipe to change, such as ``style_weight=1e4``.

    Returns
    -------
    Result
        The same call on the same machine gives the same picture, bit for bit.

    Raises
    ------
    ValueError
        For an unknown recipe, setting or value, and a picture that cannot be read or is too small.
        All of this is found out before a network is built.

    Examples
    --------
    >>> result = transfer(
    ...     noise_image((40, 60), seed=1), noise_image((50, 50), seed=2), size=32, steps=3
    ... )
    >>> result.image.shape, result.evaluations, result.stop_reason
    ((21, 32, 3), 3, 'all 3 evaluations done')
    """
    name = recipe if isinstance(recipe, str) else None
    recipe = _recipe(recipe, size, steps, changes)
    check_choice("precision", precision, PRECISIONS)
    check_number("style_scale", style_scale, positive=True)
    check_count("seed", seed, minimum=0)
    layers = _active_layers(recipe)
    for layer in layers:
        keras_name(layer, network)
    content_image = _load(content, "content", recipe.size, layers)
    style_image = _load(style, "style", recipe.size * style_scale, layers)
    x0 = _start(recipe.init if init is None else init, content_image, style_image, seed)

    vgg = VGG(layers, network, weights, recipe.pooling, recipe.normalized, precision)
    objective = Objective(vgg, recipe, content_image, style_image)
    result = minimize(objective, x0, recipe.optimizer, recipe.steps, callback, recipe.learning_rate)
    settings = {
        "content": _described(content, content_image),
        "style": _described(style, style_image),
        "network": network,
        "weights": weights if weights is None else str(weights),
        "init": _described(recipe.init if init is None else init, deprocess(x0)),
        "style_scale": style_scale,
        "precision": precision,
        "seed": seed,
        "recipe": {"name": name, **dataclasses.asdict(recipe)},
        "versions": versions(),
    }
    return dataclasses.replace(result, settings=result.settings | settings)


def versions():
    """Versions of what a result depends on.

    Examples
    --------
    >>> sorted(versions())
    ['keras', 'numpy', 'scipy', 'stylelib', 'tensorflow']
    """
    return {module.__name__: module.__version__ for module in (stylelib, tf, keras, np, scipy)}


def _recipe(recipe, size, steps, changes):
    """Apply all changes to the recipe before anything slow begins."""
    overrides = {"size": size, "steps": steps}
    changes |= {name: value for name, value in overrides.items() if value is not None}
    recipe = find_recipe(recipe).replace(**changes)
    check_count("size", recipe.size, minimum=SMALLEST_SIZE)
    return recipe


def _active_layers(recipe):
    """Layers that a term with a weight needs, each once."""
    style = recipe.style_layers if recipe.style_weight else ()
    content = recipe.content_layers if recipe.content_weight else ()
    return list(dict.fromkeys([*style, *content]))


def _load(source, role, longer_side, layers):
    """Read a picture and bring its longer side to the length asked for, up or down."""
    if longer_side > LARGEST_SIZE:
        raise ValueError(
            f"expected a {role} image of at most {LARGEST_SIZE} pixels, got {longer_side:g}"
        )
    image = load_image(source)
    size = scaled_size(image.shape[:2], max(1, round(longer_side)))
    deepest = max(layers, key=smallest_side)
    if min(size) < smallest_side(deepest):
        raise ValueError(
            f"expected a {role} image of at least {smallest_side(deepest)} pixels a side, as "
            f"{deepest} needs, got {size[1]} × {size[0]} after scaling; ask for a larger size"
        )
    return load_image(image, size=size)


def _start(init, content_image, style_image, seed):
    """The picture to begin with, in VGG space and of the content image's size."""
    size = content_image.shape[:2]
    if isinstance(init, str) and init in INITS:
        image = {
            "content": lambda: content_image,
            "style": lambda: load_image(style_image, size=size),
            "noise": lambda: noise_image(size, seed),
        }[init]()
    else:
        image = load_image(init, size=size)
    return preprocess(image)


def _described(source, image):
    """Say what a picture was: its name, and a hash of the pixels that were used."""
    name = os.fspath(source) if isinstance(source, (str, os.PathLike)) else type(source).__name__
    return {"source": name, "sha256": hashlib.sha256(image.tobytes()).hexdigest()}

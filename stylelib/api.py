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
from stylelib.recipes import INITS, RECONSTRUCTION, find_recipe
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
    recipe = _changed(recipe, size, steps, changes)
    return _optimized(
        recipe,
        {"content": content, "style": style},
        network,
        weights,
        recipe.init if init is None else init,
        precision,
        seed,
        callback,
        style_scale=style_scale,
        name=name,
    )


def reconstruct_content(
    image,
    layer,
    size=None,
    steps=None,
    optimizer="lbfgs",
    seed=0,
    network="vgg16",
    weights=None,
    init="noise",
    precision="float32",
    callback=None,
    **changes,
):
    """Find a picture that one layer cannot tell from `image`: what that layer remembers of it.

    Lowers the content loss, Eq. 1, alone.

    Parameters
    ----------
    image : array, path, https address or anything else that `load_image` takes
    layer : str
        Such as ``"conv4_2"`` or ``"block4_conv2"``.
    size : int, optional
        Longer side of the result in pixels, at least 32, by default 256. A smaller `image` is
        enlarged.
    steps : int, optional
        Evaluations of the loss, by default 200.
    optimizer : {"lbfgs", "adam", "sgd"}
    seed : int
        Of the noise.
    network : {"vgg16", "vgg19"}
    weights : str or path, optional
        See `load_weights`.
    init : {"noise"} or a picture
        Where to start. (``"content"`` would start at the end.)
    precision : {"float32", "bfloat16"}
    callback : callable, optional
        See `minimize`.
    **changes
        Other settings of a `Recipe`, such as ``pooling="max"``, ``tv_weight=0.1`` or
        ``learning_rate=5.0``; without them the paper's, ``RECIPES["gatys2015"]``.

    Returns
    -------
    Result
        Its picture is to be compared with ``load_image(image, max_size=size)``.

    Raises
    ------
    ValueError
        For an unknown layer, setting or value, and a picture that cannot be read or is too small.

    Examples
    --------
    >>> result = reconstruct_content(noise_image((40, 60)), "conv2_1", size=32, steps=3, seed=1)
    >>> result.image.shape, sorted(name for name, loss in result.history.items() if loss.any())
    ((21, 32, 3), ['content', 'total'])
    """
    recipe = RECONSTRUCTION.replace(content_layers=[layer], style_weight=0.0, optimizer=optimizer)
    recipe = _changed(recipe, size, steps, changes)
    sources = {"content": image}
    return _optimized(recipe, sources, network, weights, init, precision, seed, callback)


def reconstruct_style(
    image,
    layers,
    size=None,
    steps=None,
    optimizer="lbfgs",
    seed=0,
    network="vgg16",
    weights=None,
    init="noise",
    precision="float32",
    callback=None,
    **changes,
):
    """Find a picture with the Gram matrices of `image`: its texture without its arrangement.

    Lowers the style loss, Eq. 5, alone.

    Parameters
    ----------
    image : array, path, https address or anything else that `load_image` takes
    layers : str or sequence of str
        Such as ``["conv1_1", "conv2_1"]``; each counts the same unless ``layer_weights`` says
        otherwise.
    size, steps, optimizer, seed, network, weights, precision, callback
        As in `reconstruct_content`.
    init : {"noise"} or a picture
        Where to start.
    **changes
        Other settings of a `Recipe`, such as ``pooling="max"`` or ``layer_weights=[0.2, 0.8]``;
        without them the paper's, ``RECIPES["gatys2015"]``.

    Returns
    -------
    Result
        Its picture has the shape of ``load_image(image, max_size=size)``.

    Raises
    ------
    ValueError
        For an unknown layer, setting or value, and a picture that cannot be read or is too small.

    Examples
    --------
    >>> image = noise_image((40, 60))
    >>> result = reconstruct_style(image, ["conv1_1", "conv2_1"], size=32, steps=3, seed=1)
    >>> result.image.shape, sorted(name for name, loss in result.history.items() if loss.any())
    ((21, 32, 3), ['style', 'total'])
    """
    layers = [layers] if isinstance(layers, str) else layers
    recipe = RECONSTRUCTION.replace(style_layers=layers, content_weight=0.0, optimizer=optimizer)
    recipe = _changed(recipe, size, steps, changes)
    sources = {"style": image}
    return _optimized(recipe, sources, network, weights, init, precision, seed, callback)


def versions():
    """Versions of what a result depends on.

    Examples
    --------
    >>> sorted(versions())
    ['keras', 'numpy', 'scipy', 'stylelib', 'tensorflow']
    """
    return {module.__name__: module.__version__ for module in (stylelib, tf, keras, np, scipy)}


def _changed(recipe, size, steps, changes):
    """Apply all changes to the recipe before anything slow begins."""
    overrides = {"size": size, "steps": steps}
    changes |= {name: value for name, value in overrides.items() if value is not None}
    recipe = find_recipe(recipe).replace(**changes)
    check_count("size", recipe.size, minimum=SMALLEST_SIZE)
    return recipe


def _optimized(
    recipe,
    sources,
    network,
    weights,
    init,
    precision,
    seed,
    callback,
    *,
    style_scale=1.0,
    name=None,
):
    """Run a recipe on the pictures there are: ``"content"``, ``"style"`` or both."""
    check_choice("precision", precision, PRECISIONS)
    check_number("style_scale", style_scale, positive=True)
    check_count("seed", seed, minimum=0)
    for role in ("content", "style"):
        weight = getattr(recipe, f"{role}_weight")
        if weight and role not in sources:
            raise ValueError(f"expected {role}_weight 0, as there is no {role} image, got {weight}")
    layers = _active_layers(recipe)
    for layer in layers:
        keras_name(layer, network)
    sizes = {"content": recipe.size, "style": recipe.size * style_scale}
    images = {role: _load(source, role, sizes[role], layers) for role, source in sources.items()}
    x0 = _start(init, images, seed)

    vgg = VGG(layers, network, weights, recipe.pooling, recipe.normalized, precision)
    objective = Objective(vgg, recipe, images.get("content"), images.get("style"))
    result = minimize(objective, x0, recipe.optimizer, recipe.steps, callback, recipe.learning_rate)
    settings = {role: _described(source, images[role]) for role, source in sources.items()} | {
        "network": network,
        "weights": weights if weights is None else str(weights),
        "init": _described(init, deprocess(x0)),
        "style_scale": style_scale,
        "precision": precision,
        "seed": seed,
        "recipe": {"name": name, **dataclasses.asdict(recipe)},
        "versions": versions(),
    }
    return dataclasses.replace(result, settings=result.settings | settings)


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


def _start(init, images, seed):
    """The picture to begin with, in VGG space, of the size of the content image if there is one."""
    size = next(iter(images.values())).shape[:2]
    if isinstance(init, str) and init in INITS:
        check_choice("init", init, ["noise", *images])
        init = noise_image(size, seed) if init == "noise" else images[init]
    return preprocess(load_image(init, size=size))


def _described(source, image):
    """Say what a picture was: its name, and a hash of the pixels that were used."""
    name = os.fspath(source) if isinstance(source, (str, os.PathLike)) else type(source).__name__
    return {"source": name, "sha256": hashlib.sha256(image.tobytes()).hexdigest()}

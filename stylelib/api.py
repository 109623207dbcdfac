"""One call per subject of the notebooks."""

import dataclasses
import hashlib
import os

import numpy as np
import scipy

import stylelib
from stylelib._tensorflow import keras, tf
from stylelib.conventions import check_style_size
from stylelib.errors import check_choice, check_count, check_number
from stylelib.images import scaled_size
from stylelib.layers import NETWORKS, keras_name, smallest_side
from stylelib.preprocessing import deprocess, grey_start, load_image, noise_image, preprocess
from stylelib.recipe import INITS
from stylelib.recipes import RECONSTRUCTION, find_recipe
from stylelib.training import Objective, minimize
from stylelib.vgg import PRECISIONS, VGG

#: Settings of a recipe that `minimize` takes.
_MINIMIZE = (
    *("optimizer", "steps", "learning_rate", "beta_1", "epsilon", "decay"),
    *("round_length", "clipping", "clip_limit", "recovery"),
)

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
    as_published=False,
    **changes,
):
    """Paint the content image in the manner of the style image.

    Parameters
    ----------
    content, style : array, path, https address or anything else that `load_image` takes
        Of any two sizes and proportions.
    recipe : str or Recipe
        A name from `RECIPES`, or a recipe of your own.
    size : int or (int, int), optional
        Longer side of the result in pixels, at least 32, or an exact ``(height, width)`` for both
        pictures; by default the recipe's.
    steps : int, optional
        Evaluations of the loss; by default the recipe's.
    network : {"vgg16", "vgg19", "recipe"}
        VGG16 works offline; ``"recipe"`` takes the network of the recipe's source.
    init : {"content", "noise", "style", "grey"} or a picture, optional
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
    as_published : bool
        Whether to bring back mistakes that the recipe's source has, see `Recipe.as_published`.
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
    recipe = find_recipe(recipe)
    recipe = _changed(recipe.as_published() if as_published else recipe, size, steps, changes)
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
    recipe = recipe.replace(**changes)
    if isinstance(recipe.size, int):
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
    check_choice("network", network, [*NETWORKS, "recipe"])
    network = recipe.network if network == "recipe" else network
    layers = _active_layers(recipe)
    for layer in layers:
        keras_name(layer, network)
    images = _load_all(sources, recipe, style_scale, layers)
    x0 = _start(init, images, seed)

    vgg = VGG(layers, network, weights, recipe.pooling, recipe.normalized, precision)
    objective = Objective(vgg, recipe, images.get("content"), images.get("style"))
    options = {name: getattr(recipe, name) for name in _MINIMIZE}
    result = minimize(objective, x0, callback=callback, **options)
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
            f"expected a {role} image of at most {LARGEST_SIZE} pixels, got {longer_side:g}"
        )
    size = scaled_size(shape, max(1, round(longer_side)))
    deepest = max(layers, key=smallest_side)
    if min(size) < smallest_side(deepest):
        raise ValueError(
            f"expected a {role} image of at least {smallest_side(deepest)} pixels a side, as "
            f"{deepest} needs, got {size[1]} × {size[0]} after scaling; ask for a larger size"
        )
    return size


def _start(init, images, seed):
    """The picture to begin with, in VGG space, of the size of the content image if there is one."""
    size = next(iter(images.values())).shape[:2]
    if isinstance(init, str) and init in INITS:
        check_choice("init", init, ["noise", "grey", *images])
        if init == "grey":
            return grey_start(size, seed)
        init = noise_image(size, seed) if init == "noise" else images[init]
    return preprocess(load_image(init, size=size))


def _described(source, image):
    """Say what a picture was: its name, and a hash of the pixels that were used."""
    name = os.fspath(source) if isinstance(source, (str, os.PathLike)) else type(source).__name__
    return {"source": name, "sha256": hashlib.sha256(image.tobytes()).hexdigest()}

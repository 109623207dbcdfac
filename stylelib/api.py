"""One call per subject of the notebooks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from stylelib._utils.checks import check_flag, optional, plain
from stylelib._utils.types import (
    Callback,
    Network,
    Optimizer,
    Path,
    Precision,
    Size,
    Source,
    Strength,
)
from stylelib.recipes.published import RECONSTRUCTION
from stylelib.recipes.recipe import Recipe
from stylelib.runs.job import make_job

if TYPE_CHECKING:
    from stylelib.training import Result


def transfer(
    content: Source,
    style: Source | Sequence[Source],
    recipe: str | Recipe = "multiscale",
    size: int | Size | None = None,
    steps: int | None = None,
    network: Network | Literal["recipe"] = "vgg16",
    init: Source | None = None,
    style_scale: float = 1.0,
    precision: Precision = "auto",
    seed: int = 0,
    callback: Callback | None = None,
    weights: Path | None = None,
    as_published: bool = False,
    tile: int | None = None,
    folder: Path | None = None,
    save_every: int | None = None,
    resume: bool = False,
    strength: Strength | None = None,
    style_weights: Sequence[float | Sequence[float]] | None = None,
    masks: Source | Sequence[Source] | None = None,
    progress: bool | None = None,
    preview: bool = False,
    search_callback: Callback | None = None,
    **changes: Any,
) -> "Result":
    """Paint the content image in the manner of the style image.

    Parameters
    ----------
    content, style : array, path, https address or anything else that `load_image` takes
        Of any two sizes and proportions. `style` may be a list of several.
    recipe : str or Recipe
        A name from `RECIPES`, or a recipe of your own. ``"multiscale"`` paints the best pictures,
        ``"gatys2015"`` is the paper's.
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
    precision : {"float32", "bfloat16", "float16", "auto"}
        Bfloat16 and float16 take about half the time on machines that have them, and more on those
        that have not; ``"auto"`` takes what is fastest. What was taken stands in `Result.settings`.
    seed : int
        Of the noise.
    callback : callable, optional
        See `minimize`.
    weights : str or path, optional
        See `load_weights`.
    as_published : bool
        Whether to bring back mistakes that the recipe's source has, see `Recipe.as_published`.
    tile : int, optional
        For pictures too large for memory: evaluate them in tiles of at most so many pixels a side,
        see `TiledObjective`. The losses stay the same; an evaluation takes up to twice as long.
    folder : path, optional
        Where the run keeps numbered pictures and its state, see `Checkpoints`.
    save_every : int, optional
        After how many evaluations, by default 50; only with `folder`.
    resume : bool
        Whether to go on with the run in `folder`: all settings must be as they were, only `steps`
        may be larger, and files may lie elsewhere. See `minimize` for what that means.
    strength : {"low", "medium", "high"} or float, optional
        How much of the photograph may go, from 0 to 1: 1 − the content similarity of the result,
        see `content_similarity`. The style weight that leads there is searched in short runs, which
        take a quarter of the whole time at most, besides compiling, if the run has all its steps,
        and stands in `Result.settings`; the same call with that `style_weight` instead paints the
        same picture without the search. The names stand for 0.35, 0.50 and 0.65. Without a
        strength, the recipe's weights count. Not with ``"sgd"``, whose steps grow with the weight.
    style_weights : sequence, optional
        How several styles are mixed: for each a number, or a sequence of numbers, one for each
        style layer. In each layer they count as shares: the target is the mean of the paintings'
        Gram matrices per position, weighted by them, as in arXiv 1611.07865. Zeros take coarse
        layers from one painting and fine layers from another. By default all count the same.
    masks : picture or list of pictures, optional
        One for each style: white where it goes, black where not. Masks are brought to the content
        image's height and width, and read as grey levels. Where they sum to
        more than 1, each is divided by their sum; where all are black there is no style, and only
        the content loss counts. See `Objective`.
    progress : bool, optional
        Whether a bar shows how far the run is; by default it does in a notebook.
    preview : bool
        Whether the picture is shown while it is painted, in a notebook.
    search_callback : callable, optional
        Called like `callback`, see `minimize`, for each picture of the search that a `strength`
        asks for; `callback` is only called for the run. Where it raises `StopRun`, the search ends,
        and the run begins with the best style weight found until then.
    **changes
        Settings of the recipe to change, such as ``style_weight=1e4`` or
        ``preserve_color="match"``.

    Returns
    -------
    Result
        The same call on the same machine, with as many threads, gives the same picture, bit for
        bit.

    Raises
    ------
    ValueError
        For an unknown recipe, setting or value, and a picture that cannot be read or is too small.
        Also where the run would need more memory than there is. All of this is found out before a
        network is built.

    Examples
    --------
    >>> from stylelib import noise_image
    >>> result = transfer(
    ...     noise_image((40, 60), seed=1), noise_image((50, 50), seed=2), size=32, steps=3
    ... )
    >>> result.image.shape, result.evaluations, result.stop_reason
    ((21, 32, 3), 3, 'all 3 evaluations done')
    """
    job = make_job(
        {"content": content, "style": style},
        recipe=recipe,
        size=size,
        steps=steps,
        network=network,
        init=init,
        style_scale=style_scale,
        precision=precision,
        seed=seed,
        weights=weights,
        as_published=as_published,
        tile=tile,
        strength=strength,
        style_weights=style_weights,
        masks=masks,
        **changes,
    )
    if folder is None and (resume or save_every is not None):
        raise ValueError("expected a folder for the run, got none")
    check_flag("preview", preview)
    optional(check_flag)("progress", progress)
    return _run(job, callback, search_callback, progress, preview, folder, save_every, resume)


def reconstruct_content(
    image: Source,
    layer: str,
    size: int | Size | None = None,
    steps: int | None = None,
    optimizer: Optimizer = "lbfgs",
    seed: int = 0,
    network: Network = "vgg16",
    weights: Path | None = None,
    init: Source = "noise",
    precision: Precision = "float32",
    callback: Callback | None = None,
    **changes: Any,
) -> "Result":
    """Find a picture that one layer cannot tell from `image`: what that layer retains of it.

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
    precision : {"float32", "bfloat16", "float16", "auto"}
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
    >>> from stylelib import noise_image
    >>> result = reconstruct_content(noise_image((40, 60)), "conv2_1", size=32, steps=3, seed=1)
    >>> result.image.shape, sorted(name for name, loss in result.history.items() if loss.any())
    ((21, 32, 3), ['content', 'total'])
    """
    recipe = RECONSTRUCTION.replace(content_layers=[layer], style_weight=0.0, optimizer=optimizer)
    job = make_job(
        {"content": image},
        recipe=recipe,
        size=size,
        steps=steps,
        network=network,
        init=init,
        precision=precision,
        seed=seed,
        weights=weights,
        **changes,
    )
    return _run(job, callback)


def reconstruct_style(
    image: Source,
    layers: str | Sequence[str],
    size: int | Size | None = None,
    steps: int | None = None,
    optimizer: Optimizer = "lbfgs",
    seed: int = 0,
    network: Network = "vgg16",
    weights: Path | None = None,
    init: Source = "noise",
    precision: Precision = "float32",
    callback: Callback | None = None,
    **changes: Any,
) -> "Result":
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
    >>> from stylelib import noise_image
    >>> image = noise_image((40, 60))
    >>> result = reconstruct_style(image, ["conv1_1", "conv2_1"], size=32, steps=3, seed=1)
    >>> result.image.shape, sorted(name for name, loss in result.history.items() if loss.any())
    ((21, 32, 3), ['style', 'total'])
    """
    layers = [layers] if isinstance(layers, str) else plain(layers)
    recipe = RECONSTRUCTION.replace(style_layers=layers, content_weight=0.0, optimizer=optimizer)
    job = make_job(
        {"style": image},
        recipe=recipe,
        size=size,
        steps=steps,
        network=network,
        init=init,
        precision=precision,
        seed=seed,
        weights=weights,
        **changes,
    )
    return _run(job, callback)


def _run(job, callback, search_callback=None, progress=False, preview=False, *arguments):
    """Run a job; only here is TensorFlow imported, so that bad input is refused at once."""
    from stylelib.runs.run import run
    from stylelib.runs.watch import watched

    steps = job.recipe.steps
    with watched(callback, steps, progress, preview, search_callback) as (of_run, of_search):
        return run(job, of_run, *arguments, search_callback=of_search)

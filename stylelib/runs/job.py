"""A run made ready: every setting checked, every picture read, nothing computed yet.

Nothing here imports TensorFlow, so bad input is found at once, and a program that hands its jobs to
other processes stays small.
"""

import dataclasses
import functools
import hashlib
import math
import os
from pathlib import Path

import numpy as np

from stylelib._utils.checks import (
    check_choice,
    check_count,
    check_flag,
    check_number,
    listed,
    one_line,
    plain,
    shortened,
)
from stylelib._utils.files import with_home
from stylelib.images.colour_control import grey, match_color, replace_luminance
from stylelib.images.load import load_image
from stylelib.images.sizes import scaled_size
from stylelib.recipes.conventions import check_style_size
from stylelib.recipes.published import find_recipe
from stylelib.recipes.recipe import INITS, Recipe
from stylelib.recipes.regions import check_styles, coverage, disjoint
from stylelib.recipes.stages import SMALLEST_STAGE, stage_ends
from stylelib.vgg.layers import NETWORKS, PRECISION_CHOICES, keras_name, smallest_side
from stylelib.vgg.tiles import SMALLEST_TILE
from stylelib.vgg.weights import NAMES, check_weights

#: Below 32 pixels on the longer side the deep layers see next to nothing.
SMALLEST_SIZE, LARGEST_SIZE = 32, 16_384
#: Named strengths of the style: 1 − the content similarity that is left.
STRENGTHS = {"low": 0.35, "medium": 0.50, "high": 0.65}
#: Pictures of full size that `Pictures` keeps, so that the next size of one is not read again.
ORIGINALS = 4


@dataclasses.dataclass(frozen=True)
class Job:
    """All that one run needs, in a form that can be sent to another process or machine.

    Attributes
    ----------
    recipe : Recipe
    recipe_name : str, optional
        Of `RECIPES`, where the recipe was asked for by its name.
    images : dict of str to numpy.ndarray
        ``"content"``, ``"style"`` or both: ``uint8``, ``(H, W, 3)``, RGB, at the sizes of the run.
        Further styles are ``"style 2"`` and so on, masks ``"mask"``, ``"mask 2"`` and so on.
    init : str or numpy.ndarray
        One of `INITS`, or a picture of the size of the result.
    sources : dict of str to str
        Where each of `images`, and ``"init"``, came from.
    network : {"vgg16", "vgg19"}
    weights : str, optional
        See `load_weights`. A path must lead to the same file wherever the job runs.
    weights_sha256 : str, optional
        Of that file, where it is one of the user's; no other one is taken.
    style_scale : float
    precision : {"float32", "bfloat16", "float16", "auto"}
        ``"auto"`` is decided where the job runs.
    seed : int
    tile : int, optional
        Longest side of a tile, see `transfer`.
    strength : float, optional
        Where it is given, the style weight is found before the run begins.
    style_weights : list, optional
        See `mixing_shares`.
    """

    recipe: Recipe
    recipe_name: str | None
    images: dict
    init: str | np.ndarray
    sources: dict
    network: str
    weights: str | None
    weights_sha256: str | None
    style_scale: float
    precision: str
    seed: int
    tile: int | None
    strength: float | None
    style_weights: list | None

    @property
    def layers(self):
        """Layers that a term with a weight needs, each once."""
        return _active_layers(self.recipe)

    @property
    def size(self):
        """Height and width of the result."""
        return next(iter(self.images.values())).shape[:2]

    @functools.cached_property
    def seen(self):
        """The content and the style images as the losses see them, see `Recipe.preserve_color`."""
        pictures = {role: im for role, im in self.images.items() if not role.startswith("mask")}
        content, kept = pictures.get("content"), self.recipe.preserve_color
        if content is None or kept is None:
            return pictures
        recoloured = match_color if kept == "match" else grey
        seen = {role: recoloured(im, content) for role, im in pictures.items() if im is not content}
        return {"content": content if kept == "match" else grey(content)} | seen

    @property
    def masks(self):
        """``float32``, ``(H, W)``, from 0 to 1, for each style; None where each goes everywhere."""
        masks = [image for role, image in self.images.items() if role.startswith("mask")]
        return [mask.mean(axis=2, dtype=np.float32) / 255 for mask in masks] or None

    @property
    def coverage(self):
        """Where any style goes, as `coverage` says; None where that is everywhere."""
        return coverage(self.masks) if self.masks else None

    def in_color(self, image):
        """What is shown of a painted picture, where the luminance alone is painted."""
        if self.recipe.preserve_color == "luminance" and "content" in self.images:
            return replace_luminance(self.images["content"], image)
        return image

    @property
    def terms(self):
        """Pictures, masks and weights of the losses: arguments of `Objective`."""
        styles = [image for role, image in self.seen.items() if role.startswith("style")]
        return {
            "content_image": self.seen.get("content"),
            "style_image": styles or None,
            "style_weights": self.style_weights,
            "masks": self.masks,
        }

    def check_weights(self):
        """Raise a ``ValueError`` if the user's weights are not the file that the job was made for.

        It may have changed since, or be another one on another machine.
        """
        found = _file_hash(self.weights)
        if found != self.weights_sha256:
            raise ValueError(
                f"expected {shortened(self.weights)} as it was when the job was made, "
                f"sha256 {self.weights_sha256[:12]}, got sha256 {found[:12]}"
            )

    @functools.cached_property
    def settings(self):
        """What `Result.settings` says of all this, ready for JSON."""
        settings = {role: described(self.sources[role], im) for role, im in self.images.items()}
        names = ("network", "weights", "init", "style_scale", "precision", "seed", "tile")
        names += ("strength", "style_weights")
        settings |= {name: getattr(self, name) for name in names}
        if self.weights_sha256 is not None:
            settings["weights_sha256"] = self.weights_sha256
        settings["init"] = {"source": self.sources["init"]}
        if not isinstance(self.init, str):
            settings["init"] = described(self.sources["init"], self.init)
        settings["recipe"] = {"name": self.recipe_name, **dataclasses.asdict(self.recipe)}
        return plain(settings)


def stage_jobs(job):
    """Return the job of each stage of a run, the smallest first.

    The `steps` of each count from the beginning of the run, and only the first has its start.

    Examples
    --------
    >>> grey = np.full((400, 600, 3), 128, np.uint8)
    >>> jobs = stage_jobs(make_job({"content": grey, "style": grey}, recipe="multiscale", size=768))
    >>> [(job.size, job.recipe.steps) for job in jobs][:2]
    [((128, 192), 150), ((256, 384), 250)]
    """
    ends = stage_ends(job.recipe.stages, job.recipe.steps)
    stages = list(zip(job.recipe.stages, job.recipe.by_stage(), strict=False))[-len(ends) :]
    return [
        scaled_job(job, stage.scale, recipe.replace(steps=end))
        for (stage, recipe), end in zip(stages, ends, strict=True)
    ] or [job]


def scaled_job(job, scale, recipe):
    """Return the job with another recipe, and its pictures smaller by a factor.

    No result is smaller than `SMALLEST_STAGE` pixels, or than its layers need.

    Examples
    --------
    >>> grey = np.full((400, 600, 3), 128, np.uint8)
    >>> job = make_job({"content": grey, "style": grey}, size=600)
    >>> [scaled_job(job, scale, job.recipe).size for scale in (0.5, 0.01)]
    [(200, 300), (85, 128)]
    """
    shortest = min(min(image.shape[:2]) for image in job.images.values())
    smallest = max(map(smallest_side, job.layers)) / shortest
    scale = min(1.0, max(scale, SMALLEST_STAGE / max(job.size), smallest))

    def smaller(image, role="init"):
        size = scaled_size(image.shape[:2], math.ceil(scale * max(image.shape[:2])))
        return load_image(image, size=size, resampling=_resampling(role, recipe))

    images = {role: smaller(image, role) for role, image in job.images.items()}
    init = job.init if isinstance(job.init, str) else smaller(job.init)
    return dataclasses.replace(job, recipe=recipe, images=images, init=init)


def make_job(
    sources,
    pictures=None,
    /,
    recipe="multiscale",
    size=None,
    steps=None,
    network="vgg16",
    init=None,
    style_scale=1.0,
    precision="auto",
    seed=0,
    weights=None,
    as_published=False,
    tile=None,
    strength=None,
    style_weights=None,
    masks=None,
    **changes,
):
    """Check all settings, and read the pictures.

    Parameters
    ----------
    sources : dict of str to whatever `load_image` takes
        ``"content"``, ``"style"`` or both; several styles as a list.
    pictures : Pictures, optional
        What jobs of the same pictures have in common.

    All other parameters, and the errors, are those of `transfer`.

    Returns
    -------
    Job

    Examples
    --------
    >>> grey = np.full((40, 60, 3), 128, np.uint8)
    >>> job = make_job({"content": grey, "style": grey}, size=32, style_scale=2.0)
    >>> job.images["content"].shape, job.images["style"].shape
    ((21, 32, 3), (43, 64, 3))
    """
    if isinstance(weights, (str, os.PathLike)):
        weights = with_home(os.fsdecode(weights))
    options = plain(
        {"style_scale": style_scale, "precision": precision, "seed": seed, "tile": tile}
        | {"network": network, "weights": weights}
    )
    name = recipe if isinstance(recipe, str) else None
    changes = plain({"size": size, "steps": steps, "as_published": as_published} | changes)
    recipe = _changed(find_recipe(recipe), init, **changes)
    sources = by_role(sources, masks)
    _check_options(recipe, sources, **options)
    options["style_weights"] = _style_weights(style_weights, sources, recipe)
    if network == "recipe":
        options["network"] = recipe.network
    check_weights(options["network"], options["weights"])
    for layer in _active_layers(recipe):
        keras_name(layer, options["network"])
    pictures = Pictures() if pictures is None else pictures
    images = _sized(sources, recipe, options["style_scale"], pictures)
    init = recipe.init if init is None else init
    start = _start(init, images, pictures)
    names = {role: source_name(source) for role, source in [*sources.items(), ("init", init)]}
    options["weights_sha256"] = _file_hash(options["weights"])
    options["strength"] = None if strength is None else _strength(strength, recipe, changes)
    job = Job(recipe, name, images, start, names, **options)
    if job.masks:
        disjoint(job.masks)  # refuses those without a region
    return job


def _changed(recipe, init, size, steps, as_published, **changes):
    """Apply all changes to a recipe before anything slow begins."""
    check_flag("as_published", as_published)
    overrides = {"size": size, "steps": steps}
    if isinstance(init, str) and init in INITS:
        overrides["init"] = init
    changes |= {name: value for name, value in overrides.items() if value is not None}
    recipe = (recipe.as_published() if as_published else recipe).replace(**changes)
    if isinstance(recipe.size, int):
        check_count("size", recipe.size, minimum=SMALLEST_SIZE)
    return recipe


def by_role(sources, masks=None):
    """Name every picture of a run: of several styles or masks the second is ``"style 2"``.

    Examples
    --------
    >>> by_role({"content": "a.png", "style": ["b.png", "c.png"]}, "d.png")
    {'content': 'a.png', 'style': 'b.png', 'style 2': 'c.png', 'mask': 'd.png'}
    """
    styles = listed(sources["style"]) if "style" in sources else []
    if "style" in sources and not styles:
        raise ValueError("expected at least one style image, got an empty list")
    if masks is not None:
        if not {"content", "style"} <= sources.keys():
            raise ValueError(
                "expected masks only with a content and a style image, "
                f"got a {next(iter(sources))} image alone"
            )
        masks = listed(masks)
    first = {"content": sources["content"]} if "content" in sources else {}
    return first | _numbered("style", styles) | _numbered("mask", masks or [])


def _numbered(role, sources):
    return {
        role if number == 1 else f"{role} {number}": source
        for number, source in enumerate(sources, start=1)
    }


def _style_weights(style_weights, sources, recipe):
    styles, masks = (
        [role for role in sources if role.startswith(kind)] for kind in ("style", "mask")
    )
    style_weights = plain(style_weights)
    for stage in recipe.by_stage():
        check_styles(len(styles), stage.style_layers, style_weights, masks or None)
    return style_weights


def _resampling(role, recipe):
    """How a picture is scaled; what is sharper than its pixels would overshoot in a mask."""
    return "bilinear" if role.startswith("mask") else recipe.resampling


def _check_options(recipe, sources, style_scale, precision, seed, tile, network, weights):
    check_choice("precision", precision, PRECISION_CHOICES)
    check_number("style_scale", style_scale, positive=True)
    if style_scale != 1 and len(sources) == 1:
        raise ValueError(f"expected style_scale only with two pictures, got {style_scale}")
    check_count("seed", seed, minimum=0)
    if tile is not None:
        check_count("tile", tile, minimum=SMALLEST_TILE)
    for role in ("content", "style"):
        weight = getattr(recipe, f"{role}_weight")
        if weight and role not in sources:
            raise ValueError(f"expected {role}_weight 0, as there is no {role} image, got {weight}")
    check_choice("network", network, [*NETWORKS, "recipe"])


def _strength(strength, recipe, changes):
    """Check a strength, and turn its name into its number."""
    strength = plain(strength)
    if isinstance(strength, str):
        check_choice("strength as a number, or", strength, STRENGTHS)
        strength = STRENGTHS[strength]
    check_number("strength", strength)
    if strength > 1:
        raise ValueError(f"expected strength as a number from 0 to 1, got {strength}")
    if "style_weight" in changes:
        raise ValueError("expected strength or style_weight, which strength finds, got both")
    if recipe.optimizer == "sgd":  # its steps grow with the weight, until they diverge
        raise ValueError("expected strength with the optimizer 'lbfgs' or 'adam', got 'sgd'")
    for stage in recipe.by_stage():
        for role in ("content", "style"):
            if not getattr(stage, f"{role}_weight"):
                raise ValueError(f"expected strength only with a {role}_weight above 0, got 0")
    return float(strength)


def described(source, image):
    """Say what a picture was: its name, and a hash of the pixels that were used.

    Parameters
    ----------
    source : whatever `load_image` takes
    image : numpy.ndarray

    Examples
    --------
    >>> described("black.png", np.zeros((1, 1, 3), np.uint8))["source"]
    'black.png'
    """
    digest = hashlib.sha256(image.tobytes())
    if (image == image[0, 0]).all():  # only then do the pixels not tell its height from its width
        digest.update(repr(image.shape).encode())
    return {"source": source_name(source), "sha256": digest.hexdigest()}


#: What a recipe says of itself, and its start, of which a run has its own.
_NO_PART_OF_A_RUN = ("source", "notes", "published", "init")


def by_content(settings):
    """Settings of a job with pictures and weights as what they hold, wherever they lie.

    What the recipe says of itself is left out, but for its name.

    Parameters
    ----------
    settings : dict
        `Job.settings`.

    Examples
    --------
    >>> grey = np.full((40, 60, 3), 128, np.uint8)
    >>> settings = make_job({"content": grey, "style": grey}, size=32).settings
    >>> settings["content"] == {"source": "ndarray", "sha256": by_content(settings)["content"]}
    True
    """
    settings = dict(settings)
    recipe = settings.pop("recipe")
    recipe = {name: value for name, value in recipe.items() if name not in _NO_PART_OF_A_RUN}
    pictures = {
        role: told.get("sha256", told["source"])
        for role, told in settings.items()
        if isinstance(told, dict)
    }
    weights = settings.pop("weights_sha256", settings["weights"])
    return settings | pictures | {"weights": weights, "recipe": recipe}


def source_name(source):
    """Name a picture in the settings: its path or address as given, else what kind of thing it was.

    Examples
    --------
    >>> source_name("a/b.png"), source_name(b"...")
    ('a/b.png', 'bytes')
    """
    path = isinstance(source, (str, os.PathLike))
    return os.fsdecode(source) if path else type(source).__name__


def _file_hash(path):
    """Hash the file that holds the user's own weights; there may be others under its name later."""
    if path is None or path in NAMES:
        return None
    try:
        about = os.stat(path)
        return _hash_of(path, about.st_mtime_ns, about.st_size)
    except OSError as error:
        raise ValueError(f"cannot read {shortened(path)}: {one_line(error)}") from error


@functools.lru_cache
def _hash_of(path, *changed):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class Pictures:
    """Pictures at the sizes that jobs ask for: those that are equal are one array.

    Only a few of the pictures that they were made from are kept.

    Examples
    --------
    >>> pictures, grey = Pictures(), np.full((40, 60, 3), 128, np.uint8)
    >>> first, second = (pictures.sized(grey, (20, 30)) for _ in range(2))
    >>> pictures.size(grey), first.shape, first is second
    ((40, 60), (20, 30, 3), True)
    """

    def __init__(self):
        self._sources, self._sizes, self._sized = {}, {}, {}
        self._original = functools.lru_cache(ORIGINALS)(lambda key: load_image(self._sources[key]))

    def size(self, source):
        """Height and width of the picture itself."""
        key = self._key(source)
        if key not in self._sizes:
            self._sizes[key] = self._original(key).shape[:2]
        return self._sizes[key]

    def sized(self, source, size, resampling="lanczos"):
        """Return the picture at this height and width."""
        key = self._key(source)
        wanted = key, size, resampling
        if wanted not in self._sized:
            image = load_image(self._original(key), size=size, resampling=resampling)
            self._sized[wanted] = image
        return self._sized[wanted]

    def _key(self, source):
        """Paths and addresses are equal where their texts are, all else where it is one object."""
        key = os.fsdecode(source) if isinstance(source, (str, os.PathLike)) else id(source)
        self._sources.setdefault(key, source)  # which also keeps the object, and so its id
        return key


def _active_layers(recipe):
    return list(dict.fromkeys(layer for stage in recipe.by_stage() for layer in _layers(stage)))


def _layers(recipe):
    style = recipe.style_layers if recipe.style_weight else ()
    content = recipe.content_layers if recipe.content_weight else ()
    return (*style, *content)


def _sized(sources, recipe, style_scale, pictures):
    """Read the pictures at the sizes that the recipe gives them."""
    images = {}
    for role, source in sources.items():  # the content image comes first
        size, longer_side = pictures.size(source), recipe.size
        if "content" in images and (recipe.same_size or role.startswith("mask")):
            size = images["content"].shape[:2]
        if isinstance(recipe.size, tuple):
            size, longer_side = recipe.size, max(recipe.size)
        scale = style_scale if role.startswith("style") else 1.0
        size = _checked_size(size, longer_side * scale, role, recipe)
        images[role] = pictures.sized(source, size, _resampling(role, recipe))
        if role.startswith("style") and "content" in images and recipe.style_weight:
            check_style_size(recipe, images["content"].shape[:2], size)
    return images


def _checked_size(size, longer_side, role, recipe):
    """Scale ``(height, width)``, up or down, and refuse what is too large or too small."""
    if longer_side > LARGEST_SIZE:
        raise ValueError(
            f"expected a {role} image of at most {LARGEST_SIZE} pixels a side, "
            f"got {longer_side:.0f}"
        )
    size = scaled_size(size, max(1, round(longer_side)))
    deepest = max(_active_layers(recipe), key=smallest_side)
    smallest = smallest_side(deepest)
    if min(size) < smallest:
        raise ValueError(
            f"expected a {role} image of at least {smallest} pixels a side, as "
            f"{deepest} needs, got {size[1]} × {size[0]} after scaling; ask for a larger size"
        )
    return size


def _start(init, images, pictures):
    """The name of a start, or a picture of the size of the content image if there is one."""
    if isinstance(init, str) and init in INITS:
        check_choice("init", init, ["noise", "grey", *(role for role in images if role in INITS)])
        return init
    return pictures.sized(init, next(iter(images.values())).shape[:2])

"""How much memory a job needs, how much there is, and which size would fit.

The estimate counts what has to be in memory at once: feature maps, which the gradient needs again,
and what the optimiser keeps of each number. The constants are measured, see
``benchmarks/transfer.py``. It is made for float32 on a processor; the other precisions need less.
"""

import dataclasses
import math
from pathlib import Path

import psutil

from stylelib.recipes.optimizers import DEFAULT_HISTORY_SIZE
from stylelib.runs.job import SMALLEST_SIZE
from stylelib.vgg.layers import keras_name, layer_names, map_size
from stylelib.vgg.tiles import tiles

#: Bytes of Python, TensorFlow and the network before the first picture.
BASE = 0.88e9
#: Bytes for each number in the feature maps of all layers: its four, and its part of what
#: TensorFlow puts aside, when a picture is looked at, and when its gradient is taken.
LOOKING, LOWERING = 4.8, 7.5
#: Arrays of the picture's size: every run has some of float32, L-BFGS has more of float64, besides
#: two for each step that it remembers.
OTHER_ARRAYS, LBFGS_ARRAYS = 13, 18
#: Side of tiles that is proposed where a picture does not fit.
PROPOSED_TILE = 512
#: Factors to try on the size of a picture that does not fit.
SCALES = [0.98**n for n in range(400)]
#: Where a container says how much memory it may use, and uses.
CONTAINER = Path("/sys/fs/cgroup")


def needed(job, scale=1.0):
    """Estimate how many bytes a job takes at its peak.

    Parameters
    ----------
    job : Job
    scale : float
        As if all its pictures were larger by this factor.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from stylelib.runs.job import transfer_job
    >>> grey = np.full((40, 60, 3), 128, np.uint8)
    >>> small, large = (needed(transfer_job(grey, grey, size=size)) for size in (64, 512))
    >>> round(small / 1e9, 1), round(large / 1e9, 1)
    (0.9, 1.4)
    """
    sizes = [_scaled(image.shape[:2], scale) for image in job.images.values()]
    result, recipe = sizes[0], job.recipe
    looking = max(LOOKING * _features(_seen(size, job), job) for size in sizes)
    lowering = LOWERING * _features(_seen(result, job), job)
    target = 0
    if job.tile is not None and recipe.content_weight:  # without tiles it is small beside the rest
        target = sum(map_size(layer, result).elements for layer in recipe.content_layers)
    arrays = 4 * OTHER_ARRAYS
    if recipe.optimizer == "lbfgs":
        arrays += 8 * (2 * (recipe.history_size or DEFAULT_HISTORY_SIZE) + LBFGS_ARRAYS)
    return BASE + max(looking, lowering) + 4 * target + arrays * 3 * math.prod(result)


def _scaled(size, scale):
    return tuple(max(1, round(side * scale)) for side in size)


def _seen(size, job):
    """How much of a picture goes through the network at once."""
    if job.tile is None:
        return size
    parts = tiles(size, job.tile, job.layers, job.network)
    return tuple(
        max(seen.stop - seen.start for seen in sides)
        for sides in zip(*((part.seen_rows, part.seen_columns) for part in parts), strict=True)
    )


def _features(size, job):
    """Numbers in the feature maps of all layers up to the deepest one that counts."""
    names = layer_names(job.network)
    deepest = max(names.index(keras_name(layer, job.network)) for layer in job.layers)
    return sum(map_size(name, size).elements for name in names[: deepest + 1])


def available():
    """Bytes that a job may take here: what is free, and what this process already has of `BASE`.

    Examples
    --------
    >>> available() > 0
    True
    """
    return min(psutil.Process().memory_info().rss, BASE) + _free()


def _free():
    """Bytes that are free on this machine, or in this container if it has a limit of its own."""
    free = psutil.virtual_memory().available
    try:
        limit = int((CONTAINER / "memory.max").read_text(encoding="ascii"))
        used = int((CONTAINER / "memory.current").read_text(encoding="ascii"))
        statistics = (CONTAINER / "memory.stat").read_text(encoding="ascii").split()
    except (OSError, ValueError):  # no such files, or "max": no limit
        return free
    cached = dict(zip(statistics[::2], statistics[1::2], strict=True)).get("inactive_file", 0)
    return min(free, limit - used + int(cached))


def check_fits(job):
    """Raise a ``ValueError`` that says what would fit if a job needs more memory than there is."""
    free, most = available(), needed(job)
    if most <= free:
        return
    height, width = next(iter(job.images.values())).shape[:2]
    fits = []
    scale = next((s for s in SCALES if needed(job, s) <= free), 0)
    if scale * max(height, width) >= SMALLEST_SIZE:
        fits.append(f"size {math.floor(scale * max(height, width))}")
    tiled = dataclasses.replace(job, tile=PROPOSED_TILE)
    if job.tile is None and needed(tiled) <= free:
        fits.append(f"tile {PROPOSED_TILE}")
    hint = f"; {' or '.join(fits)} would fit" if fits else ""
    raise ValueError(
        f"expected {most / 1e9:.1f} GB of free memory for {width} × {height} pixels, "
        f"got {free / 1e9:.1f} GB{hint}"
    )

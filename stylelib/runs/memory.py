"""How much memory a job needs, how much there is, and which size would fit.

The estimate counts what has to be in memory at once: feature maps, which the gradient needs again,
and what the optimiser keeps of each number. The constants are measured, see
``benchmarks/transfer.py``. It is made for float32 on a processor; the other precisions need less.
"""

import bisect
import contextlib
import dataclasses
import math
import os
from pathlib import Path

import psutil

from stylelib.recipes.optimizers import DEFAULT_HISTORY_SIZE
from stylelib.runs.job import SMALLEST_SIZE
from stylelib.vgg.layers import keras_name, layer_names, map_size
from stylelib.vgg.tiles import SMALLEST_TILE, tiles

#: Bytes of Python, TensorFlow and the network before the first picture.
BASE = 0.88e9
#: Bytes for each number in the feature maps of all layers: its four, and its part of what
#: TensorFlow puts aside, in the forward pass alone, and with the backward pass.
FORWARD_BYTES, BACKWARD_BYTES = 4.8, 7.5
#: Arrays of the picture's size: every run has some of float32, L-BFGS has more of float64, besides
#: two for each step that it remembers.
OTHER_ARRAYS, LBFGS_ARRAYS = 13, 18
#: What ``ulimit`` counts besides: bytes of addresses that each of TensorFlow's threads reserves for
#: its stack and a part of the heap, and how much the heap grows for each byte in use. TensorFlow
#: crashes where it gets no more.
RESERVED_BY_THREAD, HEAP_PER_BYTE = 72e6, 1.7
#: Bytes that this process may take where it is one of several workers, see `process_pool`.
SHARE = math.inf
#: Side of tiles that is proposed where a picture does not fit.
PROPOSED_TILE = 512
#: Where Linux says in which control groups this process is, and what these may use, and do.
GROUPS, CONTAINER = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
#: For both versions of control groups: the limits, the use, and the part of it that can be freed.
VERSION_1 = ("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"
VERSION_2 = ("memory.max", "memory.high"), "memory.current", "inactive_file"


def estimated_memory(job, scale=1.0):
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
    >>> from stylelib.runs.job import make_job
    >>> grey = np.full((40, 60, 3), 128, np.uint8)
    >>> pictures = {"content": grey, "style": grey}
    >>> small, large = (estimated_memory(make_job(pictures, size=size)) for size in (64, 512))
    >>> round(small / 1e9, 1), round(large / 1e9, 1)
    (0.9, 1.4)
    """
    sizes = [_scaled(image.shape[:2], scale) for image in job.images.values()]
    result, recipe = sizes[0], job.recipe
    forward = max(FORWARD_BYTES * _features(_evaluated(size, job), job) for size in sizes)
    backward = BACKWARD_BYTES * _features(_evaluated(result, job), job)
    target = 0
    if job.tile is not None and recipe.content_weight:  # without tiles it is small beside the rest
        target = max(
            sum(map_size(layer, result).elements for layer in stage.content_layers)
            for stage in recipe.by_stage()
        )
    arrays = 4 * OTHER_ARRAYS
    if recipe.optimizer == "lbfgs":
        arrays += 8 * (2 * (recipe.history_size or DEFAULT_HISTORY_SIZE) + LBFGS_ARRAYS)
    return BASE + max(forward, backward) + 4 * target + arrays * 3 * math.prod(result)


def _scaled(size, scale):
    return tuple(max(1, round(side * scale)) for side in size)


def _evaluated(size, job):
    """How much of a picture goes through the network at once."""
    if job.tile is None:
        return size
    parts = tiles(size, job.tile, job.layers, job.network)
    return tuple(
        max(seen.stop - seen.start for seen in sides)
        for sides in zip(*((part.halo_rows, part.halo_columns) for part in parts), strict=True)
    )


def _features(size, job):
    """Numbers in the feature maps of all layers up to the deepest one that counts."""
    names = layer_names(job.network)
    deepest = max(names.index(keras_name(layer, job.network)) for layer in job.layers)
    return sum(map_size(name, size).elements for name in names[: deepest + 1])


def available_memory():
    """Bytes that a job may take here: what is free, and what this process already has of `BASE`.

    Never more than `SHARE`.

    Examples
    --------
    >>> available_memory() > 0
    True
    """
    process = psutil.Process().memory_info()
    free = min([shared_memory(), *_left_of_limits(process)])
    return min(SHARE, min(process.rss, BASE) + free)


def shared_memory():
    """Bytes that are free for this process and all others on this machine, or in this container.

    Examples
    --------
    >>> shared_memory() > 0
    True
    """
    return min([psutil.virtual_memory().available, *_left_in_groups()])


def _left_in_groups():
    """Bytes left in each control group of this process that has a limit, and in those around it."""
    for folder, (limits, use, freed) in _groups():
        with contextlib.suppress(OSError, ValueError):  # no such files, or files of another kind
            used = int((folder / use).read_text(encoding="ascii"))
            statistics = (folder / "memory.stat").read_text(encoding="ascii").split()
            cached = dict(zip(statistics[::2], statistics[1::2], strict=True)).get(freed, 0)
            for limit in limits:
                with contextlib.suppress(OSError, ValueError):  # "max": no limit
                    allowed = int((folder / limit).read_text(encoding="ascii"))
                    yield allowed - used + int(cached)


def _groups():
    """Folders of the control groups of this process, each with the files that it has."""
    lines = ["0::/"]
    with contextlib.suppress(OSError):
        lines = GROUPS.read_text(encoding="utf-8").splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        group = Path(path.lstrip("/"))
        for folder in (group, *group.parents):
            if "memory" in controllers.split(","):
                yield CONTAINER / "memory" / folder, VERSION_1
            elif not controllers:
                yield CONTAINER / folder, VERSION_2


def _left_of_limits(process):
    """Bytes left of what ``ulimit -v`` and ``ulimit -d`` allow this process."""
    try:
        import resource
    except ImportError:  # Windows
        return
    data = getattr(process, "data", 0)  # macOS does not tell
    for limit, used in ((resource.RLIMIT_AS, process.vms), (resource.RLIMIT_DATA, data)):
        allowed, _ = resource.getrlimit(limit)
        if allowed != resource.RLIM_INFINITY:
            threads = 2 * os.cpu_count() + 4  # two pools of TensorFlow's, and some of others
            yield (allowed - used - threads * RESERVED_BY_THREAD) / HEAP_PER_BYTE


def check_fits(job):
    """Raise a ``ValueError`` that says what would fit if a job needs more memory than there is."""
    free, most = available_memory(), estimated_memory(job)
    if most <= free:
        return
    height, width = job.size
    fits = [f"size {size}"] if (size := _largest_size(job, free)) else []
    if job.tile is None and estimated_memory(dataclasses.replace(job, tile=PROPOSED_TILE)) <= free:
        fits.append(f"tile {PROPOSED_TILE}")
    hint = f"; {' or '.join(fits)} would fit" if fits else ""
    for_whom = " for each worker" if free == SHARE else ""
    raise ValueError(
        f"expected {most / 1e9:.1f} GB of free memory for {width} × {height} pixels, "
        f"got {max(0, free) / 1e9:.1f} GB{for_whom}{hint}"
    )


def _largest_size(job, free):
    """Longer side, in pixels, of the largest result that fits; 0 if there is none."""
    longer = max(job.size)
    sizes = range(SMALLEST_SIZE, longer)
    margin = 1.01  # another rounding of the sides must fit, too
    fitting = bisect.bisect(
        sizes, free, key=lambda size: margin * estimated_memory(job, size / longer)
    )
    return sizes[fitting - 1] if fitting else 0


def ran_out(job):
    """Say that memory ran out in spite of the estimate, and what needs less.

    Examples
    --------
    >>> import numpy as np
    >>> from stylelib.runs.job import make_job
    >>> ran_out(make_job({"content": np.zeros((40, 60, 3), np.uint8)}, size=64, style_weight=0))
    'memory ran out at 64 × 43 pixels; ask for a smaller size, or for tile 512'
    """
    height, width = job.size
    tile = PROPOSED_TILE if job.tile is None else max(SMALLEST_TILE, job.tile // 2)
    return (
        f"memory ran out at {width} × {height} pixels; ask for a smaller size, or for tile {tile}"
    )

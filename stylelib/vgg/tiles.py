"""How to cut a picture into tiles, and what of the picture each tile depends on.

A position of a layer sees no further than its receptive field. So a tile with a margin of that
width around it has the feature maps that it has inside the picture.
"""

import math
from typing import NamedTuple

import numpy as np

from stylelib.vgg.layers import receptive_field, smallest_side

#: Smaller tiles would be nothing but margin.
SMALLEST_TILE = 64


class Tile(NamedTuple):
    """A part of a picture, and what is looked at to know it: rows and columns of pixels."""

    rows: slice
    columns: slice
    seen_rows: slice
    seen_columns: slice

    @property
    def inner(self):
        """First and last row and column of the tile, within what is seen."""
        top, left = self.seen_rows.start, self.seen_columns.start
        rows, columns = self.rows, self.columns
        ends = (rows.start - top, rows.stop - top, columns.start - left, columns.stop - left)
        return np.array(ends, np.int32)


def margin(layers, network="vgg16"):
    """How many pixels around a tile its feature maps depend on.

    Rounded up, so that a tile with its margin begins where a position of the deepest layer does.

    Examples
    --------
    >>> margin(["conv1_1", "conv5_1"]), margin(["conv1_1"])
    (64, 1)
    """
    step = max(map(smallest_side, layers))
    reach = max((receptive_field(layer, network) - smallest_side(layer)) / 2 for layer in layers)
    return math.ceil(reach / step) * step


def tiles(image_size, tile, layers, network="vgg16"):
    """Cut a picture of ``(height, width)`` into tiles of at most `tile` pixels a side.

    Examples
    --------
    >>> for part in tiles((90, 250), 128, ["conv3_1"]):
    ...     print(part.rows, part.columns, part.seen_columns)
    slice(0, 90, None) slice(0, 128, None) slice(0, 140, None)
    slice(0, 90, None) slice(128, 250, None) slice(116, 250, None)
    """
    step, around = max(map(smallest_side, layers)), margin(layers, network)
    rows, columns = (_cut(length, tile, step, around) for length in image_size)
    return [Tile(r, c, seen_r, seen_c) for r, seen_r in rows for c, seen_c in columns]


def _cut(length, tile, step, around):
    """Cut one side into parts of nearly one length, that begin at multiples of `step`."""
    count = math.ceil(length / max(step, tile // step * step))
    side = math.ceil(length / count / step) * step
    return [
        (slice(start, stop), slice(max(0, start - around), min(length, stop + around)))
        for start in range(0, length, side)
        for stop in (min(length, start + side),)
    ]

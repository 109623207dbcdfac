"""How to cut a picture into tiles, and what of the picture each tile depends on.

A position of a layer depends on its receptive field and on no other pixel. So a tile with a halo of
that width around it has the feature maps that it has inside the picture.
"""

import math
from typing import NamedTuple

import numpy as np

from stylelib.vgg.layers import receptive_field, smallest_side

#: Smaller tiles would be nothing but halo.
SMALLEST_TILE = 64


class Tile(NamedTuple):
    """A part of a picture, without and with its halo: rows and columns of pixels."""

    rows: slice
    columns: slice
    halo_rows: slice
    halo_columns: slice

    @property
    def interior(self):
        """First and last row and column of the tile, ``int32`` of shape ``(4,)``, in its halo."""
        top, left = self.halo_rows.start, self.halo_columns.start
        rows, columns = self.rows, self.columns
        ends = (rows.start - top, rows.stop - top, columns.start - left, columns.stop - left)
        return np.array(ends, np.int32)

    def positions(self, layer):
        """Rows and columns of the tile, without its halo, in the feature maps of a layer."""
        step = smallest_side(layer)
        return tuple(slice(s.start // step, s.stop // step) for s in (self.rows, self.columns))


def halo(layers, network="vgg16"):
    """How many pixels around a tile its feature maps depend on.

    Rounded up, so that a tile with its halo begins where a position of the deepest layer does.

    Examples
    --------
    >>> halo(["conv1_1", "conv5_1"]), halo(["conv1_1"])
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
    ...     print(part.rows, part.columns, part.halo_columns)
    slice(0, 90, None) slice(0, 128, None) slice(0, 140, None)
    slice(0, 90, None) slice(128, 250, None) slice(116, 250, None)
    """
    step, width = max(map(smallest_side, layers)), halo(layers, network)
    rows, columns = (_cut(length, tile, step, width) for length in image_size)
    return [Tile(r, c, halo_r, halo_c) for r, halo_r in rows for c, halo_c in columns]


def _cut(length, tile, step, halo):
    """Cut one side into parts of nearly one length, that begin at multiples of `step`."""
    count = math.ceil(length / max(step, tile // step * step))
    side = math.ceil(length / count / step) * step
    return [
        (slice(start, stop), slice(max(0, start - halo), min(length, stop + halo)))
        for start in range(0, length, side)
        for stop in (min(length, start + side),)
    ]

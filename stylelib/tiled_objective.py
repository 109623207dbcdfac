"""The loss of a picture too large for memory, tile by tile, and yet exactly.

A Gram matrix is a sum over positions, so those of all tiles add up to that of the picture. The
gradient needs the whole sum before it can begin, hence two passes: the first adds up, the second
goes back through the network, again tile by tile. Only one tile's feature maps are ever in memory;
the price is one more pass forward, and the halos of the tiles.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from stylelib._utils.checks import check_count, listed
from stylelib._utils.tensorflow import tf
from stylelib._utils.types import Array, Image
from stylelib.losses import content_loss, gram_matrix, masked
from stylelib.objective import (
    Objective,
    canonical_features,
    check_style_sizes,
    check_terms,
    weighted_losses,
)
from stylelib.preprocessing import preprocess
from stylelib.recipes.recipe import Recipe
from stylelib.recipes.regions import regions
from stylelib.vgg.layers import canonical, map_size, smallest_side
from stylelib.vgg.network import VGG
from stylelib.vgg.tiles import SMALLEST_TILE, tiles


class TiledObjective:
    """The same losses and gradients as those of `Objective`, up to rounding, in less memory.

    Parameters
    ----------
    vgg, recipe, content_image, style_image, style_weights, masks
        As for `Objective`.
    tile : int
        Longest side of a tile in pixels, at least 64. The halo, 64 pixels for the paper's layers,
        comes on top, so small tiles cost time.

    Examples
    --------
    >>> from stylelib import RECIPES, VGG, Objective, noise_image, preprocess
    >>> recipe = RECIPES["gatys2015"].replace(style_layers=["conv2_1"], content_layers=["conv1_1"])
    >>> vgg, images = VGG(["conv1_1", "conv2_1"]), (noise_image((90, 130)), noise_image((80, 99)))
    >>> x = preprocess(noise_image((90, 130), seed=1))
    >>> losses = [o.losses(x)["total"] for o in (
    ...     Objective(vgg, recipe, *images), TiledObjective(vgg, recipe, *images, tile=64))]
    >>> bool(abs(losses[0] / losses[1] - 1) < 1e-4)
    True
    """

    def __init__(
        self,
        vgg: VGG,
        recipe: Recipe,
        content_image: Image | None = None,
        style_image: Image | Sequence[Image] | None = None,
        tile: int = 1024,
        style_weights: Sequence[Any] | None = None,
        masks: Sequence[Array] | None = None,
    ) -> None:
        check_count("tile", tile, minimum=SMALLEST_TILE)
        check_terms(vgg, recipe, content_image, style_image)
        self.vgg = vgg
        self.recipe = recipe
        self.tile = tile
        self.content_size = None
        self.content_representation = []  # P of each tile, in the order of `tiles`
        self.regions = []
        self.style_sizes = []
        if recipe.content_weight:
            self.content_size = content_image.shape[:2]
            self.content_representation = self._content_target(preprocess(content_image))
        if recipe.style_weight:
            styles = listed(style_image)
            representations = [self._representation(preprocess(image)) for image in styles]
            self.regions = regions(representations, recipe.style_layers, style_weights, masks)
            self.style_sizes = [image.shape[:2] for image in styles]
        target = next(iter(self.content_representation), {})
        maps = {layer: tf.TensorSpec((1, None, None, P.shape[-1])) for layer, P in target.items()}
        masks = [
            dict.fromkeys(region.masks, tf.TensorSpec((None, None))) for region in self.regions
        ]
        grams = [
            {layer: tf.TensorSpec(A.shape) for layer, A in region.target.items()}
            for region in self.regions
        ]
        upstream = {layer: tf.TensorSpec(()) for layer in target}, grams
        self._compiled_sums = _for_any_size(self._sums, maps, masks)
        self._compiled_losses = tf.function(self._losses_and_upstream, autograph=False)
        self._compiled_backward = _for_any_size(self._backward_tile, maps, masks, upstream)

    style_representation = Objective.style_representation

    def losses(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the weighted losses of a picture, see `Objective.losses`."""
        return self._compiled_losses(*self._first_pass(x), x)[0]

    def loss_and_gradient(
        self, x: tf.Tensor | tf.Variable
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Return the losses and the gradient, see `Objective.loss_and_gradient`."""
        x = tf.convert_to_tensor(x)
        losses, upstream, direct = self._compiled_losses(*self._first_pass(x), x)
        gradient = np.array(direct)
        for part, *of_part in self._parts_and_targets(x):
            of_tile = self._compiled_backward(*of_part, upstream)
            gradient[:, part.halo_rows, part.halo_columns] += of_tile
        return losses, tf.convert_to_tensor(gradient)

    def _content_target(self, x):
        return [
            self._interior_maps(pixels, part.interior, self.recipe.content_layers)
            for part, pixels in self._parts(x)
        ]

    def _representation(self, x):
        """`style_representation` of a style image by layer."""
        grams = _for_any_size(self._grams)
        parts = self._parts(x)
        return _per_position(_added(grams(pixels, part.interior) for part, pixels in parts), x)

    def _grams(self, pixels, interior):
        """Eq. 3 of one tile."""
        maps = self._interior_maps(pixels, interior, self.recipe.style_layers)
        return {layer: gram_matrix(F) for layer, F in maps.items()}

    def _parts(self, x):
        """Each tile of a picture, and its pixels with those of the halo, ``(1, h, w, 3)``."""
        for part in tiles(x.shape[1:3], self.tile, self.vgg.layers, self.vgg.network):
            yield part, x[:, part.halo_rows, part.halo_columns]

    def _parts_and_targets(self, x):
        """Each tile, and what `_sums` takes of it."""
        if not self.content_representation:
            targets = itertools.repeat({})
        elif tuple(x.shape[1:3]) != self.content_size:
            raise ValueError(
                f"expected a picture of the content image's height and width {self.content_size}, "
                f"got {tuple(x.shape[1:3])}"
            )
        else:
            targets = self.content_representation
        for (part, pixels), target in zip(self._parts(x), targets, strict=False):
            yield part, pixels, part.interior, target, self._masks(part)

    def _masks(self, part):
        """The masks of a tile, by region and layer."""
        return [
            {layer: mask[part.positions(layer)] for layer, mask in region.masks.items()}
            for region in self.regions
        ]

    def _first_pass(self, x):
        """Eq. 1 of each content layer and Eq. 3 of each style layer, added up over the tiles."""
        return _added(self._compiled_sums(*of_part) for _, *of_part in self._parts_and_targets(x))

    def _interior_maps(self, pixels, interior, layers):
        """Feature maps of a tile without those of its halo, ``(1, h, w, N)`` by layer."""
        features, maps = canonical_features(self.vgg, pixels), {}
        for layer in layers:
            top, bottom, left, right = tf.unstack(interior // smallest_side(layer))
            maps[layer] = features[canonical(layer)][:, top:bottom, left:right]
        return maps

    def _sums(self, pixels, interior, target, masks):
        """Eq. 1 and Eq. 3 of one tile.

        Parameters
        ----------
        pixels : tf.Tensor
            Of the tile and its halo, ``float32``, ``(1, h, w, 3)``, VGG space.
        interior : tf.Tensor
            `Tile.interior`, ``int32``, ``(4,)``.
        target : dict of str to tf.Tensor
            P of the tile by content layer, ``float32``, ``(1, h_l, w_l, N)``.
        masks : list of dict of str to tf.Tensor
            Of the tile by region and style layer, ``float32``, ``(h_l, w_l)``.

        Returns
        -------
        content_losses : dict of str to tf.Tensor
            ``float32`` scalars by content layer.
        grams : list of dict of str to tf.Tensor
            ``float32``, ``(N, N)``, by region and style layer.
        """
        maps = self._interior_maps(pixels, interior, [*target, *self.style_representation])
        content_losses = {layer: content_loss(maps[layer], P) for layer, P in target.items()}
        grams = [
            {layer: _gram(maps[layer], masks_of_region.get(layer)) for layer in region.target}
            for region, masks_of_region in zip(self.regions, masks, strict=True)
        ]
        return content_losses, grams

    def _losses_and_upstream(self, content_losses, grams, x):
        """Losses, and the gradient of their total by the sums over tiles and by the picture."""
        check_style_sizes(self.recipe, x.shape[1:3], self.style_sizes)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch((content_losses, grams, x))
            generated = [
                _per_position(of_region, x, region.share)
                for of_region, region in zip(grams, self.regions, strict=True)
            ]
            losses = weighted_losses(self.recipe, x, content_losses, generated, self.regions)
        *upstream, direct = tape.gradient(
            losses["total"], (content_losses, grams, x), unconnected_gradients="zero"
        )
        return losses, tuple(upstream), direct

    def _backward_tile(self, pixels, interior, target, masks, upstream):
        """Gradient by the pixels of one tile and its halo, given those by its sums."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(pixels)
            sums = self._sums(pixels, interior, target, masks)
        return tape.gradient(sums, pixels, upstream)


def _for_any_size(function, *signatures):
    """Compile a function of pixels and which of them are the tile, once for tiles of all sizes."""
    pixels, interior = tf.TensorSpec((1, None, None, 3)), tf.TensorSpec(4, tf.int32)
    return tf.function(function, (pixels, interior, *signatures), autograph=False)


def _added(terms):
    """Add up nested structures of tensors."""
    return functools.reduce(functools.partial(tf.nest.map_structure, tf.add), terms)


def _gram(maps, mask):
    """Eq. 3 of a region, or of all that is in the maps."""
    return gram_matrix(maps if mask is None else masked(maps, mask))


def _per_position(grams, x, share=lambda layer: 1.0):
    """G / M of each layer, M for the whole picture, or for the share of it that a region is."""
    size = tuple(x.shape[1:3])
    return {
        layer: tf.math.divide_no_nan(gram, map_size(layer, size).positions * share(layer))
        for layer, gram in grams.items()
    }

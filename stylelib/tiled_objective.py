"""The loss of a picture too large for memory, tile by tile, and yet exactly.

A Gram matrix is a sum over positions, so those of all tiles add up to that of the picture. The
gradient needs the whole sum before it can begin, hence two passes: the first adds up, the second
goes back through the network, again tile by tile. Only one tile's feature maps are ever in memory;
the price is one more pass forward, and the margins of the tiles.
"""

import functools

import numpy as np

from stylelib._utils.checks import check_count
from stylelib._utils.tensorflow import tf
from stylelib.losses import content_loss, gram_matrix
from stylelib.objective import Objective
from stylelib.vgg.layers import canonical, map_size, smallest_side
from stylelib.vgg.tiles import SMALLEST_TILE, tiles


class TiledObjective(Objective):
    """`Objective`, with the same losses and gradients up to rounding, in less memory.

    Parameters
    ----------
    vgg, recipe, content_image, style_image
        As for `Objective`.
    tile : int
        Longest side of a tile in pixels, at least 64. The margin, 64 pixels for the paper's layers,
        comes on top, so small tiles cost time.

    Examples
    --------
    >>> from stylelib import RECIPES, VGG, noise_image, preprocess
    >>> recipe = RECIPES["gatys2015"].replace(style_layers=["conv2_1"], content_layers=["conv1_1"])
    >>> vgg, images = VGG(["conv1_1", "conv2_1"]), (noise_image((90, 130)), noise_image((80, 99)))
    >>> x = preprocess(noise_image((90, 130), seed=1))
    >>> losses = [o.losses(x)["total"] for o in (
    ...     Objective(vgg, recipe, *images), TiledObjective(vgg, recipe, *images, tile=64))]
    >>> bool(abs(losses[0] / losses[1] - 1) < 1e-4)
    True
    """

    def __init__(self, vgg, recipe, content_image=None, style_image=None, tile=1024):
        check_count("tile", tile, minimum=SMALLEST_TILE)
        self.tile = tile
        self.content_size = None
        super().__init__(vgg, recipe, content_image, style_image)
        target = next(iter(self.content_representation), {})
        maps = {layer: tf.TensorSpec((1, None, None, P.shape[-1])) for layer, P in target.items()}
        slopes = (
            {layer: tf.TensorSpec(()) for layer in target},
            {layer: tf.TensorSpec(gram.shape) for layer, gram in self.style_representation.items()},
        )
        self._compiled = tf.function(self._losses_and_slopes, autograph=False)
        self._compiled_sums = _for_any_size(self._sums, maps)
        self._compiled_pull_back = _for_any_size(self._pull_back, maps, slopes)

    def losses(self, x):
        """Return the weighted losses of a picture, see `Objective.losses`."""
        return self._compiled(*self._first_pass(x), x)[0]

    def loss_and_gradient(self, x):
        """Return the losses and the gradient, see `Objective.loss_and_gradient`."""
        x = tf.convert_to_tensor(x)
        losses, slopes, direct = self._compiled(*self._first_pass(x), x)
        gradient = np.array(direct)
        for part, seen, target in self._parts_and_targets(x):
            slope = self._compiled_pull_back(seen, part.inner, target, slopes)
            gradient[:, part.seen_rows, part.seen_columns] += slope
        return losses, tf.convert_to_tensor(gradient)

    def _content_target(self, x):
        """P of each tile, in the order of `tiles`."""
        self.content_size = tuple(x.shape[1:3])
        return [
            self._inside(seen, part.inner, self.recipe.content_layers)
            for part, seen in self._parts(x)
        ]

    def _style_target(self, x):
        grams = _for_any_size(self._grams)
        return _per_position(_added(grams(seen, part.inner) for part, seen in self._parts(x)), x)

    def _grams(self, seen, inner):
        """Eq. 3 of one tile."""
        maps = self._inside(seen, inner, self.recipe.style_layers)
        return {layer: gram_matrix(F) for layer, F in maps.items()}

    def _parts(self, x):
        """Each tile of a picture, and what is seen for it."""
        for part in tiles(x.shape[1:3], self.tile, self.vgg.layers, self.vgg.network):
            yield part, x[:, part.seen_rows, part.seen_columns]

    def _parts_and_targets(self, x):
        if not self.content_representation:
            return ((part, seen, {}) for part, seen in self._parts(x))
        if tuple(x.shape[1:3]) != self.content_size:
            raise ValueError(
                f"expected a picture of the content image's height and width {self.content_size}, "
                f"got {tuple(x.shape[1:3])}"
            )
        targets = self.content_representation
        return ((*part, target) for part, target in zip(self._parts(x), targets, strict=True))

    def _first_pass(self, x):
        """Eq. 1 of each content layer and Eq. 3 of each style layer, added up over the tiles."""
        return _added(
            self._compiled_sums(seen, part.inner, target)
            for part, seen, target in self._parts_and_targets(x)
        )

    def _inside(self, seen, inner, layers):
        """Feature maps of a tile, without those of its margin."""
        features, maps = self._features(seen), {}
        for layer in layers:
            top, bottom, left, right = tf.unstack(inner // smallest_side(layer))
            maps[layer] = features[canonical(layer)][:, top:bottom, left:right]
        return maps

    def _sums(self, seen, inner, target):
        """Eq. 1 and Eq. 3 of one tile."""
        maps = self._inside(seen, inner, [*target, *self.style_representation])
        distances = {layer: content_loss(maps[layer], P) for layer, P in target.items()}
        return distances, {layer: gram_matrix(maps[layer]) for layer in self.style_representation}

    def _losses_and_slopes(self, distances, grams, x):
        """Losses, and the gradient of their total by the sums over tiles and by the picture."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch((distances, grams, x))
            losses = self._weighted(distances, _per_position(grams, x), x)
        *slopes, direct = tape.gradient(
            losses["total"], (distances, grams, x), unconnected_gradients="zero"
        )
        return losses, tuple(slopes), direct

    def _pull_back(self, seen, inner, target, slopes):
        """Gradient by what is seen of one tile, given those by its sums."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(seen)
            sums = self._sums(seen, inner, target)
        return tape.gradient(sums, seen, slopes)


def _for_any_size(function, *signatures):
    """Compile a function of what is seen and which part of it is the tile, once for all tiles."""
    seen, inner = tf.TensorSpec((1, None, None, 3)), tf.TensorSpec(4, tf.int32)
    return tf.function(function, (seen, inner, *signatures), autograph=False)


def _added(terms):
    """Add up nested structures of tensors."""
    return functools.reduce(functools.partial(tf.nest.map_structure, tf.add), terms)


def _per_position(grams, x):
    """G / M of each layer, M for the whole picture."""
    image_size = tuple(x.shape[1:3])
    return {layer: gram / map_size(layer, image_size).positions for layer, gram in grams.items()}

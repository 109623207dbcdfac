"""Several styles in one picture: mixed everywhere, or each in a region of its own.

As in Gatys, Ecker, Bethge, Hertzmann, Shechtman: Controlling Perceptual Factors in Neural Style
Transfer, CVPR 2017, arXiv 1611.07865.
"""

from typing import Any, NamedTuple

import numpy as np

from stylelib._utils.checks import check_number, shown
from stylelib._utils.types import Array
from stylelib.vgg.layers import smallest_side

#: A mask whose brightest level is below this one holds no region.
BLACK = 2 / 255


class Region(NamedTuple):
    """A part of the generated image, and the style that it shall have.

    Attributes
    ----------
    target : dict of str to tf.Tensor
        `style_representation` by style layer, ``float32``, ``(N, N)``.
    masks : dict of str to numpy.ndarray
        `layer_mask` by style layer; empty where the region is the whole image.
    """

    target: dict[str, Any]
    masks: dict[str, Array]

    def share(self, layer: str) -> float:
        """How much of the image it is, as the layer sees it: the mean of its mask."""
        return float(self.masks[layer].mean()) if self.masks else 1.0


def mixing_shares(style_weights: Any, styles: int, layers: tuple[str, ...]) -> list[dict]:
    """How much each style counts in each layer.

    Parameters
    ----------
    style_weights : sequence, optional
        For each style a number, or a sequence of numbers, one for each layer; by default all count
        the same.
    styles : int
        Their number.
    layers : tuple of str

    Returns
    -------
    list of dict of str to float
        For each style its share by layer. The shares of a layer sum to 1.

    Raises
    ------
    ValueError
        For other numbers of weights, and a layer in which no style counts.

    Examples
    --------
    Strokes, which the first layers see, from the first style alone, all else from both:

    >>> mixing_shares([[1, 1], [0, 3]], 2, ("conv1_1", "conv4_1"))
    [{'conv1_1': 1.0, 'conv4_1': 0.25}, {'conv1_1': 0.0, 'conv4_1': 0.75}]
    """
    if style_weights is None:
        style_weights = [1.0] * styles
    if not isinstance(style_weights, (list, tuple)) or len(style_weights) != styles:
        raise ValueError(
            f"expected style_weights as a list of {styles}, one for each style, "
            f"got {shown(style_weights)}"
        )
    rows = [_of_each_layer(weight, layers) for weight in style_weights]
    totals = [sum(column) for column in zip(*rows, strict=True)]
    if 0 in totals:
        layer = layers[totals.index(0)]
        raise ValueError(f"expected a style with a weight above 0 in {layer}, got 0 for all")
    return [
        {layer: w / total for layer, w, total in zip(layers, row, totals, strict=True)}
        for row in rows
    ]


def _of_each_layer(weight, layers):
    weights = weight if isinstance(weight, (list, tuple)) else [weight] * len(layers)
    if len(weights) != len(layers):
        raise ValueError(
            f"expected a style's weight as one number, or one for each of {len(layers)} style "
            f"layers, got {shown(weight)}"
        )
    for number in weights:
        check_number("each of style_weights", number)
    return weights


def disjoint(masks: list[Array]) -> list[Array]:
    """Bring masks to a sum of at most 1 at each pixel.

    Where they sum to more, each is divided by their sum. Where they sum to less, the rest has no
    style: only the content loss counts there.

    Parameters
    ----------
    masks : list of numpy.ndarray
        ``(H, W)``, from 0 to 1.

    Returns
    -------
    list of numpy.ndarray
        ``float32``, ``(H, W)``.

    Raises
    ------
    ValueError
        For a mask of another shape, out of this range, or without a region.

    Examples
    --------
    >>> one, other = disjoint([np.ones((2, 2)), np.eye(2)])
    >>> one.tolist(), other.tolist()
    ([[0.5, 1.0], [1.0, 0.5]], [[0.5, 0.0], [0.0, 0.5]])
    """
    masks = [np.asarray(mask, np.float32) for mask in masks]
    for number, mask in enumerate(masks, start=1):
        if mask.ndim != 2 or mask.shape != masks[0].shape:
            raise ValueError(
                f"expected masks of one height and width, got shape {mask.shape} for mask {number}"
            )
        if not (mask.min() >= 0 and mask.max() <= 1):
            found = f"{mask.min():.6g} to {mask.max():.6g}"
            raise ValueError(f"expected mask {number} from 0 to 1, got {found}")
        if mask.max() < BLACK:
            raise ValueError(f"expected mask {number} white where its style goes, got a black one")
    total = np.maximum(np.sum(masks, axis=0), 1)
    return [mask / total for mask in masks]


def layer_mask(mask: Array, layer: str) -> Array:
    """A mask as the positions of a layer see it: the mean over the pixels that each stands for.

    Each pooling of the network halves the mask, as average pooling does. The receptive field of a
    position is larger than these pixels, so a style reaches a little over the edge of its region.

    Parameters
    ----------
    mask : numpy.ndarray
        ``float32``, ``(H, W)``, from 0 to 1.
    layer : str

    Returns
    -------
    numpy.ndarray
        ``float32``, ``(h, w)``, the height and width of the layer's feature maps.

    Examples
    --------
    >>> layer_mask(np.float32([[1, 1, 0, 0], [1, 0, 0, 0]]), "conv2_1").tolist()
    [[0.75, 0.0]]
    """
    side = smallest_side(layer)
    height, width = (length // side for length in mask.shape)
    cut = mask[: height * side, : width * side]
    # (h·side, w·side) -> (h, side, w, side) -> (h, w)
    return cut.reshape(height, side, width, side).mean(axis=(1, 3), dtype=np.float32)


def regions(
    representations: list[dict],
    layers: tuple[str, ...],
    style_weights: Any = None,
    masks: list[Array] | None = None,
) -> list[Region]:
    """Put the styles of several paintings where they belong.

    Parameters
    ----------
    representations : list of dict of str to array
        `style_representation` by layer, for each painting.
    layers : tuple of str
        Style layers.
    style_weights : sequence, optional
        See `mixing_shares`; only without masks.
    masks : list of numpy.ndarray, optional
        One for each painting, see `disjoint`.

    Returns
    -------
    list of Region
        One for each mask. Without masks one, whose target is the mean of all paintings' Gram
        matrices per position, weighted by their shares.

    Examples
    --------
    >>> one, other = {"conv1_1": np.float32([[1.0]])}, {"conv1_1": np.float32([[3.0]])}
    >>> regions([one, other], ("conv1_1",), style_weights=[1, 3])[0].target
    {'conv1_1': array([[2.5]], dtype=float32)}
    """
    check_styles(len(representations), layers, style_weights, masks)
    if masks is not None:
        return [
            Region(target, {layer: layer_mask(mask, layer) for layer in layers})
            for target, mask in zip(representations, disjoint(masks), strict=True)
        ]
    if len(representations) == 1:
        return [Region(representations[0], {})]
    shares = mixing_shares(style_weights, len(representations), layers)
    mixture = {
        layer: sum(
            share[layer] * A[layer] for share, A in zip(shares, representations, strict=True)
        )
        for layer in layers
    }
    return [Region(mixture, {})]


def check_styles(styles: int, layers, style_weights=None, masks=None) -> None:
    """Raise a ``ValueError`` where weights or masks do not fit to the number of styles.

    Examples
    --------
    >>> check_styles(2, ("conv1_1",), masks=[np.ones((2, 2))])
    Traceback (most recent call last):
    ...
    ValueError: expected a mask for each of 2 styles, got 1
    """
    if masks is not None and style_weights is not None:
        raise ValueError("expected style_weights, which mix styles, or masks, got both")
    if masks is not None and len(masks) != styles:
        raise ValueError(f"expected a mask for each of {styles} styles, got {len(masks)}")
    if masks is None:
        mixing_shares(style_weights, styles, layers)


def coverage(masks: list[Array]) -> Array:
    """Where any style goes: the sum of the masks, at most 1.

    Examples
    --------
    >>> coverage([np.eye(2), np.eye(2)]).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return np.sum(disjoint(masks), axis=0)

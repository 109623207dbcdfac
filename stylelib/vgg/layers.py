"""Names and shapes of the layers of VGG: facts, no network.

VGG is a stack of blocks: two to four convolutions of 3 × 3 with a ReLU, then a pooling that halves
height and width.
"""

import re
from typing import NamedTuple

from stylelib._utils.checks import check_choice, shown
from stylelib._utils.types import Network

#: Convolutions in each of the five blocks, and filters in each convolution of a block.
CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
FILTERS = (64, 128, 256, 512, 512)

NETWORKS = tuple(CONVOLUTIONS)
POOLINGS = ("max", "average")
PADDINGS = ("zero", "reflect")

#: Keras' name of the arithmetic behind each precision; weights and losses are float32 in all.
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
PRECISION_CHOICES = (*PRECISIONS, "auto")


def layer_names(network: Network = "vgg16") -> list[str]:
    """Names of all convolutional layers, first to last, in Keras' spelling.

    Examples
    --------
    >>> layer_names("vgg16")[:3], len(layer_names("vgg16")), len(layer_names("vgg19"))
    (['block1_conv1', 'block1_conv2', 'block2_conv1'], 13, 16)
    """
    check_choice("network", network, CONVOLUTIONS)
    return [
        f"block{block}_conv{conv}"
        for block, convolutions in enumerate(CONVOLUTIONS[network], start=1)
        for conv in range(1, convolutions + 1)
    ]


def keras_name(layer, network="vgg16"):
    """Translate a layer's name into Keras' spelling, and check that the network has it.

    Examples
    --------
    >>> keras_name("conv4_2"), keras_name("block4_conv2")
    ('block4_conv2', 'block4_conv2')
    >>> keras_name("conv3_4", "vgg16")
    Traceback (most recent call last):
    ...
    ValueError: expected a layer of vgg16 from conv1_1 to conv5_3, got 'conv3_4'
    """
    names = layer_names(network)
    name = canonical(layer)
    if name not in names:
        last = paper_name(names[-1])
        got = shown(layer)
        raise ValueError(f"expected a layer of {network} from conv1_1 to {last}, got {got}")
    return name


def canonical(layer):
    """Spell a layer's name as Keras does, whatever the network.

    Examples
    --------
    >>> canonical("conv4_2"), canonical("block4_conv2")
    ('block4_conv2', 'block4_conv2')
    """
    return re.sub(r"^conv(\d)_(\d)$", r"block\1_conv\2", str(layer))


def paper_name(layer):
    """Spell a layer's name as the paper does, whatever the network.

    Examples
    --------
    >>> paper_name("block4_conv2"), paper_name("conv4_2")
    ('conv4_2', 'conv4_2')
    """
    return re.sub(r"^block(\d)_conv(\d)$", r"conv\1_\2", str(layer))


def with_paper_names(settings):
    """Spell layers as the paper does wherever they are, so that equal settings compare as equal.

    Examples
    --------
    >>> with_paper_names({"style_layers": ["block1_conv1", "conv2_1"], "steps": 2})
    {'style_layers': ['conv1_1', 'conv2_1'], 'steps': 2}
    """
    if isinstance(settings, dict):
        return {name: with_paper_names(inner) for name, inner in settings.items()}
    if isinstance(settings, (list, tuple)):
        return [with_paper_names(inner) for inner in settings]
    return paper_name(settings) if isinstance(settings, str) else settings


def block_and_conv(layer):
    """Read the number of its block, and its place in that block, off a layer's name.

    Examples
    --------
    >>> block_and_conv("conv4_2"), block_and_conv("block4_conv2")
    ((4, 2), (4, 2))
    """
    block, conv = map(int, re.findall(r"\d", layer))
    return block, conv


def receptive_field(layer, network="vgg16"):
    """Side, in pixels, of the square that one position of a layer can see.

    A 3 × 3 convolution widens the square by the distance of two of its input positions on either
    side; a pooling widens it by one such distance, and doubles the distance.

    Examples
    --------
    >>> receptive_field("conv1_1"), receptive_field("conv2_1"), receptive_field("conv5_1")
    (3, 10, 132)
    """
    names = layer_names(network)
    side, distance = 1, 1
    for name in names[: names.index(keras_name(layer, network)) + 1]:
        block, conv = block_and_conv(name)
        if conv == 1 and block > 1:
            side, distance = side + distance, 2 * distance
        side += 2 * distance
    return side


def smallest_side(layer):
    """Pixels that the shorter side of a picture needs so that `layer` has one position.

    Each of the poolings before the layer halves the sides.

    Examples
    --------
    >>> smallest_side("conv1_2"), smallest_side("conv5_1")
    (1, 16)
    """
    block, _ = block_and_conv(layer)
    return 2 ** (block - 1)


class MapSize(NamedTuple):
    """Height, width and number N of a layer's feature maps."""

    height: int
    width: int
    filters: int

    @property
    def positions(self):
        """M = h·w."""
        return self.height * self.width

    @property
    def elements(self):
        """N·M."""
        return self.filters * self.positions


def map_size(layer, image_size):
    """Size of a layer's feature maps for a picture of ``(height, width)``, without a network.

    Examples
    --------
    >>> map_size("conv3_1", (129, 192))
    MapSize(height=32, width=48, filters=256)
    """
    height, width = image_size
    shrunk = smallest_side(layer)
    block, _ = block_and_conv(layer)
    return MapSize(height // shrunk, width // shrunk, FILTERS[block - 1])


def kernel_shapes(network):
    """Shape of each layer's kernel: height, width, channels in, filters.

    Examples
    --------
    >>> kernel_shapes("vgg16")["block2_conv1"]
    (3, 3, 64, 128)
    """
    names = layer_names(network)
    out = [
        filters for filters, n in zip(FILTERS, CONVOLUTIONS[network], strict=True) for _ in range(n)
    ]
    return {name: (3, 3, i, o) for name, i, o in zip(names, [3, *out], out, strict=False)}

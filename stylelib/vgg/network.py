"""The network: feature maps of a picture.

Feature maps are read after the ReLU, as Eqs 2 and 6 of the paper ask for.
"""

from collections.abc import Iterable

import numpy as np

from stylelib._utils.checks import check_choice, check_flag, shown
from stylelib._utils.process import cached_once
from stylelib._utils.tensorflow import check_tensorflow, keras, tf
from stylelib._utils.types import Network, Padding, Path, Pooling, Precision
from stylelib.images.load import load_image
from stylelib.preprocessing import preprocess
from stylelib.vgg.float16 import ACTIVATION_SCALE, scaled
from stylelib.vgg.layers import (
    PADDINGS,
    POOLINGS,
    PRECISIONS,
    block_and_conv,
    keras_name,
    kernel_shapes,
    layer_names,
    smallest_side,
)
from stylelib.vgg.precision import resolve_precision
from stylelib.vgg.weights import DATA, identity, load_weights, read_once, read_only

__all__ = ["VGG", "layer_names", "load_weights"]

#: Pictures over which the mean activations of the normalised network are taken: all there are,
#: since some filters have large activations for paintings and next to none for photographs.
REFERENCE_IMAGES = (
    *("astronaut.jpg", "chelsea.jpg", "coffee.jpg", "rocket.jpg", "summer_palace.jpg"),
    *("brick.png", "gravel.png", "starry_night.jpg", "swirls.jpg", "burning_sky.jpg"),
    *("geometry.jpg", "stained_glass.jpg", "wave.jpg", "ink.jpg", "points.jpg"),
)


class VGG:
    """VGG16 or VGG19 up to the deepest layer asked for, with nothing to train.

    Parameters
    ----------
    layers : sequence of str
        Names in Keras' spelling (``"block4_conv2"``) or the paper's (``"conv4_2"``).
    network : {"vgg16", "vgg19"}
    weights : str or path, optional
        ``"embedded"`` (VGG16 only, in this repository), ``"imagenet"`` (Keras' download),
        ``"random"`` (seeded), or a file, see `load_weights`. By default ``"embedded"`` for VGG16
        and ``"imagenet"`` for VGG19.
    pooling : {"max", "average"}
        The kind of all inner poolings. VGG was trained with max; the paper found average "slightly
        more appealing".
    normalized : bool
        Rescale every filter so that its mean activation is 1, as in the paper's CVPR 2016 version.
        Differs from it: the mean runs over `REFERENCE_IMAGES`, not over ImageNet.
    precision : {"float32", "bfloat16", "float16", "auto"}
        Arithmetic inside the network, see `stylelib.vgg.precision`. Feature maps are ``float32`` in
        any case.
    padding : {"zero", "reflect"}
        What a convolution sees beyond the border of its input: zeros, as VGG was trained, or the
        input mirrored at its first and last row and column. Zeros look like an edge, which is
        painted, too, so that there is a step in the first pixels; reflection makes it much
        smaller. Away from the border the feature maps are the same. A map of one row or column is
        repeated instead, as `numpy.pad` does.

    Attributes
    ----------
    layers : tuple of str
        The names as they were asked for.
    network : str
    precision : str
        What ``"auto"`` was resolved to, if it was asked for.
    model : keras.Model
        From VGG space to the feature maps, by Keras' names; for float16 see `stylelib.vgg.float16`.

    Raises
    ------
    ValueError
        For an unknown layer or option, and where the weights cannot be read.

    Examples
    --------
    >>> vgg = VGG(["conv1_1", "block2_conv1"])
    >>> features = vgg(tf.zeros((1, 32, 48, 3)))
    >>> {layer: tuple(maps.shape) for layer, maps in features.items()}
    {'conv1_1': (1, 32, 48, 64), 'block2_conv1': (1, 16, 24, 128)}
    """

    def __init__(
        self,
        layers: Iterable[str],
        network: Network = "vgg16",
        weights: Path | None = None,
        pooling: Pooling = "max",
        normalized: bool = False,
        precision: Precision = "float32",
        padding: Padding = "zero",
    ) -> None:
        check_tensorflow()
        layers = [layers] if isinstance(layers, str) else layers
        if not isinstance(layers, Iterable):
            raise ValueError(f"expected a list of layer names, got {shown(layers)}")
        check_choice("pooling", pooling, POOLINGS)
        check_choice("padding", padding, PADDINGS)
        check_flag("normalized", normalized)
        self.precision = resolve_precision(precision)
        self._names = {layer: keras_name(layer, network) for layer in layers}
        if not self._names:
            raise ValueError("expected a list of layer names, got an empty one")
        if normalized:
            parameters = _normalized(identity(network, weights), network, pooling, REFERENCE_IMAGES)
        else:
            parameters = load_weights(network, weights)
        self.layers = tuple(self._names)
        self.network = network
        self.padding = padding
        self.model = _build(self._names.values(), network, pooling, self.precision, padding)
        self._forward = self.model
        if self.precision == "float16":
            parameters = {
                name: (k, ACTIVATION_SCALE * bias) for name, (k, bias) in parameters.items()
            }
            self._forward = scaled(self.model)
        _set_weights(self.model, parameters)

    def __call__(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the feature maps of a picture.

        Parameters
        ----------
        x : tf.Tensor
            ``float32``, ``(1, H, W, 3)``, VGG space. A layer of block b needs at least 2^(b−1)
            pixels a side.

        Returns
        -------
        dict of str to tf.Tensor
            ``float32``, ``(1, h, w, N)``, in the order and under the names asked for.

        Raises
        ------
        ValueError
            For anything else, such as an image that was not preprocessed.
        """
        self._check(x)
        features = self._forward(x)
        return {layer: tf.cast(features[name], tf.float32) for layer, name in self._names.items()}

    def _check(self, x):
        """Refuse what would be silently wrong, such as an image that was not preprocessed."""
        expected = "expected a picture in VGG space, float32 (1, H, W, 3), see preprocess"
        if not hasattr(x, "shape") or not hasattr(x, "dtype"):
            raise ValueError(f"{expected}; got a {type(x).__name__}")
        if len(x.shape) != 4 or x.shape[3] != 3 or x.dtype not in (tf.float32, np.float32):
            got = getattr(x.dtype, "name", x.dtype)
            raise ValueError(f"{expected}; got {got} of shape {tuple(x.shape)}")
        needed = max(map(smallest_side, self.layers))
        if any(side is not None and side < needed for side in x.shape[1:3]):
            raise ValueError(
                f"expected at least {needed} pixels a side for {self.layers}, "
                f"got {x.shape[2]} × {x.shape[1]}"
            )


def _build(names, network, pooling, precision="float32", padding="zero"):
    """Build the network up to the deepest of `names`."""
    pool = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[pooling]
    x = inputs = keras.Input((None, None, 3), dtype="float32")
    outputs = {}
    for name, shape in kernel_shapes(network).items():
        block, conv = block_and_conv(name)
        # The picture and its gradient pass through the first layer. Were they rounded there, the
        # optimiser would end at a loss that is higher by up to 1 %; it costs next to no time.
        dtype = "float32" if (block, conv) == (1, 1) else PRECISIONS[precision]
        if conv == 1 and block > 1:
            x = pool(2, dtype=dtype, data_format="channels_last", name=f"block{block - 1}_pool")(x)
        if padding == "reflect":
            x = _Reflection(dtype=dtype)(x)
        x = keras.layers.Conv2D(
            shape[-1],
            3,
            padding="same" if padding == "zero" else "valid",
            activation="relu",
            kernel_initializer="zeros",  # drawing random ones would take time: they are set later
            name=name,
            dtype=dtype,
            data_format="channels_last",
        )(x)
        outputs[name] = x
        if outputs.keys() >= set(names):
            break
    model = keras.Model(inputs, {name: outputs[name] for name in names}, name=network)
    model.trainable = False
    return model


class _Reflection(keras.layers.Layer):
    def call(self, x):
        return mirrored(x)


def mirrored(x):
    """Add a row and a column to each side of feature maps, mirrored at the first and the last one.

    Parameters
    ----------
    x : tf.Tensor
        ``(1, h, w, N)``.

    Returns
    -------
    tf.Tensor
        ``(1, h + 2, w + 2, N)``.

    Examples
    --------
    >>> mirrored(tf.constant([[1, 2, 3], [4, 5, 6]])[tf.newaxis, :, :, tf.newaxis]).numpy()[0, 0]
    array([[5],
           [4],
           [5],
           [6],
           [5]], dtype=int32)
    """
    if None in x.shape[1:3]:
        return _mirrored_at_any_size(x)
    mode = "symmetric" if 1 in x.shape[1:3] else "reflect"  # of one row there is no second
    return keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode=mode)


def _mirrored_at_any_size(x):
    """In a graph for tiles of all sizes the mode cannot be chosen, but the rows can."""
    sides = tf.shape(x)[1:3]
    inwards = tf.cast(tf.reduce_min(sides) > 1, tf.int32)
    for axis, side in ((1, sides[0]), (2, sides[1])):
        before, after = (tf.gather(x, [i], axis=axis) for i in (inwards, side - 1 - inwards))
        x = tf.concat([before, x, after], axis)
    return x


def _set_weights(model, parameters):
    for layer in model.layers:
        if layer.name in parameters:
            layer.set_weights(parameters[layer.name])


@cached_once
def _normalized(weights, network, pooling, images):
    """Divide every filter by its mean activation, and undo that in the layer above.

    ReLU and both poolings let a positive factor through, so every feature map is divided by its own
    mean and nothing else changes. A filter whose mean is 0 is left alone.
    """
    names, parameters = layer_names(network), read_once(weights)
    model = _build(names, network, pooling)
    _set_weights(model, parameters)
    totals, positions = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    for image in images:
        x = preprocess(load_image(DATA / "images" / image, max_size=192))
        for name, maps in model(x).items():
            totals[name] += np.sum(maps, axis=(0, 1, 2), dtype=np.float64)
            positions[name] += maps.shape[1] * maps.shape[2]
    scaled, below = {}, np.ones(3)  # below: what the input channels were divided by
    for name, (kernel, bias) in parameters.items():
        mean = totals[name] / positions[name]
        mean[mean == 0] = 1.0
        scaled[name] = (
            (kernel * below[:, np.newaxis] / mean).astype(np.float32),
            (bias / mean).astype(np.float32),
        )
        below = mean
    return read_only(scaled)

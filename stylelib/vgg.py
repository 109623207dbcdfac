"""The network and its weights.

VGG is a stack of blocks: two to four convolutions of 3 × 3 with a ReLU, then a pooling that halves
height and width. Feature maps are read after the ReLU, as Eqs 2 and 6 of the paper ask for.
"""

import hashlib
import io
import os
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from stylelib._tensorflow import keras, tf
from stylelib.errors import check_choice, one_line
from stylelib.preprocessing import load_image, preprocess

#: Convolutions in each of the five blocks, and filters in each convolution of a block.
CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
FILTERS = (64, 128, 256, 512, 512)

POOLINGS = ("max", "average")
#: Keras' name of the arithmetic behind each precision: bfloat16 layers, float32 weights and losses.
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}

# A checkout keeps its data beside the package, a wheel inside it.
_PACKAGE = Path(__file__).parent
DATA = next((f for f in (_PACKAGE / "data", _PACKAGE.parent / "data") if f.is_dir()), Path("data"))

EMBEDDED = DATA / "weights" / "vgg16-imagenet-float16.npz"
EMBEDDED_SHA256 = "e9b66f29cfcbef084fc0d9d9d9d8a1ffda0da07c3bb82690d3d61bec59c4ba6b"

#: Address and MD5 of the convolutional weights that Keras publishes.
KERAS_WEIGHTS = {
    "vgg16": (
        "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
    ),
    "vgg19": (
        "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
        "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "253f8cb515780f3b799900260a226db6",
    ),
}

#: Photographs over which the mean activations of the normalised network are taken.
REFERENCE_IMAGES = ("astronaut", "chelsea", "coffee", "rocket", "summer_palace")


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
    precision : {"float32", "bfloat16"}
        Arithmetic inside the network. Feature maps are ``float32`` in any case.

    Attributes
    ----------
    layers : tuple of str
        The names as they were asked for.
    model : keras.Model
        From VGG space to the feature maps, by Keras' names.

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
        layers,
        network="vgg16",
        weights=None,
        pooling="max",
        normalized=False,
        precision="float32",
    ):
        if isinstance(layers, str) or not isinstance(layers, Iterable):
            raise ValueError(f"expected a list of layer names, got {layers!r}")
        check_choice("pooling", pooling, POOLINGS)
        check_choice("precision", precision, PRECISIONS)
        self._names = {layer: keras_name(layer, network) for layer in layers}
        if not self._names:
            raise ValueError("expected a list of layer names, got an empty one")
        parameters = load_weights(network, weights)
        if normalized:
            parameters = _normalized(parameters, network, pooling)
        self.layers = tuple(self._names)
        self.model = _build(self._names.values(), network, pooling, precision)
        _set_weights(self.model, parameters)

    def __call__(self, x):
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
        features = self.model(x)
        return {layer: tf.cast(features[name], tf.float32) for layer, name in self._names.items()}

    def _check(self, x):
        """Refuse what would be silently wrong, such as an image that was not preprocessed."""
        if len(x.shape) != 4 or x.shape[3] != 3 or x.dtype not in (tf.float32, np.float32):
            raise ValueError(
                "expected a picture in VGG space, float32 (1, H, W, 3), see preprocess; "
                f"got {tf.as_dtype(x.dtype).name} of shape {tuple(x.shape)}"
            )
        needed = max(map(smallest_side, self.layers))
        if any(side is not None and side < needed for side in x.shape[1:3]):
            raise ValueError(
                f"expected at least {needed} pixels a side for {self.layers}, "
                f"got {x.shape[2]} × {x.shape[1]}"
            )


def layer_names(network="vgg16"):
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
        last = names[-1].replace("block", "conv").replace("_conv", "_")
        raise ValueError(f"expected a layer of {network} from conv1_1 to {last}, got {layer!r}")
    return name


def canonical(layer):
    """Spell a layer's name as Keras does, whatever the network.

    Examples
    --------
    >>> canonical("conv4_2"), canonical("block4_conv2")
    ('block4_conv2', 'block4_conv2')
    """
    return re.sub(r"^conv(\d)_(\d)$", r"block\1_conv\2", str(layer))


def smallest_side(layer):
    """Pixels that the shorter side of a picture needs so that `layer` has one position.

    Each of the poolings before the layer halves the sides.

    Examples
    --------
    >>> smallest_side("conv1_2"), smallest_side("conv5_1")
    (1, 16)
    """
    block = int(re.search(r"\d", layer).group())
    return 2 ** (block - 1)


def load_weights(network="vgg16", weights=None):
    """Read kernels and biases of all convolutional layers.

    Parameters
    ----------
    network : {"vgg16", "vgg19"}
    weights : str or path, optional
        As for `VGG`. A file is a Keras ``.weights.h5`` or ``.h5``, with or without the fully
        connected layers, or an ``.npz`` with the keys ``block1_conv1/kernel``,
        ``block1_conv1/bias`` and so on.

    Returns
    -------
    dict of str to (numpy.ndarray, numpy.ndarray)
        Kernel ``(3, 3, in, out)`` and bias ``(out,)`` by layer, ``float32``; the input channels of
        the first layer are BGR.

    Raises
    ------
    ValueError
        Where the file is missing, damaged, altered or of another network.

    Examples
    --------
    >>> kernel, bias = load_weights("vgg16")["block1_conv1"]
    >>> kernel.shape, bias.shape
    ((3, 3, 3, 64), (64,))
    """
    check_choice("network", network, CONVOLUTIONS)
    if weights is None:
        weights = "embedded" if network == "vgg16" else "imagenet"
    if weights == "random":
        return _random_weights(network)
    if weights == "imagenet":
        return _read_h5(_download(network), network)
    if weights == "embedded":
        if network != "vgg16":
            raise ValueError(f"expected weights for {network}; only vgg16 has embedded weights")
        return _read_npz(_read_embedded(), EMBEDDED, network)
    if not isinstance(weights, (str, os.PathLike)):
        raise ValueError(f"expected weights as a name or a path, got {weights!r}")
    path = Path(weights)
    if not path.is_file():
        raise ValueError(
            f"expected weights 'embedded', 'imagenet', 'random' or a file, got {str(path)!r}"
        )
    if path.suffix == ".npz":
        return _read_npz(path.read_bytes(), path, network)
    if path.suffix in {".h5", ".hdf5"}:
        return _read_h5(path, network)
    raise ValueError(f"cannot read {path}: expected a file that ends in .npz or .h5")


def _shapes(network):
    """Shape of each layer's kernel."""
    names = layer_names(network)
    out = [
        filters for filters, n in zip(FILTERS, CONVOLUTIONS[network], strict=True) for _ in range(n)
    ]
    return {name: (3, 3, i, o) for name, i, o in zip(names, [3, *out], out, strict=False)}


def _build(names, network, pooling, precision="float32"):
    """Build the network up to the deepest of `names`."""
    common = {"dtype": PRECISIONS[precision], "data_format": "channels_last"}
    pool = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[pooling]
    x = inputs = keras.Input((None, None, 3), dtype="float32")
    outputs = {}
    for name, shape in _shapes(network).items():
        block, conv = map(int, re.findall(r"\d", name))
        if conv == 1 and block > 1:
            x = pool(2, name=f"block{block - 1}_pool", **common)(x)
        x = keras.layers.Conv2D(
            shape[-1],
            3,
            padding="same",
            activation="relu",
            kernel_initializer="zeros",  # drawing random ones would take time: they are set later
            name=name,
            **common,
        )(x)
        outputs[name] = x
        if outputs.keys() >= set(names):
            break
    model = keras.Model(inputs, {name: outputs[name] for name in names}, name=network)
    model.trainable = False
    return model


def _set_weights(model, parameters):
    for layer in model.layers:
        if layer.name in parameters:
            layer.set_weights(parameters[layer.name])


def _normalized(parameters, network, pooling):
    """Divide every filter by its mean activation, and undo that in the layer above.

    ReLU and both poolings let a positive factor through, so every feature map is divided by its own
    mean and nothing else changes. A filter that never answers is left alone.
    """
    names = layer_names(network)
    model = _build(names, network, pooling)
    _set_weights(model, parameters)
    totals, positions = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    for image in REFERENCE_IMAGES:
        x = preprocess(load_image(DATA / "images" / f"{image}.jpg", max_size=256))
        for name, maps in model(x).items():
            totals[name] += np.sum(maps, axis=(0, 1, 2), dtype=np.float64)
            positions[name] += maps.shape[1] * maps.shape[2]
    scaled, below = {}, np.ones(3)  # below: what the input channels were divided by
    for name, (kernel, bias) in parameters.items():
        mean = totals[name] / positions[name]
        mean[mean == 0] = 1.0
        scaled[name] = [
            (kernel * below[:, np.newaxis] / mean).astype(np.float32),
            (bias / mean).astype(np.float32),
        ]
        below = mean
    return scaled


def _random_weights(network):
    """He's initialisation, which keeps the size of activations from layer to layer."""
    generator = np.random.default_rng(0)
    parameters = {}
    for name, shape in _shapes(network).items():
        kernel = generator.standard_normal(shape, dtype=np.float32)
        kernel *= np.float32(np.sqrt(2 / np.prod(shape[:3])))
        parameters[name] = (kernel, np.zeros(shape[-1], np.float32))
    return parameters


def _read_embedded():
    """Read the file in one go, so that what is hashed is what is used."""
    remedy = "get it back with: git checkout -- data/weights (or install the package anew)"
    try:
        data = EMBEDDED.read_bytes()
    except OSError as error:
        reason = f"cannot read the embedded weights {EMBEDDED}: {one_line(error)}"
        raise ValueError(f"{reason}; {remedy}") from error
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != EMBEDDED_SHA256:
        raise ValueError(
            f"the embedded weights {EMBEDDED} are incomplete or altered: expected sha256 "
            f"{EMBEDDED_SHA256[:12]}…, got {sha256[:12]}… of {len(data):,} bytes; {remedy}"
        )
    return data


def _read_npz(data, path, network):
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            parameters = {
                name: tuple(
                    arrays[f"{name}/{part}"].astype(np.float32) for part in ("kernel", "bias")
                )
                for name in layer_names(network)
            }
    except Exception as error:  # NumPy and zipfile raise many kinds on damaged files
        raise ValueError(
            f"cannot read {path}: expected kernels and biases of {network}, {one_line(error)}"
        ) from error
    return _checked(parameters, path, network)


def _read_h5(path, network):
    """Let Keras read its own formats into a network of NaN, so that a gap cannot go unseen."""
    model = _build(layer_names(network), network, "max")
    model.set_weights([np.full(w.shape, np.nan, np.float32) for w in model.get_weights()])
    by_name = {} if Path(path).name.endswith(".weights.h5") else {"by_name": True}
    try:
        model.load_weights(path, **by_name)
    except Exception as error:  # h5py and Keras raise many kinds on damaged files
        raise ValueError(
            f"cannot read {path}: expected Keras' weights of {network}, {one_line(error)}"
        ) from error
    parameters = {name: tuple(model.get_layer(name).get_weights()) for name in layer_names(network)}
    return _checked(parameters, path, network)


def _checked(parameters, path, network):
    for name, shape in _shapes(network).items():
        kernel, bias = parameters[name]
        if kernel.shape != shape or bias.shape != shape[-1:]:
            raise ValueError(
                f"cannot read {path}: expected a kernel {shape} for {name} of {network}, "
                f"got {kernel.shape}"
            )
        if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
            raise ValueError(f"cannot read {path}: it holds no usable weights for {name}")
    return parameters


def _download(network):
    """Fetch Keras' weights, or find them in Keras' cache; Keras checks the hash."""
    address, md5 = KERAS_WEIGHTS[network]
    try:
        return keras.utils.get_file(
            origin=address, file_hash=md5, hash_algorithm="md5", cache_subdir="models"
        )
    except Exception as error:  # Keras raises a bare Exception where there is no network
        here = {"vgg16": "weights='embedded'", "vgg19": "network='vgg16'"}[network]
        raise ValueError(
            f"cannot download the weights of {network}: {one_line(error)}; without internet, use "
            f"{here}, which is in this repository, or fetch {address} elsewhere and give its path "
            "as weights"
        ) from error

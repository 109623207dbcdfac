"""The network's weights, from every place they can come from.

None of it is ever unpickled, and what has a known hash is compared with it before use. Keras is
imported only where a file of its own is read.
"""

import hashlib
import http.client
import os
from pathlib import Path

import numpy as np

from stylelib._utils.checks import check_choice, one_line
from stylelib._utils.files import atomic_write, read_arrays
from stylelib._utils.process import kept
from stylelib.images.downloads import download_known
from stylelib.vgg.layers import NETWORKS, kernel_shapes, layer_names

# A checkout keeps its data beside the package, a wheel inside it.
_PACKAGE = Path(__file__).parent.parent
DATA = next((f for f in (_PACKAGE / "data", _PACKAGE.parent / "data") if f.is_dir()), Path("data"))

EMBEDDED = DATA / "weights" / "vgg16-imagenet-float16.npz"
EMBEDDED_SHA256 = "e9b66f29cfcbef084fc0d9d9d9d8a1ffda0da07c3bb82690d3d61bec59c4ba6b"

#: Weights that are no file of the user's.
NAMES = ("embedded", "imagenet", "random")

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


def load_weights(network="vgg16", weights=None):
    """Read kernels and biases of all convolutional layers.

    A file is read once and kept until it changes. So the arrays are read-only: alter a copy.

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
        Kernel ``(3, 3, in, out)`` and bias ``(out,)`` by layer, ``float32``, read-only; the input
        channels of the first layer are BGR.

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
    return dict(read_once(identity(network, weights)))


def identity(network, weights=None):
    """Tell weights from all others, and a file from what it was before it changed.

    Returns
    -------
    tuple
        Network, kind or ending, path, and what changes with the file's content.

    Examples
    --------
    >>> identity("vgg19", "random")
    ('vgg19', 'random', None, None)
    """
    check_weights(network, weights)
    if weights is None:
        weights = "embedded" if network == "vgg16" else "imagenet"
    if weights == "random":
        return network, "random", None, None
    if weights == "imagenet":
        path = _download(network)
    else:
        path = EMBEDDED if weights == "embedded" else Path(weights)
    kind = weights if weights in NAMES else path.suffix
    return network, kind, path, _state(path)


def _state(path):
    try:
        found = path.stat()
    except OSError:
        return None  # reading it says why
    return os.path.realpath(path), found.st_size, found.st_mtime_ns, found.st_ctime_ns


@kept
def read_once(identity):
    """Read the weights of an `identity`; nobody can change what is kept."""
    network, kind, path, _ = identity
    if kind == "random":
        return read_only(_random_weights(network))
    if kind == "embedded":
        return read_only(_read_npz(_read_embedded(), path, network))
    if kind == ".npz":
        return read_only(_read_npz(path.read_bytes(), path, network))
    return read_only(_read_h5(path, network))


def read_only(parameters):
    """Forbid changes, which would reach everybody who gets these weights."""
    for array in (array for pair in parameters.values() for array in pair):
        array.flags.writeable = False
    return parameters


def check_weights(network, weights):
    """Raise a ``ValueError`` if there can be no such weights, without reading them.

    Examples
    --------
    >>> check_weights("vgg19", "embedded")
    Traceback (most recent call last):
    ...
    ValueError: expected weights for vgg19; only vgg16 has embedded weights
    """
    check_choice("network", network, NETWORKS)
    if weights == "embedded" and network != "vgg16":
        raise ValueError(f"expected weights for {network}; only vgg16 has embedded weights")
    if weights is None or weights in NAMES:
        return
    if not isinstance(weights, (str, os.PathLike)):
        raise ValueError(f"expected weights as a name or a path, got {weights!r}")
    path = Path(weights)
    if not os.path.isfile(path):
        raise ValueError(
            f"expected weights 'embedded', 'imagenet', 'random' or a file, got {str(path)!r}"
        )
    if path.suffix not in {".npz", ".h5", ".hdf5"}:
        raise ValueError(f"cannot read {path}: expected a file that ends in .npz or .h5")


def _random_weights(network):
    """He's initialisation, which keeps the size of activations from layer to layer."""
    generator = np.random.default_rng(0)
    parameters = {}
    for name, shape in kernel_shapes(network).items():
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
        arrays = read_arrays(data)
        parameters = {
            name: tuple(_real(arrays, f"{name}/{part}") for part in ("kernel", "bias"))
            for name in layer_names(network)
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"cannot read {path}: expected kernels and biases of {network}, {one_line(error)}"
        ) from error
    return _checked(parameters, path, network)


def _real(arrays, name):
    if arrays[name].dtype.kind not in "fiu":
        raise ValueError(f"{name} holds {arrays[name].dtype}")
    return arrays[name].astype(np.float32)


def _read_h5(path, network):
    """Let Keras read its own formats into a network of NaN, so that a gap cannot go unseen."""
    from stylelib._utils.tensorflow import keras

    application = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[network]
    by_name = {} if Path(path).name.endswith(".weights.h5") else {"by_name": True}
    model = application(include_top=False, weights=None)
    model.set_weights([np.full(w.shape, np.nan, np.float32) for w in model.get_weights()])
    try:
        model.load_weights(path, **by_name)
    except Exception as error:  # h5py and Keras raise many kinds on damaged files
        raise ValueError(
            f"cannot read {path}: expected Keras' weights of {network}, {one_line(error)}"
        ) from error
    layers = {name: model.get_layer(name) for name in layer_names(network)}
    parameters = {name: tuple(layer.get_weights()) for name, layer in layers.items()}
    return _checked(parameters, path, network)


def _checked(parameters, path, network):
    for name, shape in kernel_shapes(network).items():
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
    """Find Keras' weights in Keras' cache, or fetch them.

    The cache gets nothing but the complete file, so that two processes that fetch it at once, or
    one that is killed, leave nothing broken behind.
    """
    address, md5 = KERAS_WEIGHTS[network]
    cache = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"), "models")
    path = cache / address.rpartition("/")[2]
    try:
        if path.exists() and _md5(path, _state(path)) == md5:
            return path
        data = download_known(address, md5)
        cache.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(data)
        return path
    except (OSError, ValueError, http.client.HTTPException) as error:
        here = {"vgg16": "weights='embedded'", "vgg19": "network='vgg16'"}[network]
        raise ValueError(
            f"cannot download the weights of {network}: {one_line(error)}; without internet, use "
            f"{here}, which is in this repository, or fetch {address} elsewhere and give its path "
            "as weights"
        ) from error


@kept
def _md5(path, state):
    return hashlib.md5(path.read_bytes()).hexdigest()  # noqa: S324

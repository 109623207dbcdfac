"""The network's weights, from every place they can come from.

None of it is ever unpickled, and what has a known hash is compared with it before use. Every array
in a file is accounted for: what the network has not is an error that names it.
"""

import contextlib
import hashlib
import http.client
import os
import re
import stat
from pathlib import Path

import numpy as np

from stylelib._utils.checks import check_choice, one_line, shortened, shown
from stylelib._utils.files import atomic_write, read_arrays, user_path, writable_folder
from stylelib._utils.process import cached_once
from stylelib._utils.types import Array, Network
from stylelib._utils.types import Path as AnyPath
from stylelib.images.downloads import download_known
from stylelib.images.sources import name_of
from stylelib.vgg.layers import NETWORKS, kernel_shapes, layer_names

# A checkout keeps its data beside the package, a wheel inside it.
_PACKAGE = Path(__file__).parent.parent
DATA = next((f for f in (_PACKAGE / "data", _PACKAGE.parent / "data") if f.is_dir()), Path("data"))

EMBEDDED = DATA / "weights" / "vgg16-imagenet-float16.npz"
EMBEDDED_SHA256 = "e9b66f29cfcbef084fc0d9d9d9d8a1ffda0da07c3bb82690d3d61bec59c4ba6b"

#: Weights that are no file of the user's.
NAMES = ("embedded", "imagenet", "random")

#: What a layer has, and the layers of the classifier, which a file may hold and nobody reads.
PARTS = ("kernel", "bias")
TOP = ("fc1", "fc2", "predictions")

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


def load_weights(
    network: Network = "vgg16", weights: AnyPath | None = None
) -> dict[str, tuple[Array, Array]]:
    """Read kernels and biases of all convolutional layers.

    A file is read once and kept until it changes. So the arrays are read-only: alter a copy.

    Parameters
    ----------
    network : {"vgg16", "vgg19"}
    weights : str or path, optional
        As for `VGG`. A file is a Keras ``.weights.h5`` or ``.h5``, with or without the fully
        connected layers, or an ``.npz`` with the keys ``block1_conv1/kernel``,
        ``block1_conv1/bias`` and so on. Beside these a file may hold the network's classifier,
        `TOP`, and a ``.h5`` the state of an optimizer; anything else is an error.

    Returns
    -------
    dict of str to (numpy.ndarray, numpy.ndarray)
        Kernel ``(3, 3, in, out)`` and bias ``(out,)`` by layer, ``float32``, read-only; the input
        channels of the first layer are BGR.

    Raises
    ------
    ValueError
        Where the file is missing, damaged, altered or of another network, lacks an array or holds
        one too many.

    Examples
    --------
    >>> kernel, bias = load_weights("vgg16")["block1_conv1"]
    >>> kernel.shape, bias.shape
    ((3, 3, 3, 64), (64,))
    """
    return dict(read_once(identity(network, weights)))


def identity(network, weights=None):
    """Cache key of weights: other for other weights, and for a file that has changed.

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
        path = EMBEDDED if weights == "embedded" else user_path(weights)
    kind = weights if weights in NAMES else path.suffix.lower()
    return network, kind, path, _state(path)


def _state(path):
    try:
        found = path.stat()
    except OSError:
        return None  # reading it says why
    return os.path.realpath(path), found.st_size, found.st_mtime_ns, found.st_ctime_ns


@cached_once
def read_once(identity):
    """Read the weights of an `identity`; nobody can change what is kept."""
    network, kind, path, _ = identity
    if kind == "random":
        return read_only(_random_weights(network))
    if kind == "embedded":
        return read_only(_read_npz(_read_embedded(), path, network))
    if kind == ".npz":
        return read_only(_read_npz(_read_file(path), path, network))
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
    if weights is None:
        return
    if not isinstance(weights, (str, os.PathLike)):  # before an array is compared with a name
        raise ValueError(f"expected weights as a name or a path, got {shown(weights)}")
    if weights == "embedded" and network != "vgg16":
        raise ValueError(f"expected weights for {network}; only vgg16 has embedded weights")
    if weights in NAMES:
        return
    path = user_path(weights)
    _check_file(path, os.fspath(weights))
    if path.suffix.lower() not in {".npz", ".h5", ".hdf5"}:
        raise ValueError(f"cannot read {name_of(path)}: expected a file that ends in .npz or .h5")


def _check_file(path, given):
    """Raise a ``ValueError`` where there is no file, with the nearest of `NAMES`."""
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            return
    except PermissionError as error:
        raise ValueError(f"cannot read {name_of(path)}: {one_line(error)}") from error
    except (OSError, ValueError):  # a name with a zero byte is a ValueError
        pass
    check_choice("weights as a file, or", given, NAMES)


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


def _read_file(path):
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {name_of(path)}: {one_line(error)}") from error


def _read_npz(data, path, network):
    with _reading(path, network):
        return _parameters(read_arrays(data), network)


def _read_h5(path, network):
    """Read Keras' formats without Keras, so that every array in the file is seen."""
    import h5py

    arrays = {}

    def collect(place, item):
        if isinstance(item, h5py.Dataset):
            arrays[place] = item

    with _reading(path, network), h5py.File(path, "r") as file:
        file.visititems(collect)
        return _parameters(_named(arrays, network), network)


@contextlib.contextmanager
def _reading(path, network):
    try:
        yield
    except Exception as error:  # h5py raises nearly anything on damaged files
        expected = f"expected kernels and biases of {network}"
        raise ValueError(f"cannot read {name_of(path)}: {expected}, {one_line(error)}") from error


# The last part of an array's place in Keras' files of ten years, and the layer's place in its last.
_PART = re.compile(r"(?:.*_)?(?:(kernel|W|W_1)|(bias|b|b_1))(?::0)?")
_LAYER = re.compile(r"layers/(conv2d|dense)(?:_([1-9]\d*))?/vars/([01])")


def _named(arrays, network):
    """Name the arrays of a Keras file as those of an ``.npz``, and leave out an optimizer's.

    Examples
    --------
    >>> list(_named({"block1_conv1/kernel:0": 0, "layers/conv2d_1/vars/1": 1}, "vgg16"))
    ['block1_conv1/kernel', 'block1_conv2/bias']
    """
    order = {"conv2d": layer_names(network), "dense": TOP}
    found = {}
    for place, array in arrays.items():
        if place.startswith(("optimizer/", "optimizer_weights/")):
            continue
        name = place.removeprefix("model_weights/")
        match = _LAYER.fullmatch(name)
        if match and int(match[2] or 0) < len(order[match[1]]):
            name = f"{order[match[1]][int(match[2] or 0)]}/{PARTS[int(match[3])]}"
        layer, _, rest = name.partition("/")
        match = _PART.fullmatch(rest.rpartition("/")[2])
        if match and layer in (*order["conv2d"], *TOP):
            name = f"{layer}/{'kernel' if match[1] else 'bias'}"
        if name in found:  # whichever is taken, the other would be passed over
            raise ValueError(f"it also holds {shortened(place)}")
        found[name] = array
    return found


def _parameters(arrays, network):
    """Check that there is each array of the network, and nothing else but a classifier's."""
    shapes = kernel_shapes(network)
    wanted, top = (
        [f"{layer}/{part}" for layer in layers for part in PARTS] for layers in (shapes, TOP)
    )
    missing = [name for name in wanted if name not in arrays]
    extra = [name for name in arrays if name not in wanted and name not in top]
    if missing or extra:
        found = {"it lacks": missing, "it also holds": extra}
        got = [f"{verb} {_first(names)}" for verb, names in found.items() if names]
        raise ValueError(" and ".join(got) + _whose(arrays, network))
    return {
        layer: (_real(arrays, f"{layer}/kernel", shape), _real(arrays, f"{layer}/bias", shape[-1:]))
        for layer, shape in shapes.items()
    }


def _first(names):
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return shortened(names[0]) + more


def _whose(arrays, network):
    """Guess by the number of convolutions which of the other networks a file belongs to."""
    count = sum(len(array.shape or ()) == 4 for array in arrays.values())
    others = [name for name in NETWORKS if name != network and len(layer_names(name)) == count]
    return f"; is it of {others[0]}?" if others else ""


def _real(arrays, name, shape):
    """Read one array as ``float32``, once its shape and type are known to be right."""
    array = arrays[name]
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} holds {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{name} of shape {shape}, got {array.shape}")
    with np.errstate(over="ignore"):
        values = np.asarray(array[()], np.float32)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return values


def _download(network):
    """Find Keras' weights in Keras' cache, or fetch them.

    The cache gets nothing but the complete file, so that two processes that fetch it at once, or
    one that is killed, leave nothing broken behind. Whether it can be written is found out first.
    """
    address, md5 = KERAS_WEIGHTS[network]
    path = _cache() / address.rpartition("/")[2]
    try:
        if path.exists() and _md5(path, _state(path)) == md5:
            return path
        writable_folder(path.parent)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"cannot keep the weights of {network}: {one_line(error)}; set KERAS_HOME to a folder "
            f"that can be read and written to"
        ) from error
    try:
        data = download_known(address, md5)
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


@cached_once
def _md5(path, state):
    return hashlib.md5(path.read_bytes()).hexdigest()  # noqa: S324


def _cache():
    """Where Keras keeps what it has downloaded; a home folder is needed only without KERAS_HOME."""
    try:
        home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser()
    except RuntimeError as error:
        raise ValueError(
            "expected a home folder, or KERAS_HOME as one to keep weights in"
        ) from error
    return home / "models"

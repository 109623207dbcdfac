"""Pictures come in from files, addresses, bytes and arrays, and go out to files.

An **image** is a ``uint8`` array of shape ``(H, W, 3)``, RGB, 0 to 255, everywhere in the library.
"""

import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from stylelib.errors import check_choice, check_count, one_line
from stylelib.files import check_writable, replacing
from stylelib.urls import download

#: Largest picture that is read or made, in pixels (128 million take 512 MB while decoding).
MAX_PIXELS = 128_000_000

#: Endings of the formats that `save_image` writes without changing the size of a picture.
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")

RESAMPLINGS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
}


def load_image(source, max_size=None, size=None, resampling="lanczos"):
    """Read a picture from wherever it is.

    EXIF orientation is applied, transparency is laid over white, and greyscale, palette, CMYK
    and 16-bit pictures become 8-bit RGB. Of an animation the first frame is taken.

    Parameters
    ----------
    source : str, path, bytes, binary file, PIL image or array
        A string that starts with ``https://`` is downloaded. An array has shape ``(H, W)``,
        ``(H, W, 1)``, ``(H, W, 3)`` or ``(H, W, 4)`` and is ``bool``, ``uint8`` (0 to 255),
        ``uint16`` (0 to 65535) or floating point (0 to 1).
    max_size : int, optional
        Upper bound of the longer side. A smaller picture is left as it is.
    size : (int, int), optional
        Exact ``(height, width)``. Not together with `max_size`.
    resampling : {"lanczos", "bicubic", "bilinear", "nearest"}

    Returns
    -------
    numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB, 0 to 255.

    Raises
    ------
    ValueError
        Where the source is missing, is no picture, is damaged or has more than `MAX_PIXELS`
        pixels. The message names the source.

    Examples
    --------
    >>> import numpy as np
    >>> grey = np.array([[0, 128], [255, 64]], dtype=np.uint8)
    >>> load_image(grey).shape
    (2, 2, 3)
    >>> load_image(np.zeros((40, 80, 3), np.uint8), max_size=20).shape
    (10, 20, 3)
    """
    check_choice("resampling", resampling, RESAMPLINGS)
    if max_size is not None and size is not None:
        raise ValueError("expected max_size or size, got both")
    if max_size is not None:
        check_count("max_size", max_size)
    if size is not None:
        size = check_size(size)
    name = _name(source)
    if isinstance(source, np.ndarray):
        image = _from_array(source, name)
    elif isinstance(source, Image.Image):
        image = _decode(source, name)
    else:
        image = _read(source, name)
    if max_size is not None and max(image.size) > max_size:
        size = scaled_size((image.height, image.width), max_size)
    if size is not None and (image.height, image.width) != size:
        height, width = size
        image = image.resize((width, height), RESAMPLINGS[resampling])
    return np.array(image)


def scaled_size(size, longer_side):
    """Scale ``(height, width)`` so that the longer side is `longer_side`.

    Parameters
    ----------
    size : (int, int)
    longer_side : int

    Returns
    -------
    (int, int)
        The proportions are kept as well as whole pixels allow; no side falls below 1.

    Examples
    --------
    >>> scaled_size((427, 640), 256)
    (171, 256)
    """
    factor = longer_side / max(size)
    height, width = (max(1, round(side * factor)) for side in size)
    return height, width


def save_image(path, image):
    """Write a picture; the file appears whole or not at all.

    Parameters
    ----------
    path : str or path
        The ending chooses the format, see `ENDINGS`.
    image : numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB, 0 to 255.

    Raises
    ------
    ValueError
        Where `image` is no such array, the ending names no format that can be written, or the
        file cannot be written.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_image(folder + "/red.png", np.full((4, 4, 3), (255, 0, 0), np.uint8))
    ...     load_image(folder + "/red.png")[0, 0].tolist()
    [255, 0, 0]
    """
    check_image(image)
    path = check_output(path)
    options = {"quality": 95, "subsampling": 0} if path.suffix.lower() in {".jpg", ".jpeg"} else {}
    with replacing(path) as file:
        format_ = Image.registered_extensions()[path.suffix.lower()]
        Image.fromarray(image).save(file, format=format_, **options)


def check_output(path):
    """Check that a picture can be written to `path` before any work is done.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        Where the ending is not one of `ENDINGS`, `path` is a folder, or no file can be made there.

    Examples
    --------
    >>> check_output("picture.docx")
    Traceback (most recent call last):
    ...
    ValueError: cannot write picture.docx: expected an ending .png, .jpg, ..., got '.docx'
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"expected a path to write to, got {path!r}")
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        endings = ", ".join(ENDINGS)
        raise ValueError(f"cannot write {path}: expected an ending {endings}, got {path.suffix!r}")
    check_writable(path)
    return path


def check_image(image):
    """Check that `image` is a ``uint8`` array of shape ``(H, W, 3)``, and return it.

    Examples
    --------
    >>> check_image([1, 2, 3])
    Traceback (most recent call last):
    ...
    ValueError: expected an image, a uint8 array of shape (H, W, 3); got a list
    """
    expected = "expected an image, a uint8 array of shape (H, W, 3)"
    if not isinstance(image, np.ndarray):
        raise ValueError(f"{expected}; got a {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"{expected}; got {image.dtype} of shape {image.shape}")
    return image


def check_size(size):
    """Check that `size` is ``(height, width)`` in whole pixels, and return it as a tuple.

    Examples
    --------
    >>> check_size(256)
    Traceback (most recent call last):
    ...
    ValueError: expected size as (height, width), got 256
    """
    if np.shape(size) != (2,):
        raise ValueError(f"expected size as (height, width), got {size!r}")
    height, width = size
    for side in (height, width):
        check_count("each side of size", side)
    if int(height) * int(width) > MAX_PIXELS:
        raise ValueError(f"expected size of at most {MAX_PIXELS:,} pixels, got {height} × {width}")
    return height, width


def _name(source):
    """Say in an error message where a picture came from."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return getattr(source, "filename", None) or getattr(source, "name", None) or "the picture given"


def _open(source, name):
    """Open any source but an array or a PIL image as a binary file."""
    if isinstance(source, str) and "://" in source:
        return io.BytesIO(download(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source)
    if hasattr(source, "read"):
        return io.BytesIO(_read_all(source, name))
    if not isinstance(source, (str, os.PathLike)):
        raise ValueError(
            "expected a path, an https address, bytes, a binary file, a PIL image or an array; "
            f"got a {type(source).__name__}"
        )
    if not os.path.isfile(source):
        what = "it is a folder" if os.path.isdir(source) else "there is no such file"
        raise ValueError(f"cannot read {name}: {what}")
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise ValueError(f"cannot read {name}: {one_line(error)}") from error


def _read_all(file, name):
    try:
        data = file.read()
    except (OSError, ValueError) as error:  # a text file that cannot be decoded, a closed one
        raise ValueError(f"cannot read {name}: {one_line(error)}") from error
    if not isinstance(data, bytes):
        raise ValueError(f"cannot read {name}: expected a file opened in binary mode")
    return data


def _read(source, name):
    """Turn a file into a PIL image of mode RGB."""
    with _open(source, name) as file:
        try:
            with warnings.catch_warnings():  # Pillow warns of large pictures; _decode refuses them
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                picture = Image.open(file)
        except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
            reason = f"expected a picture, {one_line(error)}"
            raise ValueError(f"cannot read {name}: {reason}") from error
        return _decode(picture, name)


def _decode(picture, name):
    """Turn any PIL image into one of mode RGB."""
    if picture.width * picture.height > MAX_PIXELS:
        raise ValueError(
            f"cannot read {name}: expected at most {MAX_PIXELS:,} pixels, "
            f"got {picture.width} × {picture.height}"
        )
    try:
        picture = ImageOps.exif_transpose(picture)
        if not picture.mode.startswith(("F", "I")):  # more than 8 bits
            return _over_white(picture).convert("RGB")
        values = np.asarray(picture)
    except Exception as error:  # as above
        reason = f"the picture is damaged, {one_line(error)}"
        raise ValueError(f"cannot read {name}: {reason}") from error
    if values.dtype.kind != "f":  # some versions of Pillow hand 16 bits on as 32
        values = np.clip(values, 0, 65535).astype(np.uint16)
    return _from_array(values, name)


def _over_white(picture):
    if not picture.has_transparency_data:
        return picture
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture.convert("RGBA"))


def _from_array(array, name):
    """Turn an array into a PIL image of mode RGB; its dtype tells the range of its values."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ValueError(
            f"cannot read {name}: expected an array of shape (H, W), (H, W, 3) or (H, W, 4), "
            f"got {array.shape}"
        )
    return _decode(Image.fromarray(np.ascontiguousarray(_to_uint8(array, name))), name)


def _to_uint8(array, name):
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return np.round(array / 257).astype(np.uint8)  # 65535 / 257 = 255
    if array.dtype.kind != "f":
        raise ValueError(
            f"cannot read {name}: expected bool, uint8, uint16 or floats, got {array.dtype}"
        )
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise ValueError(
            f"cannot read {name}: expected floats between 0 and 1, "
            f"got {array.min():g} to {array.max():g}"
        )
    return np.round(array * 255).astype(np.uint8)

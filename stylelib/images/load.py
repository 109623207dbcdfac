"""Pictures come in from files, addresses, bytes and arrays.

An **image** is a ``uint8`` array of shape ``(H, W, 3)``, RGB, 0 to 255, everywhere in the library.
"""

import numpy as np
from PIL import ExifTags, Image

from stylelib._utils.checks import check_choice, check_count, one_line
from stylelib.images.colours import to_srgb
from stylelib.images.formats import check_tiles, open_picture, quiet
from stylelib.images.sizes import MAX_PIXELS, check_size, scaled_size
from stylelib.images.sources import name_of, open_source

RESAMPLINGS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
}

# What undoes each EXIF orientation.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load_image(source, max_size=None, size=None, resampling="lanczos"):
    """Read a picture from wherever it is.

    EXIF orientation is applied, colours go through the ICC profile to sRGB, transparency is laid
    over white, and greyscale, palette, CMYK and 16-bit pictures become 8-bit RGB. Of an animation
    the first frame is taken. Damaged EXIF data or profiles are passed over.

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
        Where the source is missing, is no picture, is damaged, has more than `MAX_PIXELS` pixels
        or 1 GiB, or holds floats outside 0 to 1. The message names the source.

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
    name = name_of(source)
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


def _read(source, name):
    """Turn a file into a PIL image of mode RGB."""
    with open_source(source, name) as file, quiet():
        try:
            picture = open_picture(file)
        except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
            reason = f"expected a picture, {one_line(error)}"
            raise ValueError(f"cannot read {name}: {reason}") from error
        return _decode(picture, name)


def _decode(picture, name):
    """Turn any PIL image into one of mode RGB."""
    _check_pixels(picture.width, picture.height, name)
    try:
        with quiet():
            check_tiles(picture, MAX_PIXELS)
            picture.load()
            picture = _upright(picture)
            if not picture.mode.startswith(("F", "I")):
                return to_srgb(picture)
            values = np.asarray(picture)
    except Exception as error:  # as above
        reason = f"the picture is damaged, {one_line(error)}"
        raise ValueError(f"cannot read {name}: {reason}") from error
    return _from_deep(values, picture.info, name)


def _upright(picture):
    """Turn a picture as its EXIF data says; where these are damaged it stays as it is."""
    try:
        turn = TURNS.get(picture.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # as above
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _from_deep(values, info, name):
    """Turn grey of more than 8 bits into a PIL image of mode RGB."""
    if values.dtype.kind != "f":  # Pillow hands 16 bits on as 16 or as 32
        if values.min() < 0 or values.max() > 65535:
            got = f"got {values.min()} to {values.max()}"
            raise ValueError(f"cannot read {name}: expected values between 0 and 65535, {got}")
        values = values.astype(np.uint16)
    picture = Image.fromarray(_to_uint8(values, name))
    if isinstance(hidden := info.get("transparency"), int):
        picture.putalpha(Image.fromarray(np.where(values == hidden, 0, 255).astype(np.uint8)))
    picture.info["icc_profile"] = info.get("icc_profile")
    return to_srgb(picture)


def _from_array(array, name):
    """Turn an array into a PIL image of mode RGB; its dtype tells the range of its values."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ValueError(
            f"cannot read {name}: expected an array of shape (H, W), (H, W, 3) or (H, W, 4), "
            f"got {array.shape}"
        )
    height, width = array.shape[:2]
    _check_pixels(width, height, name)
    return to_srgb(Image.fromarray(np.ascontiguousarray(_to_uint8(array, name))))


def _check_pixels(width, height, name):
    if not 0 < width * height <= MAX_PIXELS:
        expected = f"at most {MAX_PIXELS:,} pixels" if width * height else "at least one pixel"
        raise ValueError(f"cannot read {name}: expected {expected}, got {width} × {height}")


def _to_uint8(array, name):
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        # Round value / 257 (65535 / 257 = 255) without floats, which take four times the memory.
        return (array // 257 + (array % 257 > 128)).astype(np.uint8)
    if array.dtype.kind != "f":
        raise ValueError(
            f"cannot read {name}: expected bool, uint8, uint16 or floats, got {array.dtype}"
        )
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise ValueError(
            f"cannot read {name}: expected floats between 0 and 1, "
            f"got {array.min():g} to {array.max():g}"
        )
    scaled = array * 255
    return np.round(scaled, out=scaled).astype(np.uint8)

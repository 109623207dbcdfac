"""Pictures come in from files, addresses, bytes and arrays.

An **image** is a ``uint8`` array of shape ``(H, W, 3)``, RGB, 0 to 255, everywhere in the library.
"""

import re

import numpy as np
from PIL import ExifTags, Image

from stylelib._utils.checks import check_choice, check_count, one_line
from stylelib._utils.types import Array, Resampling, Size, Source
from stylelib._utils.types import Image as ImageArray
from stylelib.images.colours import on_white, to_srgb
from stylelib.images.formats import check_tiles, open_picture, silence_decoders
from stylelib.images.levels import DARK, NEARLY_BLACK, to_levels
from stylelib.images.sizes import MAX_PIXELS, check_size, scaled_size
from stylelib.images.sources import name_of, open_binary
from stylelib.images.tiff import orientation

RESAMPLINGS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
}

# What undoes each EXIF orientation. `ImageOps.exif_transpose` writes the other EXIF data anew, and
# fails where one of them cannot be written, such as a resolution that is not a number.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_XMP_TURN = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')


def load_image(
    source: Source,
    max_size: int | None = None,
    size: Size | None = None,
    resampling: Resampling = "lanczos",
) -> ImageArray:
    """Read a picture from wherever it is.

    EXIF orientation is applied, colours go through the ICC profile to sRGB, transparency is laid
    over white, and greyscale, palette, CMYK and 16-bit pictures become 8-bit RGB. Of an animation
    the first frame is taken, and of a file with a preview the full picture. Damaged metadata and
    profiles are passed over.

    Parameters
    ----------
    source : str, path, bytes, binary file, PIL image, array or tensor
        A string that starts with ``https://`` is downloaded. A file that was opened is read from
        its start. An array, or whatever NumPy can make one of without copying a list, has shape
        ``(H, W)``, ``(H, W, 1)``, ``(H, W, 3)`` or ``(H, W, 4)``; an axis of one picture before
        these is dropped, so ``(1, H, W)`` is grey, unless W is 1, 3 or 4. A PIL image is turned as
        the EXIF data say that it carries; `rotate` and `transpose` of Pillow keep these,
        ``ImageOps.exif_transpose`` does not.
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
        Where the source is missing, is no picture, is damaged, is a raw photograph, has more than
        `MAX_PIXELS` pixels or 1 GiB, or holds numbers in none of the ranges below. The message
        names the source.

    Notes
    -----
    Numbers are read by their kind and by the largest of them, in arrays and tensors, PIL images and
    files alike, and the alpha of an array by its own largest:

    ======== ============= ============================================
    numbers  largest       are read as
    ======== ============= ============================================
    bool                   False is black, True is white
    integers 0 … 255       0 … 255, black to white
    integers 4096 … 65535  0 … 65535, black to white
    floats   0 … 1         0 … 1, black to white
    floats   16 … 255      0 … 255, black to white
    ======== ============= ============================================

    All else is an error: negative numbers, NaN and infinity, integers above 65535, floats above
    255, and integers from 256 to 4095 or floats from 1 to 16 as the largest, which would come out
    nearly black. What rounds to a level from 0 to 255 is inside: 1.0000001 is white. So integers of
    any width that go to 255 are as bright as in ``uint8``, floats that are all at most 1 are never
    taken for levels, and a picture of 10 or 12 bits in wider integers has to be scaled first (in a
    TIFF that says so, 12 bits are). Of colours of 16 bits in a file Pillow hands on the upper
    eight, so a file of these that needs the lower ones is an error, too.

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
    image = on_white(_picture(source, name_of(source)))
    if max_size is not None and max(image.size) > max_size:
        size = scaled_size((image.height, image.width), max_size)
    if size is not None and (image.height, image.width) != size:
        height, width = size
        image = image.resize((width, height), RESAMPLINGS[resampling])
    return np.array(image)


def load_alpha(source: Source, size: Size) -> Array | None:
    """Read how opaque each pixel of a picture is.

    Parameters
    ----------
    source : path, https address, bytes, file object, PIL image or array
        As for `load_image`.
    size : (int, int)
        ``(height, width)`` to bring it to.

    Returns
    -------
    numpy.ndarray or None
        ``uint8``, ``(height, width)``, 0 is transparent; None where nothing can be.

    Raises
    ------
    ValueError
        As `load_image` does.

    Examples
    --------
    >>> load_alpha(Image.new("LA", (2, 1), (0, 51)), (1, 1)).tolist()
    [[51]]
    """
    height, width = check_size(size)
    picture = _picture(source, name_of(source))
    if picture.mode == "RGB":
        return None
    return np.array(picture.getchannel("A").resize((width, height), Image.Resampling.BILINEAR))


def _picture(source, name):
    """Turn any source into a PIL image of mode RGB, or RGBA where it has transparency."""
    if isinstance(source, Image.Image):
        return _decode(source, name)
    # Strings of NumPy have the method, too, and so have few files.
    if hasattr(source, "__array__") and not isinstance(source, (str, bytes)):
        return _from_array(source, name)
    return _read(source, name)


def _read(source, name):
    """Turn a file into a PIL image of mode RGB or RGBA."""
    with open_binary(source, name) as file, silence_decoders:
        try:
            picture = open_picture(file)
        except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
            reason = f"expected a picture, {one_line(error)}"
            raise ValueError(f"cannot read {name}: {reason}") from error
        return _decode(picture, name, _turned_in_file)


def _decode(picture, name, turned=None):
    """Turn any PIL image into one of mode RGB or RGBA."""
    _check_pixels(picture.width, picture.height, name)
    try:
        check_tiles(picture, MAX_PIXELS)
        halved, opaque = _is_halved(picture), _is_opaque(picture)
        tags = getattr(picture, "tag_v2", {})  # which what is turned has not
        picture.load()
        picture = _upright(picture, turned or _turned)
        if opaque:
            picture = picture.convert(picture.mode.removesuffix("A"))
        signed = picture.mode == "L" and tags.get(ExifTags.Base.SampleFormat) == (2,)
        deep = signed or picture.mode.startswith(("F", "I"))
        image = np.asarray(picture) if deep else to_srgb(picture)
    except Exception as error:  # as above
        reason = f"the picture is damaged, {one_line(error)}"
        raise ValueError(f"cannot read {name}: {reason}") from error
    if deep:
        values = image.view(np.int8) if signed else image
        return _from_deep(values, picture, tags, name)
    if halved and max(high for _, high in picture.convert("RGB").getextrema()) < DARK:
        expected = "expected colours between 0 and 65535, got none above 4095"
        raise ValueError(f"cannot read {name}: {expected}{NEARLY_BLACK}")
    return image


def _is_halved(picture):
    """Tell whether Pillow hands on only the upper half of 16 bits."""
    return any(re.search(r";16|65535", str(tile[3])) for tile in getattr(picture, "tile", ()))


def _is_opaque(picture):
    """Tell whether a TGA says that its fourth byte means nothing."""
    file = getattr(picture, "fp", None)
    if picture.format != "TGA" or file is None:
        return False
    file.seek(17)
    return file.read(1)[0] & 15 == 0


def _upright(picture, turned):
    """Turn a picture as its EXIF data say; where these are damaged it stays as it is."""
    try:
        turn = TURNS.get(turned(picture))
    except Exception:  # as above
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _turned(picture):
    """How a PIL image says that it is turned, whoever said so."""
    return picture.getexif().get(ExifTags.Base.Orientation)


def _turned_in_file(picture):
    """The same without the warnings of Pillow, which reads all EXIF data for it."""
    exif = picture.info.get("exif")
    if exif and (turn := orientation(exif)):
        return turn
    xmp = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    if match := _XMP_TURN.search(xmp.encode() if isinstance(xmp, str) else xmp):
        return int(match[1])
    return 1 if exif else _turned(picture)


def _from_deep(values, picture, tags, name):
    """Turn grey of more than 8 bits, or with a sign, into a PIL image of mode RGB or RGBA."""
    hidden = picture.info.get("transparency")
    if tags.get(ExifTags.Base.PhotometricInterpretation) == 0:  # which Pillow inverts up to 8 bits
        raise ValueError(f"cannot read {name}: expected 0 as black, got a TIFF with 0 as white")
    if tags.get(ExifTags.Base.BitsPerSample) == (12,):
        values = values * np.uint16(16) + (values >> 8)
    grey = Image.fromarray(_levels(values, name))
    if isinstance(hidden, int):
        grey.putalpha(Image.fromarray(np.where(values == hidden, 0, 255).astype(np.uint8)))
    grey.info["icc_profile"] = picture.info.get("icc_profile")
    return to_srgb(grey)


def _from_array(source, name):
    """Turn an array, or what can be one, into a PIL image of mode RGB or RGBA."""
    try:
        array = np.asarray(source if isinstance(source, np.ndarray) else source.__array__())
    except Exception as error:  # of any library: on another device, symbolic, …
        raise ValueError(f"cannot read {name}: expected an array, {one_line(error)}") from error
    shape = array.shape
    if shape[:1] == (1,) and (array.ndim == 4 or (array.ndim == 3 and shape[2] not in (1, 3, 4))):
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ValueError(
            f"cannot read {name}: expected an array of shape (H, W), (H, W, 3) or (H, W, 4), "
            f"got {shape}"
        )
    height, width = array.shape[:2]
    _check_pixels(width, height, name)
    if array.ndim == 2 or array.shape[2] == 3:
        levels = _levels(array, name)
    else:
        levels = _with_alpha(array[:, :, :3], array[:, :, 3:], name)
    return to_srgb(Image.fromarray(np.ascontiguousarray(levels)))


def _with_alpha(colours, alpha, name):
    """Levels of both, each by its own range: floats are often 0 to 255 beside an alpha of 1."""
    colours, alpha = _levels(colours, name), _levels(alpha, name)
    if 0 < alpha.max() < DARK:
        raise ValueError(
            f"cannot read {name}: expected alpha up to 1 in floats, 255 or 65535 in integers, got "
            f"none above {alpha.max()} of 255, which would come out nearly white"
        )
    return np.concatenate([colours, alpha], axis=2)


def _levels(values, name):
    try:
        return to_levels(values)
    except ValueError as error:
        raise ValueError(f"cannot read {name}: {error}") from error


def _check_pixels(width, height, name):
    if not 0 < width * height <= MAX_PIXELS:
        expected = f"at most {MAX_PIXELS:,} pixels" if width * height else "at least one pixel"
        raise ValueError(f"cannot read {name}: expected {expected}, got {width} × {height}")

"""Opening files of the formats that are read, with bounds on what a small file can ask for."""

import contextlib
import ctypes
import functools
import logging
import re
import warnings

from PIL import Image, UnidentifiedImageError

#: Formats that are read, by Pillow's names, as far as this Pillow knows them. The others are left
#: out: some run other programs (EPS), unpack without bound (FITS) or are no pictures.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "HEIF", "JPEG", "JPEG2000", "JXL", "MPO", "PNG", "PPM",
           "TGA", "TIFF", "WEBP")  # fmt: skip

#: A JPEG may refine a picture in many scans, each as much work as all pixels; usual are ten.
MAX_SCANS = 100

_JPEG_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # \xff00 is data, \xffd0 to d7 lie in it


def open_picture(file):
    """Open a binary file as a PIL image, whose pixels are not decoded yet.

    Parameters
    ----------
    file : binary file
        It can be sought in.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    ValueError
        Where the file is of none of `FORMATS`, or a JPEG of more than `MAX_SCANS` scans. On
        damaged files Pillow raises nearly anything else.

    Examples
    --------
    >>> import io
    >>> open_picture(io.BytesIO(b"P5 2 1 255 ab")).size
    (2, 1)
    """
    load_formats()
    try:
        picture = Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN])
    except UnidentifiedImageError:
        raise ValueError(_what_it_is(file)) from None
    if picture.format in {"JPEG", "MPO"}:
        file.seek(0)
        if count_scans(file.read()) > MAX_SCANS:
            raise ValueError(f"expected a JPEG of at most {MAX_SCANS} scans")
    return picture


@functools.cache
def load_formats():
    """Let Pillow load all formats that it knows, and HEIF where pillow-heif is installed.

    Examples
    --------
    >>> load_formats()
    >>> "JPEG" in Image.OPEN
    True
    """
    Image.init()
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()


def check_tiles(picture, max_pixels):
    """Raise a ``ValueError`` for a TIFF whose tiles are far larger than any picture."""
    tags = getattr(picture, "tag_v2", {})
    width, length = (tags.get(tag, 0) for tag in (322, 323))
    if width * length > max_pixels:
        raise ValueError(f"expected tiles of at most {max_pixels:,} pixels, got {width} × {length}")


def count_scans(data):
    """Count the scans of the first picture in a JPEG file.

    Examples
    --------
    >>> count_scans(bytes.fromhex("ffd8 ffe0 0004 ffda ffda 0002 12 ff00 34 ffd9 ffda"))
    1
    """
    scans = place = 0
    while match := _JPEG_MARKER.search(data, place):
        marker, place = match[1], match.end()
        if marker == b"\xd9":  # the end
            break
        scans += marker == b"\xda"
        if marker not in (b"\x01", b"\xd8"):  # all others have a length
            place += int.from_bytes(data[place : place + 2], "big")
    return scans


@contextlib.contextmanager
def quiet():
    """Let neither Pillow nor libtiff say anything: errors are raised anyway."""
    _silence()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@functools.cache
def _silence():
    # Without a handler Python prints what Pillow logs.
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    # libtiff prints by itself. Where it is linked otherwise, it cannot be reached, and goes on.
    with contextlib.suppress(AttributeError, OSError):
        handler = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler
        handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        handler(None)


def _what_it_is(file):
    file.seek(0)
    start = file.read(12)
    if not start:
        return "the file is empty"
    brand = start[8:12] if start[4:8] == b"ftyp" else None
    if brand in (b"heic", b"heix", b"mif1", b"msf1", b"hevc") and "HEIF" not in Image.OPEN:
        return "HEIC needs the package pillow-heif"
    known = ", ".join(name for name in FORMATS if name in Image.OPEN)
    return f"got a damaged file or none of {known}"

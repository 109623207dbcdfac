"""Opening files of the formats that are read, with bounds on what a small file can ask for."""

import contextlib
import ctypes
import functools
import io
import re
import struct
import threading

from PIL import Image, JpegImagePlugin

from stylelib.images import jpeg, png
from stylelib.images.tiff import RawPhotograph, begin_with_picture

#: Formats that are read, by Pillow's names, as far as this Pillow knows them. The others are left
#: out: some run other programs (EPS), unpack without bound (FITS) or are no pictures.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "HEIF", "JPEG", "JPEG2000", "JXL", "MPO", "PNG", "PPM",
           "TGA", "TIFF", "WEBP")  # fmt: skip

#: A JPEG may refine a picture in many scans, each as much work as all pixels; usual are ten.
MAX_SCANS = 100

_HEIC = (b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"hevx", b"heim", b"heis")
# How raw photographs begin that are no TIFF, or not quite: of Olympus, Panasonic, Fujifilm, Canon,
# Minolta and Sigma.
_RAW = re.compile(
    rb"IIR[OS]|MMOR|IIU\0|FUJIFILM|II\x1a\0\0\0HEAP|....ftypcrx |\0MRM|FOVb", re.DOTALL
)


def open_picture(file):
    """Open a binary file as a PIL image, whose pixels are not decoded yet.

    Of a file with several pictures it is the one that a viewer would show: the first frame of an
    animation, the largest of a photograph and its previews. Nothing of Pillow's own is changed.

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
        Where the file is of none of `FORMATS`, a raw photograph, or a JPEG of more than `MAX_SCANS`
        scans. On damaged files Pillow raises nearly anything else.

    Examples
    --------
    >>> import io
    >>> open_picture(io.BytesIO(b"P5 2 1 255 ab")).size
    (2, 1)
    """
    start, info, page = _start(file), {}, file
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        page, info = png.without_metadata(file)
    elif start.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        page = begin_with_picture(file)
    elif start.startswith(b"\xff\xd8"):
        data, info = jpeg.without_metadata(file.read())
        if (scans := jpeg.count_scans(data)) > MAX_SCANS:
            raise ValueError(f"expected a JPEG of at most {MAX_SCANS} scans, got {scans:,}")
        page = io.BytesIO(data)
    raw = start.startswith((b"II", b"MM")) and page is not file  # no preview any more
    try:
        picture = _opened(page, start)
    except Exception as error:
        if raw:
            raise RawPhotograph from error
        raise
    if picture is None:
        raise RawPhotograph if raw else ValueError(_what_it_is(start))
    picture.info |= info
    if getattr(picture, "default_image", False) and picture.n_frames > 1:
        picture.seek(1)  # what comes before is shown only by programs without animation
    return picture


def _opened(file, start):
    """Open as `Image.open` does, but leave the size to be checked by us, without a warning."""
    for accepts, factory in _readers().values():
        with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):
            accepted = accepts is None or accepts(start)
            if accepted and not isinstance(accepted, str):  # which says what is not installed
                file.seek(0)
                return factory(file, "")
    return None


@functools.cache
def _readers():
    """Format -> what tells by a file's start whether it may be one, and what opens it."""
    Image.init()
    known = {name: Image.OPEN[name][::-1] for name in FORMATS if name in Image.OPEN}
    known["JPEG"] = known["JPEG"][0], JpegImagePlugin.JpegImageFile  # of several the first
    with contextlib.suppress(ImportError):
        from pillow_heif import HeifImageFile

        known["HEIF"] = _is_heic, HeifImageFile
    return known


def _is_heic(start):
    return start[4:8] == b"ftyp" and start[8:12] in _HEIC


def known_formats():
    """Those of `FORMATS` that can be read here.

    Examples
    --------
    >>> "JPEG" in known_formats()
    True
    """
    return [name for name in FORMATS if name in _readers()]


def check_tiles(picture, max_pixels):
    """Raise a ``ValueError`` for a TIFF whose tiles are far larger than any picture."""
    tags = getattr(picture, "tag_v2", {})
    width, length = (tags.get(tag, 0) for tag in (322, 323))
    if width * length > max_pixels:
        raise ValueError(f"expected tiles of at most {max_pixels:,} pixels, got {width} × {length}")


class _Libtiff:
    """What libtiff does with its messages, such as "ZIPDecode: Decoding error at scanline 0".

    It writes them to file descriptor 2 by itself, beside the error that Pillow raises. What it does
    belongs to the process, so the first user silences it, and the last one puts back what was.
    """

    def __init__(self):
        self.lock, self.users, self.before = threading.Lock(), 0, None

    def __enter__(self):
        with self.lock:
            if self.users == 0:
                self.before = self._set(None)
            self.users += 1

    def __exit__(self, *error):
        with self.lock:
            self.users -= 1
            if self.users == 0:
                self._set(self.before)

    def _set(self, handler):
        try:  # where it is linked in another way it cannot be reached, and goes on
            set_handler = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler
        except (AttributeError, OSError):
            return None
        set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        return set_handler(handler)


silence_decoders = _Libtiff()


def _start(file):
    file.seek(0)
    start = file.read(16)
    file.seek(0)
    return start


def _what_it_is(start):
    if not start:
        return "the file is empty"
    if _RAW.match(start):
        return str(RawPhotograph())
    if _is_heic(start) and "HEIF" not in _readers():
        return "HEIC needs the package pillow-heif"
    return f"got a damaged file or none of {', '.join(known_formats())}"

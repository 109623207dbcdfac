"""Directories of TIFF files: which page is the picture, and how EXIF data say it is turned.

Raw photographs and pyramids are TIFF files, too, and begin with a preview in many cases. EXIF data
are a TIFF directory. Pillow knows only the pages that follow each other, warns on standard error of
all that is odd in any of them, and gives up where one tag is damaged; so the few tags that matter
are read here.
"""

import dataclasses
import io
import itertools
import struct

#: What Pillow decodes; of more it writes to its log, which Python prints.
MAX_SAMPLES = 6
_MAX_PAGES = 1000

_SUBFILE, _OLD_SUBFILE, _WIDTH, _LENGTH, _COLOURS = 254, 255, 256, 257, 262
_ORIENTATION, _SAMPLES, _SUB_PAGES, _DNG = 274, 277, 330, 50706
_BITS, _PLANAR = 258, 284
_SENSOR = {32803, 34892}  # colours of a sensor, which are no picture yet
_TYPES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


class RawPhotograph(ValueError):
    """Only the preview in it could be shown."""

    def __init__(self):
        super().__init__("got a raw photograph: develop it first, and save it as a TIFF or JPEG")


@dataclasses.dataclass(frozen=True)
class _Page:
    """Where a page is described, and its tags: number -> values."""

    place: int
    tags: dict

    def get(self, tag):
        return self.tags.get(tag, (0,))[0]

    @property
    def pixels(self):
        return self.get(_WIDTH) * self.get(_LENGTH)

    @property
    def reduced(self):
        return bool(self.get(_SUBFILE) & 1) or self.get(_OLD_SUBFILE) == 2

    @property
    def full(self):
        return not self.reduced and not self.get(_SUBFILE) & 4  # 4 marks a mask


def begin_with_picture(file):
    """Let a TIFF begin with its picture, and not with a preview of it.

    Parameters
    ----------
    file : binary file
        A TIFF, which can be sought in.

    Returns
    -------
    binary file
        The same, or one that begins with another page: of the first page and those within it, or of
        all if it is marked as a preview, the largest.

    Raises
    ------
    RawPhotograph
        Where that page holds what a sensor saw.
    ValueError
        For more than `MAX_SAMPLES` values a pixel, and for planes of more than 8 bits, of which
        Pillow makes another picture.
    """
    reader = _Reader(file)
    pages = list(itertools.islice(reader.pages(), _MAX_PAGES))
    if not pages:
        return file
    picture = _picture(pages[0], pages, reader)
    if reader.maker in (b"CR", b"II") or picture.get(_COLOURS) in _SENSOR:
        raise RawPhotograph
    if picture.reduced and _DNG in pages[0].tags:
        raise RawPhotograph
    if picture.get(_SAMPLES) > MAX_SAMPLES:
        raise ValueError(f"expected at most {MAX_SAMPLES} samples, got {picture.get(_SAMPLES)}")
    if picture.get(_PLANAR) == 2 and picture.get(_SAMPLES) > 1 and picture.get(_BITS) > 8:
        bits = picture.get(_BITS)
        raise ValueError(f"expected planes of 8 bits, got {bits}: save it interleaved")
    return file if picture is pages[0] else reader.beginning_with(picture)


def orientation(exif):
    """Read from EXIF data how a picture is turned, whatever else in them is damaged.

    Parameters
    ----------
    exif : bytes

    Returns
    -------
    int
        1 to 8, or another where the data are damaged or say nothing.

    Examples
    --------
    >>> orientation(bytes.fromhex("4d4d002a 00000008 0001 0112 0003 00000001 00060000"))
    6
    """
    reader = _Reader(io.BytesIO(exif.removeprefix(b"Exif\0\0")))
    return next((page.get(_ORIENTATION) for page in reader.pages()), 0)


def _picture(first, pages, reader):
    within = list(reader.pages_within(first))
    if not first.reduced:
        return max([first, *(page for page in within if page.full)], key=lambda page: page.pixels)
    found = [*pages, *within, *(page for other in pages[1:] for page in reader.pages_within(other))]
    return max([page for page in found if page.full] or found, key=lambda page: page.pixels)


class _Reader:
    """The directories of a TIFF, classic or big; what is damaged is passed over."""

    def __init__(self, file):
        self.file = file
        header = self._at(0, 16)
        self.order = ">" if header.startswith(b"MM") else "<"
        self.big = header[2:4] in (b"+\0", b"\0+")
        self.word, self.link = ("Q", 8) if self.big else ("I", 4)
        self.maker = header[8:10] if header[8:10] == b"CR" or header[8:12] == b"IIII" else b""

    def pages(self):
        """Yield the pages that follow each other."""
        seen, place = set(), self._number(self.link)
        while place and place not in seen:
            seen.add(place)
            page, place = self._page(place)
            if page is None:
                return
            yield page

    def pages_within(self, page):
        """Yield the pages that are kept within one."""
        for place in page.tags.get(_SUB_PAGES, ())[:_MAX_PAGES]:
            within, _ = self._page(place)
            if within is not None:
                yield within

    def beginning_with(self, page):
        """Copy the file, with another page as its first."""
        self.file.seek(0)
        data = bytearray(self.file.read())
        struct.pack_into(self.order + self.word, data, self.link, page.place)
        return io.BytesIO(data)

    def _page(self, place):
        """Read a directory, and where the next one is."""
        head, size = (8, 20) if self.big else (2, 12)
        count = self._number(place, "Q" if self.big else "H")
        entries = self._at(place + head, min(count, 4096) * size)
        if not count or len(entries) < size:
            return None, 0
        tags = {}
        for start in range(0, len(entries) - size + 1, size):
            tag, values = self._entry(entries[start : start + size])
            if values:
                tags[tag] = values
        return _Page(place, tags), self._number(place + head + count * size)

    def _entry(self, entry):
        tag, kind, count = struct.unpack_from(self.order + "HH" + self.word, entry)
        form, value = _TYPES.get(kind), entry[8 if not self.big else 12 :]
        if form is None or not 0 < count <= _MAX_PAGES:
            return tag, ()
        size = struct.calcsize(f"={count}{form}")
        if size > len(value):
            value = self._at(struct.unpack(self.order + self.word, value)[0], size)
        return tag, struct.unpack_from(f"{self.order}{count}{form}", value.ljust(size, b"\0"))

    def _number(self, place, form=None):
        form = self.order + (form or self.word)
        size = struct.calcsize(form)
        return struct.unpack(form, self._at(place, size).ljust(size, b"\0"))[0]

    def _at(self, place, size):
        try:
            self.file.seek(place)
        except (OSError, OverflowError, ValueError):  # further than files can be
            return b""
        return self.file.read(size)

"""JPEG files without what nobody needs, and how much work their pixels are."""

import re

_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # \xff00 is data, \xffd0 to d7 lie in it
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
# Segments of programs and comments; of the former three say what the colours mean: 0, 2 and 14.
_METADATA = {0xE1, *range(0xE3, 0xEE), 0xEF, 0xFE}
# How two of these begin, and how many bytes they have, which Pillow takes for granted.
_HEADS = {0xE0: (b"JFIF", 14), 0xEE: (b"Adobe", 12)}


def without_metadata(data):
    r"""Leave metadata out of a JPEG, and return those that may say how the picture is turned.

    Pillow reads all EXIF data for the resolution alone, and warns of all that is odd in them, which
    costs the picture where warnings are errors.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    lean : bytes
    info : dict of str to bytes
        ``"exif"``, ``"xmp"``, both or none.

    Examples
    --------
    >>> lean, info = without_metadata(bytes.fromhex("ffd8 ffe1 0009 45786966000049 ffda"))
    >>> lean.hex(), info
    ('ffd8ffda', {'exif': b'Exif\x00\x00I'})
    """
    kept, info, place = [data[:2]], {}, 2
    while data[place : place + 1] == b"\xff" and data[place + 1 : place + 2] >= b"\xc0":
        marker = data[place + 1]
        if marker == 0xFF:  # may stand before any marker
            place += 1
            continue
        if 0xD0 <= marker <= 0xDA:  # pixels begin, or something is wrong
            break
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        body = data[place + 4 : end]
        if marker not in _METADATA:
            kept += [] if _is_cut(marker, body) else [data[place:end]]
        elif body.startswith(_EXIF):
            info.setdefault("exif", body)
        elif body.startswith(_XMP):
            info.setdefault("xmp", body)
        place = end
    return b"".join([*kept, data[place:]]), info


def _is_cut(marker, body):
    """Tell whether a segment is too short to say what it begins with."""
    head, size = _HEADS.get(marker, (b"", 0))
    return body.startswith(head) and len(body) < size


def count_scans(data):
    """Count the scans of the first picture in a JPEG file.

    Examples
    --------
    >>> count_scans(bytes.fromhex("ffd8 ffe0 0004 ffda ffda 0002 12 ff00 34 ffd9 ffda"))
    1
    """
    scans = place = 0
    while match := _MARKER.search(data, place):
        marker, place = match[1], match.end()
        if marker == b"\xd9":  # the end
            break
        scans += marker == b"\xda"
        if marker not in (b"\x01", b"\xd8"):  # all others have a length
            place += int.from_bytes(data[place : place + 2], "big")
    return scans

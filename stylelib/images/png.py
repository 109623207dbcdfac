"""PNG files without what nobody needs: texts, times, and profiles that Pillow finds too large."""

import io
import zlib

#: Largest colour profile: what a JPEG can hold. Real ones of presses reach ten million bytes.
MAX_PROFILE = 2**24
MAX_TEXT = 2**20

# Beside the chunks with a capital, which are needed: transparency and animation. Three more may say
# how the picture is turned.
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
_TURNS = {b"eXIf": b"", b"iTXt": b"XML:com.adobe.xmp\0", b"zTXt": b"Raw profile type exif\0"}


def without_metadata(file):
    """Leave all out of a PNG that costs memory or may be damaged, and shows nothing.

    Pillow refuses the whole picture where a text or profile unpacks to more than 1 MiB, unless a
    limit of the whole process is raised, and where any chunk is damaged.

    Parameters
    ----------
    file : binary file
        It can be sought in.

    Returns
    -------
    file : binary file
        The same where there is nothing to leave out.
    info : dict
        What Pillow's `info` is to say: ``"icc_profile"``, None where it is larger than
        `MAX_PROFILE` or damaged, and ``"transparency"`` where Pillow hands on its colour in other
        levels than the pixels.
    """
    info, kept, whole = {"icc_profile": None}, [(0, 8)], True
    needed_beside = {b"tRNS"} | (_ANIMATION if _is_animated(file) else set())
    for name, start, end in _chunks(file):
        if name == b"iCCP" and info["icc_profile"] is None:
            info["icc_profile"] = _unpacked(_body(file, start, end), MAX_PROFILE)
        if name == b"tRNS":
            info |= _transparency(file, _body(file, start, end))
        needed = name[:1].isupper() or name in needed_beside
        if needed or (name in _TURNS and _turns(file, start, end)):
            kept.append((start, end))
        else:
            whole = False
    if whole:
        return file, info
    lean = io.BytesIO()
    for start, end in kept:
        file.seek(start)
        lean.write(file.read(end - start))
    return lean, info


def _is_animated(file):
    """Tell whether there is an animation, and not just damaged chunks of one."""
    sizes = [(name, end - start - 12) for name, start, end in _chunks(file) if name in _ANIMATION]
    return sizes[:1] == [(b"acTL", 8)] and sizes[1:2] == [(b"fcTL", 26)]


def _transparency(file, colour):
    """The transparent colour in the 8 bits of the pixels: grey of 2 or 4 bits, RGB of 16."""
    file.seek(24)
    kind = (*file.read(2), len(colour))  # bits, 0 for grey or 2 for RGB, bytes
    if kind in {(2, 0, 2), (4, 0, 2)}:
        return {"transparency": colour[1] * 255 // (2 ** kind[0] - 1)}
    if kind == (16, 2, 6):  # the upper halves
        return {"transparency": (colour[0], colour[2], colour[4])}
    return {}


def _chunks(file):
    """Yield the name of each chunk, and where it begins and ends in the file."""
    size, start = file.seek(0, io.SEEK_END), 8
    while start < size:
        file.seek(start)
        head = file.read(8)
        end = min(start + 12 + int.from_bytes(head[:4], "big"), size)
        yield head[4:], start, end
        start = end


def _body(file, start, end):
    file.seek(start + 8)
    return file.read(end - start - 12)


def _turns(file, start, end):
    """Tell whether a chunk may say how the picture is turned, and is small and undamaged."""
    if end - start > MAX_TEXT:
        return False
    file.seek(start + 4)
    name, body, checksum = file.read(4), _body(file, start, end), file.read(4)
    if zlib.crc32(name + body) != int.from_bytes(checksum, "big"):
        return False
    if name == b"iTXt" and body[18:19] == b"\1":  # packed
        return False
    return body.startswith(_TURNS[name]) and (name != b"zTXt" or bool(_unpacked(body, MAX_TEXT)))


def _unpacked(body, limit):
    """Unpack what follows a chunk's keyword and method, if it is whole and not too large."""
    packer = zlib.decompressobj()
    try:
        data = packer.decompress(body.partition(b"\0")[2][1:], limit)
    except zlib.error:
        return None
    return data if packer.eof else None

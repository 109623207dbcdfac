"""Where a picture may come from, opened as a binary file of bounded size."""

import io
import os
from pathlib import Path

from stylelib._utils.checks import one_line
from stylelib.images.downloads import download

#: Largest file that is read, in bytes: what 128 million pixels take with four times 16 bits.
MAX_BYTES = 2**30


def name_of(source):
    """Say in an error message, in one line, where a picture came from.

    Examples
    --------
    >>> name_of("a.png"), name_of(b"")
    ('a.png', 'the picture given')
    """
    if isinstance(source, (str, os.PathLike)):
        name = os.fsdecode(source)
        return name if name and name.isprintable() else ascii(name)
    return getattr(source, "filename", None) or getattr(source, "name", None) or "the picture given"


def open_source(source, name):
    """Open any source but an array or a PIL image as a binary file.

    Parameters
    ----------
    source : str, path, bytes or binary file
        A string with ``://`` is an address, and is downloaded.
    name : str
        What an error message calls it.

    Returns
    -------
    binary file
        It can be sought in, and holds at most `MAX_BYTES`.

    Raises
    ------
    ValueError
        Where there is no such thing, it cannot be read, or it is larger.

    Examples
    --------
    >>> open_source(b"abc", "letters").read()
    b'abc'
    """
    if isinstance(source, str) and "://" in source:
        return io.BytesIO(download(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(bytes(source))
    if hasattr(source, "read"):
        return io.BytesIO(_read_all(source, name))
    if not isinstance(source, (str, os.PathLike)):
        raise ValueError(
            "expected a path, an https address, bytes, a binary file, a PIL image or an array; "
            f"got a {type(source).__name__}"
        )
    path = os.fsdecode(source)
    if not os.path.isfile(path):
        raise ValueError(f"cannot read {name}: {_what_is_there(path)}")
    try:
        if os.path.getsize(path) > MAX_BYTES:
            raise ValueError(f"cannot read {name}: expected at most {MAX_BYTES:,} bytes")
        return Path(path).open("rb")
    except OSError as error:
        raise ValueError(f"cannot read {name}: {one_line(error)}") from error


def _what_is_there(path):
    if os.path.isdir(path):
        return "it is a folder"
    if os.path.islink(path):
        return "it is a link to nothing"
    return "it is no file" if os.path.exists(path) else "there is no such file"


def _read_all(file, name):
    data = bytearray()
    try:
        while len(data) <= MAX_BYTES:  # a raw file may hand on less than there is
            part = file.read(min(2**20 + len(data), MAX_BYTES + 1 - len(data)))
            if not part:
                break
            data += part
    except TypeError as error:
        raise ValueError(f"cannot read {name}: expected a file opened in binary mode") from error
    except Exception as error:  # a closed file, text that cannot be decoded, a damaged archive
        raise ValueError(f"cannot read {name}: {one_line(error)}") from error
    if len(data) > MAX_BYTES:
        raise ValueError(f"cannot read {name}: expected at most {MAX_BYTES:,} bytes")
    return data

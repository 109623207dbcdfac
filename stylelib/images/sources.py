"""Where a picture may come from, opened as a binary file of bounded size."""

import contextlib
import io
import os
import select
import stat

from stylelib._utils.checks import LONGEST, one_line, without_user
from stylelib._utils.files import with_home
from stylelib.images.downloads import download

#: Largest file that is read, in bytes: what 128 million pixels take with four times 16 bits.
MAX_BYTES = 2**30
#: Seconds until a pipe to which nobody writes is given up.
MAX_WAIT = 20.0


def name_of(source):
    """Say in an error message, in one line of at most 100 characters, where a picture came from.

    Examples
    --------
    >>> name_of("a.png"), name_of(b""), name_of("folder/" * 100 + "a.png")[-12:]
    ('a.png', 'the picture given', 'folder/a.png')
    """
    if not isinstance(source, (str, os.PathLike)):
        source = getattr(source, "filename", None) or getattr(source, "name", None)
    if not source or not isinstance(source, (str, bytes, os.PathLike)):
        return "''" if source == "" else "the picture given"
    name = without_user(os.fsdecode(source))
    if len(name) > LONGEST:  # of a path both ends tell something
        name = f"{name[: LONGEST // 2 - 1]}…{name[-LONGEST // 2 :]}"
    return name if name.isprintable() else ascii(name)


def is_address(source):
    """Tell an address from a path.

    Examples
    --------
    >>> [is_address(source) for source in (" HTTPS://a.org/b.png", "data:,x", "C:/a.png", "a.png")]
    [True, True, False, False]
    """
    if not isinstance(source, str):
        return False
    return "://" in source or source.strip()[:5].lower() == "data:"


def open_binary(source, name):
    """Open any source but an array or a PIL image as a binary file, at its beginning.

    Parameters
    ----------
    source : str, path, bytes or binary file
        An address is downloaded; of a file the position does not matter. Of a pipe and of a device
        such as ``/dev/stdin`` all that comes is read.
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
    >>> open_binary(b"abc", "letters").read()
    b'abc'
    """
    if is_address(source):
        return io.BytesIO(download(source.strip()))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(bytes(source))
    if hasattr(source, "read"):
        return io.BytesIO(_read_all(source, name))
    if not isinstance(source, (str, os.PathLike)):
        raise ValueError(
            "expected a path, an https address, bytes, a binary file, a PIL image or an array; "
            f"got a {type(source).__name__}"
        )
    path = with_home(os.fsdecode(source))
    try:
        kind = os.stat(path).st_mode
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        raise ValueError(f"cannot read {name}: {_what_is_there(path, error)}") from error
    if stat.S_ISDIR(kind):
        raise ValueError(f"cannot read {name}: it is a folder")
    try:
        if stat.S_ISREG(kind) and os.path.getsize(path) > MAX_BYTES:
            raise ValueError(f"cannot read {name}: expected at most {MAX_BYTES:,} bytes")
        if stat.S_ISREG(kind):
            return open(path, "rb")
        with _open_pipe(path, name) if stat.S_ISFIFO(kind) else open(path, "rb") as file:
            return io.BytesIO(_read_all(file, name))
    except OSError as error:
        raise ValueError(f"cannot read {name}: {one_line(error)}") from error


def _what_is_there(path, error):
    if os.path.islink(path):
        return "it is a link to nothing"
    return one_line(error) if isinstance(error, PermissionError) else "there is no such file"


def _open_pipe(path, name):
    """Open a pipe that others write to, or will soon; without the flag this could wait for ever."""
    file = io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    if not select.select([file], [], [], MAX_WAIT)[0] and file.read(1) == b"":
        file.close()
        raise ValueError(f"cannot read {name}: it is a pipe to which nobody writes")
    os.set_blocking(file.fileno(), True)
    return file


def _read_all(file, name):
    data = bytearray()
    with contextlib.suppress(Exception):  # a pipe, or something that can only be read on
        file.seek(0)
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

"""What crosses the border of the process: files that appear whole or not at all, and downloads."""

import contextlib
import json
import os
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from stylelib.errors import one_line

#: Largest file that is downloaded, in bytes.
MAX_DOWNLOAD = 64 * 2**20
DOWNLOAD_TIMEOUT = 20.0  # seconds without an answer


def check_writable(path):
    """Raise a ``ValueError`` if no file can be made at `path`, before any work is done.

    Parameters
    ----------
    path : pathlib.Path

    Examples
    --------
    >>> from pathlib import Path
    >>> check_writable(Path("no such folder/picture.png"))
    Traceback (most recent call last):
    ...
    ValueError: cannot write no such folder/picture.png: there is no folder no such folder
    """
    if path.is_dir():
        raise ValueError(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
    try:  # nothing tells as surely as an attempt
        temporary = _temporary(path)
        temporary.touch()
        temporary.unlink()
    except OSError as error:
        raise ValueError(f"cannot write {path}: {one_line(error)}") from error


@contextlib.contextmanager
def replacing(path):
    """Open a file that takes the place of `path` only once it is complete.

    Parameters
    ----------
    path : pathlib.Path

    Yields
    ------
    binary file

    Raises
    ------
    ValueError
        Where the file cannot be written, such as on a full disk.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "note.txt"
    ...     with replacing(path) as file:
    ...         _ = file.write(b"whole")
    ...     path.read_text()
    'whole'
    """
    temporary = _temporary(path)
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the new name without its bytes
        temporary.replace(path)
    except OSError as error:
        raise ValueError(f"cannot write {path}: {one_line(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def writable_folder(folder):
    """Make a folder if it is not there, and check that files can be written to it."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot write to {folder}: {one_line(error)}") from error
    check_writable(folder / "file")
    return folder


def remove_leftovers(folder):
    """Remove what a process that was killed while it wrote has left in a folder of its own."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def to_json(value, **options):
    """Write JSON, numbers of NumPy and paths included."""
    return json.dumps(value, default=_plain, allow_nan=False, **options)


def _plain(value):
    return os.fspath(value) if isinstance(value, os.PathLike) else value.item()


def download(address):
    """Fetch what lies at an https address.

    Parameters
    ----------
    address : str

    Returns
    -------
    bytes
        At most `MAX_DOWNLOAD` of them.

    Raises
    ------
    ValueError
        For an address that is not https or leads to one that is not, for a server that does not
        answer within `DOWNLOAD_TIMEOUT` or answers with an error, and for a larger file.

    Examples
    --------
    >>> download("http://example.org/picture.png")
    Traceback (most recent call last):
    ...
    ValueError: cannot read http://example.org/picture.png: expected an address that starts with https://
    """
    if not address.startswith("https://"):
        raise ValueError(f"cannot read {address}: expected an address that starts with https://")
    opener = urllib.request.build_opener(_HttpsOnly)
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "stylelib"})  # noqa: S310
        with opener.open(request, timeout=DOWNLOAD_TIMEOUT) as answer:
            data = answer.read(MAX_DOWNLOAD + 1)
    except Exception as error:  # an address can be wrong in many ways, and so can an answer
        raise ValueError(f"cannot read {address}: {one_line(error)}") from error
    if len(data) > MAX_DOWNLOAD:
        raise ValueError(f"cannot read {address}: expected at most {MAX_DOWNLOAD >> 20} MiB")
    return data


def _temporary(path):
    return path.with_name(f".{path.stem}.{uuid.uuid4().hex}.tmp")


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follow a redirect only where it stays on https."""

    def redirect_request(self, request, file, code, message, headers, address):
        if not address.startswith("https://"):
            raise urllib.error.URLError(f"it leads to {address}, which is not https")
        return super().redirect_request(request, file, code, message, headers, address)

"""Files that appear whole or not at all."""

import contextlib
import json
import os
import re
import uuid
from pathlib import Path

from stylelib.errors import one_line


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
    """Remove what `replacing` has left in a folder where a process was killed while it wrote."""
    for path in folder.glob(".*.tmp"):
        if re.fullmatch(r"\..*\.[0-9a-f]{32}\.tmp", path.name):
            path.unlink(missing_ok=True)


def to_json(value, **options):
    """Write JSON, numbers of NumPy and paths included."""
    return json.dumps(value, default=_plain, allow_nan=False, **options)


def _plain(value):
    return os.fspath(value) if isinstance(value, os.PathLike) else value.item()


def _temporary(path):
    return path.with_name(f".{path.stem}.{uuid.uuid4().hex}.tmp")

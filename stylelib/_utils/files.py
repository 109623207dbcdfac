"""Files that appear whole or not at all."""

import contextlib
import io
import json
import os
import uuid
import zipfile
from pathlib import Path

import numpy as np

from stylelib._utils.checks import one_line, plain


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
    if os.path.isdir(path):
        raise ValueError(f"cannot write {path}: it is a folder")
    if not os.path.isdir(path.parent):
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
    try:  # nothing tells as surely as an attempt
        with contextlib.suppress(FileNotFoundError):
            os.lstat(path)  # which no name that is too long gets past
        temporary = _temporary(path)
        temporary.touch()
        temporary.unlink()
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        raise ValueError(f"cannot write {path}: {one_line(error)}") from error


@contextlib.contextmanager
def atomic_write(path):
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
    ...     with atomic_write(path) as file:
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


def remove_temporary_files(folder):
    """Remove what `atomic_write` has left in a folder where a process was killed while it wrote."""
    for path in folder.glob(".stylelib-*.tmp"):
        path.unlink(missing_ok=True)


def read_arrays(data):
    """Read an ``.npz`` file, but nothing in it that is pickled.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    dict of str to numpy.ndarray

    Raises
    ------
    ValueError
        Where the file is damaged, no ``.npz`` at all, or holds anything but arrays.

    Examples
    --------
    >>> read_arrays(b"something else")
    Traceback (most recent call last):
    ...
    ValueError: it is no .npz file, or not a whole one
    """
    if not zipfile.is_zipfile(io.BytesIO(data)):  # of which NumPy would say that it is a pickle
        raise ValueError("it is no .npz file, or not a whole one")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = dict(file)
    except Exception as error:  # NumPy and zipfile raise many kinds on damaged files
        raise ValueError(one_line(error)) from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{name} is no array")
    return arrays


def to_json(value, **options):
    """Write JSON, numbers of NumPy and paths included."""
    return json.dumps(plain(value), allow_nan=False, **options)


def _temporary(path):
    return path.with_name(f".stylelib-{uuid.uuid4().hex}.tmp")

"""Files that appear whole or not at all."""

import contextlib
import errno
import io
import json
import os
import stat
import uuid
import zipfile
from pathlib import Path

import numpy as np

from stylelib._utils.checks import one_line, plain, shortened, shown

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


def user_path(path):
    """Turn what a user gave into a path; ``~`` is the home folder.

    Parameters
    ----------
    path : str, bytes or path

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        For anything else, and where no home folder is known.

    Examples
    --------
    >>> user_path("~/pictures") == Path.home() / "pictures"
    True
    """
    if not isinstance(path, (str, bytes, os.PathLike)) or not os.fspath(path):
        raise ValueError(f"expected a path, got {shown(path)}")
    return Path(with_home(os.fsdecode(path)))


def with_home(text):
    """Write the home folder in place of a leading ``~``; that of other users stays as it is."""
    if text != "~" and not text.startswith(("~/", f"~{os.sep}")):
        return text
    home = os.path.expanduser("~")
    if home == "~":
        raise ValueError(f"cannot find {shortened(text)}: no home folder is known")
    return home + text[1:]


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
    name = shortened(path)
    if os.path.isdir(path):
        raise ValueError(f"cannot write {name}: it is a folder")
    if not os.path.isdir(path.parent):
        raise ValueError(f"cannot write {name}: there is no folder {shortened(path.parent)}")
    try:  # nothing tells as surely as an attempt
        with contextlib.suppress(FileNotFoundError):
            os.lstat(path)  # which no name that is too long gets past
        target = _target(path)
        if target.exists() and not target.is_file():
            raise ValueError("it is no file")
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        temporary = _temporary(target)
        temporary.touch()
        temporary.unlink()
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        raise ValueError(f"cannot write {name}: {one_line(error)}") from error


@contextlib.contextmanager
def atomic_write(path):
    """Open a file that takes the place of `path` only once it is complete.

    It is written through a link, and a file that it replaces hands on its permissions.

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
    target = _target(path)
    temporary = _temporary(target)
    try:
        with open(temporary, "xb") as file:
            with contextlib.suppress(FileNotFoundError):
                os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the new name without its bytes
        temporary.replace(target)
    except OSError as error:
        raise ValueError(f"cannot write {shortened(path)}: {one_line(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _target(path):
    """Where a link leads to, else the path itself."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def writable_folder(folder):
    """Make a folder if it is not there, and check that files can be written to it."""
    folder = user_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(folder / "file")
        temporary.touch()
        temporary.unlink()
    except FileExistsError as error:  # a file, or a link to nothing
        raise ValueError(f"cannot write to {shortened(folder)}: it is no folder") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot write to {shortened(folder)}: {one_line(error)}") from error
    return folder


@contextlib.contextmanager
def claimed(folder):
    """Hold a folder that nobody else may claim meanwhile, in this process or in another.

    Nothing is written into it, and the end of the process, of whatever kind, gives it back. On
    Windows, and where a file system has no locks, nothing is held.

    Parameters
    ----------
    folder : pathlib.Path

    Raises
    ------
    ValueError
        Where somebody else holds it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, claimed(folder), claimed(folder):
    ...     pass
    Traceback (most recent call last):
    ...
    ValueError: cannot write to ...: another run is writing to it; choose another folder
    """
    if fcntl is None:
        yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:  # whoever may not list it cannot see what is in the way
        raise ValueError(f"cannot write to {shortened(folder)}: {one_line(error)}") from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor, folder):
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(
            f"cannot write to {shortened(folder)}: another run is writing to it; "
            "choose another folder"
        ) from None
    except OSError:  # such as on a network's file system
        return


def remove_temporary_files(folder, names):
    """Remove what `atomic_write` has left where a process was killed meanwhile.

    Parameters
    ----------
    folder : pathlib.Path
    names : str
        Pattern of the names of the files that were being written, such as ``"*.png"``: others may
        just now be written to the same folder.
    """
    for path in folder.glob(f".stylelib-{names}-*.tmp"):
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
    name = path.name[:20]  # the whole one may be as long as the system allows
    return path.with_name(f".stylelib-{name}-{uuid.uuid4().hex}.tmp")

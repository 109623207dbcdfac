"""Images go out to files, whole or not at all."""

import os

import numpy as np
from PIL import Image

from stylelib._utils.checks import one_line, shown
from stylelib._utils.files import atomic_write, check_writable, user_path
from stylelib._utils.types import Array
from stylelib._utils.types import Image as ImageArray
from stylelib._utils.types import Path as AnyPath
from stylelib.images.sizes import check_image
from stylelib.images.sources import name_of

#: Endings of the formats that `save_image` writes without changing the size of a picture.
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")

#: Those of them that hold transparency.
WITH_ALPHA = (".png", ".webp", ".tif", ".tiff")

#: Lossy formats are written so that nothing of it is seen.
OPTIONS = {
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
    ".webp": {"quality": 95},
}


def save_image(path: AnyPath, image: ImageArray, alpha: Array | None = None) -> None:
    """Write a picture; the file appears whole or not at all.

    Parameters
    ----------
    path : str or path
        The ending chooses the format, see `ENDINGS`. JPEG and WebP are written at quality 95.
    image : numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB, 0 to 255.
    alpha : numpy.ndarray, optional
        ``uint8``, ``(H, W)``: how opaque each pixel is, see `load_alpha`. For PNG, WebP and TIFF.

    Raises
    ------
    ValueError
        Where `image` or `alpha` is no such array, the ending names no format that can be written,
        or the file cannot be written.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from stylelib import load_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_image(folder + "/red.png", np.full((4, 4, 3), (255, 0, 0), np.uint8))
    ...     load_image(folder + "/red.png")[0, 0].tolist()
    [255, 0, 0]
    """
    image = check_image(image)
    path = check_output(path)
    if alpha is not None:
        check_holds_alpha(path)
        image = with_alpha(image, alpha)
    options = OPTIONS.get(path.suffix.lower(), {})
    with atomic_write(path) as file:
        format_ = Image.registered_extensions()[path.suffix.lower()]
        try:
            Image.fromarray(image).save(file, format=format_, **options)
        except ValueError as error:  # such as more pixels a side than the format holds
            raise ValueError(f"cannot write {name_of(path)}: {one_line(error)}") from error


def with_alpha(image, alpha):
    """A picture and its transparency in one array, ``uint8``, ``(H, W, 4)``.

    Examples
    --------
    >>> import numpy as np
    >>> with_alpha(np.zeros((2, 2, 3), np.uint8), np.full((2, 2), 9, np.uint8))[0, 0].tolist()
    [0, 0, 0, 9]
    """
    wanted = image.shape[:2]
    if not hasattr(alpha, "dtype") or alpha.dtype != np.uint8 or alpha.shape != wanted:
        raise ValueError(f"expected alpha as uint8 of shape {wanted}, got {shown(alpha)}")
    return np.dstack([image, alpha])


def check_holds_alpha(path):
    """Raise a ``ValueError`` where the format of a file has no transparency.

    Examples
    --------
    >>> import pathlib
    >>> check_holds_alpha(pathlib.Path("a.jpg"))
    Traceback (most recent call last):
    ...
    ValueError: cannot write a.jpg: expected .png, .webp, .tif or .tiff to keep alpha, got '.jpg'
    """
    if path.suffix.lower() not in WITH_ALPHA:
        endings = f"{', '.join(WITH_ALPHA[:-1])} or {WITH_ALPHA[-1]}"
        raise ValueError(
            f"cannot write {name_of(path)}: expected {endings} to keep alpha, got {path.suffix!r}"
        )


def check_output(path):
    """Check that a picture can be written to `path` before any work is done.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        Where the ending is not one of `ENDINGS`, `path` is a folder, or no file can be made there.

    Examples
    --------
    >>> check_output("picture.docx")
    Traceback (most recent call last):
    ...
    ValueError: cannot write picture.docx: expected an ending .png, .jpg, ..., got '.docx'
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ValueError(f"expected a path to write to, got {shown(path)}")
    path = user_path(path)
    if path.suffix.lower() not in ENDINGS:
        endings = ", ".join(ENDINGS)
        got = shown(path.suffix)
        raise ValueError(f"cannot write {name_of(path)}: expected an ending {endings}, got {got}")
    check_writable(path)
    return path

"""Images go out to files, whole or not at all."""

import os

from PIL import Image

from stylelib._utils.checks import one_line, shown
from stylelib._utils.files import atomic_write, check_writable, user_path
from stylelib._utils.types import Image as ImageArray
from stylelib._utils.types import Path as AnyPath
from stylelib.images.sizes import check_image
from stylelib.images.sources import name_of

#: Endings of the formats that `save_image` writes without changing the size of a picture.
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")

#: Lossy formats are written so that nothing of it is seen.
OPTIONS = {
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
    ".webp": {"quality": 95},
}


def save_image(path: AnyPath, image: ImageArray) -> None:
    """Write a picture; the file appears whole or not at all.

    Parameters
    ----------
    path : str or path
        The ending chooses the format, see `ENDINGS`. JPEG and WebP are written at quality 95.
    image : numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB, 0 to 255.

    Raises
    ------
    ValueError
        Where `image` is no such array, the ending names no format that can be written, or the
        file cannot be written.

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
    options = OPTIONS.get(path.suffix.lower(), {})
    with atomic_write(path) as file:
        format_ = Image.registered_extensions()[path.suffix.lower()]
        try:
            Image.fromarray(image).save(file, format=format_, **options)
        except ValueError as error:  # such as more pixels a side than the format holds
            raise ValueError(f"cannot write {name_of(path)}: {one_line(error)}") from error


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

"""What an image is, and how large one may be."""

import numpy as np

from stylelib._utils.checks import check_count, shown

#: Largest picture that is read or made, in pixels. While 128 million are decoded, they take 1.3 GB,
#: and 2.5 GB where there is transparency.
MAX_PIXELS = 128_000_000


def check_image(image):
    """Check that `image` is a ``uint8`` array of shape ``(H, W, 3)``, and return it.

    Examples
    --------
    >>> check_image([1, 2, 3])
    Traceback (most recent call last):
    ...
    ValueError: expected an image, a uint8 array of shape (H, W, 3); got a list
    """
    expected = "expected an image, a uint8 array of shape (H, W, 3)"
    if not isinstance(image, np.ndarray):
        raise ValueError(f"{expected}; got a {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"{expected}; got {image.dtype} of shape {image.shape}")
    return image


def check_size(size):
    """Check that `size` is ``(height, width)`` in whole pixels, and return it as a tuple.

    Examples
    --------
    >>> check_size(256)
    Traceback (most recent call last):
    ...
    ValueError: expected size as (height, width), got 256
    """
    try:
        is_pair = np.shape(size) == (2,)
    except ValueError:  # lists of several lengths
        is_pair = False
    if not is_pair:
        raise ValueError(f"expected size as (height, width), got {shown(size)}")
    height, width = size
    for side in (height, width):
        check_count("each side of size", side)
    if int(height) * int(width) > MAX_PIXELS:
        raise ValueError(f"expected size of at most {MAX_PIXELS:,} pixels, got {height} × {width}")
    return height, width


def scaled_size(size, longer_side):
    """Scale ``(height, width)`` so that the longer side is `longer_side`.

    Parameters
    ----------
    size : (int, int)
    longer_side : int

    Returns
    -------
    (int, int)
        The proportions are kept as well as whole pixels allow; no side falls below 1.

    Examples
    --------
    >>> scaled_size((427, 640), 256)
    (171, 256)
    """
    factor = longer_side / max(size)
    height, width = (max(1, round(side * factor)) for side in size)
    return height, width

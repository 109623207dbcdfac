"""Numbers of any kind to the 256 levels of an image: one rule for arrays, tensors and files."""

import numpy as np

from stylelib._utils.checks import shortened

#: Where nothing would be brighter than this of 255 levels, the range was guessed wrong.
DARK = 16
NEARLY_BLACK = ", which would come out nearly black: scale them first"


def to_levels(values):
    """Read numbers of any kind as levels from 0 to 255, by their kind and the largest of them.

    See the table of `load_image`.

    Parameters
    ----------
    values : numpy.ndarray
        Of any shape.

    Returns
    -------
    numpy.ndarray
        ``uint8``.

    Raises
    ------
    ValueError
        For what is no number, is not finite, or is in none of the ranges.

    Examples
    --------
    >>> to_levels(np.array([0, 0.5, 1])), to_levels(np.array([0, 32896, 65535]))
    (array([  0, 128, 255], dtype=uint8), array([  0, 128, 255], dtype=uint8))
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype.kind == "V" and "float" in values.dtype.name:  # bfloat16 and smaller
        values = values.astype(np.float32)
    if values.dtype.kind not in "iuf":
        raise ValueError(f"expected bool, integers or floats, got {shortened(values.dtype)}")
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    with np.errstate(all="ignore"):
        return _floats(values) if values.dtype.kind == "f" else _integers(values)


def _integers(values):
    low, high = int(values.min()), int(values.max())
    if low >= 0 and high <= 255:
        return values.astype(np.uint8)
    if low >= 0 and 256 * DARK <= high <= 65535:
        values = values.astype(np.uint16, copy=False)
        # Round value / 257 (65535 / 257 = 255) without floats, which take four times the memory.
        return (values // 257 + (values % 257 > 128)).astype(np.uint8)
    dark = NEARLY_BLACK if low >= 0 and high <= 65535 else ""
    expected = "expected integers between 0 and 255 or between 0 and 65535"
    raise ValueError(f"{expected}, got {low} to {high}{dark}")


def _floats(values):
    if values.dtype.itemsize < 4:
        values = values.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    scale = 255 if high * 255 < 255.5 else 1
    inside = low * scale >= -0.5 and high < 255.5  # what rounds to 0 or 255 is no overshoot
    if not inside or (scale == 1 and high < DARK):
        dark = NEARLY_BLACK if inside else ""
        hint = "; deprocess brings a picture back from VGG space" if low <= -1 else ""
        expected = "expected floats between 0 and 1, or between 0 and 255"
        raise ValueError(f"{expected}, got {low:g} to {high:g}{dark}{hint}")
    levels = values * scale
    return np.clip(np.round(levels, out=levels), 0, 255, out=levels).astype(np.uint8)

"""The colours of a photograph kept: two ways, both of Gatys et al.

Gatys, Ecker, Bethge, Hertzmann, Shechtman: Controlling Perceptual Factors in Neural Style Transfer,
CVPR 2017, arXiv 1611.07865, section 5; and Gatys, Bethge, Hertzmann, Shechtman: Preserving Color in
Neural Artistic Style Transfer, arXiv 1606.05897 (2016).
"""

import numpy as np

from stylelib._utils.types import Array, Image
from stylelib.images.load import load_image

#: How a recipe can keep the colours of the content image.
PRESERVE_COLORS = ("luminance", "match")

#: Y of YIQ, the luminance of analogue television, by R, G and B.
_LUMINANCE = np.array([0.299, 0.587, 0.114])
#: Colours that vary less, in squared grey levels, count as varying so: rounding is amplified less.
_SMALLEST_VARIANCE = 1.0


def luminance(image: Image) -> Array:
    """Y of YIQ, 0.299 R + 0.587 G + 0.114 B: what a picture is without its colours.

    Parameters
    ----------
    image : numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB.

    Returns
    -------
    numpy.ndarray
        ``float64``, ``(H, W)``, 0 to 255.

    Examples
    --------
    >>> luminance(np.uint8([[[255, 0, 0], [255, 255, 255]]])).round().tolist()
    [[76.0, 255.0]]
    """
    return image @ _LUMINANCE


def grey(image: Image, like: Image | None = None) -> Image:
    """A picture without its colours: its luminance in all three channels.

    Parameters
    ----------
    image : numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB.
    like : numpy.ndarray, optional
        Of the same kind, of any size: the luminance gets the mean and the standard deviation of
        this picture's. A dark painting would darken a bright photograph otherwise. A deviation of
        `image` below 1 grey level counts as 1, so that the factor is at most the deviation of
        `like`.

    Returns
    -------
    numpy.ndarray
        ``uint8``, ``(H, W, 3)``, R = G = B.

    Examples
    --------
    >>> dark, bright = np.full((1, 1, 3), 20, np.uint8), np.full((1, 1, 3), 200, np.uint8)
    >>> grey(dark)[0, 0].tolist(), grey(dark, like=bright)[0, 0].tolist()
    ([20, 20, 20], [200, 200, 200])
    """
    Y = luminance(image)
    if like is not None:
        wanted = luminance(like)
        Y = (Y - Y.mean()) * (wanted.std() / max(Y.std(), 1.0)) + wanted.mean()
    return _quantized(np.repeat(Y[:, :, np.newaxis], 3, axis=2))


def replace_luminance(image: Image, painted: Image) -> Image:
    """Give a photograph the luminance of a painted picture, and keep its own colours.

    I and Q of YIQ are the photograph's, Y is that of `painted`. As adding the same number to R, G
    and B changes Y alone, the result is image + Y(painted) − Y(image), clipped to black and white.

    Parameters
    ----------
    image : numpy.ndarray
        ``uint8``, ``(H', W', 3)``, RGB, of any size: it is brought to that of `painted`.
    painted : numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB.

    Returns
    -------
    numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB.

    Examples
    --------
    >>> photo, painted = np.uint8([[[200, 100, 100]]]), np.uint8([[[100, 100, 100]]])
    >>> replace_luminance(photo, painted)[0, 0].tolist()
    [170, 70, 70]
    """
    image = load_image(image, size=painted.shape[:2])
    difference = luminance(painted) - luminance(image)
    return _quantized(image + difference[:, :, np.newaxis])


def match_color(image: Image, reference: Image) -> Image:
    """Give a painting the colours of a photograph: their mean and their covariance.

    With μ the mean colour of a picture and Σ the 3 × 3 covariance matrix of its colours, each
    colour p becomes A (p − μ) + μ_reference with A = Σ_reference^½ Σ^(−½). Of all A with
    A Σ Aᵀ = Σ_reference this is the one that arXiv 1606.05897 prefers.

    Parameters
    ----------
    image, reference : numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB, of any two sizes.

    Returns
    -------
    numpy.ndarray
        ``uint8``, of the shape of `image`. Mean and covariance are those of `reference` up to
        rounding, and to what had to be clipped to black and white.

    Examples
    --------
    >>> photo = np.uint8([[[9, 50, 50], [7, 90, 70]]])
    >>> match_color(np.uint8([[[0, 0, 90], [60, 60, 30]]]), photo).mean((0, 1)).tolist()
    [8.0, 70.0, 60.0]
    """
    pixels, wanted = (picture.reshape(-1, 3).astype(np.float64) for picture in (image, reference))
    transform = _root(wanted, 0.5) @ _root(pixels, -0.5)
    matched = (pixels - pixels.mean(0)) @ transform.T + wanted.mean(0)
    return _quantized(matched.reshape(image.shape))


def _root(pixels, power):
    """A power of the covariance matrix of colours, (3, 3), by its eigenvalues."""
    covariance = np.cov(pixels, rowvar=False, bias=True)  # (H·W, 3) -> (3, 3)
    variances, directions = np.linalg.eigh(covariance)
    return directions * np.maximum(variances, _SMALLEST_VARIANCE) ** power @ directions.T


def _quantized(values):
    return np.clip(np.round(values), 0, 255).astype(np.uint8)

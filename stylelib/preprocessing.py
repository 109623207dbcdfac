"""Between images and the space in which VGG was trained.

Two kinds of picture cross the library's public functions, and nothing else:

* an **image** is a ``uint8`` array of shape ``(H, W, 3)``, RGB, 0 to 255;
* a picture in **VGG space** is a ``float32`` tensor of shape ``(1, H, W, 3)``, BGR, with the
  mean colour of ImageNet subtracted.
"""

import numpy as np

from stylelib._utils.checks import check_count
from stylelib._utils.tensorflow import check_tensorflow, tf
from stylelib._utils.types import Array, Image, Size
from stylelib.images.sizes import check_image, check_size

#: Mean colour of ImageNet's training pictures in BGR order, as VGG's authors published it.
MEAN_BGR = np.array([103.939, 116.779, 123.68], dtype=np.float32)


def preprocess(image: Image) -> tf.Tensor:
    """Bring an image into VGG space: RGB to BGR, minus the mean colour, plus a batch axis.

    Parameters
    ----------
    image : numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB, 0 to 255.

    Returns
    -------
    tf.Tensor
        ``float32``, ``(1, H, W, 3)``, BGR, between `pixel_bounds`.

    Raises
    ------
    ValueError
        Where `image` is not such an array.

    Examples
    --------
    >>> import numpy as np
    >>> red = np.full((1, 1, 3), (255, 0, 0), np.uint8)
    >>> [round(float(value)) for value in preprocess(red)[0, 0, 0]]  # blue, green, red
    [-104, -117, 131]
    """
    check_tensorflow()
    bgr = check_image(image)[np.newaxis, :, :, ::-1].astype(np.float32)
    return tf.constant(bgr - MEAN_BGR)


def deprocess(x: tf.Tensor | tf.Variable | Array) -> Image:
    """Bring a picture from VGG space back to an image: the inverse of `preprocess`.

    Values outside 0 to 255 are clipped, and the rest is rounded. Nothing is stretched: min–max
    scaling, as some programs do here, would change every colour.

    Parameters
    ----------
    x : tf.Tensor, tf.Variable or numpy.ndarray
        ``(1, H, W, 3)``, BGR, mean colour subtracted.

    Returns
    -------
    numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB, 0 to 255.

    Raises
    ------
    ValueError
        Where `x` has another shape, or holds values that are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    >>> bool((deprocess(preprocess(image)) == image).all())
    True
    """
    return _quantized(_to_rgb(x))


def deprocess_stretched(x: tf.Tensor | tf.Variable | Array) -> Image:
    """Bring a picture back to an image as some programs do: darkest value to 0, brightest to 255.

    It is here to show the mistake: all colours shift, even where no value lay outside 0 to 255. Use
    `deprocess`.

    Parameters
    ----------
    x : tf.Tensor, tf.Variable or numpy.ndarray
        ``(1, H, W, 3)``, BGR, mean colour subtracted.

    Returns
    -------
    numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB, 0 to 255.

    Raises
    ------
    ValueError
        As `deprocess` does.

    Examples
    --------
    Two greys become black and white.

    >>> import numpy as np
    >>> greys = np.array([[[100] * 3, [150] * 3]], np.uint8)
    >>> deprocess_stretched(preprocess(greys))[0, :, 0].tolist()
    [0, 255]
    """
    rgb = _to_rgb(x)
    return _quantized(255 * (rgb - rgb.min()) / max(np.ptp(rgb), 1e-6))


def _to_rgb(x):
    """Add the mean colour, unrounded: ``float32``, ``(H, W, 3)``, RGB."""
    check_tensorflow()
    values = np.asarray(x)
    if values.ndim != 4 or values.shape[0] != 1 or values.shape[3] != 3:
        raise ValueError(f"expected a picture of shape (1, H, W, 3), got shape {values.shape}")
    if values.dtype.kind in "cO":
        raise ValueError(f"expected a picture of real numbers, got {values.dtype}")
    if not np.isfinite(values).all():
        raise ValueError("expected a picture of finite numbers, got NaN or infinity")
    return (values + MEAN_BGR)[0, :, :, ::-1]


def _quantized(rgb):
    return np.ascontiguousarray(np.clip(np.round(rgb), 0, 255).astype(np.uint8))


def pixel_bounds() -> tuple[Array, Array]:
    """Smallest and largest value that each channel can have in VGG space.

    Returns
    -------
    lower, upper : numpy.ndarray
        ``float32``, ``(3,)``, BGR: black and white after `preprocess`.

    Examples
    --------
    >>> lower, upper = pixel_bounds()
    >>> (upper - lower).tolist()
    [255.0, 255.0, 255.0]
    """
    return -MEAN_BGR, np.float32(255) - MEAN_BGR


def noise_image(size: Size, seed: int = 0) -> Image:
    """White noise: every channel of every pixel is drawn evenly from 0 to 255.

    Noise drawn between 0 and 1, or in VGG space around zero, would be a flat grey instead.

    Parameters
    ----------
    size : (int, int)
        ``(height, width)``.
    seed : int
        The same seed gives the same noise.

    Returns
    -------
    numpy.ndarray
        ``uint8``, ``(height, width, 3)``, RGB, 0 to 255.

    Examples
    --------
    >>> noise_image((2, 3), seed=1).shape
    (2, 3, 3)
    """
    height, width = check_size(size)
    check_count("seed", seed, minimum=0)
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, size=(height, width, 3), dtype=np.uint8)


def grey_start(size: Size, seed: int = 0) -> tf.Tensor:
    """The mean colour of ImageNet with a trace of noise, as some programs call “random”.

    Noise of ±0.025 grey levels is nothing to see. An image of whole grey levels could not hold it,
    so this is a picture in VGG space.

    Parameters
    ----------
    size : (int, int)
        ``(height, width)``.
    seed : int
        The same seed gives the same noise.

    Returns
    -------
    tf.Tensor
        ``float32``, ``(1, height, width, 3)``, VGG space.

    Examples
    --------
    >>> deprocess(grey_start((2, 2)))[0, 0].tolist()
    [124, 117, 104]
    """
    height, width = check_size(size)
    check_count("seed", seed, minimum=0)
    noise = np.random.default_rng(seed).uniform(-0.025, 0.025, size=(1, height, width, 3))
    return tf.constant(noise.astype(np.float32))

"""What all pictures of the shelf are drawn with."""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

#: Width and height of a finished picture, in pixels.
SIZE = (640, 512)


def coordinates(width, height):
    """Coordinates x and y of the centre of each pixel, two arrays ``(height, width)``."""
    y, x = np.mgrid[:height, :width] + 0.5
    return x, y


def smooth_noise(rng, width, height, scale, octaves=1):
    """Clouds of about `scale` pixels, each further octave half as large and half as strong.

    ``(height, width)``, mean 0, standard deviation 1.
    """
    total = np.zeros((height, width))
    for octave in range(octaves):
        sigma = scale / 2**octave / 2
        layer = gaussian_filter(rng.standard_normal((height, width)), sigma, mode="wrap")
        total += layer / layer.std() / 2**octave
    return (total - total.mean()) / total.std()


def rgb(*colours):
    """Colours written like ``"#0b3d91"`` as an array ``(n, 3)``, 0 to 255."""
    return np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours], dtype=float)


def gradient(colours, t):
    """Blend evenly spaced colours: `t` from 0 to 1 in any shape gives ``(..., 3)``."""
    stops = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(t, stops, colours[:, c]) for c in range(3)], axis=-1)


def finish(picture, size=SIZE):
    """Bring an array 0 to 255 or a large PIL image to the finished size, ``uint8``."""
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(np.clip(np.round(picture), 0, 255).astype(np.uint8))
    return np.asarray(picture.convert("RGB").resize(size, Image.Resampling.LANCZOS))

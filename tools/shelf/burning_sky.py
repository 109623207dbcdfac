"""A burning sky in undulating bands over dark, sinuous water, drawn in long pastel strokes.

The picture is laid out straight: `u` runs along the bands, `v` across them. A warp bends this
plane into waves, swelling around the setting sun; strokes of constant `v` follow the bands.
"""

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from tools.shelf.canvas import finish, gradient, rgb, smooth_noise

W, H = 1280, 1024  # drawn at twice the finished size
HORIZON = 570
SUN = 830

FIRE = rgb("#3f4a78", "#a81f22", "#dc3a1a", "#f2661a", "#f78f1c", "#fbb827", "#fde06a", "#fff3c0")
WATER = rgb("#0a1030", "#12295c", "#1a5080", "#1f7474", "#3f9468", "#a5b050", "#f6a936", "#fde06a")
HILLS = rgb("#7a4a78", "#3a4488", "#232a66", "#14183f", "#0c1030")


def _warp(u, v):
    """Where the point `(u, v)` of the straight plane lies on the canvas: x and y."""
    away = np.abs(v - HORIZON)
    calm = np.clip(away / 200, 0, 1)  # the horizon itself stays nearly level
    sky = 40 * np.sin(u / 165 + v / 130) + 24 * np.sin(u / 80 - v / 85 + 1)
    water = 54 * np.sin(u / 140 - v / 85) + 24 * np.sin(u / 66 + v / 60)
    swell = 150 * np.exp(-(((u - SUN) / 190) ** 2)) * (1 - np.exp(-away / 90)) * np.exp(-away / 400)
    y = v + np.where(v < HORIZON, sky * calm - swell, water * calm + 0.4 * swell)
    return u + 50 * calm * np.sin(v / 110 + u / 210), y


def _disc(u, v):
    """The half disc of the sun: `v` the radius, `u` along the arc, cut off at the horizon."""
    u = np.clip(u, 2, 312)
    return SUN - v * np.cos(u / 100), HORIZON - v * np.sin(u / 100)


def _clouds(rng):
    """Noise on the plane, drawn out along the bands; indexed like a picture with margins."""
    noise = smooth_noise(rng, W + 600, H + 600, 26, 2)
    noise = gaussian_filter(noise, (0, 90), mode="wrap")
    return noise / noise.std()


def _sky_and_water(u, v, cloud):
    """Colours at `u`, `v`: burning above the horizon, dark below with the path of the sun."""
    x, y = _warp(u, v)
    away = np.hypot(x - SUN, y - HORIZON)
    heat = 0.42 + 0.13 * cloud + 0.22 * np.sin(v / 23) + 0.3 * np.exp(-away / 200)
    path = np.exp(-(((x - SUN) / (50 + 0.25 * np.abs(y - HORIZON))) ** 2))
    depth = 0.33 + 0.13 * cloud + 0.19 * np.sin(v / 20) + 0.6 * path * (np.sin(v / 9) > -0.2)
    above = (v < HORIZON)[:, None]
    fire, water = gradient(FIRE, np.clip(heat, 0, 1)), gradient(WATER, np.clip(depth, 0, 1))
    return np.where(above, fire, water)


def _paint(u, v, clouds):
    """Colours of the strokes whose middles are `u`, `v`, and how long they are, relatively."""
    cloud = clouds[v.astype(int) + 300, u.astype(int) + 300]
    ridge = 12 + 0.12 * np.abs(u - SUN) + 16 * np.sin(u / 95) + 5 * np.sin(u / 37)
    land = (np.abs(u - SUN) > 150) & (v < HORIZON + 6) & (v > HORIZON - ridge)
    # lightest along the top, as if the sky shone on it
    hills = gradient(HILLS, np.clip((v - HORIZON + ridge) / 70 + 0.1 * cloud, 0, 1))
    # shorter strokes on the hills keep their outline
    colour = np.where(land[:, None], hills, _sky_and_water(u, v, cloud))
    return colour, np.where(land, 0.6, 1.0)


def _places(spacing, rng):
    """Middles of strokes all over the plane and a margin around it, in random order."""
    u, v = np.meshgrid(np.arange(-190, W + 190, 4 * spacing), np.arange(-190, H + 190, spacing))
    places = rng.permutation(np.stack([u.ravel(), v.ravel()], -1)).astype(float)
    return places + rng.uniform(0, 1, places.shape) * [4 * spacing, spacing]


def _stroke(pens, warp, middle, size, colour, rng):
    """One pull of the chalk along `u`: ragged lines side by side, on both sheets."""
    (u, v), (length, width) = middle, size
    base = rng.integers(60, 140)
    for side in np.arange(-width, width + 1, 3):
        start, end = rng.uniform([-0.5, 0.38], [-0.38, 0.5]) * length * (1 - abs(side) / width / 3)
        points = list(zip(*warp(np.linspace(u + start, u + end, 12), v + side), strict=True))
        shade = np.clip(colour * rng.uniform(0.9, 1.1), 0, 255)
        pens[0].line(points, tuple(shade.astype(int)), 5)
        pens[1].line(points, int(base + rng.integers(0, 80)), 5)


def _sun(pens, rng):
    """Arcs of paint round the sun, the outer ones first."""
    for radius in np.arange(140, 4, -6):
        tone = np.interp(radius, [60, 140], [1, 0.42]) + 0.1 * np.sin(radius / 6)
        for u in rng.permutation(np.arange(30, 300, 18 + 800 / radius)):
            colour = gradient(FIRE, np.clip(tone + rng.normal(0, 0.05), 0, 1))
            _stroke(pens, _disc, (u, radius), (6000 / radius, 6), colour, rng)


def _lit(colour, height):
    """Relief of the chalk, seen in light from the upper left."""
    down, right = np.gradient(gaussian_filter(np.asarray(height, float), 1.2))
    slope = np.tanh((down + right) / 22)[..., None]
    return np.asarray(colour, float) * (1 + 0.25 * slope)


def draw(seed=0):
    """The picture, ``uint8`` ``(512, 640, 3)``."""
    rng = np.random.default_rng(seed)
    clouds = _clouds(rng)
    sheets = Image.new("RGB", (W, H), "#4a1830"), Image.new("L", (W, H))
    pens = [ImageDraw.Draw(sheet) for sheet in sheets]
    for spacing, length, width in [(20, 300, 18), (13, 190, 9), (18, 110, 6)]:
        places = _places(spacing, rng)
        colours, scales = _paint(*places.T, clouds)
        for (u, v), paint, scale in zip(places, colours, scales, strict=True):
            mixed = paint * rng.uniform(0.82, 1.18) + rng.normal(0, 10, 3)
            _stroke(pens, _warp, (u, v), (length * scale, width), mixed, rng)
    _sun(pens, rng)
    return finish(_lit(*sheets))

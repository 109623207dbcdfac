"""A night sky of swirls in thick paint: three vortices, a moon, glowing stars and hills.

Every stroke is a bundle of bristles pulled along a vector field. The bristles are drawn twice,
as colour and as height of the paint; the height is then lit from the upper left.
"""

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from tools.shelf.canvas import coordinates, finish, gradient, rgb, smooth_noise

W, H = 1280, 1024  # drawn at twice the finished size

# x, y, radius, sense of rotation
VORTICES = [(800, 400, 250, 1), (330, 560, 150, -1), (1165, 570, 125, -1)]
# x, y, radius of the glow; the first is the moon
STARS = [
    (235, 225, 190), (560, 115, 90), (1110, 135, 118), (70, 490, 84), (545, 655, 74),
    (860, 75, 58), (775, 745, 50), (1225, 345, 66), (50, 50, 60), (480, 350, 56),
]  # fmt: skip

NIGHT = rgb("#0b1238", "#14266a", "#20478f", "#2a6f9e", "#3c97a0", "#93c9b4", "#f3e6b0")
GLOW = rgb("#fffce0", "#fdea6a", "#f6bf2b", "#e79a1f", "#e3d06a", "#8fc4a2", "#2f86a4")
LAND = rgb("#0a1730", "#10314a", "#17564f", "#3c7a4d", "#b39a35")


def _skyline(x):
    """Height of the hills' edge at `x`."""
    return 830 + 50 * np.sin(x / 150 + 0.6) + 28 * np.sin(x / 67) - 0.05 * x


def _flow(x, y):
    """Unit direction of the brush at each pixel of the sky."""
    u, v = np.ones_like(x), 0.5 * np.sin(x / 170 + y / 260)
    for cx, cy, radius, turn in VORTICES:
        dx, dy = x - cx, y - cy
        near = 5 * turn * np.exp(-((np.hypot(dx, dy) / radius) ** 2) / 1.4) / np.hypot(dx, dy)
        # a little inwards, so that strokes spiral
        u, v = u + near * (-dy - 0.18 * turn * dx), v + near * (dx - 0.18 * turn * dy)
    for cx, cy, radius in STARS:
        dx, dy = x - cx, y - cy
        near = 20 * np.exp(-((np.hypot(dx, dy) / radius) ** 4)) / np.hypot(dx, dy)
        u, v = u - near * dy, v + near * dx
    return np.stack([u, v], -1) / np.hypot(u, v)[..., None]


def _night_tone(x, y, rng):
    """0 dark to 1 bright: clouds, with two bright arms in each vortex."""
    tone = 0.36 + 0.1 * smooth_noise(rng, W, H, 160, 2) + 0.12 * np.sin(y / 38 + np.sin(x / 140))
    for cx, cy, radius, turn in VORTICES:
        r, angle = np.hypot(x - cx, y - cy) / radius, np.arctan2(y - cy, x - cx)
        near = np.exp(-(r**4) / 3)
        tone = tone * (1 - near) + near * (0.5 + 0.36 * np.cos(2 * angle * turn + 9 * r))
    return tone


def _sky(x, y, rng):
    """Colours wanted in the sky, the stars with their rings and glow included."""
    colour = gradient(NIGHT, np.clip(_night_tone(x, y, rng), 0, 1))
    for cx, cy, radius in STARS:
        r = np.hypot(x - cx, y - cy) / radius
        halo = gradient(GLOW, np.clip(r + 0.1 * np.sin(r * radius / 6), 0, 1))
        near = np.clip(2.5 - 2 * r, 0, 1)[..., None]
        colour = colour * (1 - near) + halo * near
    return colour


def _plan(rng):
    """Colour and direction of the brush wanted at each pixel, before any stroke is drawn."""
    x, y = coordinates(W, H)
    below = y - _skyline(x)
    fields = 0.5 + 0.3 * np.sin(below / 17 + x / 90) + 0.16 * smooth_noise(rng, W, H, 130)
    land = gradient(LAND, np.clip(fields, 0, 1))
    along = np.stack([np.ones_like(x), np.gradient(_skyline(x), axis=1)], -1)
    is_land = (below > 0)[..., None]
    return np.where(is_land, land, _sky(x, y, rng)), np.where(is_land, along, _flow(x, y))


def _paths(flow, spacing, length, rng):
    """Centre lines ``(n, points, 2)`` of strokes that cover the canvas, in random order."""
    grid = np.stack(np.meshgrid(np.arange(0, W, spacing), np.arange(0, H, spacing)), -1)
    middle = rng.permutation(grid.reshape(-1, 2)) + rng.uniform(0, spacing, (grid.size // 2, 2))
    path = [middle]
    for _ in range(4):  # grow at both ends, so that a stroke lies around its place
        path.insert(0, _step(path[0], flow, -length / 8))
        path.append(_step(path[-1], flow, length / 8))
    return np.stack(path, 1)


def _step(points, flow, size):
    """Move along the flow; looking half a step ahead keeps circles closed."""
    ahead = points + _at(flow, points) * size / 2
    return points + _at(flow, ahead) * size


def _at(picture, points):
    """Values of a picture at `points` ``(n, 2)``, beyond its edge those of the edge."""
    column, row = np.clip(points.astype(int), 0, [W - 1, H - 1]).T
    return picture[row, column]


def _stroke(pens, path, width, colour, rng):
    """Drag a bundle of bristles along `path`: narrow at its ends, thickest at its rims."""
    along = np.gradient(path, axis=0)
    across = along[:, ::-1] * [-1, 1] / np.hypot(*along.T)[:, None]
    swell = np.sin(np.linspace(0.35, 2.8, len(path)))[:, None]
    base = rng.integers(70, 130)
    for side in np.arange(-width, width + 1, 3):
        line = (path + across * side * swell)[rng.integers(0, 2) : len(path) - rng.integers(0, 3)]
        points = [tuple(p) for p in line]
        thick = base + rng.integers(0, 60) + 50 * abs(side) // width
        shade = colour * rng.uniform(0.9, 1.1)
        pens[0].line(points, tuple(np.clip(shade, 0, 255).astype(int)), 4)
        pens[1].line(points, int(thick), 4)


def _lit(colour, height):
    """Relief of the paint, seen in light from the upper left."""
    down, right = np.gradient(gaussian_filter(np.asarray(height, float), 1.2))
    slope = np.tanh((down + right) / 22)[..., None]
    return np.asarray(colour, float) * (1 + 0.33 * slope) + 26 * np.clip(slope, 0, 1) ** 2


def draw(seed=0):
    """The picture, ``uint8`` ``(512, 640, 3)``."""
    rng = np.random.default_rng(seed)
    colour, flow = _plan(rng)
    sheets = Image.fromarray(np.uint8(colour)), Image.new("L", (W, H))
    pens = [ImageDraw.Draw(sheet) for sheet in sheets]
    for spacing, length, width in [(24, 150, 15), (18, 100, 9), (22, 48, 6)]:
        paths = _paths(flow, spacing, length, rng)
        for path, paint in zip(paths, _at(colour, paths[:, 4]), strict=True):
            mixed = paint * rng.uniform(0.78, 1.22) + rng.normal(0, 10, 3)
            _stroke(pens, path, width, mixed, rng)
    return finish(_lit(*sheets))

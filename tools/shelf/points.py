"""A low sun over a river with poplars, in dabs of pure colour in the manner of pointillism."""

import numpy as np
from PIL import Image, ImageDraw

from .canvas import SIZE, coordinates, finish, gradient, rgb, smooth_noise

WIDTH, HEIGHT = 2 * SIZE[0], 2 * SIZE[1]
SUN, HORIZON = (770, 350), 500
SKY = rgb(
    "#fffbe0", "#ffe680", "#ffc45a", "#ff9a5a", "#f0a0a8", "#9fc4dc",
    "#4f96e4", "#2a62cc", "#2347a8",
)  # fmt: skip
WATER = rgb("#fff3b8", "#ffd05e", "#ff9a5a", "#b48fd0", "#5f9fe0", "#2a6cc4", "#1f4a9e", "#233a86")
GRASS = rgb("#2a2f86", "#1f5f7a", "#2f8a4a", "#8fc03a", "#f0dc4a", "#ffb84a")
LEAVES = rgb("#2a2472", "#2a3f90", "#1f6f6a", "#4f9f3f", "#d8c83a", "#ff9a3a")
# The tubes on the table: nothing is mixed but in the eye.
PAINTS = rgb(
    "#fff8dc", "#fff09a", "#ffd93a", "#ffb020", "#ff7f2a", "#f0503a", "#d83a6a", "#f49ab8",
    "#c47ad0", "#7a4fb8", "#3a2f8f", "#2347b0", "#2f6fd8", "#5fa8ec", "#a8d8f0", "#2fb0b0",
    "#1f7f6f", "#2f9f4f", "#8fc83a", "#d0e05a", "#17305f", "#124a44",
)  # fmt: skip
# Crowns, far ones first: foot x and y, half width and half height.
TREES = [
    (985, 520, 40, 30), (1060, 530, 55, 46), (505, 575, 22, 110), (450, 600, 28, 150),
    (385, 640, 36, 195), (1160, 580, 90, 90), (300, 690, 44, 245), (185, 745, 54, 310),
    (50, 800, 64, 360), (1215, 760, 130, 240),
]  # fmt: skip


class Scene:
    """The colours that the eye shall mix and the direction of the brush, pixel by pixel."""

    def __init__(self, rng):
        self.x, self.y = coordinates(WIDTH, HEIGHT)
        self.noise = smooth_noise(rng, WIDTH, HEIGHT, 70, octaves=3)
        self.streaks = smooth_noise(rng, WIDTH // 8, HEIGHT, 22).repeat(8, axis=1)
        self.colour = np.zeros((HEIGHT, WIDTH, 3))
        self.angle = np.zeros((HEIGHT, WIDTH))

    def paint(self, where, colours, t, angle):
        """Give the pixels `where` the colours at `t`, and their dabs an `angle`."""
        self.colour[where] = gradient(colours, np.clip(t[where], 0, 1))
        self.angle[where] = angle


def paint_sky(scene):
    """Light that spreads from the sun through streaks of cloud."""
    dx, dy = scene.x - SUN[0], scene.y - SUN[1]
    distance = np.hypot(dx, 1.1 * dy)
    t = 0.1 + distance / 900 + 0.07 * scene.noise * np.clip(distance / 300, 0, 1)
    scene.colour = gradient(SKY, np.where(distance < 66, 0, np.clip(t, 0, 1)))
    scene.angle = np.arctan2(dx, -dy)


def paint_land(scene):
    """Two ridges of blue hills that the sun bleaches, and the meadows."""
    x, y = scene.x, scene.y
    glow = np.exp(-np.abs(x - SUN[0]) / 230)
    for base, height, length, t in ((478, 80, 150, 0.74), (505, 60, 80, 1.0)):
        ridge = base - height * (0.5 + 0.5 * np.sin(x / length + base)) - 8 * scene.noise
        scene.paint(y > ridge, SKY, t - 0.4 * glow, 0.3)
    furrows = np.sin((y - 0.25 * x + 10 * scene.noise) / 22)
    scene.paint(y > HORIZON, GRASS, 0.42 + 0.12 * scene.noise + 0.2 * furrows + 0.3 * glow, 0.2)


def river(scene):
    """Whether the river flows at each pixel."""
    down = (scene.y - HORIZON) / (HEIGHT - HORIZON)
    middle = SUN[0] - 190 * np.sin(2.6 * down)
    return (down > 0) & (np.abs(scene.x - middle) < 70 + 420 * down + 10 * scene.noise)


def paint_water(scene):
    """The sky upside down, in streaks, with the track of the sun."""
    x, y = scene.x, scene.y
    distance = np.hypot(x - SUN[0], 0.6 * (y - 2 * HORIZON + SUN[1]))
    track = np.exp(-(((x - SUN[0]) / (36 + 0.16 * (y - HORIZON) + 26 * scene.streaks)) ** 2))
    track *= np.clip(0.8 + 0.45 * scene.streaks, 0.1, 1)
    scene.paint(river(scene), WATER, 0.4 + distance / 900 + 0.12 * scene.streaks - 0.6 * track, 0)


def paint_tree(scene, x, y, width, height):
    """A crown that stands at (x, y), bright where it faces the sun, and its reflection."""
    sunward = np.sign(SUN[0] - x)
    u = (scene.x - x) / width + 0.13 * scene.noise
    for rise, streaks, tones in ((-height, 0, 0.44), (0.8 * height, 0.45, 0.12)):
        v = (scene.y - y - rise) / rise
        w = u + streaks * scene.streaks
        crown = (w**2 + v**2 < 1) & ((rise < 0) | river(scene))
        light = tones + 0.42 * sunward * u + 0.13 * scene.noise
        scene.paint(crown, LEAVES, light, 1.5 if rise < 0 else 0)


def paint_boat(scene, x, y, height):
    """A sail over a dark hull, and below it both upside down."""
    across = (scene.x - x) / height
    up = np.abs(y - scene.y) / height
    sail = np.abs(across + 0.08) < 0.38 * (1.1 - up)
    scene.paint(sail, SKY, 0.05 - 0.4 * across + 0.2 * (scene.y > y), 1.5)
    scene.paint((up < 0.12) & (np.abs(across) < 0.5), LEAVES, up, 0)


def landscape(rng):
    """The whole scene, from the sky to the nearest tree."""
    scene = Scene(rng)
    paint_sky(scene)
    paint_land(scene)
    paint_water(scene)
    paint_boat(scene, 610, 622, 120)
    for tree in TREES:
        paint_tree(scene, *tree)
    return scene


def choose_paint(rng, wanted, contrast):
    """A paint near each wanted colour or, for a share `contrast`, near its opposite as light."""
    light = wanted @ (0.3, 0.59, 0.11)
    opposite = 2 * light[:, None] - wanted
    aim = np.where(rng.random((len(wanted), 1)) < contrast, opposite, wanted)
    off = ((aim[:, None] - PAINTS) ** 2 * (0.9, 1.2, 0.9)).sum(-1)
    chosen = np.argmax(rng.gumbel(size=off.shape) - off / (2 * 34**2), axis=1)
    return np.clip(PAINTS[chosen] + rng.normal(0, 6, wanted.shape), 0, 255)


def places(rng, spacing):
    """Points about `spacing` apart on circles around the sun, in random order."""
    circles = []
    for radius in np.arange(spacing / 2, WIDTH, 0.95 * spacing):
        count = int(2 * np.pi * radius / spacing)
        turn = 2 * np.pi * (np.arange(count) + rng.random()) / count
        turn += rng.uniform(-0.2, 0.2, count) * spacing / radius
        circles.append(np.stack([np.cos(turn), np.sin(turn)], axis=1) * radius + SUN)
    points = rng.permutation(np.concatenate(circles))
    return points[(points >= 0).all(1) & (points < (WIDTH, HEIGHT)).all(1)]


def dab(pen, rng, centre, radius, angle, colour):
    """A roundish touch of the brush with a thin shade at its foot."""
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    shape = np.stack([1.14 * np.cos(turn), 0.9 * np.sin(turn)]) * radius
    shape *= rng.uniform(0.93, 1.07, 14)
    c, s = np.cos(angle), np.sin(angle)
    outline = (np.array([[c, -s], [s, c]]) @ shape).T + centre
    for shift, share in ((1.2, 0.8), (0, 1)):
        fill = tuple(int(v) for v in colour * share)
        pen.polygon([tuple(p) for p in 2 * (outline + shift)], fill=fill)


def draw(seed=0):
    """The whole picture, ``(512, 640, 3)`` and ``uint8``."""
    rng = np.random.default_rng(seed)
    scene = landscape(rng)
    sheet = Image.new("RGB", (2 * WIDTH, 2 * HEIGHT), "#e8cfa8")
    pen = ImageDraw.Draw(sheet)
    for radius, spacing, contrast in ((9, 13, 0.25), (6.5, 11.5, 0.08), (4.5, 17, 0.3)):
        points = places(rng, spacing)
        j, i = points.astype(int).T
        colours = choose_paint(rng, scene.colour[i, j], contrast)
        for point, angle, colour in zip(points, scene.angle[i, j], colours, strict=True):
            dab(pen, rng, point, radius * rng.uniform(0.85, 1.15), angle, colour)
    return finish(sheet)

"""Rows of breaking waves under a red sun, in the manner of a Japanese woodblock print."""

import numpy as np
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline

from .canvas import SIZE, coordinates, finish, gradient, rgb, smooth_noise

WIDTH, HEIGHT = 2 * SIZE[0], 2 * SIZE[1]
INK, FOAM, MIST = "#10254a", "#f7f0dd", "#9cc4cc"
DEEP, BLUE, SEA = "#123a6f", "#1d5a98", "#4f8fb3"
SKY = rgb("#245a8a", "#86b4be", "#ead9b0", "#f3e2b8", "#f0c890", "#e5a379")
SUN = rgb("#c8321f", "#e2553a", "#ee8a4e")
# A wave one unit high, y upwards: its back and its hollow run from the foot to the same tip.
BACK = [(-1.9, -0.6), (-1.2, 0), (-0.62, 0.5), (-0.15, 0.86), (0.28, 1), (0.62, 0.9), (0.8, 0.64)]
HOLLOW = [
    (1.5, -0.6), (0.75, -0.12), (0.3, 0.16), (0.12, 0.42), (0.2, 0.66), (0.5, 0.76), (0.8, 0.64),
]  # fmt: skip
# The stripes from the back to the hollow: colour and width.
BANDS = [
    (DEEP, 3), (MIST, 1), (BLUE, 2), (DEEP, 3), (FOAM, 1), (SEA, 1), (DEEP, 3), (MIST, 1.5),
    (BLUE, 2), (DEEP, 2), (FOAM, 1.5), (DEEP, 1.5), (SEA, 1.5), (FOAM, 1), (DEEP, 2), (MIST, 1),
    (BLUE, 1.5), (DEEP, 2), (SEA, 1),
]  # fmt: skip
# Where the waves stand, far ones first: foot x, foot y, height.
WAVES = [
    (90, 430, 110), (560, 425, 120), (800, 430, 100), (1010, 425, 130), (1240, 430, 110),
    (-80, 560, 230), (690, 575, 190), (1230, 590, 270),
    (300, 720, 560), (980, 740, 250),
    (560, 860, 240), (1290, 870, 330), (-60, 930, 300),
    (860, 1010, 330), (330, 1080, 320), (1330, 1090, 260),
]  # fmt: skip


def smooth_curve(points):
    """The curve through `points` as a function of s from 0 to 1."""
    return CubicSpline(np.linspace(0, 1, len(points)), points)


def stamp(draw, discs, line):
    """Draw the union of `discs` (x, y, r) in one outline, white with a pale blue core."""
    for share, grow, shift, colour in ((1, line, 0, INK), (1, 0, 0, FOAM), (0.42, 0, 0.3, MIST)):
        for x, y, r in discs:
            x, y, r = x - shift * r, y + shift * r, r * share + grow
            if r > 1:
                draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def claw(rng, start, heading, length, turn, depth=2):
    """Discs of a finger of foam that bends more and more, with smaller fingers on it."""
    t = np.linspace(0, 1, 30)
    angle = heading + turn * t**1.8
    x = start[0] + np.cumsum(np.cos(angle)) * length / 29
    y = start[1] + np.cumsum(np.sin(angle)) * length / 29
    discs = list(zip(x, y, length * (0.015 + 0.12 * (1 - t) ** 0.7), strict=True))
    for k in (8, 14, 20) if depth else ():
        side = angle[k] - rng.uniform(0.6, 1.0)
        discs += claw(rng, (x[k], y[k]), side, length * rng.uniform(0.4, 0.55), turn, depth - 1)
    return discs


def draw_foam(draw, rng, back, hollow, size):
    """Scallops along the crest and the rim, then claw over claw from the hollow to the tip."""
    line = 1.5 + size / 250
    crest = [back(s) * 0.9 + hollow(s) * 0.1 for s in np.linspace(0.46, 0.97, 32)]
    rim = [hollow(s) * 0.9 + back(s) * 0.1 for s in np.linspace(0.64, 1, 14)]
    radii = size * np.append(np.linspace(0.012, 0.06, 32), np.linspace(0.02, 0.05, 14))
    radii *= rng.uniform(0.6, 1.3, 46)
    stamp(draw, [(*p, r) for p, r in zip(crest + rim, radii, strict=True)], line)
    for s in np.linspace(0.64, 1, 10) + rng.uniform(-0.02, 0.02, 10):
        length = size * rng.choice((0.15, 0.22, 0.3))
        heading = 1.7 - 0.8 * s + rng.normal(0, 0.25)
        stamp(draw, claw(rng, hollow(s), heading, length, 2.6), line)
        if s > 0.72:
            stamp(draw, claw(rng, back(s), 0.7 * s - 0.1, length * 0.8, 2.6), line)


def draw_spray(draw, rng, tip, size):
    """Drops thrown ahead of the crest."""
    for _ in range(36):
        x, y = tip + size * np.array([rng.normal(0.12, 0.22), rng.normal(-0.3, 0.16)])
        r = rng.uniform(0.003, 0.009) * size + 1.5
        draw.ellipse((x - r, y - r, x + r, y + r), fill=FOAM, outline=INK)


def draw_wave(draw, rng, x, y, size):
    """One breaking wave with its foot at (x, y)."""
    bend = rng.normal(0, 0.035, (len(BACK), 2))
    scale = size * rng.uniform(0.95, 1.1), -size
    back, hollow = (smooth_curve((c + bend) * scale + (x, y)) for c in (BACK, HOLLOW))
    edges = np.cumsum([0] + [width for _, width in BANDS])
    s = np.linspace(0, 1, 90)
    curves = [back(s) + (hollow(s) - back(s)) * u for u in edges / edges[-1]]
    for left, right, (colour, _) in zip(curves, curves[1:], BANDS, strict=False):
        draw.polygon([tuple(p) for p in (*left, *right[::-1])], fill=colour)
        if colour == DEEP:
            middle = [tuple(p) for p in (left + right)[:66] / 2]
            draw.line(middle, fill=SEA, width=round(1 + size / 130))
    for curve in (curves[0], curves[-1]):
        draw.line([tuple(p) for p in curve], fill=INK, width=round(3 + size / 100))
    draw_spray(draw, rng, back(0.9), size)
    draw_foam(draw, rng, back, hollow, size)


def draw_scales(draw, top, radius):
    """Seigaiha, the sea as overlapping fans, from `top` to the foot of the picture."""
    rings = ((1, INK), (0.92, BLUE), (0.72, FOAM), (0.6, SEA), (0.38, INK), (0.28, FOAM))
    for row, y in enumerate(np.arange(top, HEIGHT, radius / 2)):
        for x in np.arange(row % 2 * radius, WIDTH + radius, 2 * radius):
            for share, colour in rings:
                r = radius * share
                draw.ellipse((x - r, y + radius - r, x + r, y + radius + r), fill=colour)


def wood(rng):
    """How much ink the grain of the block leaves on the paper, by pixel."""
    _, y = coordinates(WIDTH, HEIGHT)
    far = smooth_noise(rng, WIDTH, HEIGHT // 4, 120).repeat(4, axis=0)
    lines = np.cos(2 * np.pi * (y / 13 + 2.2 * far))
    return 1 - 0.09 * np.clip(lines, 0, 1) ** 3


def draw(seed=0):
    """The whole picture, ``(512, 640, 3)`` and ``uint8``."""
    rng = np.random.default_rng(seed)
    x, y = coordinates(WIDTH, HEIGHT)
    sky = gradient(SKY, np.clip(y / 470, 0, 1))
    sun = np.hypot(x - 900, y - 220) < 125
    sky[sun] = gradient(SUN, (y[sun] - 95) / 250)
    picture = Image.fromarray(sky.astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    draw_scales(pen, 395, 22)
    for wave in WAVES:
        draw_wave(pen, rng, *wave)
    return finish(np.asarray(picture) * wood(rng)[..., None])

"""A leaded window: the sun over a lake with lilies, seen under the boughs of a tree.

Every pane has a number, and lead runs wherever two numbers meet. The ten thousands of a number
say which part of the picture the pane belongs to, and so which glass it is cut from.
"""

from itertools import pairwise

import numpy as np
from scipy import ndimage

from tools.shelf.canvas import SIZE, coordinates, finish, gradient, rgb, smooth_noise

WIDTH, HEIGHT = 2 * SIZE[0], 2 * SIZE[1]
SUN, SHORE = (800, 420), 690
PART = 10_000
SKY, DISC, HILLS, LAKE, GLINT, BANK, WOOD, LEAF, PETAL, BORDER, JEWEL = range(11)
GLASS = [
    rgb("#ffe76b", "#ffb81c", "#ff7000", "#e8242e", "#b01a7c", "#5a28b0", "#1a3fc8", "#0a1f8e"),
    rgb("#fffbe0", "#fff0a0", "#ffd02a"),
    rgb("#2b2a9e", "#6d3fb8", "#b850b4"),
    rgb("#0a2f9a", "#0b6fc2", "#18b0c4", "#8be0d8"),
    rgb("#ff6a10", "#ffb520", "#fff0a0"),
    rgb("#006a4a", "#139a4b", "#8fc93a"),
    rgb("#4a1a0c", "#8a3c14", "#c0782c"),
    rgb("#0c7b3c", "#3fb03a", "#b8d82e", "#ffd02c"),
    rgb("#ff7fb0", "#fff0f4"),
    rgb("#90082c", "#e0202c"),
    rgb("#0a1f8e", "#1c58d0"),
]
#: Boughs as points (x, y, half the width); lilies as (x, y, size).
BOUGHS = [
    [(130, 1024, 66), (172, 800, 46), (160, 600, 38), (215, 400, 32), (330, 250, 22)],
    [(330, 250, 22), (480, 165, 17), (650, 140, 13), (850, 110, 8), (1010, 130, 5)],
    [(215, 400, 24), (180, 260, 18), (110, 150, 12), (60, 90, 8)],
    [(165, 640, 22), (290, 530, 15), (400, 490, 11), (480, 500, 7)],
]
LILIES = [(1085, 905, 80), (945, 955, 54)]


def pieces(rng, across, along):
    """Cut bands, numbered by the whole part of `across`, at uneven places of `along`."""
    band = np.floor(across).astype(int)
    band -= band.min()
    shift = rng.uniform(0, 1, band.max() + 1)[band]
    return band * 100 + np.floor(along + shift).astype(int)


def hill(x, rise, wave, phase):
    return rise * (np.sin(x / wave + phase) + 0.4 * np.sin(2.3 * x / wave + 2 * phase))


def heavens(rng, x, y):
    """Parts as (part, where, number of the pane): swirling rays, and the sun's disc."""
    r = np.hypot(x - SUN[0], y - SUN[1])
    turn = np.arctan2(y - SUN[1], x - SUN[0]) / (2 * np.pi) % 1
    rays = (np.arange(40) + 0.25 * rng.uniform(-1, 1, 40)) / 40
    ray = np.searchsorted(rays, (turn + 0.012 * np.sin(r / 70)) % 1) % 40
    petal = np.where(r < 52, 0, 1 + np.floor(turn * 12).astype(int))
    sky = pieces(rng, ray, 3.6 * np.log(r / 70 + 1))
    return [(SKY, r > 0, sky), (DISC, r < 112, petal)]


def land(rng, x, y):
    """Parts as (part, where, number of the pane), the far ones first."""
    far = y - SHORE + 90 + hill(x, 50, 130, 0.6)
    # Bands that widen towards the viewer.
    depth = np.sqrt(np.maximum(y - SHORE, 0) + 150)
    wave = depth + 0.25 * np.sin(x / 50 + depth)
    glint = np.abs(x - SUN[0] + 20 * np.sin(2.6 * depth)) < 8 * depth - 40
    bank = y - 930 - hill(x, 60, 220, 1.9)
    return [
        (HILLS, far > 0, pieces(rng, far / 36, (x + 0.8 * y) / 90)),
        (LAKE, y > SHORE, pieces(rng, wave, x / 110)),
        (GLINT, (y > SHORE) & glint, pieces(rng, wave, x / 75)),
        (BANK, bank > 0, pieces(rng, bank / 34, (x - 0.5 * y + 600) / 85)),
    ]


def tree(rng, x, y):
    """The boughs as one part, cut along the grain."""
    inside = np.full(x.shape, -np.inf)
    for (x0, y0, w0), (x1, y1, w1) in (limb for bough in BOUGHS for limb in pairwise(bough)):
        dx, dy = x1 - x0, y1 - y0
        t = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx**2 + dy**2), 0, 1)
        gap = np.hypot(x - x0 - t * dx, y - y0 - t * dy)
        inside = np.maximum(inside, w0 + t * (w1 - w0) - gap)
    grain = (x + 0.25 * y + 10 * np.sin(y / 45)) / 36
    return [(WOOD, inside > 0, pieces(rng, grain, y / 130))]


def leaves(rng):
    """Leaves as (part, x, y of the stalk, direction, length, slenderness)."""
    knots = [np.linspace(bough[:-1], bough[1:], 6)[1:].reshape(-1, 3) for bough in BOUGHS]
    for x, y, width in np.concatenate(knots):
        angle, size = rng.uniform(0, 2 * np.pi), rng.uniform(76, 112)
        if y < 560:
            back = width + 24 - size / 2
            yield LEAF, x + back * np.cos(angle), y + back * np.sin(angle), angle, size, 0.45
    for x, y, size in LILIES:
        for angle in (0.1, np.pi - 0.1):
            yield LEAF, x, y + 0.35 * size, angle, 2.2 * size, 0.28
        # The outer petals first, so that the inner ones lie over them.
        for turn in (0.04, 0.96, 0.2, 0.8, 0.36, 0.64, 0.5):
            yield PETAL, x, y + 0.4 * size, -np.pi * turn, 1.25 * size, 0.42


def lay_leaf(labels, number, leaf, x, y):
    part, stalk_x, stalk_y, angle, size, slenderness = leaf
    u = ((x - stalk_x) * np.cos(angle) + (y - stalk_y) * np.sin(angle)) * 2 / size - 1
    v = (y - stalk_y) * np.cos(angle) - (x - stalk_x) * np.sin(angle)
    half = part * PART + 2 * number + ((v > 0) & (part != PETAL))
    return np.where(np.abs(v) < slenderness * size / 2 * (1 - u**2), half, labels)


def lay_frame(labels, x, y):
    # Corner panes are half as long as the others.
    column = np.floor(x / WIDTH * 30 + 1).astype(int) // 2
    row = np.floor(y / HEIGHT * 24 + 1).astype(int) // 2
    glass = np.where((column % 3 == 0) & (row % 3 == 0), JEWEL, BORDER)
    frame = (column % 15 == 0) | (row % 12 == 0)
    return np.where(frame, glass * PART + 100 * row + column, labels)


def cartoon(rng, x, y):
    """The number of the pane at each pixel."""
    labels = np.zeros(x.shape, int)
    for part, where, numbers in heavens(rng, x, y) + land(rng, x, y) + tree(rng, x, y):
        labels = np.where(where, part * PART + numbers, labels)
    for number, leaf in enumerate(leaves(rng)):
        labels = lay_leaf(labels, number, leaf, x, y)
    return lay_frame(labels, x, y)


def gap_to_joint(labels):
    """Distance of each pixel from the nearest place where two labels meet."""
    alike = ndimage.maximum_filter(labels, 2) == ndimage.minimum_filter(labels, 2)
    return ndimage.distance_transform_edt(alike)


def streaks(rng, panes, x, y):
    """Streaks of the rolled glass, in each pane in a direction of its own."""
    sheet = ndimage.gaussian_filter(rng.standard_normal((1024, 1024)), (4, 22), mode="wrap")
    angle = rng.uniform(0, np.pi, panes.max() + 1)[panes]
    u = x * np.cos(angle) + y * np.sin(angle)
    v = y * np.cos(angle) - x * np.sin(angle)
    return sheet[v.astype(int) % 1024, u.astype(int) % 1024] / sheet.std()


def glaze(rng, names, panes, x, y):
    """The colour of the glass at each pixel; that of the sky goes by the way to the sun."""
    every, part = np.arange(len(names)), names // PART
    away = np.hypot(ndimage.mean(x, panes, every) - SUN[0], ndimage.mean(y, panes, every) - SUN[1])
    sky = (away - 130) / 700 + rng.uniform(-0.13, 0.13, len(names))
    shade = np.where(part == SKY, sky, rng.uniform(0, 1, len(names)))
    tone = np.clip(shade[panes] + 0.07 * streaks(rng, panes, x, y), 0, 1)
    glass = np.empty((*x.shape, 3))
    for k, colours in enumerate(GLASS):
        here = part[panes] == k
        glass[here] = gradient(colours, tone[here])
    return glass


def draw(seed=0):
    rng = np.random.default_rng(seed)
    x, y = coordinates(WIDTH, HEIGHT)
    labels = cartoon(rng, x, y)
    names, panes = np.unique(labels, return_inverse=True)
    panes = panes.reshape(labels.shape)
    gap, contour = gap_to_joint(panes), gap_to_joint(labels // PART)
    middle = np.maximum(ndimage.maximum(gap, panes, np.arange(len(names))), 1)[panes]
    light = 0.72 + 0.4 * np.sqrt(gap / middle) + 0.05 * smooth_noise(rng, WIDTH, HEIGHT, 10)
    # Lead is round, and broader along the contours; smoothed, for joints go by whole pixels.
    lead = ndimage.gaussian_filter(np.maximum(1 - gap / 3.6, 1 - contour / 5.5), 1.2)
    slope_y, slope_x = np.gradient(ndimage.gaussian_filter(np.sqrt(np.maximum(lead, 0)), 1.5))
    metal = rgb("#17141c") + 420 * np.maximum(slope_x + slope_y, 0)[..., None]
    glass = glaze(rng, names, panes, x, y) * light[..., None]
    return finish(glass + np.clip(0.5 + 4 * lead, 0, 1)[..., None] * (metal - glass))

"""A hard-edged composition in watercolour and ink: wheels, wedges, checkerboards and diagonals.

The plane is complex: a point is ``x + y*1j`` in pixels of the finished picture. Shapes are signed
distances, negative inside. Washes multiply, so that every crossing has a colour of its own.
"""

from itertools import pairwise

import numpy as np

from tools.shelf.canvas import SIZE, coordinates, finish, rgb, smooth_noise

CREAM, VERMILION, COBALT, OCHRE, TEAL, BLACK, ROSE, SKY, SUN, AQUA = rgb(
    *("#f8edd3", "#ec3d1c", "#1f4fb8", "#f8b221", "#149a92", "#1b1a1f"),
    *("#f9cfb8", "#c4e2ea", "#fbe2a8", "#86c5d8"),
)
TURNS = (VERMILION, TEAL, OCHRE, COBALT)
BIG, SMALL, LENS = 225 + 228j, 482 + 352j, 372 + 330j
EYE, TARGET, CORNER = 505 + 62j, 446 + 70j, 640 + 512j


def half(z, a, b):
    """All to the right of the way from `a` to `b`."""
    return ((z - a).conj() * (b - a)).imag / abs(b - a)


def polygon(z, *corners):
    """Convex, with corners in clockwise order."""
    return both(*(half(z, a, b) for a, b in pairwise((*corners, corners[0]))))


def stroke(z, a, b, start, end):
    """A straight line, `start` thick at `a` and `end` thick at `b`."""
    side = (b - a) / abs(b - a) * 0.5j
    return polygon(z, a - side * start, b - side * end, b + side * end, a + side * start)


def disc(z, centre, radius):
    return abs(z - centre) - radius


def ring(z, centre, radius, width):
    return abs(disc(z, centre, radius)) - width / 2


def sector(z, centre, start, stop):
    """Between two directions in degrees, less than half a turn apart."""
    a, b = np.exp(1j * np.radians([start, stop]))
    return both(half(z, centre, centre + a), half(z, centre + b, centre))


def both(*shapes):
    return np.max(shapes, axis=0)


def xor(a, b):
    return np.maximum(np.minimum(a, b), -np.maximum(a, b))


def wheel(z, centre, radii, spokes, colours):
    """Rings cut into sectors; the colours move on from ring to ring."""
    for i, (outer, inner) in enumerate(pairwise(radii)):
        band = both(disc(z, centre, outer), -disc(z, centre, inner))
        for k, (start, stop) in enumerate(pairwise(spokes)):
            colour = colours[(2 * i + k) % len(colours)]
            yield both(band, sector(z, centre, start, stop)), colour


def board(z, centre, cell, degrees, size, colour, spot):
    """A checkerboard that changes its colours inside the spot."""
    w = (z - centre) * np.exp(-1j * np.radians(degrees))
    edge = both(abs(w.real) - size[0] / 2, abs(w.imag) - size[1] / 2)
    columns, rows = (abs((t / cell + 0.5) % 2 - 1) * cell - cell / 2 for t in (w.real, w.imag))
    yield edge, CREAM
    yield both(edge, spot), colour
    yield both(edge, xor(xor(columns, rows), spot)), BLACK


def ground(z):
    sky = np.minimum(half(z, 310 + 512j, 640 + 200j), half(z, 640 + 160j, 420))
    yield sky, SKY
    yield xor(half(z, 250 + 512j, 400), half(z, 300j, 330)), SUN
    yield both(xor(half(z, 60, 560 + 512j), half(z, 400j, 640 + 90j)), -sky), ROSE


def washes(z):
    yield from ground(z)
    quarters, twelfths = range(-55, 306, 90), range(-20, 341, 30)
    colours = (VERMILION, CREAM, COBALT, OCHRE, TEAL)
    yield from wheel(z, BIG, (160, 128, 98, 66, 34, 0), quarters, colours)
    colours = (TEAL, CREAM, OCHRE, COBALT, CREAM, VERMILION, CREAM)
    yield from wheel(z, SMALL, (112, 84, 52, 22), twelfths, colours)
    tower = polygon(z, 352 + 16j, 440 + 470j, 205 + 480j)
    yield tower, OCHRE
    for k in range(9):
        yield both(tower, abs(z.imag - 468 + 6 * k + 0.6 * k**2) - 2.6 + k / 4), VERMILION
    yield polygon(z, 626 + 20j, 488 + 262j, 398 + 205j), COBALT
    yield polygon(z, 26 + 300j, 205 + 500j, 14 + 470j), VERMILION
    yield disc(z, LENS, 84), AQUA
    yield both(disc(z, LENS, 84), sector(z, LENS, 137, 180)), COBALT
    yield disc(z, EYE, 44), VERMILION
    yield disc(z, TARGET, 36), OCHRE
    yield from rows(z)


def rows(z):
    """Small washes in rows, that take their colours in turn."""
    for k in range(4):
        yield ring(z, CORNER, 150 - 25 * k, 15), TURNS[k]
    for k in range(6):
        c = 27 + (120 + 30 * k) * 1j
        yield both(disc(z, c, 19), half(z, c, c + 1j * (-1) ** k)), TURNS[k % 4]
    for k in range(8):
        c = 215 + 505j + 26 * k
        yield polygon(z, c - 25j, c + 26, c), TURNS[k % 4]
    for k in range(12):
        c, tilt = k % 3 - 1 + (k // 3 - 1.5) * 1j, np.exp(0.2j)
        square = (592 + 222j + tilt * (26 * c + 17 * 1j ** (q + 0.5)) for q in range(4))
        yield polygon(z, *square), (*TURNS, ROSE)[k * 3 % 5]


def inks(z):
    yield from board(z, 108 + 418j, 24, -24, (168, 96), VERMILION, disc(z, 140 + 420j, 40))
    yield from board(z, 566 + 104j, 16, 18, (96, 96), OCHRE, disc(z, 590 + 120j, 34))
    yield stroke(z, 12 + 500j, 632 + 30j, 14, 2), BLACK
    yield stroke(z, 60 + 20j, 560 + 500j, 2, 7), BLACK
    for k in range(7):
        yield stroke(z, 420 + 500j + 22 * k, 560 + 210j + 9 * k, 2.5, 1), BLACK
    for k in range(12):
        a = 16 + 96j + k * (9 - 7j)
        yield stroke(z, a, a + 22 + 30j, 3, 3), COBALT
    for k in range(5):
        swing = sector(z, 352 + 16j, 36 + 2 * k, 66 - 2 * k)
        yield both(ring(z, 352 + 16j, 128 + 10 * k, 5 - k), swing), (TEAL, VERMILION)[k % 2]
    yield from round_inks(z)


def round_inks(z):
    yield both(ring(z, BIG, 182, 8), sector(z, BIG, 150, 290)), BLACK
    for k in range(12):
        bead = BIG + 178 * np.exp(1j * np.radians(6.5 * k - 62))
        yield disc(z, bead, 5.5 - 0.3 * k), BLACK
    rings = (LENS, 84), (SMALL, 112), (SMALL, 52), (TARGET, 36), (TARGET, 45), (TARGET, 54)
    for centre, radius in rings:
        yield ring(z, centre, radius, 2), BLACK
    for centre, radius in ((EYE, 20), (SMALL, 22), (CORNER, 56)):
        yield disc(z, centre, radius), BLACK
        yield ring(z, centre, radius / 2, 3), CREAM


def lay(sheet, shape, colour, pigment, clarity):
    """Paint a shape on the sheet, which shows through by its `clarity`."""
    here = shape < 0.25
    depth = np.maximum(-shape[here], 0)[:, None]
    # As it dries, a wash leaves more pigment along its rim.
    layer = (colour / 255) ** (pigment[here][:, None] + 0.35 * np.exp(-depth / 2.5))
    cover = np.clip(0.5 - 2 * shape[here], 0, 1)[:, None]
    sheet[here] += cover * (layer * sheet[here] ** clarity - sheet[here])


def draw(seed=0):
    rng = np.random.default_rng(seed)
    size = 2 * SIZE[0], 2 * SIZE[1]
    x, y = coordinates(*size)
    grain = smooth_noise(rng, *size, 5, octaves=2)
    pigment = 0.92 + 0.13 * smooth_noise(rng, *size, 100, octaves=4) + 0.08 * grain
    sheet = CREAM / 255 * (1 + 0.015 * grain[..., None])
    # Washes let through less than all of what lies below, or the crossings would be mud.
    for shapes, clarity in ((washes, 0.72), (inks, 0)):
        for shape, colour in shapes((x + 1j * y) / 2):
            lay(sheet, shape, colour, pigment, clarity)
    return finish(255 * sheet)

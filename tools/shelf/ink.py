"""Round hills and trees under billowing clouds, hatched in ink in the manner of an engraving."""

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, grey_dilation, grey_erosion

from .canvas import SIZE, coordinates, finish, rgb, smooth_noise

WIDTH, HEIGHT = 2 * SIZE[0], 2 * SIZE[1]
INK, PAPER = rgb("#24160d", "#f4e7c9")
SUN = (250, 190)
LIGHT = np.array([-0.64, -0.52, 0.56])
# Ellipsoids, far ones first: centre x and y, half axes.
HILLS = [
    (150, 620, 330, 190), (560, 640, 300, 150), (940, 640, 350, 210), (1240, 610, 240, 150),
    (340, 800, 400, 250), (830, 830, 340, 220), (1220, 850, 380, 300),
    (70, 1010, 380, 290), (640, 1020, 350, 220), (1080, 1090, 420, 290),
    (340, 1210, 460, 280), (900, 1230, 460, 230),
]  # fmt: skip


class Scene:
    """What the pen must know of each pixel: the form it belongs to, its tone and its direction."""

    def __init__(self, rng):
        x, y = coordinates(WIDTH, HEIGHT)
        distance = np.hypot(x - SUN[0], y - SUN[1])
        around = np.arctan2(y - SUN[1], x - SUN[0])
        rays = np.cos(36 * around + smooth_noise(rng, WIDTH, HEIGHT, 200))
        sun = distance < 85
        self.form = sun.astype(int)
        self.tone = np.where(sun, distance / 240 - 0.1, 0.16 + distance / 2000 + 0.12 * rays)
        self.angle = around + np.where(sun, np.pi / 2, 0)
        self.depth = np.full((HEIGHT, WIDTH), -np.inf)

    def ball(self, centre, radii, axis, tones, sink=0.0):
        """Put an ellipsoid with parallels to `axis` before what is farther than its surface.

        Its `tones` are those of the lit and of the shaded side; `sink` darkens its foot.
        """
        (x, y, z), (rx, ry) = centre, radii
        left, right = np.clip([int(x - rx), int(x + rx) + 1], 0, WIDTH)
        top, bottom = np.clip([int(y - ry), int(y + ry) + 1], 0, HEIGHT)
        part = np.s_[top:bottom, left:right]
        v, u = np.mgrid[part]
        u, v = (u - x) / rx, (v - y) / ry
        w = np.sqrt(np.clip(1 - u**2 - v**2, 0.01, 1))
        depth = z + w * min(rx, ry)
        inside = (u**2 + v**2 < 1) & (depth > self.depth[part])
        shade = 0.85 - 0.85 * (u * LIGHT[0] + v * LIGHT[1] + w * LIGHT[2])
        tone = tones[0] + (tones[1] - tones[0]) * np.clip(shade, 0, 1) + sink * (v + 1)
        across = (axis[0] - axis[2] * u / w) / rx, (axis[1] - axis[2] * v / w) / ry
        self.depth[part][inside] = depth[inside]
        self.form[part][inside] = self.form.max() + 1
        self.tone[part][inside] = tone[inside]
        self.angle[part][inside] = np.arctan2(-across[0], across[1])[inside]

    def shadow(self, x, y, rx, ry):
        """Darken an ellipse of the ground."""
        u, v = coordinates(WIDTH, HEIGHT)
        self.tone[(u - x) ** 2 / rx**2 + (v - y) ** 2 / ry**2 < 1] += 0.45


def cloud(scene, rng, x, y, width, height):
    """A heap of balls that towers over its foot at (x, y), each before those above it."""
    for t in np.linspace(-1, 1, 110):
        rise = rng.uniform(0, 1) ** 0.8 * (1 - t * t) ** 0.6
        r = (14 + height * (0.04 + 0.07 * (1 - abs(t)))) * rng.uniform(0.5, 1.4)
        centre = x + t * width + rng.normal(0, 20), y - rise * height, -9000 - 9 * rise * height
        far_side = 0.25 * t - 0.25 * rise
        axis = rng.uniform(-0.6, 0), 0.7, 0.5
        scene.ball(centre, (1.2 * r, r), axis, (-0.2 + far_side, 0.8 + far_side), 0.15)


def tree(scene, rng, x, y, z, size, poplar):
    """A poplar or a round tree whose trunk stands at (x, y)."""
    scene.shadow(x + 0.9 * size, y + 0.1 * size, 1.2 * size, 0.25 * size)
    scene.ball((x, y - 0.3 * size, z), (0.09 * size, 0.6 * size), (0, 1, 0), (0.8, 1.2))
    if poplar:
        scene.ball((x, y - 1.9 * size, z), (0.42 * size, 1.75 * size), (0.9, 0.2, 0.4), (0.35, 1.5))
        return
    for a, b in ((-0.5, 0.9), (0.5, 0.95), (0.05, 1.5), (-0.15, 0.85), (0.25, 0.75), (-0.3, 1.3)):
        r = size * rng.uniform(0.45, 0.6)
        centre = x + a * size, y - b * size, z - b * size
        scene.ball(centre, (r, r), (rng.uniform(-0.6, 0.6), 0.6, 0.6), (0.1, 1.4))


def landscape(rng):
    """The whole scene: sky, clouds, hills with their trees, and the poplars in front."""
    scene = Scene(rng)
    cloud(scene, rng, 930, 520, 420, 440)
    cloud(scene, rng, 400, 530, 240, 190)
    for number, (x, y, rx, ry) in enumerate(HILLS):
        nearness, z = number / len(HILLS), 1000 * number
        axis = ((0.3, 0.75, 0.6), (0.85, 0.25, 0.45), (-0.4, 0.7, 0.6))[number % 3]
        scene.ball((x, y, z), (rx, ry), axis, (-0.14, 0.62 + 0.28 * nearness), 0.3)
        for t in np.sort(rng.uniform(-0.85, 0.85, 6)):
            foot = y - ry * np.sqrt(1 - t * t) + 50 * rng.uniform(0.1, 1)
            size = 16 + 40 * nearness**1.3 * rng.uniform(0.7, 1.4)
            tree(scene, rng, x + t * rx, foot, z + 500 + foot / 10, size, rng.random() < 0.5)
    for x, y, size in ((70, 1000, 110), (150, 1010, 85), (1180, 1020, 105)):
        tree(scene, rng, x, y, 10**5 + x, size, poplar=True)
    return scene


def walk(x, y, angle, taken, step):
    """Points from (x, y) along `angle`, until the next pixel is taken."""
    points = []
    while 0 <= x < WIDTH and 0 <= y < HEIGHT and not taken[int(x), int(y)] and len(points) < 400:
        points.append((x, y))
        a = angle[int(y), int(x)]
        x, y = x + step * np.cos(a), y + step * np.sin(a)
    return points


def stroke(pen, line, width):
    """A line of ink of varying width that begins and ends in a point."""
    along = np.gradient(line, axis=0)
    along /= np.hypot(*along.T)[:, None]
    ends = np.minimum(np.arange(len(line)), np.arange(len(line))[::-1]) / 5
    side = along[:, ::-1] * (1, -1) * (width * np.clip(ends, 0.25, 1) / 2)[:, None]
    outline = np.concatenate([line + side, (line - side)[::-1]])
    pen.polygon([tuple(p) for p in 2 * outline], fill=255)


def hatch(pen, rng, angle, tone, border, spacing):
    """Shade the `tone` with even lines along `angle`, closer and thicker where it is dark."""
    swell = 1 + 0.15 * smooth_noise(rng, WIDTH, HEIGHT, 60)
    mask = Image.fromarray(border | (tone < 0.03)).convert("L")
    block, taken = ImageDraw.Draw(mask), mask.load()
    starts = list(rng.random((9000, 2)) * (WIDTH, HEIGHT))
    while starts:
        start = starts.pop()
        line = walk(*start, angle, taken, -2)[:0:-1] + walk(*start, angle, taken, 2)
        if len(line) < 5:
            continue
        line = np.array(line)
        j, i = line.astype(int).T
        gap = spacing * (1.35 - 0.6 * tone[i, j])
        stroke(pen, line, gap * (0.11 + 0.62 * tone[i, j]) * swell[i, j])
        for x, y, r in zip(j, i, np.round(0.8 * gap), strict=True):
            block.ellipse((x - r, y - r, x + r, y + r), fill=255)
        # The next lines start beside this one: so neighbours stay parallel.
        beside = 1.05 * gap * np.stack([-np.sin(angle[i, j]), np.cos(angle[i, j])])
        starts += [*(line + beside.T)[::6], *(line - beside.T)[::6]]


def draw(seed=0):
    """The whole picture, ``(512, 640, 3)`` and ``uint8``."""
    rng = np.random.default_rng(seed)
    scene = landscape(rng)
    border = grey_dilation(scene.form, 3) != grey_erosion(scene.form, 3)
    sheet = Image.new("L", (2 * WIDTH, 2 * HEIGHT))
    pen = ImageDraw.Draw(sheet)
    angle = scene.angle + 0.06 * smooth_noise(rng, WIDTH, HEIGHT, 50)
    for turn, threshold, spacing in ((0, 0, 6.5), (1.0, 0.42, 7.5), (-0.8, 0.72, 8)):
        tone = np.clip((scene.tone - threshold) / (1 - threshold), 0, 1)
        hatch(pen, rng, angle + turn, tone, border, spacing)
    ink = np.asarray(sheet.resize((WIDTH, HEIGHT), Image.Resampling.BOX)) / 255
    swell = 0.5 * smooth_noise(rng, WIDTH, HEIGHT, 40)
    outline = np.clip(8 * gaussian_filter(border.astype(float), 1.6) - 3 + swell, 0, 1)
    return finish(PAPER + np.maximum(ink, outline)[..., None] * (INK - PAPER))

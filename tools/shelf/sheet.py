"""The shelf in the README: ``python -m tools.shelf.sheet`` paints the pavilion in each style."""

import numpy as np
from PIL import Image

from stylelib import load_image, transfer
from stylelib._utils.files import atomic_write
from stylelib.vgg.weights import DATA
from tools.shelf.__main__ import IMAGES, NAMES, jpeg

WIDTH, GAP = 180, 6  # pixels


def main():
    photo = IMAGES / "summer_palace.jpg"
    height = round(WIDTH * 512 / 640)
    sheet = Image.new("RGB", (len(NAMES) * (WIDTH + GAP) - GAP, 2 * height + GAP), "white")
    for column, name in enumerate(NAMES):
        style = IMAGES / f"{name}.jpg"
        settings = {"size": 256, "steps": 100, "init": "content", "style_weight": 3e3}
        painted = transfer(photo, style, "gatys2015", **settings)
        for row, image in enumerate((load_image(style), painted.image)):
            scaled = Image.fromarray(load_image(image, size=size_of(image, height)))
            left = (scaled.width - WIDTH) // 2
            cut = scaled.crop((left, 0, left + WIDTH, height))
            sheet.paste(cut, (column * (WIDTH + GAP), row * (height + GAP)))
    with atomic_write(DATA / "results" / "shelf.jpg") as file:
        file.write(jpeg(np.asarray(sheet)))


def size_of(image, height):
    """Size of an image brought to `height`, as ``(height, width)``."""
    return height, round(image.shape[1] * height / image.shape[0])


if __name__ == "__main__":
    main()

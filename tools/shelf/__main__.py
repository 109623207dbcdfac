"""Draw the shelf of styles into data/images/: ``python -m tools.shelf [NAME …]``."""

import hashlib
import importlib
import io
import sys
from pathlib import Path

from PIL import Image, ImageFile

from stylelib._utils.files import atomic_write

IMAGES = Path(__file__).parents[2] / "data" / "images"
NAMES = ("swirls", "burning_sky", "geometry", "stained_glass", "wave", "ink", "points")
LARGEST_FILE = 200_000  # bytes
ImageFile.MAXBLOCK = 2**20  # Pillow's own buffer is too small for a detailed picture, optimised


def main(names):
    if unknown := [name for name in names if name not in NAMES]:
        sys.exit(f"expected some of {', '.join(NAMES)}, got {', '.join(unknown)}")
    for name in names or NAMES:
        path = IMAGES / f"{name}.jpg"
        data = jpeg(draw(name))
        with atomic_write(path) as file:
            file.write(data)
        print(f"{path.name}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


def draw(name):
    """One picture of the shelf, ``uint8``, ``(512, 640, 3)``, RGB."""
    return importlib.import_module(f"tools.shelf.{name}").draw()


def jpeg(picture):
    """The picture as JPEG without chroma subsampling, as good as the largest file allows."""
    for quality in range(92, 0, -2):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=0, optimize=True)
        if file.tell() <= LARGEST_FILE:
            break
    return file.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])

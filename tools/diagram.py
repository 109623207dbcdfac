"""The method in one picture, for notebook 04: ``python -m tools.diagram`` draws it."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from PIL import Image

from stylelib import load_image
from stylelib._utils.files import atomic_write
from stylelib.vgg.weights import DATA
from stylelib.visualization.plotting import PALETTE, STYLE

RESULT = DATA / "results" / "figures" / "method.png"
DPI = 120
RED = PALETTE[1]
INPUTS = (  # file, name, middle of its row
    ("images/summer_palace.jpg", "photograph p", 8.2),
    ("results/summer_palace_in_the_manner_of_starry_night.jpg", "generated image x", 5.0),
    ("images/starry_night.jpg", "painting a", 1.8),
)
BOXES = (  # text, left, bottom, width, height, colour
    ("VGG\n\nfixed weights,\nthe same\nfor all three", 4.3, 0.8, 2.0, 8.4, "#DDDDDD"),
    ("P: feature maps\nof conv4_2", 7.2, 7.6, 2.7, 1.2, "#CFE3F1"),
    ("F: feature maps", 7.2, 5.2, 2.7, 0.8, "#F9DCC6"),
    ("G: Gram matrices", 7.2, 4.0, 2.7, 0.8, "#F9DCC6"),
    ("A: Gram matrices\nof five layers", 7.2, 1.2, 2.7, 1.2, "#CDEBE1"),
    ("content loss\nEq. 1", 10.9, 6.5, 2.0, 1.2, "white"),
    ("style loss\nEqs 4, 5", 10.9, 2.3, 2.0, 1.2, "white"),
    ("total loss\nα content\n+ β style\nEq. 7", 13.9, 4.0, 1.9, 2.0, "white"),
)
ARROWS = (  # from, to
    *(((3.5, y), (4.3, y)) for _, _, y in INPUTS),
    ((6.3, 8.2), (7.2, 8.2)),
    ((6.3, 5.6), (7.2, 5.6)),
    ((6.3, 4.4), (7.2, 4.4)),
    ((6.3, 1.8), (7.2, 1.8)),
    ((9.9, 8.0), (10.9, 7.3)),
    ((9.9, 5.7), (10.9, 6.8)),
    ((9.9, 4.3), (10.9, 3.2)),
    ((9.9, 2.0), (10.9, 2.7)),
    ((12.9, 6.9), (13.9, 5.6)),
    ((12.9, 3.1), (13.9, 4.4)),
)
BACK = ((14.9, 4.0), (14.9, 0.1), (0.1, 0.1), (0.1, 5.0))


def draw():
    """Return the figure."""
    with plt.rc_context(STYLE | {"font.size": 8.5, "figure.constrained_layout.use": False}):
        figure = plt.figure(figsize=(7.5, 4.7), dpi=DPI)
        axes = figure.add_axes([0, 0, 1, 1], xlim=(0, 16), ylim=(-0.4, 9.9))
        axes.set_axis_off()
        for file, name, y in INPUTS:
            image = load_image(DATA / file, max_size=320)
            half = 1.42 * image.shape[0] / image.shape[1]
            axes.imshow(image, extent=(0.5, 3.4, y - half, y + half), aspect="auto")
            axes.text(1.95, y - half - 0.1, name, ha="center", va="top")
        for text, left, bottom, width, height, colour in BOXES:
            shape = FancyBboxPatch((left, bottom), width, height, "round,pad=0.05", fc=colour)
            axes.add_patch(shape)
            axes.text(left + width / 2, bottom + height / 2, text, ha="center", va="center")
        for start, end in ARROWS:
            axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=10))
        axes.plot(*zip(*BACK, strict=True), color=RED, linewidth=2)
        axes.annotate(
            "", (0.7, 5.0), BACK[-1], arrowprops={"color": RED, "width": 1.5, "headwidth": 7}
        )
        axes.text(9.3, 0.3, "gradient with respect to the pixels of x", color=RED)
    return figure


def main():
    figure = draw()
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    plt.close(figure)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(RESULT) as file:
        Image.fromarray(pixels).save(file, "PNG", optimize=True)


if __name__ == "__main__":
    main()

"""The run from the photograph as a film, for notebook 04: ``python -m tools.film`` paints it."""

import numpy as np
from PIL import Image, ImageDraw

from stylelib._utils.files import atomic_write
from stylelib.preprocessing import deprocess
from tools.figures import NIGHT, PALACE, RESULTS, is_painted, paint, write_record

RESULT = RESULTS / "film.gif"
SIZE, STEPS = 384, 160
#: At 224 pixels the notebook has 1000; β grows with the number of positions.
STYLE_WEIGHT = round(1000 * (SIZE / 224) ** 2)
CALL = {"function": "transfer", "content": PALACE, "style": NIGHT, "recipe": "gatys2015"}
CALL |= {"size": SIZE, "steps": STEPS, "init": "content", "style_weight": STYLE_WEIGHT}
#: More at first, when more happens.
SHOWN = tuple(np.unique(np.geomspace(1, STEPS, 34).round().astype(int)).tolist())
MARGIN = 18  # pixels below the picture, for the number of the evaluation


def frame(image, evaluation):
    """Return an image with the number of its evaluation below it, in a palette of its own."""
    height, width = image.shape[:2]
    picture = Image.new("RGB", (width, height + MARGIN), "white")
    picture.paste(Image.fromarray(image))
    ImageDraw.Draw(picture).text((2, height + 3), f"evaluation {evaluation}", "black")
    return picture.quantize(255, dither=Image.Dither.NONE)


def main():
    if is_painted(RESULT, CALL):
        return
    frames = []

    def take(evaluation, losses, x):
        if evaluation in SHOWN:
            frames.append(frame(deprocess(x), evaluation))

    result = paint(CALL | {"callback": take})
    if result.status != "finished":
        raise SystemExit(f"the run has not finished: {result.stop_reason}")
    durations = [300] * (len(frames) - 1) + [3000]
    with atomic_write(RESULT) as file:
        frames[0].save(
            file, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0
        )
    write_record(RESULT, CALL, result)


if __name__ == "__main__":
    main()

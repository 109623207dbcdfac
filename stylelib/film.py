"""A run as an animation."""

import importlib.util
from pathlib import Path

import numpy as np

from stylelib.errors import check_choice, check_count
from stylelib.files import check_writable, replacing
from stylelib.preprocessing import deprocess

#: Endings of the files that can be written; mp4 needs ``imageio-ffmpeg``.
FILM_ENDINGS = (".gif", ".mp4")
FRAMES = 80
FRAMES_PER_SECOND = 12


class Film:
    """Collects pictures of a run, many of its beginning and fewer later on, when less happens.

    Hand it to `minimize` or `transfer` as the callback, and call `write` in the end.

    Parameters
    ----------
    path : path
        A ``.gif``, or an ``.mp4``.
    steps : int
        Evaluations of the run.

    Raises
    ------
    ValueError
        For another ending, and where nothing can be written.

    Examples
    --------
    >>> import tempfile
    >>> from stylelib import noise_image, transfer
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     film = Film(Path(folder, "run.gif"), steps=3)
    ...     result = transfer(noise_image((40, 60)), noise_image((40, 60), seed=1), size=32,
    ...                       steps=3, callback=film)
    ...     film.write()
    ...     print([path.name for path in Path(folder).iterdir()], len(film.frames))
    ['run.gif'] 3
    """

    def __init__(self, path, steps):
        check_count("steps", steps)
        self.path = Path(path)
        check_choice("a film that ends in", self.path.suffix.lower(), FILM_ENDINGS)
        check_writable(self.path)
        if self.path.suffix.lower() == ".mp4" and not importlib.util.find_spec("imageio_ffmpeg"):
            raise ValueError(f"cannot write {path}: pip install imageio-ffmpeg, or ask for a .gif")
        self.wanted = set(range(1, steps + 1))
        if steps > FRAMES:
            self.wanted = set(np.geomspace(1, steps, FRAMES).round().astype(int).tolist())
        self.frames = []

    def __call__(self, evaluation, losses, x):
        """Take a picture, if it is time for one."""
        if evaluation in self.wanted:
            self.frames.append(deprocess(x))

    def write(self):
        """Write what was collected; the last picture stays for a second."""
        import imageio.v3 as iio

        frames = self.frames + self.frames[-1:] * FRAMES_PER_SECOND
        if self.path.suffix.lower() == ".gif":
            options = {"extension": ".gif", "duration": 1000 / FRAMES_PER_SECOND, "loop": 0}
        else:
            height, width = (side - side % 2 for side in frames[0].shape[:2])  # H.264 wants it even
            frames = [frame[:height, :width] for frame in frames]
            options = {"extension": ".mp4", "fps": FRAMES_PER_SECOND, "macro_block_size": 2}
        data = iio.imwrite("<bytes>", frames, **options)
        with replacing(self.path) as file:
            file.write(data)

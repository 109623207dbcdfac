"""A run as an animation."""

import importlib.util
import os

import numpy as np

from stylelib._utils.checks import check_choice, check_count, one_line, shortened, shown
from stylelib._utils.files import atomic_write, check_writable, user_path
from stylelib._utils.types import Array, Losses, Path
from stylelib.images.load import load_image
from stylelib.preprocessing import deprocess
from stylelib.runs.checkpoints import numbered_pictures

#: Endings of the files that can be written; mp4 needs ``imageio-ffmpeg``.
FILM_ENDINGS = (".gif", ".mp4")
FRAMES = 80
LARGEST_FRAME = 640  # pixels a side
FRAMES_PER_SECOND = 12


class Film:
    """Collects pictures of a run, many of its beginning and fewer later on, when less happens.

    Hand it to `minimize` or `transfer` as the callback, and call `write` in the end. Pictures of
    more than `LARGEST_FRAME` pixels a side are scaled down. A film is of one run: where another
    begins, it starts anew.

    Parameters
    ----------
    path : path
        A ``.gif``, or an ``.mp4``.
    steps : int
        Evaluations of the run.
    folder : path, optional
        Of a run that goes on, see `Checkpoints`: its numbered pictures come first.

    Raises
    ------
    ValueError
        For what is no path, for another ending, and where nothing can be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from stylelib import noise_image, transfer
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     film = Film(Path(folder, "run.gif"), steps=3)
    ...     result = transfer(noise_image((40, 60)), noise_image((40, 60), seed=1), size=32,
    ...                       steps=3, callback=film)
    ...     film.write()
    ...     print([path.name for path in Path(folder).iterdir()], len(film.frames))
    ['run.gif'] 3
    """

    def __init__(self, path: Path, steps: int, folder: Path | None = None) -> None:
        check_count("steps", steps)
        if not isinstance(path, (str, os.PathLike)):
            raise ValueError(f"expected a path to write a film to, got {shown(path)}")
        self.path = user_path(path)
        check_choice("a film that ends in", self.path.suffix.lower(), FILM_ENDINGS)
        check_writable(self.path)
        name = shortened(self.path)
        if self.path.suffix.lower() == ".mp4" and not importlib.util.find_spec("imageio_ffmpeg"):
            raise ValueError(f"cannot write {name}: pip install imageio-ffmpeg, or ask for a .gif")
        if steps > FRAMES:
            self.wanted = set(np.geomspace(1, steps, FRAMES).round().astype(int).tolist())
        else:
            self.wanted = set(range(1, steps + 1))
        self.folder = folder and user_path(folder)
        self.first, self.last = steps + 1, 0
        self.frames = []

    def __call__(self, evaluation: int, losses: Losses, x: Array) -> None:
        """Take a picture, if it is time for one."""
        if evaluation <= self.last:  # of another run
            self.folder, self.frames = None, []
        self.first, self.last = min(self.first, evaluation), evaluation
        if evaluation in self.wanted:
            self.frames.append(load_image(deprocess(x), max_size=LARGEST_FRAME))

    def write(self) -> None:
        """Write what was collected; the last picture stays for a second.

        Raises
        ------
        ValueError
            Where there is no picture at all, and where the file cannot be written.
        """
        import imageio.v3 as iio

        frames = self._earlier() + self.frames
        if not frames:
            raise ValueError(f"cannot write {shortened(self.path)}: the run has no picture to show")
        size = frames[-1].shape[:2]
        frames = [load_image(frame, size=size) for frame in frames]
        frames += frames[-1:] * FRAMES_PER_SECOND
        if self.path.suffix.lower() == ".gif":
            options = {"extension": ".gif", "duration": 1000 / FRAMES_PER_SECOND, "loop": 0}
        else:
            frames = [_even(frame) for frame in frames]
            options = {"extension": ".mp4", "fps": FRAMES_PER_SECOND, "macro_block_size": 2}
        try:
            data = iio.imwrite("<bytes>", frames, **options)
        except Exception as error:  # of Pillow, or of ffmpeg
            raise ValueError(f"cannot write {shortened(self.path)}: {one_line(error)}") from error
        if not data:  # ffmpeg fails without an error, such as where there is no room for its file
            raise ValueError(f"cannot write {shortened(self.path)}: the encoder gave nothing")
        with atomic_write(self.path) as file:
            file.write(data)

    def _earlier(self):
        """Pictures that were kept before the run went on: those nearest to the ones wanted."""
        if self.folder is None:
            return []
        pictures = numbered_pictures(self.folder)
        kept = {number: path for number, path in pictures.items() if number < self.first}
        wanted = [number for number in self.wanted if number < self.first and kept]
        nearest = {min(kept, key=lambda number: abs(number - want)) for want in wanted}
        return [load_image(kept[number], max_size=LARGEST_FRAME) for number in sorted(nearest)]


def _even(frame):
    """Leave out a last row and column, or repeat the only one: H.264 wants even numbers of both."""
    rows, columns = (np.arange(max(2, side - side % 2)) % side for side in frame.shape[:2])
    return frame[rows][:, columns]

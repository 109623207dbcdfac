"""What a notebook shows of a run while it goes on: a bar, and the picture as it is."""

import contextlib
import time

from PIL import Image

from stylelib._utils.progress import Progress, in_notebook, together
from stylelib.preprocessing import deprocess
from stylelib.training import check_callback

#: Seconds from one picture to the next; drawing each would take time from the run.
SECONDS = 1.0


@contextlib.contextmanager
def watched(callback, steps, progress=None, preview=False, search_callback=None):
    """Give callbacks that also show how far a run is, for as long as the run goes on.

    Parameters
    ----------
    callback : callable, optional
        The user's own.
    steps : int
        Evaluations of the run.
    progress : bool, optional
        Whether there is a bar; by default in a notebook.
    preview : bool
        Whether the picture is shown, too.
    search_callback : callable, optional
        The user's own for the search of `find_style_weight`.

    Yields
    ------
    (callable or None, callable or None)
        The callbacks of the run, and of the search before it.

    Examples
    --------
    >>> with watched(None, 3) as callbacks:
    ...     callbacks
    (None, None)
    """
    for given in (callback, search_callback):
        check_callback(given)  # before others are put around it
    bar = Progress(steps) if (in_notebook() if progress is None else progress) else None
    of_run = (bar, Preview() if preview else None, callback)
    of_search = (bar and bar.search, search_callback)
    with bar or contextlib.nullcontext():
        yield _together_or_none(of_run), _together_or_none(of_search)


def _together_or_none(callbacks):
    callbacks = [callback for callback in callbacks if callback is not None]
    return together(*callbacks) if callbacks else None


class Preview:
    """A callback that shows the picture under the cell, again and again in one place."""

    def __init__(self):
        self.handle = None
        self.last = -SECONDS

    def __call__(self, evaluation, losses, x):
        """Show the picture if the last one was shown long enough."""
        if time.monotonic() - self.last < SECONDS:
            return
        from IPython.display import display

        picture = Image.fromarray(deprocess(x))
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)
        self.last = time.monotonic()

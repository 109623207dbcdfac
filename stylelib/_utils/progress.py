"""How far a long computation has come."""

import contextlib
import os
import sys
import time

from tqdm import tqdm


def in_notebook():
    """Whether this is a kernel of Jupyter or Colab whose reader wants bars.

    ``TQDM_DISABLE``, which switches off the bars of tqdm, is not heeded by those in notebooks.

    Examples
    --------
    >>> in_notebook()
    False
    """
    shell = "IPython" in sys.modules and sys.modules["IPython"].get_ipython()
    wanted = not os.environ.get("TQDM_DISABLE")
    return bool(shell) and "IPKernelApp" in shell.config and wanted


def together(*callbacks):
    """Return one callback that calls them all, in this order.

    Examples
    --------
    >>> together(print, print)(1, 2)
    1 2
    1 2
    """

    def call(*arguments):
        for callback in callbacks:
            callback(*arguments)

    return call


class Progress:
    """A bar on a terminal, else one line per ten per cent.

    Call `update` after each part, or hand it to `minimize` as a callback.

    Parameters
    ----------
    total : int
        Parts until the end.
    unit : str
        What a part is.
    file : text file, optional
        By default standard error.

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.zeros((1, 40, 60, 3))
    >>> with Progress(20, file=sys.stdout) as progress:
    ...     for evaluation in range(1, 21):
    ...         progress(evaluation, {"total": 100 / evaluation}, picture)
     10 %  evaluation 2 of 20, 60 × 40, loss 5.000e+01, 0:00 left
     20 %  evaluation 4 of 20, 60 × 40, loss 2.500e+01, 0:00 left
    ...
    100 %  evaluation 20 of 20, 60 × 40, loss 5.000e+00, 0:00 left
    """

    def __init__(self, total, unit="evaluation", file=None):
        self.total = total
        self.unit = unit
        self.file = _Stream(sys.stderr if file is None else file)
        self.bar = None
        self.done = self.skipped = 0
        self.start = time.perf_counter()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.bar is not None:
            self.bar.close()

    def __call__(self, evaluation, losses, x):
        """Take note of one evaluation of `minimize`, which may go on where a run had stopped."""
        if self.done == 0:
            self.done = self.skipped = evaluation - 1
        height, width = x.shape[1:3]
        self.update(f"{width} × {height}, loss {losses['total']:.3e}")

    def search(self, evaluation, losses, x):
        """Tell that the search for a style weight goes on, before the first part."""
        self.show()
        if self.bar is not None:
            self.bar.set_postfix_str(f"looking for the style weight, loss {losses['total']:.3e}")

    def show(self):
        """Show the bar, before the first part is done; do so only when no error can come first."""
        if self.bar is None and (in_notebook() or self.file.isatty()):
            from tqdm.auto import tqdm  # in a notebook a widget, where there are widgets

            self.bar = tqdm(
                total=self.total,
                initial=self.skipped,
                file=self.file,
                unit=f" {self.unit}",
                dynamic_ncols=True,
            )

    def update(self, note):
        """Take note of one part, and say something about it."""
        self.done += 1
        self.show()
        if self.bar is not None:
            self.bar.set_postfix_str(note, refresh=False)
            self.bar.update()
        elif self.done * 10 // self.total > (self.done - 1) * 10 // self.total:
            seconds = time.perf_counter() - self.start
            each = seconds / (self.done - self.skipped)
            left = tqdm.format_interval(each * (self.total - self.done))
            print(
                f"{100 * self.done // self.total:3} %  {self.unit} {self.done} of {self.total}, "
                f"{note}, {left.removeprefix('0')} left",
                file=self.file,
                flush=True,
            )


class _Stream:
    """A text file, or none, to which nothing has to arrive.

    Standard error may be absent (services, ``pythonw``), closed, full, of an encoding without ×, or
    a pipe that is read no more. An error on the way through tqdm would leave tqdm's lock locked,
    and the next bar of another thread would wait for ever.
    """

    def __init__(self, file):
        self._file = file

    def __getattr__(self, name):
        return getattr(self._file, name)

    def isatty(self):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return self._file.isatty()
        return False

    def write(self, text):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            try:
                self._file.write(text)
            except UnicodeEncodeError:
                self._file.write(text.encode("ascii", "replace").decode())

    def flush(self):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._file.flush()

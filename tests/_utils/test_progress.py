import io
import re
import sys
import threading
import types

import numpy as np
import pytest

from stylelib._utils.progress import Progress, in_notebook

PICTURE = np.zeros((1, 40, 60, 3), np.float32)


def test_on_a_terminal_there_is_a_bar_with_loss_and_time_left():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    with Progress(4, file=terminal) as progress:
        assert terminal.getvalue() == ""  # an error that comes first must stand alone
        for evaluation in range(1, 5):
            progress(evaluation, {"total": 1234.0}, PICTURE)
    assert "100%" in terminal.getvalue()
    assert "loss 1.234e+03" in terminal.getvalue()
    assert re.search(r"\d\d:\d\d<", terminal.getvalue())


@pytest.mark.parametrize("steps", [1, 3, 7, 10, 25, 1000])
def test_elsewhere_there_are_at_most_ten_lines_and_the_last_is_100(steps):
    file = io.StringIO()
    with Progress(steps, file=file) as progress:
        for evaluation in range(1, steps + 1):
            progress(evaluation, {"total": 1.0}, PICTURE)
    lines = file.getvalue().splitlines()
    assert len(lines) == min(steps, 10)
    assert lines[-1].startswith("100 %")


@pytest.mark.parametrize("terminal", [True, False])
def test_where_nobody_listens_any_more_the_computation_goes_on(terminal):
    class Closed(io.StringIO):
        def isatty(self):
            return terminal

        def write(self, text):
            raise BrokenPipeError

    def compute():
        with Progress(10, file=Closed()) as progress:
            for evaluation in range(1, 11):
                progress(evaluation, {"total": 1.0}, PICTURE)
        done.append(progress.done)

    done = []
    compute()
    thread = threading.Thread(target=compute, daemon=True)  # of whom a lock may be left locked
    thread.start()
    thread.join(10)
    assert done == [10, 10]


class Ascii(io.StringIO):
    def write(self, text):
        return super().write(text.encode("ascii").decode())


def closed():
    file = io.StringIO()
    file.close()
    return file


@pytest.mark.parametrize("file", [None, closed(), object(), Ascii()], ids=range(4))
def test_without_a_place_for_it_the_computation_goes_on(file, monkeypatch):
    monkeypatch.setattr("sys.stderr", file)
    with Progress(2, "trial") as progress:
        progress.show()
        for _ in range(2):
            progress.update("400 × 300")
    assert progress.done == 2
    assert not isinstance(file, Ascii) or "400 ? 300" in file.getvalue()


@pytest.mark.parametrize(
    ("config", "disabled", "expected"),
    [({"IPKernelApp": {}}, "", True), ({"IPKernelApp": {}}, "1", False), ({}, "", False)],
)
def test_a_notebook_is_a_kernel_whose_reader_wants_bars(config, disabled, expected, monkeypatch):
    shell = types.SimpleNamespace(config=config)
    ipython = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setenv("TQDM_DISABLE", disabled)
    assert in_notebook() is expected

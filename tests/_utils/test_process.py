"""What belongs to the whole process is as it was after every use, wherever Python runs."""

import os
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest

import stylelib
from stylelib import noise_image, transfer
from stylelib._utils.process import sigint_handler

ROOT = Path(stylelib.__file__).parent.parent


def handler(*arguments):
    """Do nothing."""


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN, signal.SIG_DFL, handler])
def before(request):
    """Set a handler, as the user may have done."""
    old = signal.signal(signal.SIGINT, request.param)
    yield request.param
    signal.signal(signal.SIGINT, old)


def test_the_handler_is_put_back(before):
    pressed = []
    with sigint_handler(lambda *_: pressed.append(1)):
        signal.raise_signal(signal.SIGINT)
    assert pressed == [1]
    assert signal.getsignal(signal.SIGINT) == before


def test_it_is_put_back_after_an_error(before):
    with pytest.raises(RuntimeError), sigint_handler(signal.SIG_IGN):
        raise RuntimeError
    assert signal.getsignal(signal.SIGINT) == before


def test_a_handler_that_was_set_meanwhile_stays(before):
    with sigint_handler(lambda *_: None):
        signal.signal(signal.SIGINT, handler)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_handler_in_c_stays(monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    monkeypatch.setattr(signal, "signal", pytest.fail)
    with sigint_handler(lambda *_: None):
        pass


@pytest.mark.parametrize("refused", [True, False])
def test_threads_and_other_interpreters_do_without(refused, monkeypatch):
    def refuse(*arguments):
        raise ValueError("signal only works in main thread of the main interpreter")

    entered = []

    def enter():
        with sigint_handler(signal.SIG_IGN):
            entered.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    if refused:
        monkeypatch.setattr(signal, "signal", refuse)
        enter()
    else:
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    assert entered == [before]


@pytest.mark.usefixtures("small_network")
def test_a_run_in_this_process_leaves_all_as_it_was(before):
    environment, filters = dict(os.environ), list(warnings.filters)
    content_image, style_image = (noise_image((40, 60), seed) for seed in (0, 1))
    assert transfer(content_image, style_image, size=32, steps=2).status == "finished"
    assert signal.getsignal(signal.SIGINT) == before
    assert dict(os.environ) == environment
    assert warnings.filters == filters


CHECK = """
import os, signal, sys, warnings
{before}
environment, handler = dict(os.environ), signal.getsignal(signal.SIGINT)
filters = list(warnings.filters)
from stylelib import noise_image, transfer
result = transfer(noise_image((40, 60)), noise_image((40, 60)), size=32, steps=2)
assert result.status == "finished"
assert signal.getsignal(signal.SIGINT) is handler
ours = "KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "TF_NUM_INTRAOP_THREADS"
assert all(environment.get(name) == os.environ.get(name) for name in ours)
assert open("mine.txt", "w").fileno() != 2  # else it would get what TensorFlow writes
print("done", file=sys.__stdout__)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "redirection"),
    [
        ("sys.stderr = None", ""),
        ("", "2>&-"),
        ("", "<&- 2>&-"),
        ("sys.stderr.close()", ""),
        ("os.environ['KERAS_BACKEND'] = ''; os.environ['TF_CPP_MIN_LOG_LEVEL'] = ''", ""),
    ],
)
def test_the_library_runs_and_leaves_all_as_it_was(before, redirection, tmp_path):
    (tmp_path / "check.py").write_text(CHECK.format(before=before))
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" check.py {redirection}'],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")

"""What a notebook sees of a run: the bar, the picture while it is painted, and the result."""

import re

import numpy as np
import pytest

from stylelib import RECIPES, noise_image, transfer
from stylelib._utils import progress as progress_module
from stylelib.runs import watch

PAIR = noise_image((40, 60), seed=1), noise_image((40, 60), seed=2)
OPTIONS = {"recipe": RECIPES["gatys2015"].replace(init="content"), "size": 32, "steps": 4}

pytestmark = pytest.mark.usefixtures("small_network")


class Shown:
    """What IPython would have shown."""

    def __init__(self):
        self.pictures = []

    def __call__(self, picture, display_id):
        self.pictures.append(picture.size)
        return self

    def update(self, picture):
        self.pictures.append(picture.size)


@pytest.fixture
def shown(monkeypatch):
    shown = Shown()
    monkeypatch.setattr("IPython.display.display", shown)
    return shown


def test_nothing_is_shown_outside_a_notebook(capsys, shown):
    transfer(*PAIR, **OPTIONS)
    assert capsys.readouterr() == ("", "")
    assert shown.pictures == []


def test_a_bar_on_request(capsys):
    transfer(*PAIR, progress=True, **OPTIONS)
    assert "100 %  evaluation 4 of 4, 32 × 21, loss" in capsys.readouterr().err


def test_a_notebook_has_a_bar_unless_it_wants_none(capsys, monkeypatch):
    for module in (progress_module, watch):
        monkeypatch.setattr(module, "in_notebook", lambda: True)
    transfer(*PAIR, progress=False, **OPTIONS)
    assert capsys.readouterr().err == ""
    transfer(*PAIR, **OPTIONS)
    assert "4/4" in capsys.readouterr().err


def test_the_picture_is_shown_again_and_again(shown, monkeypatch):
    monkeypatch.setattr(watch, "SECONDS", 0.0)
    transfer(*PAIR, preview=True, **OPTIONS)
    assert shown.pictures == [(32, 21)] * 4


def test_the_picture_is_not_shown_more_often_than_once_a_second(shown, monkeypatch):
    now = iter([0.0, 0.0, 0.4, 1.1, 1.1, 1.5])
    monkeypatch.setattr(watch.time, "monotonic", lambda: next(now))
    preview = watch.Preview()
    for evaluation in range(1, 5):
        preview(evaluation, {}, np.zeros((1, 8, 9, 3), np.float32))
    assert shown.pictures == [(9, 8)] * 2


def test_the_user_s_callback_is_called_beside_them(shown):
    numbers = []
    transfer(
        *PAIR, progress=True, preview=True, callback=lambda n, *_: numbers.append(n), **OPTIONS
    )
    assert numbers == [1, 2, 3, 4]


def test_a_callback_that_never_runs_is_refused_here_too():
    async def callback(*arguments):
        pass

    with pytest.raises(ValueError, match="expected callback"):
        transfer(*PAIR, progress=True, callback=callback, **OPTIONS)


@pytest.mark.parametrize("option", ["progress", "preview"])
def test_options_are_checked(option):
    with pytest.raises(ValueError, match=f"expected {option}"):
        transfer(*PAIR, **{option: "yes"}, **OPTIONS)


def test_a_result_shows_itself():
    result = transfer(*PAIR, **OPTIONS)
    assert re.fullmatch(r"<Result: 32 × 21, \d+ s, all 4 evaluations done>", repr(result))
    page = result._repr_html_()
    assert page.startswith('<figure><img alt="the painted picture" src="data:image/jpeg;base64,')
    assert page.endswith("s, all 4 evaluations done</figcaption></figure>")

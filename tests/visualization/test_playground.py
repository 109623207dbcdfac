import base64
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from stylelib import noise_image, transfer
from stylelib.recipes.published import RECIPES
from stylelib.visualization.playground import Playground

CONTENT, STYLE = noise_image((40, 60), seed=1), noise_image((50, 50), seed=2)


@pytest.fixture
def playground():
    playground = Playground({"noise": CONTENT}, {"other noise": STYLE}, steps=4)
    playground.size.options = (32, 48)
    playground.size.value = 32
    return playground


def shown(playground):
    return np.asarray(Image.open(io.BytesIO(playground.picture.value)))


@pytest.mark.usefixtures("either_search")
def test_what_is_chosen_is_painted_and_shown_meanwhile(playground):
    pictures, buttons = [], []
    playground.picture.observe(lambda change: pictures.append(change.new), "value")
    playground.note.observe(
        lambda _: buttons.append((playground.start.disabled, playground.stop.disabled)), "value"
    )
    playground.layers.value = ("conv1_1", "conv2_1")
    playground.strength.value = 0.7
    playground.start.click()
    playground.wait()
    expected = transfer(
        CONTENT, STYLE, size=32, steps=4, strength=0.7, style_layers=["conv1_1", "conv2_1"]
    )
    np.testing.assert_array_equal(shown(playground), expected.image)
    np.testing.assert_array_equal(playground.result.image, expected.image)
    assert len(pictures) >= 4
    assert playground.note.value == "all 4 evaluations done"
    assert set(buttons) == {(True, False)}
    assert (playground.start.disabled, playground.stop.disabled) == (False, True)


@pytest.mark.usefixtures("formula_search")
def test_what_was_painted_can_be_saved(playground):
    assert playground.save.value == ""
    playground.start.click()
    playground.wait()
    data = re.search(
        r'download="painted.png" href="data:image/png;base64,([^"]+)"', playground.save.value
    )
    assert base64.b64decode(data[1]) == playground.picture.value


@pytest.mark.parametrize("version", [7, 8])
@pytest.mark.parametrize("role", ["content", "style"])
def test_pictures_of_ones_own(playground, version, role):
    file = io.BytesIO()
    Image.fromarray(CONTENT).save(file, "PNG")
    of = {"content": file.getvalue(), "name": "mine.png"}
    upload = SimpleNamespace(value={"mine.png": of} if version == 7 else (of,))
    setattr(playground, f"own_{role}", upload)
    playground._add(role)
    assert getattr(playground, role).value == "mine.png"
    pictures = {"content": playground.contents, "style": playground.styles}[role]
    np.testing.assert_array_equal(pictures["mine.png"], CONTENT)


def test_what_is_no_picture_is_told(playground):
    playground.own_style = SimpleNamespace(value=({"name": "notes.txt", "content": b"no picture"},))
    playground._add("style")
    assert playground.note.value.startswith("notes.txt: cannot read ")
    assert "notes.txt" not in playground.style.options


@pytest.mark.usefixtures("formula_search")
def test_it_stops_and_starts_again(playground):
    playground.steps = 10_000
    playground.picture.observe(lambda change: playground.stop.click(), "value")
    for _ in range(2):
        playground.start.click()
        playground.wait()
        assert "stopped by the callback at evaluation" in playground.note.value


@pytest.mark.usefixtures("small_network")
def test_it_stops_while_the_style_weight_is_searched(playground):
    searched = []

    def stop(change):
        searched.append(change.new)
        playground.stop.click()

    playground.start.click()
    playground.note.observe(stop, "value")
    playground.wait()
    assert len([note for note in searched if note.startswith("Looking for")]) <= 2
    assert playground.note.value == "stopped by the callback at evaluation 1"


def test_bad_choices_are_told_where_the_progress_stands(playground):
    playground.layers.value = ()
    playground.start.click()
    playground.wait()
    assert playground.note.value == "expected style_layers as a list of at least one, got ()"
    assert not playground.start.disabled


def test_the_picture_keeps_its_proportions_beside_taller_controls(playground):
    assert playground.picture.layout.align_self == "flex-start"  # a flex item is else stretched


def test_pictures_of_the_series_are_there():
    playground = Playground()
    assert "summer palace" in playground.content.options
    assert "starry night" in playground.style.options
    for path in [*playground.contents.values(), *playground.styles.values()]:
        assert path.is_file()
    assert playground.layers.value == RECIPES["multiscale"].style_layers


@pytest.mark.parametrize("pictures", [CONTENT, "a.jpg", ["a.jpg"], {}, 5])
def test_pictures_without_names_are_refused(pictures):
    with pytest.raises(ValueError, match="expected content as a dict of pictures by name, got "):
        Playground(pictures)
    with pytest.raises(ValueError, match="expected style as a dict of pictures by name, got "):
        Playground(style=pictures)


def test_steps_are_checked_at_once():
    with pytest.raises(ValueError, match="expected steps as a whole number of at least 1, got 0"):
        Playground(steps=0)

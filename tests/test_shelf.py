"""The styles in data/images that our own code draws."""

import importlib

import numpy as np
import pytest

from stylelib.images.load import load_image
from tools.shelf.__main__ import IMAGES, LARGEST_FILE, NAMES, draw, jpeg, main


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow) if n != "wave" else n for n in NAMES],
)
def test_a_style_is_what_the_code_draws(name):
    path = IMAGES / f"{name}.jpg"
    assert path.stat().st_size <= LARGEST_FILE
    # Not byte for byte: another Pillow may write and read a JPEG a little differently.
    drawn = load_image(jpeg(draw(name))).astype(float)
    assert np.abs(drawn - load_image(path)).mean() < 1


def test_a_style_that_is_unknown_is_named():
    with pytest.raises(SystemExit, match="expected some of swirls, .*, got wvae"):
        main(["wvae"])


@pytest.mark.parametrize("name", NAMES)
def test_every_style_has_its_code_and_its_picture(name):
    assert callable(importlib.import_module(f"tools.shelf.{name}").draw)
    assert load_image(IMAGES / f"{name}.jpg").shape == (512, 640, 3)


@pytest.mark.slow
def test_the_script_writes_the_file_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tools.shelf.__main__.IMAGES", tmp_path)
    main(["wave"])
    assert [path.name for path in tmp_path.iterdir()] == ["wave.jpg"]
    assert "wave.jpg" in capsys.readouterr().out
    assert load_image(tmp_path / "wave.jpg").shape == (512, 640, 3)

"""A job from numbers, names and pictures of every kind; nothing of it needs TensorFlow."""

import fractions
import inspect
import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stylelib import save_image, transfer
from stylelib.runs import job as module
from stylelib.runs.job import Pictures, make_job

GREY = np.full((40, 60, 3), 128, np.uint8)
PICTURES = {"content": GREY, "style": GREY}
PLAIN = {
    "size": 48, "steps": 3, "seed": 7, "style_scale": 2.0, "style_weight": 100.0, "tile": 64,
    "layer_weights": [0.25, 0.75], "style_layers": ["conv1_1", "conv2_1"], "normalized": True,
    "pooling": "max", "precision": "float32", "network": "vgg16", "content_weight": 0.5,
}  # fmt: skip


def of_numpy(value):
    return np.array(value) if isinstance(value, list) else np.asarray(value)[()]


def of_pandas(value):
    return pd.Series(value) if isinstance(value, list) else np.asarray(value)


def fraction(value):
    return fractions.Fraction(value) if isinstance(value, float) else value


@pytest.mark.parametrize("kind", [of_numpy, np.asarray, of_pandas, fraction, tuple])
def test_the_settings_are_the_same_plain_ones_for_numbers_of_every_kind(kind):
    change = {n: v if kind is tuple and not isinstance(v, list) else kind(v)
              for n, v in PLAIN.items()}  # fmt: skip
    settings = make_job(PICTURES, **change).settings
    expected = make_job(PICTURES, **PLAIN).settings
    assert json.dumps(settings) == json.dumps(expected)


def test_the_defaults_are_those_of_transfer():
    of_job, of_transfer = (inspect.signature(f).parameters for f in (make_job, transfer))
    shared = {*of_job} & {*of_transfer} - {"changes"}
    assert len(shared) > 10
    assert {n: of_job[n].default for n in shared} == {n: of_transfer[n].default for n in shared}


@pytest.mark.parametrize("size", [(np.int16(32), np.uint8(40)), [32, 40], np.array([32, 40])])
def test_an_exact_size(size):
    job = make_job(PICTURES, size=size)
    assert job.size == (32, 40)
    assert json.loads(json.dumps(job.settings))["recipe"]["size"] == [32, 40]


@pytest.mark.parametrize("of", [str, Path, lambda path: pickle.loads(pickle.dumps(path))])  # noqa: S301
def test_where_a_picture_came_from(of, tmp_path):
    save_image(tmp_path / "grey.png", GREY)
    settings = make_job(PICTURES | {"style": of(tmp_path / "grey.png")}, size=32).settings
    assert settings["style"]["source"] == str(tmp_path / "grey.png")
    assert settings["content"]["source"] == "ndarray"


def test_a_job_can_be_sent_and_says_the_same():
    job = make_job(PICTURES, size=32, init="style")
    assert pickle.loads(pickle.dumps(job)).settings == job.settings  # noqa: S301


@pytest.mark.parametrize("change", [b"other", None])
def test_weights_that_have_changed_since_are_refused(change, tmp_path, monkeypatch):
    from stylelib.runs.run import run

    path = tmp_path / "own.npz"
    path.write_bytes(b"one")
    job = make_job(PICTURES, size=32, weights=path)
    job.check_weights()
    monkeypatch.setattr("stylelib.runs.run.VGG", pytest.fail)
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change)
    digits = "sha256 [0-9a-f]{12}"
    expected = f"expected .*own.npz as it was when the job was made, {digits}, got {digits}"
    with pytest.raises(ValueError, match=expected if change else "cannot read .*own.npz"):
        run(job)


@pytest.mark.parametrize("role", ["content", "style"])
def test_one_picture_has_no_masks(role):
    message = f"only with a content and a style image, got a {role} image alone"
    with pytest.raises(ValueError, match=message):
        make_job({role: GREY}, masks=GREY)


def test_one_picture_has_no_scale():
    with pytest.raises(ValueError, match="expected style_scale only with two pictures, got 2.0"):
        make_job({"style": GREY}, style_scale=2.0, content_weight=0)


def test_pictures_are_read_anew_only_where_many_are_needed(tmp_path, monkeypatch):
    reads = []
    load = module.load_image

    def counted(source, **options):
        reads.extend([] if options else [source])
        return load(source, **options)

    monkeypatch.setattr(module, "ORIGINALS", 2)
    monkeypatch.setattr(module, "load_image", counted)
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        save_image(path, np.full((20 + number, 30, 3), number, np.uint8))
    pictures = Pictures()
    assert [pictures.size(path) for path in paths] == [(20, 30), (21, 30), (22, 30)]
    assert pictures.sized(str(paths[2]), (4, 5)) is pictures.sized(paths[2], (4, 5))
    assert len(reads) == 3
    assert pictures.sized(paths[0], (4, 5)).max() == 0
    assert len(reads) == 4

"""The figures that ``make figures`` paints: what is stored is what was asked for."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
from PIL import Image

from stylelib import RECIPES, Result, reconstruct_style
from stylelib._utils.files import to_json
from stylelib.images.load import load_image
from tools import diagram, figures, film

PANELS = [
    pytest.param(figures.place(name, panel), panel.call, id=f"{name}/{panel.name}")
    for name, figure in figures.FIGURES.items()
    for panel in figure.panels
    if figures.place(name, panel).is_file()
]


@pytest.mark.parametrize(("picture", "call"), PANELS)
def test_a_stored_picture_was_painted_by_the_call_in_the_code(picture, call):
    assert figures.is_painted(picture, call)
    assert max(load_image(picture).shape) == call["size"]
    assert "data/" not in picture.with_suffix(".json").read_text(encoding="utf-8")


@pytest.mark.parametrize("change", [{"content_weight": 0.7}, {"stages": [(1.0, 1)]}])
def test_a_picture_of_another_recipe_is_painted_anew(tmp_path, change):
    call = {"function": "transfer", "size": 512, "strength": "medium"}
    recipe = RECIPES["multiscale"].replace(style_weight=3.0)
    for changes, expected in (({}, True), (change, False)):
        record = {"call": call}
        record["settings"] = {"recipe": dataclasses.asdict(recipe.replace(**changes))}
        (tmp_path / "a.json").write_text(to_json(record), encoding="utf-8")
        (tmp_path / "a.jpg").touch()
        assert figures.is_painted(tmp_path / "a.jpg", call) == expected


def test_nine_in_ten_pictures_are_as_similar_as_was_asked_for():
    paths = (figures.RESULTS / "strengths").glob("*.json")
    records = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    misses = [
        abs(record["similarity"] - (1 - record["settings"]["strength"]))
        for record in records
        if "content_layers" not in record["call"]  # the search is measured for the recipe's own
    ]
    assert len(misses) > 40
    assert np.mean(np.array(misses) <= 0.07) >= 9 / 10


def test_the_stored_film_is_that_of_the_code():
    assert figures.is_painted(film.RESULT, film.CALL)
    with Image.open(film.RESULT) as stored:
        assert stored.n_frames == len(film.SHOWN) >= 20
        assert stored.width == film.SIZE


def test_a_film_is_painted_once(monkeypatch, tmp_path, small_network):
    monkeypatch.setattr(film, "RESULT", tmp_path / "film.gif")
    monkeypatch.setattr(film, "CALL", film.CALL | {"size": 48, "steps": 3})
    monkeypatch.setattr(film, "SHOWN", (1, 2, 3))
    film.main()
    with Image.open(film.RESULT) as stored:
        assert (stored.n_frames, stored.width) == (3, 48)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.gif", "film.json"]
    monkeypatch.setattr(film, "paint", lambda call: pytest.fail("it is painted again"))
    film.main()


def test_nothing_else_is_stored():
    known = {diagram.RESULT, film.RESULT, film.RESULT.with_suffix(".json")}
    known |= {figures.RESULTS / f"{name}.jpg" for name in figures.FIGURES}
    for name, figure in figures.FIGURES.items():
        for picture in (figures.place(name, panel) for panel in figure.panels):
            known |= {picture, picture.with_suffix(".json")}
    assert {path for path in figures.RESULTS.rglob("*") if path.is_file()} <= known


def test_panels_of_a_figure_have_names_of_their_own():
    for figure in figures.FIGURES.values():
        names = [panel.name for panel in figure.panels]
        assert len(set(names)) == len(names)


@pytest.fixture
def small_figure(tmp_path, monkeypatch, small_network):
    """A figure of two panels that is painted in no time, and a folder for it."""
    call = {"function": "reconstruct_style", "image": figures.NIGHT, "layers": ["conv1_1"]}
    call |= {"size": 32, "steps": 2}
    panels = [
        figures.Panel("equal", "weights", call | {"layer_weights": None}),
        figures.Panel("shares", "shares", call | {"layer_weights": "equal shares"}),
    ]
    figure = figures.Figure(panels, {"original": figures.NIGHT}, columns=3, inches=3)
    monkeypatch.setattr(figures, "FIGURES", {"small": figure})
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    return tmp_path


def test_what_is_painted_is_not_painted_again(small_figure, capsys, monkeypatch):
    figures.main([])
    assert capsys.readouterr().out.count("\n") == 2
    assert load_image(small_figure / "small.jpg").ndim == 3
    record = json.loads((small_figure / "small" / "shares.json").read_text(encoding="utf-8"))
    assert record["call"]["layer_weights"] == "equal shares"
    assert record["settings"]["recipe"]["layer_weights"] == pytest.approx([1.0])
    (small_figure / "small" / "shares.json").unlink()  # as after an interruption
    figures.main([])
    assert "[1/1] shares" in capsys.readouterr().out
    figures.main(["small"])
    assert capsys.readouterr().out == ""


def test_a_figure_that_is_unknown_is_named(small_figure):
    with pytest.raises(SystemExit, match="expected some of small, got large, huge"):
        figures.main(["small", "large", "huge"])
    assert not list(small_figure.iterdir())


def test_an_interrupted_run_keeps_what_is_painted(small_figure, monkeypatch):
    def interrupted(**arguments):
        result = reconstruct_style(**arguments)
        status = "interrupted" if "layer_weights" in arguments else result.status
        return dataclasses.replace(result, status=status)

    monkeypatch.setitem(figures.FUNCTIONS, "reconstruct_style", interrupted)
    with pytest.raises(KeyboardInterrupt):
        figures.main([])
    stored = {path.name for path in (small_figure / "small").iterdir()}
    assert stored == {"equal.jpg", "equal.json"}


def test_the_losses_of_a_run_in_stages_are_the_first_and_those_of_the_picture(tmp_path):
    losses = np.array([3.0, 1.0, 9.0, 7.0, 8.0])
    history = dict.fromkeys(("total", "content", "style", "tv"), losses)
    image = np.zeros((2, 3, 3), np.uint8)
    result = Result(image, history, 5, 1.0, "done", "finished", {}, stage_starts=(0, 2))
    figures.store(tmp_path / "a.jpg", {}, result)
    record = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert record["losses"] == {term: [3.0, 7.0] for term in history}


def test_the_diagram_is_what_the_code_draws():
    figure = diagram.draw()
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(float)
    stored = load_image(diagram.RESULT)
    assert stored.shape == drawn.shape
    assert np.abs(drawn - stored).mean() < 8  # fonts and the pictures in it may differ a little


def test_each_picture_of_the_ablation_changes_one_thing_more():
    recipes = []
    for panel in figures.FIGURES["ablation"].panels:
        recipe = RECIPES[panel.call["recipe"]]
        settings = {name: panel.call[name] for name in panel.call.keys() & vars(recipe).keys()}
        recipes.append(vars(recipe.replace(**settings)))
    told = {"source", "notes", "published", "steps", "size"}  # about a recipe, or the same in all
    told |= {"learning_rate", "beta_1", "epsilon"}  # of Adam alone
    changes = [
        {name for name in after if after[name] != before[name]} - told
        for before, after in itertools.pairwise(recipes)
    ]
    one_each = [{"same_size"}, {"resampling"}, {"pooling"}, {"optimizer", "restart_every"}]
    assert changes == [{"style_convention", "postprocess"}, *one_each, {"init"}]

"""The style weight that a strength asks for: found, told, and enough to repeat the picture."""

import logging
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylelib import (
    RECIPES,
    StopRun,
    content_similarity,
    convert,
    load_image,
    sweep,
    transfer,
)
from stylelib._utils import progress as progress_module
from stylelib.recipes.conventions import CONTENT_CONVENTIONS, STYLE_CONVENTIONS, at_size
from stylelib.runs import run as run_module
from stylelib.runs import strength as strength_module
from stylelib.runs.job import STRENGTHS, make_job, stage_jobs
from stylelib.runs.strength import _logit, _next_exponent, trial_jobs
from stylelib.vgg.weights import DATA
from tests.small_network import search_by_formula

SMALL = {"size": 48, "steps": 20, "precision": "float32"}
NUMBERS = st.floats(-3, 3)


@given(NUMBERS, st.floats(0.5, 3), NUMBERS, st.floats(0.3, 3), st.floats(-2, 2))
def test_two_points_of_a_straight_line_are_enough(height, slope, first, apart, step):
    def line(exponent):
        return height - slope * exponent

    tried = [(exponent, line(exponent)) for exponent in (first, first + apart)]
    expected = first + apart + step
    assert _next_exponent(tried, line(expected)) == pytest.approx(expected, abs=1e-6)


def test_between_weights_that_are_nearly_the_same_the_slope_is_the_usual_one():
    by_chance = _next_exponent([(1.0, 0.5), (1.1, 0.6)], 0.0)
    assert by_chance == _next_exponent([(1.1, 0.6)], 0.0) == pytest.approx(1.7)


def test_logits_of_what_is_no_similarity_are_finite():
    assert all(math.isfinite(_logit(value)) for value in (-1.0, 0.0, 1.0))


@pytest.mark.parametrize(
    "size, steps, expected",
    [
        (512, 310, [60, 40, 10]),
        (256, 310, [38, 25, 6]),  # where its stages are no smaller than those of the run
        (256, 40, [25, 17, 4]),
        (256, 10, [10, 7, 2]),
        (256, 1, [1, 1, 1]),
    ],
)
def test_a_short_run_searches_no_less_than_it_needs(size, steps, expected):
    grey = np.full((size, size, 3), 128, np.uint8)
    job = make_job({"content": grey, "style": grey}, size=size, steps=steps, strength=0.5)
    assert [small.recipe.steps for small in trial_jobs(job)] == expected


@pytest.mark.parametrize("size", [512, 1024, 2048])
@pytest.mark.parametrize("recipe", ["multiscale", "gatys2015", "tensorflow"])
def test_a_search_takes_no_more_than_its_part_of_a_run(size, recipe):
    grey = np.full((size // 2, size, 3), 128, np.uint8)
    job = make_job({"content": grey, "style": grey}, recipe=recipe, size=size, strength=0.5)
    first, *later = (s.recipe.steps * math.prod(s.size) for s in trial_jobs(job))
    evaluations = np.diff([0, *(stage.recipe.steps for stage in stage_jobs(job))])
    run = sum(evaluations * [math.prod(stage.size) for stage in stage_jobs(job)])
    search = strength_module.TRIALS * first + sum(later)
    assert search / (search + run) < 0.25


def test_a_trial_is_painted_in_tiles_where_the_run_is(content_image, style_image):
    job = make_job({"content": content_image, "style": style_image}, tile=64, strength=0.5)
    assert {small.tile for small in trial_jobs(job)} == {64}


@pytest.mark.parametrize("content", CONTENT_CONVENTIONS)
@pytest.mark.parametrize("style", [n for n, c in STYLE_CONVENTIONS.items() if not c.unnormalized])
def test_a_recipe_at_another_size_has_the_same_weights_on_means(content, style):
    here, there = (64, 96), (128, 192)
    recipe = RECIPES["gatys2015"].replace(content_convention=content, style_convention=style)
    as_means = {"content_convention": "mean", "style_convention": "mean_per_position"}
    one = convert(recipe, here, **as_means)
    other = convert(at_size(recipe, here, there), there, **as_means)
    assert other.content_weight == pytest.approx(one.content_weight)
    assert other.style_weight == pytest.approx(one.style_weight)


@pytest.mark.usefixtures("small_network")
@pytest.mark.parametrize("strength", [0.3, 0.5, 0.7])
def test_the_weight_that_is_found_leaves_what_was_wanted(
    strength, content_image, style_image, monkeypatch
):
    similarity = search_by_formula(monkeypatch)
    result = transfer(content_image, style_image, strength=strength, **SMALL | {"steps": 3})
    found = similarity(result.settings["recipe"]["style_weight"])
    assert found == pytest.approx(1 - strength, abs=strength_module.TOLERANCES[0])


class TestSearch:
    @pytest.fixture
    def either(self, either_search):
        """Few evaluations where none are needed to find a weight."""
        return SMALL | ({"steps": 3} if either_search == "small" else {})

    @pytest.fixture
    def small(self, formula_search):
        return SMALL | {"steps": 3}

    def test_the_weight_that_was_found_repeats_the_picture(self, small, content_image, style_image):
        found = transfer(content_image, style_image, strength="high", **small)
        weight = found.settings["recipe"]["style_weight"]
        assert found.settings["strength"] == STRENGTHS["high"]
        assert weight != RECIPES["multiscale"].style_weight
        again = transfer(content_image, style_image, style_weight=weight, **small)
        np.testing.assert_array_equal(again.image, found.image)
        assert again.settings["strength"] is None

    def test_a_larger_strength_finds_a_larger_weight(self, either, content_image, style_image):
        weights = []
        for strength in (0, 0.5, 1):
            result = transfer(content_image, style_image, strength=strength, **either)
            weights.append(result.settings["recipe"]["style_weight"])
            assert np.isfinite(result.history["total"]).all()
        assert weights == sorted(set(weights))

    @pytest.mark.parametrize("name", ["gatys2015", "tensorflow", "jcjohnson"])
    def test_it_works_with_other_recipes(self, small, name, content_image, style_image):
        result = transfer(content_image, style_image, name, strength=0.5, **small)
        assert result.settings["recipe"]["style_weight"] > 0
        assert np.isfinite(result.history["total"]).all()

    def test_each_trial_is_told(self, small, content_image, style_image, caplog):
        caplog.set_level(logging.INFO, strength_module.logger.name)
        transfer(content_image, style_image, strength="low", **small)
        assert "(1 of 3): similarity " in caplog.messages[0]
        assert "(in all sizes): similarity " in caplog.messages[-1]
        assert 1 <= len(caplog.messages) - 1 <= strength_module.TRIALS
        assert all(message.endswith(", 0.65 wanted") for message in caplog.messages)

    def test_a_run_that_goes_on_searches_no_more(
        self, small, content_image, style_image, tmp_path, monkeypatch
    ):
        options = {"folder": tmp_path / "run", "strength": "medium"} | small
        first = transfer(content_image, style_image, **options)
        monkeypatch.setattr(run_module, "find_style_weight", None)
        longer = transfer(
            content_image, style_image, **options | {"steps": small["steps"] + 4}, resume=True
        )
        weights = [r.settings["recipe"]["style_weight"] for r in (first, longer)]
        assert weights[0] == weights[1]
        with pytest.raises(ValueError, match=r"expected the settings .*strength 0.5, got 0.65"):
            transfer(content_image, style_image, **options | {"strength": "high"}, resume=True)

    def test_a_grid_of_strengths(self, small, content_image, style_image, tmp_path):
        table = sweep(
            content_image, style_image, {"strength": ["low", "high"]}, tmp_path, progress=False,
            recipe="multiscale", **small,
        )  # fmt: skip
        assert table["strength"].tolist() == ["low", "high"]
        low, high = (settings["recipe"]["style_weight"] for settings in table["settings"])
        assert low < high


@pytest.mark.usefixtures("small_network")
class TestSearchCallback:
    """The search paints, but small pictures in few evaluations."""

    @pytest.fixture
    def search(self, content_image, style_image):
        def search(**options):
            options = SMALL | {"steps": 3, "strength": "high"} | options
            return transfer(content_image, style_image, **options)

        return search

    def test_it_sees_the_search_and_the_callback_the_run(self, search):
        seen = []
        result = search(
            callback=lambda evaluation, losses, x: seen.append(("run", evaluation)),
            search_callback=lambda evaluation, losses, x: seen.append(("search", evaluation)),
        )
        names = [name for name, _ in seen]
        assert names == sorted(names, reverse=True)
        assert [n for name, n in seen if name == "run"] == list(range(1, result.evaluations + 1))
        assert ("search", 1) in seen
        np.testing.assert_array_equal(result.image, search().image)

    @pytest.mark.parametrize("trial", [1, 2])
    def test_it_ends_the_search_and_not_the_run(self, search, trial, caplog):
        def stop(evaluation, losses, x):
            trials.extend([evaluation] * (evaluation == 1))
            if len(trials) == trial:
                raise StopRun

        trials = []
        caplog.set_level(logging.INFO, strength_module.logger.name)
        result = search(search_callback=stop, strength=0.2)
        assert (result.status, result.evaluations) == ("finished", 3)
        assert len(trials) == trial == len(caplog.messages) + 1
        assert result.settings["recipe"]["style_weight"] > 0

    @pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
    def test_what_ends_more_than_the_search_ends_the_call(self, search, end):
        def callback(*arguments):
            raise end

        with pytest.raises(end):
            search(search_callback=callback, callback=pytest.fail)

    def test_an_error_in_it_ends_the_call(self, search):
        reason = "expected a search_callback without errors: the callback raised ZeroDivisionError"
        with pytest.raises(ValueError, match=reason):
            search(search_callback=lambda *arguments: 1 / 0)

    def test_a_bar_tells_of_it(self, search, capsys, monkeypatch):
        monkeypatch.setattr(progress_module, "in_notebook", lambda: True)
        search(progress=True)
        assert "looking for the style weight, loss" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": "strong"}, "expected strength as a number, or low, medium or high"),
        ({"strength": 1.5}, "expected strength as a number from 0 to 1, got 1.5"),
        ({"strength": -0.1}, "expected strength as a number"),
        ({"strength": True}, "expected strength as a number"),
        ({"strength": math.nan}, "expected strength as a number"),
        ({"strength": [0.5]}, "expected strength as a number"),
        ({"strength": 0.5, "style_weight": 3.0}, "expected strength or style_weight"),
        ({"strength": 0.5, "recipe": "keras"}, "strength with the optimizer .*, got 'sgd'"),
        ({"strength": 0.5, "content_weight": 0}, "only with a content_weight above 0, got 0"),
    ],
)
def test_what_is_no_strength_is_refused(options, message, content_image, style_image):
    with pytest.raises(ValueError, match=message):
        make_job({"content": content_image, "style": style_image}, **options)


@pytest.mark.slow
@pytest.mark.parametrize("photo, steps", [("chelsea.jpg", 60), ("rocket.jpg", 24)])
def test_the_similarity_asked_for_is_reached(photo, steps):
    photo = load_image(DATA / "images" / photo, max_size=128)
    options = {"strength": "medium", "size": 128, "steps": steps, "precision": "float32"}
    result = transfer(photo, DATA / "images" / "wave.jpg", **options)
    assert content_similarity(result.image, photo) == pytest.approx(0.5, abs=0.07)

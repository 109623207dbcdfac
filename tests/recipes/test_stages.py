"""What stages are, and how they share the evaluations of a run."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylelib import RECIPES
from stylelib._utils.files import to_json
from stylelib.recipes.recipe import Recipe
from stylelib.recipes.stages import LEAST_STEPS, STAGE_SETTINGS, Stage, as_stages, stage_ends

FACES = {"content_layers": ["conv3_2", "conv4_2"], "content_weight": 0.5}
RECIPE = RECIPES["gatys2015"].replace(stages=[(0.25, 2), (0.5, 2, FACES), (1.0, 1, FACES)])
SHARES = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6)


@given(SHARES, st.integers(1, 500))
def test_every_stage_that_takes_place_has_evaluations_and_they_add_up(shares, steps):
    stages = as_stages([(1, share) for share in shares])
    ends = stage_ends(stages, steps)
    assert len(ends) == max(1, min(len(stages), steps // LEAST_STEPS))
    assert ends[-1] == steps
    least = min(steps, LEAST_STEPS)
    assert all(end - before >= least for before, end in zip([0, *ends], ends, strict=False))


@given(SHARES, st.integers(6 * LEAST_STEPS, 500))
def test_more_steps_shorten_no_stage(shares, steps):
    stages = as_stages([(1, share) for share in shares])
    assert all(
        few <= many
        for few, many in zip(stage_ends(stages, steps), stage_ends(stages, steps + 7), strict=True)
    )


def test_no_stages_have_no_ends():
    assert stage_ends((), 10) == []


def test_each_stage_follows_the_recipe_with_its_changes():
    first, *others = RECIPE.by_stage()
    assert first.content_layers == ("conv4_2",)
    assert {stage.content_layers for stage in others} == {("conv3_2", "conv4_2")}
    assert all(stage.stages == () for stage in (first, *others))


def test_what_a_user_changes_holds_in_every_stage():
    for name in ("content_layers", "content_weight"):
        value = {"content_layers": ("conv2_2",), "content_weight": 3.0}[name]
        assert {getattr(r, name) for r in RECIPE.replace(**{name: value}).by_stage()} == {value}


def test_other_stages_can_be_given_together_with_other_settings():
    stages = [Stage(1.0, 1, {"content_weight": 2.0})]
    recipe = RECIPE.replace(content_weight=3.0, stages=stages)
    assert recipe.by_stage()[0].content_weight == 2.0


def test_a_recipe_comes_back_from_json():
    settings = json.loads(to_json(dataclasses.asdict(RECIPE)))
    assert Recipe(**settings) == RECIPE


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (3, "expected stages as a list, got 3"),
        ("half", "expected stages as a list, got 'half'"),
        ([0.5], "expected a stage as scale, steps and changes, got 0.5"),
        ([(0.5,)], "expected a stage as scale, steps and changes"),
        ([{"scale": 1, "step": 2}], "expected a stage as scale, steps and changes"),
        ([(0.5, 1)], "expected 1 as the scale of the last stage, got 0.5"),
        ([(1.5, 1)], "expected scale of a stage as at most 1, got 1.5"),
        ([(0, 1)], "expected scale of a stage"),
        ([("half", 1)], "expected scale of a stage"),
        ([(1, -1)], "expected steps of a stage"),
        ([(1, 1, 7)], "expected changes of a stage as a dict, got 7"),
        ([(1, 1, {"pooling": "max"})], "expected a setting of a stage: content_layers, "),
        ([(1, 1, {"content_layers": []})], "expected content_layers as a list of at least one"),
        ([(1, 1, {"content_weight": -1})], "expected content_weight"),
        ([(1, 1, {"layer_weights": [1.0]})], "expected 5 layer_weights"),
    ],
)
def test_what_is_no_stage_is_refused(stages, message):
    with pytest.raises(ValueError, match=message):
        RECIPE.replace(stages=stages)


def test_every_setting_of_a_stage_is_one_of_the_recipe():
    for name in STAGE_SETTINGS:
        stage = Stage(1.0, 1, {name: getattr(RECIPE, name)})
        assert RECIPE.replace(stages=[stage]).by_stage()[0] == RECIPE.replace(stages=())

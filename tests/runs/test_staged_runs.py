"""A run in stages is one run: one history, one film, saved and resumed as one."""

import contextlib
import itertools
import re
from unittest.mock import Mock

import numpy as np
import pytest

from stylelib import RECIPES, Objective, StopRun, deprocess, load_image, sweep, transfer
from stylelib._utils.tensorflow import tf
from stylelib.recipes.stages import Stage
from stylelib.runs.job import make_job, stage_jobs

STAGES = [
    Stage(0.5, 2),
    Stage(0.75, 2, {"content_layers": ["conv2_1", "conv3_1"], "content_weight": 0.5}),
    Stage(1, 2),
]
RECIPE = RECIPES["multiscale"].replace(
    stages=STAGES, steps=6, size=64, content_layers=["conv3_1"], style_layers=["conv1_1", "conv2_1"]
)
SIZES = [(22, 32), (32, 48), (43, 64)]

pytestmark = pytest.mark.usefixtures("small_stages", "small_network")


@pytest.fixture
def small_stages(monkeypatch):
    monkeypatch.setattr("stylelib.runs.job.SMALLEST_STAGE", 16)
    monkeypatch.setattr("stylelib.recipes.stages.LEAST_STEPS", 1)


@pytest.fixture
def paint(content_image, style_image):
    def paint(recipe=RECIPE, **options):
        return transfer(content_image, style_image, recipe, precision="float32", **options)

    return paint


class Kill(BaseException):
    """As good as SIGKILL: nobody handles it."""


@pytest.fixture
def end_before(monkeypatch):
    """Raise an error before the first evaluation of a stage."""

    def end_before(number, error):
        calls = itertools.count(1)

        def objective(*arguments, **options):
            if next(calls) == number:
                raise error
            return Objective(*arguments, **options)

        monkeypatch.setattr("stylelib.runs.start.Objective", objective)

    return end_before


@pytest.mark.parametrize(
    ("stages", "made"),
    [
        (STAGES, 3),
        ([Stage(0.1, 2), Stage(0.2, 2), Stage(1, 2)], 2),  # no stage is smaller than 16 pixels
        ([Stage(1, 2, {"content_weight": 0.1}), Stage(1, 2), Stage(1, 2)], 2),
    ],
)
def test_stages_of_one_size_and_recipe_are_compiled_once(stages, made, paint, monkeypatch):
    objective = Mock(wraps=Objective)
    monkeypatch.setattr("stylelib.runs.start.Objective", objective)
    result = paint(RECIPE.replace(stages=stages))
    assert (result.evaluations, objective.call_count) == (6, made)


class Watch:
    """Keeps what a callback is told, and ends the run after some evaluation."""

    def __init__(self, last=None, ends_with=StopRun):
        self.numbers, self.sizes, self.last, self.ends_with = [], [], last, ends_with

    def __call__(self, evaluation, losses, x):
        self.numbers.append(evaluation)
        self.sizes.append(x.shape[1:3])
        if evaluation == self.last:
            raise self.ends_with


def test_one_run_one_history(paint):
    watch = Watch()
    result = paint(callback=watch)
    assert watch.numbers == [1, 2, 3, 4, 5, 6]
    assert watch.sizes == [size for size in SIZES for _ in range(2)]
    assert result.stage_starts == (0, 2, 4)
    assert result.evaluations == len(result.history["total"]) == 6
    assert (result.status, result.stop_reason) == ("finished", "all 6 evaluations done")
    assert result.image.shape == (43, 64, 3)
    assert result.settings["recipe"]["stages"][0]["scale"] == 0.5


def test_each_stage_is_a_run_from_the_enlarged_result_of_the_last(
    paint, content_image, style_image
):
    recipe, image = RECIPE.replace(stages=()), None
    for stage, stage_recipe in zip(STAGES, RECIPE.by_stage(), strict=True):
        size = round(stage.scale * 64)
        init = "content" if image is None else image
        image = transfer(
            load_image(content_image, max_size=size),
            load_image(style_image, max_size=size),
            stage_recipe.replace(steps=2, size=size),
            init=init,
            precision="float32",
        ).image
    np.testing.assert_array_equal(image, paint().image)
    assert (image != paint(recipe).image).any()


def test_without_stages_there_is_one(paint):
    assert paint(RECIPE.replace(stages=())).stage_starts == (0,)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_few_evaluations_are_left_to_the_last_stages(paint, steps):
    watch = Watch()
    result = paint(steps=steps, callback=watch)
    assert result.image.shape == (43, 64, 3)
    assert watch.numbers == list(range(1, steps + 1))
    assert watch.sizes[-1] == (43, 64)


def test_the_stages_of_a_panorama_have_the_rows_that_the_layers_need(content_image):
    wide = load_image(content_image, size=(24, 240))
    job = make_job({"content": wide, "style": wide}, recipe="multiscale", size=240)
    assert [stage.size[0] >= 16 for stage in stage_jobs(job)] == [True] * 3


@pytest.mark.parametrize("last", [1, 2, 3, 5])
def test_a_run_that_ends_early_has_a_picture_of_the_size_asked_for(paint, last):
    watch = Watch(last)
    result = paint(callback=watch)
    assert (result.status, result.evaluations) == ("stopped", last)
    assert result.image.shape == (43, 64, 3)
    where = "" if last > 4 else f" (stage {(last + 1) // 2} of 3)"
    assert result.stop_reason == f"stopped by the callback at evaluation {last}{where}"


def test_ctrl_c_in_any_stage(paint):
    result = paint(callback=Watch(3, KeyboardInterrupt))
    assert result.status == "interrupted"
    assert result.stop_reason.endswith("(stage 2 of 3)")


MEMORY = [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM")]


@pytest.mark.parametrize("number", [2, 3])
def test_ctrl_c_between_stages_keeps_the_picture(paint, end_before, number):
    whole = paint(callback=Watch(2 * number - 2))
    end_before(number, KeyboardInterrupt())
    result = paint()
    np.testing.assert_array_equal(result.image, whole.image)
    assert (result.status, result.evaluations) == ("interrupted", 2 * number - 2)
    assert result.stop_reason == f"interrupted at evaluation {2 * number - 2} (stage {number} of 3)"


@pytest.mark.parametrize("error", MEMORY, ids=["python", "tensorflow"])
def test_memory_that_runs_out_in_the_last_stage_keeps_the_picture(paint, end_before, error):
    end_before(3, error)
    result = paint()
    assert result.image.shape == (43, 64, 3)
    assert (result.status, result.evaluations) == ("failed", 4)
    assert re.fullmatch("memory ran out at 64 × 43 pixels; .*stage 3 of 3.", result.stop_reason)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), *MEMORY], ids=str)
def test_before_anything_is_painted_there_is_nothing_to_keep(paint, end_before, error):
    end_before(1, error)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else MemoryError):
        paint()


def test_a_run_that_goes_on_tells_its_own_number_of_stages(paint, end_before, tmp_path):
    paint(callback=Watch(3), folder=tmp_path / "run")
    end_before(2, KeyboardInterrupt())
    result = paint(folder=tmp_path / "run", resume=True)
    assert result.stop_reason == "interrupted at evaluation 4 (stage 3 of 3)"
    assert paint(folder=tmp_path / "run", resume=True).stage_starts == (0, 2, 4)


def test_a_trial_whose_memory_ran_out_has_no_picture(
    content_image, style_image, end_before, tmp_path
):
    end_before(3, MemoryError())
    options = {"recipe": RECIPE, "progress": False}
    failed = sweep(content_image, style_image, [{"seed": 0}], tmp_path, **options)
    assert failed["error"][0].startswith("memory ran out at 64 × 43 pixels")
    again = sweep(content_image, style_image, [{"seed": 0}], tmp_path, **options)
    assert again["error"].isna().all()


@pytest.mark.parametrize("optimizer", ["adam", pytest.param("sgd", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "killed", [2, 3, *(pytest.param(n, marks=pytest.mark.slow) for n in (4, 5, 6))]
)
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(paint, tmp_path, killed, optimizer):
    recipe = RECIPE.replace(optimizer=optimizer)
    whole = paint(recipe)
    folder = tmp_path / "run"
    paint_here = {"folder": folder, "save_every": 1}
    with contextlib.suppress(Kill):
        paint(recipe, callback=Watch(killed, Kill), **paint_here)
    resumed = paint(recipe, resume=True, **paint_here)
    np.testing.assert_array_equal(resumed.image, whole.image)
    np.testing.assert_array_equal(resumed.history["total"], whole.history["total"])
    assert resumed.stage_starts == whole.stage_starts
    assert resumed.settings["init"] == whole.settings["init"]


def test_lbfgs_goes_on_in_the_stage_where_it_was(paint, tmp_path):
    folder = tmp_path / "run"
    paint(callback=Watch(3), folder=folder, save_every=1)
    watch = Watch()
    resumed = paint(callback=watch, folder=folder, resume=True)
    assert watch.numbers == [4, 5, 6]
    assert watch.sizes == [SIZES[1], *[SIZES[2]] * 2]
    assert resumed.evaluations == 6


def test_a_run_that_was_killed_between_stages_is_not_finished(paint, tmp_path, end_before):
    folder = tmp_path / "run"
    end_before(2, Kill)
    with pytest.raises(Kill):
        paint(folder=folder)
    with pytest.raises(ValueError, match="it holds a run that is not finished; resume it"):
        paint(folder=folder)
    assert paint(folder=folder, resume=True).stage_starts == (0, 2, 4)
    assert paint(folder=folder).status == "finished"


def test_more_steps_go_into_the_last_stage_of_a_finished_run(paint, tmp_path):
    folder = tmp_path / "run"
    paint(folder=folder)
    watch = Watch()
    longer = paint(folder=folder, resume=True, steps=9, callback=watch)
    assert watch.sizes == [SIZES[2]] * 3
    assert longer.stage_starts == (0, 2, 4)


def test_a_run_of_fewer_stages_is_not_taken_for_one_of_more(paint, tmp_path):
    folder = tmp_path / "run"
    paint(folder=folder, steps=1)
    with pytest.raises(ValueError, match="expected a number of steps with the stages that the run"):
        paint(folder=folder, resume=True)


def test_other_stages_are_another_run(paint, tmp_path):
    paint(folder=tmp_path / "run")
    with pytest.raises(ValueError, match="expected the settings of the run in .*, stages"):
        paint(RECIPE.replace(stages=STAGES[1:]), folder=tmp_path / "run", resume=True)


@pytest.mark.slow
def test_tiles_change_nothing(content_image, style_image):
    options = {"size": 192, "steps": 3, "precision": "float32"}
    whole, tiled = (
        transfer(content_image, style_image, RECIPE, tile=tile, **options) for tile in (None, 64)
    )
    np.testing.assert_allclose(tiled.history["total"], whole.history["total"], rtol=1e-3)


def test_the_result_of_a_stage_is_what_the_film_shows(paint):
    pictures = []
    paint(callback=lambda evaluation, losses, x: pictures.append(deprocess(x)))
    assert [picture.shape[:2] for picture in pictures[::2]] == SIZES

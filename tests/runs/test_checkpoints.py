"""Runs that go on after any end, and folders that never hold half a file."""

import signal
import time
from multiprocessing import get_all_start_methods, get_context

import numpy as np
import pytest

from stylelib import (
    RECIPES,
    VGG,
    Objective,
    StopRun,
    load_image,
    minimize,
    noise_image,
    preprocess,
    save_image,
    transfer,
)
from stylelib._utils.files import atomic_write
from stylelib._utils.tensorflow import keras
from stylelib.cli import main
from stylelib.recipes.optimizers import ALIASES
from stylelib.runs.checkpoints import STATE, Checkpoints
from stylelib.vgg.layers import kernel_shapes
from tests.quadratic import Quadratic

RECIPE = RECIPES["gatys2015"].replace(
    style_layers=["conv1_1", "conv2_1"], content_layers=["conv2_2"], init="content"
)


@pytest.fixture(scope="module")
def objective(content_image, style_image):
    vgg = VGG([*RECIPE.style_layers, *RECIPE.content_layers], pooling=RECIPE.pooling)
    return Objective(vgg, RECIPE, content_image, style_image)


@pytest.fixture
def start(content_image):
    return preprocess(noise_image(content_image.shape[:2]))


@pytest.fixture
def paint(content_image, style_image, tmp_path):
    def run(**options):
        options = {"folder": tmp_path / "run", "size": 32, "steps": 12, "save_every": 5} | options
        options = {"style": style_image, "recipe": RECIPE} | options
        return transfer(content_image, **options)

    return run


class States:
    """What `minimize` needs of `Checkpoints`, kept in memory."""

    def __init__(self, state=None, save_every=50):
        self.state, self.save_every, self.saved = state, save_every, {}

    def save(self, state):
        self.saved[len(state["history"])] = state


def run_and_states(objective, start, *arguments, save_every=50, **options):
    states = States(save_every=save_every)
    result = minimize(objective, start, *arguments, checkpoints=states, **options)
    return result, states.saved


class TestMinimize:
    @pytest.mark.parametrize(
        ("optimizer", "options"),
        [
            ("adam", {"clipping": "rounds", "restart_every": 5, "clip_limit": 20.0}),
            pytest.param("adam", {}, marks=pytest.mark.slow),
            pytest.param(
                "adam", {"beta_1": 0.99, "epsilon": 0.1, "decay": 0.5}, marks=pytest.mark.slow
            ),
            pytest.param("adam", {"clipping": "never"}, marks=pytest.mark.slow),
            pytest.param("sgd", {}, marks=pytest.mark.slow),
            pytest.param("sgd", {"decay": 0.5}, marks=pytest.mark.slow),
        ],
    )
    def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
        self, optimizer, options, objective, start
    ):
        whole, states = run_and_states(objective, start, optimizer, 17, save_every=5, **options)
        assert list(states) == [5, 10, 15, 17]
        for evaluation, state in states.items():
            resumed = minimize(
                objective, start, optimizer, 17, checkpoints=States(state), **options
            )
            for term, losses in whole.history.items():
                np.testing.assert_array_equal(resumed.history[term], losses, str(evaluation))
            np.testing.assert_array_equal(resumed.image, whole.image)
            assert resumed.evaluations == 17
            assert resumed.stop_reason == whole.stop_reason

    def test_a_finished_run_can_be_made_longer(self, objective, start):
        whole = minimize(objective, start, "adam", 12)
        _, states = run_and_states(objective, start, "adam", 7)
        longer = minimize(objective, start, "adam", 12, checkpoints=States(states[7]))
        np.testing.assert_array_equal(longer.history["total"], whole.history["total"])

    def test_lbfgs_goes_on_from_its_best_picture(self, objective, start):
        _, states = run_and_states(objective, start, "lbfgs", 20, save_every=8)
        for evaluation in (8, 16):
            before = states[evaluation]["history"][:, 0].min()
            resumed = minimize(
                objective, start, "lbfgs", 24, checkpoints=States(states[evaluation])
            )
            assert resumed.evaluations == 24
            # Its first evaluation is that of the best picture: no lower, and no higher.
            assert resumed.history["total"][evaluation] == pytest.approx(before, rel=1e-5)
            assert resumed.history["total"].min() < before

    def test_the_time_before_the_break_counts(self, objective, start):
        _, states = run_and_states(objective, start, "adam", 3)
        states[3]["seconds"] = np.array(1000.0)
        assert minimize(objective, start, "adam", 4, checkpoints=States(states[3])).seconds > 1000

    def test_a_finished_run_may_be_resumed_twice(self, objective, start):
        whole = minimize(objective, start, "adam", 6)
        _, states = run_and_states(objective, start, "adam", 4)
        again = States(states[4])
        assert minimize(objective, start, "adam", 4, checkpoints=again).status == "finished"
        longer = minimize(objective, start, "adam", 6, checkpoints=States(again.saved[4]))
        np.testing.assert_array_equal(longer.history["total"], whole.history["total"])


class OtherOrder(keras.optimizers.Adam):
    """Such as that of another version of Keras."""

    @property
    def variables(self):
        return super().variables[::-1]


@pytest.mark.parametrize(
    "before, after",
    [
        (keras.optimizers.Adam, OtherOrder),
        (keras.optimizers.Nadam, keras.optimizers.Nadam),  # has a variable without a name
        (keras.optimizers.LossScaleOptimizer, keras.optimizers.LossScaleOptimizer),
    ],
)
def test_what_the_optimizer_keeps_has_names(before, after, start):
    def adam(kind):
        inner = keras.optimizers.Adam(5.0)
        return kind(inner if kind is keras.optimizers.LossScaleOptimizer else 5.0)

    target, states = Quadratic(start + 9), States()
    whole = minimize(target, start, adam(before), 6)
    minimize(target, start, adam(before), 3, checkpoints=states)
    resumed = minimize(target, start, adam(after), 6, checkpoints=States(states.saved[3]))
    np.testing.assert_array_equal(resumed.history["total"], whole.history["total"])


class TestInterruption:
    """Ctrl-C comes at any moment; what is saved then is the state after the last whole step."""

    @pytest.fixture
    def target(self, start):
        return Quadratic(start + 9)

    @pytest.mark.parametrize("optimizer", ["adam", "sgd"])
    @pytest.mark.parametrize("moment", ["evaluation", "step"])
    def test_it_costs_no_step(self, moment, optimizer, target, start, monkeypatch):
        whole, states = minimize(target, start, optimizer, 6), States()
        kind = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}[optimizer]
        step = kind.apply_gradients

        def half_a_step(optimizer, *arguments, **options):
            step(optimizer, *arguments, **options)
            if optimizer.iterations == 4:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            if moment == "step":
                patch.setattr(kind, "apply_gradients", half_a_step)
            callback = interrupt_at(4) if moment == "evaluation" else None
            first = minimize(target, start, optimizer, 6, callback, checkpoints=states)
        assert (first.status, first.evaluations) == ("interrupted", 4)
        assert list(states.saved) == [3]
        resumed = minimize(target, start, optimizer, 6, checkpoints=States(states.saved[3]))
        np.testing.assert_array_equal(resumed.history["total"], whole.history["total"])
        np.testing.assert_array_equal(resumed.image, whole.image)

    def test_lbfgs_goes_on_from_its_best_picture(self, target, start):
        states = States()
        minimize(target, start, "lbfgs", 6, interrupt_at(4), checkpoints=states)
        resumed = minimize(target, start, "lbfgs", 6, checkpoints=States(states.saved[3]))
        lowest = states.saved[3]["history"][:, 0].min()
        assert resumed.history["total"][3] == pytest.approx(lowest, rel=1e-5)

    def test_a_resumed_run_that_comes_no_further_keeps_its_state(self, target, start):
        states, again = States(), States()
        minimize(target, start, "adam", 6, interrupt_at(4), checkpoints=states)
        again.state = states.saved[3]
        minimize(target, start, "adam", 6, interrupt_at(4), checkpoints=again)
        del again.saved[3]["seconds"]
        for name, array in again.saved[3].items():
            np.testing.assert_array_equal(array, states.saved[3][name], name)

    def test_in_the_first_evaluation_there_is_nothing_to_save(self, target, start):
        states = States()
        minimize(target, start, "adam", 6, interrupt_at(1), checkpoints=states)
        assert states.saved == {}

    def test_a_full_disk_is_told_too(self, target, start):
        class Full(States):
            def save(self, state):
                raise OSError(28, "No space left on device")

        result = minimize(target, start, "adam", 6, interrupt_at(4), checkpoints=Full())
        assert result.status == "interrupted"
        assert result.stop_reason.startswith("interrupted at evaluation 4; No space left")

    def test_in_the_last_step_the_run_is_not_finished(self, target, start):
        states = States()
        minimize(target, start, "adam", 4, interrupt_at(4), checkpoints=states)
        assert not states.saved[3]["finished"]

    @pytest.mark.parametrize("ends", ["stopped", "failed", "interrupted", "diverged"])
    def test_a_run_that_ends_before_its_time_is_not_finished(self, ends, start):
        errors = {"stopped": StopRun, "failed": OSError, "interrupted": KeyboardInterrupt}
        states, target = States(), Quadratic(start + 9, np.nan if ends == "diverged" else 1.0)
        callback = interrupt_at(4, errors.get(ends, KeyboardInterrupt))
        result = minimize(target, start, "adam", 6, callback, checkpoints=states)
        assert result.status == ends
        assert [bool(state["finished"]) for state in states.saved.values()] == [False]


def interrupt_at(last, error=KeyboardInterrupt):
    def callback(evaluation, losses, x):
        if evaluation == last:
            raise error

    return callback


def write_weights(path, seed):
    """Small weights of the first layers that count, in which the rest is zero."""
    random, arrays = np.random.default_rng(seed), {}
    for layer, shape in kernel_shapes("vgg16").items():
        arrays[f"{layer}/kernel"] = np.zeros(shape, np.float16)
        arrays[f"{layer}/bias"] = np.zeros(shape[-1], np.float16)
    arrays["block1_conv1/kernel"] = random.normal(size=(3, 3, 3, 64)).astype(np.float16)
    np.savez_compressed(path, **arrays)


@pytest.mark.usefixtures("either_network")
class TestTransfer:
    def test_a_run_leaves_numbered_pictures_and_its_state(self, paint, tmp_path):
        result = paint()
        names = sorted(path.name for path in (tmp_path / "run").iterdir())
        assert names == ["00005.png", "00010.png", "00012.png", STATE]
        np.testing.assert_array_equal(load_image(tmp_path / "run" / "00012.png"), result.image)

    def test_an_interrupted_run_goes_on(self, paint, tmp_path):
        whole = paint(folder=tmp_path / "whole", optimizer="adam")

        paint(optimizer="adam", callback=interrupt_at(8), save_every=50)
        assert (tmp_path / "run" / "00007.png").exists()
        with pytest.raises(ValueError, match="holds a run that is not finished; resume it"):
            paint(optimizer="adam")
        resumed = paint(optimizer="adam", resume=True)
        np.testing.assert_array_equal(resumed.history["total"], whole.history["total"])
        np.testing.assert_array_equal(resumed.image, whole.image)
        paint(optimizer="adam")  # the run is finished, and may be done again

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"style_weight": 1.0}, r"settings of the run in .*run, style_weight 1000.0, got 1.0"),
            ({"seed": 3}, "seed 0, got 3"),
            ({"size": 40}, "expected the settings of the run in .*run, size 32, got 40"),
            ({"size": None}, "expected the settings of the run in .*run, size 32, got 512"),
            ({"style_scale": 2.0}, "run, style_scale 1.0, got 2.0"),
            ({"pooling": "max", "normalized": True}, "run, normalized False, got True"),
            (
                {"steps": 1},
                "expected at least 2 steps, as many as the run in .*run has done, got 1",
            ),
            ({"folder": "elsewhere"}, "cannot resume: there is no elsewhere/state.npz"),
            ({"folder": None, "save_every": None}, "expected a folder for the run, got none"),
        ],
    )
    def test_a_run_goes_on_only_with_its_own_settings(
        self, options, message, paint, tmp_path, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        paint(steps=2)
        with pytest.raises(ValueError, match=message):
            paint(**{"resume": True, "steps": 4} | options)

    def test_other_pixels_are_told_from_other_names(self, paint, content_image, tmp_path):
        save_image(tmp_path / "one.png", content_image)
        (tmp_path / "other.png").write_bytes((tmp_path / "one.png").read_bytes())
        paint(steps=2, init=str(tmp_path / "one.png"))
        resume = {"steps": 4, "resume": True}
        assert paint(init=str(tmp_path / "other.png"), **resume).evaluations == 4
        save_image(tmp_path / "other.png", 255 - content_image)
        with pytest.raises(ValueError, match="init sha256 [0-9a-f]{12}, got sha256 [0-9a-f]{12}"):
            paint(init=str(tmp_path / "other.png"), **resume)

    def test_every_file_may_lie_elsewhere(self, paint, content_image, tmp_path):
        for folder in ("here", "there"):
            (tmp_path / folder).mkdir()
            save_image(tmp_path / folder / "style.png", content_image)
            save_image(tmp_path / folder / "mask.png", np.full((22, 32, 3), 255, np.uint8))
            write_weights(tmp_path / folder / "own.npz", seed=1)

        def run(folder, **options):
            files = {"style": [tmp_path / folder / "style.png"] * 2}
            files |= {"masks": [tmp_path / folder / "mask.png"] * 2}
            return paint(**files, weights=tmp_path / folder / "own.npz", **options)

        run("here", steps=2)
        assert run("there", steps=4, resume=True).evaluations == 4
        for name, change in (("style.png", 255 - content_image), ("mask.png", content_image)):
            path = tmp_path / "there" / name
            before = path.read_bytes()
            save_image(path, change)
            role = name.removesuffix(".png")
            message = f"run, {role}( 2)? sha256 [0-9a-f]{{12}}, got sha256 [0-9a-f]{{12}}"
            with pytest.raises(ValueError, match=message):
                run("there", steps=6, resume=True)
            path.write_bytes(before)

    def test_what_a_recipe_says_of_itself_is_no_setting(self, paint):
        paint(steps=2, recipe="gatys2015", init="content")
        reworded = RECIPES["gatys2015"].replace(source="elsewhere", notes="-", init="noise")
        resume = {"steps": 4, "resume": True, "init": "content"}
        assert paint(recipe=reworded, **resume).evaluations == 4

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"size": 40}, "it holds another run, size 32, got 40; remove the folder, or choose"),
            ({"seed": 1}, "it holds another run, seed 0, got 1"),
            ({"optimizer": "sgd"}, "it holds another run, optimizer adam, got sgd"),
        ],
    )
    def test_a_folder_belongs_to_one_run(self, options, message, paint, tmp_path, monkeypatch):
        paint(optimizer="adam", steps=2)
        before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
        monkeypatch.setattr("stylelib.runs.run.VGG", pytest.fail)  # not before it says so
        with pytest.raises(ValueError, match=message):
            paint(**{"optimizer": "adam", "steps": 2} | options)
        assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before

    def test_another_picture_is_another_run(self, paint, tmp_path):
        paint(steps=2)
        with pytest.raises(ValueError, match="another run, init content, got sha256"):
            paint(steps=2, init=noise_image((22, 32)))

    def test_a_run_that_is_done_again_leaves_nothing_of_the_first(self, paint, tmp_path):
        paint(steps=6, save_every=2)
        (tmp_path / "run" / "notes.txt").touch()
        paint(steps=5, save_every=3)
        names = sorted(path.name for path in (tmp_path / "run").iterdir())
        assert names == ["00003.png", "00005.png", "notes.txt", STATE]

    @pytest.mark.parametrize("first", [True, False])
    def test_numbered_pictures_of_no_run_are_in_the_way(self, first, paint, tmp_path):
        folder = tmp_path / "run"
        if first:
            folder.mkdir()
        else:
            paint(steps=2)
        save_image(folder / "00007.png", noise_image((22, 32)))
        with pytest.raises(ValueError, match="cannot write to .*run: it holds 00007.png, which"):
            paint(steps=2)
        assert (folder / "00007.png").exists()

    @pytest.mark.parametrize("resume", [True, False])
    def test_a_numbered_picture_that_the_run_has_not_painted_stays(self, resume, paint, tmp_path):
        paint(steps=4, save_every=2)
        mine = tmp_path / "run" / "00003.png"
        save_image(mine, noise_image((22, 32)))
        with pytest.raises(ValueError, match="it holds 00003.png, which its run has not painted"):
            paint(steps=6, save_every=2, resume=resume)
        assert mine.exists()

    def test_pictures_with_other_names_are_nobodys(self, paint, tmp_path):
        (tmp_path / "run").mkdir()
        for name in ("7.png", "2024.png", "000002.png"):
            save_image(tmp_path / "run" / name, noise_image((22, 32)))
        paint(steps=2)
        paint(steps=2)
        assert len(list((tmp_path / "run").glob("*.png"))) == 4

    def test_a_state_that_does_not_tell_its_pictures_goes_on(self, paint, tmp_path):
        paint(steps=4, save_every=2)
        path = tmp_path / "run" / STATE
        with np.load(path) as file:
            state = {name: file[name] for name in file if name != "pictures"}
        np.savez(path, **state)
        assert paint(steps=6, save_every=2, resume=True).evaluations == 6

    def test_a_second_run_that_comes_meanwhile_is_refused(self, paint, tmp_path):
        said = []

        def second(evaluation, losses, x):
            if evaluation == 2:  # before anything is saved
                with pytest.raises(ValueError) as error:
                    paint(seed=1)
                said.append(str(error.value))

        first = paint(callback=second)
        assert said == [
            f"cannot write to {tmp_path / 'run'}: another run is writing to it; "
            "choose another folder"
        ]
        assert first.status == "finished"
        np.testing.assert_array_equal(load_image(tmp_path / "run" / "00012.png"), first.image)
        assert paint().status == "finished"  # the folder is free again

    def test_a_run_that_came_and_went_meanwhile_keeps_its_folder(self, paint, tmp_path):
        late = []

        def come(folder, settings, *options):
            late.append(Checkpoints(folder, settings | {"seed": 1}, 50))
            return Checkpoints(folder, settings, *options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("stylelib.runs.run.Checkpoints", come)
            paint(steps=2)
        with pytest.raises(ValueError, match="it holds another run, seed 0, got 1"):
            late[0].open()
        assert {path.name for path in (tmp_path / "run").iterdir()} == {"00002.png", STATE}

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("x" * 300, "cannot write to .*…x*: File name too long"),
            ("a\0b", "cannot write to .*: embedded null byte"),
            ("", "expected a path, got ''"),
        ],
    )
    def test_a_name_that_no_folder_can_have(self, name, message, paint, tmp_path, monkeypatch):
        monkeypatch.setattr("stylelib.runs.run.VGG", pytest.fail)
        folder = str(tmp_path / name) if name else ""
        with pytest.raises(ValueError, match=message):
            paint(folder=folder)

    def test_a_picture_that_a_killed_run_did_not_get_to_is_made_up_for(self, paint, tmp_path):
        paint(steps=2, save_every=2)
        (tmp_path / "run" / "00002.png").unlink()
        paint(steps=4, save_every=2, resume=True)
        assert load_image(tmp_path / "run" / "00002.png").shape == (22, 32, 3)

    def test_other_weights_under_the_same_name_are_other_settings(self, paint, tmp_path):
        path = tmp_path / "own.npz"
        for seed in (1, 2):
            write_weights(path, seed)
            if seed == 1:
                paint(steps=2, weights=path)
        with pytest.raises(ValueError, match="run, weights sha256 [0-9a-f]{12}, got"):
            paint(steps=4, weights=path, resume=True)

    def test_a_folder_in_the_home_folder(self, paint, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        paint(steps=2, folder="~/there")
        assert {"00002.png", STATE} == {path.name for path in (tmp_path / "there").iterdir()}
        assert paint(steps=3, folder="~/there", resume=True).evaluations == 3
        assert not (tmp_path / "~").exists()

    def test_a_run_whose_settings_have_their_former_names_goes_on(self, paint, tmp_path):
        paint(steps=2)
        path = tmp_path / "run" / STATE
        with np.load(path) as file:
            state = dict(file)
        settings = str(state["settings"])
        for former, name in ALIASES.items():
            assert f'"{name}"' in settings
            settings = settings.replace(f'"{name}"', f'"{former}"')
        np.savez(path, **state | {"settings": np.array(settings)})
        assert paint(resume=True, steps=4).evaluations == 4

    def test_only_leftovers_of_a_killed_run_are_removed(self, paint, tmp_path):
        folder = tmp_path / "run"
        folder.mkdir()
        for name in (STATE, "00007.png"):
            (folder / f".stylelib-{name}-{'0' * 32}.tmp").write_text("half")
        (folder / ".notes.tmp").write_text("mine")
        with atomic_write(folder / "sunset.png"):  # of somebody who saves a picture just now
            paint(steps=2)
        assert [path.name for path in folder.glob(".*")] == [".notes.tmp"]
        assert (folder / "sunset.png").exists()

    def test_a_run_without_weights_leaves_no_folder(self, paint, tmp_path):
        (tmp_path / "mine.npz").write_text("no weights")
        with pytest.raises(ValueError, match=r"cannot read .*mine\.npz"):
            paint(weights=tmp_path / "mine.npz")
        assert not (tmp_path / "run").exists()

    def test_a_run_that_does_not_fit_leaves_no_folder(self, paint, tmp_path, monkeypatch):
        monkeypatch.setattr("stylelib.runs.memory.available_memory", lambda: 0)
        with pytest.raises(ValueError, match="of free memory"):
            paint()
        assert not (tmp_path / "run").exists()

    def test_save_every_must_be_a_number_of_evaluations(self, paint):
        with pytest.raises(ValueError, match="expected save_every as a whole number of at least 1"):
            paint(save_every=0)

    def test_saving_needs_a_folder(self, paint):
        with pytest.raises(ValueError, match="expected a folder for the run, got none"):
            paint(folder=None)

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"text", None])
    def test_a_broken_state_is_one_clear_error(self, content, paint, tmp_path):
        paint(steps=2)
        state = tmp_path / "run" / STATE
        whole = state.read_bytes()
        state.write_bytes(whole[: len(whole) // 2] if content is None else content)
        with pytest.raises(ValueError, match=r"cannot read .*state\.npz: expected the state of a"):
            paint(resume=True, steps=4)

    @pytest.mark.parametrize(
        ("name", "value", "reason"),
        [
            ("best", None, "it lacks best"),
            ("settings", "[]", ""),
            ("settings", "{}", ""),
            ("history", 1, "its history is int64 of shape"),
            ("history", [["a"] * 4], "its history is <U1 of shape"),
            ("history", [[1.0] * 3], r"its history is float64 of shape \(1, 3\)"),
            ("best", 1, "its best is int64 of shape"),
            ("best", [[[[np.nan] * 3]]], "it holds NaN or infinity"),
            ("seconds", "x", "its seconds is <U1 of shape"),
            ("finished", [True, False], r"its finished is bool of shape \(2,\)"),
            ("stage_starts", np.zeros(0, int), r"its stages begin after \[\] of 2 evaluations"),
            ("stage_starts", [0, 9], r"its stages begin after \[0, 9\] of 2 evaluations"),
        ],
    )
    def test_a_state_of_another_kind_is_one_clear_error(self, name, value, reason, paint, tmp_path):
        paint(steps=2)
        path = tmp_path / "run" / STATE
        with np.load(path) as file:
            state = dict(file)
        del state[name]
        np.savez(path, **state if value is None else state | {name: np.array(value)})
        message = rf"cannot read .*: expected the state of a run: {reason}"
        with pytest.raises(ValueError, match=message):
            paint(resume=True, steps=4)

    @pytest.mark.parametrize("value", [np.zeros((2, 2)), np.array("x")])
    def test_an_optimizer_of_another_kind_is_one_clear_error(self, value, paint, tmp_path):
        paint(steps=2, optimizer="adam")
        path = tmp_path / "run" / STATE
        with np.load(path) as file:
            state = dict(file)
        np.savez(path, **state | {"iteration 1": value})
        with pytest.raises(ValueError, match="cannot resume: expected iteration 1 of shape"):
            paint(resume=True, steps=4, optimizer="adam")
        np.savez(path, **{name: state[name] for name in state if "momentum" not in name})
        with pytest.raises(ValueError, match="cannot resume: expected .*momentum.*, got none"):
            paint(resume=True, steps=4, optimizer="adam")

    def test_layers_in_the_other_spelling_are_the_same_run(self, paint):
        paint(steps=2, content_layers=["block2_conv2"])
        assert paint(steps=3, resume=True, content_layers=["conv2_2"]).evaluations == 3

    def test_a_folder_that_cannot_be_is_refused_before_the_run(self, paint, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(ValueError, match="cannot write to"):
            paint(folder=tmp_path / "file", callback=pytest.fail)

    @pytest.mark.parametrize(
        ("fitting", "evaluations", "reason"),
        [
            (2, 10, "cannot write {}/state.npz: No space left on device, at evaluation 10"),
            pytest.param(
                3, 10, "cannot write {}/00010.png: No space left on device, at evaluation 10",
                marks=pytest.mark.slow,
            ),
            pytest.param(
                4, 12,
                "all 12 evaluations done; cannot write {}/state.npz: No space left on device",
                marks=pytest.mark.slow,
            ),
        ],
    )  # fmt: skip
    def test_a_full_disk_ends_the_run_and_keeps_the_last_state_and_the_best_picture(
        self, fitting, evaluations, reason, paint, tmp_path, monkeypatch
    ):
        left = iter(range(fitting))  # files: a state and a picture for each save

        def full(descriptor):
            if next(left, None) is None:
                raise OSError(28, "No space left on device")

        monkeypatch.setattr("stylelib._utils.files.os.fsync", full)
        result = paint(optimizer="adam")
        assert result.evaluations == evaluations
        assert result.stop_reason == reason.format(tmp_path / "run")
        assert result.image.shape == (22, 32, 3)
        monkeypatch.undo()
        assert not list((tmp_path / "run").glob(".*"))
        assert paint(optimizer="adam", resume=True).evaluations == 12


class TestCommandLine:
    def arguments(self, tmp_path, image, optimizer, *more):
        for name in ("content.png", "style.png"):
            save_image(tmp_path / name, image)
        recipe = ("--recipe", "gatys2015", "--size", "32", "--optimizer", optimizer)
        precision = ("--precision", "float32")  # other processes do not see the fixture `float32`
        paths = (str(tmp_path / name) for name in ("content.png", "style.png"))
        return ["transfer", *paths, "-o", str(tmp_path / "out.png"), *recipe, *precision, *more]

    @pytest.mark.usefixtures("either_network")
    def test_save_every_and_resume(self, tmp_path, content_image, capsys):
        run = self.arguments(tmp_path, content_image, "adam", "--save-every", "2")
        assert main([*run, "--steps", "4"]) == 0
        folder = tmp_path / "out.run"
        assert {path.name for path in folder.iterdir()} == {"00002.png", "00004.png", STATE}
        capsys.readouterr()
        assert main([*run, "--steps", "6", "--resume", str(folder)]) == 0
        assert "83 %  evaluation 5 of 6" in capsys.readouterr().err
        assert main([*run, "--steps", "6", "--resume", str(tmp_path)]) == 2
        assert "cannot resume: there is no" in capsys.readouterr().err

    @pytest.mark.slow
    @pytest.mark.skipif("forkserver" not in get_all_start_methods(), reason="no fork here")
    @pytest.mark.parametrize(("optimizer", "kills"), [("adam", 20), ("lbfgs", 5)])
    def test_a_run_survives_kills(self, optimizer, kills, tmp_path, content_image, random):
        """SIGKILL at random moments; each time the next process goes on where the last one was."""
        context = get_context("forkserver")  # whose processes need not import TensorFlow each time
        context.set_forkserver_preload(["stylelib.cli", "stylelib.training"])
        folder = tmp_path / "out.run"
        layers = ("--style-layers", "conv1_1", "--content-layers", "conv1_2")
        save = ("--steps", "5000", "--save-every", "1")
        run = self.arguments(tmp_path, content_image, optimizer, *layers, *save)
        reached = [0]
        for _ in range(kills):
            resume = ["--resume", str(folder)] if reached[-1] else []
            process = context.Process(target=main, args=([*run, *resume],), daemon=True)
            process.start()
            while process.is_alive() and _evaluations(folder) <= reached[-1]:
                time.sleep(0.02)
            time.sleep(random.uniform(0, 0.2))
            process.kill()
            process.join()
            assert process.exitcode == -signal.SIGKILL
            reached.append(_evaluations(folder))
            assert reached[-1] > reached[-2]
            for picture in folder.glob("*.png"):
                assert load_image(picture).shape == (22, 32, 3)
                if int(picture.stem) < reached[-1] - 2:
                    picture.unlink()  # seen; there would be thousands in the end
        with np.load(folder / STATE) as state:
            history = state["history"][:, 0]
        if optimizer == "lbfgs":  # goes on from the best picture
            for first in reached[1:-1]:
                assert history[first] == history[:first].min()
            return
        arguments = [str(tmp_path / name) for name in ("content.png", "style.png")]
        options = {"size": 32, "optimizer": "adam", "steps": len(history)}
        options |= {"style_layers": ["conv1_1"], "content_layers": ["conv1_2"]}
        whole = transfer(*arguments, recipe="gatys2015", **options)
        np.testing.assert_array_equal(history, whole.history["total"])


def _evaluations(folder):
    """How far the state in a folder has come; whoever reads it must never find half of it."""
    if not (folder / STATE).exists():
        return 0
    with np.load(folder / STATE) as state:
        return len(state["history"])

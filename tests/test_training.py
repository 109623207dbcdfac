import asyncio
import fractions
import functools
import json
import logging

import numpy as np
import pytest

from stylelib import training
from stylelib._utils.tensorflow import keras, tf
from stylelib.losses import content_loss, style_layer_loss, total_variation_loss
from stylelib.preprocessing import deprocess, noise_image, pixel_bounds, preprocess
from stylelib.recipes.optimizers import CLIPPINGS, OptimizerSettings
from stylelib.recipes.published import RECIPES
from stylelib.recipes.recipe import LOSSES, POSTPROCESSES
from stylelib.training import Objective, Result, StopRun, minimize, train_step
from stylelib.vgg.network import VGG
from tests.quadratic import Quadratic

CONTENT_LAYERS, STYLE_LAYERS = ("conv2_2",), ("conv1_1", "conv2_1", "conv3_1")
RECIPE = RECIPES["gatys2015"].replace(
    content_layers=CONTENT_LAYERS,
    style_layers=STYLE_LAYERS,
    layer_weights=(0.5, 0.25, 0.25),
    tv_weight=0.1,
)


@pytest.fixture(scope="module")
def vgg():
    return VGG([*STYLE_LAYERS, *CONTENT_LAYERS], pooling="average")


@pytest.fixture(scope="module")
def objective(vgg, content_image, style_image):
    return Objective(vgg, RECIPE, content_image, style_image)


@pytest.fixture
def start(content_image):
    return preprocess(noise_image(content_image.shape[:2]))


class TestObjective:
    def test_losses_are_the_weighted_terms(self, objective, vgg, content_image, style_image, start):
        F, P, S = vgg(start), vgg(preprocess(content_image)), vgg(preprocess(style_image))
        content = RECIPE.content_weight * content_loss(F["conv2_2"], P["conv2_2"])
        style = RECIPE.style_weight * sum(
            weight * style_layer_loss(F[layer], S[layer])
            for layer, weight in zip(STYLE_LAYERS, RECIPE.layer_weights, strict=True)
        )
        variation = RECIPE.tv_weight * total_variation_loss(start)
        losses, _ = objective.loss_and_gradient(start)
        assert tuple(losses) == LOSSES
        for name, expected in zip(
            LOSSES, (content + style + variation, content, style, variation), strict=True
        ):
            np.testing.assert_allclose(losses[name], expected, rtol=1e-4)

    def test_the_gradient_equals_finite_differences(self, objective, start, random):
        _, gradient = objective.loss_and_gradient(start)
        direction = gradient / tf.norm(gradient)
        step = 3.0
        up, down = (objective.losses(start + sign * step * direction)["total"] for sign in (1, -1))
        np.testing.assert_allclose((up - down) / (2 * step), tf.norm(gradient), rtol=1e-2)

    def test_many_objectives_are_no_reason_for_a_warning(self, content_image, style_image):
        shallow = {"style_layers": ["conv1_1"], "content_layers": ["conv1_1"]}
        vgg, recipe = VGG(["conv1_1"]), RECIPE.replace(layer_weights=None, **shallow)
        messages = []
        handler = logging.Handler()
        handler.emit = lambda record: messages.append(record.getMessage())
        tf.get_logger().addHandler(handler)
        try:
            for _ in range(6):
                objective = Objective(vgg, recipe, content_image, style_image)
                objective.loss_and_gradient(preprocess(content_image))
        finally:
            tf.get_logger().removeHandler(handler)
        assert messages == []

    def test_targets_are_computed_once(self, vgg, content_image, style_image, start):
        calls = []

        class Counting:
            layers = vgg.layers

            def __call__(self, x):
                calls.append(tuple(x.shape))
                return vgg(x)

        objective = Objective(Counting(), RECIPE, content_image, style_image)
        for _ in range(3):
            objective.loss_and_gradient(start)
        content, style = ((1, *image.shape) for image in (content_image, style_image))
        assert calls == [content, style, tuple(start.shape)]  # the last one while compiling

    def test_each_size_is_compiled_once(self, vgg, style_image):
        style_only = Objective(vgg, RECIPE.replace(content_weight=0), None, style_image)
        for size in ((32, 32), (48, 32), (32, 32), (48, 32)):
            style_only.loss_and_gradient(preprocess(noise_image(size)))
        assert style_only._compiled.experimental_get_tracing_count() == 2

    def test_the_paper_s_equal_layer_weights_are_the_default(self, vgg, content_image, style_image):
        recipe = RECIPE.replace(layer_weights=None)
        equal = RECIPE.replace(layer_weights=[1 / 3] * 3)
        x = preprocess(content_image)
        one, other = (
            Objective(vgg, r, content_image, style_image).losses(x)["style"]
            for r in (recipe, equal)
        )
        assert float(one) == pytest.approx(float(other))

    def test_a_term_of_weight_0_needs_no_image(self, vgg, style_image):
        recipe = RECIPE.replace(content_weight=0, tv_weight=0)
        objective = Objective(vgg, recipe, style_image=style_image)
        losses, _ = objective.loss_and_gradient(preprocess(noise_image((32, 40))))
        assert float(losses["content"]) == float(losses["tv"]) == 0
        assert float(losses["total"]) == float(losses["style"]) > 0

    def test_either_spelling_will_do(self, vgg, content_image, style_image, start):
        keras_names = {"content_layers": ["block2_conv2"], "style_layers": ["block1_conv1"]}
        paper_names = {"content_layers": ["conv2_2"], "style_layers": ["conv1_1"]}
        totals = [
            Objective(vgg, RECIPE.replace(layer_weights=None, **names), content_image, style_image)
            .losses(start)["total"]
            .numpy()
            for names in (keras_names, paper_names)
        ]
        assert totals[0] == totals[1]

    def test_what_is_missing_is_named(self, vgg, content_image, style_image):
        with pytest.raises(ValueError, match="expected a style image"):
            Objective(vgg, RECIPE, content_image)
        with pytest.raises(ValueError, match="expected a content image"):
            Objective(vgg, RECIPE, style_image=style_image)
        with pytest.raises(ValueError, match=r"\['conv5_1'\] missing"):
            Objective(vgg, RECIPE.replace(content_layers=["conv5_1"]), content_image, style_image)


class TestTrainStep:
    def test_one_step_of_sgd_is_the_gradient_within_the_bounds(self, objective, start):
        losses, gradient = objective.loss_and_gradient(start)
        x = tf.Variable(start)
        rate = 1e-3
        returned = train_step(objective, x, keras.optimizers.SGD(learning_rate=rate))
        expected = np.clip(start - rate * gradient, *pixel_bounds())
        np.testing.assert_allclose(x, expected, atol=1e-3)
        assert float(returned["total"]) == float(losses["total"])

    def test_a_huge_step_stays_within_the_bounds(self, objective, start):
        x = tf.Variable(start)
        train_step(objective, x, keras.optimizers.SGD(learning_rate=1e6))
        lower, upper = pixel_bounds()
        assert np.all(x.numpy() >= lower)
        assert np.all(x.numpy() <= upper)


OPTIMIZERS = ["lbfgs", "adam", "sgd", keras.optimizers.Adam]


class Undecided:
    def __bool__(self):
        raise ValueError("neither true nor false")


class Outcome(BaseException):
    """Such as that of a test, or of another kind of tasks."""


def stop_at_3(evaluation, losses, x):
    if evaluation == 3:
        raise StopRun


class TestMinimize:
    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_the_loss_falls_and_everything_is_recorded(self, optimizer, objective, start):
        seen = []
        optimizer = optimizer if isinstance(optimizer, str) else optimizer(learning_rate=5.0)
        result = minimize(
            objective, start, optimizer, steps=6,
            callback=lambda *arguments: seen.append(arguments), learning_rate=None,
        )  # fmt: skip
        assert result.evaluations == 6
        assert result.stop_reason == "all 6 evaluations done"
        assert result.seconds > 0
        assert tuple(result.history) == LOSSES
        total = result.history["total"]
        assert len(total) == 6
        assert total[-1] < total[0]
        parts = sum(result.history[name] for name in LOSSES[1:])
        np.testing.assert_allclose(total, parts, rtol=1e-5)
        assert [evaluation for evaluation, _, _ in seen] == [1, 2, 3, 4, 5, 6]
        assert [losses["total"] for _, losses, _ in seen] == total.tolist()
        best = int(np.argmin(total))
        np.testing.assert_array_equal(result.image, deprocess(seen[best][2]))
        np.testing.assert_array_equal(seen[0][2], start)
        assert result.settings["steps"] == 6
        assert json.loads(json.dumps(result.settings))["optimizer"]

    @pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
    def test_same_seed_same_bytes(self, optimizer, objective, start):
        first, second = (minimize(objective, start, optimizer, steps=5) for _ in range(2))
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_array_equal(first.history["total"], second.history["total"])

    def test_lbfgs_finds_a_minimum_on_the_bounds(self, random):
        lower, upper = pixel_bounds()
        target = random.uniform(-300, 300, (1, 6, 5, 3)).astype(np.float32)  # some out of reach
        stiffness = random.uniform(0.1, 10, target.shape).astype(np.float32)
        start = preprocess(noise_image((6, 5)))
        seen = []
        minimize(
            Quadratic(target, stiffness),
            start,
            steps=80,
            callback=lambda n, losses, x: seen.append((losses["total"], x)),
        )
        best = min(seen, key=lambda pair: pair[0])[1]
        np.testing.assert_allclose(best, np.clip(target, lower, upper), atol=2)
        assert all(np.all(x >= lower) and np.all(x <= upper) for _, x in seen)

    @pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
    def test_the_size_of_the_loss_does_not_stop_lbfgs_early(self, size, random):
        target = random.uniform(-100, 100, (1, 6, 5, 3)).astype(np.float32)
        stiffness = size * np.logspace(0, 3, target.size, dtype=np.float32).reshape(target.shape)
        result = minimize(Quadratic(target, stiffness), preprocess(noise_image((6, 5))), steps=40)
        assert result.evaluations == 40
        assert result.history["total"][-1] < 1e-3 * result.history["total"][0]

    @pytest.mark.parametrize("size", [1e-3, 1e3])
    def test_the_size_of_the_loss_changes_no_step_of_adam(self, size, random):
        """Adam's epsilon is far below the gradients of every loss that is not tiny."""
        target = random.uniform(-100, 100, (1, 6, 5, 3)).astype(np.float32)
        start = preprocess(noise_image((6, 5)))
        one, other = (
            minimize(Quadratic(target, np.float32(s)), start, "adam", steps=10).image
            for s in (1.0, size)
        )
        assert np.abs(one.astype(int) - other).max() <= 1

    def test_one_call_keeps_the_curvature(self, monkeypatch, objective, start):
        calls = []
        original = training.scipy.optimize.fmin_l_bfgs_b
        monkeypatch.setattr(
            training.scipy.optimize,
            "fmin_l_bfgs_b",
            lambda *arguments, **options: calls.append(options) or original(*arguments, **options),
        )
        minimize(objective, start, steps=30)
        assert len(calls) == 1

    def test_at_the_minimum_lbfgs_says_so(self, start):
        result = minimize(Quadratic(start), start, steps=50)
        assert result.stop_reason == "converged at evaluation 1: the loss falls no further"
        assert result.evaluations == 1
        np.testing.assert_array_equal(result.image, deprocess(start))

    @pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
    def test_ctrl_c_keeps_the_best_picture(self, optimizer, objective, start):
        def interrupt(evaluation, losses, x):
            if evaluation == 4:
                raise KeyboardInterrupt

        result = minimize(objective, start, optimizer, steps=50, callback=interrupt)
        assert result.stop_reason == "interrupted at evaluation 4"
        assert result.evaluations == len(result.history["total"]) == 4
        assert (result.image != deprocess(start)).any()

    @pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_loss_that_is_no_number_ends_the_run(self, optimizer, value, start):
        class Breaking(Quadratic):
            def loss(self, loss):
                return tf.constant(value) if len(seen) == 2 else loss

        target = preprocess(noise_image(start.shape[1:3], seed=5))
        seen = []
        result = minimize(
            Breaking(target), start, optimizer, callback=lambda n, l, x: seen.append((l, x))
        )
        assert result.stop_reason == "the content loss was no finite number at evaluation 3"
        assert result.evaluations == 3
        best = min(seen, key=lambda pair: pair[0]["total"])[1]
        np.testing.assert_array_equal(result.image, deprocess(best))

    def test_a_first_loss_that_is_no_number_gives_the_start(self, start):
        result = minimize(Quadratic(start, np.nan), start, steps=5)
        assert result.evaluations == 1
        np.testing.assert_array_equal(result.image, deprocess(start))

    @pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
    def test_the_callback_can_stop(self, optimizer, objective, start):
        result = minimize(objective, start, optimizer, 50, stop_at_3)
        assert result.stop_reason == "stopped by the callback at evaluation 3"
        assert result.evaluations == 3

    @pytest.mark.parametrize(
        "returned", [True, np.ones((2, 2)), "stop", StopRun, StopRun(), Undecided(), 3.0]
    )
    def test_what_the_callback_returns_does_not_matter(self, returned, start):
        result = minimize(Quadratic(start + 1), start, "adam", 2, lambda *arguments: returned)
        assert result.status == "finished"

    @pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, StopIteration, MemoryError])
    @pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
    def test_an_error_in_the_callback_loses_no_picture(self, error, optimizer, start, caplog):
        def callback(evaluation, losses, x):
            if evaluation == 3:
                raise error("such\nas this " + "x" * 10_000)

        result = minimize(Quadratic(start + 9), start, optimizer, 50, callback)
        whole = minimize(Quadratic(start + 9), start, optimizer, 3)
        assert result.status == "failed"
        what = f"the callback raised {error.__name__} at evaluation 3: such as this x"
        assert result.stop_reason.startswith(what)
        assert len(result.stop_reason) < 160
        assert what in caplog.text and "Traceback" in caplog.text
        np.testing.assert_array_equal(result.image, whole.image)

    def test_a_run_whose_callback_failed_can_go_on(self, start):
        class States:
            state, save_every = None, 50

            def save(self, state):
                self.state = state

        def callback(*arguments):
            raise OSError("such as of a full disk")

        states = States()
        assert minimize(Quadratic(start + 9), start, "adam", 5, callback,
                        checkpoints=states).status == "failed"  # fmt: skip
        assert not states.state["finished"]
        longer = minimize(Quadratic(start + 9), start, "adam", 5, checkpoints=states)
        assert (longer.status, longer.evaluations) == ("finished", 5)
        with pytest.raises(ValueError, match="expected at least 5 steps, as many as the run has"):
            minimize(Quadratic(start + 9), start, "adam", 4, checkpoints=states)

    @pytest.mark.parametrize("callback", ["print", 3, np.zeros(2), [print]], ids=range(4))
    def test_what_is_no_function_is_refused(self, callback, start):
        with pytest.raises(ValueError, match="expected callback as a function, got"):
            minimize(Quadratic(start), start, callback=callback)

    def test_callbacks_that_would_never_run_are_refused(self, start):
        async def asynchronous(*arguments):
            pass

        def generator(*arguments):
            yield

        async def both(*arguments):
            yield

        class Object:
            async def __call__(self, *arguments):
                pass

        for callback in (asynchronous, generator, both, Object(), functools.partial(generator)):
            with pytest.raises(ValueError, match="runs when it is called, got one with async or"):
                minimize(Quadratic(start), start, callback=callback)

    @pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
    @pytest.mark.parametrize("end", [SystemExit, GeneratorExit, asyncio.CancelledError, Outcome])
    def test_what_ends_more_than_the_run_goes_through(self, end, optimizer, start):
        saved = []

        class States:
            state, save_every, save = None, 50, saved.append

        def callback(evaluation, losses, x):
            if evaluation == 3:
                raise end

        with pytest.raises(end):
            minimize(Quadratic(start + 9), start, optimizer, 50, callback, checkpoints=States)
        assert [len(state["history"]) for state in saved] == [2]

    @pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
    def test_the_callback_may_change_what_it_is_given(self, optimizer, start):
        def callback(evaluation, losses, x):
            x[:] = 0
            losses.clear()

        changed = minimize(Quadratic(start + 9), start, optimizer, 4, callback)
        whole = minimize(Quadratic(start + 9), start, optimizer, 4)
        np.testing.assert_array_equal(changed.image, whole.image)
        np.testing.assert_array_equal(changed.history["total"], whole.history["total"])

    @pytest.mark.parametrize(
        "steps", [np.int64(2), np.uint8(2), np.array(2), tf.constant(2)], ids=range(4)
    )
    def test_settings_are_ready_for_json(self, steps, start):
        rates = [np.float32(2), np.array(2.0), fractions.Fraction(2)]
        for rate in rates:
            result = minimize(Quadratic(start), start, "adam", steps, learning_rate=rate)
            settings = json.loads(json.dumps(result.settings))
            assert (settings["learning_rate"], settings["steps"]) == (2.0, 2)

    @pytest.mark.parametrize(
        ("optimizer", "options"),
        [
            ("adam", {"learning_rate": 40.0, "beta_1": 0.5, "epsilon": 1.0, "decay": 0.1}),
            ("adam", {"clipping": "rounds", "restart_every": 2, "clip_limit": 9.0}),
            ("lbfgs", {"history_size": 1, "postprocess": "stretch"}),
            (keras.optimizers.Adam, {}),
        ],
    )
    def test_the_settings_are_all_that_is_needed_to_do_it_again(self, optimizer, options, start):
        objective = Quadratic(start + 99, np.linspace(0.1, 9, start.shape[2])[:, np.newaxis])
        one = optimizer if isinstance(optimizer, str) else optimizer(33.0, beta_1=0.5)
        result = minimize(objective, start, one, steps=7, **options)
        settings = json.loads(json.dumps(result.settings))
        if not isinstance(optimizer, str):
            settings["optimizer"] = keras.optimizers.deserialize(settings["optimizer"])
        again = minimize(objective, start, **settings)
        np.testing.assert_array_equal(again.image, result.image)
        np.testing.assert_array_equal(again.history["total"], result.history["total"])

    def test_the_status_says_how_it_ended(self, start):
        class Broken:
            state, save_every = None, 1

            def save(self, state):
                raise OSError(28, "No space left on device")

        class Uphill(Quadratic):
            def loss_and_gradient(self, x):
                losses, gradient = super().loss_and_gradient(x)
                return losses, -gradient

        def interrupt(*arguments):
            raise KeyboardInterrupt

        far = Quadratic(start + 1)
        ends = {
            "finished": minimize(far, start, "adam", 2),
            "converged": minimize(Quadratic(start), start),
            "stalled": minimize(Uphill(start + 1), start),
            "stopped": minimize(far, start, callback=stop_at_3),
            "failed": minimize(far, start, callback=lambda: None),
            "interrupted": minimize(far, start, callback=interrupt),
            "diverged": minimize(Quadratic(start, np.nan), start),
            "unsaved": minimize(far, start, "sgd", checkpoints=Broken()),
        }
        assert {name: result.status for name, result in ends.items()} == {n: n for n in ends}
        assert all(f'``"{status}"``' in Result.__doc__ for status in ends)

    def test_settings_may_come_as_one_object(self, objective, start):
        settings = OptimizerSettings("adam", learning_rate=2.0, beta_1=0.5)
        first = minimize(objective, start, settings, 3, clipping="never")
        other = {"learning_rate": 2.0, "beta_1": 0.5, "clipping": "never"}
        np.testing.assert_array_equal(
            first.history["total"], minimize(objective, start, "adam", 3, **other).history["total"]
        )

    def test_a_losses_history_has_a_type_and_a_length(self, objective, start):
        history = minimize(objective, start, steps=3).history
        assert {(losses.dtype, losses.shape) for losses in history.values()} == {
            (np.dtype(np.float64), (3,))
        }

    def test_wrong_options_are_refused(self, objective, start):
        with pytest.raises(ValueError, match="expected optimizer lbfgs, adam or sgd"):
            minimize(objective, start, "adagrad")
        with pytest.raises(ValueError, match="expected steps as a whole number"):
            minimize(objective, start, steps=0)
        with pytest.raises(ValueError, match=r"as an object, such as Adam\(\), got the class Adam"):
            minimize(objective, start, keras.optimizers.Adam)
        with pytest.raises(ValueError, match="expected an objective, see Objective, got None"):
            minimize(None, start)
        for optimizer in ("lbfgs", keras.optimizers.Adam()):
            with pytest.raises(ValueError, match="expected learning_rate only with"):
                minimize(objective, start, optimizer, learning_rate=1.0)
        with pytest.raises(ValueError, match="expected learning_rate as a number above 0"):
            minimize(objective, start, "adam", learning_rate=0)
        with pytest.raises(ValueError, match="did you mean 'learning_rate'"):
            minimize(objective, start, "adam", learning_rat=1.0)

    def test_an_optimizer_serves_one_run(self, start):
        adam = keras.optimizers.Adam(5.0)
        assert minimize(Quadratic(start + 9), start, adam, 2).status == "finished"
        for other in (start, start[:, :-1]):
            with pytest.raises(ValueError, match="that was not used yet, got a used Adam"):
                minimize(Quadratic(other + 9), other, adam, 2)

    @pytest.mark.parametrize(
        ("change", "got"),
        [
            (lambda x: tf.cast(x, tf.int32), r"got int32 of shape \(1, 43, 64, 3\)"),
            (lambda x: deprocess(x), r"got uint8 of shape \(43, 64, 3\)"),
            (lambda x: x[:, :, :, :2], r"got float32 of shape \(1, 43, 64, 2\)"),
            (lambda x: "noise", r"got string of shape \(\)"),
            (lambda x: None, "got None"),
            (lambda x: object(), "got <object object"),
        ],
        ids=range(6),
    )
    def test_a_start_that_is_no_picture_in_vgg_space(self, change, got, start):
        with pytest.raises(ValueError, match=f"^expected x0 in VGG space, .* {got}") as error:
            minimize(Quadratic(start), change(start))
        assert len(str(error.value)) < 200

    def test_a_start_of_other_floats(self, start):
        whole = minimize(Quadratic(start + 9), start, steps=3)
        again = minimize(Quadratic(start + 9), start.numpy().astype(np.float64), steps=3)
        np.testing.assert_array_equal(again.image, whole.image)

    @pytest.mark.parametrize("optimizer", ["adam", "sgd"])
    @pytest.mark.parametrize("kind", [int, np.float32, np.int64])
    def test_a_learning_rate_may_be_any_kind_of_number(self, optimizer, kind, objective, start):
        result = minimize(objective, start, optimizer, 2, learning_rate=kind(2))
        assert json.dumps(result.settings)
        expected = minimize(objective, start, optimizer, 2, learning_rate=2.0)
        np.testing.assert_array_equal(result.image, expected.image)

    def test_lbfgs_remembers_ten_steps_or_as_many_as_it_is_told(self, objective, start):
        histories = [
            minimize(objective, start, steps=12, history_size=size).history["total"]
            for size in (None, 10, 1)
        ]
        np.testing.assert_array_equal(histories[0], histories[1])
        assert (histories[1] != histories[2]).any()
        with pytest.raises(ValueError, match="expected history_size only with optimizer lbfgs"):
            minimize(objective, start, "adam", history_size=5)

    def test_a_learning_rate_is_used(self, objective, start):
        rates = (None, 5.0, 1.0)
        images = [minimize(objective, start, "adam", 3, learning_rate=r).image for r in rates]
        np.testing.assert_array_equal(images[0], images[1])
        assert (images[1] != images[2]).any()

    def test_a_line_search_that_finds_nothing_says_so(self, start):
        class Uphill(Quadratic):
            def loss_and_gradient(self, x):
                losses, gradient = super().loss_and_gradient(x)
                return losses, -gradient

        result = minimize(Uphill(start + 1), start, steps=100)
        assert result.stop_reason.startswith("the line search found no lower loss at")


class TestRounds:
    def test_lbfgs_starts_afresh_with_each_round(self, monkeypatch, objective, start):
        calls = []
        original = training.scipy.optimize.fmin_l_bfgs_b
        monkeypatch.setattr(
            training.scipy.optimize,
            "fmin_l_bfgs_b",
            lambda *arguments, **options: calls.append(1) or original(*arguments, **options),
        )
        result = minimize(objective, start, steps=11, restart_every=4)
        assert len(calls) == 3
        assert result.evaluations == 11
        assert result.history["total"][-1] < result.history["total"][0]

    def test_a_round_goes_on_where_the_last_one_was_best(self, objective, start):
        seen = []
        minimize(
            objective, start, steps=12, restart_every=6,
            callback=lambda n, losses, x: seen.append((losses["total"], x)),
        )  # fmt: skip
        best = min(seen[:6], key=lambda pair: pair[0])[1]
        np.testing.assert_array_equal(seen[6][1], best)

    def test_a_round_that_ends_early_hands_on(self, start):
        """A line search that fails in one round need not fail in the next."""

        class Moody(Quadratic):
            def loss_and_gradient(self, x):
                losses, gradient = super().loss_and_gradient(x)
                evaluations.append(1)
                return losses, -gradient if 4 < len(evaluations) < 30 else gradient

        evaluations = []
        stiffness = np.logspace(0, 3, int(np.prod(start.shape)), dtype=np.float32)
        moody = Moody(start + 50, stiffness.reshape(start.shape))
        result = minimize(moody, start, steps=90, restart_every=45)
        assert result.evaluations > 30
        assert result.history["total"][-1] < result.history["total"][4]

    @pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
    def test_clipping(self, optimizer, random):
        target = random.uniform(-300, 300, (1, 6, 5, 3)).astype(np.float32)
        start = preprocess(noise_image((6, 5)))
        stiffness = np.logspace(0, 1, target.size, dtype=np.float32).reshape(target.shape)
        farthest, after = {}, {}
        for clipping in CLIPPINGS:
            seen = []

            def note(evaluation, losses, x, seen=seen):
                seen.append(np.abs(x).max())

            minimize(
                Quadratic(target, stiffness), start, optimizer, 40, note,
                restart_every=20, clipping=clipping, clip_limit=150.0,
            )  # fmt: skip
            farthest[clipping], after[clipping] = max(seen[1:]), seen[20]
        assert farthest["steps"] <= 150
        assert farthest["rounds"] > 150 >= after["rounds"]
        assert after["never"] > 150

    def test_the_bounds_are_black_and_white_by_default(self, random):
        start = preprocess(noise_image((6, 5)))
        seen = []
        minimize(Quadratic(start + 500), start, callback=lambda n, losses, x: seen.append(x))
        lower, upper = pixel_bounds()
        assert all(np.all(x >= lower) and np.all(x <= upper) for x in seen)

    def test_settings_of_adam_reach_it(self, monkeypatch, objective, start):
        made = []
        original = keras.optimizers.Adam
        monkeypatch.setattr(
            training.keras.optimizers,
            "Adam",
            lambda *arguments, **options: made.append(options) or original(*arguments, **options),
        )
        minimize(objective, start, "adam", 2, beta_1=0.99, epsilon=0.1)
        assert made == [{"beta_1": 0.99, "epsilon": 0.1}]

    def test_decay_shortens_the_steps(self, start):
        seen = []
        flat = Quadratic(start + 1e4)  # so far away that the gradient hardly changes
        minimize(
            flat, start, "sgd", steps=102, learning_rate=1e-6, decay=0.5, clipping="never",
            callback=lambda n, losses, x: seen.append(x),
        )  # fmt: skip
        steps = [np.abs(seen[i + 1] - seen[i]).mean() for i in (0, 100)]
        assert steps[1] / steps[0] == pytest.approx(0.5, rel=0.1)

    def test_a_stretched_result_reaches_black_and_white(self, objective, start):
        pale = deprocess(0.5 * start)
        clipped, stretched = (
            minimize(objective, preprocess(pale), steps=1, postprocess=postprocess).image
            for postprocess in POSTPROCESSES
        )
        np.testing.assert_array_equal(clipped, pale)
        assert (stretched.min(), stretched.max()) == (0, 255)

    def test_wrong_options_are_refused(self, objective, start):
        for options in ({"restart_every": 0}, {"clipping": "often"}, {"postprocess": "magic"}):
            with pytest.raises(ValueError, match=f"expected {next(iter(options))}"):
                minimize(objective, start, **options)


def test_results_compare_as_objects_since_arrays_have_no_yes_or_no(objective, start):
    result, other = (minimize(objective, start, "adam", steps=1) for _ in range(2))
    assert result == result and result != other
    assert len({result, other}) == 2

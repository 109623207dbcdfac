"""The loop that lowers the loss of a picture; `_Run` holds the state of a run.

Every optimiser evaluates the loss through one object, `_Run`: an objective that records each
evaluation, keeps the best picture and knows when to stop. Adam and SGD repeat `train_step`; L-BFGS
is SciPy's, which decides itself what to evaluate next.
"""

import base64
import collections
import contextlib
import dataclasses
import html
import inspect
import io
import logging
import math
import re
import time
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.optimize
from PIL import Image as PillowImage

from stylelib._utils.checks import check_choice, check_count, one_line, plain, shortened, shown
from stylelib._utils.process import one_blas_thread
from stylelib._utils.tensorflow import keras, tf
from stylelib._utils.types import Array, Callback, Image
from stylelib.objective import Objective
from stylelib.preprocessing import deprocess, deprocess_stretched, pixel_bounds
from stylelib.recipes.optimizers import (
    DEFAULT_HISTORY_SIZE,
    DEFAULT_LEARNING_RATE,
    OptimizerSettings,
)
from stylelib.recipes.recipe import LOSSES, POSTPROCESSES
from stylelib.tiled_objective import TiledObjective

#: How far, in grey levels, a first step along the gradient goes where the gradient is largest.
FIRST_STEP = 10.0
#: Ends of a run, or of a stage, that has done what it was to do.
AT_ITS_END = ("finished", "converged", "stalled")

__all__ = ["Objective", "Result", "StopRun", "minimize", "train_step"]


class StopRun(Exception):
    """Raised by a callback, ends the run: what callbacks return does not matter.

    Examples
    --------
    >>> from stylelib import noise_image, transfer
    >>> def callback(evaluation, losses, x):
    ...     if evaluation == 2:
    ...         raise StopRun
    >>> transfer(noise_image((40, 60)), noise_image((40, 60)), size=32, callback=callback).status
    'stopped'
    """


@dataclasses.dataclass(frozen=True, eq=False)  # `==` on arrays gives an array, and no answer
class Result:
    """What an optimisation ends with.

    Attributes
    ----------
    image : numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB: of the pictures evaluated in the last stage of the run, the
        one with the lowest total loss.
    history : dict of str to numpy.ndarray
        ``"total"``, ``"content"``, ``"style"`` and ``"tv"``, each ``float64`` of shape
        ``(evaluations,)``: one weighted loss per evaluation.
    evaluations : int
        How often the loss and its gradient were computed.
    seconds : float
    stop_reason : str
        Why it ended, in words.
    status : str
        Why it ended, in one word for programs: ``"finished"`` (all steps are done),
        ``"converged"`` (L-BFGS: the loss falls no further), ``"stalled"`` (L-BFGS: its line search
        found no lower loss), ``"stopped"`` (the callback raised `StopRun`), ``"failed"`` (the
        callback raised any other error, of which the module's logger has the traceback; or memory
        ran out in a later stage than the first), ``"interrupted"`` (by Ctrl-C), ``"diverged"`` (a
        loss or the picture was no finite number) or ``"unsaved"`` (its state could not be saved).
    settings : dict
        All that is needed to do it again, ready for JSON: of `transfer`, with hashes of the
        pictures; of `minimize`, its own arguments by name, an optimiser of Keras' serialised.
    stage_starts : tuple of int
        Evaluations before each stage of the run, see `Stage`: where in `history` it begins.
    """

    image: Image
    history: dict[str, Array]
    evaluations: int
    seconds: float
    stop_reason: str
    status: str
    settings: dict[str, Any]
    stage_starts: tuple[int, ...] = (0,)

    def __repr__(self) -> str:
        height, width, _ = self.image.shape
        return f"<Result: {width} × {height}, {self.seconds:.0f} s, {one_line(self.stop_reason)}>"

    def _repr_html_(self):
        """The picture, and below it the text form; what a notebook shows."""
        file = io.BytesIO()
        PillowImage.fromarray(self.image).save(file, "JPEG", quality=92, subsampling=0)
        data, words = base64.b64encode(file.getvalue()).decode(), html.escape(repr(self)[9:-1])
        return (
            f'<figure><img alt="the painted picture" src="data:image/jpeg;base64,{data}">'
            f"<figcaption>{words}</figcaption></figure>"
        )


def train_step(
    objective: Objective | TiledObjective,
    x: tf.Variable,
    optimizer: keras.optimizers.Optimizer,
    bounds: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> dict[str, tf.Tensor]:
    """Take one step with a Keras optimiser, and stay within the bounds.

    `minimize` repeats it for Adam and SGD, with an objective that also records what it evaluates.
    Its default, L-BFGS, evaluates through that same objective, but there SciPy takes the steps: one
    step is a line search, which may evaluate several pictures before it accepts one, and SciPy's
    L-BFGS is a loop of its own that calls the objective and offers no single step.

    Parameters
    ----------
    objective : Objective
    x : tf.Variable
        ``float32``, ``(1, H, W, 3)``, VGG space. Changed in place.
    optimizer : keras.optimizers.Optimizer
    bounds : (lower, upper), optional
        Numbers, or one for each channel; by default `pixel_bounds`.

    Returns
    -------
    dict of str to tf.Tensor
        The weighted losses *before* the step.

    Examples
    --------
    >>> from stylelib import RECIPES, VGG, noise_image, preprocess
    >>> recipe = RECIPES["gatys2015"].replace(content_layers=["conv1_1"], style_weight=0)
    >>> objective = Objective(VGG(["conv1_1"]), recipe, content_image=noise_image((32, 32)))
    >>> x = tf.Variable(preprocess(noise_image((32, 32), seed=1)))
    >>> adam = keras.optimizers.Adam(learning_rate=5.0)
    >>> first, second = (train_step(objective, x, adam)["total"] for _ in range(2))
    >>> bool(second < first)
    True
    """
    losses, gradient = objective.loss_and_gradient(x)
    optimizer.apply_gradients([(gradient, x)])
    x.assign(tf.clip_by_value(x, *(bounds or pixel_bounds())))
    return losses


def check_callback(callback):
    """Raise a ``ValueError`` if `callback` is neither None nor a function that runs when called.

    Examples
    --------
    >>> check_callback("print")
    Traceback (most recent call last):
    ...
    ValueError: expected callback as a function, got 'print'
    """
    if callback is None:
        return
    if not callable(callback):
        raise ValueError(f"expected callback as a function, got {shown(callback)}")
    if any(is_kind(f) for is_kind in _NEVER_RUN for f in (callback, callback.__call__)):
        raise ValueError(
            "expected callback as a function that runs when it is called, got one with async or "
            f"yield: {shown(callback)}"
        )


#: Calling one of these only makes an object, which somebody else has to run.
_NEVER_RUN = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


def minimize(
    objective: Objective | TiledObjective,
    x0: tf.Tensor,
    optimizer: str | keras.optimizers.Optimizer | OptimizerSettings = "lbfgs",
    steps: int = 200,
    callback: Callback | None = None,
    *,
    postprocess: Literal["clip", "stretch"] = "clip",
    checkpoints: Any = None,
    earlier: Result | None = None,
    **settings: Any,
) -> Result:
    """Lower the loss of a picture.

    Parameters
    ----------
    objective : Objective
    x0 : tf.Tensor
        ``float32``, ``(1, H, W, 3)``, VGG space: where to start.
    optimizer : {"lbfgs", "adam", "sgd"}, keras.optimizers.Optimizer or OptimizerSettings
        ``"lbfgs"`` is SciPy's L-BFGS-B; the others go through `train_step`. One of Keras' serves
        one run.
    steps : int
        Evaluations of the loss and its gradient, for every optimiser.
    callback : callable, optional
        Called as ``callback(evaluation, losses, x)`` after each evaluation: its number from 1, the
        losses as a dict of floats, and the picture evaluated, an array in VGG space; both are its
        own copies. Where it raises `StopRun`, the run ends. What it returns does not matter.
    postprocess : {"clip", "stretch"}
        Whether the result goes through `deprocess` or `deprocess_stretched`.
    checkpoints : Checkpoints, optional
        Where the run keeps its state: ``checkpoints.save(state)`` is called after every
        ``checkpoints.save_every`` evaluations, and at the end, whatever ends the run: after Ctrl-C
        it is the state after the last whole step. A state is a dict of arrays. An ``OSError`` or
        ``ValueError``, as on a full disk, ends the run. If ``checkpoints.state`` is
        not None, the run goes on from there. All other arguments must be those of that run; only
        `steps` may be larger. With Keras' optimisers the run then takes the very steps that it
        would have taken without the break. L-BFGS goes on from the best picture and gathers its
        curvature anew, since SciPy does not hand it out.
    earlier : Result, optional
        Of the stages before this one: their evaluations count among the `steps`, and their losses
        come first in the history.
    **settings
        See `OptimizerSettings`, such as ``learning_rate=5.0``.

    Returns
    -------
    Result
        Ctrl-C, the callback, an error in it, a loss that is no longer a finite number, a state that
        cannot be saved and the optimiser itself can end the run early; `Result.status` says so, and
        `Result.image` is the best picture until then. What ends more than the run, such as
        ``sys.exit()`` or the end of a task, goes through once the state is saved.

    Raises
    ------
    ValueError
        For an unknown optimiser or setting, one of Keras' optimisers that was used before, a value
        out of range, `x0` that is no picture in VGG space, a number of steps below 1, or below
        those that the run to go on with has done.

    Examples
    --------
    >>> from stylelib import RECIPES, VGG, noise_image, preprocess
    >>> recipe = RECIPES["gatys2015"].replace(content_layers=["conv1_1"], style_weight=0)
    >>> objective = Objective(VGG(["conv1_1"]), recipe, content_image=noise_image((32, 32)))
    >>> x0 = preprocess(noise_image((32, 32), seed=1))
    >>> minimize(objective, x0, "adam", steps=3, learning_rate=2.0).status
    'finished'
    """
    steps, settings = plain(steps), plain(settings)
    check_count("steps", steps)
    check_callback(callback)
    if not hasattr(objective, "loss_and_gradient"):
        raise ValueError(f"expected an objective, see Objective, got {shown(objective)}")
    x0 = _as_start(x0)
    check_choice("postprocess", postprocess, POSTPROCESSES)
    if not isinstance(optimizer, OptimizerSettings):
        optimizer = OptimizerSettings(optimizer)
    settings = optimizer.replace(**settings)
    described = _described(settings) | {"steps": steps, "postprocess": postprocess}
    run = _Run(objective, x0, steps, settings.restart_every, callback, checkpoints, earlier)
    try:
        try:
            if settings.optimizer == "lbfgs":
                _lbfgs(run, settings)
            else:
                _repeat_train_step(run, settings)
        finally:
            run.save()
    except KeyboardInterrupt:  # also while the state is saved: no reason to lose the picture
        unsaved = f"; {run.stop_reason}" if run.status == "unsaved" else ""
        run.end_here("interrupted", "interrupted", unsaved)
    return Result(
        image=(deprocess if postprocess == "clip" else deprocess_stretched)(run.best.x),
        history=dict(zip(LOSSES, np.ascontiguousarray(run.history_array().T), strict=True)),
        evaluations=run.evaluations,
        seconds=run.seconds,
        stop_reason=run.stop_reason,
        status=run.status,
        settings=described,
        stage_starts=run.stage_starts,
    )


def _as_start(x0):
    """Turn what can be one into a picture in VGG space, and refuse what was not preprocessed."""
    expected = "expected x0 in VGG space, float32 (1, H, W, 3), see preprocess"
    try:
        x0 = tf.convert_to_tensor(x0)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{expected}; got {shown(x0)}") from error
    if not x0.dtype.is_floating or len(x0.shape) != 4 or x0.shape[0] != 1 or x0.shape[3] != 3:
        raise ValueError(f"{expected}; got {x0.dtype.name} of shape {tuple(x0.shape)}")
    return tf.cast(x0, tf.float32)


def _repeat_train_step(run, settings):
    """Lower the loss with one of Keras' optimisers."""
    step_bounds, round_bounds = _bounds(settings)
    x, optimizer = tf.Variable(run.x0, name="x"), _keras_optimizer(settings, run)
    run.begin(_variables(x, optimizer))
    while not run.status:  # which an evaluation sets, when the run is to end
        train_step(run, x, optimizer, step_bounds)
        if run.round_is_over:
            x.assign(tf.clip_by_value(x, *round_bounds))
        run.end_step()


def _lbfgs(run, settings):
    """Lower the loss with SciPy's L-BFGS-B, in one call for each round."""
    _, round_bounds = _bounds(settings)
    run.begin()
    x = run.best.x  # x0, or the best picture of a run that goes on
    while not run.status:
        x = tf.clip_by_value(_lbfgs_round(run, x, settings), *round_bounds)


def _lbfgs_round(run, x0, settings):
    """Minimise until the round is over, and return its best picture."""
    evaluations_before, scale = run.evaluations, None
    run.best_of_round = _Evaluated(math.inf, x0)

    def loss_and_gradient(flat):
        nonlocal scale
        losses, gradient = run.loss_and_gradient(tf.constant(flat.reshape(x0.shape), tf.float32))
        run.end_step()
        if run.status or run.round_is_over:
            raise _LeaveSciPy
        gradient = gradient.numpy().ravel()
        if scale is None:
            scale = _first_step_scale(gradient)
        return scale * losses["total"], np.multiply(gradient, scale, dtype=np.float64)

    with one_blas_thread(), contextlib.suppress(_LeaveSciPy):
        converged = _scipy_lbfgs(loss_and_gradient, x0.numpy(), run.steps, settings)
        gained = run.best_of_round.loss < run.history[evaluations_before][0]
        has_rounds = run.round_length < run.steps
        if has_rounds and gained:
            return run.best_of_round.x  # the next round starts afresh, and may get further
        if converged:
            run.end_here("converged", "converged", ": the loss falls no further")
        else:
            run.end_here("stalled", "the line search found no lower loss")
    return run.best_of_round.x  # also where the round, or the run, ended inside SciPy


def _scipy_lbfgs(loss_and_gradient, x0, steps, settings):
    """Call SciPy, and return whether it has found a minimum."""
    (lower, upper), _ = _bounds(settings)
    start = np.clip(x0, lower, upper).ravel().astype(np.float64)  # (1, H, W, 3) -> (H·W·3,)
    bounds = _bounds_per_value(lower, upper, start.size) if settings.clipping == "steps" else None
    # Not `scipy.optimize.minimize`, which turns bounds into a tuple for every number, and back.
    details = scipy.optimize.fmin_l_bfgs_b(
        loss_and_gradient,
        start,
        bounds=bounds,
        m=settings.history_size or DEFAULT_HISTORY_SIZE,
        maxiter=steps,
        maxfun=steps,
        factr=0.0,  # only `_Run` ends a run, or a loss that falls no further
        pgtol=0.0,
    )[2]
    return details["warnflag"] == 0


class _LeaveSciPy(Exception):
    """Leaves SciPy's loop in the middle of a line search, where `maxfun` is not yet obeyed."""


class _Evaluated(NamedTuple):
    """A picture, and its total loss."""

    loss: float
    x: tf.Tensor  # (1, H, W, 3), VGG space


class _State(NamedTuple):
    """What of a run changes with each step; values that no later step changes."""

    evaluations: int
    best: tf.Tensor  # (1, H, W, 3), VGG space
    variables: dict


class _Run:
    """An objective that records what it evaluates, and ends the run when it is time.

    It holds all state of a run, but for what Keras and SciPy keep themselves. While the run goes
    on, `status` is None.
    """

    def __init__(self, objective, x0, steps, restart_every, callback, checkpoints, earlier):
        self.objective = objective
        self.x0 = x0
        self.steps = steps
        self.round_length = restart_every or steps
        self.callback = callback
        self.checkpoints = checkpoints
        self.variables = {}  # of Keras' optimiser, to be saved with the state
        self.whole = None  # the state after the last whole step, to which an interruption goes back
        self.history = []  # a row of `LOSSES` for each evaluation
        self.best = self.best_of_round = _Evaluated(math.inf, self.x0)
        self.status = self.stop_reason = None
        self.start = time.perf_counter()
        self.stage_starts = (0,)
        if earlier is not None:
            self.history = np.stack([earlier.history[name] for name in LOSSES], axis=1).tolist()
            self.stage_starts = (*earlier.stage_starts, earlier.evaluations)
            self.start -= earlier.seconds
        self.resumed = None if checkpoints is None or earlier else checkpoints.state
        if self.resumed is not None:
            self._restore(self.resumed)

    def loss_and_gradient(self, x):
        """Evaluate the objective, see `Objective.loss_and_gradient`; the losses are floats."""
        x = tf.convert_to_tensor(x)  # of a variable, the value that it has now
        losses, gradient = self.objective.loss_and_gradient(x)
        losses = {name: float(losses[name]) for name in LOSSES}
        self.history.append(list(losses.values()))
        if what := _not_finite(losses, x):
            self.end_here("diverged", f"{what} was no finite number", self._why(what))
        else:
            self._keep_best(_Evaluated(losses["total"], x))
            self._after_evaluation(losses, x)
        return losses, gradient

    def _keep_best(self, evaluated):
        self.best = min(self.best, evaluated, key=lambda e: e.loss)
        self.best_of_round = min(self.best_of_round, evaluated, key=lambda e: e.loss)

    def _after_evaluation(self, losses, x):
        """Call the callback, and end the run if that wants it, or after the last evaluation."""
        try:
            if self.callback is not None:
                self.callback(self.evaluations, dict(losses), np.array(x))
        except StopRun:
            self.end_here("stopped", "stopped by the callback")
        except Exception as error:
            self.end_here("failed", f"the callback raised {type(error).__name__}")
            self.stop_reason += f": {shortened(one_line(error))}"
            logging.getLogger(__name__).error(self.stop_reason, exc_info=True)
        else:
            if self.evaluations == self.steps:
                self.end("finished", f"all {self.steps} evaluations done")

    def _why(self, what):
        """Which loss was the largest before the picture became non-finite."""
        if what != "the picture" or self.evaluations < self.stage_starts[-1] + 2:
            return ""
        before = dict(zip(LOSSES, self.history[-2], strict=True))
        return f", after a step for the {max(LOSSES[1:], key=before.get)} loss"

    def end(self, status, reason):
        """End the run, or change why it ended."""
        self.status, self.stop_reason = status, reason

    def end_here(self, status, reason, more=""):
        """End the run, and say after which evaluation."""
        self.end(status, f"{reason} at evaluation {self.evaluations}{more}")

    @property
    def evaluations(self):
        return len(self.history)

    @property
    def seconds(self):
        return time.perf_counter() - self.start

    @property
    def round_is_over(self):
        """Whether the last evaluation was the last of its round."""
        return (self.evaluations - self.stage_starts[-1]) % self.round_length == 0

    def history_array(self):
        """All losses, ``float64`` of shape ``(evaluations, 4)``."""
        return np.array(self.history, np.float64).reshape(-1, len(LOSSES))

    def begin(self, variables=None):
        """Save these variables with the state; in a resumed run, set them to what was saved."""
        self.variables = variables or {}
        if self.resumed is not None:
            _restore_variables(self.variables, self.resumed)
        self._note_state()
        if len(self.stage_starts) > 1 and self.resumed is None:
            self.save()  # from now on, whoever goes on does so in this stage

    def end_step(self):
        """Take note of the state after a step, and save it if it is time for that."""
        if self.checkpoints is not None:
            self._note_state()
            if self.status is None and self.evaluations % self.checkpoints.save_every == 0:
                self.save()

    def _note_state(self):
        variables = {name: tf.convert_to_tensor(v) for name, v in self.variables.items()}
        self.whole = _State(self.evaluations, self.best.x, variables)

    def save(self):
        """Save the state after the last whole step, if there was one; end the run if that fails."""
        if self.checkpoints is None or self.whole is None or self.whole.evaluations == 0:
            return
        at_its_end = self.status in AT_ITS_END and self.whole.evaluations == self.evaluations
        state = {
            "history": self.history_array()[: self.whole.evaluations],
            "best": np.asarray(self.whole.best),
            "seconds": np.array(self.seconds),
            "finished": np.array(at_its_end),
            "stage_starts": np.array(self.stage_starts),
        } | {name: value.numpy() for name, value in self.whole.variables.items()}
        try:
            self.checkpoints.save(state)
        except (OSError, ValueError) as error:
            self.checkpoints = None  # what is saved stays
            if self.status:
                self.end("unsaved", f"{self.stop_reason}; {one_line(error)}")
            else:
                self.end_here("unsaved", f"{one_line(error)},")

    def _restore(self, state):
        """Go back to where a run was."""
        self.history = state["history"].tolist()
        self.stage_starts = tuple(state["stage_starts"].tolist())
        of_stage = self.history[self.stage_starts[-1] :]
        lowest = min((total for total, *_ in of_stage), default=math.inf)
        self.best = _Evaluated(lowest, tf.constant(state["best"]))
        self.start -= float(state["seconds"])
        if self.evaluations > self.steps:
            raise ValueError(
                f"expected at least {self.evaluations} steps, as many as the run has done, "
                f"got {self.steps}"
            )
        if self.evaluations == self.steps:
            self.end("finished", f"all {self.steps} evaluations done")


def _restore_variables(variables, state):
    """Set the variables of an optimiser to what was saved, maybe by another version of Keras."""
    for name, variable in variables.items():
        saved, shape = state.get(name), tuple(variable.shape)
        if saved is None or saved.shape != shape or saved.dtype.kind not in "fiu":
            came = "none" if saved is None else f"{shortened(saved.dtype)} of shape {saved.shape}"
            raise ValueError(
                f"cannot resume: expected {name} of shape {shape}, as this version of Keras has "
                f"it, got {came}"
            )
        variable.assign(saved)


def _not_finite(losses, x):
    """What of an evaluation is no finite number, in words."""
    terms = [name for name in LOSSES[1:] if not math.isfinite(losses[name])]
    if terms or not math.isfinite(losses["total"]):
        return f"the {' and '.join(terms or ['total'])} loss"
    return None if np.isfinite(x).all() else "the picture"  # pooling and ReLU can hide that


def _keras_optimizer(settings, run):
    """Make the optimiser of Keras that the settings ask for."""
    if not isinstance(settings.optimizer, str):
        _check_unused(settings.optimizer)
        return settings.optimizer
    rate = settings.learning_rate
    rate = _default_rate(settings.optimizer, run) if rate is None else float(rate)
    if settings.decay != 1.0:
        rate = keras.optimizers.schedules.ExponentialDecay(rate, 100, settings.decay)
    if settings.optimizer == "sgd":
        return keras.optimizers.SGD(rate)
    options = {"beta_1": settings.beta_1, "epsilon": settings.epsilon}
    options = {option: float(value) for option, value in options.items() if value is not None}
    return keras.optimizers.Adam(rate, **options)


def _check_unused(optimizer):
    """Refuse an optimiser that belongs to another picture: it keeps a state of that one's shape."""
    if getattr(optimizer, "built", False):
        name = type(optimizer).__name__
        raise ValueError(f"expected an optimizer that was not used yet, got a used {name}")


def _default_rate(optimizer, run):
    if optimizer == "adam":
        return DEFAULT_LEARNING_RATE
    return _first_step_scale(run.objective.loss_and_gradient(run.x0)[1])


def _variables(x, optimizer):
    """The picture and what the optimiser keeps, by name; Keras may list them in any order."""
    optimizer.build([x])
    variables, times = {"x": x}, collections.Counter()
    for variable in optimizer.variables:
        name = re.sub(r"_\d+$", "", variable.name)  # a number counts the variables of the process
        times[name] += 1  # as an optimiser inside of another has variables of the same name
        variables[f"{name} {times[name]}"] = variable
    return variables


def _described(settings):
    """What `Result.settings` says of the optimiser, ready for JSON."""
    names = [field.name for field in dataclasses.fields(OptimizerSettings)]
    described = {name: getattr(settings, name) for name in names}
    if not isinstance(settings.optimizer, str):
        described["optimizer"] = keras.optimizers.serialize(settings.optimizer)
    return plain(described)


def _bounds(settings):
    """Between which values the picture stays after each step, and after each round."""
    limit, free = settings.clip_limit, (-np.inf, np.inf)
    bounds = pixel_bounds() if limit is None else (-limit, limit)
    return {"steps": (bounds, free), "rounds": (free, bounds), "never": (free, free)}[
        settings.clipping
    ]


def _bounds_per_value(lower, upper, count):
    """Bounds of each of `count` numbers, as pairs that all pixels share."""
    pairs = zip(*(np.broadcast_to(bound, 3).tolist() for bound in (lower, upper)), strict=True)
    return list(pairs) * (count // 3)


def _first_step_scale(gradient):
    """Factor that makes the largest entry of a gradient `FIRST_STEP` grey levels.

    The paper's losses have gradients of thousands of grey levels, and L-BFGS-B first tries
    x − gradient: every pixel would jump to black or white.
    """
    largest = np.abs(gradient).max()
    return float(FIRST_STEP / largest) if largest > 0 else 1.0

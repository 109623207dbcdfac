"""The loop that lowers the loss of a picture: the only place with state."""

import contextlib
import dataclasses
import math
import time

import numpy as np
import scipy.optimize

from stylelib._utils.checks import check_choice, check_count, one_line
from stylelib._utils.process import one_blas_thread
from stylelib._utils.tensorflow import keras, tf
from stylelib.objective import LOSSES, Objective
from stylelib.preprocessing import deprocess, deprocess_stretched, pixel_bounds
from stylelib.recipes.recipe import (
    CLIPPINGS,
    DEFAULT_MEMORY,
    OPTIMIZERS,
    RECOVERIES,
    check_learning_rate,
    check_memory,
)

#: How far, in grey levels, a first step along the gradient goes where the gradient is largest.
FIRST_STEP = 10.0

__all__ = ["Objective", "Result", "minimize", "train_step"]


@dataclasses.dataclass(frozen=True)
class Result:
    """What an optimisation ends with.

    Attributes
    ----------
    image : numpy.ndarray
        ``uint8``, ``(H, W, 3)``, RGB: of all pictures evaluated, the one with the lowest total
        loss.
    history : dict of str to numpy.ndarray
        ``"total"``, ``"content"``, ``"style"`` and ``"tv"``: one weighted loss per evaluation.
    evaluations : int
        How often the loss and its gradient were computed.
    seconds : float
    stop_reason : str
        Why it ended, in words.
    settings : dict
        All that is needed to do it again.
    """

    image: np.ndarray
    history: dict
    evaluations: int
    seconds: float
    stop_reason: str
    settings: dict


def train_step(objective, x, optimizer, bounds=None):
    """Take one step with a Keras optimiser, and stay within the bounds.

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


def minimize(
    objective,
    x0,
    optimizer="lbfgs",
    steps=200,
    callback=None,
    learning_rate=None,
    *,
    beta_1=None,
    epsilon=None,
    decay=1.0,
    memory=None,
    round_length=None,
    clipping="steps",
    clip_limit=None,
    recovery="clip",
    save=None,
    save_every=None,
    state=None,
):
    """Lower the loss of a picture.

    Parameters
    ----------
    objective : Objective
    x0 : tf.Tensor
        ``float32``, ``(1, H, W, 3)``, VGG space: where to start.
    optimizer : {"lbfgs", "adam", "sgd"} or keras.optimizers.Optimizer
        ``"lbfgs"`` is SciPy's L-BFGS-B; the others go through `train_step`.
    steps : int
        Evaluations of the loss and its gradient, for every optimiser.
    callback : callable, optional
        Called as ``callback(evaluation, losses, x)`` after each evaluation: its number from 1, the
        losses as a dict of floats, and the picture evaluated, an array in VGG space. If it returns
        something true, the run ends.
    learning_rate : float, optional
        For ``"adam"``, by default 5 (of 255 grey levels), and ``"sgd"``, by default so that the
        first step moves no channel of any pixel by more than `FIRST_STEP`; finding that out takes
        one evaluation more, which is not counted.
    beta_1, epsilon : float, optional
        Of ``"adam"``, by default Keras' own.
    decay : float
        Factor on the learning rate of ``"adam"`` and ``"sgd"`` over 100 steps.
    memory : int, optional
        Of ``"lbfgs"``: of how many of its last steps it keeps the curvature, by default SciPy's 10.
    round_length : int, optional
        Evaluations after which a new round begins; L-BFGS forgets the curvature between rounds. By
        default there is one round.
    clipping : {"steps", "rounds", "never"}
        Whether values stay between the bounds all the time, are brought back there after each
        round, or are free.
    clip_limit : float, optional
        The bounds are ± this; by default `pixel_bounds`.
    recovery : {"clip", "stretch"}
        Whether the result goes through `deprocess` or `deprocess_stretched`.
    save : callable, optional
        Called as ``save(state)`` after every `save_every` evaluations, and at the end. A state is a
        dict of arrays, enough to go on from there. An ``OSError`` or ``ValueError`` of it, as on a
        full disk, ends the run.
    save_every : int, optional
        By default the state is saved at the end only.
    state : dict of str to numpy.ndarray, optional
        What `save` was given: go on from there. All other arguments must be those of that run; only
        `steps` may be larger. With Keras' optimisers the run then takes the very steps that it
        would have taken without the break. L-BFGS goes on from the best picture and gathers its
        curvature anew, since SciPy does not hand it out.

    Returns
    -------
    Result
        Ctrl-C, a loss that is no longer a finite number, a state that cannot be saved and the
        optimiser itself can end the run early; `Result.stop_reason` says so, and `Result.image` is
        the best picture until then.

    Raises
    ------
    ValueError
        For an unknown optimiser, or a number of steps below 1.
    """
    check_count("steps", steps)
    for name, count in (("round_length", round_length), ("save_every", save_every)):
        if count is not None:
            check_count(name, count)
    check_choice("clipping", clipping, CLIPPINGS)
    check_choice("recovery", recovery, RECOVERIES)
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        check_choice("optimizer", optimizer, OPTIMIZERS)
    check_learning_rate(learning_rate, optimizer)
    check_memory(memory, optimizer)
    if learning_rate is not None:
        learning_rate = float(learning_rate)  # Keras takes neither 5 nor NumPy's numbers
    settings = {"optimizer": optimizer, "learning_rate": learning_rate, "steps": steps}
    if not isinstance(optimizer, str):
        settings["optimizer"] = keras.optimizers.serialize(optimizer)
    bounds = pixel_bounds() if clip_limit is None else (-clip_limit, clip_limit)
    x0 = tf.convert_to_tensor(x0, tf.float32)
    run = _Run(objective, x0, steps, round_length, bounds, clipping, callback, save, save_every)
    if state is not None:
        run.restore(state)
    try:
        if len(run.history) >= steps:
            raise _Stop(f"all {steps} evaluations done")
        if optimizer == "lbfgs":
            _lbfgs(run, memory or DEFAULT_MEMORY, x0 if state is None else run.best)
        else:
            if isinstance(optimizer, str):
                if learning_rate is None:
                    learning_rate = _default_rate(optimizer, run)
                optimizer = _keras_optimizer(optimizer, learning_rate, beta_1, epsilon, decay)
            _keras(run, optimizer, state)
    except _Stop as stop:
        reason = str(stop)
        try:
            run.save_state(finished=True)
        except KeyboardInterrupt:  # too late to end the run, and no reason to lose its picture
            reason = f"interrupted at evaluation {len(run.history)}"
        except (OSError, ValueError) as error:
            reason += f"; {one_line(error)}"
    except KeyboardInterrupt:
        reason = f"interrupted at evaluation {len(run.history)}"
    recover = deprocess if recovery == "clip" else deprocess_stretched
    return run.result(reason, settings, recover)


class _Stop(Exception):
    """Ends a run and says why; no return value would get past SciPy."""


class _RoundOver(Exception):
    """Ends a round of L-BFGS in the middle of SciPy."""


class _Run:
    """What a run may do, and what it has seen so far: every loss, and the best picture."""

    def __init__(
        self, objective, x0, steps, round_length, bounds, clipping, callback, save, save_every
    ):
        self.objective = objective
        self.x0 = x0
        self.steps = steps
        self.round_length = round_length or steps
        self.bounds = bounds
        self.clipping = clipping
        self.callback = callback
        self.save = save
        self.save_every = save_every or steps
        self.optimizer_state = dict  # a function that returns what the optimiser has to keep
        self.history = []
        self.best = x0
        self.best_loss = math.inf
        self.start = time.perf_counter()

    @property
    def step_bounds(self):
        """Between which values every evaluated picture stays."""
        return self.bounds if self.clipping == "steps" else (-np.inf, np.inf)

    def record(self, losses, x):
        """Take note of an evaluation and return its loss; end the run if it was the last."""
        losses = {name: float(losses[name]) for name in LOSSES}
        self.history.append(losses)
        evaluation = len(self.history)
        broken = [name for name in ("content", "style", "tv") if not math.isfinite(losses[name])]
        if broken or not math.isfinite(losses["total"]):
            terms = " and ".join(broken or ["total"])
            raise _Stop(f"the {terms} loss was no finite number at evaluation {evaluation}")
        if not np.isfinite(x).all():  # pooling and ReLU can hide that from the losses
            raise _Stop(f"the picture was no finite number at evaluation {evaluation}{self._why()}")
        if losses["total"] < self.best_loss:
            self.best, self.best_loss = x, losses["total"]
        if self.callback is not None and self.callback(evaluation, losses, np.asarray(x)):
            raise _Stop(f"stopped by the callback at evaluation {evaluation}")
        if evaluation == self.steps:
            raise _Stop(f"all {self.steps} evaluations done")
        return losses["total"]

    def _why(self):
        """Which term drove the step before the last evaluation."""
        if len(self.history) < 2:
            return ""
        before = self.history[-2]
        return f", after a step for the {max(LOSSES[1:], key=before.get)} loss"

    def restore(self, state):
        """Go back to where a run was."""
        self.history = [dict(zip(LOSSES, row, strict=True)) for row in state["history"].tolist()]
        self.best = tf.constant(state["best"])
        self.best_loss = min((losses["total"] for losses in self.history), default=math.inf)
        self.start -= float(state["seconds"])

    def save_state(self, finished=False):
        """Hand out where the run is."""
        if self.save is not None:
            history = [[losses[name] for name in LOSSES] for losses in self.history]
            state = {
                "history": np.array(history).reshape(-1, len(LOSSES)),
                "best": np.asarray(self.best),
                "seconds": np.array(time.perf_counter() - self.start),
                "finished": np.array(finished),
            }
            self.save(state | self.optimizer_state())

    def save_in_time(self):
        """Save the state if it is time for that; end the run if it cannot be saved."""
        if len(self.history) % self.save_every:
            return
        try:
            self.save_state()
        except (OSError, ValueError) as error:
            self.save = None  # what is saved stays
            raise _Stop(f"{one_line(error)}, at evaluation {len(self.history)}") from error

    @property
    def round_is_over(self):
        """Whether the last evaluation was the last of its round."""
        return len(self.history) % self.round_length == 0

    def result(self, reason, settings, recover):
        return Result(
            image=recover(self.best),
            history={name: np.array([loss[name] for loss in self.history]) for name in LOSSES},
            evaluations=len(self.history),
            seconds=time.perf_counter() - self.start,
            stop_reason=reason,
            settings=settings,
        )


def _default_rate(name, run):
    if name == "adam":
        return 5.0
    return _first_step_scale(run.objective.loss_and_gradient(run.x0)[1])


def _keras_optimizer(name, learning_rate, beta_1, epsilon, decay):
    if decay != 1.0:
        learning_rate = keras.optimizers.schedules.ExponentialDecay(learning_rate, 100, decay)
    if name == "sgd":
        return keras.optimizers.SGD(learning_rate)
    options = {"beta_1": beta_1, "epsilon": epsilon}
    options = {option: float(value) for option, value in options.items() if value is not None}
    return keras.optimizers.Adam(learning_rate, **options)


def _keras(run, optimizer, state):
    x = tf.Variable(run.x0)
    optimizer.build([x])
    if state is not None:
        x.assign(state["x"])
        for number, variable in enumerate(optimizer.variables):
            variable.assign(state[f"optimizer_{number}"])

    def optimizer_state():
        variables = {f"optimizer_{n}": v.numpy() for n, v in enumerate(optimizer.variables)}
        return {"x": x.numpy()} | variables

    run.optimizer_state = optimizer_state
    while True:  # until `record` raises _Stop
        before = tf.identity(x)  # the picture whose losses `train_step` returns
        losses = train_step(run.objective, x, optimizer, run.step_bounds)
        if run.clipping == "rounds" and (len(run.history) + 1) % run.round_length == 0:
            x.assign(tf.clip_by_value(x, *run.bounds))
        run.record(losses, before)
        run.save_in_time()


def _lbfgs(run, memory, x):
    """Minimise with SciPy's L-BFGS-B, in one call for each round."""
    while True:  # until `record` raises _Stop
        x = _lbfgs_round(run, x, memory)
        if run.clipping == "rounds":
            x = tf.clip_by_value(x, *run.bounds)


def _lbfgs_round(run, x0, memory):
    """Minimise until the round is over, and return the best picture of the round."""
    shape = x0.shape
    lower, upper = (np.broadcast_to(bound, 3) for bound in run.step_bounds)
    scale = None
    best, best_loss, first_loss = x0, math.inf, None

    def loss_and_gradient(flat):
        nonlocal scale, best, best_loss, first_loss
        x = tf.constant(flat.reshape(shape), tf.float32)
        losses, gradient = run.objective.loss_and_gradient(x)
        loss = run.record(losses, x)
        if loss < best_loss:
            best, best_loss = x, loss
        run.save_in_time()
        if run.round_is_over:
            raise _RoundOver
        gradient = gradient.numpy().ravel()
        if scale is None:
            scale, first_loss = _first_step_scale(gradient), loss
        return scale * loss, np.multiply(gradient, scale, dtype=np.float64)

    start = np.clip(x0.numpy(), lower, upper).ravel().astype(np.float64)
    with one_blas_thread(), contextlib.suppress(_RoundOver):
        # Not `scipy.optimize.minimize`, which turns bounds into a tuple for every number, and back.
        details = scipy.optimize.fmin_l_bfgs_b(
            loss_and_gradient,
            start,
            bounds=None if run.clipping != "steps" else _each_pixel(lower, upper, start.size),
            m=memory,
            maxiter=run.steps,
            maxfun=run.steps,
            factr=0.0,  # only `_Run.record` ends a run, or a loss that falls no further
            pgtol=0.0,
        )[2]
        if run.round_length < run.steps and best_loss < first_loss:
            return best  # what comes next starts afresh, and may get further
        if details["warnflag"] == 0:
            raise _Stop(f"converged at evaluation {len(run.history)}: the loss falls no further")
        raise _Stop(f"the line search found no lower loss at evaluation {len(run.history)}")
    return best


def _each_pixel(lower, upper, count):
    """Bounds of each of `count` numbers, as pairs that all pixels share."""
    return list(zip(lower.tolist(), upper.tolist(), strict=True)) * (count // len(lower))


def _first_step_scale(gradient):
    """Factor that makes the largest entry of a gradient `FIRST_STEP` grey levels.

    The paper's losses have gradients of thousands of grey levels, and L-BFGS-B first tries
    x − gradient: every pixel would jump to black or white.
    """
    largest = np.abs(gradient).max()
    return float(FIRST_STEP / largest) if largest > 0 else 1.0

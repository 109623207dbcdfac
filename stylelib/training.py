"""The loss of one picture, and the loop that lowers it: the only place with state."""

import contextlib
import dataclasses
import math
import time

import numpy as np
import scipy.optimize
from threadpoolctl import threadpool_limits

from stylelib._tensorflow import keras, tf
from stylelib.conventions import check_style_size, paper_weights
from stylelib.errors import check_choice, check_count
from stylelib.layers import canonical
from stylelib.losses import (
    VARIATIONS,
    content_loss,
    representation_distance,
    style_representation,
)
from stylelib.preprocessing import deprocess, deprocess_stretched, pixel_bounds, preprocess
from stylelib.recipe import (
    CLIPPINGS,
    OPTIMIZERS,
    RECOVERIES,
    check_learning_rate,
    check_memory,
)

#: Losses in `Result.history`, each already multiplied by its weight.
LOSSES = ("total", "content", "style", "tv")

#: How far, in grey levels, a first step along the gradient goes where the gradient is largest.
FIRST_STEP = 10.0

#: For SciPy: only `_Run.record` ends a run, or a loss that falls no further.
_NO_TOLERANCE = {"ftol": 0.0, "gtol": 0.0}

# Each Objective has a graph of its own. TensorFlow takes that for one function traced too often.
tf.get_logger().addFilter(lambda record: "Objective._loss_and_gradient" not in record.getMessage())


class Objective:
    """Eq. 7 for one content and one style image: α L_content + β L_style.

    The recipe says how both are scaled, see `stylelib.conventions`; `losses` speaks its language.
    What the two images look like to the network, the content and style representations, is
    computed once, here.

    Parameters
    ----------
    vgg : VGG
        Must give the recipe's layers.
    recipe : Recipe
        Its layers and weights are used. A term with weight 0 is left out.
    content_image, style_image : numpy.ndarray, optional
        ``uint8``, ``(H, W, 3)``, RGB, of any two sizes. Only needed for a term that counts.

    Raises
    ------
    ValueError
        Where an image or a layer is missing.

    Examples
    --------
    >>> from stylelib import RECIPES, VGG, noise_image
    >>> recipe = RECIPES["gatys2015"].replace(style_layers=["conv1_1"], content_layers=["conv2_1"])
    >>> vgg = VGG(["conv1_1", "conv2_1"])
    >>> content_image, style_image = noise_image((32, 48), seed=1), noise_image((40, 32), seed=2)
    >>> objective = Objective(vgg, recipe, content_image, style_image)
    >>> losses, gradient = objective.loss_and_gradient(preprocess(content_image))
    >>> float(losses["content"]), tuple(gradient.shape)
    (0.0, (1, 32, 48, 3))
    """

    def __init__(self, vgg, recipe, content_image=None, style_image=None):
        self.vgg = vgg
        self.recipe = recipe
        self.style_size = None if style_image is None else style_image.shape[:2]
        self.content_representation = {}
        self.style_representation = {}
        if recipe.content_weight:
            features = self._features(content_image, "content", recipe.content_layers)
            self.content_representation = features
        if recipe.style_weight:
            features = self._features(style_image, "style", recipe.style_layers)
            self.style_representation = {
                layer: style_representation(maps) for layer, maps in features.items()
            }
        # One graph for each size of picture; TensorFlow keeps them.
        self._compiled = tf.function(self._loss_and_gradient, autograph=False)

    def _features(self, image, term, layers):
        if image is None:
            raise ValueError(f"expected a {term} image, since {term}_weight is not 0; got none")
        known = [canonical(layer) for layer in self.vgg.layers]
        missing = [layer for layer in layers if canonical(layer) not in known]
        if missing:
            raise ValueError(f"expected a VGG with the {term} layers {layers}, {missing} missing")
        features = self._look(preprocess(image))
        return {layer: features[canonical(layer)] for layer in layers}

    def _look(self, x):
        """Feature maps by Keras' names, so that a recipe may use either spelling."""
        return {canonical(layer): maps for layer, maps in self.vgg(x).items()}

    def losses(self, x):
        """Return the weighted losses of a picture.

        Parameters
        ----------
        x : tf.Tensor
            ``float32``, ``(1, H, W, 3)``, VGG space.

        Returns
        -------
        dict of str to tf.Tensor
            ``"total"``, ``"content"`` (α L_content), ``"style"`` (β L_style) and ``"tv"``.
        """
        features = self._look(x)
        weights = self._paper_weights(x)
        content = style = tv = tf.constant(0.0)
        for layer, target in self.content_representation.items():
            distance = content_loss(features[canonical(layer)], target)
            content += weights["content"][layer] * distance
        for layer, target in self.style_representation.items():
            representation = style_representation(features[canonical(layer)])
            distance = representation_distance(representation, target)
            style += weights["style"][layer] * distance
        if self.recipe.tv_weight:
            tv += self.recipe.tv_weight * VARIATIONS[self.recipe.tv_convention](x)
        return {"total": content + style + tv, "content": content, "style": style, "tv": tv}

    def _paper_weights(self, x):
        """Every recipe is one of weights for the paper's losses, once the sizes are known."""
        image_size = tuple(x.shape[1:3])
        if self.style_representation:
            check_style_size(self.recipe, image_size, self.style_size)
        return paper_weights(self.recipe, image_size)

    def loss_and_gradient(self, x):
        """Return `losses` and the gradient of the total loss, compiled.

        Parameters
        ----------
        x : tf.Tensor or tf.Variable
            ``float32``, ``(1, H, W, 3)``, VGG space.

        Returns
        -------
        losses : dict of str to tf.Tensor
        gradient : tf.Tensor
            ``float32``, of the shape of `x`.
        """
        return self._compiled(tf.convert_to_tensor(x))

    def _loss_and_gradient(self, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            losses = self.losses(x)
        return losses, tape.gradient(losses["total"], x)


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
    >>> from stylelib import RECIPES, VGG, noise_image
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

    Returns
    -------
    Result
        Ctrl-C, a loss that is no longer a finite number and the optimiser itself can end the run
        early; `Result.stop_reason` says so, and `Result.image` is the best picture until then.

    Raises
    ------
    ValueError
        For an unknown optimiser, or a number of steps below 1.
    """
    check_count("steps", steps)
    if round_length is not None:
        check_count("round_length", round_length)
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
    run = _Run(objective, x0, steps, round_length, bounds, clipping, callback)
    try:
        if optimizer == "lbfgs":
            _lbfgs(run, memory or 10)
        else:
            if isinstance(optimizer, str):
                if learning_rate is None:
                    learning_rate = _default_rate(optimizer, run)
                optimizer = _keras_optimizer(optimizer, learning_rate, beta_1, epsilon, decay)
            _keras(run, optimizer)
    except _Stop as stop:
        reason = str(stop)
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

    def __init__(self, objective, x0, steps, round_length, bounds, clipping, callback):
        self.objective = objective
        self.x0 = x0
        self.steps = steps
        self.round_length = round_length or steps
        self.bounds = bounds
        self.clipping = clipping
        self.callback = callback
        self.history = []
        self.best = x0
        self.best_loss = math.inf
        self.start = time.perf_counter()

    @property
    def step_bounds(self):
        """Between which values every evaluated picture stays."""
        return self.bounds if self.clipping == "steps" else (-np.inf, np.inf)

    def record(self, losses, x):
        """Take note of an evaluation, and end the run if it was the last."""
        losses = {name: float(losses[name]) for name in LOSSES}
        self.history.append(losses)
        evaluation = len(self.history)
        broken = [name for name in ("content", "style", "tv") if not math.isfinite(losses[name])]
        if broken or not math.isfinite(losses["total"]):
            terms = " and ".join(broken or ["total"])
            raise _Stop(f"the {terms} loss was no finite number at evaluation {evaluation}")
        if losses["total"] < self.best_loss:
            self.best, self.best_loss = x, losses["total"]
        if self.callback is not None and self.callback(evaluation, losses, np.asarray(x)):
            raise _Stop(f"stopped by the callback at evaluation {evaluation}")
        if evaluation == self.steps:
            raise _Stop(f"all {self.steps} evaluations done")

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


def _keras(run, optimizer):
    x = tf.Variable(run.x0)
    while True:  # until `record` raises _Stop
        before = tf.identity(x)  # the picture whose losses `train_step` returns
        run.record(train_step(run.objective, x, optimizer, run.step_bounds), before)
        if run.round_is_over and run.clipping == "rounds":
            x.assign(tf.clip_by_value(x, *run.bounds))


def _lbfgs(run, memory):
    """Minimise with SciPy's L-BFGS-B, in one call for each round."""
    x = run.x0
    while True:  # until `record` raises _Stop
        x = _lbfgs_round(run, x, memory)
        if run.clipping == "rounds":
            x = tf.clip_by_value(x, *run.bounds)


def _lbfgs_round(run, x0, memory):
    """Minimise until the round is over, and return the best picture of the round."""
    shape = x0.shape
    lower, upper = (np.broadcast_to(bound, shape).ravel() for bound in run.step_bounds)
    scale = None
    best, best_loss, first_loss = x0, math.inf, None

    def loss_and_gradient(flat):
        nonlocal scale, best, best_loss, first_loss
        x = tf.constant(flat.reshape(shape), tf.float32)
        losses, gradient = run.objective.loss_and_gradient(x)
        run.record(losses, x)
        if losses["total"] < best_loss:
            best, best_loss = x, float(losses["total"])
        if run.round_is_over:
            raise _RoundOver
        gradient = gradient.numpy().ravel().astype(np.float64)
        if scale is None:
            scale, first_loss = _first_step_scale(gradient), best_loss
        return scale * float(losses["total"]), scale * gradient

    # NumPy's BLAS threads keep spinning after each small product and would take the cores from
    # TensorFlow; one is enough for L-BFGS.
    with threadpool_limits(limits=1, user_api="blas"), contextlib.suppress(_RoundOver):
        end = scipy.optimize.minimize(
            loss_and_gradient,
            np.clip(x0.numpy().ravel(), lower, upper).astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            bounds=None if run.clipping != "steps" else scipy.optimize.Bounds(lower, upper),
            options={"maxcor": memory, "maxiter": run.steps, "maxfun": run.steps, **_NO_TOLERANCE},
        )
        if run.round_length < run.steps and best_loss < first_loss:
            return best  # what comes next starts afresh, and may get further
        if end.success:
            raise _Stop(f"converged at evaluation {len(run.history)}: the loss falls no further")
        raise _Stop(f"the line search found no lower loss at evaluation {len(run.history)}")
    return best


def _first_step_scale(gradient):
    """Factor that makes the largest entry of a gradient `FIRST_STEP` grey levels.

    The paper's losses have gradients of thousands of grey levels, and L-BFGS-B first tries
    x − gradient: every pixel would jump to black or white.
    """
    largest = np.abs(gradient).max()
    return float(FIRST_STEP / largest) if largest > 0 else 1.0

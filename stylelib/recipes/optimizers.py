"""How a picture is optimised: the optimiser, its settings, and the bounds of the picture's values.

A recipe has these settings and others: `Recipe` inherits from `OptimizerSettings`. Nothing here
imports TensorFlow.
"""

import dataclasses
import difflib
import functools
from typing import Any, TypeVar

from stylelib._utils.checks import (
    check_all,
    check_choice,
    check_count,
    check_number,
    optional,
    shortened,
    shown,
)

Settings = TypeVar("Settings", bound="OptimizerSettings")

OPTIMIZERS = ("lbfgs", "adam", "sgd")
CLIPPINGS = ("steps", "rounds", "never")

#: Learning rate of Adam in grey levels, where none is set.
DEFAULT_LEARNING_RATE = 5.0
#: Last steps from which L-BFGS estimates the curvature, where no number is set: SciPy's.
DEFAULT_HISTORY_SIZE = 10

#: Names that settings had before, in stored results and plan files, and their names now.
ALIASES = {"memory": "history_size", "round_length": "restart_every", "recovery": "postprocess"}


def current_names(settings):
    """Replace the names that settings had before by those that they have now.

    Examples
    --------
    >>> current_names({"memory": 20, "steps": 100})
    {'history_size': 20, 'steps': 100}
    """
    return {ALIASES.get(name, name): value for name, value in settings.items()}


def with_former_names(cls):
    """Let a dataclass take its settings under the names that they had before, too."""
    init = cls.__init__

    @functools.wraps(init)
    def translated(self, *arguments, **settings):
        init(self, *arguments, **current_names(settings))

    cls.__init__ = translated
    return cls


@with_former_names
@dataclasses.dataclass(frozen=True)
class OptimizerSettings:
    """Which optimiser changes the picture, and how.

    Parameters
    ----------
    optimizer : {"lbfgs", "adam", "sgd"} or keras.optimizers.Optimizer
        ``"lbfgs"`` is SciPy's L-BFGS-B. In a `Recipe` it is one of the names.
    learning_rate : float, optional
        Of ``"adam"``, by default 5 (of 255 grey levels), and ``"sgd"``, by default so that the
        first step moves no channel of any pixel by more than 10 grey levels; to find that out takes
        one evaluation more, which is not counted. L-BFGS has none.
    beta_1, epsilon : float, optional
        Of ``"adam"``, by default Keras' own, 0.9 and 1e-7.
    decay : float
        Factor on the learning rate of ``"adam"`` and ``"sgd"`` over 100 steps.
    history_size : int, optional
        Of ``"lbfgs"``: from how many of its last steps it estimates the curvature, by default
        SciPy's 10.
    restart_every : int, optional
        Evaluations after which a new round begins; L-BFGS estimates the curvature anew in each
        round. By default there is one round.
    clipping : {"steps", "rounds", "never"}
        Whether values stay between the bounds all the time, are brought back there after each
        round, or are free.
    clip_limit : float, optional
        The bounds are ± this in VGG space; by default black and white, `pixel_bounds`.

    Raises
    ------
    ValueError
        For a value out of range, and one that the optimiser does not use.

    Examples
    --------
    >>> OptimizerSettings("adam", learning_rate=2.0).replace(beta_1=0.99).learning_rate
    2.0
    >>> OptimizerSettings("adam", history_size=20)
    Traceback (most recent call last):
    ...
    ValueError: expected history_size only with optimizer lbfgs, got 20
    """

    optimizer: str
    _: dataclasses.KW_ONLY
    learning_rate: float | None = None
    beta_1: float | None = None
    epsilon: float | None = None
    decay: float = 1.0
    history_size: int | None = None
    restart_every: int | None = None
    clipping: str = "steps"
    clip_limit: float | None = None

    def __post_init__(self):
        check_all(self, _CHECKS)
        for name, default in _defaults(_ONLY_WITH).items():
            value, optimizers = getattr(self, name), _ONLY_WITH[name]
            if value != default and self.optimizer not in optimizers:
                only = " or ".join(optimizers)
                got = shown(value)
                raise ValueError(f"expected {name} only with optimizer {only}, got {got}")

    def replace(self: Settings, **changes: Any) -> Settings:
        """Return a copy with some settings changed.

        Another `optimizer` takes over none of the settings of the old one, such as its learning
        rate.

        Raises
        ------
        ValueError
            For an unknown setting, or a value out of range.

        Examples
        --------
        >>> from stylelib import RECIPES
        >>> RECIPES["gatys2015"].replace(style_weight=1e4).style_weight
        10000.0
        """
        changes = current_names(changes)
        known = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in known:  # all names would make a long line
                nearest = difflib.get_close_matches(name, known, n=5, cutoff=0.0)
                check_choice("a setting such as", name, nearest)
        if changes.get("optimizer", self.optimizer) != self.optimizer:
            changes = _defaults(_ONLY_WITH) | changes
        return dataclasses.replace(self, **changes)


def _defaults(names):
    fields = dataclasses.fields(OptimizerSettings)
    return {field.name: field.default for field in fields if field.name in names}


def _check_optimizer(name, optimizer):
    if isinstance(optimizer, type) and hasattr(optimizer, "apply_gradients"):
        called = shortened(optimizer.__name__)
        raise ValueError(
            f"expected {name} as an object, such as {called}(), got the class {called}"
        )
    if not hasattr(optimizer, "apply_gradients"):  # as Keras' optimisers have
        check_choice(name, optimizer, OPTIMIZERS)


def _check_momentum(name, value):
    check_number(name, value)
    if value >= 1:
        raise ValueError(f"expected {name} as a number below 1, got {shown(value)}")


_CHECKS = {
    "optimizer": _check_optimizer,
    "learning_rate": optional(functools.partial(check_number, positive=True)),
    "beta_1": optional(_check_momentum),
    "epsilon": optional(check_number),
    "decay": functools.partial(check_number, positive=True),
    "history_size": optional(check_count),
    "restart_every": optional(check_count),
    "clipping": functools.partial(check_choice, choices=CLIPPINGS),
    "clip_limit": optional(functools.partial(check_number, positive=True)),
}
_ONLY_WITH = {
    "learning_rate": ("adam", "sgd"),
    "beta_1": ("adam",),
    "epsilon": ("adam",),
    "decay": ("adam", "sgd"),
    "history_size": ("lbfgs",),
}

"""What a recipe is: all settings of a style transfer, checked, and no code."""

import dataclasses

from stylelib._utils.checks import check_choice, check_count, check_flag, check_number
from stylelib.images.load import RESAMPLINGS
from stylelib.images.sizes import check_size
from stylelib.recipes.conventions import CONTENT_CONVENTIONS, STYLE_CONVENTIONS
from stylelib.vgg.layers import NETWORKS, POOLINGS, canonical

INITS = ("content", "noise", "style", "grey")
OPTIMIZERS = ("lbfgs", "adam", "sgd")
TV_CONVENTIONS = ("power", "squares", "absolute")
CLIPPINGS = ("steps", "rounds", "never")
RECOVERIES = ("clip", "stretch")

#: Steps whose curvature L-BFGS keeps unless told otherwise: SciPy's number.
DEFAULT_MEMORY = 10


def check_learning_rate(learning_rate, optimizer):
    """Raise a ``ValueError`` for a rate that cannot be, or that the optimiser has no use for.

    Examples
    --------
    >>> check_learning_rate(5.0, "lbfgs")
    Traceback (most recent call last):
    ...
    ValueError: expected a learning_rate only with optimizer adam or sgd, got 5.0
    """
    if learning_rate is None:
        return
    check_number("learning_rate", learning_rate, positive=True)
    if not isinstance(optimizer, str) or optimizer == "lbfgs":
        raise ValueError(
            f"expected a learning_rate only with optimizer adam or sgd, got {learning_rate}"
        )


def check_memory(memory, optimizer):
    """Raise a ``ValueError`` for a memory that cannot be, or that the optimiser has no use for.

    Examples
    --------
    >>> check_memory(20, "adam")
    Traceback (most recent call last):
    ...
    ValueError: expected a memory only with optimizer lbfgs, got 20
    """
    if memory is None:
        return
    check_count("memory", memory)
    if optimizer != "lbfgs":
        raise ValueError(f"expected a memory only with optimizer lbfgs, got {memory}")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All settings of a style transfer that are not pictures.

    Parameters
    ----------
    source : str
        Where the settings come from.
    network : {"vgg16", "vgg19"}
        Network of the source. `transfer` runs any recipe with VGG16 unless told otherwise.
    pooling : {"max", "average"}
    normalized : bool
        Whether every filter's mean activation is scaled to 1.
    input_scale : float
        What the source's network divides pictures in VGG space by: 1 where it takes grey levels.
    content_layers, style_layers : tuple of str
    layer_weights : tuple of float, optional
        w_l of Eq. 5, one for each style layer. Without it, 1 / number of style layers.
    content_weight, style_weight : float
        α and β of Eq. 7.
    content_convention, style_convention : str
        How the source writes both losses, see `stylelib.recipes.conventions`; by default as the
        paper does.
    tv_weight : float
        Weight of the total variation loss; 0 leaves it out, as the paper does.
    tv_convention : {"power", "squares", "absolute"}
        See `total_variation_loss`.
    init : {"content", "noise", "style", "grey"}
        Where the optimisation starts. Grey is the mean colour with a trace of noise.
    optimizer : {"lbfgs", "adam", "sgd"}
    learning_rate : float, optional
        Of Adam and SGD; L-BFGS has none. Without it, the optimiser's default in `minimize`.
    beta_1, epsilon : float, optional
        Of Adam; without them Keras' 0.9 and 1e-7.
    decay : float
        Factor on the learning rate over 100 steps of Adam or SGD.
    memory : int, optional
        Of L-BFGS: how many of its last steps it remembers; without it SciPy's 10.
    size : int or (int, int)
        Longer side of the result in pixels, or an exact ``(height, width)`` for both pictures.
    same_size : bool
        Whether the style image is brought to the height and width of the content image, whatever
        its proportions.
    resampling : {"lanczos", "bicubic", "bilinear", "nearest"}
    steps : int
        Evaluations of the loss.
    round_length : int, optional
        Evaluations after which a new round begins. L-BFGS starts afresh with each. Without it there
        is one round.
    clipping : {"steps", "rounds", "never"}
        When values are brought back between the bounds.
    clip_limit : float, optional
        The bounds are ± this in VGG space; without it, black and white.
    recovery : {"clip", "stretch"}
        How the result becomes an image, see `deprocess` and `deprocess_stretched`.
    published : dict, optional
        Settings that the source has by a mistake, undone above; `as_published` brings them back.
    notes : str
        Where this differs from the source, and what the source does not say.

    Raises
    ------
    ValueError
        For a value that cannot be.
    """

    source: str
    network: str
    content_layers: tuple
    style_layers: tuple
    content_weight: float
    style_weight: float
    init: str
    optimizer: str
    size: int | tuple
    steps: int
    pooling: str = "max"
    normalized: bool = False
    input_scale: float = 1.0
    layer_weights: tuple | None = None
    content_convention: str = "half_sum"
    style_convention: str = "paper"
    tv_weight: float = 0.0
    tv_convention: str = "power"
    learning_rate: float | None = None
    beta_1: float | None = None
    epsilon: float | None = None
    decay: float = 1.0
    memory: int | None = None
    same_size: bool = False
    resampling: str = "lanczos"
    round_length: int | None = None
    clipping: str = "steps"
    clip_limit: float | None = None
    recovery: str = "clip"
    published: tuple = ()
    notes: str = ""

    def __post_init__(self):
        for name, choices in _CHOICES.items():
            check_choice(name, getattr(self, name), choices)
        for name in ("normalized", "same_size"):
            check_flag(name, getattr(self, name))
        for name in ("source", "notes"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"expected {name} as a text, got {getattr(self, name)!r}")
        self._check_layers()
        self._check_weights()
        self._check_optimizer()
        if isinstance(self.size, (list, tuple)):
            object.__setattr__(self, "size", check_size(self.size))
        else:
            check_count("size", self.size)
        object.__setattr__(self, "published", tuple(sorted(dict(self.published).items())))

    def _check_layers(self):
        for name in ("content_layers", "style_layers"):
            self._freeze(name)
            layers = getattr(self, name)
            if not all(isinstance(layer, str) for layer in layers):
                raise ValueError(f"expected {name} as a list of names, got {list(layers)}")
            if len(set(map(canonical, layers))) < len(layers):
                raise ValueError(f"expected each of {name} once, got {list(layers)}")

    def _check_weights(self):
        for name in ("content_weight", "style_weight", "tv_weight"):
            check_number(name, getattr(self, name))
        if not (self.content_weight or self.style_weight):
            raise ValueError("expected content_weight or style_weight above 0, got 0 for both")
        check_number("input_scale", self.input_scale, positive=True)
        if self.layer_weights is None:
            return
        self._freeze("layer_weights")
        for weight in self.layer_weights:
            check_number("each of layer_weights", weight)
        if len(self.layer_weights) != len(self.style_layers):
            raise ValueError(
                f"expected {len(self.style_layers)} layer_weights, one for each style layer, "
                f"got {len(self.layer_weights)}"
            )
        if not any(self.layer_weights):
            raise ValueError("expected one of layer_weights above 0, got 0 for all")

    def _check_optimizer(self):
        check_count("steps", self.steps)
        if self.round_length is not None:
            check_count("round_length", self.round_length)
        check_learning_rate(self.learning_rate, self.optimizer)
        check_number("decay", self.decay, positive=True)
        check_memory(self.memory, self.optimizer)
        for name in ("beta_1", "epsilon", "clip_limit"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), positive=name == "clip_limit")

    def _freeze(self, name):
        """Turn a list into a tuple, so that a recipe cannot change."""
        value = getattr(self, name)
        if not isinstance(value, (list, tuple)) or not value:
            raise ValueError(f"expected {name} as a list of at least one, got {value!r}")
        object.__setattr__(self, name, tuple(value))

    @property
    def weight_by_layer(self):
        """w_l of Eq. 5 by layer name.

        Examples
        --------
        >>> from stylelib import RECIPES
        >>> RECIPES["gatys2015"].replace(style_layers=["conv1_1", "conv2_1"]).weight_by_layer
        {'conv1_1': 0.5, 'conv2_1': 0.5}
        """
        weights = self.layer_weights or [1 / len(self.style_layers)] * len(self.style_layers)
        return dict(zip(self.style_layers, weights, strict=True))

    def replace(self, **changes):
        """Return a copy with some settings changed.

        Another `optimizer` takes over none of the settings of the old one, such as its learning
        rate.

        Raises
        ------
        ValueError
            For an unknown setting, or a value that cannot be.

        Examples
        --------
        >>> from stylelib import RECIPES
        >>> RECIPES["gatys2015"].replace(style_weight=1e4).style_weight
        10000.0
        """
        for name in changes:
            check_choice("a setting of", name, (field.name for field in dataclasses.fields(self)))
        if changes.get("optimizer", self.optimizer) != self.optimizer:
            changes = _NO_OPTIMIZER_SETTINGS | changes
        return dataclasses.replace(self, **changes)

    def as_published(self):
        """Return a copy with the source's mistakes, where it has any.

        Examples
        --------
        >>> from stylelib import RECIPES
        >>> RECIPES["spirosbax"].recovery, RECIPES["spirosbax"].as_published().recovery
        ('clip', 'stretch')
        """
        return self.replace(published=(), **dict(self.published))


_NO_OPTIMIZER_SETTINGS = {
    "learning_rate": None,
    "beta_1": None,
    "epsilon": None,
    "decay": 1.0,
    "memory": None,
}
_CHOICES = {
    "network": NETWORKS,
    "pooling": POOLINGS,
    "content_convention": CONTENT_CONVENTIONS,
    "style_convention": STYLE_CONVENTIONS,
    "tv_convention": TV_CONVENTIONS,
    "init": INITS,
    "optimizer": OPTIMIZERS,
    "resampling": RESAMPLINGS,
    "clipping": CLIPPINGS,
    "recovery": RECOVERIES,
}

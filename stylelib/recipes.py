"""Settings, no code: which layers, weights, start and optimiser a system uses."""

import dataclasses
from types import MappingProxyType

from stylelib.errors import check_choice, check_count, check_number
from stylelib.layers import NETWORKS, POOLINGS, canonical

INITS = ("content", "noise", "style")
OPTIMIZERS = ("lbfgs", "adam", "sgd")


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
    content_layers, style_layers : tuple of str
    layer_weights : tuple of float, optional
        w_l of Eq. 5, one for each style layer. Without it, 1 / number of style layers.
    content_weight, style_weight : float
        α and β of Eq. 7.
    tv_weight : float
        Weight of the total variation loss; 0 leaves it out, as the paper does.
    init : {"content", "noise", "style"}
        Where the optimisation starts.
    optimizer : {"lbfgs", "adam", "sgd"}
    learning_rate : float, optional
        Of Adam and SGD; L-BFGS has none. Without it, the optimiser's default in `minimize`.
    size : int
        Longer side of the result in pixels.
    steps : int
        Evaluations of the loss.

    Raises
    ------
    ValueError
        For a value that cannot be.
    """

    source: str
    network: str
    pooling: str
    normalized: bool
    content_layers: tuple
    style_layers: tuple
    layer_weights: tuple | None
    content_weight: float
    style_weight: float
    tv_weight: float
    init: str
    optimizer: str
    learning_rate: float | None
    size: int
    steps: int

    def __post_init__(self):
        check_choice("network", self.network, NETWORKS)
        check_choice("pooling", self.pooling, POOLINGS)
        check_choice("init", self.init, INITS)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_count("size", self.size)
        check_count("steps", self.steps)
        for name in ("content_weight", "style_weight", "tv_weight"):
            check_number(name, getattr(self, name))
        if not (self.content_weight or self.style_weight):
            raise ValueError("expected content_weight or style_weight above 0, got 0 for both")
        check_learning_rate(self.learning_rate, self.optimizer)
        if not isinstance(self.normalized, bool):
            raise ValueError(f"expected normalized True or False, got {self.normalized!r}")
        for name in ("content_layers", "style_layers"):
            self._freeze(name)
            layers = getattr(self, name)
            if not all(isinstance(layer, str) for layer in layers):
                raise ValueError(f"expected {name} as a list of names, got {list(layers)}")
            if len(set(map(canonical, layers))) < len(layers):
                raise ValueError(f"expected each of {name} once, got {list(layers)}")
        if self.layer_weights is not None:
            self._freeze("layer_weights")
            for weight in self.layer_weights:
                check_number("each of layer_weights", weight)
            if len(self.layer_weights) != len(self.style_layers):
                raise ValueError(
                    f"expected {len(self.style_layers)} layer_weights, one for each style layer, "
                    f"got {len(self.layer_weights)}"
                )

    def _freeze(self, name):
        """Turn a list into a tuple, so that a recipe cannot change."""
        value = getattr(self, name)
        if not isinstance(value, (list, tuple)) or not value:
            raise ValueError(f"expected {name} as a list of at least one, got {value!r}")
        object.__setattr__(self, name, tuple(value))

    def replace(self, **changes):
        """Return a copy with some settings changed.

        Raises
        ------
        ValueError
            For an unknown setting, or a value that cannot be.

        Examples
        --------
        >>> RECIPES["gatys2015"].replace(style_weight=1e4).style_weight
        10000.0
        """
        for name in changes:
            check_choice("a setting of", name, (field.name for field in dataclasses.fields(self)))
        return dataclasses.replace(self, **changes)


#: All recipes by name.
RECIPES = MappingProxyType(
    {
        "gatys2015": Recipe(
            source="Gatys, Ecker, Bethge: A Neural Algorithm of Artistic Style, arXiv 1508.06576",
            network="vgg19",
            pooling="average",
            normalized=False,
            content_layers=("conv4_2",),
            style_layers=("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"),
            layer_weights=None,  # the paper's 1/5 each
            content_weight=1.0,
            style_weight=1e3,  # α/β = 1e-3, as for most of the paper's Fig. 2
            tv_weight=0.0,
            init="noise",
            optimizer="lbfgs",
            learning_rate=None,
            size=512,
            steps=500,
        ),
    }
)

#: For `reconstruct_content` and `reconstruct_style`: the paper's settings, smaller and shorter.
RECONSTRUCTION = RECIPES["gatys2015"].replace(size=256, steps=200)


def find_recipe(recipe):
    """Return the recipe of that name, or `recipe` itself where it is one.

    Examples
    --------
    >>> find_recipe("gatys2051")
    Traceback (most recent call last):
    ...
    ValueError: expected recipe gatys2015, got 'gatys2051'; did you mean 'gatys2015'?
    """
    if isinstance(recipe, Recipe):
        return recipe
    check_choice("recipe", recipe, RECIPES)
    return RECIPES[recipe]

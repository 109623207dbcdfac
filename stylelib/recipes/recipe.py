"""What a recipe is: all settings of a style transfer, checked, and no code."""

import dataclasses
import difflib
import functools
from typing import Any

from stylelib._utils.checks import (
    check_all,
    check_choice,
    check_count,
    check_flag,
    check_number,
    optional,
    shown,
)
from stylelib.images.colour_control import PRESERVE_COLORS
from stylelib.images.load import RESAMPLINGS
from stylelib.images.sizes import check_size
from stylelib.recipes.conventions import CONTENT_CONVENTIONS, STYLE_CONVENTIONS
from stylelib.recipes.optimizers import OPTIMIZERS, OptimizerSettings, with_former_names
from stylelib.recipes.stages import as_stages
from stylelib.vgg.layers import NETWORKS, PADDINGS, POOLINGS, canonical

#: Names of the losses, each already multiplied by its weight.
LOSSES = ("total", "content", "style", "tv")
INITS = ("content", "noise", "style", "grey")
TV_CONVENTIONS = ("power", "squares", "absolute")
POSTPROCESSES = ("clip", "stretch")


@with_former_names
@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe(OptimizerSettings):
    """All settings of a style transfer that are not pictures.

    Parameters
    ----------
    source : str
        Where the settings come from.
    network : {"vgg16", "vgg19"}
        Network of the source. `transfer` runs any recipe with VGG16 unless told otherwise.
    pooling : {"max", "average"}
    padding : {"zero", "reflect"}
        What convolutions see beyond the border, see `VGG`; every published system has zeros.
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
    size : int or (int, int)
        Longer side of the result in pixels, or an exact ``(height, width)`` for both pictures.
    same_size : bool
        Whether the style image is brought to the height and width of the content image, whatever
        its proportions.
    resampling : {"lanczos", "bicubic", "bilinear", "nearest"}
    preserve_color : {"luminance", "match"}, optional
        Whether the result keeps the colours of the content image. ``"luminance"`` paints its
        brightness alone, and puts its own colours back, see `replace_luminance`; ``"match"`` first
        gives the style image the colours of the content image, see `match_color`.
    steps : int
        Evaluations of the loss.
    stages : list of Stage, optional
        Smaller pictures that are painted first, see `Stage`; each stage starts from the result of
        the one before it, enlarged. Their weights mean the same at all sizes only in conventions
        that are means; see `stylelib.recipes.conventions`.
    postprocess : {"clip", "stretch"}
        How the result becomes an image, see `deprocess` and `deprocess_stretched`.
    published : dict, optional
        Settings that the source has by a mistake, corrected in this recipe; `as_published` brings
        them back.
    notes : str
        Where this differs from the source, and what the source does not say.
    optimizer, learning_rate, beta_1, epsilon, decay, history_size
    restart_every, clipping, clip_limit
        See `OptimizerSettings`, which a recipe is: `minimize` takes it as one.

    Raises
    ------
    ValueError
        For a value out of range.
    """

    source: str
    network: str
    content_layers: tuple
    style_layers: tuple
    content_weight: float
    style_weight: float
    init: str
    size: int | tuple
    steps: int
    pooling: str = "max"
    padding: str = "zero"
    normalized: bool = False
    input_scale: float = 1.0
    layer_weights: tuple | None = None
    content_convention: str = "half_sum"
    style_convention: str = "paper"
    tv_weight: float = 0.0
    tv_convention: str = "power"
    same_size: bool = False
    resampling: str = "lanczos"
    preserve_color: str | None = None
    stages: tuple = ()
    postprocess: str = "clip"
    published: tuple = ()
    notes: str = ""

    def __post_init__(self):
        for name in ("content_layers", "style_layers"):
            if isinstance(getattr(self, name), str):  # one name is a list of one
                object.__setattr__(self, name, (getattr(self, name),))
        check_all(self, _CHECKS)
        super().__post_init__()
        self._check_weights()
        for name in ("content_layers", "style_layers", "layer_weights", "size"):
            value = getattr(self, name)
            object.__setattr__(self, name, tuple(value) if isinstance(value, list) else value)
        object.__setattr__(self, "published", tuple(sorted(dict(self.published).items())))
        object.__setattr__(self, "stages", as_stages(self.stages))
        self.by_stage()  # which checks their changes

    def _check_weights(self):
        if not (self.content_weight or self.style_weight):
            raise ValueError("expected content_weight or style_weight above 0, got 0 for both")
        if self.layer_weights is not None and len(self.layer_weights) != len(self.style_layers):
            raise ValueError(
                f"expected {len(self.style_layers)} layer_weights, one for each style layer, "
                f"got {len(self.layer_weights)}"
            )

    def by_stage(self) -> "list[Recipe]":
        """Return the recipe that each stage follows, its `changes` made; without stages, itself.

        Examples
        --------
        >>> from stylelib import RECIPES
        >>> stages = [(0.5, 2, {"content_weight": 0.1}), (1.0, 1)]
        >>> recipe = RECIPES["gatys2015"].replace(stages=stages)
        >>> [stage.content_weight for stage in recipe.by_stage()]
        [0.1, 1.0]
        """
        return [
            dataclasses.replace(self, stages=(), **dict(stage.changes)) for stage in self.stages
        ] or [self]

    def replace(self, **changes: Any) -> "Recipe":
        """Return a copy with some settings changed, in all of its stages.

        See `OptimizerSettings.replace`.

        Examples
        --------
        >>> from stylelib import RECIPES
        >>> stages = [(0.5, 2, {"content_weight": 0.1}), (1.0, 1)]
        >>> recipe = RECIPES["gatys2015"].replace(stages=stages).replace(content_weight=2.0)
        >>> [stage.changes for stage in recipe.stages]
        [(), ()]
        """
        stages = tuple(stage.without(changes) for stage in self.stages)
        return super().replace(**{"stages": stages} | changes)

    @property
    def weight_by_layer(self) -> dict[str, float]:
        """w_l of Eq. 5 by layer name.

        Examples
        --------
        >>> from stylelib import RECIPES
        >>> RECIPES["gatys2015"].replace(style_layers=["conv1_1", "conv2_1"]).weight_by_layer
        {'conv1_1': 0.5, 'conv2_1': 0.5}
        """
        weights = self.layer_weights or [1 / len(self.style_layers)] * len(self.style_layers)
        return dict(zip(self.style_layers, weights, strict=True))

    def as_published(self) -> "Recipe":
        """Return a copy with the source's mistakes, where it has any.

        Examples
        --------
        >>> from stylelib import RECIPES
        >>> RECIPES["spirosbax"].postprocess, RECIPES["spirosbax"].as_published().postprocess
        ('clip', 'stretch')
        """
        return self.replace(published=(), **dict(self.published))


def _check_text(name, value):
    if not isinstance(value, str):
        raise ValueError(f"expected {name} as a text, got {shown(value)}")


def _check_list(name, value):
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(f"expected {name} as a list of at least one, got {shown(value)}")


def _check_layers(name, layers):
    _check_list(name, layers)
    if not all(isinstance(layer, str) for layer in layers):
        raise ValueError(f"expected {name} as a list of names, got {shown(list(layers))}")
    if len(set(map(canonical, layers))) < len(layers):
        raise ValueError(f"expected each of {name} once, got {shown(list(layers))}")


def _check_layer_weights(name, weights):
    _check_list(name, weights)
    for weight in weights:
        check_number(f"each of {name}", weight)
    if not any(weights):
        raise ValueError(f"expected one of {name} above 0, got 0 for all")


def _check_published(name, published):
    try:
        settings = dict(published)
    except (TypeError, ValueError):
        raise ValueError(f"expected {name} as a dict of settings, got {shown(published)}") from None
    known = [field.name for field in dataclasses.fields(Recipe) if field.name != name]
    for setting, value in settings.items():
        nearest = difflib.get_close_matches(str(setting), known, n=5, cutoff=0.0)
        check_choice(f"in {name} a setting such as", setting, nearest)
        if setting in _CHECKS:  # those of an optimizer are checked once they are brought back
            _CHECKS[setting](setting, value)


def _check_size(name, size):
    if isinstance(size, (list, tuple)):
        check_size(size)
    else:
        check_count(name, size)


def _check_stages(name, stages):
    as_stages(stages)


def _one_of(choices):
    return functools.partial(check_choice, choices=choices)


_CHECKS = {
    "source": _check_text,
    "network": _one_of(NETWORKS),
    "content_layers": _check_layers,
    "style_layers": _check_layers,
    "content_weight": check_number,
    "style_weight": check_number,
    "init": _one_of(INITS),
    "optimizer": _one_of(OPTIMIZERS),
    "size": _check_size,
    "steps": check_count,
    "pooling": _one_of(POOLINGS),
    "padding": _one_of(PADDINGS),
    "normalized": check_flag,
    "input_scale": functools.partial(check_number, positive=True),
    "layer_weights": optional(_check_layer_weights),
    "content_convention": _one_of(CONTENT_CONVENTIONS),
    "style_convention": _one_of(STYLE_CONVENTIONS),
    "tv_weight": check_number,
    "tv_convention": _one_of(TV_CONVENTIONS),
    "same_size": check_flag,
    "stages": _check_stages,
    "resampling": _one_of(RESAMPLINGS),
    "preserve_color": optional(_one_of(PRESERVE_COLORS)),
    "postprocess": _one_of(POSTPROCESSES),
    "published": _check_published,
    "notes": _check_text,
}

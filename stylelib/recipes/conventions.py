"""How published systems scale the paper's losses, and how one scaling turns into another.

All of them sum squares of the same differences, and then divide by different numbers. So each
one's loss of a layer is the paper's times a factor that follows from the sizes alone, and a weight
times that factor is a weight for the paper's loss. Equations are those of arXiv 1508.06576.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from stylelib._utils.checks import check_choice
from stylelib._utils.types import Size
from stylelib.vgg.layers import MapSize, map_size

if TYPE_CHECKING:  # which imports this module
    from stylelib.recipes.recipe import Recipe


class Sizes(NamedTuple):
    """What the factors of a layer depend on."""

    layer: MapSize  # of its feature maps: N filters, M positions
    first: MapSize  # of the recipe's first style layer
    image: tuple  # (height, width) of the generated image


class Convention(NamedTuple):
    """A way to write a loss: its formula, and this loss divided by the paper's."""

    formula: str
    factor: Callable  # Sizes -> float: this loss / the paper's
    unnormalized: bool = False  # whether it compares G and A, and not G/M and A/M'


#: Content losses by name; the paper's is Eq. 1.
CONTENT_CONVENTIONS = {
    "half_sum": Convention("½ Σ (F − P)²", lambda s: 1),
    "sum": Convention("Σ (F − P)²", lambda s: 2),
    "mean": Convention("mean (F − P)²", lambda s: 2 / s.layer.elements),
    "mean_per_filter": Convention(
        "mean (F − P)² / N", lambda s: 2 / (s.layer.elements * s.layer.filters)
    ),
}

#: Style losses of one layer by name; the paper's is Eq. 4.
STYLE_CONVENTIONS = {
    "paper": Convention("Σ (G/M − A/M')² / 4N²", lambda s: 1),
    "mean_per_position": Convention("mean (G/M − A/M')²", lambda s: 4),
    "mean_per_element": Convention("mean (G/NM − A/NM')²", lambda s: 4 / s.layer.filters**2),
    "row_mean": Convention(  # N₁ and M₁: of the first style layer
        "Σ (G/NM − A/NM')² / N·N₁M₁", lambda s: 4 / (s.layer.filters * s.first.elements)
    ),
    "gram_sum": Convention("Σ (G − A)²", lambda s: 4 * s.layer.elements**2, unnormalized=True),
    "gram_size": Convention(  # N and M read off the Gram matrix, which is N × N
        "Σ (G − A)² / 4N⁴", lambda s: (s.layer.positions / s.layer.filters) ** 2, unnormalized=True
    ),
    "image_size": Convention(  # 3 channels and H·W pixels of the image, for every layer
        "Σ (G − A)² / 4·3²·(HW)²",
        lambda s: (s.layer.elements / (3 * math.prod(s.image))) ** 2,
        unnormalized=True,
    ),
}


def paper_weights(recipe: "Recipe", image_size: Size) -> dict[str, dict[str, float]]:
    """Weights with which the paper's losses add up to the recipe's loss.

    The total loss of a recipe is Σ_l content_l · Eq. 1 + Σ_l style_l · Eq. 4, plus total variation.

    Parameters
    ----------
    recipe : Recipe
    image_size : (int, int)
        ``(height, width)`` of the generated image.

    Returns
    -------
    dict of str to dict of str to float
        ``"content"`` and ``"style"``, each a weight by layer name.

    Examples
    --------
    The paper's own weights are what they are, α = 1 and β · w_l = 1000 / 5:

    >>> from stylelib import RECIPES
    >>> weights = paper_weights(RECIPES["gatys2015"], (256, 256))
    >>> weights["content"], weights["style"]["conv1_1"]
    ({'conv4_2': 1.0}, 200.0)
    """
    first = map_size(recipe.style_layers[0], image_size)
    content = CONTENT_CONVENTIONS[recipe.content_convention].factor
    style = STYLE_CONVENTIONS[recipe.style_convention].factor
    # Features of a network whose input is divided by a number are divided by it, too.
    content_unit, style_unit = recipe.input_scale**2, recipe.input_scale**4

    def converted(weight, factor, layer, unit):
        if not weight:  # of a picture that is too thin for this layer there is no factor
            return 0.0
        return weight * factor(Sizes(map_size(layer, image_size), first, image_size)) / unit

    return {
        "content": {
            layer: converted(recipe.content_weight, content, layer, content_unit)
            for layer in recipe.content_layers
        },
        "style": {
            layer: converted(recipe.style_weight * weight, style, layer, style_unit)
            for layer, weight in recipe.weight_by_layer.items()
        },
    }


def at_size(recipe: "Recipe", image_size: Size, other_size: Size) -> "Recipe":
    """Return the recipe whose terms weigh as much at another size as they do at this one.

    Sums over positions grow with the picture, means do not. Weights of content and total variation
    make up for that per position; the style weight does for the first style layer, which is exact
    for all conventions but those of Gram matrices that are not divided by their positions.

    Parameters
    ----------
    recipe : Recipe
    image_size, other_size : (int, int)
        ``(height, width)`` of the generated image, here and there.

    Returns
    -------
    Recipe

    Examples
    --------
    The paper's Eq. 1 is a sum: of a quarter of the positions each has to count four times as much.

    >>> from stylelib import RECIPES
    >>> small = at_size(RECIPES["gatys2015"], (512, 512), (256, 256))
    >>> small.content_weight, small.style_weight
    (4.0, 1000.0)
    """
    here, there = (paper_weights(recipe, size) for size in (image_size, other_size))

    def ratio(role, layer):
        one, other = here[role][layer], there[role][layer]
        return one / other if other else 1.0

    layer = recipe.content_layers[0]
    positions, others = (map_size(layer, size).positions for size in (image_size, other_size))
    return recipe.replace(
        content_weight=recipe.content_weight * ratio("content", layer) * positions / others,
        style_weight=recipe.style_weight * ratio("style", recipe.style_layers[0]),
        tv_weight=recipe.tv_weight * math.prod(image_size) / math.prod(other_size),
    )


def relative_layer_weights(recipe: "Recipe", image_size: Size) -> dict[str, float]:
    """What each style layer really counts: its share of the weights on the paper's E_l.

    Parameters
    ----------
    recipe : Recipe
    image_size : (int, int)
        ``(height, width)`` of the generated image.

    Returns
    -------
    dict of str to float
        By layer name; they sum to 1.

    Examples
    --------
    Keras' example writes 1/5 for each of its five layers. It means something else:

    >>> from stylelib import RECIPES
    >>> shares = relative_layer_weights(RECIPES["keras"], (256, 256))
    >>> [round(share / shares["conv5_1"]) for share in shares.values()]
    [1024, 256, 64, 16, 1]
    """
    weights = paper_weights(recipe.replace(style_weight=1.0), image_size)["style"]
    total = sum(weights.values())
    return {layer: weight / total for layer, weight in weights.items()}


def convert(
    recipe: "Recipe",
    image_size: Size,
    style_size: Size | None = None,
    content_convention: str = "half_sum",
    style_convention: str = "paper",
) -> "Recipe":
    """Return a recipe of other conventions and weights with the very same loss.

    Equal are the total loss and its gradient, for pictures of these sizes and no others. Network,
    layers, pooling and total variation stay as they are: they change what is compared, and no
    weight can make up for that.

    Parameters
    ----------
    recipe : Recipe
    image_size, style_size : (int, int)
        ``(height, width)`` of the generated and the style image; without the second, both are of
        one size.
    content_convention : str
        A name from `CONTENT_CONVENTIONS`, by default the paper's.
    style_convention : str
        A name from `STYLE_CONVENTIONS`, by default the paper's.

    Returns
    -------
    Recipe
        With `input_scale` 1, and layer weights that sum to 1.

    Raises
    ------
    ValueError
        Where no such weights exist: for Gram matrices that are divided by their numbers of
        positions in one convention only, if these differ, and for several content layers of
        different sizes, which share one weight.

    Examples
    --------
    What jcjohnson's 5 to 100 would be in the paper's terms, at 512 × 512 pixels:

    >>> from stylelib import RECIPES
    >>> recipe = convert(RECIPES["jcjohnson"], (512, 512))
    >>> [f"{weight:.3g}" for weight in (recipe.content_weight, recipe.style_weight)]
    ['4.77e-06', '0.131']
    """
    check_choice("content_convention", content_convention, CONTENT_CONVENTIONS)
    check_choice("style_convention", style_convention, STYLE_CONVENTIONS)
    other = recipe.replace(
        content_convention=content_convention,
        style_convention=style_convention,
        input_scale=1.0,
        published=(),
    )
    kinds = {STYLE_CONVENTIONS[r.style_convention].unnormalized for r in (recipe, other)}
    if len(kinds) == 2:
        _check_same_size("converting between G and G/M", image_size, style_size or image_size)

    # A weight of 1 on every layer leaves the factors alone, where a 0 would hide them.
    ones = {"content_weight": 1.0, "style_weight": 1.0}
    ones["layer_weights"] = [1.0] * len(recipe.style_layers)
    here, there = (paper_weights(r.replace(**ones), image_size) for r in (recipe, other))
    ratios = {
        role: [here[role][layer] / there[role][layer] for layer in here[role]] for role in here
    }
    if not all(math.isclose(ratio, ratios["content"][0]) for ratio in ratios["content"]):
        raise ValueError(
            f"expected one content layer, or several of one size, to convert to "
            f"{content_convention!r}; got {list(recipe.content_layers)}, which would each need a "
            "weight of its own"
        )
    weights = recipe.weight_by_layer.values()
    products = [weight * ratio for weight, ratio in zip(weights, ratios["style"], strict=True)]
    return other.replace(
        content_weight=recipe.content_weight * ratios["content"][0],
        style_weight=recipe.style_weight * sum(products),
        layer_weights=[product / sum(products) for product in products],
    )


def check_style_size(recipe, image_size, style_size):
    """Raise a ``ValueError`` if the recipe cannot compare pictures of these two sizes.

    Gram matrices that are not divided by their numbers of positions grow with the picture: a style
    image of twice as many pixels would ask for a texture twice as strong. Without a style image,
    `style_size` is None.

    Examples
    --------
    >>> from stylelib import RECIPES
    >>> check_style_size(RECIPES["keras"], (128, 192), (192, 192))
    Traceback (most recent call last):
    ...
    ValueError: expected pictures of one size for style_convention 'image_size', ...
    """
    if style_size is not None and STYLE_CONVENTIONS[recipe.style_convention].unnormalized:
        what = f"style_convention {recipe.style_convention!r}"
        _check_same_size(what, image_size, style_size)


def _check_same_size(what, image_size, style_size):
    if tuple(image_size) != tuple(style_size):
        (height, width), (style_height, style_width) = image_size, style_size
        raise ValueError(
            f"expected pictures of one size for {what}, since a Gram matrix grows with its "
            f"picture; got {width} × {height} and a style image of {style_width} × {style_height}"
        )

"""Each convention against its formula, written out in NumPy, and all conversions between them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylelib._utils.tensorflow import tf
from stylelib.preprocessing import noise_image, preprocess
from stylelib.recipes.conventions import (
    CONTENT_CONVENTIONS,
    STYLE_CONVENTIONS,
    check_style_size,
    convert,
    paper_weights,
    relative_layer_weights,
)
from stylelib.recipes.published import RECIPES
from stylelib.training import Objective
from stylelib.vgg.layers import layer_names, map_size
from stylelib.vgg.network import VGG
from tests.small_network import use_small_network

SIZE = (48, 64)
STYLE_LAYERS, CONTENT_LAYERS = ("conv1_2", "conv2_1", "conv3_1"), ("conv2_2", "conv3_2")
RECIPE = RECIPES["gatys2015"].replace(
    style_layers=STYLE_LAYERS, content_layers=CONTENT_LAYERS[:1], layer_weights=(0.5, 0.2, 0.3)
)
UNNORMALIZED = {name for name, c in STYLE_CONVENTIONS.items() if c.unnormalized}

# Feature maps as matrices (M, N), one row a position.
CONTENT_FORMULAS = {
    "half_sum": lambda F, P: np.sum((F - P) ** 2) / 2,
    "sum": lambda F, P: np.sum((F - P) ** 2),
    "mean": lambda F, P: np.mean((F - P) ** 2),
    # the mean over channels, summed over positions, divided by height · width · channels
    "mean_per_filter": lambda F, P: np.sum(np.mean((F - P) ** 2, axis=1)) / F.size,
}


def gram(F):
    return F.T @ F


def gram_size(F, S, first):
    G, A = gram(F), gram(S)
    N, M = G.shape  # the mistake
    return np.sum((G - A) ** 2) / (4 * N**2 * M**2)


STYLE_FORMULAS = {
    "paper": lambda F, S, first: (
        np.sum((gram(F) / len(F) - gram(S) / len(S)) ** 2) / (4 * F.shape[1] ** 2)
    ),
    "mean_per_position": lambda F, S, first: np.mean((gram(F) / len(F) - gram(S) / len(S)) ** 2),
    "mean_per_element": lambda F, S, first: np.mean((gram(F) / F.size - gram(S) / S.size) ** 2),
    "row_mean": lambda F, S, first: (
        np.sum(np.mean((gram(F) / F.size - gram(S) / S.size) ** 2, axis=1)) / first.size
    ),
    "gram_sum": lambda F, S, first: np.sum((gram(F) - gram(S)) ** 2),
    "gram_size": gram_size,
    "image_size": lambda F, S, first: (
        np.sum((gram(F) - gram(S)) ** 2) / (4 * 3**2 * (SIZE[0] * SIZE[1]) ** 2)
    ),
}


@pytest.fixture(scope="module")
def vgg():
    with pytest.MonkeyPatch.context() as patch:
        use_small_network(patch)  # the formulas hold for any
        return VGG([*STYLE_LAYERS, *CONTENT_LAYERS])


@pytest.fixture(scope="module", autouse=True)
def eagerly():
    """Compile nothing, since each objective is evaluated once."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def pictures():
    return noise_image(SIZE, seed=1), noise_image(SIZE, seed=2)


def matrices(vgg, image):
    maps = vgg(preprocess(image))
    return {name: np.reshape(F, (-1, F.shape[-1])).astype(float) for name, F in maps.items()}


def total_and_gradient(recipe, vgg, pictures, seed=3):
    """Of a picture that is neither of the two."""
    losses, gradient = Objective(vgg, recipe, *pictures).loss_and_gradient(
        preprocess(noise_image(SIZE, seed=seed))
    )
    return {name: float(loss) for name, loss in losses.items()}, gradient.numpy()


@pytest.mark.parametrize("name", CONTENT_CONVENTIONS)
def test_a_content_convention_is_its_formula(name, vgg, pictures):
    recipe = RECIPE.replace(content_convention=name, content_weight=3.0)
    losses, _ = total_and_gradient(recipe, vgg, pictures)
    F, P = (matrices(vgg, image)["conv2_2"] for image in (noise_image(SIZE, seed=3), pictures[0]))
    assert losses["content"] == pytest.approx(3 * CONTENT_FORMULAS[name](F, P), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "style_size"),
    [(name, SIZE) for name in STYLE_CONVENTIONS]
    + [(name, (64, 40)) for name in STYLE_CONVENTIONS if name not in UNNORMALIZED],
)
def test_a_style_convention_is_its_formula(name, style_size, vgg, pictures):
    pictures = (pictures[0], noise_image(style_size, seed=2))
    recipe = RECIPE.replace(style_convention=name, style_weight=7.0)
    losses, _ = total_and_gradient(recipe, vgg, pictures)
    F, S = (matrices(vgg, image) for image in (noise_image(SIZE, seed=3), pictures[1]))
    expected = 7 * sum(
        weight * STYLE_FORMULAS[name](F[layer], S[layer], F[STYLE_LAYERS[0]])
        for layer, weight in zip(STYLE_LAYERS, RECIPE.layer_weights, strict=True)
    )
    assert losses["style"] == pytest.approx(expected, rel=1e-3)


def test_every_convention_has_a_formula_here():
    assert CONTENT_FORMULAS.keys() == CONTENT_CONVENTIONS.keys()
    assert STYLE_FORMULAS.keys() == STYLE_CONVENTIONS.keys()


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 8))
def test_the_identities_between_sums_and_means(height, width, filters):
    random = np.random.default_rng(0)
    F, P = random.normal(size=(2, height * width, filters))
    (M, N), formulas = F.shape, STYLE_FORMULAS
    assert CONTENT_FORMULAS["half_sum"](F, P) == pytest.approx(N * M / 2 * np.mean((F - P) ** 2))
    E = formulas["paper"](F, P, F)
    assert formulas["mean_per_position"](F, P, F) == pytest.approx(4 * E)
    assert formulas["mean_per_element"](F, P, F) == pytest.approx(4 * E / N**2)


def converted_pair(source, target):
    """A recipe in one style convention, and what it becomes in another; content ones vary, too."""
    names = list(CONTENT_CONVENTIONS)
    recipe = RECIPE.replace(
        style_convention=source,
        content_convention=names[len(source) % 4],
        tv_weight=1e-3,
        input_scale=2.0,
    )
    content = names[len(target) % 4]
    return recipe, convert(recipe, SIZE, content_convention=content, style_convention=target)


@pytest.mark.parametrize(("source", "target"), list(itertools.product(STYLE_CONVENTIONS, repeat=2)))
def test_a_converted_recipe_weighs_the_paper_s_losses_as_before(source, target):
    recipe, converted = converted_pair(source, target)
    assert converted.style_convention == target
    assert sum(converted.layer_weights) == pytest.approx(1)
    before, after = (paper_weights(r, SIZE) for r in (recipe, converted))
    for role in before:
        assert after[role] == pytest.approx(before[role])


@pytest.mark.parametrize(
    ("source", "target"),
    list(zip(STYLE_CONVENTIONS, [*STYLE_CONVENTIONS][1:] + [*STYLE_CONVENTIONS][:1], strict=True)),
)
def test_a_converted_recipe_has_the_same_loss_and_gradient(source, target, vgg, pictures):
    (here, gradient), (there, other) = (
        total_and_gradient(r, vgg, pictures) for r in converted_pair(source, target)
    )
    assert there == pytest.approx(here, rel=1e-4)
    np.testing.assert_allclose(other, gradient, atol=1e-4 * np.abs(gradient).max())


@pytest.mark.parametrize("name", sorted(RECIPES.keys() - {"multiscale"}))
def test_every_published_recipe_can_be_written_in_the_paper_s_terms(name):
    recipe = RECIPES[name]
    converted = convert(recipe, (96, 128))
    assert (converted.content_convention, converted.style_convention) == ("half_sum", "paper")
    weights, expected = paper_weights(converted, (96, 128)), paper_weights(recipe, (96, 128))
    for role in weights:
        assert weights[role] == pytest.approx(expected[role])
    assert converted.as_published() == converted


@pytest.mark.parametrize(
    ("name", "ratios"),
    [
        ("gatys2015", [1, 1, 1, 1, 1]),
        ("spirosbax", [1, 1, 1, 1, 1]),
        ("tensorflow", [1, 1, 1, 1, 1]),
        ("keras", [1024, 256, 64, 16, 1]),
        ("jerkic", [1024, 256, 64, 16, 1]),
        ("gatys_pytorch", [64, 16, 4, 1, 1]),
        ("jcjohnson", [64, 16, 4, 1, 1]),
    ],
)
def test_relative_layer_weights(name, ratios):
    shares = relative_layer_weights(RECIPES[name], (256, 512))
    assert sum(shares.values()) == pytest.approx(1)
    assert [share / shares["conv5_1"] for share in shares.values()] == pytest.approx(ratios)


def test_the_published_mistake_weighs_by_positions():
    shares = relative_layer_weights(RECIPES["spirosbax"].as_published(), (224, 224))
    ratios = {
        layer: (map_size(layer, (224, 224)).positions / map_size(layer, (224, 224)).filters) ** 2
        for layer in shares
    }
    total = sum(ratios.values())
    assert shares == pytest.approx({layer: ratio / total for layer, ratio in ratios.items()})


def test_two_programs_differ_by_one_weight():
    """Gatys' own code is jcjohnson's with content 1 and style 1000."""
    recipe = convert(
        RECIPES["gatys_pytorch"],
        (128, 128),
        content_convention="mean",
        style_convention="mean_per_element",
    )
    assert recipe.content_weight == 1
    weights = [weight * recipe.style_weight for weight in recipe.layer_weights]
    assert weights == pytest.approx([1000] * 5)


@pytest.mark.parametrize("name", sorted(UNNORMALIZED))
def test_gram_matrices_of_two_sizes_are_not_compared(name, vgg, pictures):
    recipe = RECIPE.replace(style_convention=name)
    small = noise_image((40, 64), seed=2)
    with pytest.raises(ValueError, match="pictures of one size .* style image of 64 × 40"):
        total_and_gradient(recipe, vgg, (pictures[0], small))
    with pytest.raises(ValueError, match="expected pictures of one size for converting"):
        convert(recipe, SIZE, style_size=(40, 64))
    check_style_size(RECIPE, SIZE, (40, 64))
    assert convert(RECIPE, SIZE, (40, 64), style_convention="mean_per_position")


def test_several_content_layers_share_one_weight(vgg, pictures):
    recipe = RECIPE.replace(content_layers=CONTENT_LAYERS)
    assert convert(recipe, SIZE, content_convention="sum").content_weight == 0.5
    with pytest.raises(ValueError, match="expected one content layer, or several of one size"):
        convert(recipe, SIZE, content_convention="mean")


def test_unknown_conventions_name_the_closest():
    with pytest.raises(ValueError, match="did you mean 'mean_per_position'"):
        convert(RECIPE, SIZE, style_convention="mean_per_positions")
    with pytest.raises(ValueError, match="got 'avg'"):
        convert(RECIPE, SIZE, content_convention="avg")


def test_a_picture_may_be_too_thin_for_a_layer_that_does_not_count():
    recipe = RECIPES["jcjohnson"].replace(style_layers=["conv1_1"], layer_weights=None)
    assert map_size("conv4_2", (4, 80)).elements == 0
    weights = paper_weights(recipe.replace(content_layers=["conv4_2"], content_weight=0), (4, 80))
    assert weights["content"] == {"conv4_2": 0.0} and weights["style"]["conv1_1"] > 0


def test_a_layer_of_weight_0_stays_at_0():
    converted = convert(RECIPES["augustins"], (64, 64))
    assert converted.layer_weights[-1] == 0


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_input_scale_is_a_network_in_other_units(pooling):
    """Features of a picture divided by s, with biases divided by s, are divided by s."""
    layers, scale = ["conv1_1", "conv3_2"], 57.6
    plain, scaled = (VGG(layers, pooling=pooling) for _ in range(2))
    for layer in scaled.model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, bias / scale])
    x = preprocess(noise_image((32, 32)))
    for layer, F in scaled(x / scale).items():
        np.testing.assert_allclose(F * scale, plain(x)[layer], rtol=1e-3, atol=1e-2)
    one, other = (
        paper_weights(RECIPE.replace(input_scale=s, content_weight=1.0), SIZE) for s in (1.0, scale)
    )
    assert other["content"]["conv2_2"] * scale**2 == pytest.approx(one["content"]["conv2_2"])
    assert other["style"]["conv1_2"] * scale**4 == pytest.approx(one["style"]["conv1_2"])


@pytest.fixture(scope="module")
def whole_network():
    return VGG(layer_names("vgg16"), weights="random").model


@given(height=st.integers(16, 70), width=st.integers(16, 70))
def test_map_sizes_are_those_of_the_network(whole_network, height, width):
    shapes = whole_network.compute_output_shape((1, height, width, 3))
    for layer in layer_names("vgg16"):
        assert (1, *map_size(layer, (height, width))) == tuple(shapes[layer])

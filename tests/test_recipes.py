import dataclasses

import pytest

from stylelib.layers import NETWORKS, POOLINGS, keras_name
from stylelib.recipes import INITS, RECIPES, Recipe, find_recipe


def test_gatys2015_is_the_paper():
    recipe = RECIPES["gatys2015"]
    assert recipe.network == "vgg19"
    assert recipe.pooling == "average"
    assert not recipe.normalized
    assert recipe.content_layers == ("conv4_2",)
    assert recipe.style_layers == ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
    assert recipe.layer_weights is None
    assert recipe.content_weight / recipe.style_weight == pytest.approx(1e-3)
    assert recipe.tv_weight == 0
    assert (recipe.init, recipe.optimizer) == ("noise", "lbfgs")


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_names_layers_of_its_network(name):
    recipe = RECIPES[name]
    assert recipe.network in NETWORKS
    assert recipe.pooling in POOLINGS
    for layer in recipe.content_layers + recipe.style_layers:
        keras_name(layer, recipe.network)
        keras_name(layer, "vgg16")


def test_a_recipe_cannot_change():
    recipe = RECIPES["gatys2015"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.style_weight = 2
    with pytest.raises(TypeError):
        RECIPES["mine"] = recipe
    assert hash(recipe.replace(style_layers=["conv1_1"])) != hash(recipe)


def test_replace_gives_a_changed_copy():
    recipe = RECIPES["gatys2015"]
    changed = recipe.replace(style_weight=5.0, style_layers=["conv1_1"], layer_weights=[1])
    assert (changed.style_weight, changed.style_layers) == (5.0, ("conv1_1",))
    assert recipe.style_weight == 1e3
    assert isinstance(changed, Recipe)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"style_wieght": 1}, "got 'style_wieght'; did you mean 'style_weight'?"),
        ({"style_weight": -1}, "expected style_weight as a number of at least 0, got -1"),
        ({"content_weight": float("nan")}, "expected content_weight as a number"),
        ({"tv_weight": "much"}, "expected tv_weight as a number"),
        ({"optimizer": "adam", "learning_rate": 0}, "expected learning_rate as a number above 0"),
        ({"pooling": "avg"}, "expected pooling max or average"),
        ({"optimizer": "L-BFGS"}, "expected optimizer lbfgs, adam or sgd"),
        ({"init": "white"}, "expected init content, noise or style"),
        ({"network": "vgg11"}, "expected network vgg16 or vgg19"),
        ({"size": 2.5}, "expected size as a whole number"),
        ({"steps": 0}, "expected steps as a whole number"),
        (
            {"style_layers": "conv1_1"},
            "expected style_layers as a list of at least one, got 'conv1_1'",
        ),
        ({"style_layers": 3}, "expected style_layers as a list of at least one, got 3"),
        ({"style_layers": [["conv1_1"]]}, "expected style_layers as a list of names"),
        ({"learning_rate": 5.0}, "expected a learning_rate only with optimizer adam or sgd"),
        ({"style_layers": []}, "expected style_layers as a list of at least one"),
        ({"style_layers": ["conv1_1", "block1_conv1"]}, "expected each of style_layers once"),
        ({"layer_weights": [1, 2]}, "expected 5 layer_weights, one for each style layer, got 2"),
        ({"layer_weights": [1, 1, 1, 1, -1]}, "expected each of layer_weights"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        RECIPES["gatys2015"].replace(**changes)


def test_an_unknown_recipe_names_the_closest():
    with pytest.raises(ValueError, match="did you mean 'gatys2015'?"):
        find_recipe("gatys2016")
    assert find_recipe(RECIPES["gatys2015"]) is RECIPES["gatys2015"]


def test_every_start_is_documented():
    assert all(f'"{init}"' in Recipe.__doc__ for init in INITS)

import dataclasses
import re

import pytest

from stylelib.losses import TV_LOSSES
from stylelib.objective import Objective
from stylelib.preprocessing import preprocess
from stylelib.recipes import optimizers
from stylelib.recipes import recipe as recipe_module
from stylelib.recipes.optimizers import OptimizerSettings
from stylelib.recipes.published import RECIPES, find_recipe
from stylelib.recipes.recipe import INITS, TV_CONVENTIONS, Recipe
from stylelib.vgg.layers import NETWORKS, POOLINGS, keras_name
from stylelib.vgg.network import VGG


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


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("gatys2016", {"normalized": True, "pooling": "average", "content_layers": ("conv4_2",)}),
        (
            "spirosbax",
            {"size": (224, 224), "resampling": "nearest", "content_layers": ("conv4_2",),
             "content_weight": 1, "style_weight": 1000, "learning_rate": 5, "beta_1": 0.99,
             "epsilon": 0.1, "restart_every": 100, "steps": 1000, "clipping": "steps",
             "init": "content"},
        ),
        (
            "jerkic",
            {"content_layers": ("conv5_2",), "content_weight": 0.025, "style_weight": 1,
             "tv_weight": 1, "tv_convention": "power", "optimizer": "lbfgs"},
        ),
        (
            "augustins",
            {"size": (128, 128), "layer_weights": (0.2, 0.2, 0.4, 0.2, 0.0), "restart_every": 20,
             "content_layers": ("conv4_2",), "content_weight": 5e-6, "style_weight": 1},
        ),
        (
            "style_over_matter",
            {"network": "vgg16", "pooling": "average", "size": (350, 500), "clip_limit": 127,
             "style_layers": ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2"),
             "layer_weights": (0.05, 0.2, 0.2, 0.25, 0.3), "content_layers": ("conv4_2",),
             "init": "grey", "clipping": "rounds", "restart_every": 20, "steps": 200},
        ),
    ],
)  # fmt: skip
def test_a_recipe_is_its_source(name, facts):
    assert {field: getattr(RECIPES[name], field) for field in facts} == facts


def test_a_style_over_matter_counts_content_a_fifteenth():
    recipe = RECIPES["style_over_matter"]
    assert recipe.style_weight / recipe.content_weight == pytest.approx(15)


def test_as_published_brings_back_the_mistakes_and_nothing_else():
    recipe = RECIPES["spirosbax"]
    published = recipe.as_published()
    assert (published.style_convention, published.postprocess) == ("gram_size", "stretch")
    assert (recipe.style_convention, recipe.postprocess) == ("paper", "clip")
    assert published.replace(style_convention="paper", postprocess="clip") == recipe.replace(
        published={}
    )
    assert RECIPES["keras"].as_published() == RECIPES["keras"]
    printed = RECIPES["gatys2016"].as_published()
    assert printed.content_weight / printed.style_weight == pytest.approx(1e-3)
    assert (printed.content_convention, printed.style_convention) == ("half_sum", "paper")


@pytest.mark.parametrize(
    ("cls", "checks"),
    [(OptimizerSettings, optimizers._CHECKS), (Recipe, optimizers._CHECKS | recipe_module._CHECKS)],
)
def test_every_setting_is_documented_and_checked(cls, checks):
    names = {field.name for field in dataclasses.fields(cls)}
    assert names == set(checks)
    for name in names:
        assert re.search(rf"^    (\w+, )*{name}\b", cls.__doc__, re.M), name


@pytest.mark.parametrize(
    ("former", "name", "value"),
    [("memory", "history_size", 7), ("round_length", "restart_every", 7),
     ("recovery", "postprocess", "stretch")],
)  # fmt: skip
def test_settings_are_known_by_their_former_names(former, name, value):
    assert optimizers.ALIASES[former] == name
    recipe = RECIPES["gatys2015"]
    settings = dataclasses.asdict(recipe)
    del settings[name]
    assert recipe.replace(**{former: value}) == Recipe(**settings, **{former: value})
    assert getattr(recipe.replace(**{former: value}), name) == value
    if name in optimizers._CHECKS:
        assert getattr(OptimizerSettings("lbfgs", **{former: value}), name) == value


def test_the_forms_of_total_variation_are_those_of_the_losses():
    assert set(TV_CONVENTIONS) == set(TV_LOSSES)


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if recipe.tv_weight])
def test_total_variation_begins_far_below_style(name, content_image, style_image):
    recipe = RECIPES[name].replace(style_layers=RECIPES[name].style_layers[:3], layer_weights=None)
    vgg = VGG([*recipe.style_layers, *recipe.content_layers], pooling=recipe.pooling)
    style_image = style_image[: content_image.shape[0]]
    losses = Objective(vgg, recipe, content_image, style_image).losses(preprocess(content_image))
    assert 0 < losses["tv"] < 0.02 * losses["style"]


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


def test_another_optimizer_takes_over_no_settings():
    keras = RECIPES["keras"]
    lbfgs, adam = (keras.replace(optimizer=optimizer) for optimizer in ("lbfgs", "adam"))
    for changed in (lbfgs, adam):
        assert (changed.learning_rate, changed.decay) == (None, 1.0)
    assert keras.replace(optimizer="adam", learning_rate=2.0).learning_rate == 2.0
    assert keras.replace(optimizer="sgd") == keras
    other = RECIPES["gatys2015"].replace(history_size=20)
    assert (other.history_size, other.replace(optimizer="adam").history_size) == (20, None)


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
        ({"init": "white"}, "expected init content, noise, style or grey"),
        ({"network": "vgg11"}, "expected network vgg16 or vgg19"),
        ({"size": 2.5}, "expected size as a whole number"),
        ({"steps": 0}, "expected steps as a whole number"),
        ({"style_layers": 3}, "expected style_layers as a list of at least one, got 3"),
        ({"style_layers": [["conv1_1"]]}, "expected style_layers as a list of names"),
        ({"learning_rate": 5.0}, "expected learning_rate only with optimizer adam or sgd"),
        ({"history_size": 0}, "expected history_size as a whole number of at least 1, got 0"),
        (
            {"optimizer": "sgd", "history_size": 5},
            "expected history_size only with optimizer lbfgs",
        ),
        ({"beta_1": 0.9}, "expected beta_1 only with optimizer adam, got 0.9"),
        ({"optimizer": "sgd", "epsilon": 0.1}, "expected epsilon only with optimizer adam"),
        ({"decay": 0.5}, "expected decay only with optimizer adam or sgd, got 0.5"),
        ({"optimizer": "adam", "beta_1": 1}, "expected beta_1 as a number below 1, got 1"),
        ({"style_layers": []}, "expected style_layers as a list of at least one"),
        ({"style_layers": ["conv1_1", "block1_conv1"]}, "expected each of style_layers once"),
        ({"layer_weights": [1, 2]}, "expected 5 layer_weights, one for each style layer, got 2"),
        ({"layer_weights": [1, 1, 1, 1, -1]}, "expected each of layer_weights"),
        ({"layer_weights": [0] * 5}, "expected one of layer_weights above 0, got 0 for all"),
        ({"content_convention": "sums"}, "did you mean 'sum'?"),
        ({"style_convention": "gram"}, "expected style_convention paper, "),
        ({"tv_convention": "l1"}, "expected tv_convention power, squares or absolute"),
        ({"input_scale": 0}, "expected input_scale as a number above 0"),
        ({"size": (224, 0)}, "expected each side of size"),
        ({"size": (1, 2, 3)}, "expected size as (height, width)"),
        ({"size": ((1, 2), (3,))}, "expected size as (height, width), got ((1, 2), (3,))"),
        ({"published": 5}, "expected published as a dict of settings, got 5"),
        ({"published": ["size"]}, "expected published as a dict of settings, got ['size']"),
        ({"resampling": "best"}, "expected resampling lanczos"),
        ({"restart_every": 0}, "expected restart_every as a whole number"),
        ({"clipping": "always"}, "expected clipping steps, rounds or never"),
        ({"clip_limit": 0.0}, "expected clip_limit as a number above 0"),
        ({"beta_1": -1}, "expected beta_1"),
        ({"decay": 0}, "expected decay as a number above 0"),
        ({"postprocess": "strech"}, "did you mean 'stretch'?"),
        ({"same_size": 1}, "expected same_size True or False, got 1"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RECIPES["gatys2015"].replace(**changes)


def test_an_unknown_recipe_lists_all_and_names_the_closest():
    with pytest.raises(ValueError, match="did you mean 'spirosbax'?") as error:
        find_recipe("spirosbaks")
    assert all(name in str(error.value) for name in RECIPES)
    assert find_recipe(RECIPES["gatys2015"]) is RECIPES["gatys2015"]


def test_every_start_is_documented():
    assert all(f'"{init}"' in Recipe.__doc__ for init in INITS)


@pytest.mark.parametrize(
    ("published", "message"),
    [
        ({"pooling": {1}}, "expected pooling max or average"),
        ({"postproces": "clip"}, "did you mean 'postprocess'"),
        ({5: 1}, "expected in published a setting such as"),
    ],
)
def test_published_settings_are_settings(published, message):
    with pytest.raises(ValueError, match=message):
        RECIPES["gatys2015"].replace(published=published)


def test_one_layer_is_a_list_of_one():
    assert RECIPES["gatys2015"].replace(style_layers="conv1_1").style_layers == ("conv1_1",)

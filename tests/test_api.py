import json

import numpy as np
import pytest

from stylelib import reconstruct_content, reconstruct_style, transfer
from stylelib._utils.tensorflow import tf
from stylelib.images.load import load_image
from stylelib.images.save import save_image
from stylelib.losses import style_loss
from stylelib.preprocessing import noise_image, preprocess
from stylelib.recipes.published import RECIPES
from stylelib.runs.job import described
from stylelib.vgg.layers import layer_names
from stylelib.vgg.network import VGG
from stylelib.vgg.weights import DATA
from tests import slow

SMALL = {"size": 32, "steps": 3}
PAPER = SMALL | {"recipe": "gatys2015"}
SHALLOW = PAPER | {"style_layers": ["conv1_1"], "content_layers": ["conv2_1"]}


def test_a_style_begins_to_move(content_image, style_image):
    options = {"recipe": "gatys2015", "init": "content", "precision": "float32"}
    result = transfer(content_image, style_image, size=32, steps=8, **options)
    style, content = result.history["style"], result.history["content"]
    assert style[-1] < 0.5 * style[0]
    assert content[0] == 0 < content[-1]


@pytest.mark.slow
def test_a_style_moves_onto_a_photograph(content_image, style_image):
    options = {"recipe": "gatys2015", "init": "content", "precision": "float32"}
    result = transfer(content_image, style_image, size=64, steps=60, **options)
    assert result.image.shape == content_image.shape
    style, content = result.history["style"], result.history["content"]
    assert style[-1] < 0.05 * style[0]
    assert content[0] == 0 < content[-1]
    grey = [image.mean(axis=2).ravel() for image in (result.image, content_image)]
    assert np.corrcoef(*grey)[0, 1] > 0.3  # one still sees the pavilion
    colours = [image.mean(axis=(0, 1)) for image in (result.image, style_image, content_image)]
    to_style, to_content = (np.linalg.norm(colours[0] - colour) for colour in colours[1:])
    assert to_style < to_content


@pytest.mark.usefixtures("either_network")
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "sgd"])
def test_the_same_call_gives_the_same_bytes(optimizer, content_image, style_image):
    first, second, other = (
        transfer(content_image, style_image, optimizer=optimizer, seed=seed, **SHALLOW)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.history["total"], second.history["total"])
    assert (first.image != other.image).any()


@pytest.mark.usefixtures("either_network")
def test_files_and_settings(tmp_path, content_image, style_image):
    save_image(tmp_path / "content.png", content_image)
    save_image(tmp_path / "style.png", style_image)
    result = transfer(
        tmp_path / "content.png", str(tmp_path / "style.png"), style_weight=5.0, seed=7, **PAPER
    )
    settings = json.loads(json.dumps(result.settings))
    assert settings["content"]["source"].endswith("content.png")
    assert settings["style"]["source"].endswith("style.png")
    assert settings["init"]["source"] == settings["recipe"]["init"] == "noise"
    hashes = {settings[role]["sha256"] for role in ("content", "style", "init")}
    assert len(hashes) == 3
    again = transfer(content_image, style_image, style_weight=5.0, seed=7, **PAPER).settings
    assert again["content"] == {"source": "ndarray", "sha256": settings["content"]["sha256"]}
    assert settings["recipe"]["name"] == "gatys2015"
    assert settings["seed"] == 7
    assert settings["recipe"]["style_weight"] == 5.0
    assert settings["recipe"]["steps"] == 3
    assert settings["network"] == "vgg16"
    twice = settings.keys() & settings["recipe"].keys()
    assert twice == {"network", "init"}  # of the recipe's source, which a run may have otherwise
    assert set(settings["versions"]) == {"stylelib", "tensorflow", "keras", "numpy", "scipy"}


@pytest.mark.usefixtures("either_network")
@pytest.mark.parametrize(
    ("content", "style"), [((40, 60), (90, 70)), ((33, 33), (32, 64)), ((200, 101), (50, 50))]
)
def test_the_two_sizes_are_independent(content, style):
    result = transfer(noise_image(content), noise_image(style, seed=1), **SHALLOW)
    assert max(result.image.shape) == 32
    height, width = result.image.shape[:2]
    assert height / width == pytest.approx(content[0] / content[1], abs=0.05)


@pytest.mark.usefixtures("either_network")
@pytest.mark.parametrize("size", [32, 33, 47, 64])
def test_any_size_from_32_works(size, content_image, style_image):
    result = transfer(content_image, style_image, size=size, steps=2)
    assert max(result.image.shape) == size


@pytest.mark.usefixtures("either_network")
def test_style_scale_changes_the_size_of_the_style(content_image, style_image):
    one, two = (
        transfer(content_image, style_image, style_scale=scale, **SHALLOW) for scale in (1, 2)
    )
    assert one.image.shape == two.image.shape
    assert (one.image != two.image).any()


@pytest.mark.usefixtures("either_network")
class TestInit:
    def first(self, init, **options):
        seen = []
        transfer(
            noise_image((64, 48), seed=1), noise_image((40, 64), seed=2), init=init,
            callback=lambda n, l, x: seen.append(np.asarray(x)),
            **SHALLOW | {"steps": 1}, **options,
        )  # fmt: skip
        return np.round(seen[0]).astype(int)

    def test_every_start(self, tmp_path):
        content = load_image(noise_image((64, 48), seed=1), size=(32, 24))
        style = load_image(noise_image((40, 64), seed=2), size=(20, 32))
        mine = noise_image((10, 10), seed=3)
        save_image(tmp_path / "mine.png", mine)
        expected = {
            "content": content,
            "style": load_image(style, size=(32, 24)),
            "noise": noise_image((32, 24), seed=5),
            "grey": np.full((32, 24, 3), (124, 117, 104), np.uint8),
        }
        for init, image in expected.items():
            np.testing.assert_array_equal(
                self.first(init, seed=5), np.round(preprocess(image)).astype(int)
            )
        mine = np.round(preprocess(load_image(mine, size=(32, 24)))).astype(int)
        np.testing.assert_array_equal(self.first(tmp_path / "mine.png"), mine)
        np.testing.assert_array_equal(self.first(str(tmp_path / "mine.png")), mine)

    def test_the_recipe_s_is_the_default(self):
        np.testing.assert_array_equal(self.first(None), self.first("noise"))


# Most conventions occur in these.
FEW = ("gatys2015", "keras", "jcjohnson", "multiscale")


@pytest.mark.usefixtures("either_network")
@pytest.mark.parametrize("name", slow.params(RECIPES, lambda name: name not in FEW))
@pytest.mark.parametrize("network", ["vgg16", pytest.param("vgg19", marks=pytest.mark.slow)])
def test_every_recipe_runs_with_either_network(name, network, content_image, style_image):
    weights = None if network == "vgg16" else "random"
    result = transfer(
        content_image, style_image, network=network, weights=weights, as_published=True,
        **PAPER | {"recipe": name}
    )  # fmt: skip
    assert result.evaluations == 3
    assert np.isfinite(result.history["total"]).all()
    assert result.settings["network"] == network
    assert json.dumps(result.settings)


@pytest.mark.usefixtures("either_network")
def test_the_network_of_the_source(content_image, style_image):
    for name in ("spirosbax", "style_over_matter"):
        options = {"network": "recipe", "weights": "random", **PAPER}
        result = transfer(content_image, style_image, **options | {"recipe": name})
        assert result.settings["network"] == RECIPES[name].network


@pytest.mark.usefixtures("either_network")
def test_an_exact_size_is_that_of_both_pictures(content_image, style_image):
    seen = []
    recipe = RECIPES["spirosbax"].replace(size=(48, 40), steps=2)
    result = transfer(
        content_image, style_image, recipe, callback=lambda n, l, x: seen.append(x.shape)
    )
    assert result.image.shape == (48, 40, 3)
    assert seen[0] == (1, 48, 40, 3)
    nearest = load_image(style_image, size=(48, 40), resampling="nearest")
    assert result.settings["style"]["sha256"] == described("", nearest)["sha256"]


@pytest.mark.usefixtures("either_network")
def test_as_published_is_another_picture(content_image, style_image):
    meant, published = (
        transfer(
            content_image, style_image, as_published=published, **PAPER | {"recipe": "spirosbax"}
        )
        for published in (False, True)
    )
    assert (meant.image != published.image).any()
    assert published.settings["recipe"]["style_convention"] == "gram_size"


@pytest.mark.usefixtures("either_network")
def test_padding_is_a_setting_of_the_recipe(content_image, style_image):
    options = {"size": 64, "steps": 2, "init": "content"}
    zero, reflect = (
        transfer(content_image, style_image, padding=padding, **options)
        for padding in ("zero", "reflect")
    )
    assert reflect.settings["recipe"]["padding"] == "reflect"
    assert reflect.history["style"][0] != zero.history["style"][0]


@pytest.mark.usefixtures("either_network", "few_images")
def test_average_pooling_and_random_weights_make_a_difference(content_image, style_image):
    images = [
        transfer(content_image, style_image, **PAPER, **options).image
        for options in ({}, {"pooling": "max"}, {"weights": "random"}, {"normalized": True})
    ]
    for image in images[1:]:
        assert (image != images[0]).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "gatys"}, "expected recipe multiscale, .* got 'gatys'"),
        ({"recipe": "keras", "style_scale": 2}, "expected pictures of one size for style_conv"),
        ({"size": 31}, "expected size as a whole number of at least 32, got 31"),
        ({"size": "big"}, "expected size"),
        ({"steps": 0}, "expected steps"),
        ({"network": "resnet"}, "expected network vgg16, vgg19 or recipe"),
        ({"precision": "float8"}, "expected precision float32, bfloat16, float16 or auto"),
        ({"style_scale": 0}, "expected style_scale as a number above 0"),
        ({"style_scale": 0.4}, "expected a style image of at least 16 pixels a side, as conv5_1 "),
        ({"style_scale": 0.4}, "got 13 × 10 after scaling; ask for a larger size"),
        ({"style_scale": 1e38}, "expected a style image of at most 16384 pixels"),
        ({"size": 10**10}, "expected a content image of at most 16384 pixels"),
        ({"learning_rate": 5.0}, "expected learning_rate only with optimizer adam or sgd"),
        ({"learning_rate": 0, "optimizer": "adam"}, "expected learning_rate as a number above 0"),
        ({"normalized": "no"}, "expected normalized True or False, got 'no'"),
        ({"as_published": "no"}, "expected as_published True or False, got 'no'"),
        ({"folder": "run", "resume": "no"}, "expected resume True or False, got 'no'"),
        ({"notes": 1.0}, "expected notes as a text, got 1.0"),
        ({"steps": 10**400}, "expected steps as a whole number of at most 9223372036854775807"),
        ({"seed": -1}, "expected seed"),
        ({"init": "gone.png"}, r"cannot read gone\.png: there is no such file"),
        ({"content": "gone.jpg"}, r"cannot read gone\.jpg"),
        ({"content": np.zeros((8, 80, 3), np.uint8)}, "expected a content image of at least 16"),
        ({"style_wait": 1}, "got 'style_wait'; did you mean 'style_weight'"),
        ({"content_layers": ["conv9_1"]}, "expected a layer of vgg16"),
        ({"content_weight": 0, "style_weight": 0}, "expected content_weight or style_weight"),
    ],
)
def test_bad_input_is_refused_before_a_network_is_built(options, message, monkeypatch):
    def build(*arguments, **options):
        raise AssertionError("a network was built")

    monkeypatch.setattr("stylelib.runs.run.VGG", build)
    options = {
        "content": noise_image((40, 40)),
        "style": noise_image((39, 50)),
        "size": 32,
    } | options
    with pytest.raises(ValueError, match=message):
        transfer(**options)


def test_a_recipe_of_your_own(content_image, style_image):
    recipe = RECIPES["gatys2015"].replace(
        style_layers=["block1_conv1"], content_layers=["conv2_1"], size=40, steps=2
    )
    result = transfer(content_image, style_image, recipe)
    assert max(result.image.shape) == 40
    assert result.evaluations == 2


def psnr(one, other):
    return float(tf.image.psnr(tf.constant(one), tf.constant(other), max_val=255))


class TestReconstructContent:
    def test_what_a_shallow_layer_remembers_comes_back(self, content_image):
        image = load_image(content_image, size=(22, 32))
        shallow, deep = (
            reconstruct_content(image, layer, size=32, steps=40).image
            for layer in ("conv1_1", "conv3_1")
        )
        assert psnr(shallow, image) > psnr(deep, image) + 5

    @pytest.mark.slow
    def test_the_first_layer_gives_the_photograph_back(self):
        cat = load_image(DATA / "images" / "chelsea.jpg", max_size=128)
        result = reconstruct_content(cat, "conv1_1", size=128, steps=300)
        assert psnr(result.image, cat) >= 30
        assert not result.history["style"].any()
        assert not result.history["tv"].any()

    @pytest.mark.slow
    def test_deeper_layers_remember_less(self, content_image):
        scores = [
            psnr(reconstruct_content(content_image, layer, size=64, steps=60).image, content_image)
            for layer in ("conv1_1", "conv2_1", "conv5_1")
        ]
        assert scores == sorted(scores, reverse=True)

    @pytest.mark.usefixtures("either_network")
    @pytest.mark.parametrize(
        "layer", slow.params(layer_names("vgg16"), lambda name: not name.endswith("conv1"))
    )
    def test_every_layer_can_be_reconstructed(self, layer, content_image):
        result = reconstruct_content(content_image, layer, size=32, steps=25)
        assert result.history["content"][-1] < 0.5 * result.history["content"][0]

    @pytest.mark.usefixtures("either_network")
    def test_the_sixteen_layers_of_vgg19_too(self, content_image):
        result = reconstruct_content(
            content_image, "conv5_4", network="vgg19", weights="random", **SMALL
        )
        assert result.settings["network"] == "vgg19"
        with pytest.raises(ValueError, match="expected a layer of vgg16"):
            reconstruct_content(content_image, "conv5_4")

    def test_starts(self, content_image):
        at_the_goal = reconstruct_content(content_image, "conv2_1", init="content", **SMALL)
        assert at_the_goal.history["content"][0] == 0
        grey = np.full_like(content_image, 128)
        result = reconstruct_content(content_image, "conv2_1", init=grey, size=64, steps=20)
        noisy = reconstruct_content(content_image, "conv2_1", size=64, steps=20)
        assert psnr(result.image, content_image) > psnr(noisy.image, content_image) + 3

    def test_the_same_call_gives_the_same_bytes(self, content_image):
        one, two, other = (
            reconstruct_content(content_image, "conv2_1", seed=seed, **SMALL).image
            for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(one, two)
        assert (one != other).any()


class TestReconstructStyle:
    def test_the_gram_matrices_begin_to_come_close(self, style_image):
        result = reconstruct_style(style_image, ["conv1_1", "conv2_1"], size=32, steps=20)
        assert result.history["style"][-1] < 0.1 * result.history["style"][0]
        assert not result.history["content"].any()

    @pytest.mark.slow
    def test_the_gram_matrices_come_close_and_the_arrangement_does_not(self, style_image):
        layers = ["conv1_1", "conv2_1", "conv3_1"]
        result = reconstruct_style(style_image, layers, size=64, steps=80)
        assert result.history["style"][-1] < 0.01 * result.history["style"][0]
        assert not result.history["content"].any()
        grey = [image.mean(axis=2).ravel() for image in (result.image, style_image)]
        assert np.corrcoef(*grey)[0, 1] < 0.5

    def test_the_loss_is_eq_5_with_equal_weights(self, style_image):
        layers = ["conv1_1", "block2_conv1"]
        vgg = VGG(layers, pooling="average")
        noise = noise_image(style_image.shape[:2], seed=4)
        expected = style_loss(vgg(preprocess(noise)), vgg(preprocess(style_image)))
        result = reconstruct_style(style_image, layers, size=64, steps=1, seed=4)
        assert result.history["style"][0] == pytest.approx(1e3 * float(expected), rel=1e-4)

    def test_one_layer_needs_no_list(self, style_image):
        one = reconstruct_style(style_image, "conv2_1", **SMALL)
        two = reconstruct_style(style_image, ["conv2_1"], **SMALL)
        np.testing.assert_array_equal(one.image, two.image)
        assert one.image.shape == (26, 32, 3)

    def test_settings_of_the_recipe_can_change(self, style_image):
        layers = ["conv1_1", "conv2_1"]
        images = [
            reconstruct_style(style_image, layers, **SMALL, **options).image
            for options in ({}, {"layer_weights": [1.0, 0.0]}, {"pooling": "max"})
        ]
        for image in images[1:]:
            assert (image != images[0]).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda image: reconstruct_content(image, "conv9_1"), "expected a layer of vgg16"),
        (lambda image: reconstruct_content(image, ["conv1_1"]), "expected content_layers"),
        (lambda image: reconstruct_content(image, "conv1_1", size=16), "expected size"),
        (lambda image: reconstruct_content(image, "conv1_1", steps=0), "expected steps"),
        (lambda image: reconstruct_content(image, "conv1_1", poling="max"), "mean 'pooling'"),
        (
            lambda image: reconstruct_content(image, "conv1_1", style_weight=1.0),
            "expected style_weight 0, as there is no style image, got 1.0",
        ),
        (
            lambda image: reconstruct_content(image, "conv1_1", init="style"),
            "expected init noise, grey or content, got 'style'",
        ),
        (lambda image: reconstruct_content("gone.png", "conv1_1"), "cannot read gone.png"),
        (lambda image: reconstruct_style(image, []), "expected style_layers"),
        (lambda image: reconstruct_style(image, ["conv1_1", "block1_conv1"]), "once"),
        (
            lambda image: reconstruct_style(image, "conv1_1", content_weight=1.0),
            "expected content_weight 0, as there is no content image",
        ),
        (
            lambda image: reconstruct_style(image, "conv1_1", layer_weights=[1, 2]),
            "expected 1 layer_weights",
        ),
    ],
)
def test_a_reconstruction_refuses_bad_input_before_a_network_is_built(call, message, monkeypatch):
    def build(*arguments, **options):
        raise AssertionError("a network was built")

    monkeypatch.setattr("stylelib.runs.run.VGG", build)
    with pytest.raises(ValueError, match=message):
        call(noise_image((40, 40)))

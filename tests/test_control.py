"""Several styles, masks and colours kept: in the losses, and in whole runs."""

import json

import numpy as np
import pytest

from stylelib import RECIPES, VGG, Objective, TiledObjective, preprocess, transfer
from stylelib._utils.tensorflow import tf
from stylelib.images.colour_control import luminance
from stylelib.images.load import load_image
from stylelib.images.save import save_image
from stylelib.losses import gram_matrix, style_representation
from stylelib.preprocessing import deprocess, noise_image
from stylelib.runs.job import make_job
from stylelib.runs.similarity import similarity_to

LAYERS = ("conv1_1", "conv2_1", "conv3_1")
RECIPE = RECIPES["gatys2015"].replace(content_layers=["conv2_2"], style_layers=LAYERS)
SIZE = (90, 132)
RUN = {"size": 64, "steps": 4, "precision": "float32", "recipe": RECIPE}


@pytest.fixture
def vgg(either_network):
    return VGG([*LAYERS, "conv2_2"], pooling="average")


@pytest.fixture(scope="module")
def pictures():
    return [noise_image(size, seed=seed) for seed, size in enumerate([SIZE, (80, 99), (64, 70)])]


@pytest.fixture(scope="module")
def masks():
    left = np.zeros(SIZE, np.float32)
    left[:, :48] = 1.0
    left[:, 48:80] = np.linspace(1, 0, 32)  # a soft edge
    return [left, 1 - left]


class TestRegionalGramMatrices:
    def test_against_numpy(self, random):
        F, mask = random.normal(size=(1, 5, 6, 4)), random.random((5, 6))
        wanted = np.einsum("hw,hwi,hwj->ij", mask, F[0], F[0]) / mask.sum()
        found = style_representation(tf.constant(F), mask)
        np.testing.assert_allclose(found, wanted, rtol=1e-9)

    def test_weighted_by_their_shares_they_add_up_to_the_whole(self, random):
        F = tf.constant(random.normal(size=(1, 5, 6, 4)))
        mask = random.random((5, 6))
        parts = [style_representation(F, m) * m.mean() for m in (mask, 1 - mask)]
        np.testing.assert_allclose(parts[0] + parts[1], gram_matrix(F) / 30, rtol=1e-9)

    def test_a_black_mask_gives_no_numbers_that_are_none(self):
        assert not style_representation(tf.ones((1, 2, 2, 3)), np.zeros((2, 2))).numpy().any()

    def test_a_mask_of_another_size_is_refused(self):
        with pytest.raises(ValueError, match=r"of one shape, got \(2, 2\) and \(2, 3\)"):
            style_representation(tf.ones((1, 2, 2, 3)), np.ones((2, 3)))


class TestObjective:
    def test_one_style_with_a_white_mask_is_that_style(self, vgg, pictures):
        content, style, _ = pictures
        x = preprocess(noise_image(SIZE, seed=5))
        (plain, expected), (losses, gradient) = (
            Objective(vgg, RECIPE, content, style, masks=mask).loss_and_gradient(x)
            for mask in (None, [np.ones(SIZE)])
        )
        np.testing.assert_allclose(losses["style"], plain["style"], rtol=1e-5)
        np.testing.assert_allclose(gradient, expected, atol=1e-4 * np.abs(expected).max())

    def test_one_style_cut_into_two_regions_has_its_targets_in_both(self, vgg, pictures, masks):
        content, style, _ = pictures
        objective = Objective(vgg, RECIPE, content, [style, style], masks=masks)
        assert sum(region.share("conv1_1") for region in objective.regions) == pytest.approx(1)
        for region in objective.regions:
            np.testing.assert_array_equal(
                region.target["conv2_1"], objective.style_representation["conv2_1"]
            )

    def test_mixtures_lie_between_their_styles(self, vgg, pictures):
        content, *styles = pictures
        x = preprocess(content)
        targets = [
            Objective(vgg, RECIPE, content, styles, weights).style_representation["conv3_1"]
            for weights in ([1, 0], [0, 1], [3, 1])
        ]
        np.testing.assert_allclose(targets[2], 0.75 * targets[0] + 0.25 * targets[1], rtol=1e-5)
        alone = Objective(vgg, RECIPE, content, styles[0]).losses(x)["style"]
        first = Objective(vgg, RECIPE, content, styles, [1, 0]).losses(x)["style"]
        np.testing.assert_allclose(first, alone, rtol=1e-6)

    def test_layers_of_one_style_with_layers_of_another(self, vgg, pictures):
        content, *styles = pictures
        fine_and_coarse = Objective(vgg, RECIPE, content, styles, [[1, 1, 0], [0, 0, 1]])
        for layer, style in zip(LAYERS, [styles[0], styles[0], styles[1]], strict=True):
            alone = Objective(vgg, RECIPE, content, style).style_representation[layer]
            np.testing.assert_allclose(fine_and_coarse.style_representation[layer], alone)

    def test_outside_all_masks_there_is_no_style(self, vgg, pictures):
        content, style, _ = pictures
        recipe, mask = RECIPE.replace(content_weight=0.0), np.zeros(SIZE)
        mask[:, :40] = 1
        objective = Objective(vgg, recipe, None, style, masks=[mask])
        _, gradient = objective.loss_and_gradient(preprocess(content))
        assert np.abs(gradient[0, :, :40]).max() > 0
        assert np.abs(gradient[0, :, 60:]).max() == 0  # beyond the receptive fields

    def test_its_gradient_is_the_slope(self, vgg, pictures, masks):
        content, *styles = pictures
        objective = Objective(vgg, RECIPE, content, styles, masks=masks)
        x = preprocess(noise_image(SIZE, seed=7))
        _, gradient = objective.loss_and_gradient(x)
        step = 0.5 * gradient / tf.reduce_max(tf.abs(gradient))
        up, down = (float(objective.losses(x + s * step)["total"]) for s in (1, -1))
        assert (up - down) / 2 == pytest.approx(float(tf.reduce_sum(gradient * step)), rel=0.02)

    @pytest.mark.parametrize("options", [{"style_weights": [1, 3]}, {"masks": True}])
    def test_tiles_change_nothing(self, vgg, pictures, masks, options):
        if "masks" in options:
            options = {"masks": masks}
        content, *styles = pictures
        x = preprocess(noise_image(SIZE, seed=9))
        (expected, exact), (losses, gradient) = (
            objective.loss_and_gradient(x)
            for objective in (
                Objective(vgg, RECIPE, content, styles, **options),
                TiledObjective(vgg, RECIPE, content, styles, tile=64, **options),
            )
        )
        np.testing.assert_allclose(losses["style"], expected["style"], rtol=1e-5)
        np.testing.assert_allclose(gradient, exact, atol=1e-5 * np.abs(exact).max())


@pytest.fixture
def half():
    mask = np.zeros((30, 40), np.uint8)
    mask[:, :20] = 255
    return mask


@pytest.mark.usefixtures("small_network")
class TestRuns:
    def test_everything_at_once(self, content_image, style_image, half, tmp_path):
        options = {"masks": [half, 255 - half], "preserve_color": "match", "style_scale": 0.8}
        styles = [style_image, style_image[::-1]]
        whole = transfer(content_image, styles, **RUN | options)
        tiled = transfer(content_image, styles, tile=64, **RUN | options)
        np.testing.assert_allclose(whole.history["total"], tiled.history["total"], rtol=1e-3)
        assert set(whole.settings) >= {"style", "style 2", "mask", "mask 2", "style_weights"}
        json.dumps(whole.settings)

    def test_a_run_with_masks_goes_on(self, content_image, style_image, half, tmp_path):
        options = RUN | {"masks": half, "optimizer": "adam", "preserve_color": "luminance"}
        once = transfer(content_image, style_image, **options)
        folder = {"folder": tmp_path / "run"}
        transfer(content_image, style_image, **options | folder | {"steps": 2})
        resumed = transfer(content_image, style_image, **options | folder, resume=True)
        np.testing.assert_array_equal(once.image, resumed.image)
        with pytest.raises(ValueError, match="expected the settings .*mask"):
            transfer(
                content_image, style_image, **options | folder | {"masks": 255 - half}, resume=True
            )

    def test_luminance_keeps_the_colours_everywhere(self, content_image, style_image, tmp_path):
        shown = []
        result = transfer(
            content_image,
            style_image,
            preserve_color="luminance",
            callback=lambda *state: shown.append(deprocess(state[2])),
            folder=tmp_path / "run",
            **RUN,
        )
        kept = load_image(tmp_path / "run" / "00004.png")
        photo = load_image(content_image, size=result.image.shape[:2]).astype(int)
        for image in (result.image, kept, shown[0]):
            inside = ((image > 0) & (image < 255)).all(axis=2)  # where nothing was clipped
            difference = (image[..., 0].astype(int) - image[..., 2]) - (
                photo[..., 0] - photo[..., 2]
            )
            assert np.abs(difference[inside]).max() <= 2
        assert np.abs(luminance(result.image) - luminance(photo)).max() > 5

    def test_a_picture_that_a_kill_has_left_out_has_its_colours(
        self, content_image, style_image, tmp_path
    ):
        options = RUN | {"preserve_color": "luminance", "folder": tmp_path, "steps": 2}
        first = transfer(content_image, style_image, **options)
        (tmp_path / "00002.png").unlink()
        transfer(content_image, style_image, **options | {"steps": 4}, resume=True)
        np.testing.assert_array_equal(load_image(tmp_path / "00002.png"), first.image)

    def test_the_style_is_matched_to_the_photograph(self, content_image, style_image):
        pictures = {"content": content_image, "style": style_image}
        seen = make_job(pictures, preserve_color="match", size=64).seen
        np.testing.assert_allclose(seen["style"].mean((0, 1)), seen["content"].mean((0, 1)), atol=4)

    def test_a_mask_of_any_size_and_kind(self, content_image, style_image, half, tmp_path):
        save_image(tmp_path / "mask.png", np.repeat(half[:, :, None], 3, axis=2))
        kinds = [half, half > 0, half / 255, tmp_path / "mask.png", [half]]
        pictures = {"content": content_image, "style": style_image}
        found = [make_job(pictures, size=64, masks=mask).masks for mask in kinds]
        assert all(len(masks) == 1 and masks[0].shape == (43, 64) for masks in found)
        assert all((masks[0] == found[0][0]).all() for masks in found)

    def test_each_way_is_another_run(self, content_image, style_image, half):
        pictures = {"content": content_image, "style": [style_image, style_image[::-1]]}
        changes = [
            {},
            {"style_weights": [1, 2]},
            {"masks": [half, 255 - half]},
            {"preserve_color": "match"},
        ]
        settings = [json.dumps(make_job(pictures, size=64, **c).settings) for c in changes]
        assert len(set(settings)) == len(changes)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"preserve_color": "luminence"}, "preserve_color luminance or match, got 'luminence'"),
            ({"style_weights": [1]}, "style_weights as a list of 2, one for each style"),
            ({"masks": np.ones((9, 9))}, "a mask for each of 2 styles, got 1"),
            ({"masks": [np.zeros((9, 9))] * 2}, "mask 1 white where its style goes"),
            ({"masks": ["gone.png"] * 2}, "cannot read gone.png"),
            (
                {"masks": [np.ones((9, 9))] * 2, "style_weights": [1, 1]},
                "style_weights, which mix styles, or masks, got both",
            ),
        ],
    )
    def test_bad_input_is_refused(self, options, message, content_image, style_image):
        pictures = {"content": content_image, "style": [style_image, style_image]}
        with pytest.raises(ValueError) as error:
            make_job(pictures, size=64, **options)
        assert message in str(error.value)

    def test_no_styles_at_all(self, content_image):
        with pytest.raises(ValueError, match="at least one style image, got an empty list"):
            make_job({"content": content_image, "style": []})


@pytest.mark.usefixtures("small_network")  # also where the search paints
@pytest.mark.parametrize("options", [{"preserve_color": "luminance"}, {"masks": True}])
def test_with_a_strength(options, content_image, style_image, half, either_search):
    if "masks" in options:
        options = {"masks": half}
    run = RUN | {"recipe": "gatys2015", "steps": 2 if either_search == "small" else 12}
    weights = [
        transfer(content_image, style_image, strength=strength, **run | options).settings["recipe"][
            "style_weight"
        ]
        for strength in (0.1, 0.9)
    ]
    assert weights[0] < weights[1]


def test_similarity_is_told_where_to_look(content_image, half_painted):
    where = np.zeros((43, 64), np.float32)
    where[:, 40:] = 1
    everywhere = similarity_to(content_image)(half_painted)
    kept = similarity_to(content_image, where=where)(half_painted)
    assert kept > everywhere
    assert kept > 0.95


@pytest.fixture
def half_painted(content_image):
    image = content_image.copy()
    image[:, :20] = noise_image((43, 20))
    return image

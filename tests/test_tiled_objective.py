"""Tiles: geometry, and losses and gradients that are those of the whole picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylelib import RECIPES, VGG, Objective, TiledObjective, noise_image, preprocess, transfer
from stylelib._utils.tensorflow import tf
from stylelib.vgg.layers import layer_names
from stylelib.vgg.tiles import halo, tiles

SIZE, STYLE_SIZE = (81, 113), (73, 110)


def objectives(recipe, tile, **options):
    recipe = RECIPES[recipe] if isinstance(recipe, str) else recipe
    layers = dict.fromkeys((*recipe.style_layers, *recipe.content_layers))
    vgg = VGG(list(layers), pooling=recipe.pooling, **options)
    style_size = SIZE if recipe.same_size else STYLE_SIZE
    images = noise_image(SIZE, seed=1), noise_image(style_size, seed=2)
    return Objective(vgg, recipe, *images), TiledObjective(vgg, recipe, *images, tile=tile)


def assert_same(whole, tiled, x):
    (expected, exact), (losses, gradient) = (o.loss_and_gradient(x) for o in (whole, tiled))
    again = tiled.losses(x)
    for name, loss in expected.items():
        np.testing.assert_allclose(losses[name], loss, rtol=1e-5, err_msg=name)
        np.testing.assert_allclose(again[name], loss, rtol=1e-5, err_msg=name)
    assert gradient.shape == x.shape and gradient.dtype == tf.float32
    np.testing.assert_allclose(gradient, exact, atol=1e-5 * np.abs(exact).max())


class TestGeometry:
    @given(
        st.integers(16, 700),
        st.integers(16, 700),
        st.integers(64, 400),
        st.sampled_from(layer_names("vgg19")),
    )
    def test_tiles_cover_each_pixel_once_and_see_enough(self, height, width, tile, layer):
        around = halo([layer], "vgg19")
        covered = np.zeros((height, width), int)
        for part in tiles((height, width), tile, [layer], "vgg19"):
            covered[part.rows, part.columns] += 1
            sides = (part.rows, part.halo_rows, height), (part.columns, part.halo_columns, width)
            for side, seen, length in sides:
                assert 0 < side.stop - side.start <= tile
                assert seen.start == max(0, side.start - around)
                assert seen.stop == min(length, side.stop + around)
            top, bottom, left, right = part.interior
            assert (bottom - top, right - left) == covered[part.rows, part.columns].shape
        assert (covered == 1).all()

    @pytest.mark.slow
    def test_the_halo_is_half_a_receptive_field_rounded_up(self):
        layer, step = "conv3_2", 4
        vgg, x = VGG([layer]), preprocess(noise_image((96, 96))).numpy()
        cell = vgg(tf.constant(x))[layer][0, 12, 12]  # of the pixels 48 to 51
        matters = []
        for distance in range(24):
            changed = x.copy()
            changed[0, : 49 - distance] = 0.0
            if (vgg(tf.constant(changed))[layer][0, 12, 12].numpy() != cell.numpy()).any():
                matters.append(distance)
        assert max(matters) <= halo([layer]) < max(matters) + step


class TestTiledObjective:
    @pytest.mark.parametrize(
        "tile", [64, 1000, *(pytest.param(tile, marks=pytest.mark.slow) for tile in (80, 112))]
    )
    @pytest.mark.usefixtures("either_network")
    def test_loss_and_gradient_are_those_of_the_whole_picture(self, tile):
        x = preprocess(noise_image(SIZE, seed=3))
        assert_same(*objectives("gatys2015", tile), x)

    @pytest.mark.usefixtures("either_network")
    @pytest.mark.parametrize(
        "recipe",
        [
            "jcjohnson",  # means, max pooling, total variation
            pytest.param("keras", marks=pytest.mark.slow),  # both pictures of one size
            pytest.param(RECIPES["gatys2015"].replace(content_weight=0), marks=pytest.mark.slow),
            pytest.param(RECIPES["gatys2015"].replace(style_weight=0), marks=pytest.mark.slow),
            RECIPES["gatys2015"].replace(style_layers=["conv1_1"], content_layers=["block1_conv2"]),
        ],
        ids=["jcjohnson", "keras", "style only", "content only", "shallow"],
    )
    def test_so_they_are_with_other_recipes(self, recipe):
        assert_same(*objectives(recipe, 80), preprocess(noise_image(SIZE, seed=3)))

    @pytest.mark.usefixtures("either_network")
    @pytest.mark.parametrize("tile", [64, pytest.param(80, marks=pytest.mark.slow)])
    def test_reflection_at_the_border_of_the_picture_and_not_of_a_tile(self, tile):
        x = preprocess(noise_image(SIZE, seed=3))
        assert_same(*objectives("gatys2015", tile, padding="reflect"), x)

    @pytest.mark.slow
    def test_maps_of_one_row_are_mirrored_in_tiles_as_well(self):
        recipe = RECIPES["gatys2015"].replace(
            style_layers=["conv1_1"], content_layers=["conv3_1"], padding="reflect"
        )
        images, options = (noise_image((7, 100)), noise_image((64, 64))), {"size": 100, "steps": 2}
        whole, tiled = (transfer(*images, recipe, tile=tile, **options) for tile in (None, 64))
        np.testing.assert_allclose(tiled.history["total"], whole.history["total"], rtol=1e-3)

    @pytest.mark.usefixtures("either_network")
    def test_one_graph_serves_tiles_of_all_sizes(self):
        _, tiled = objectives("gatys2015", 64)
        for _ in range(2):
            tiled.loss_and_gradient(preprocess(noise_image(SIZE)))
        for compiled in (tiled._compiled_sums, tiled._compiled_losses, tiled._compiled_backward):
            assert compiled.experimental_get_tracing_count() == 1

    @pytest.mark.usefixtures("small_network")
    def test_a_picture_of_another_size_is_refused(self):
        _, tiled = objectives("gatys2015", 64)
        with pytest.raises(ValueError, match=r"height and width \(81, 113\), got \(81, 81\)"):
            tiled.losses(preprocess(noise_image((81, 81))))

    @pytest.mark.parametrize("tile", [63, 100.0, "large"])
    def test_a_tile_that_cannot_be_is_refused(self, tile):
        image = noise_image((32, 32))
        with pytest.raises(ValueError, match="expected tile as a whole number of at least 64, got"):
            transfer(image, image, size=32, steps=1, tile=tile)

    @pytest.mark.slow
    def test_a_transfer_in_tiles_paints_the_same_picture(self, content_image, style_image):
        options = {"size": 160, "steps": 3, "optimizer": "adam", "recipe": "jcjohnson"}
        whole, tiled = (
            transfer(content_image, style_image, tile=tile, **options) for tile in (None, 64)
        )
        assert (whole.settings["tile"], tiled.settings["tile"]) == (None, 64)
        np.testing.assert_allclose(tiled.history["total"], whole.history["total"], rtol=1e-3)
        difference = np.abs(tiled.image.astype(int) - whole.image)
        assert np.mean(difference > 1) < 0.01

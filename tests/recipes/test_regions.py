"""Shares of styles and masks of regions: arithmetic, without a network."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stylelib.recipes.regions import disjoint, layer_mask, mixing_shares, regions
from stylelib.vgg.layers import layer_names, map_size

LAYERS = ("conv1_1", "conv2_1")
masks_of_any_size = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda size: st.lists(
        arrays(np.float32, size, elements=st.floats(0, 1, width=32)), min_size=1, max_size=4
    )
)


class TestMixingShares:
    @given(st.lists(st.lists(st.floats(0, 1e6), min_size=2, max_size=2), min_size=1, max_size=5))
    def test_the_shares_of_a_layer_sum_to_one(self, weights):
        weights[0] = [1.0, 1.0]
        shares = mixing_shares(weights, len(weights), LAYERS)
        for layer in LAYERS:
            assert sum(share[layer] for share in shares) == pytest.approx(1)

    def test_without_weights_all_count_the_same(self):
        assert mixing_shares(None, 4, LAYERS) == [dict.fromkeys(LAYERS, 0.25)] * 4

    def test_only_ratios_count(self):
        assert mixing_shares([2, 6], 2, LAYERS) == mixing_shares([1, 3], 2, LAYERS)

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            ([1], "a list of 2, one for each style, got [1]"),
            (1, "a list of 2, one for each style, got 1"),
            ("ab", "a list of 2, one for each style, got 'ab'"),
            ([1, [1, 2, 3]], "one number, or one for each of 2 style layers, got [1, 2, 3]"),
            ([1, -1], "each of style_weights as a number of at least 0, got -1"),
            ([1, "a"], "each of style_weights as a number of at least 0, got 'a'"),
            ([[1, 0], [1, 0]], "a style with a weight above 0 in conv2_1, got 0 for all"),
        ],
    )
    def test_what_are_no_weights_is_refused(self, weights, message):
        with pytest.raises(ValueError) as error:
            mixing_shares(weights, 2, LAYERS)
        assert message in str(error.value)


class TestMasks:
    @given(masks_of_any_size)
    def test_disjoint_masks_never_sum_to_more_than_one(self, masks):
        masks = [np.maximum(mask, 0.5 * (mask == mask.max())) for mask in masks]
        result = disjoint(masks)
        assert np.sum(result, axis=0).max() <= 1 + 1e-6
        alone = np.sum(masks, axis=0) <= 1
        for before, after in zip(masks, result, strict=True):
            np.testing.assert_array_equal(before[alone], after[alone])

    @pytest.mark.parametrize(
        ("layer", "side"), [("conv1_1", 1), ("conv2_2", 2), ("conv4_1", 8), ("conv5_1", 16)]
    )
    def test_a_layer_sees_the_mean_of_its_pixels(self, layer, side, random):
        mask = random.random((77, 50), np.float32)
        pixels = mask[side : 2 * side, 2 * side : 3 * side]
        assert layer_mask(mask, layer)[1, 2] == pytest.approx(pixels.mean(), rel=1e-5)

    @pytest.mark.parametrize("layer", layer_names("vgg19"))
    def test_it_has_the_size_of_the_feature_maps(self, layer):
        size = map_size(layer, (100, 83))
        assert layer_mask(np.ones((100, 83), np.float32), layer).shape == size[:2]

    @pytest.mark.parametrize(
        ("masks", "message"),
        [
            ([np.zeros((2, 2))], "mask 1 white where its style goes, got a black one"),
            ([np.array([[-1, 255]])], "mask 1 from 0 to 1, got -1 to 255"),
            ([np.full((2, 2), np.nan)], "mask 1 from 0 to 1, got nan to nan"),
            ([np.ones((2, 2)), np.ones((2, 3))], "got shape (2, 3) for mask 2"),
            ([np.ones((2, 2, 3))], "got shape (2, 2, 3) for mask 1"),
        ],
    )
    def test_what_is_no_mask_is_refused(self, masks, message):
        with pytest.raises(ValueError) as error:
            disjoint(masks)
        assert message in str(error.value)


class TestRegions:
    def test_weights_and_masks_exclude_each_other(self):
        with pytest.raises(ValueError, match="which mix styles, or masks, got both"):
            regions([{}, {}], LAYERS, style_weights=[1, 1], masks=[np.ones((2, 2))] * 2)

    def test_a_region_is_as_large_as_its_mask(self):
        mask = np.zeros((4, 4), np.float32)
        mask[:, 3] = 0.5
        (region,) = regions([{}], LAYERS, masks=[mask])
        assert region.share("conv1_1") == region.share("conv2_1") == 0.125
        assert regions([{}], LAYERS)[0].share("conv1_1") == 1

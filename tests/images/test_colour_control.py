"""The colours of a photograph kept, against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from PIL import Image

from stylelib import match_color, replace_luminance
from stylelib.images.colour_control import grey, luminance

pictures = arrays(np.uint8, (3, 4, 3))


def statistics(image):
    pixels = image.reshape(-1, 3).astype(float)
    return pixels.mean(0), np.cov(pixels, rowvar=False, bias=True)


def soft(random, shape=(40, 50)):
    """A picture whose colours are far from black and white, so that none is clipped."""
    mix = np.array([[14, 5, 3], [0, 10, 4], [0, 0, 8]])
    return np.round(random.normal(size=(*shape, 3)).clip(-2, 2) @ mix + 128).astype(np.uint8)


class TestMatch:
    def test_mean_and_covariance_become_those_of_the_photograph(self, random):
        photo = np.roll(soft(random), 1, axis=2)
        matched = match_color(soft(random, (31, 20)), photo)
        for found, wanted in zip(statistics(matched), statistics(photo), strict=True):
            np.testing.assert_allclose(found, wanted, atol=1.5)

    def test_a_picture_matched_to_itself_stays_as_it_is(self, style_image):
        assert np.abs(match_color(style_image, style_image) - style_image.astype(int)).max() <= 1

    def test_where_a_colour_was_the_order_of_brightness_stays(self, random):
        """The map is symmetric and positive, so no colour is turned into its opposite."""
        painting, photo = soft(random), soft(random)
        change = match_color(painting, photo) - match_color(painting, photo).mean((0, 1))
        inner = (change * (painting - painting.mean((0, 1)))).sum(axis=2)
        assert (inner > -5).all()

    @given(pictures, pictures)
    def test_any_two_pictures(self, image, photo):
        assert match_color(image, photo).shape == image.shape

    def test_one_colour_becomes_the_mean_colour(self, content_image):
        flat = np.full((4, 5, 3), (10, 200, 30), np.uint8)
        matched = match_color(flat, content_image)
        np.testing.assert_allclose(matched[0, 0], content_image.mean((0, 1)), atol=0.5)
        assert (matched == matched[0, 0]).all()


class TestLuminance:
    def test_it_is_pillows(self, content_image):
        expected = np.asarray(Image.fromarray(content_image).convert("L"), float)
        assert np.abs(luminance(content_image) - expected).max() <= 1

    def test_a_painted_luminance_keeps_the_photographs_colours(self, random):
        photo, painted = soft(random), soft(random)
        result = replace_luminance(photo, painted)
        assert np.abs(luminance(result) - luminance(painted)).max() <= 1
        chroma = [image[..., 0].astype(int) - image[..., 2] for image in (result, photo)]
        assert np.abs(chroma[0] - chroma[1]).max() <= 1  # R − B is no part of Y

    @given(pictures)
    def test_a_picture_with_its_own_luminance_is_itself(self, image):
        np.testing.assert_array_equal(replace_luminance(image, image), image)

    def test_the_photograph_may_be_of_another_size(self, content_image, style_image):
        assert replace_luminance(content_image, style_image).shape == style_image.shape

    def test_grey_takes_mean_and_spread_of_another(self, random):
        dark = soft(random) // 2
        bright = grey(dark, like=soft(random))
        assert bright.mean() == pytest.approx(128, abs=2)
        assert (bright == bright[..., :1]).all()

    def test_stripes_of_one_luminance_are_not_made_visible(self, content_image):
        stripes = np.zeros((8, 8, 3), np.uint8)
        stripes[:, ::2], stripes[:, 1::2] = (255, 0, 0), (0, 130, 0)  # 76.2 and 76.3
        found = grey(stripes, like=content_image)
        assert luminance(content_image).std() > 40
        assert np.ptp(found.astype(int)) <= 5

    def test_grey_of_a_flat_picture_is_flat(self, content_image):
        flat = grey(np.full((4, 5, 3), 7, np.uint8), like=content_image)
        assert (flat == flat[0, 0]).all()
        assert flat[0, 0, 0] == pytest.approx(luminance(content_image).mean(), abs=0.5)

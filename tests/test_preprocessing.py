import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stylelib._utils.tensorflow import keras
from stylelib.preprocessing import (
    deprocess,
    deprocess_stretched,
    grey_start,
    noise_image,
    pixel_bounds,
    preprocess,
)

IMAGES = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)))


@given(IMAGES)
def test_there_and_back_is_exact(image):
    np.testing.assert_array_equal(deprocess(preprocess(image)), image)


def test_there_and_back_is_exact_for_every_value_in_every_channel():
    values = np.arange(256, dtype=np.uint8)
    image = np.stack([values, np.roll(values, 85), np.roll(values, 170)], axis=-1)[np.newaxis]
    np.testing.assert_array_equal(deprocess(preprocess(image)), image)


@given(IMAGES)
def test_vgg_space_is_bgr_minus_the_mean_within_the_bounds(image):
    x = preprocess(image)
    assert x.dtype == "float32"
    assert x.shape == (1, *image.shape)
    expected = image[:, :, ::-1].astype(np.float64) - (103.939, 116.779, 123.68)
    np.testing.assert_allclose(x[0], expected, atol=1e-5)
    lower, upper = pixel_bounds()
    assert np.all(x >= lower)
    assert np.all(x <= upper)


def test_preprocess_equals_keras():
    image = noise_image((7, 5))
    expected = keras.applications.vgg16.preprocess_input(image[np.newaxis].astype(np.float32))
    np.testing.assert_allclose(preprocess(image), expected, atol=1e-4)


def test_deprocess_clips_and_rounds_and_never_stretches():
    x = np.array(preprocess(np.full((1, 4, 3), 100, np.uint8)))
    x[0, 0, 0] += 0.4
    x[0, 0, 1] -= 0.6
    x[0, 0, 2] += 500
    x[0, 0, 3] -= 500
    np.testing.assert_array_equal(deprocess(x)[0, :, 0], (100, 99, 255, 0))


@pytest.mark.parametrize("shape", [(4, 4, 3), (2, 4, 4, 3), (1, 4, 4, 1)])
def test_deprocess_refuses_another_shape(shape):
    with pytest.raises(ValueError, match=r"expected a picture of shape \(1, H, W, 3\)"):
        deprocess(np.zeros(shape, np.float32))


def test_deprocess_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="NaN or infinity"):
        deprocess(np.full((1, 2, 2, 3), np.nan))


@pytest.mark.parametrize("kind", [complex, object])
def test_deprocess_refuses_other_numbers(kind):
    with pytest.raises(ValueError, match="expected a picture of real numbers, got "):
        deprocess(np.zeros((1, 2, 2, 3), kind))


@pytest.mark.parametrize("make", [noise_image, grey_start])
@pytest.mark.parametrize("seed", [-1, 1.5, None, "a", [1, 2]])
def test_noise_refuses_another_seed(make, seed):
    with pytest.raises(ValueError, match="expected seed as a whole number of at least 0, got "):
        make((2, 2), seed)


@pytest.mark.parametrize("image", [np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), "a.png"])
def test_preprocess_refuses_another_kind(image):
    with pytest.raises(ValueError, match="expected an image"):
        preprocess(image)


def test_noise_is_white_and_seeded():
    image = noise_image((64, 48), seed=3)
    assert image.shape == (64, 48, 3)
    np.testing.assert_array_equal(image, noise_image((64, 48), seed=3))
    assert (image != noise_image((64, 48), seed=4)).mean() > 0.9
    assert image.min() == 0
    assert image.max() == 255
    assert abs(image.mean() - 127.5) < 3
    neighbours = np.corrcoef(image[:, :-1].ravel().astype(float), image[:, 1:].ravel())[0, 1]
    assert abs(neighbours) < 0.05


@pytest.mark.parametrize("size", [7, (4, 4, 3), (0, 4), (2.0, 3)])
def test_noise_refuses_another_size(size):
    with pytest.raises(ValueError, match="size"):
        noise_image(size)


def test_stretching_shifts_colours_that_were_right():
    image = np.full((4, 4, 3), (200, 120, 60), np.uint8)
    image[0, 0] = (210, 100, 50)
    stretched = deprocess_stretched(preprocess(image))
    assert (stretched.min(), stretched.max()) == (0, 255)
    assert stretched[1, 1].tolist() == [239, 112, 16]  # (200 − 50) · 255 / 160, and so on
    with pytest.raises(ValueError, match="NaN or infinity"):
        deprocess_stretched(np.full((1, 2, 2, 3), np.nan))


def test_a_grey_start_is_nothing_to_see_but_seeded():
    x = grey_start((8, 6), seed=1)
    assert tuple(x.shape) == (1, 8, 6, 3)
    assert 0 < np.abs(x).max() <= 0.025
    assert len(np.unique(deprocess(x).reshape(-1, 3), axis=0)) == 1
    np.testing.assert_array_equal(x, grey_start((8, 6), seed=1))
    assert (x != grey_start((8, 6), seed=2)).numpy().any()

"""The content similarity against NumPy, and the properties that make it a scale."""

import numpy as np
import pytest

from stylelib import VGG, content_similarity, load_image, noise_image, preprocess
from stylelib.vgg.weights import DATA


@pytest.fixture(scope="module")
def photo():
    return load_image(DATA / "images" / "chelsea.jpg", max_size=160)


@pytest.fixture(scope="module")
def painting():
    return load_image(DATA / "images" / "starry_night.jpg", max_size=160)


def test_it_is_the_correlation_of_centred_feature_maps(photo, painting):
    vgg = VGG(["conv4_2"], pooling="average", padding="reflect")
    other = load_image(painting, size=photo.shape[:2])
    F, P = (
        np.asarray(vgg(preprocess(image))["conv4_2"], np.float64)[0].reshape(-1, 512)
        for image in (other, photo)
    )
    F, P = F - F.mean(axis=0), P - P.mean(axis=0)
    expected = np.sum(F * P) / np.sqrt(np.sum(F**2) * np.sum(P**2))
    assert content_similarity(painting, photo) == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_a_picture_is_like_itself_and_hardly_like_another_or_noise(photo, painting):
    assert content_similarity(photo, photo) == pytest.approx(1, abs=1e-5)
    assert content_similarity(painting, photo) < 0.2
    assert content_similarity(noise_image(photo.shape[:2]), photo) < 0.2


@pytest.mark.slow
def test_more_noise_is_less_similar(photo):
    noise = np.random.default_rng(0).normal(size=photo.shape)
    noisy = [np.clip(photo + sigma * noise, 0, 255).astype(np.uint8) for sigma in (10, 40, 120)]
    values = [content_similarity(image, photo) for image in noisy]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.8 > values[-1]


@pytest.mark.slow
def test_neither_size_nor_brightness_matters_much(photo):
    large = load_image(DATA / "images" / "chelsea.jpg", max_size=400)
    assert content_similarity(photo, large) > 0.95
    assert content_similarity((photo * 0.8).astype(np.uint8), photo) > 0.9


def test_a_picture_without_content_has_none(photo):
    flat = np.full(photo.shape, 128, np.uint8)
    assert content_similarity(flat, photo) == pytest.approx(0, abs=0.05)

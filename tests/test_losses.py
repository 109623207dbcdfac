"""The losses against NumPy, the paper's closed forms and finite differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stylelib._utils.tensorflow import tf
from stylelib.losses import (
    TV_LOSSES,
    content_loss,
    gram_matrix,
    representation_distance,
    style_layer_loss,
    style_loss,
    style_representation,
    total_variation_loss,
)

H, W, N = 5, 7, 6
M = H * W
# Multiples of 1/8 keep float32 exact enough to compare with float64.
VALUES = st.integers(-80, 80).map(lambda value: value / 8)
MAPS = arrays(
    np.float32, st.tuples(st.just(1), *[st.integers(1, 6)] * 3), elements=VALUES.map(np.float32)
)


def maps(random, h=H, w=W, dtype=np.float32):
    """Feature maps before the ReLU: about half of them negative."""
    return random.normal(0, 50, (1, h, w, N)).astype(dtype)


def matrix(features):
    """The paper's F: one row a filter, one column a position."""
    return np.asarray(features, np.float64).reshape(-1, features.shape[-1]).T


def numpy_gram(features):
    F = matrix(features)
    return np.array([[np.sum(row * column) for column in F] for row in F])


def numpy_layer_loss(generated, style):
    G, A = numpy_gram(generated), numpy_gram(style)
    m, m_style = matrix(generated).shape[1], matrix(style).shape[1]
    return np.sum((G / m - A / m_style) ** 2) / (4 * len(G) ** 2)


def numpy_total_variation(x, exponent):
    x = np.asarray(x, np.float64)[0]
    total = 0.0
    for i in range(x.shape[0] - 1):
        for j in range(x.shape[1] - 1):
            dx, dy = x[i, j + 1] - x[i, j], x[i + 1, j] - x[i, j]
            total += np.sum((dx**2 + dy**2) ** exponent)
    return total


def gradient(function, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x).numpy()


class TestAgainstNumpy:
    def test_content_loss(self, random):
        F, P = maps(random), maps(random)
        expected = 0.5 * np.sum((matrix(F) - matrix(P)) ** 2)
        np.testing.assert_allclose(content_loss(F, P), expected, rtol=1e-5)

    def test_gram_matrix(self, random):
        F = maps(random)
        np.testing.assert_allclose(gram_matrix(tf.constant(F)), numpy_gram(F), rtol=1e-5, atol=1)

    def test_style_layer_loss_equals_eq_4_where_sizes_agree(self, random):
        F, S = maps(random), maps(random)
        eq_4 = np.sum((numpy_gram(F) - numpy_gram(S)) ** 2) / (4 * N**2 * M**2)
        result = style_layer_loss(tf.constant(F), tf.constant(S))
        np.testing.assert_allclose(result, eq_4, rtol=1e-5)

    def test_style_layer_loss_of_two_sizes(self, random):
        F, S = maps(random), maps(random, 4, 9)
        result = style_layer_loss(tf.constant(F), tf.constant(S))
        np.testing.assert_allclose(result, numpy_layer_loss(F, S), rtol=1e-5)

    def test_style_loss(self, random):
        F = {layer: tf.constant(maps(random)) for layer in ("conv1_1", "conv2_1", "conv3_1")}
        S = {layer: tf.constant(maps(random, 3, 4)) for layer in ("conv1_1", "conv2_1")}
        losses = {layer: numpy_layer_loss(F[layer], S[layer]) for layer in S}
        np.testing.assert_allclose(style_loss(F, S), np.mean(list(losses.values())), rtol=1e-5)
        weighted = style_loss(F, S, {"conv2_1": 0.75, "conv1_1": 0.25})
        expected = 0.25 * losses["conv1_1"] + 0.75 * losses["conv2_1"]
        np.testing.assert_allclose(weighted, expected, rtol=1e-5)

    @pytest.mark.parametrize("exponent", [1, 1.25, 2])
    def test_total_variation_loss(self, exponent, random):
        x = random.uniform(-120, 120, (1, 6, 5, 3)).astype(np.float32)
        expected = numpy_total_variation(x, exponent)
        np.testing.assert_allclose(total_variation_loss(x, exponent), expected, rtol=1e-5)

    def test_the_forms_of_total_variation(self, random):
        x = random.uniform(-120, 120, (1, 6, 5, 3)).astype(np.float32)
        flat = np.asarray(x, np.float64)[0]
        absolute = sum(np.abs(np.diff(flat, axis=axis)).sum() for axis in (0, 1))
        expected = {
            "power": numpy_total_variation(x, 1.25),
            "squares": numpy_total_variation(x, 1) / 2,
            "absolute": absolute,
        }
        for name, variation in TV_LOSSES.items():
            np.testing.assert_allclose(variation(tf.constant(x)), expected[name], rtol=1e-5)


class TestClosedForms:
    """The paper's gradients are taken with respect to the layer *before* its ReLU."""

    def test_eq_2(self, random):
        z, P = maps(random), np.maximum(maps(random), 0)
        F = np.maximum(z, 0)
        eq_2 = np.where(F > 0, F - P, 0)
        result = gradient(lambda z: content_loss(tf.nn.relu(z), P), z)
        np.testing.assert_allclose(result, eq_2, rtol=1e-5)

    def test_eq_6(self, random):
        z, S = maps(random), np.maximum(maps(random), 0)
        F = np.maximum(z, 0)
        difference = numpy_gram(F) - numpy_gram(S)
        eq_6 = np.where(matrix(F) > 0, difference @ matrix(F), 0) / (N**2 * M**2)
        result = gradient(lambda z: style_layer_loss(tf.nn.relu(z), S), z)
        np.testing.assert_allclose(matrix(result), eq_6, rtol=1e-4, atol=1e-5 * abs(eq_6).max())


class TestFiniteDifferences:
    @pytest.mark.parametrize(
        "name", ["content", "style", "style of another size", "total variation", "keras' variation"]
    )
    def test_gradient(self, name, random):
        other = maps(random, dtype=np.float64)
        smaller = maps(random, 3, 4, dtype=np.float64)
        function = {
            "content": lambda F: content_loss(F, other),
            "style": lambda F: style_layer_loss(F, other),
            "style of another size": lambda F: style_layer_loss(F, smaller),
            "total variation": lambda F: total_variation_loss(F, exponent=1),
            "keras' variation": total_variation_loss,
        }[name]
        F = maps(random, dtype=np.float64)
        direction = random.normal(size=F.shape)
        step = 1e-4
        slope = (function(F + step * direction) - function(F - step * direction)) / (2 * step)
        np.testing.assert_allclose(slope, np.sum(gradient(function, F) * direction), rtol=1e-6)


class TestProperties:
    @given(MAPS)
    def test_gram_matrix_is_symmetric_and_positive_semi_definite(self, F):
        G = gram_matrix(tf.constant(F)).numpy()
        np.testing.assert_array_equal(G, G.T)
        assert np.linalg.eigvalsh(G.astype(np.float64)).min() >= -1e-4 * max(1, np.trace(G))

    @given(MAPS, st.randoms(use_true_random=False))
    def test_shuffling_the_positions_changes_no_gram_matrix(self, F, shuffler):
        positions = F.reshape(-1, F.shape[-1])
        order = list(range(len(positions)))
        shuffler.shuffle(order)
        shuffled = positions[order].reshape(F.shape)
        G, G_shuffled = (gram_matrix(tf.constant(maps)).numpy() for maps in (F, shuffled))
        np.testing.assert_allclose(G_shuffled, G, rtol=1e-5, atol=1e-5 * max(1, np.trace(G)))

    @given(MAPS)
    def test_losses_are_zero_at_the_target(self, F):
        F = tf.constant(F)
        assert float(content_loss(F, F)) == 0
        assert float(style_layer_loss(F, F)) == 0

    @given(MAPS, MAPS)
    def test_losses_are_symmetric_and_not_negative(self, F, S):
        S = np.resize(S, F.shape)
        for loss in (content_loss, style_layer_loss):
            there, back = float(loss(tf.constant(F), S)), float(loss(tf.constant(S), F))
            assert there >= 0
            assert there == pytest.approx(back, rel=1e-5)

    @given(MAPS, st.integers(1, 3), st.integers(1, 3))
    def test_tiling_a_picture_changes_no_style(self, F, down, across):
        tiled = tf.tile(F, (1, down, across, 1))
        A = style_representation(tf.constant(F)).numpy()
        np.testing.assert_allclose(
            style_representation(tiled), A, rtol=1e-4, atol=1e-5 * max(1, np.trace(A))
        )

    @given(MAPS)
    def test_one_colour_has_no_variation(self, F):
        flat = np.broadcast_to(F[:, :1, :1], F.shape)
        assert float(total_variation_loss(tf.constant(flat))) == 0


def test_unknown_height_and_width_are_no_obstacle(random):
    F, S = maps(random), maps(random, 3, 4)
    shape = tf.TensorSpec((1, None, None, N))
    compiled = tf.function(style_layer_loss, input_signature=[shape, shape])
    np.testing.assert_allclose(compiled(F, S), style_layer_loss(tf.constant(F), S), rtol=1e-5)


def test_distance_of_representations_is_eq_4(random):
    F, S = maps(random), maps(random, 3, 4)
    distance = representation_distance(style_representation(F), style_representation(S))
    np.testing.assert_allclose(distance, style_layer_loss(tf.constant(F), S), rtol=1e-5)


def test_layer_weights_of_other_layers_are_refused(random):
    features = {"conv1_1": tf.constant(maps(random))}
    with pytest.raises(ValueError, match=r"expected weights of the layers \['conv1_1'\]"):
        style_loss(features, features, {"conv2_1": 1.0})


def test_maps_of_two_shapes_have_no_content_loss(random):
    with pytest.raises(ValueError, match=r"expected two tensors of one shape, got \(1, 5, 7, 6\)"):
        content_loss(maps(random), maps(random, 1, 1))


def test_maps_of_two_layers_have_no_style_loss(random):
    F = maps(random)
    with pytest.raises(ValueError, match=r"expected two tensors of one shape, got \(6, 6\)"):
        style_layer_loss(tf.constant(F), tf.constant(F[..., :1]))
    for generated, style in (({}, {"conv1_1": F}), ({"conv1_1": F}, {})):
        with pytest.raises(ValueError, match="expected feature maps of"):
            style_loss(generated, style)


def test_an_exponent_below_1_is_refused():
    with pytest.raises(ValueError, match="expected an exponent of at least 1, got 0.5"):
        total_variation_loss(tf.zeros((1, 3, 3, 3)), exponent=0.5)

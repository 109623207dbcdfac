"""The paper's losses, as pure functions of feature maps.

Feature maps of layer l have shape ``(1, h, w, N)``: the activations of N filters in M = h·w
positions. The paper writes them as a matrix F with one row a filter, F_ik: filter i at position k.
Equations are numbered as in arXiv 1508.06576.
"""

from collections.abc import Mapping

from stylelib._utils.tensorflow import tf
from stylelib._utils.types import Array


def content_loss(generated: tf.Tensor, content: tf.Tensor) -> tf.Tensor:
    """Eq. 1: half the sum of squared differences, ½ Σ (F − P)².

    Parameters
    ----------
    generated, content : tf.Tensor
        Feature maps F of the generated and P of the content image, ``float32``, of one shape.

    Returns
    -------
    tf.Tensor
        ``float32`` scalar. It is a sum, not a mean: a picture with twice as many pixels has twice
        the loss.

    Raises
    ------
    ValueError
        Where the shapes differ.

    Examples
    --------
    >>> F, P = tf.constant([[[[3.0, 0.0]]]]), tf.constant([[[[1.0, 0.0]]]])
    >>> float(content_loss(F, P))
    2.0
    """
    _check_shapes(generated, content)
    return 0.5 * tf.reduce_sum(tf.square(generated - content))


def gram_matrix(features: tf.Tensor) -> tf.Tensor:
    """Eq. 3: the inner product of each two filters' activations, G_ij = Σ_k F_ik F_jk.

    The sum runs over all positions, so G does not depend on their order.

    Parameters
    ----------
    features : tf.Tensor
        Feature maps of one picture, ``float32``, ``(1, h, w, N)``.

    Returns
    -------
    tf.Tensor
        ``float32``, ``(N, N)``: symmetric, positive semi-definite, not normalised.

    Examples
    --------
    Two filters at two positions: the first has the activations 1 and 2, the second 3 and 4.

    >>> features = tf.constant([[[[1.0, 3.0], [2.0, 4.0]]]])
    >>> gram_matrix(features).numpy().tolist()
    [[5.0, 11.0], [11.0, 25.0]]
    """
    by_position = tf.reshape(features, (-1, features.shape[-1]))  # (1, h, w, N) -> (M, N)
    return tf.matmul(by_position, by_position, transpose_a=True)  # (N, M) · (M, N) -> (N, N)


def style_representation(features: tf.Tensor, mask: Array | None = None) -> tf.Tensor:
    """The Gram matrix per position, G / M: what the style loss compares.

    Dividing by the number of positions M = h·w makes pictures of different sizes comparable. With a
    mask it is that of a region, Σ_k m_k F_ik F_jk / Σ_k m_k: a mean over positions, in which the
    mask says how much each counts. This is the guided Gram matrix of arXiv 1611.07865, Eq. 3, with
    the guidance √m, scaled to Σ_k m_k = 1.

    Parameters
    ----------
    features : tf.Tensor
        Feature maps of one picture, ``float32``, ``(1, h, w, N)``.
    mask : array, optional
        ``float32``, ``(h, w)``, from 0 to 1, see `layer_mask`.

    Returns
    -------
    tf.Tensor
        ``float32``, ``(N, N)``; 0 where the mask is 0 everywhere.

    Raises
    ------
    ValueError
        Where the mask has another height or width.

    Examples
    --------
    >>> features = tf.constant([[[[1.0, 3.0], [2.0, 4.0]]]])
    >>> style_representation(features).numpy().tolist()
    [[2.5, 5.5], [5.5, 12.5]]
    >>> style_representation(features, mask=[[1.0, 0.0]]).numpy().tolist()
    [[1.0, 3.0], [3.0, 9.0]]
    """
    if mask is None:
        height_width = tf.shape(features)[1:3]
        return gram_matrix(features) / tf.cast(tf.reduce_prod(height_width), features.dtype)
    mask = tf.convert_to_tensor(mask, features.dtype)
    return tf.math.divide_no_nan(gram_matrix(masked(features, mask)), tf.reduce_sum(mask))


def masked(features: tf.Tensor, mask: Array) -> tf.Tensor:
    """Feature maps whose Gram matrix counts each position as much as a mask says.

    Parameters
    ----------
    features : tf.Tensor
        ``float32``, ``(1, h, w, N)``.
    mask : array
        ``float32``, ``(h, w)``, from 0 to 1.

    Returns
    -------
    tf.Tensor
        √m F, ``float32``, ``(1, h, w, N)``.

    Raises
    ------
    ValueError
        Where the mask has another height or width.

    Examples
    --------
    >>> masked(tf.ones((1, 1, 2, 1)), [[0.25, 0.0]]).numpy().ravel().tolist()
    [0.5, 0.0]
    """
    mask = tf.convert_to_tensor(mask, features.dtype)
    _check_shapes(features[0, :, :, 0], mask)
    return features * tf.sqrt(mask)[tf.newaxis, :, :, tf.newaxis]  # (1, h, w, N) · (1, h, w, 1)


def representation_distance(generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
    """Eq. 4 on style representations: 1 / (4N²) Σ (G/M − A/M')².

    Parameters
    ----------
    generated, style : tf.Tensor
        Two results of `style_representation`, ``float32``, ``(N, N)``.

    Returns
    -------
    tf.Tensor
        ``float32`` scalar.

    Examples
    --------
    >>> G, A = tf.constant([[4.0]]), tf.constant([[2.0]])
    >>> float(representation_distance(G, A))
    1.0
    """
    _check_shapes(generated, style)
    filters = generated.shape[-1]
    return tf.reduce_sum(tf.square(generated - style)) / (4.0 * filters**2)


def style_layer_loss(generated: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
    """Eq. 4 on feature maps: how far one layer's style is from its target.

    E_l = 1 / (4N²) Σ (G/M − A/M')². Where both pictures have M positions this equals Eq. 4,
    1 / (4N²M²) Σ (G − A)². Differs from Eq. 4 where they have not: each Gram matrix is divided by
    its own number of positions, since the paper's formula has only one M. `Objective` computes the
    same from `style_representation` and `representation_distance`, so that the style image's part
    is computed once.

    Parameters
    ----------
    generated, style : tf.Tensor
        Feature maps of one layer, ``float32``, ``(1, h, w, N)`` and ``(1, h', w', N)``.

    Returns
    -------
    tf.Tensor
        ``float32`` scalar.

    Examples
    --------
    A picture laid twice side by side has the same style as the picture.

    >>> features = tf.random.stateless_uniform((1, 4, 4, 8), seed=(0, 0))
    >>> twice = tf.concat([features, features], axis=2)
    >>> float(style_layer_loss(twice, features)) < 1e-10
    True
    """
    return representation_distance(style_representation(generated), style_representation(style))


def style_loss(
    generated: Mapping[str, tf.Tensor],
    style: Mapping[str, tf.Tensor],
    layer_weights: Mapping[str, float] | None = None,
) -> tf.Tensor:
    """Eq. 5: the weighted sum over layers, Σ_l w_l E_l.

    Parameters
    ----------
    generated, style : dict of str to tf.Tensor
        Feature maps by layer name, as `VGG` returns them. `generated` may hold further layers.
    layer_weights : dict of str to float, optional
        w_l by layer name. Without it every layer of `style` counts 1 / number of layers, as in the
        paper.

    Returns
    -------
    tf.Tensor
        ``float32`` scalar.

    Raises
    ------
    ValueError
        Where `style` is empty, `generated` lacks one of its layers, or the names of
        `layer_weights` are not its layers.

    Examples
    --------
    >>> ones, twos = tf.ones((1, 2, 2, 1)), 2 * tf.ones((1, 2, 2, 1))
    >>> float(style_loss({"conv1_1": twos}, {"conv1_1": ones}))
    2.25
    """
    if not style or not set(style) <= set(generated):
        raise ValueError(f"expected feature maps of {sorted(style)}, got {sorted(generated)}")
    if layer_weights is None:
        layer_weights = dict.fromkeys(style, 1.0 / len(style))
    if set(layer_weights) != set(style):
        raise ValueError(
            f"expected weights of the layers {sorted(style)}, got {sorted(layer_weights)}"
        )
    return tf.add_n(
        [w * style_layer_loss(generated[l], style[l]) for l, w in layer_weights.items()]
    )


def total_variation_loss(x: tf.Tensor, exponent: float = 1.25) -> tf.Tensor:
    """Roughness: Σ (dx² + dy²)^exponent over the differences of neighbouring pixels.

    Not in the paper; Mahendran and Vedaldi (arXiv 1412.0035) introduced this family, writing
    β = 2·exponent. 1.25 is the form of Keras' style-transfer example, 1 the sum of squares. Recipes
    name three forms, in `TV_LOSSES`. They weigh small against large differences in ways of their
    own, so no weight turns one form into another.

    Parameters
    ----------
    x : tf.Tensor
        ``float32``, ``(1, H, W, 3)``, VGG space, at least 2 × 2 pixels.
    exponent : float
        At least 1: below, the gradient is infinite wherever neighbours are equal.

    Returns
    -------
    tf.Tensor
        ``float32`` scalar, 0 for a picture of one colour. The last row and the last column have no
        neighbour and start no difference.

    Raises
    ------
    ValueError
        Where `exponent` is below 1.

    Examples
    --------
    >>> step = tf.constant([[[[0.0], [2.0]], [[0.0], [2.0]]]])
    >>> float(total_variation_loss(step, exponent=1))
    4.0
    """
    if exponent < 1:
        raise ValueError(f"expected an exponent of at least 1, got {exponent}")
    dx = x[:, :-1, 1:] - x[:, :-1, :-1]
    dy = x[:, 1:, :-1] - x[:, :-1, :-1]
    return tf.reduce_sum((tf.square(dx) + tf.square(dy)) ** exponent)


#: Forms of the total variation loss by name: Keras' example, half the sum of squares (the gradient
#: in jcjohnson's code is that of this one), and TensorFlow's Σ |dx| + |dy| with all borders.
TV_LOSSES = {
    "power": total_variation_loss,
    "squares": lambda x: 0.5 * total_variation_loss(x, exponent=1),
    "absolute": lambda x: tf.reduce_sum(tf.image.total_variation(x)),
}


def _check_shapes(one, other):
    """Refuse tensors of two shapes: a subtraction might broadcast them."""
    known = [(a, b) for a, b in zip(one.shape, other.shape, strict=False) if None not in (a, b)]
    if len(one.shape) != len(other.shape) or any(a != b for a, b in known):
        raise ValueError(
            f"expected two tensors of one shape, got {tuple(one.shape)} and {tuple(other.shape)}"
        )

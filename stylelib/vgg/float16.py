"""What a network in float16 needs, whose numbers end at 65,504 and lose digits below 0.00006.

Activations are kept in range by making the picture and all biases smaller by one factor: a
convolution, a ReLU and both poolings hand a positive factor on, so all feature maps shrink by it,
and nothing else changes. Gradients are kept in range by a factor of their own, chosen anew for each
pass back, which is linear. Both factors are powers of two, so that multiplying rounds nothing.
"""

from stylelib._utils.tensorflow import tf

#: Factor on all activations of the network. The largest of VGG16 for the pictures in data/ is near
#: 20,000 (in conv3_3); with this factor fifty times as much would do.
ACTIVATION_SCALE = 2.0**-4

#: How large the largest gradient by a feature map is made before the pass back. On its way down it
#: may grow by 2^10, and numbers that are 2^20 times as small still have all their digits.
LARGEST_GRADIENT = 64.0


def scaled(model):
    """Make a network in float16 one whose activations and gradients neither under- nor overflow.

    Parameters
    ----------
    model : callable
        From a picture to a dict of ``float16`` feature maps. Its biases were multiplied by
        `ACTIVATION_SCALE`.

    Returns
    -------
    callable
        From a picture to a dict of ``float32`` feature maps, as a network with its true biases
        gives them.

    Examples
    --------
    The gradient of 3x is 3, even where the gradient from above is too small for float16, whose
    smallest number is 6e-8.

    >>> tripled = scaled(lambda x: {"y": tf.cast(x, tf.float16) * 3})
    >>> x = tf.constant(1.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     loss = 1e-12 * tripled(x)["y"]
    >>> round(float(tape.gradient(loss, x)) * 1e12, 2)
    3.0
    """

    def call(x):
        names = []  # tf.custom_gradient knows lists of tensors, no dicts

        @tf.custom_gradient
        def forward(x):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(x)
                maps = {
                    name: tf.cast(y, tf.float32) for name, y in model(ACTIVATION_SCALE * x).items()
                }
            names[:] = maps

            def backward(*upstream, variables=()):
                scale = _gradient_scale(upstream)
                larger = [scale * gradient for gradient in upstream]
                gradient = tape.gradient(list(maps.values()), x, larger)
                gradient /= scale * ACTIVATION_SCALE
                return (gradient, [None] * len(variables)) if variables else gradient

            return [y / ACTIVATION_SCALE for y in maps.values()], backward

        maps = forward(x)  # first: it fills `names`
        return dict(zip(names, maps, strict=True))

    return call


def _gradient_scale(upstream):
    """The power of two that brings the largest of all numbers to about `LARGEST_GRADIENT`."""
    largest = tf.reduce_max([tf.reduce_max(tf.abs(gradient)) for gradient in upstream])
    exponent = tf.round(tf.math.log(LARGEST_GRADIENT / largest) / tf.math.log(2.0))
    return tf.where(largest > 0, 2.0 ** tf.clip_by_value(exponent, -120.0, 120.0), 1.0)

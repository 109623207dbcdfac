"""What the machine can do at most, and how much arithmetic one evaluation is."""

import functools

from benchmarks.timing import compared, medians
from stylelib._utils.tensorflow import tf
from stylelib.vgg.layers import MapSize, keras_name, layer_names, map_size

SGEMM_SIZE = 4096


#: Floating-point operations of that product.
SGEMM = 2 * SGEMM_SIZE**3


def product():
    """A step that multiplies two large matrices in float32."""
    a, b = (tf.random.normal((SGEMM_SIZE, SGEMM_SIZE)) for _ in range(2))
    return tf.function(lambda: tf.matmul(a, b)[0, 0])


@functools.cache
def sgemm():
    """GFLOP/s of that product: no convolution in float32 goes much beyond it."""
    return SGEMM / medians(compared({"product": product()}))["product"] / 1e9


def sgemm_note():
    return (
        f"SGEMM is a product of two matrices of {SGEMM_SIZE} × {SGEMM_SIZE} in float32: "
        f"{sgemm():.0f} GFLOP/s on this machine."
    )


def operations(recipe, image_size):
    """Floating-point operations of one evaluation: loss, and gradient by the picture."""
    names = layer_names()
    used = [keras_name(layer) for layer in (*recipe.style_layers, *recipe.content_layers)]
    deepest = max(map(names.index, used))
    previous = MapSize(*image_size, 3)
    total = 0
    for layer in names[: deepest + 1]:
        size = map_size(layer, image_size)
        forward = 2 * 9 * previous.filters * size.elements
        total += 2 * forward  # the gradient by the input is a convolution of the same size
        if layer in map(keras_name, recipe.style_layers):
            total += 2 * 2 * size.filters**2 * size.positions  # Gram matrix, and its gradient
        previous = size
    return total

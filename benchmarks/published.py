"""Seconds per step of four published programs, and of this library with the same recipe.

The programs are written here from their descriptions, with what makes them slow or fast: which
passes they take through the network, how deep it is, and whether the step is compiled. All use
VGG16 with the same weights and the same two pictures of 224 × 224 pixels. What they do besides,
such as saving pictures, is left out.
"""

import numpy as np

from benchmarks.limits import operations, sgemm_note
from benchmarks.subjects import objective_of, pictures
from benchmarks.timing import compared, medians, ratio
from stylelib import RECIPES, load_weights, pixel_bounds, preprocess
from stylelib import train_step as our_step
from stylelib._utils.tensorflow import keras, tf

SIZE = 224
STYLE_LAYERS = [f"block{block}_conv1" for block in range(1, 6)]


def network(layers):
    """Keras' own VGG16 that answers with some of its layers, and no layer beyond them."""
    model = keras.applications.VGG16(include_top=False, weights=None)
    for name, parameters in load_weights("vgg16").items():
        model.get_layer(name).set_weights(parameters)
    model.trainable = False
    return keras.Model(model.input, [model.get_layer(layer).output for layer in layers])


def gram(maps):
    """Gram matrix of one picture's feature maps, (1, h, w, N) or (h, w, N) -> (N, N)."""
    F = tf.reshape(maps, (-1, maps.shape[-1]))
    return tf.matmul(F, F, transpose_a=True)


def spirosbax(content, style):
    """Eager; three passes through the whole network in each step; Adam."""
    model = network([*STYLE_LAYERS, "block4_conv2", "block5_pool"])
    content, style = preprocess(content), preprocess(style)
    x = tf.Variable(content)
    optimizer = keras.optimizers.Adam(5.0, beta_1=0.99, epsilon=0.1)

    def step():
        with tf.GradientTape() as tape:
            P, A, F = model(content), model(style), model(x)
            loss = tf.reduce_sum((P[5] - F[5]) ** 2) / 2
            for target, maps in zip(A[:5], F[:5], strict=True):
                size = maps.shape[-1]  # N of the Gram matrix, twice, as published
                difference = gram(target) - gram(maps)
                loss += 1e3 / 5 * tf.reduce_sum(difference**2) / (4.0 * size**4)
        optimizer.apply_gradients([(tape.gradient(loss, x), x)])
        x.assign(tf.clip_by_value(x, *pixel_bounds()))
        return loss

    return step


def batch_of_three(content, style, recipe):
    """Loss and gradient of `jerkic` and `keras`: one compiled pass with a batch of three."""
    model = network([*STYLE_LAYERS, "block5_conv2", "block5_pool"])
    content, style = preprocess(content), preprocess(style)

    @tf.function
    def loss_and_gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            maps = model(tf.concat([content, style, x], axis=0))
            loss = recipe.content_weight * tf.reduce_sum((maps[5][2] - maps[5][0]) ** 2)
            for layer in maps[:5]:
                difference = gram(layer[1]) - gram(layer[2])
                scale = 4.0 * 3**2 * (SIZE * SIZE) ** 2
                loss += recipe.style_weight / 5 * tf.reduce_sum(difference**2) / scale
            dy = x[:, :-1, :-1] - x[:, 1:, :-1]
            dx = x[:, :-1, :-1] - x[:, :-1, 1:]
            loss += recipe.tv_weight * tf.reduce_sum((dx**2 + dy**2) ** 1.25)
        return loss, tape.gradient(loss, x)

    return loss_and_gradient


def jerkic(content, style):
    """One evaluation of the batch of three, with the copies that SciPy's L-BFGS asks for."""
    loss_and_gradient = batch_of_three(content, style, RECIPES["jerkic"])
    x = preprocess(content).numpy().astype(np.float64).ravel()

    def step():
        batch = tf.constant(x.reshape(1, SIZE, SIZE, 3).astype(np.float32))
        loss, gradient = loss_and_gradient(batch)
        gradient.numpy().ravel().astype(np.float64)
        return loss

    return step


def keras_example(content, style):
    """The batch of three, and gradient descent."""
    loss_and_gradient = batch_of_three(content, style, RECIPES["keras"])
    x = tf.Variable(preprocess(content))
    optimizer = keras.optimizers.SGD(100.0)

    def step():
        loss, gradient = loss_and_gradient(tf.convert_to_tensor(x))
        optimizer.apply_gradients([(gradient, x)])
        return loss

    return step


def tutorial(content, style):
    """A compiled step, targets computed once; Adam. Return the step, and the picture: 0 to 1."""
    model = network([*STYLE_LAYERS, "block5_conv2"])

    def answers(image):
        maps = model(keras.applications.vgg16.preprocess_input(image * 255.0))
        positions = [tf.cast(tf.size(m) / m.shape[-1], tf.float32) for m in maps[:5]]
        return [gram(m) / n for m, n in zip(maps[:5], positions, strict=True)], maps[5]

    content, style = (tf.constant(i[None].astype(np.float32) / 255) for i in (content, style))
    A, P = answers(style)[0], answers(content)[1]
    x = tf.Variable(content)
    optimizer = keras.optimizers.Adam(0.02, beta_1=0.99, epsilon=0.1)
    optimizer.build([x])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            G, F = answers(x)
            distances = [tf.reduce_mean((g - a) ** 2) for g, a in zip(G, A, strict=True)]
            loss = 1e-2 / 5 * tf.add_n(distances) + 1e4 * tf.reduce_mean((F - P) ** 2)
            loss += 30 * tf.reduce_sum(tf.image.total_variation(x))
        optimizer.apply_gradients([(tape.gradient(loss, x), x)])
        x.assign(tf.clip_by_value(x, 0.0, 1.0))
        return loss

    return step, x


def tensorflow_tutorial(content, style):
    return tutorial(content, style)[0]


PROGRAMS = {
    "spirosbax": spirosbax,
    "jerkic": jerkic,
    "keras": keras_example,
    "tensorflow": tensorflow_tutorial,
}


def ours(name, content, style, precision="float32"):
    """A step of this library with the recipe of a program, mistakes included, by Adam."""
    objective = objective_of(RECIPES[name].as_published(), content, style, precision)
    x = tf.Variable(preprocess(content))
    optimizer = keras.optimizers.Adam(5.0)
    return lambda: our_step(objective, x, optimizer)["total"]


def report(rounds=5, count=3):
    content, style = pictures(size=(SIZE, SIZE))
    yield (
        "| program | published / ours | published / ours in bfloat16 | as published, s | ours, s | "
        "ours in bfloat16, s | ours, GFLOP/s |"
    )
    yield "|---" * 7 + "|"
    for name, program in PROGRAMS.items():
        contestants = {
            "published": program(content, style),
            "float32": ours(name, content, style),
            "bfloat16": ours(name, content, style, "bfloat16"),
        }
        first = [float(step()) for step in contestants.values()]
        np.testing.assert_allclose(first[:2], first[0], rtol=1e-3)  # the same loss
        values = compared(contestants, rounds, count)
        seconds = medians(values)
        speed = operations(RECIPES[name], (SIZE, SIZE)) / seconds["float32"] / 1e9
        yield (
            f"| `{name}` | {ratio(values, 'published', 'float32'):.2f} | "
            f"{ratio(values, 'published', 'bfloat16'):.2f} | {seconds['published']:.3f} | "
            f"{seconds['float32']:.3f} | {seconds['bfloat16']:.3f} | {speed:.0f} |"
        )
    yield ""
    yield f"The last column is ours in float32. {sgemm_note()}"

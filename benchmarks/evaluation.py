"""Seconds per evaluation: ours inside each optimiser against a bare loop of the same graph.

The bare loop is written here with TensorFlow's own operations and calls the compiled loss and
gradient again and again, nothing else. Rounds of all contestants alternate, see
`benchmarks.timing`.
"""

import contextlib
import itertools
import statistics
import time

import numpy as np

from benchmarks.limits import SGEMM, operations, product, sgemm_note
from benchmarks.subjects import PAPER, objective_of, pictures
from benchmarks.timing import in_turn, medians, ratio, timed
from stylelib import load_weights, minimize, preprocess
from stylelib._utils.tensorflow import tf
from stylelib.vgg.layers import keras_name

SIZES = (128, 224, 256, 384, 512)
MEMORY = 12  # evaluations until the ten corrections that L-BFGS keeps are there


def bare_graph(content_image, style_image):
    """Compile the recipe's loss and gradient from nothing but TensorFlow's operations."""
    weights = {layer: tuple(map(tf.constant, w)) for layer, w in load_weights("vgg16").items()}
    content_layer = keras_name(PAPER.content_layers[0])
    style_layers = [keras_name(layer) for layer in PAPER.style_layers]
    layers = list(weights)[: list(weights).index(style_layers[-1]) + 1]

    def features(x):
        maps = {}
        for layer in layers:
            kernel, bias = weights[layer]
            if layer.endswith("conv1") and layer != "block1_conv1":
                x = tf.nn.avg_pool2d(x, 2, 2, "VALID")
            x = maps[layer] = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias))
        return maps

    def gram(maps):
        F = tf.reshape(maps, (-1, maps.shape[-1]))
        return tf.matmul(F, F, transpose_a=True) / tf.cast(tf.shape(F)[0], tf.float32)

    content = features(preprocess(content_image))[content_layer]
    grams = {layer: gram(maps) for layer, maps in features(preprocess(style_image)).items()}

    @tf.function(autograph=False)
    def loss_and_gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            maps = features(x)
            loss = PAPER.content_weight * tf.reduce_sum((maps[content_layer] - content) ** 2) / 2
            for layer in style_layers:
                G, A = gram(maps[layer]), grams[layer]
                E = tf.reduce_sum((G - A) ** 2) / (4.0 * G.shape[0] ** 2)
                loss += PAPER.style_weight / len(style_layers) * E
        return loss, tape.gradient(loss, x)

    return loss_and_gradient


@contextlib.contextmanager
def stopwatch(objective):
    """Yield a list that grows by the seconds of each evaluation within this block."""
    seconds, evaluate = [], objective.loss_and_gradient

    def measured(x):
        start = time.perf_counter()
        losses, gradient = evaluate(x)
        float(losses["total"])  # waits for the result
        seconds.append(time.perf_counter() - start)
        return losses, gradient

    objective.loss_and_gradient = measured
    try:
        yield seconds
    finally:
        del objective.loss_and_gradient  # uncovers the method


def our_loop(objective, x, optimizer, count, before=1):
    """Median seconds of `count` whole steps, and of the evaluations within, after some others."""
    ends = []
    with stopwatch(objective) as evaluations:
        minimize(
            objective,
            x,
            optimizer,
            before + count,
            callback=lambda *_: ends.append(time.perf_counter()),
        )
    steps = [end - start for start, end in itertools.pairwise(ends[before - 1 :])]
    return statistics.median(steps), statistics.median(evaluations[before:])


def measure(size, rounds=3, count=6):
    """Seconds in each round of each contestant, and the height and width of the picture."""
    content, style = pictures(max_size=size)
    x = preprocess(content)
    objective = objective_of(PAPER, content, style)
    reduced = objective_of(PAPER, content, style, "bfloat16")
    bare = bare_graph(content, style)
    np.testing.assert_allclose(bare(x)[0], objective.loss_and_gradient(x)[0]["total"], rtol=1e-3)
    reduced.loss_and_gradient(x)  # compiles
    multiply = product()
    multiply()
    contestants = {
        "bare": lambda: timed(lambda: bare(x)[0], count),
        # L-BFGS gets dearer until its memory is full.
        "L-BFGS": lambda: our_loop(objective, x, "lbfgs", count, before=MEMORY),
        "Adam": lambda: our_loop(objective, x, "adam", count)[0],
        "bfloat16": lambda: timed(lambda: reduced.loss_and_gradient(x)[0]["total"], count),
        "SGEMM": lambda: timed(multiply, 1),
    }
    values = in_turn(contestants, rounds)
    values["L-BFGS"], values["within"] = zip(*values["L-BFGS"], strict=True)
    return values, content.shape[:2]


def exponent(pixels, seconds):
    """The p of seconds = c · pixels^p, by least squares of the logarithms."""
    return float(np.polyfit(np.log(pixels), np.log(seconds), 1)[0])


def report(sizes=SIZES, rounds=3, count=6):
    yield (
        "| size | L-BFGS / bare loop | Adam / bare loop | L-BFGS on top of its evaluations | "
        "bfloat16, times faster | share of SGEMM | bare loop, s | L-BFGS, s | Adam, s | "
        "bfloat16, s |"
    )
    yield "|---" * 10 + "|"
    pixels, costs = [], {"bare": [], "L-BFGS": []}
    for size in sizes:
        values, image_size = measure(size, rounds, count)
        seconds = medians(values)
        pixels.append(np.prod(image_size))
        for name, cost in costs.items():
            cost.append(seconds[name])
        work = operations(PAPER, image_size) / SGEMM  # in products
        yield (
            f"| {size} px | {ratio(values, 'L-BFGS', 'bare'):.2f} | "
            f"{ratio(values, 'Adam', 'bare'):.2f} | "
            f"{ratio(values, 'L-BFGS', 'within') - 1:+.1%} | "
            f"{ratio(values, 'within', 'bfloat16'):.2f} | "
            f"{work * ratio(values, 'SGEMM', 'within'):.0%} | "
            f"{seconds['bare']:.3f} | {seconds['L-BFGS']:.3f} | {seconds['Adam']:.3f} | "
            f"{seconds['bfloat16']:.3f} |"
        )
    yield ""
    yield (
        f"Cost grows with pixels to the power of {exponent(pixels, costs['L-BFGS']):.2f} with "
        f"L-BFGS, and of {exponent(pixels, costs['bare']):.2f} in the bare loop. {sgemm_note()}"
    )

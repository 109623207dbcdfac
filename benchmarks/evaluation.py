"""Seconds per evaluation: ours inside each optimiser against a bare loop of the same graph.

The bare loop is written here with TensorFlow's own operations and calls the compiled loss and
gradient again and again, nothing else. Rounds of all contestants alternate, so that a machine whose
speed drifts is as unfair to one as to another.
"""

import itertools
import statistics
import time

import numpy as np

from stylelib import RECIPES, VGG, Objective, load_image, load_weights, minimize, preprocess
from stylelib._tensorflow import tf
from stylelib.layers import keras_name
from stylelib.weights import DATA

RECIPE = RECIPES["gatys2015"]
MEMORY = 12  # evaluations until the ten corrections that L-BFGS keeps are there


def bare_graph(content_image, style_image):
    """Compile the recipe's loss and gradient from nothing but TensorFlow's operations."""
    weights = {layer: tuple(map(tf.constant, w)) for layer, w in load_weights("vgg16").items()}
    content_layer = keras_name(RECIPE.content_layers[0])
    style_layers = [keras_name(layer) for layer in RECIPE.style_layers]
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
            loss = RECIPE.content_weight * tf.reduce_sum((maps[content_layer] - content) ** 2) / 2
            for layer in style_layers:
                G, A = gram(maps[layer]), grams[layer]
                E = tf.reduce_sum((G - A) ** 2) / (4.0 * G.shape[0] ** 2)
                loss += RECIPE.style_weight / len(style_layers) * E
        return loss, tape.gradient(loss, x)

    return loss_and_gradient


def bare_loop(loss_and_gradient, x, count):
    times = [time.perf_counter()]
    for _ in range(count):
        loss, _ = loss_and_gradient(x)
        float(loss)  # waits for the result
        times.append(time.perf_counter())
    return [after - before for before, after in itertools.pairwise(times)]


def our_loop(objective, x, optimizer, count):
    """Time `count` evaluations after the first: L-BFGS gets dearer until its memory is full."""
    times = []
    minimize(
        objective,
        x,
        optimizer,
        MEMORY + count + 1,
        callback=lambda *_: times.append(time.perf_counter()),
    )
    return [after - before for before, after in itertools.pairwise(times[MEMORY:])]


def measure(size, rounds=5, count=8):
    """Median seconds per evaluation of each contestant, and the medians of the rounds' ratios."""
    content_image, style_image = (
        load_image(DATA / "images" / f"{name}.jpg", max_size=size)
        for name in ("summer_palace", "starry_night")
    )
    vgg = VGG(RECIPE.style_layers + RECIPE.content_layers, pooling=RECIPE.pooling)
    objective = Objective(vgg, RECIPE, content_image, style_image)
    bare = bare_graph(content_image, style_image)
    x = preprocess(content_image)
    np.testing.assert_allclose(bare(x)[0], objective.loss_and_gradient(x)[0]["total"], rtol=1e-3)
    contestants = {
        "bare loop": lambda: bare_loop(bare, x, count),
        "L-BFGS": lambda: our_loop(objective, x, "lbfgs", count),
        "Adam": lambda: our_loop(objective, x, "adam", count),
    }
    medians = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            medians[name].append(statistics.median(run()))
    seconds = {name: statistics.median(values) for name, values in medians.items()}
    ratios = {
        name: statistics.median(np.divide(medians[name], medians["bare loop"]))
        for name in ("L-BFGS", "Adam")
    }
    return seconds, ratios


def report():
    yield "| size | bare loop, s | L-BFGS, s | ratio | Adam, s | ratio |"
    yield "|---|---|---|---|---|---|"
    for size in (256, 512):
        seconds, ratios = measure(size)
        yield (
            f"| {size} px | {seconds['bare loop']:.3f} | {seconds['L-BFGS']:.3f} | "
            f"{ratios['L-BFGS']:.2f} | {seconds['Adam']:.3f} | {ratios['Adam']:.2f} |"
        )

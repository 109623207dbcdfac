"""How far reduced precision leads a run astray: final pictures, all re-scored in float32.

What a run in bfloat16 says of its own loss is no measure, since that loss is rounded, too. A run of
L-BFGS magnifies any difference, however small. How far two runs in float32 part that differ by a
hundredth of a grey level at their start is therefore the measure for all others.
"""

import numpy as np

from benchmarks.subjects import PAPER, objective_of, pictures, score
from stylelib import minimize, preprocess
from stylelib._utils.tensorflow import tf
from stylelib.vgg.layers import PRECISIONS

PAIRS = (("summer_palace", "starry_night"), ("chelsea", "swirls"), ("astronaut", "wave"))
SIZE = 192
STEPS = 150
NUDGE = 0.01  # of a grey level


def reduced_precisions():
    """All that the library has; float16 is for GPUs alone."""
    reduced = [name for name in PRECISIONS if name != "float32"]
    gpu = tf.config.list_physical_devices("GPU")
    return [name for name in reduced if gpu or name != "float16"]


def final_picture(objective, x, optimizer, steps):
    """The picture with the lowest loss of a run, not yet rounded to whole grey levels."""
    best = {"loss": np.inf, "x": x}

    def note(_, losses, x):
        if losses["total"] < best["loss"]:
            best.update(loss=losses["total"], x=x)

    minimize(objective, x, optimizer, steps, callback=note)
    return tf.constant(best["x"])


def nudged(x):
    noise = np.random.default_rng(0).uniform(-NUDGE, NUDGE, size=x.shape)
    return x + noise.astype(np.float32)


def measure(pair, size=SIZE, steps=STEPS):
    """Yield for each optimiser float32's final loss, and the final losses of the other runs."""
    content, style = pictures(pair, max_size=size)
    x = preprocess(content)
    exact = objective_of(PAPER, content, style)
    others = {name: objective_of(PAPER, content, style, name) for name in reduced_precisions()}
    for optimizer in ("lbfgs", "adam"):
        losses = {
            name: score(exact, final_picture(objective, x, optimizer, steps))
            for name, objective in others.items()
        }
        losses["nudged"] = score(exact, final_picture(exact, nudged(x), optimizer, steps))
        yield optimizer, score(exact, final_picture(exact, x, optimizer, steps)), losses


def report(size=SIZE, steps=STEPS):
    columns = [*reduced_precisions(), "nudged"]
    yield f"| pair | optimiser | {' | '.join(columns)} | float32's loss |"
    yield "|---|---|" + "---|" * (len(columns) + 1)
    for pair in PAIRS:
        for optimizer, loss, losses in measure(pair, size, steps):
            differences = (f"{losses[name] / loss - 1:+.2%}" for name in columns)
            yield f"| {' + '.join(pair)} | {optimizer} | {' | '.join(differences)} | {loss:.5g} |"

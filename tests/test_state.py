"""What belongs to the user's process is as it was after every public call."""

import importlib
import locale
import logging
import os
import random
import signal
import sys
import threading
import warnings

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

import stylelib
from stylelib import noise_image, preprocess
from stylelib._utils.tensorflow import keras, tf
from stylelib.images import formats
from stylelib.recipes.published import RECIPES
from tests import slow
from tests.images.test_previews import LONG, Page, chunk, png_with, tiff
from tools.malformed import corpus

CONTENT, STYLE = noise_image((40, 60), seed=1), noise_image((50, 50), seed=2)
LAYERS = ["conv1_1", "conv2_1"]
SMALL = {"size": 32, "steps": 2, "weights": "random"}
PAIR = (CONTENT, STYLE)


def snapshot():
    """All that a library has no business to change, as far as it can be looked at."""
    loggers = {"": logging.getLogger(), **logging.Logger.manager.loggerDict}
    loggers = {name: log for name, log in loggers.items() if isinstance(log, logging.Logger)}
    signals = {number: signal.getsignal(number) for number in signal.valid_signals()}
    return {
        "warnings": (list(warnings.filters), warnings.showwarning, warnings.formatwarning),
        "signals": {n: handler for n, handler in signals.items() if n != signal.SIGPROF},
        "logging": {name: (log.level, list(log.handlers), list(log.filters), log.disabled)
                    for name, log in loggers.items()},
        "environment": dict(os.environ),
        "random": (random.getstate(), repr(np.random.get_state())),  # noqa: NPY002
        "numpy": (np.geterr(), np.geterrcall(), np.get_printoptions()),
        "keras": (keras.config.backend(), keras.config.floatx(), keras.config.epsilon(),
                  keras.config.image_data_format(), keras.config.dtype_policy().name,
                  keras.config.is_interactive_logging_enabled(),
                  keras.config.is_traceback_filtering_enabled()),
        "tensorflow": (tf.executing_eagerly(), tf.config.functions_run_eagerly(),
                       tf.config.threading.get_intra_op_parallelism_threads(),
                       tf.config.threading.get_inter_op_parallelism_threads(),
                       tf.config.get_soft_device_placement(), tf.config.optimizer.get_jit(),
                       str(tf.config.optimizer.get_experimental_options()),
                       tf.config.get_visible_devices(), tf.get_logger().level),
        "pillow": (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, ImageFile.MAXBLOCK,
                   PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY,
                   dict(Image.OPEN), Image.WARN_POSSIBLE_FORMATS),
        "matplotlib": (dict(mpl.rcParams), mpl.get_backend()),
        "process": (os.getcwd(), locale.setlocale(locale.LC_ALL), sys.getrecursionlimit(),
                    sys.stdin, sys.stdout, sys.stderr, sys.excepthook, sys.unraisablehook,
                    threading.excepthook, sys.getswitchinterval(), _umask()),
        "threads": {thread.name for thread in threading.enumerate() if not thread.daemon},
    }  # fmt: skip


def _umask():
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def objective():
    recipe = RECIPES["gatys2015"].replace(style_layers=LAYERS, content_layers=LAYERS[:1])
    return stylelib.Objective(stylelib.VGG(LAYERS, weights="random"), recipe, *PAIR)


def stepped():
    x = tf.Variable(preprocess(CONTENT))
    return stylelib.train_step(objective(), x, keras.optimizers.Adam(1.0))


def filmed(folder):
    film = stylelib.Film(folder / "run.gif", 2)
    stylelib.transfer(*PAIR, callback=film, **SMALL)
    film.write()


def swept(folder):
    stylelib.sweep(*PAIR, {"seed": [1, 2]}, folder / "sweep", progress=False, **SMALL)
    return stylelib.load_sweep(folder / "sweep")


def refused(source):
    with pytest.raises(ValueError, match="cannot read"):
        stylelib.load_image(source)


def refused_recipe():
    with pytest.raises(ValueError, match="expected recipe"):
        stylelib.transfer(*PAIR, recipe="none")


CALLS = {
    "load_image": lambda folder: [stylelib.load_image(data) for data in corpus().values()],
    "load_image of odd files": lambda folder: [
        stylelib.load_image(png_with(chunk(b"zTXt", b"key\0\0" + LONG))),
        stylelib.load_image(tiff(Page((4, 3), 9, {254: 1}, within=[Page((9, 9), 9)]))),
        refused(b"nothing"),
        refused(b"II*\0" + bytes(40)),
    ],
    "save_image": lambda folder: [
        stylelib.save_image(folder / f"a{ending}", CONTENT) for ending in (".png", ".jpg", ".webp")
    ],
    "preprocess": lambda folder: stylelib.deprocess(preprocess(CONTENT)),
    "noise_image": lambda folder: stylelib.noise_image((4, 4), seed=3),
    "VGG": lambda folder: stylelib.VGG(LAYERS, precision="auto")(preprocess(CONTENT)),
    "VGG in float16": lambda folder: stylelib.VGG(LAYERS, precision="float16", weights="random"),
    "load_weights": lambda folder: stylelib.load_weights("vgg19", "random"),
    "losses": lambda folder: stylelib.gram_matrix(tf.ones((1, 4, 4, 2))),
    "train_step": lambda folder: stepped(),
    "minimize": lambda folder: [
        stylelib.minimize(objective(), preprocess(CONTENT), optimizer, steps=2)
        for optimizer in ("lbfgs", "adam")
    ],
    "transfer": lambda folder: stylelib.transfer(*PAIR, **SMALL),
    "transfer that is kept": lambda folder: stylelib.transfer(
        *PAIR, folder=folder / "run", save_every=1, **SMALL
    ),
    "transfer that is refused": lambda folder: refused_recipe(),
    "reconstruct_content": lambda folder: stylelib.reconstruct_content(CONTENT, "conv1_1", **SMALL),
    "reconstruct_style": lambda folder: stylelib.reconstruct_style(STYLE, LAYERS, **SMALL),
    "Film": filmed,
    "sweep": swept,
    "versions": lambda folder: stylelib.versions(),
}


@pytest.fixture(scope="module", autouse=True)
def imported():
    """Import all that is imported at first use: other libraries change some of this as they are."""
    for module in ("imageio.v3", "pandas", "scipy.optimize"):
        importlib.import_module(module)
    formats._readers()
    for name in stylelib.__all__:
        getattr(stylelib, name)
    stylelib.transfer(*PAIR, **SMALL)


SLOW_CALLS = {"Film", "sweep", "transfer that is kept"}


@pytest.mark.parametrize("name", slow.params(CALLS, lambda name: name in SLOW_CALLS))
def test_a_call_changes_nothing_of_the_process(name, tmp_path):
    before = snapshot()
    CALLS[name](tmp_path)
    after = snapshot()
    for part, value in before.items():
        assert after[part] == value, part


def test_nor_do_many_at_once():
    files = [data for name, data in corpus().items() if not name.startswith("TIFF F")]
    before, errors = snapshot(), []

    def load():
        try:
            for data in files * 3:
                stylelib.load_image(data)
            for data in (b"", b"II*\0" + bytes(40), files[0][:60]) * 20:
                refused(data)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert snapshot() == before
    assert formats.silence_decoders.users == 0


def test_what_libtiff_does_with_messages_is_put_back():
    handler = formats.silence_decoders._set(None)
    try:
        if handler is None:
            pytest.skip("libtiff cannot be reached in this Pillow")
    finally:
        formats.silence_decoders._set(handler)
    with formats.silence_decoders, formats.silence_decoders:
        assert formats.silence_decoders._set(None) is None
    assert formats.silence_decoders._set(handler) == handler

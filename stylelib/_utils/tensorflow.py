"""The one place that imports TensorFlow and Keras, and keeps them from talking about themselves.

``TF_CPP_MIN_LOG_LEVEL`` silences most of TensorFlow's lines, but newer versions write some before
they read it, straight to file descriptor 2. Set the variable to ``0`` to see everything.
"""

import contextlib
import os

import numpy as np
import scipy

import stylelib
from stylelib._utils.process import sigint_handler


@contextlib.contextmanager
def _no_stderr():
    saved = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


# Goes before Keras' configuration file, where a reader may have named another backend.
if os.environ.setdefault("KERAS_BACKEND", "tensorflow") != "tensorflow":
    raise ImportError(
        "stylelib needs Keras on TensorFlow: set KERAS_BACKEND to 'tensorflow', or remove it, "
        f"before Python starts; it is {os.environ['KERAS_BACKEND']!r}"
    )


# Modules in C turn Ctrl-C into other errors, or lose it, so it is held back.
_pressed = []
_level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with (
    sigint_handler(lambda *_: _pressed.append(True)),
    _no_stderr() if _level == "3" else contextlib.nullcontext(),
):
    import keras
    import tensorflow as tf
if _pressed:
    raise KeyboardInterrupt

__all__ = ["keras", "tf", "versions"]


def versions():
    """Versions of what a result depends on.

    Examples
    --------
    >>> sorted(versions())
    ['keras', 'numpy', 'scipy', 'stylelib', 'tensorflow']
    """
    return {module.__name__: module.__version__ for module in (stylelib, tf, keras, np, scipy)}

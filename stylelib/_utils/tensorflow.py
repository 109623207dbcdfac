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


def _open_stderr():
    """Open file descriptor 2 on nothing where it is closed, as by ``2>&-`` or in a service.

    Otherwise the next file that is opened would take its place, and get the lines of TensorFlow.
    """
    try:
        os.fstat(2)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if nowhere != 2:
            os.dup2(nowhere, 2)
            os.close(nowhere)


@contextlib.contextmanager
def _environment(**defaults):
    """Set what is not set, for as long as TensorFlow and Keras read it."""
    missing = {name: value for name, value in defaults.items() if not os.environ.get(name)}
    before = {name: os.environ.get(name) for name in missing}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _check_backend(name):
    if name != "tensorflow":
        raise ImportError(
            "stylelib needs Keras on TensorFlow: set KERAS_BACKEND to 'tensorflow', or remove it, "
            f"before Python starts; it is {name!r}"
        )


_check_backend(os.environ.get("KERAS_BACKEND") or "tensorflow")
_open_stderr()
# Modules in C turn Ctrl-C into other errors, or lose it, so it is held back.
_pressed = []
_silent = (os.environ.get("TF_CPP_MIN_LOG_LEVEL") or "3") == "3"
with (
    sigint_handler(lambda *_: _pressed.append(True)),
    # Goes before Keras' configuration file, where a reader may have named another backend.
    _environment(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3"),
    _no_stderr() if _silent else contextlib.nullcontext(),
):
    import keras
    import tensorflow as tf
if _pressed:
    raise KeyboardInterrupt
_check_backend(keras.backend.backend())  # where Keras was imported before, it has decided already

__all__ = ["keras", "tf", "versions"]


def versions():
    """Versions of what a result depends on.

    Examples
    --------
    >>> sorted(versions())
    ['keras', 'numpy', 'scipy', 'stylelib', 'tensorflow']
    """
    return {module.__name__: module.__version__ for module in (stylelib, tf, keras, np, scipy)}

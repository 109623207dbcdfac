"""The one place that imports TensorFlow and Keras, and silences their log lines.

``TF_CPP_MIN_LOG_LEVEL`` silences most of TensorFlow's lines, but newer versions write some before
they read it, straight to file descriptor 2. Set the variable to ``0`` to see everything. Where it
and ``KERAS_BACKEND`` are not set, they are while the two are imported, and not any more afterwards.
"""

import contextlib
import os
import sys

import numpy as np
import scipy

import stylelib
from stylelib._utils.checks import shown
from stylelib._utils.process import sigint_handler

#: The oldest TensorFlow that brings Keras 3.
OLDEST = (2, 16)


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
def _no_python_stderr():
    """Give modules that take standard error for granted one, where a service has none."""
    if sys.stderr is not None:
        yield
        return
    with open(os.devnull, "w") as sys.stderr:
        try:
            yield
        finally:
            sys.stderr = None


@contextlib.contextmanager
def _environment(**defaults):
    """Set variables that are not set, or are empty, for a while."""
    before = {name: os.environ.get(name) for name in defaults}
    os.environ.update({name: default for name, default in defaults.items() if not before[name]})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def check_tensorflow():
    """Raise a ``ValueError`` where TensorFlow does not compute at once, as all here needs it to.

    That is so after ``tf.compat.v1.disable_eager_execution()``, and within a graph.

    Examples
    --------
    >>> with tf.Graph().as_default():
    ...     check_tensorflow()
    Traceback (most recent call last):
    ...
    ValueError: expected TensorFlow's eager execution, which is off here: remove ...
    """
    if not tf.executing_eagerly():
        raise ValueError(
            "expected TensorFlow's eager execution, which is off here: remove "
            "disable_eager_execution() or disable_v2_behavior(), or call from outside the graph"
        )


def _check_backend(backend):
    if backend != "tensorflow":
        raise ImportError(
            f"stylelib needs Keras on TensorFlow, got Keras on {shown(backend)}: set KERAS_BACKEND "
            "to 'tensorflow', or remove it and the backend in keras.json, before Keras is imported"
        )


if (
    sys.modules.get("keras") is None
):  # importing it would fail where the other backend is not installed
    _check_backend(os.environ.get("KERAS_BACKEND") or "tensorflow")
_open_stderr()
# Modules in C turn Ctrl-C into other errors, or lose it, so it is held back. The backend goes
# before Keras' configuration file, where a reader may have named another one.
_pressed = []
with (
    sigint_handler(lambda *_: _pressed.append(True)),
    _environment(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3"),
    _no_python_stderr(),
    _no_stderr() if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3" else contextlib.nullcontext(),
):
    import keras
    import tensorflow as tf
if _pressed:
    raise KeyboardInterrupt
_check_backend(keras.config.backend())  # whoever imported Keras first chose it
if tuple(int(part) for part in tf.__version__.split(".")[:2]) < OLDEST:
    raise ImportError(f"stylelib needs TensorFlow {OLDEST[0]}.{OLDEST[1]}, got {tf.__version__}")

__all__ = ["check_tensorflow", "keras", "tf", "versions"]


def versions() -> dict[str, str]:
    """Versions of what a result depends on.

    Examples
    --------
    >>> sorted(versions())
    ['keras', 'numpy', 'scipy', 'stylelib', 'tensorflow']
    """
    return {module.__name__: module.__version__ for module in (stylelib, tf, keras, np, scipy)}

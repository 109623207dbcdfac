"""Error messages: one line, with what was expected and what came."""

import contextlib
import difflib
import math
import numbers
import os
import re

import numpy as np

#: What the programs beneath take: 64 bits, and ``float32``.
LARGEST_COUNT = 2**63 - 1
LARGEST_NUMBER = 3.4e38
#: How much of a value a message repeats.
LONGEST = 100
#: How much of another program's error, which can repeat all that it was given.
LONGEST_ERROR = 400
#: The user and the password in an address, which a path of one has with a single slash.
_USER = re.compile(r"(\w{2}:/+)[^/?#\s]*@")
#: What colours a terminal.
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def shown(value):
    """Say in one line of at most 100 characters what came.

    Parameters
    ----------
    value : object
        Text that is to stand without quotes goes through `shortened`.

    Examples
    --------
    >>> shown("avrage"), len(shown("x" * 2_000_000))
    ("'avrage'", 100)
    """
    if isinstance(value, np.generic):
        value = value.item()  # 1.0, not np.float64(1.0)
    elif isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    if isinstance(value, str):
        value = without_user(value)
    if isinstance(value, (str, bytes)) and len(value) > 2 * LONGEST:
        value = value[:LONGEST] + value[-LONGEST:]
    try:
        return shortened(repr(value))
    except Exception:  # a number of thousands of digits, or a class of the user's
        return f"a {type(value).__name__}"


def shortened(text, most=LONGEST):
    r"""Put text, or a path, into one line of at most 100 characters, of its beginning and its end.

    What a terminal would obey instead of showing it, and the zero byte, become escapes. The user
    and the password of an address are left out, since messages end up in logs.

    Examples
    --------
    >>> shortened(" two  lines "), len(shortened("word " * 100)), shortened("\x1b[2J")
    ('two lines', 100, '\\x1b[2J')
    >>> shortened("https://me:secret@example.org/a.png")
    'https://…@example.org/a.png'
    """
    text = _halves(without_user(" ".join(str(text).split())), most)
    if text.isprintable():
        return text
    return _halves("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text), most)


def without_user(address):
    """Leave the user and the password out of an address.

    Examples
    --------
    >>> without_user("https://me:secret@example.org/a.png"), without_user("me@home.png")
    ('https://…@example.org/a.png', 'me@home.png')
    """
    return _USER.sub(r"\1…@", address)


def _halves(text, most):
    half = most // 2
    return text if len(text) <= most else f"{text[: half - 1]}…{text[-half:]}"


def plain(value):
    """Turn numbers and text of NumPy, and paths, into Python's own, also within other values.

    Parameters
    ----------
    value : object
        Of lists, tuples and dicts what they hold is turned. An array of no or of one dimension
        becomes a number or a list. Anything else stays as it is.

    Examples
    --------
    >>> from pathlib import Path
    >>> plain({"steps": np.int64(2), "weights": Path("a.npz"), "size": (np.uint8(3), 4)})
    {'steps': 2, 'weights': 'a.npz', 'size': (3, 4)}
    """
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(map(plain, value)) if isinstance(value, tuple) else list(map(plain, value))
    if hasattr(value, "__array__") and np.ndim(value) <= 1:  # of NumPy, TensorFlow, pandas, …
        value = np.asarray(value).tolist()
        return plain(value) if isinstance(value, list) else _plain(value)
    return _plain(value)


def _plain(value):
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return value
    with contextlib.suppress(OverflowError):  # a fraction too large for a float stays one
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    return value


def listed(value):
    """A list of several values, of which there may be one alone.

    Examples
    --------
    >>> listed("a"), listed(("a", "b"))
    (['a'], ['a', 'b'])
    """
    return list(value) if isinstance(value, (list, tuple)) else [value]


def check_choice(what, value, choices):
    """Raise a ``ValueError`` that lists the choices, and the closest one, if `value` is not one.

    Examples
    --------
    >>> check_choice("pooling", "avrage", ["max", "average"])
    Traceback (most recent call last):
    ...
    ValueError: expected pooling max or average, got 'avrage'; did you mean 'average'?
    """
    choices = list(choices)
    if isinstance(value, str) and value in choices:
        return
    wanted = value[:LONGEST].lower() if isinstance(value, str) else ""
    close = difflib.get_close_matches(wanted, choices, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    listed = " or ".join([", ".join(choices[:-1])] * (len(choices) > 1) + choices[-1:])
    raise ValueError(f"expected {what} {listed}, got {shown(value)}{hint}")


def check_number(what, value, positive=False):
    """Raise a ``ValueError`` if `value` is no number from 0, or above 0, to 3.4e38.

    Examples
    --------
    >>> check_number("style_weight", -1)
    Traceback (most recent call last):
    ...
    ValueError: expected style_weight as a number of at least 0, got -1
    """
    try:
        finite = _is_number(value, numbers.Real) and math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        finite = False
    if not finite or value < 0 or (positive and value == 0):
        range_ = "above 0" if positive else "of at least 0"
        raise ValueError(f"expected {what} as a number {range_}, got {shown(value)}")
    if value > LARGEST_NUMBER:
        raise ValueError(
            f"expected {what} as a number of at most {LARGEST_NUMBER}, got {shown(value)}"
        )


def check_flag(what, value):
    """Raise a ``ValueError`` if `value` is not True or False.

    Examples
    --------
    >>> check_flag("resume", "no")
    Traceback (most recent call last):
    ...
    ValueError: expected resume True or False, got 'no'
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"expected {what} True or False, got {shown(value)}")


def check_count(what, value, minimum=1):
    """Raise a ``ValueError`` if `value` is no whole number from `minimum` to 2⁶³ − 1.

    Examples
    --------
    >>> check_count("steps", 1.5)
    Traceback (most recent call last):
    ...
    ValueError: expected steps as a whole number of at least 1, got 1.5
    """
    if not _is_number(value, numbers.Integral) or value < minimum:
        raise ValueError(
            f"expected {what} as a whole number of at least {minimum}, got {shown(value)}"
        )
    if value > LARGEST_COUNT:
        raise ValueError(
            f"expected {what} as a whole number of at most {LARGEST_COUNT}, got {shown(value)}"
        )


def optional(check):
    """Make a check that lets ``None`` pass.

    Examples
    --------
    >>> optional(check_count)("restart_every", None)
    """

    def check_if_given(what, value):
        if value is not None:
            check(what, value)

    return check_if_given


def check_all(settings, checks):
    """Check attributes of an object, each by the function that the table `checks` names for it.

    Examples
    --------
    >>> check_all(range(0, 10, 2), {"step": check_count})
    """
    for name, check in checks.items():
        check(name, getattr(settings, name))


def one_line(error):
    """Put an exception into one line of at most 400 characters.

    Examples
    --------
    >>> one_line(OSError(28, "No space left on device"))
    'No space left on device'
    """
    try:
        text = getattr(error, "strerror", None) or getattr(error, "reason", None) or error
        text = str(text)
    except Exception:  # of the error's own making
        text = ""
    return shortened(_ESCAPES.sub("", text), LONGEST_ERROR) or type(error).__name__


def _is_number(value, kind):
    return isinstance(value, kind) and not isinstance(value, bool)

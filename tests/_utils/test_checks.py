"""What a message repeats of a value: one line, and never more than 100 characters."""

import sys
from pathlib import Path

import numpy as np
import pytest

from stylelib._utils.checks import (
    check_choice,
    check_count,
    check_flag,
    check_number,
    one_line,
    shortened,
    shown,
)
from stylelib.images.sources import name_of


class Unspeakable:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", r"'a\nb'"),
        (np.float64(1.5), "1.5"),
        (np.int64(3), "3"),
        (np.str_("max"), "'max'"),
        (np.array(2), "array(2)"),
        (np.zeros((4, 5)), "an array of shape (4, 5)"),
        (Unspeakable(), "a Unspeakable"),
        ("", "''"),
    ],
)
def test_a_value_in_words(value, text):
    assert shown(value) == text


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="any number has a text")
def test_a_number_that_python_writes_no_more():
    assert shown(10**5000) == "a int"


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\0b", "\x07" * 300, "\udcff.png", "\u202egnp"])
def test_no_text_commands_the_terminal(text):
    assert shortened(text).isprintable()
    assert len(shortened(text)) <= 100


SECRET = "https://me:" + "secret" * 50 + "@pass@example.org/a.png"


@pytest.mark.parametrize("value", [SECRET, np.str_(SECRET), [SECRET], Path(SECRET)], ids=range(4))
@pytest.mark.parametrize("say", [shown, shortened, name_of])
def test_no_message_repeats_a_password(say, value):
    assert "secret" not in say(value)
    assert "pass@" not in say(value)


LONG = ["x" * 10**6, ["x" * 99] * 99, b"x" * 10**6, {1: "\n" * 200}]


@pytest.mark.parametrize("value", LONG, ids=range(4))
def test_long_values_are_cut(value):
    assert len(shown(value)) == 100
    assert "…" in shown(value)


@pytest.mark.parametrize(
    "value", ["x" * 10**6, list(range(1000)), -(10**5000), Unspeakable()], ids=range(4)
)
@pytest.mark.parametrize("check", [check_number, check_count, check_flag])
def test_every_check_is_short(check, value):
    with pytest.raises(ValueError) as error:
        check("size", value)
    assert len(str(error.value)) < 180


def test_a_count_that_is_too_large_is_told():
    with pytest.raises(ValueError, match=f"at most {2**63 - 1}, got {2**63}$"):
        check_count("steps", 2**63)


def test_capitals_do_not_hide_the_nearest_choice():
    with pytest.raises(ValueError, match="got 'MAX'; did you mean 'max'"):
        check_choice("pooling", "MAX", ["max", "average"])


def test_the_nearest_choice_is_looked_for_in_a_short_text():
    with pytest.raises(ValueError) as error:
        check_choice("pooling", "x" * 10**7, ["max", "average"])
    assert len(str(error.value)) < 180


class Silent(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("x" * 10**6), f"{'x' * 199}…{'x' * 200}"),
        (OSError("gone", 404), "404"),
        (Silent(), "Silent"),
        (OSError(28, "full\nup"), "full up"),
    ],
)
def test_any_error_becomes_one_line(error, text):
    assert one_line(error) == text


def test_flags_of_numpy_are_flags():
    check_flag("resume", np.bool_(False))

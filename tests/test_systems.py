"""What ``make systems`` has painted and stored is what the code asks for."""

import re

import pytest

from benchmarks.systems import NAMES, OURS, PICTURES, RESULTS, SIZE, call_of
from stylelib.images.load import load_image
from stylelib.vgg.weights import DATA
from tools.figures import is_painted

ALL = [*NAMES, OURS]


@pytest.mark.parametrize("name", ALL)
def test_a_stored_picture_was_painted_by_the_call_in_the_code(name):
    picture = PICTURES / f"{name}.jpg"
    assert is_painted(picture, call := call_of(name))
    assert max(load_image(picture).shape) == call["size"] >= SIZE
    assert DATA.as_posix() not in picture.with_suffix(".json").read_text(encoding="utf-8")


def test_nothing_else_is_stored():
    files = {f"{name}.{ending}" for name in ALL for ending in ("jpg", "json")}
    assert {path.name for path in PICTURES.iterdir()} == files


def test_the_table_has_a_row_for_each():
    rows = re.findall(r"^\| `(\w+)` \|", RESULTS.read_text(encoding="utf-8"), re.M)
    assert rows == ALL

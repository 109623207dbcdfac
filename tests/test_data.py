"""What data/README.md says of the files is what the files are."""

import hashlib
import re
from pathlib import Path

import pytest

from stylelib import sweep
from stylelib.images.load import load_image
from stylelib.sweeps.plan_file import read_plan
from stylelib.vgg.weights import DATA, EMBEDDED, EMBEDDED_SHA256, load_weights

README = (DATA / "README.md").read_text(encoding="utf-8")
PLANS = sorted((DATA / "sweeps").glob("*.toml"))
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in README.splitlines()
    if re.match(r"\| `(images|results|weights)/", line)
]


def test_every_file_is_in_the_table_and_every_row_is_a_file():
    files = {p.relative_to(DATA).as_posix() for p in DATA.rglob("*") if p.is_file()}
    # The README describes these folders as a whole; every picture has a JSON file beside it.
    folders = ("sweeps/", "results/figures/", "results/systems/")
    files = {name for name in files if not name.startswith(folders)}
    assert {row[0].strip("`") for row in ROWS} == files - {"README.md"}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_every_trial_of_a_sweep_is_there_and_nothing_else(path, monkeypatch):
    monkeypatch.setattr("stylelib.sweeps.sweep._compute", pytest.fail)  # none is painted again
    plan = read_plan(path)
    table = sweep(**plan, progress=False)
    assert table["error"].isna().all()
    pictures = [Path(picture) for picture in table["picture"]]
    files = {file for picture in pictures for file in (picture, picture.with_suffix(".json"))}
    assert set(Path(plan["folder"]).iterdir()) == files
    for run in table.itertuples():
        height, width, _ = load_image(run.picture).shape
        size = run.settings["recipe"]["size"]
        assert size in (max(height, width), [height, width])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_is_complete_and_its_hash_is_right(row):
    name, *facts, sha256 = row
    assert len(facts) == 4
    assert all(facts)
    data = (DATA / name.strip("`")).read_bytes()
    assert hashlib.sha256(data).hexdigest() == sha256.strip("`")


def test_the_library_expects_the_hash_in_the_table():
    hashes = {row[0].strip("`"): row[-1].strip("`") for row in ROWS}
    assert hashes[EMBEDDED.relative_to(DATA).as_posix()] == EMBEDDED_SHA256


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "weights/" not in row[0]], ids=lambda row: row[0]
)
def test_every_picture_loads(row):
    assert min(load_image(DATA / row[0].strip("`")).shape[:2]) >= 256


def test_the_weights_are_the_authors():
    weights = load_weights()
    rows = re.findall(r"^\| (block\d_conv\d)[^|]*\| ([-\d.]+) \| ([-\d.]+) \|$", README, re.M)
    assert len(rows) == 13
    for layer, first_kernel, first_bias in rows:
        kernel, bias = weights[layer]
        red = 2 if layer == "block1_conv1" else 0
        assert kernel[0, 0, red, 0] == pytest.approx(float(first_kernel), rel=1e-3)
        assert bias[0] == pytest.approx(float(first_bias), rel=1e-3)
    assert sum(kernel.size + bias.size for kernel, bias in weights.values()) == 14_714_688

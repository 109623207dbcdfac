"""Pages are there to be read while later notebooks still run; nothing of the series is left out."""

import re
import subprocess
from pathlib import Path

import nbformat
import pytest

from tools import build

ROOT = Path(__file__).parent.parent


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """Two chapters and a solution, in a folder of their own."""
    monkeypatch.setattr(build, "NOTEBOOKS", tmp_path)
    found = {}
    for name in ("00_a", "01_b", "solutions/00_a"):
        cells = [nbformat.v4.new_markdown_cell(f"# {name}"), nbformat.v4.new_code_cell("1")]
        found[tmp_path / f"{name}.ipynb"] = nbformat.v4.new_notebook(cells=cells)
    return found


def until(error, notebooks):
    """Like `executed`, but it ends after the first notebook."""
    yield next(iter(notebooks.items()))
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_has_run_stays_readable_whatever_comes_after_it(error, notebooks, tmp_path):
    folder = tmp_path / "build"
    pages = build.write_pages(folder, notebooks, until(error, notebooks))
    assert next(pages) == folder / "00_a.html"
    with pytest.raises(error):
        next(pages)
    assert "<h1" in (folder / "00_a.html").read_text(encoding="utf-8")
    first, second = (folder / "index.html").read_text(encoding="utf-8").split("<article>")[1:]
    assert '<a href="00_a.html">read</a>' in first
    assert "not run yet" not in first
    assert "not run yet" in second
    assert "href" not in second
    assert not (folder / "01_b.html").exists()


def test_the_index_is_complete_in_the_end(notebooks, tmp_path):
    folder = tmp_path / "build"
    pages = list(build.write_pages(folder, notebooks, notebooks.items()))
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert "not run yet" not in index
    links = re.findall(r'href="([^"]+)"', index)
    assert {folder / link for link in links} == set(pages)


def test_no_notebook_is_left_out_of_the_pages_or_of_make_test():
    folder = ROOT / "notebooks"
    everything = {path for path in folder.rglob("*.ipynb") if not path.parent.name.startswith(".")}
    assert everything
    assert set(build.series()) == everything
    done = subprocess.run(
        ["make", "--dry-run", "test"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert re.search(r"-m pytest .*--nbval .*\bnotebooks$", done.stdout, re.M)


def test_what_outputs_depend_on_is_found_in_every_folder_of_the_library():
    modules = set((ROOT / "stylelib").rglob("*.py"))
    assert modules <= set(build.SOURCES)

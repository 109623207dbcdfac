"""`make badges`: what it stamps is fetched and run as Colab would, and can be taken out again."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools import badges, remote

ROOT = Path(__file__).parent.parent
FORK = "https://github.com/you/fork"
NOTEBOOKS = [path.relative_to(ROOT) for path in sorted((ROOT / "notebooks").rglob("*.ipynb"))]
# Runs setup cells, in one fresh folder for chapters and in another for solutions. The first of each
# fetches the series; what comes after meets it there, as a kernel does that was restarted.
COLAB = """
import json, os, sys, types
from IPython.core.interactiveshell import InteractiveShell

sys.modules["google.colab"] = types.ModuleType("google.colab")
shell = InteractiveShell.instance()
folder, cells = os.getcwd(), json.load(open("cells.json"))
for name, source in cells.items():
    fresh = os.path.join(folder, os.path.dirname(name))
    os.makedirs(fresh, exist_ok=True)
    os.chdir(fresh)
    path = sys.path[:]
    result = shell.run_cell(source)
    print(name, os.path.relpath(os.getcwd(), fresh), repr(result.error_in_exec))
    sys.path[:] = path
"""


def git(folder, *arguments):
    name = [
        "-c",
        "user.name=n",
        "-c",
        "user.email=e",
        "-c",
        "gc.auto=0",
        "-c",
        "commit.gpgsign=false",
    ]
    subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path):
    """A copy of all files that are not ignored, as a clone of a fork with a branch of its own."""
    (tmp_path / "list").mkdir()
    git(tmp_path / "list", "init", "-q")  # what was unpacked from an archive is no repository
    here = ["git", "--git-dir", str(tmp_path / "list" / ".git"), "--work-tree", str(ROOT)]
    listed = [*here, "ls-files", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folder = tmp_path / "clone"
    for name in names.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    git(folder, "init", "-q", "-b", "course")
    git(folder, "remote", "add", "origin", "git@github.com:you/fork.git")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "copy")
    return folder


@pytest.mark.parametrize(
    "address",
    [
        FORK,
        f"{FORK}.git",
        f"{FORK}/",
        "git@github.com:you/fork.git",
        "ssh://git@github.com/you/fork",
    ],
)
def test_an_address_is_understood_as_git_writes_it(address, tmp_path):
    assert remote.published(address, tmp_path).address == FORK


@pytest.mark.parametrize("address", ["fork", "https://example.com/a/b", "https://github.com/a"])
def test_another_address_is_refused(address):
    with pytest.raises(SystemExit, match=f"expected REPOSITORY={FORK}, got '{address}'"):
        badges.main(address)


def test_a_clone_without_a_remote_needs_an_address(tmp_path):
    git(tmp_path, "init", "-q")
    with pytest.raises(SystemExit, match="got none, and the clone has no remote there"):
        badges.main("", tmp_path)


def test_there_is_a_place_for_the_badge_in_every_chapter():
    for path in NOTEBOOKS:
        first = nbformat.read(ROOT / path, 4).cells[0].source
        assert (badges.PLACE in first) == (path.parent.name == "notebooks")


@pytest.mark.slow
def test_what_is_stamped_passes_lint_and_can_be_taken_out(clone, pytestconfig):
    files = [clone / "README.md", clone / "pyproject.toml", *(clone / path for path in NOTEBOOKS)]
    before = {path: path.read_bytes() for path in files}
    for _ in range(2):  # the second time replaces the first
        badges.main("", clone)
    for path in NOTEBOOKS:
        text = (clone / path).read_text(encoding="utf-8")
        assert text.count("colab-badge.svg") == 1
        assert f"/github/you/fork/blob/course/{path.as_posix()})" in text
        assert f'REPOSITORY = \\"{FORK} -b course\\"' in text
    readme = files[0].read_text(encoding="utf-8")
    assert f'\nRepository = "{FORK}"\n' in files[1].read_text(encoding="utf-8")
    chapters = [path for path in NOTEBOOKS if path.parent.name == "notebooks"]
    assert readme.count("colab-badge.svg") == len(re.findall(r"\(notebooks/\w+\.ipynb\)", readme))
    assert all(f"/blob/course/{path.as_posix()})" in readme for path in chapters)
    for command in (["ruff", "check"], ["ruff", "format", "--check"]):
        subprocess.run([sys.executable, "-m", *command, "--no-cache", "."], cwd=clone, check=True)
    tests = ["pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", "tests/test_notebooks.py"]
    # `make test-matrix` lets old packages call what newer ones deprecate.
    tests += [f"-W{warning}" for warning in pytestconfig.getoption("pythonwarnings") or ()]
    done = subprocess.run([sys.executable, "-m", *tests], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    badges.main("none", clone)
    # Names alone: under CI=true pytest looks for the differences of megabytes without end.
    assert [path.name for path in files if path.read_bytes() != before[path]] == []


def run_setup_cells(folder, cells, github):
    """Run cells in a process of its own, for which `github` is where the fork lies."""
    folder.mkdir()
    (folder / "cells.json").write_text(json.dumps(cells), encoding="utf-8")
    settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{github}.insteadOf"}
    settings |= {"GIT_CONFIG_VALUE_0": FORK, "IPYTHONDIR": str(folder), "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", COLAB],
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return re.findall(r"^(notebooks\S+) (\S+) (.+)$", done.stdout, re.M)


def setup_cells(folder):
    notebooks = {path.as_posix(): nbformat.read(folder / path, 4) for path in NOTEBOOKS}
    return {
        name: next(cell.source for cell in notebook.cells if cell.cell_type == "code")
        for name, notebook in notebooks.items()
    }


@pytest.mark.slow
def test_in_colab_every_notebook_fetches_what_it_needs_once(clone, tmp_path):
    badges.main("", clone)
    git(clone, "commit", "-qam", "stamped")
    for name in ("allowFilter", "allowAnySHA1InWant"):  # as GitHub has it
        git(clone, "config", f"uploadpack.{name}", "true")
    cells = setup_cells(clone)
    shown = run_setup_cells(tmp_path / "colab", cells, clone.as_uri())
    assert shown == [(name, f"series/{Path(name).parent.as_posix()}", "None") for name in cells]
    fetched = tmp_path / "colab" / "notebooks" / "series"
    assert not list(fetched.glob("notebooks/*.ipynb"))
    packed = sum(path.stat().st_size for path in (fetched / ".git").rglob("*.pack"))
    print(f"fetched: {packed / 1e6:.0f} MB")
    assert (fetched / "data" / "images").is_dir()


@pytest.mark.slow
@pytest.mark.parametrize("stamped", [False, True])
def test_unstamped_or_offline_one_line_says_what_to_do(stamped, clone, tmp_path):
    if stamped:
        badges.main("", clone)
    name, cell = next(iter(setup_cells(clone).items()))
    shown = run_setup_cells(tmp_path / "colab", {name: cell}, (tmp_path / "nowhere").as_uri())
    stop = "SystemExit('fetch failed: go online, or run `make badges`')"
    assert shown == [(name, ".", stop)]

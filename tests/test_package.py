"""The package as others meet it: imported, installed, in another surrounding."""

import os
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import stylelib
from stylelib.sweeps.plan_file import tomllib
from stylelib.vgg.weights import DATA, EMBEDDED

ROOT = Path(__file__).parent.parent


def python(code, **environment):
    return subprocess.run(
        # Of what is deprecated, `import` at the head of the other tests tells.
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


@pytest.mark.slow
def test_importing_everything_prints_nothing():
    # A surrounding without our own setting, which this process has made and would hand on.
    code = "import os; del os.environ['TF_CPP_MIN_LOG_LEVEL']; from stylelib import *; VGG"
    done = python(code, TF_CPP_MIN_LOG_LEVEL="3")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_another_keras_backend_is_named_before_anything_is_imported(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ImportError, match="stylelib needs Keras on TensorFlow: .* it is 'numpy'"):
        runpy.run_path(ROOT / "stylelib" / "_utils" / "tensorflow.py")


@pytest.mark.slow
def test_another_keras_backend_is_one_clear_error():
    done = python("import stylelib; stylelib.VGG", KERAS_BACKEND="numpy")
    assert done.returncode == 1
    assert "stylelib needs Keras on TensorFlow" in done.stderr.splitlines()[-1]


def test_every_public_name_is_there():
    for name in stylelib.__all__:
        assert getattr(stylelib, name) is not None
    assert set(stylelib.__all__) <= set(dir(stylelib))
    with pytest.raises(AttributeError, match="no attribute 'transform'"):
        _ = stylelib.transform


def test_every_package_and_every_file_of_data_is_listed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["tool"]["setuptools"]
    rooms = {path.parent for path in (ROOT / "stylelib").rglob("__init__.py")}
    names = {".".join(room.relative_to(ROOT).parts) for room in rooms}
    assert {*listed["packages"]} == names | {"stylelib.data"}
    patterns = listed["package-data"]["stylelib.data"]
    carried = {path for pattern in patterns for path in DATA.glob(pattern)}
    assert {EMBEDDED, DATA / "README.md", *(DATA / "images").iterdir()} <= carried


@pytest.mark.slow
def test_a_wheel_carries_weights_pictures_and_their_licences(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
         "--no-index", "-w", tmp_path, ROOT],
        check=True,
    )  # fmt: skip
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
        assert "stylelib/data/README.md" in names
        assert "stylelib/data/images/chelsea.jpg" in names
        assert "stylelib/data/images/brick.png" in names
        assert wheel.read(f"stylelib/data/weights/{EMBEDDED.name}") == EMBEDDED.read_bytes()
        wheel.extractall(tmp_path / "site")
    code = (
        "from stylelib.vgg.weights import EMBEDDED, load_weights; load_weights(); print(EMBEDDED)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "site",
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path / "site") in done.stdout

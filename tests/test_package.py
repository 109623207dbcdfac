"""The package as others meet it: imported, installed, in another surrounding."""

import ast
import dataclasses
import inspect
import os
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import stylelib
from stylelib import VGG, deprocess, preprocess
from stylelib._utils.tensorflow import tf
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


PAINT = (
    "from stylelib import noise_image as n, transfer; "
    "print(transfer(n((40, 60)), n((40, 60)), size=32, steps=2, weights='random').evaluations)"
)


@pytest.mark.slow
def test_importing_everything_prints_nothing():
    # The environment is as it was afterwards, and yet TensorFlow stays silent.
    settings = "[n for n in ('KERAS_BACKEND', 'TF_CPP_MIN_LOG_LEVEL') if n in os.environ]"
    done = python(f"from stylelib import *; VGG; {PAINT}; import os; print({settings})")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n[]\n", "")


def test_another_keras_backend_is_named_before_anything_is_imported(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(
        ImportError, match="stylelib needs Keras on TensorFlow, got Keras on 'numpy'"
    ):
        runpy.run_path(ROOT / "stylelib" / "_utils" / "tensorflow.py")


@pytest.mark.slow
def test_another_keras_backend_is_one_clear_error():
    done = python("import stylelib; stylelib.VGG", KERAS_BACKEND="numpy")
    assert done.returncode == 1
    assert "stylelib needs Keras on TensorFlow" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_what_keras_runs_on_counts_and_not_what_the_environment_says(tmp_path):
    (tmp_path / "keras.json").write_text(
        '{"backend": "jax", "image_data_format": "channels_first"}'
    )
    done = python(PAINT, KERAS_BACKEND="", KERAS_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "2\n")  # an empty variable is none
    code = (
        "import sys, types, os; config = types.SimpleNamespace(backend=lambda: 'numpy'); "
        "sys.modules['keras'] = types.SimpleNamespace(config=config); import stylelib.training"
    )
    done = python(code, KERAS_BACKEND="tensorflow")  # set after Keras was imported
    assert "needs Keras on TensorFlow, got Keras on 'numpy'" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_without_eager_execution_there_is_one_line():
    done = python(f"import tensorflow as tf; tf.compat.v1.disable_eager_execution(); {PAINT}")
    expected = "ValueError: expected TensorFlow's eager execution, which is off here: remove"
    assert done.stderr.splitlines()[-1].startswith(expected)


@pytest.mark.parametrize("call", [preprocess, deprocess, lambda x: VGG(["conv1_1"])])
def test_nor_is_there_more_within_a_graph(call):
    with tf.Graph().as_default(), pytest.raises(ValueError, match="eager execution, which is off"):
        call(np.zeros((1, 4, 4, 3), np.float32))


@pytest.mark.slow
def test_an_old_tensorflow_is_one_line():
    code = "import tensorflow as tf; tf.__version__ = '2.15.1'; import stylelib.training"
    done = python(code)
    assert done.stderr.splitlines()[-1] == "ImportError: stylelib needs TensorFlow 2.16, got 2.15.1"


def test_every_public_name_is_there():
    for name in stylelib.__all__:
        assert getattr(stylelib, name) is not None
    assert set(stylelib.__all__) <= set(dir(stylelib))
    with pytest.raises(AttributeError, match="no attribute 'transform'"):
        _ = stylelib.transform


def test_there_is_one_version_and_a_page_that_an_index_can_show():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {stylelib.__version__}\n" in citation
    page = (ROOT / project["project"]["readme"]).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert links
    assert all(link.startswith("https://") for link in links)


def test_the_stub_names_the_same_places():
    stub = ast.parse((ROOT / "stylelib" / "__init__.pyi").read_text(encoding="utf-8"))
    places = {
        name.asname: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.name == name.asname  # so that it counts as exported
    }
    assert places == {name: f"stylelib.{home}" for name, home in stylelib._HOME.items()}


@pytest.mark.parametrize("name", stylelib.__all__)
def test_every_public_function_has_hints(name):
    public = getattr(stylelib, name)
    functions = [public] if inspect.isfunction(public) else []
    if inspect.isclass(public) and not dataclasses.is_dataclass(public):
        functions = [f for n, f in vars(public).items() if inspect.isfunction(f) and n[0] != "_"]
    for function in functions:
        signature = inspect.signature(function)
        named = [p for p in signature.parameters.values() if p.name != "self"]
        assert all(p.annotation is not p.empty for p in named), function
        assert signature.return_annotation is not signature.empty, function


def test_every_package_and_every_file_of_data_is_listed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["tool"]["setuptools"]
    rooms = {path.parent for path in (ROOT / "stylelib").rglob("__init__.py")}
    names = {".".join(room.relative_to(ROOT).parts) for room in rooms}
    carriers = {"stylelib.data", "stylelib.data.images", "stylelib.data.weights"}
    assert {*listed["packages"]} == names | carriers
    carried = {
        path
        for name in carriers
        for pattern in listed["package-data"][name]
        for path in DATA.joinpath(*name.split(".")[2:]).glob(pattern)
    }
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

import errno
import io
import os
import re
import runpy
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylelib import __version__, api, cli, training
from stylelib.__main__ import main as module_main
from stylelib._utils.tensorflow import tf
from stylelib.images.load import load_image
from stylelib.images.save import save_image
from stylelib.recipes.published import RECIPES
from stylelib.runs import checkpoints
from stylelib.visualization.animation import Film


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, content_image, style_image):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "")  # which the command sets where it is unset
    save_image("content.png", content_image)
    save_image("style.png", style_image)
    return tmp_path


def run(*arguments):
    """Call the command as the shell does; argparse exits, everything else returns."""
    try:
        return cli.main(["transfer", "content.png", "style.png", *arguments])
    except SystemExit as error:
        return error.code


ROOT = Path(cli.__file__).parent.parent
TINY = ["--size", "32", "--steps", "10"]
SMALL = ["--recipe", "gatys2015", *TINY]


def _full_disk(files):
    """In place of os.fsync: so many files do not fit, what comes then does."""
    left = iter(range(files))

    def fsync(descriptor):
        if next(left, None) is not None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fsync


def mode(file):
    with Image.open(file) as picture:
        return picture.mode


class Stream(io.TextIOWrapper):
    """Standard output or error of a shell, of some encoding, and perhaps without a reader."""

    def __init__(self, encoding="ascii", error=None):
        self.error = error
        super().__init__(io.BytesIO(), encoding)

    def write(self, text):
        if self.error:
            raise self.error
        return super().write(text)

    def fileno(self):
        return 1


@pytest.mark.usefixtures("small_network")  # processes of their own, below, paint with VGG
class TestTransfer:
    def test_a_picture_is_written_and_progress_shown(self, folder, capsys):
        assert run("-o", "out.png", *SMALL) == 0
        assert load_image("out.png").shape == (22, 32, 3)
        out, err = capsys.readouterr()
        assert re.fullmatch(r"out\.png: 32 × 22, vgg16 .*, \d+ s, all 10 evaluations done\n", out)
        lines = err.splitlines()
        assert len(lines) == 10
        pattern = r"( \d0|100) %  evaluation \d+ of 10, 32 × 22, loss \d\.\d{3}e\+\d+, "
        pattern += r"\d:\d\d(:\d\d)? left"
        assert all(re.fullmatch(pattern, line.strip(" ").rjust(len(line))) for line in lines), err
        assert sorted(os.listdir(folder)) == ["content.png", "out.png", "style.png"]

    def test_options_reach_the_library(self, monkeypatch):
        seen = {}

        def fake(content, style, recipe, callback, **options):
            seen.update(options)
            raise ValueError("enough")

        monkeypatch.setattr("stylelib.api.transfer", fake)
        assert run(
            "-o", "out.png", "--size", "40", "--steps", "7", "--network", "vgg19", "--weights",
            "w.h5", "--init", "content", "--optimizer", "adam", "--style-scale", "0.5",
            "--content-weight", "2", "--style-weight", "1e4", "--tv-weight", "0.5",
            "--precision", "bfloat16", "--seed", "3", "--as-published",
            "--tile", "512",
        ) == 2  # fmt: skip
        assert seen == {
            "size": 40, "steps": 7, "network": "vgg19", "weights": "w.h5", "init": "content",
            "optimizer": "adam", "style_scale": 0.5, "content_weight": 2.0, "style_weight": 1e4,
            "tv_weight": 0.5, "precision": "bfloat16", "seed": 3, "as_published": True,
            "tile": 512,
        }  # fmt: skip

    def test_an_error_that_nobody_expected_is_one_line_too(self, folder, capsys, monkeypatch):
        def broken(*arguments, **options):
            raise RuntimeError("no more\nof \x1b[31mit\x1b[0m")

        monkeypatch.setattr("stylelib.runs.run.VGG", broken)
        assert run("-o", "out.png", *SMALL) == 1
        expected = "stylelib: RuntimeError: no more of it (--debug shows where)\n"
        assert capsys.readouterr().err == expected
        assert not (folder / "out.png").exists()
        with pytest.raises(RuntimeError):
            run("-o", "out.png", *SMALL, "--debug")
        with pytest.raises(ValueError, match="at least 32"):
            run("-o", "out.png", "--size", "8", "--debug")

    def test_memory_that_runs_out_is_one_line_that_names_tiles(self, capsys, monkeypatch):
        def exhausted(*arguments, **options):
            raise tf.errors.ResourceExhaustedError(None, None, "\x1b[31mOOM\x1b[0m\n" * 99)

        monkeypatch.setattr("stylelib.runs.run.VGG", exhausted)
        assert run("-o", "out.png", *SMALL) == 1
        what = "memory ran out at 32 × 22 pixels; ask for a smaller size, or for tile 512"
        assert capsys.readouterr().err == f"stylelib: MemoryError: {what} (--debug shows where)\n"
        run("-o", "out.png", *SMALL, "--tile", "100")
        assert "or for tile 64 (" in capsys.readouterr().err

    def test_a_gpu_that_is_hidden_has_no_memory(self, capsys, monkeypatch):
        gpu = types.SimpleNamespace(device_type="GPU")
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [gpu])
        monkeypatch.setattr("stylelib.runs.memory.available_memory", lambda: 0)
        assert run("-o", "out.png", *SMALL) == 2
        assert "of free memory for 32 × 22 pixels" in capsys.readouterr().err

    def test_a_film_that_breaks_down_does_not_lose_the_picture(self, capsys, monkeypatch):
        class Broken(Film):
            def __call__(self, *arguments):
                raise RuntimeError("no frame")

        monkeypatch.setattr("stylelib.visualization.animation.Film", Broken)
        assert run("-o", "out.png", *SMALL, "--gif", "run.gif") == 2  # there is nothing to show
        out, _ = capsys.readouterr()
        assert "the callback raised RuntimeError at evaluation 1: no frame" in out
        assert load_image("out.png").shape == (22, 32, 3)

    def test_zero_is_a_number(self, monkeypatch):
        seen = {}

        def fake(*arguments, callback, **options):
            seen.update(options)
            raise ValueError("enough")

        monkeypatch.setattr("stylelib.api.transfer", fake)
        weights = ("--content-weight", "0", "--style-weight", "0", "--tv-weight", "0")
        assert run("-o", "out.png", *weights, "--seed", "0") == 2
        assert seen == {"content_weight": 0, "style_weight": 0, "tv_weight": 0, "seed": 0}

    def test_a_picture_that_cannot_be_written_is_kept_elsewhere(
        self, folder, capsys, monkeypatch, tmp_path_factory
    ):
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
        monkeypatch.setattr("stylelib._utils.files.os.fsync", _full_disk(1))
        assert run("-o", "out.png", *SMALL) == 2
        (kept,) = elsewhere.iterdir()
        assert load_image(kept).shape == (22, 32, 3)
        expected = f"cannot write out.png: No space left on device; the picture is in {kept}"
        assert capsys.readouterr().err.splitlines()[-1] == f"stylelib: {expected}"
        assert sorted(os.listdir(folder)) == ["content.png", "style.png"]

    def test_a_picture_that_its_format_cannot_hold_is_kept_in_another(self, monkeypatch, tmp_path):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        wide = np.full((1, 16384, 3), 7, np.uint8)  # WebP ends at 16383
        with pytest.raises(ValueError, match=r"cannot write out\.webp: .* picture is in .*\.png"):
            cli._save(Path("out.webp"), wide)
        (kept,) = tmp_path.glob("stylelib-*")
        np.testing.assert_array_equal(load_image(kept), wide)

    def test_a_state_that_cannot_be_written_does_not_lose_the_picture(
        self, folder, capsys, monkeypatch
    ):
        monkeypatch.setattr("stylelib._utils.files.os.fsync", _full_disk(1))
        assert run("-o", "out.png", *SMALL, "--save-every", "5") == 1
        reason = "cannot write out.run/state.npz: No space left on device, at evaluation 5"
        assert capsys.readouterr().out.endswith(f" s, {reason}\n")
        assert load_image("out.png").shape == (22, 32, 3)

    def test_where_nothing_can_be_written_the_place_asked_for_is_named(
        self, folder, capsys, monkeypatch
    ):
        monkeypatch.setattr("tempfile.tempdir", str(folder))
        monkeypatch.setattr("stylelib._utils.files.os.fsync", _full_disk(2))
        assert run("-o", "out.png", *SMALL) == 2
        expected = "stylelib: cannot write out.png: No space left on device"
        assert capsys.readouterr().err.splitlines()[-1] == expected
        assert sorted(os.listdir(folder)) == ["content.png", "style.png"]

    def test_a_film_that_cannot_be_written_comes_after_the_picture(
        self, folder, capsys, monkeypatch
    ):
        class Unwritten(Film):
            def write(self):
                (folder / "run.gif").mkdir()
                super().write()

        monkeypatch.setattr("stylelib.visualization.animation.Film", Unwritten)
        assert run("-o", "out.png", *SMALL, "--gif", "run.gif") == 2
        out, err = capsys.readouterr()
        assert out.startswith("out.png: 32 × 22")
        assert err.splitlines()[-1] == "stylelib: cannot write run.gif: Is a directory"
        assert load_image("out.png").shape == (22, 32, 3)

    def test_ctrl_c_keeps_the_best_picture(self, folder, capsys, monkeypatch):
        def interrupt(self, evaluation, losses, x):
            if evaluation == 3:
                raise KeyboardInterrupt

        monkeypatch.setattr(cli.Progress, "__call__", interrupt)
        assert run("-o", "out.png", *SMALL) == 130
        assert "interrupted at evaluation 3" in capsys.readouterr().out
        assert load_image("out.png").shape == (22, 32, 3)

    def test_ctrl_c_before_the_first_evaluation(self, folder, capsys, monkeypatch):
        def interrupt(*arguments, **options):
            raise KeyboardInterrupt

        monkeypatch.setattr("stylelib.runs.run.VGG", interrupt)
        assert run("-o", "out.png", *SMALL) == 130
        assert capsys.readouterr().err == "stylelib: interrupted\n"
        assert not (folder / "out.png").exists()

    def test_a_loss_that_is_no_number_is_status_1(self, capsys, monkeypatch):
        original = training.Objective.losses

        def losses(self, x):
            return {name: loss * np.nan for name, loss in original(self, x).items()}

        monkeypatch.setattr(training.Objective, "losses", losses)
        before = Path("out.png").write_bytes(b"an older picture")
        assert run("-o", "out.png", *SMALL) == 1
        expected = (
            "stylelib: the content and style and tv loss was no finite number at evaluation 1\n"
        )
        assert capsys.readouterr().err == expected
        assert Path("out.png").stat().st_size == before  # nothing was painted

    def test_a_picture_that_is_no_number_is_status_1_and_not_kept(self, capsys):
        strong = ("--style-weight", "1e20", "--optimizer", "adam")
        assert run("-o", "out.png", *SMALL, *strong) == 1
        # Whether the losses show it depends on the processor: some hide NaN in max and ReLU.
        assert "no finite number at evaluation 3" in capsys.readouterr().out
        assert load_image("out.png").shape == (22, 32, 3)

    def test_ctrl_c_during_the_last_save_keeps_the_picture(self, folder, capsys, monkeypatch):
        original = checkpoints.Checkpoints.save

        def save(self, state):
            if state["finished"]:
                raise KeyboardInterrupt
            original(self, state)

        monkeypatch.setattr(checkpoints.Checkpoints, "save", save)
        assert run("-o", "out.png", *SMALL, "--save-every", "5") == 130
        assert load_image("out.png").shape == (22, 32, 3)


@pytest.mark.usefixtures("small_network")
def test_without_anybody_to_tell_a_picture_is_written(folder, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Stream(error=OSError(28, "No space left on device")))
    assert run("-o", "out.png", *SMALL) == 0
    assert load_image("out.png").shape == (22, 32, 3)


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_without_a_place_for_messages_it_runs_all_the_same(closed, folder):
    command = f'"{sys.executable}" -m stylelib transfer content.png style.png -o out.png'
    done = subprocess.run(
        ["sh", "-c", f"{command} {' '.join(SMALL)} {closed}"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert load_image("out.png").shape == (22, 32, 3)


RECONSTRUCT = {
    "reconstruct-content": ["--layer", "conv2_1"],
    "reconstruct-style": ["--layers", "conv1_1, block2_conv1"],
}


class TestStandardStreams:
    def piped(self, command, data):
        return subprocess.run(
            [sys.executable, "-m", "stylelib", *command],
            input=data,
            capture_output=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    @pytest.mark.usefixtures("small_network")
    def test_a_picture_comes_from_a_stream_and_goes_to_one(self, folder, monkeypatch):
        standard_input = types.SimpleNamespace(buffer=io.BytesIO(Path("content.png").read_bytes()))
        monkeypatch.setattr("sys.stdin", standard_input)
        monkeypatch.setattr("sys.stdout", Stream())
        assert cli.main(["transfer", "-", "style.png", "-o", "-", *SMALL]) == 0
        assert load_image(sys.stdout.buffer.getvalue()).shape == (22, 32, 3)

    def test_an_empty_name_behind_an_option_is_one_line(self, folder, capsys):
        assert cli.main(["transfer", "content.png", *SMALL, "", "-o", "out.png"]) == 2
        assert capsys.readouterr().err.startswith("stylelib: ")

    @pytest.mark.usefixtures("small_network")
    def test_it_may_stand_behind_an_option(self, folder, monkeypatch):
        standard_input = types.SimpleNamespace(buffer=io.BytesIO(Path("style.png").read_bytes()))
        monkeypatch.setattr("sys.stdin", standard_input)
        assert cli.main(["transfer", "content.png", *SMALL, "-", "-o", "out.png"]) == 0
        assert load_image("out.png").shape == (22, 32, 3)

    @pytest.mark.slow
    def test_a_picture_comes_from_standard_input_and_goes_to_standard_output(self, folder):
        before = os.listdir(folder)
        done = self.piped(["transfer", "-", "style.png", "-o", "-", *SMALL],
                          Path("content.png").read_bytes())  # fmt: skip
        assert done.returncode == 0
        assert load_image(done.stdout).shape == (22, 32, 3)
        last = done.stderr.decode().splitlines()[-1]
        assert re.fullmatch(r"-: 32 × 22, vgg16 .* all 10 evaluations done", last)
        assert os.listdir(folder) == before

    def test_what_standard_input_holds_is_checked(self, folder, monkeypatch, capsys):
        monkeypatch.setattr("sys.stdin", types.SimpleNamespace(buffer=io.BytesIO(b"words")))
        assert cli.main(["transfer", "content.png", "-", "-o", "out.png", *SMALL]) == 2
        assert "expected a picture, got a damaged file" in capsys.readouterr().err
        monkeypatch.setattr("sys.stdin", None)
        assert cli.main(["transfer", "content.png", "-", "-o", "out.png", *SMALL]) == 2
        assert capsys.readouterr().err == "stylelib: cannot read -: standard input is closed\n"

    def test_a_terminal_takes_no_picture(self, monkeypatch, capsys):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        assert run("-o", "-", *SMALL) == 2
        assert "for -o -, got a terminal" in capsys.readouterr().err

    def test_a_closed_standard_output_takes_no_picture(self, monkeypatch, capsys):
        with open(os.devnull, "w") as nowhere:  # which `main` puts in the place of none
            monkeypatch.setattr("sys.stdout", nowhere)
            assert run("-o", "-", *SMALL) == 2
        assert "as standard output for -o -, got a closed one" in capsys.readouterr().err


@pytest.mark.usefixtures("either_network")
class TestReconstruct:
    @pytest.mark.parametrize("command", RECONSTRUCT)
    def test_a_picture_is_written(self, command, capsys):
        arguments = [command, "content.png", *RECONSTRUCT[command], "-o", "out.png", *TINY]
        assert cli.main(arguments) == 0
        assert load_image("out.png").shape == (22, 32, 3)
        assert capsys.readouterr().out.startswith("out.png: 32 × 22, ")

    def test_options_reach_the_library(self, monkeypatch):
        seen = []

        def fake(image, which, callback, **options):
            seen.append((which, options))
            raise ValueError("enough")

        monkeypatch.setattr("stylelib.api.reconstruct_content", fake)
        monkeypatch.setattr("stylelib.api.reconstruct_style", fake)
        for command, arguments in RECONSTRUCT.items():
            assert cli.main(
                [command, "content.png", *arguments, "-o", "out.png", "--pooling", "max",
                 "--init", "style.png", "--tv-weight", "0.1", "--network", "vgg19"]
            ) == 2  # fmt: skip
        options = {"pooling": "max", "init": "style.png", "tv_weight": 0.1, "network": "vgg19"}
        assert seen == [("conv2_1", options), (["conv1_1", "block2_conv1"], options)]


def test_recipes_are_listed(capsys):
    assert cli.main(["recipes"]) == 0
    title, *rows = capsys.readouterr().out.splitlines()
    assert title.split() == [
        *("RECIPE", "NETWORK", "CONTENT", "STYLE", "WEIGHTS", "α:β:tv", "OPTIMISER", "SOURCE")
    ]
    assert [row.split()[0] for row in rows] == list(RECIPES)
    for word in ("1508.06576", "vgg19 average", "4_2", "1_1 2_1 3_1 4_1 5_1", "lbfgs 500"):
        assert word in rows[1]


@pytest.mark.parametrize("name", RECIPES)
def test_all_settings_of_a_recipe(name, capsys):
    assert cli.main(["recipes", name]) == 0
    out = capsys.readouterr().out
    recipe = RECIPES[name]
    for value in (recipe.source, recipe.network, f"{recipe.content_weight:.4g}", recipe.notes):
        assert value in out


@pytest.mark.usefixtures("small_network")
def test_the_network_that_ran_is_named(folder, capsys):
    assert run("-o", "out.png", *SMALL, "--recipe", "style_over_matter") == 0
    assert ", vgg16, " in capsys.readouterr().out
    assert run("-o", "out.png", *SMALL) == 0
    assert "vgg16 (the recipe's source: vgg19)" in capsys.readouterr().out
    assert run("-o", "out.png", *SMALL, "--network", "recipe", "--weights", "random") == 0
    assert ", vgg19, " in capsys.readouterr().out


@pytest.mark.parametrize("painting", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_doctor(painting, capsys, monkeypatch):
    def quick(*arguments, steps, callback, **options):
        for _ in range(steps):
            callback()
        return types.SimpleNamespace(status="finished")

    if not painting:
        monkeypatch.setattr("stylelib.api.transfer", quick)
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    for pattern in (
        r"python +3\.",
        r"tensorflow +2\.",
        r"device +.*CPU",
        r"weights +VGG16, embedded",
        r"speed +\d+\.\d\d s per evaluation at 256 × 256",
    ):
        assert re.search(pattern, out)


def test_doctor_names_missing_weights(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("stylelib.vgg.weights.EMBEDDED", tmp_path / "gone.npz")
    assert cli.main(["doctor"]) == 2
    assert "git checkout" in capsys.readouterr().err


def test_ctrl_c_in_doctor_is_an_interruption(capsys, monkeypatch):
    def interrupted(*arguments, **options):
        return types.SimpleNamespace(status="interrupted")

    monkeypatch.setattr("stylelib.api.transfer", interrupted)
    assert cli.main(["doctor"]) == 130
    assert capsys.readouterr().err == "stylelib: interrupted\n"


def test_an_old_terminal_gets_what_it_can_show(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Stream("ascii"))
    with pytest.raises(SystemExit) as end:
        cli.main(["transfer", "--help"])
    assert end.value.code == 0
    sys.stdout.flush()
    assert b"--content-weight" in sys.stdout.buffer.getvalue()


def test_a_reader_that_left_is_status_1(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Stream(error=BrokenPipeError()))
    monkeypatch.setattr(cli.os, "dup2", lambda *_: None)  # the test's own output stays open
    assert cli.main(["recipes"]) == 1
    assert capsys.readouterr().err == ""


def test_a_backend_that_cannot_be_imported_is_one_line(monkeypatch, capsys):
    def broken(*arguments, **options):
        raise ImportError("stylelib needs Keras on TensorFlow\nand more")

    monkeypatch.setattr("stylelib.api.transfer", broken)
    assert run("-o", "out.png", *TINY) == 2
    assert capsys.readouterr().err == "stylelib: stylelib needs Keras on TensorFlow and more\n"


@pytest.mark.slow
def test_an_old_terminal_gets_help_all_the_same():
    command = [sys.executable, "-m", "stylelib", "transfer", "--help"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert "--content-weight" in done.stdout


@pytest.mark.slow
def test_another_keras_backend_is_one_line():
    command = [sys.executable, "-m", "stylelib", "doctor"]
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert done.stderr.startswith("stylelib: stylelib needs Keras on TensorFlow")
    assert len(done.stderr.splitlines()) == 1


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"stylelib {__version__}\n"


@pytest.mark.slow
@pytest.mark.parametrize("command", [["recipes"], ["recipes", "keras"]])
def test_where_the_reader_leaves_early_nothing_is_said(command):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "stylelib", *command],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_ctrl_c_while_the_command_line_is_imported_is_one_line(monkeypatch, capsys):
    class Interrupted:
        def find_spec(self, name, path, target=None):
            if name == "stylelib.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "stylelib.cli")
    monkeypatch.delattr("stylelib.cli")
    monkeypatch.setattr(sys, "meta_path", [Interrupted()])
    assert module_main() == 130
    assert capsys.readouterr().err == "stylelib: interrupted\n"


def test_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["stylelib", "recipes"])
    monkeypatch.delenv("TF_FORCE_GPU_ALLOW_GROWTH")
    monkeypatch.delitem(sys.modules, "stylelib.__main__")
    with pytest.raises(SystemExit) as end:
        runpy.run_module("stylelib", run_name="__main__")
    assert end.value.code == 0
    assert "gatys2015" in capsys.readouterr().out
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"  # a GPU may have other users


@pytest.mark.slow
def test_a_mistake_does_not_wait_for_tensorflow():
    code = (
        "import sys; from stylelib.cli import main\n"
        "status = main(['transfer', 'a', 'b', '-o', 'c.png', '--recipe', 'x'])\n"
        "assert status == 2 and 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.PIPE)


def test_bad_input_does_not_wait_for_tensorflow(folder):
    code = (
        "import sys; from stylelib.cli import main; "
        "main(['transfer', 'missing.jpg', 'style.png', '-o', 'out.png']); "
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == "stylelib: cannot read missing.jpg: there is no such file\n"
    assert done.stdout == "False\n"


@pytest.mark.usefixtures("small_network")
class TestSeveralPictures:
    """Names of their own, folders, and what only one picture can have."""

    def paint(self, *arguments):
        return cli.main(["transfer", *arguments, "--size", "32", "--steps", "2"])

    def test_without_o_the_names_of_both_make_the_name(self, folder, capsys):
        assert self.paint("content.png", "style.png") == 0
        assert "content-style.png: 32 × 22" in capsys.readouterr().out
        assert self.paint("content.png", "style.png") == 2
        assert "content-style.png is there already: give another name with -o, or --overwrite" in (
            capsys.readouterr().err
        )
        assert self.paint("content.png", "style.png", "--overwrite") == 0

    def test_a_folder_of_photographs(self, folder):
        Path("photos").mkdir()
        for name in ("a.png", "b.jpg"):
            shutil.copy("content.png", Path("photos", name))
        Path("photos", "notes.txt").write_text("no picture")
        assert self.paint("photos", "style.png", "-o", "painted/") == 0
        assert sorted(os.listdir("painted")) == ["a-style.png", "b-style.png"]

    def test_several_photographs_around_an_option(self, folder):
        shutil.copy("content.png", "other.png")
        arguments = ["transfer", "content.png", "--size", "32", "other.png", "style.png"]
        assert cli.main([*arguments, "--steps", "2"]) == 0
        assert {"content-style.png", "other-style.png"} <= set(os.listdir())

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("content.png",), "expected a photograph and a painting, got one picture"),
            (("content.png", "content.png", "style.png"), "cannot write content-style.png twice"),
            (("empty", "style.png"), "cannot read empty: it is a folder without a picture"),
            (("content.png", "missing.png", "style.png"), "cannot read missing.png"),
            (("content.png", "a.png", "style.png", "--gif", "a.gif"), "one photograph with --gif"),
            (
                ("content.png", "a.png", "style.png", "--save-every", "5"),
                "one photograph with --save-every",
            ),
            (
                ("content.png", "a.png", "style.png", "-o", "o.png"),
                "-o as a folder for 2 photographs",
            ),
            (("content.png", "a.png", "style.png", "-o", "-"), "-o as a folder for 2 photographs"),
            (("content.png", "-", "style.png"), "expected one photograph with - (stdin), got 2"),
            (("content.png", "a.png", "-"), "expected one photograph with - (stdin), got 2"),
            (("content.png", "style.png", "gone.png", "-o", "new"), "cannot read gone.png"),
            (("content.png", "empty"), "empty: expected the painting, last, not a folder"),
            (("data:image/png;base64," + "A" * 10**5, "style.png"), "an address that starts with"),
            (("https://localhost/" + "q" * 400 + ".png", "style.png"), "localhost is at "),
        ],
    )
    def test_what_is_wrong_is_told_before_anything_is_painted(
        self, folder, capsys, arguments, message
    ):
        Path("empty").mkdir()
        before = set(os.listdir())
        assert self.paint(*arguments) == 2
        assert message in capsys.readouterr().err
        assert set(os.listdir()) == before


@pytest.mark.parametrize("name", ["._a.png", ".hidden.jpg"])
def test_what_a_system_leaves_among_pictures_is_passed_over(name, folder, capsys):
    (folder / "pictures").mkdir()
    (folder / "pictures" / name).write_bytes(b"\0\5\x16\7")
    assert cli.main(["transfer", "pictures", "style.png"]) == 2
    assert "pictures: it is a folder without a picture" in capsys.readouterr().err


def test_a_folder_that_may_not_be_listed_is_one_line(folder, capsys, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    (folder / "pictures").mkdir()
    monkeypatch.setattr("stylelib.cli.Path.iterdir", refuse)
    assert cli.main(["transfer", "pictures", "style.png"]) == 2
    assert capsys.readouterr().err == "stylelib: cannot read pictures: Permission denied\n"


@pytest.mark.parametrize(
    ("option", "nearest"), [("--strength=Low", "'low'"), ("--SIZE=32", "--size")]
)
def test_capitals_do_not_hide_the_nearest(option, nearest, capsys):
    assert run(option) == 2
    assert f"did you mean {nearest}?" in capsys.readouterr().err


@pytest.mark.usefixtures("small_network")
class TestControl:
    """Colours kept, masks, and several paintings."""

    @pytest.fixture
    def given(self, monkeypatch, style_image):
        save_image("waves.png", style_image[::-1])
        save_image("left.png", np.repeat(np.uint8([[[255]], [[0]]]), 3, axis=2).reshape(1, 2, 3))
        save_image("right.png", np.repeat(np.uint8([[[0]], [[255]]]), 3, axis=2).reshape(1, 2, 3))
        calls, transfer = [], api.transfer

        def watched(*pictures, **options):
            calls.append((pictures[:2], options))
            return transfer(*pictures, **options)

        monkeypatch.setattr(api, "transfer", watched)
        return calls

    @pytest.mark.parametrize(
        ("arguments", "weights"),
        [
            ("content.png style.png --style waves.png", None),
            pytest.param("content.png style.png:2 --style waves.png", [2.0, 1.0],
                         marks=pytest.mark.slow),
            pytest.param("content.png style.png:.5 --style waves.png:1.5", [0.5, 1.5],
                         marks=pytest.mark.slow),
            pytest.param("content.png style.png:5e-1 --style waves.png:1.5E+0", [0.5, 1.5],
                         marks=pytest.mark.slow),
            ("content.png style.png:1,1,1,0,0 --style waves.png:0,0,0,1,1",
             [[1.0, 1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 1.0]]),
        ],
    )  # fmt: skip
    def test_several_paintings(self, given, arguments, weights):
        assert cli.main(["transfer", *arguments.split(), *SMALL]) == 0
        ((pictures, options),) = given
        assert pictures == ("content.png", ["style.png", "waves.png"])
        assert options.get("style_weights") == weights
        assert Path("content-style-waves.png").is_file()

    def test_a_mask_for_each(self, given):
        masks = ["--mask", "left.png", "--mask", "right.png"]
        assert run("--style", "waves.png", *masks, "-o", "out.png", *SMALL) == 0
        assert given[0][1]["masks"] == ["left.png", "right.png"]

    @pytest.mark.parametrize("how", ["luminance", "match"])
    def test_colours_kept(self, given, how):
        assert run("--preserve-color", how, "-o", "out.png", *SMALL) == 0
        assert given[0][1]["preserve_color"] == how

    def test_a_file_called_like_a_weight_is_a_picture(self, given):
        name = "style:2"
        shutil.copy("style.png", name)
        assert cli.main(["transfer", "content.png", name, "-o", "out.png", *SMALL]) == 0
        assert given[0][0] == ("content.png", name)
        assert "style_weights" not in given[0][1]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ("--mask gone.png", "cannot read gone.png"),
            ("--mask left.png --mask right.png", "a mask for each of 1 styles, got 2"),
            ("--style waves.png:1,2", "one number, or one for each of 5 style layers"),
            ("--style waves.png:0 --style style.png:x", "cannot read style.png:x"),
            ("--preserve-colour match", "did you mean --preserve-color?"),
            ("--preserve-color hue", "expected preserve_color luminance or match, got 'hue'"),
            ("--mask left.png -o left.png", "cannot write left.png: it is one of the pictures"),
            ("--style - --style -", "expected one picture from standard input, got - for two"),
            ("--mask -", "expected - for a photograph or the one painting"),
        ],
    )
    def test_what_is_wrong_is_told_in_one_line(self, given, capsys, arguments, message):
        assert run("-o", "out.png", *SMALL, *arguments.split()) == 2
        assert message in (err := capsys.readouterr().err)
        assert err.count("\n") == 1


@pytest.mark.usefixtures("small_network")
class TestTransparency:
    @pytest.fixture(autouse=True)
    def cut_out(self, content_image):
        alpha = np.zeros(content_image.shape[:2], np.uint8)
        alpha[:, 20:] = 255
        save_image("cut.png", content_image, alpha)

    def paint(self, *arguments):
        return cli.main(["transfer", "cut.png", "style.png", *arguments, *SMALL])

    @pytest.mark.parametrize("name", ["out.png", "out.webp", "out.tif"])
    def test_the_alpha_of_the_photograph_is_kept(self, name):
        assert self.paint("--keep-alpha", "-o", name) == 0
        with Image.open(name) as picture:
            alpha = np.asarray(picture.convert("RGBA"))[..., 3]
        assert (alpha[:, :8] == 0).all() and (alpha[:, 14:] == 255).all()

    def test_to_standard_output(self, monkeypatch):
        monkeypatch.setattr(sys, "stdout", stdout := Stream("utf-8"))
        assert self.paint("--keep-alpha", "-o", "-") == 0
        stdout.buffer.seek(0)
        assert mode(stdout.buffer) == "RGBA"

    def test_without_it_there_is_none(self):
        assert self.paint("-o", "out.png") == 0
        assert mode("out.png") == "RGB"

    def test_a_photograph_without_any_stays_without(self):
        assert run("--keep-alpha", "-o", "out.png", *SMALL) == 0
        assert mode("out.png") == "RGB"

    @pytest.mark.parametrize("name", ["out.jpg", "out.bmp"])
    def test_formats_without_transparency_are_refused_before_the_run(self, name, capsys):
        assert self.paint("--keep-alpha", "-o", name) == 2
        assert "expected .png, .webp, .tif or .tiff to keep alpha" in capsys.readouterr().err

    def test_standard_input_cannot_be_read_twice(self, capsys):
        arguments = ["transfer", "-", "style.png", "--keep-alpha", "-o", "out.png", *SMALL]
        assert cli.main(arguments) == 2
        assert "expected --keep-alpha with a file, got - (stdin)" in capsys.readouterr().err


@pytest.mark.usefixtures("small_network")
class TestOptionsOfOtherPrograms:
    @pytest.mark.parametrize("size", ["--size", "--image-size", "--image_size"])
    @pytest.mark.parametrize("steps", ["--steps=2", "--iterations=2", "--num_iterations=2"])
    def test_other_spellings(self, folder, capsys, size, steps):
        assert run("-o", "out.png", size, "32", steps) == 0
        assert "32 × 22" in (out := capsys.readouterr().out)
        assert "all 2 evaluations done" in out

    @pytest.mark.slow
    def test_settings_of_the_recipe(self, folder, monkeypatch):
        given = {}
        transfer = api.transfer

        def watched(*arguments, **options):
            given.update(options)
            return transfer(*arguments, **options)

        monkeypatch.setattr(api, "transfer", watched)
        arguments = "--content-layers conv2_1 --style-layers conv1_1,conv2_2 --layer-weights 1,2"
        more = "--normalized --optimizer adam --learning-rate 3 --strength 0.5"
        assert run("-o", "out.png", *SMALL, *arguments.split(), *more.split()) == 0
        assert given["content_layers"] == ["conv2_1"]
        assert given["style_layers"] == ["conv1_1", "conv2_2"]
        assert given["layer_weights"] == [1.0, 2.0]
        assert (given["normalized"], given["learning_rate"], given["strength"]) == (True, 3.0, 0.5)

    @pytest.mark.usefixtures("formula_search")
    def test_the_search_is_told(self, folder, capsys):
        assert run("-o", "out.png", "--size", "48", "--steps", "4", "--strength", "high") == 0
        assert "style weight " in (err := capsys.readouterr().err)
        assert "0.35 wanted" in err

    def test_abbreviations_are_refused(self, folder, capsys):
        assert run("-o", "out.png", "--style-w", "3") == 2
        assert "did you mean --style-weight?" in capsys.readouterr().err

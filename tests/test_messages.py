"""What the command line says of every mistake: the exact line, status 2, and nothing written."""

import os
import shlex

import pytest
from PIL import Image

from stylelib import cli
from stylelib.images.formats import FORMATS
from stylelib.images.save import save_image
from stylelib.recipes.published import RECIPES

*_OTHERS, _LAST = RECIPES
KNOWN_RECIPES = f"{', '.join(_OTHERS)} or {_LAST}"
LONG = "x" * 300 + ".png"

PICTURES = [
    ("gone.png", "cannot read gone.png: there is no such file"),
    ("''", "cannot read '': there is no such file"),
    ("folder", "cannot read folder: it is a folder without a picture"),
    ("link.png", "cannot read link.png: it is a link to nothing"),
    ("empty.png", "cannot read empty.png: expected a picture, the file is empty"),
    ("text.png", "cannot read text.png: expected a picture, got a damaged file or none of KNOWN"),
    (
        "phone.heic",
        "cannot read phone.heic: expected a picture, got a damaged file or none of KNOWN",
    ),
    ("http://a.org/b", "cannot read http://a.org/b: expected an address that starts with https://"),
    ("file:///etc/x", "cannot read file:///etc/x: expected an address that starts with https://"),
    ("https://", "cannot read https://: no host given"),
    (
        "https://me:secret@a.org/b",
        "cannot read https://…@a.org/b: expected an address without a user and a password",
    ),
    (
        "https://127.0.0.1/b",
        "cannot read https://127.0.0.1/b: 127.0.0.1 is at 127.0.0.1, which is no public address",
    ),
    (
        "https://169.254.169.254/b",
        "cannot read https://169.254.169.254/b: 169.254.169.254 is at 169.254.169.254, which is no "
        "public address",
    ),
]

_ENDINGS = "expected an ending .png, .jpg, .jpeg, .webp, .tif, .tiff, .bmp"
OUTPUTS = [
    ("out", f"cannot write out: {_ENDINGS}, got ''"),
    ("out.txt", f"cannot write out.txt: {_ENDINGS}, got '.txt'"),
    ("''", "argument -o/--output: expected a path, got '' (see HELP)"),
    ("gone/out.png", "cannot write gone/out.png: there is no folder gone"),
    ("folder.png", "cannot write folder.png: it is a folder"),
    ("text.png/out.png", "cannot write text.png/out.png: there is no folder text.png"),
    ("content.png", "cannot write content.png: it is one of the pictures to read"),
    ("./style.png", "cannot write style.png: it is one of the pictures to read"),
    (LONG, f"cannot write {LONG[:49]}…{LONG[-50:]}: File name too long"),
]

TRANSFER = [
    ("--size big", "argument --size: expected a whole number, got 'big' (see HELP)"),
    ("--size 1.5", "argument --size: expected a whole number, got '1.5' (see HELP)"),
    ("--size", "argument --size: expected one argument (see HELP)"),
    ("--size 16", "expected size as a whole number of at least 32, got 16"),
    ("--size 20000", "expected a content image of at most 16384 pixels a side, got 20000"),
    (
        "--size 32 --style-scale 0.3",
        "expected a style image of at least 16 pixels a side, as conv5_1 needs, got 10 × 8 after "
        "scaling; ask for a larger size",
    ),
    (
        f"--steps {10**30}",
        f"expected steps as a whole number of at most 9223372036854775807, got {10**30}",
    ),
    ("--steps 0", "expected steps as a whole number of at least 1, got 0"),
    ("--tile 8", "expected tile as a whole number of at least 64, got 8"),
    ("--seed -1", "expected seed as a whole number of at least 0, got -1"),
    ("--style-weight x", "argument --style-weight: expected a number, got 'x' (see HELP)"),
    ("--style-weight=-1", "expected style_weight as a number of at least 0, got -1.0"),
    ("--style-weight nan", "expected style_weight as a number of at least 0, got nan"),
    ("--tv-weight 1e39", "expected tv_weight as a number of at most 3.4e+38, got 1e+39"),
    ("--content-weight 1e400", "expected content_weight as a number of at least 0, got inf"),
    (
        "--content-weight 0 --style-weight 0",
        "expected content_weight or style_weight above 0, got 0 for both",
    ),
    ("--tv-weight inf", "expected tv_weight as a number of at least 0, got inf"),
    ("--style-scale 0", "expected style_scale as a number above 0, got 0.0"),
    (
        "--recipe gatys",
        f"expected recipe {KNOWN_RECIPES}, got 'gatys'; did you mean 'gatys2016'?",
    ),
    (
        "--network vgg11",
        "expected network vgg16, vgg19 or recipe, got 'vgg11'; did you mean 'vgg19'?",
    ),
    (
        "--network vgg19 --weights embedded",
        "expected weights for vgg19; only vgg16 has embedded weights",
    ),
    (
        "--weights gone.h5",
        "expected weights as a file, or embedded, imagenet or random, got 'gone.h5'",
    ),
    ("--weights text.png", "cannot read text.png: expected a file that ends in .npz or .h5"),
    (
        "--weights text.npz",
        "cannot read text.npz: expected kernels and biases of vgg16, it is no .npz file, or not a "
        "whole one",
    ),
    ("--init start.png -o start.png", "cannot write start.png: it is one of the pictures to read"),
    ("--init gone.png", "cannot read gone.png: there is no such file"),
    (
        "--pooling avrage",
        "expected pooling max or average, got 'avrage'; did you mean 'average'?",
    ),
    (
        "--optimizer lbgfs",
        "expected optimizer lbfgs, adam or sgd, got 'lbgfs'; did you mean 'lbfgs'?",
    ),
    ("--precision half", "expected precision float32, bfloat16, float16 or auto, got 'half'"),
    ("--gif content.png", "cannot write content.png: it is one of the pictures to read"),
    ("--gif ''", "argument --gif: expected a path, got '' (see HELP)"),
    ("--gif run.avi", "expected a film that ends in .gif or .mp4, got '.avi'"),
    ("--gif gone/run.gif", "cannot write gone/run.gif: there is no folder gone"),
    ("--gif out.png", "cannot write out.png twice: as the picture, and as its animation"),
    ("--resume gone", "cannot resume: there is no gone/state.npz"),
    (
        "--resume broken",
        "cannot read broken/state.npz: expected the state of a run: it is no .npz file, or not a "
        "whole one",
    ),
    ("--save-every 0", "expected save_every as a whole number of at least 1, got 0"),
    ("--colour", "unrecognized arguments: --colour (see HELP)"),
    (
        "--style_wieght 1e4",
        "unrecognized arguments: --style-wieght 1e4; did you mean --style-weight? (see HELP)",
    ),
    ("--styl 3", "unrecognized arguments: --styl 3; did you mean --style? (see HELP)"),
    ("--sed=3", "unrecognized arguments: --sed=3; did you mean --seed? (see HELP)"),
    (
        f"--colour {'x' * 300}",
        f"unrecognized arguments: --colour {'x' * 40}…{'x' * 50} (see HELP)",
    ),
    (
        f"--size {'1' * 99}x{'1' * 99}",
        f"argument --size: expected a whole number, got '{'1' * 48}…{'1' * 49}' (see HELP)",
    ),
    ("-o - --save-every 2", "expected --save-every with a file to write, got -o -"),
]

OTHERS = [
    (
        "transfer content.png",
        "expected a photograph and a painting, got one picture",
    ),
    (
        "transfer",
        "the following arguments are required: PICTURE (see stylelib transfer --help)",
    ),
    ("doctor now", "unrecognized arguments: now (see stylelib doctor --help)"),
    (
        "recipe",
        "expected a command transfer, reconstruct-content, reconstruct-style, sweep, recipes or "
        "doctor, got 'recipe'; did you mean 'recipes'? (see stylelib --help)",
    ),
    ("transfer - - -o out.png", "expected one picture from standard input, got - for two"),
    (
        "sweep grid.toml --worker 2",
        "unrecognized arguments: --worker 2; did you mean --workers? (see stylelib sweep --help)",
    ),
    (
        "sweep nan.toml",
        "trial 2 (style_weight nan): expected style_weight as a number of at least 0, got nan",
    ),
    ("recipes kears", f"expected recipe {KNOWN_RECIPES}, got 'kears'; did you mean 'keras'?"),
    (
        "reconstruct-content content.png -o out.png",
        "the following arguments are required: --layer (see stylelib reconstruct-content --help)",
    ),
    (
        "reconstruct-content content.png -o out.png --layer conv9_1",
        "expected a layer of vgg16 from conv1_1 to conv5_3, got 'conv9_1'",
    ),
    (
        "reconstruct-content gone.png -o out.png --layer conv1_1",
        "cannot read gone.png: there is no such file",
    ),
    (
        "reconstruct-style content.png -o out.png --layers conv1_1,",
        "expected a layer of vgg16 from conv1_1 to conv5_3, got ''",
    ),
    (
        "reconstruct-style content.png -o content.png --layers conv1_1",
        "cannot write content.png: it is one of the pictures to read",
    ),
    (
        "reconstruct-style content.png -o out.png --layers conv1_1 --recipe keras",
        "unrecognized arguments: --recipe keras (see stylelib reconstruct-style --help)",
    ),
    (
        "transfer mine.run/00001.png style.png -o mine.png --save-every 2",
        "cannot write to mine.run: mine.run/00001.png is one of the pictures to read",
    ),
    ("sweep gone.toml", "cannot read gone.toml: No such file or directory"),
    ("sweep folder", "cannot read folder: Is a directory"),
    ("sweep content.png", "cannot read content.png: expected TOML, invalid start byte"),
    (
        "sweep key.toml",
        "cannot read key.toml: expected a key content, style, recipe, folder, ending, settings, "
        "grid or trials, got 'colour'",
    ),
    ("sweep huge.toml", "expected a grid of at most 100,000 trials, got 1,000,000"),
    ("sweep grid.toml", "expected a list of values for size in the grid, got []"),
    ("sweep grid.toml --workers 0", "expected workers as a whole number of at least 1, got 0"),
    (
        "sweep grid.toml --workers 2 --dask tcp://h:1",
        "expected --workers or --dask, got both",
    ),
    (
        "sweep grid.toml --dask nowhere",
        "no Dask scheduler answers at nowhere: missing port number in address 'nowhere'",
    ),
]

TABLE = [(f"transfer {path} style.png -o out.png", line) for path, line in PICTURES]
TABLE += [(f"transfer content.png style.png -o {path}", line) for path, line in OUTPUTS]
TABLE += [(f"transfer content.png style.png -o out.png {more}", line) for more, line in TRANSFER]
TABLE += OTHERS


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, content_image, style_image):
    """A folder with two good pictures, and what is wrong in all other ways."""
    monkeypatch.chdir(tmp_path)
    save_image("content.png", content_image)
    save_image("style.png", style_image)
    save_image("start.png", content_image)
    (tmp_path / "mine.run").mkdir()
    save_image("mine.run/00001.png", content_image)
    for name in ("folder", "folder.png", "broken"):
        (tmp_path / name).mkdir()
    for name in ("text.png", "text.npz", "broken/state.npz"):
        (tmp_path / name).write_text("nothing but words")
    (tmp_path / "empty.png").touch()
    (tmp_path / "link.png").symlink_to("nowhere")
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    pictures = 'content = "content.png"\nstyle = "style.png"\n'
    (tmp_path / "key.toml").write_text(pictures + "colour = 1\n")
    hundred = list(range(100))
    table = f"[grid]\nseed = {hundred}\nsize = {hundred}\nsteps = {hundred}\n"
    (tmp_path / "huge.toml").write_text(pictures + table)
    (tmp_path / "nan.toml").write_text(pictures + "[grid]\nstyle_weight = [1, nan]\n")
    (tmp_path / "grid.toml").write_text(pictures + "[grid]\nsize = []\n")
    return tmp_path


@pytest.mark.parametrize(("command", "line"), TABLE, ids=[command[:60] for command, _ in TABLE])
def test_a_mistake_is_one_line_and_status_2(command, line, folder, capsys, monkeypatch):
    monkeypatch.setattr("stylelib.runs.run._stages", None)  # what is no mistake would take minutes
    before = sorted(folder.rglob("*"))
    try:
        status = cli.main(shlex.split(command))
    except SystemExit as error:
        status = error.code
    known = ", ".join(name for name in FORMATS if name in Image.OPEN)
    line = line.replace("KNOWN", known).replace("HELP", "stylelib transfer --help")
    assert capsys.readouterr() == ("", f"stylelib: {line}\n")
    assert status == 2
    assert sorted(folder.rglob("*")) == before


def test_an_unknown_command_is_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["paint"])
    assert end.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("stylelib: expected a command transfer, ")
    assert lines[0].endswith(" or doctor, got 'paint' (see stylelib --help)")


def test_nothing_to_do_is_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([])
    assert end.value.code == 2
    expected = "stylelib: the following arguments are required: COMMAND (see stylelib --help)\n"
    assert capsys.readouterr() == ("", expected)


def test_a_name_with_a_zero_byte(capsys):
    assert cli.main(["transfer", "content.png", "style.png", "-o", "a\0.png"]) == 2
    assert capsys.readouterr().err == "stylelib: cannot write a\\x00.png: embedded null byte\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_may_not_be_written_to(folder, capsys):
    (folder / "folder").chmod(0o500)
    assert cli.main(["transfer", "content.png", "style.png", "-o", "folder/out.png"]) == 2
    expected = "stylelib: cannot write folder/out.png: Permission denied\n"
    assert capsys.readouterr().err == expected

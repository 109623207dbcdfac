"""The program that `benchmarks.revisions` runs in each revision: prints each result as JSON.

It uses only what stylelib promises, since all else may differ between revisions, and passes every
argument whose default may become another one.
"""

import functools
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import stylelib
from stylelib import load_image, load_sweep, reconstruct_content, reconstruct_style

DATA, WRITTEN, PART = *map(Path, sys.argv[1:3]), sys.argv[3]  # PART is one of `PARTS`
CONTENT, STYLE = (DATA / "images" / f"{name}.jpg" for name in ("summer_palace", "starry_night"))
RUN = {"size": 64, "steps": 22, "network": "vgg16", "weights": None, "precision": "float32"}
RUN |= {"seed": 0, "init": "noise"}
TRANSFER = RUN | {"recipe": "gatys2015", "style_scale": 1.0, "as_published": False, "tile": None}
TRIAL = TRANSFER | {"size": 48, "steps": 3}
GRID = {"style_weight": [1e2, 1e4], "pooling": ["max", "average"]}
#: These differ in start, conventions, rounds, bounds, total variation and how a picture is made.
OTHERS = {
    "gatys2016": {"init": "style"},
    "jerkic": {"init": "content"},
    "style_over_matter": {"init": "grey"},
    "tensorflow": {"init": "content", "recovery": "stretch"},
}


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def pixels(image):
    return f"{image.dtype} {image.shape} {digest(image.tobytes())}"


def without_versions(settings):
    return {name: value for name, value in settings.items() if name != "versions"}


def described(result):
    """All but seconds and versions; losses in full, so that a difference shows where it begins."""
    return {
        "image": pixels(result.image),
        "history": {name: losses.tolist() for name, losses in result.history.items()},
        "types": {name: str(losses.dtype) for name, losses in result.history.items()},
        "evaluations": result.evaluations,
        "stop_reason": result.stop_reason,
        "settings": without_versions(result.settings),
    }


def columns(table):
    """Digests of a sweep's columns, and settings row by row; pictures without their folder."""
    table = table.assign(picture=[Path(picture).name for picture in table["picture"]])
    texts = {name: json.dumps(table[name].tolist(), default=lambda a: a.tolist()) for name in table}
    digests = {name: digest(text.encode()) for name, text in texts.items() if name != "settings"}
    settings = map(without_versions, table["settings"])
    return digests | {str(row): {"settings": each} for row, each in enumerate(settings)}


def files(folder):
    """Names of all files, and what the pictures hold; the others hold seconds, too."""
    paths = sorted(folder.iterdir())
    return {p.name: digest(p.read_bytes()) if p.suffix == ".png" else "there" for p in paths}


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def check_same(what, result, expected):
    if result != expected:
        raise ValueError(f"expected the same {what}, got {result!r:.60}, not {expected!r:.60}")


def transfer(**options):
    return described(stylelib.transfer(CONTENT, STYLE, **TRANSFER | options))


def sweep(folder):
    table = stylelib.sweep(CONTENT, STYLE, GRID, folder, progress=False, ending=".png", **TRIAL)
    return {"table": columns(table.drop(columns="seconds")), "files": files(folder)}


def reconstruction(function, layers):
    return described(function(CONTENT, layers, optimizer="lbfgs", **RUN))


def command_line():
    command = [sys.executable, "-m", "stylelib", "transfer", CONTENT, STYLE]
    for name in ("recipe", "size", "steps", "init", "network", "precision", "seed"):
        command += [f"--{name}", str(TRIAL[name])]
    command += ["-o", WRITTEN / "picture.png"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    return {"image": pixels(load_image(WRITTEN / "picture.png"))}


def ctrl_c(evaluation, *_):
    if evaluation == 12:
        signal.raise_signal(signal.SIGINT)


def written_run(optimizer, **options):
    folder = WRITTEN / optimizer
    result = transfer(optimizer=optimizer, folder=folder, save_every=5, resume=False, **options)
    return result | {"files": files(folder)}


@functools.cache
def uninterrupted(optimizer):
    return transfer(optimizer=optimizer)


@functools.cache
def resumed(optimizer):
    """Go on with a copy of a run."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(WRITTEN / optimizer, folder, dirs_exist_ok=True)
        return transfer(optimizer=optimizer, folder=folder, save_every=5, resume=True)


def without_a_break():
    """Adam takes the very steps of a run that was not interrupted."""
    for name in ("image", "history", "evaluations"):
        check_same(name, resumed("adam")[name], uninterrupted("adam")[name])
    return {}


def known_sweep():
    """Do a sweep again, which must leave its files alone."""
    before = times(WRITTEN / "sweep")
    table = sweep(WRITTEN / "sweep")
    check_same("files", times(WRITTEN / "sweep"), before)
    return table


def results():
    """Yield names and functions, in an order in which they can be called."""
    for optimizer in ("lbfgs", "adam", "sgd"):
        yield f"gatys2015, {optimizer}", functools.partial(uninterrupted, optimizer)
    for name, optimizer in ((name, o) for name in OTHERS for o in ("lbfgs", "adam")):
        options = {"recipe": name, "optimizer": optimizer} | OTHERS[name]
        yield f"{name}, {optimizer}", functools.partial(transfer, **options)
    short = {"optimizer": "lbfgs", "steps": 5}
    yield "tiled", functools.partial(transfer, size=96, tile=64, **short)
    yield "bfloat16", functools.partial(transfer, precision="bfloat16", size=48, **short)
    yield "content", functools.partial(reconstruction, reconstruct_content, "conv3_1")
    yield "style", functools.partial(reconstruction, reconstruct_style, ["conv1_1", "conv2_1"])
    yield "lbfgs, 12 evaluations", functools.partial(written_run, "lbfgs", steps=12)
    yield "adam, Ctrl-C", functools.partial(written_run, "adam", callback=ctrl_c)
    yield "sweep", functools.partial(sweep, WRITTEN / "sweep")
    yield from known()
    yield "adam without a break", without_a_break
    yield "command line", command_line
    for folder in sorted(path for path in (DATA / "sweeps").iterdir() if path.is_dir()):
        yield f"data/sweeps/{folder.name}", lambda path=folder: {"table": columns(load_sweep(path))}


def known():
    """What depends on files that may be those of the other revision."""
    yield "lbfgs resumed", functools.partial(resumed, "lbfgs")
    yield "adam resumed", functools.partial(resumed, "adam")
    yield "sweep done before", known_sweep


PARTS = {"results": results, "known": known}


def outcome(case):
    try:
        return case()
    except Exception as error:  # is a difference like any other, and must not hide the rest
        return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    if Path.cwd() not in Path(stylelib.__file__).parents:
        sys.exit(f"expected the stylelib of {Path.cwd()}, got {stylelib.__file__}")
    for name, case in PARTS[PART]():
        print(json.dumps([name, outcome(case)]), flush=True)

"""The command line: ``stylelib`` and ``python -m stylelib``.

TensorFlow is imported only by the commands that compute: help and wrong options answer at once.
"""

import argparse
import contextlib
import dataclasses
import itertools
import os
import platform
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np

from stylelib import __version__
from stylelib._utils.checks import one_line
from stylelib._utils.progress import Progress
from stylelib.images.save import check_output, save_image
from stylelib.recipes.conventions import CONTENT_CONVENTIONS, STYLE_CONVENTIONS
from stylelib.recipes.published import RECIPES, RECONSTRUCTION, find_recipe
from stylelib.recipes.recipe import INITS, OPTIMIZERS
from stylelib.vgg.layers import POOLINGS

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
DASK_TIMEOUT = 10.0  # seconds without an answer


def main(arguments=None):
    """Run one command and return its exit status.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.

    Returns
    -------
    int
        0, or 1 where a run broke down, 2 for bad input, 130 after Ctrl-C.

    Examples
    --------
    >>> main(["recipes", "augustins"])
    source              Gilles Augustins: style transfer, CNAM RCP209 (2017)
    network             vgg19, max pooling
    ...
    0
    """
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # an old terminal may know no × or α
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    try:
        status = options.command(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # as behind ``| head``: whoever listened has heard enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (ValueError, ImportError) as error:
        if options.debug:
            raise
        print(f"stylelib: {' '.join(str(error).split())}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("stylelib: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # such as TensorFlow's, when memory runs out
        if options.debug:
            raise
        what = f"{type(error).__name__}: {one_line(error)}"
        print(f"stylelib: {what[:300]} (--debug shows where)", file=sys.stderr)
        return FAILED


def _open_closed_streams():
    """Where a shell has closed a stream, as by ``2>&-``, open it on nothing.

    Otherwise the next file that is opened would take its place, and get what is meant for it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage before it."""

    def error(self, message):
        self.exit(BAD_INPUT, f"stylelib: {' '.join(message.split())} (see {self.prog} --help)\n")


def _parser():
    parser = _Parser(prog="stylelib", description="Neural style transfer, layer by layer.")
    parser.add_argument("--version", action="version", version=f"stylelib {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    add = _command(
        commands, "transfer", _transfer, "paint a photograph in the manner of a painting"
    )
    add("content", metavar="CONTENT", help="the photograph: a file or an https address")
    add("style", metavar="STYLE", help="the painting: a file or an https address")
    add("--recipe", metavar="NAME", default="gatys2015", help="see 'stylelib recipes' (gatys2015)")
    add("--init", metavar="START", help=f"{', '.join(INITS)} or a picture (the recipe's)")
    add(
        "--as-published",
        action="store_const",
        const=True,
        help="with the mistakes of the recipe's source",
    )
    add(
        "--style-scale", metavar="X", type=_number, help="longer side of the style image / size (1)"
    )
    add("--tile", metavar="PX", type=_whole, help="evaluate large pictures in tiles of this size")
    add(
        "--save-every",
        metavar="N",
        type=_whole,
        help="keep a numbered picture and the state of the run, in the folder OUT.run",
    )
    add("--resume", metavar="RUN", type=_path, help="go on with the run in this folder")
    add("--content-weight", metavar="X", type=_number, help="α (the recipe's)")
    add("--style-weight", metavar="X", type=_number, help="β (the recipe's)")
    _add_run(add)

    add = _command(
        commands,
        "reconstruct-content",
        _reconstruct_content,
        "show what a layer remembers of a picture",
    )
    add("image", metavar="IMAGE", help="a file or an https address")
    add("--layer", metavar="LAYER", required=True, help="such as conv4_2")
    add("--init", metavar="START", help="noise or a picture (noise)")
    _add_run(add, RECONSTRUCTION)

    add = _command(
        commands, "reconstruct-style", _reconstruct_style, "show the texture of a picture"
    )
    add("image", metavar="IMAGE", help="a file or an https address")
    add("--layers", metavar="LAYERS", required=True, type=_names, help="such as conv1_1,conv2_1")
    add("--init", metavar="START", help="noise or a picture (noise)")
    _add_run(add, RECONSTRUCTION)

    add = _command(commands, "sweep", _sweep, "run a grid of transfers, and keep every result")
    add("plan", metavar="PLAN.toml", help="pictures, and lists of settings to try")
    add("--folder", metavar="FOLDER", type=_path, help="where results are kept (beside the plan)")
    add("--workers", metavar="N", type=_whole, help="processes on this machine (this one)")
    add("--dask", metavar="ADDRESS", help="of a Dask scheduler, such as tcp://host:8786")

    add = _command(commands, "recipes", _recipes, "list the recipes, or all settings of one")
    add("name", metavar="NAME", nargs="?", help="a recipe to show in full")
    _command(
        commands, "doctor", _doctor, "show versions, device, weights and the speed of one step"
    )
    return parser


def _command(commands, name, function, summary):
    """Add a sub-command, and return the function that adds its arguments."""
    parser = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
    parser.set_defaults(command=function)
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    return parser.add_argument


def _add_run(add, recipe=None):
    """Add the arguments of every command that paints; without a recipe the user chooses one."""

    def default(setting):
        return getattr(recipe, setting) if recipe else "the recipe's"

    output = {"metavar": "OUT.png", "required": True, "type": _path}
    add("-o", "--output", **output, help="the picture to write")
    add("--size", metavar="PX", type=_whole, help=f"longer side of the result ({default('size')})")
    add("--steps", metavar="N", type=_whole, help=f"evaluations of the loss ({default('steps')})")
    add("--network", metavar="NETWORK", help="vgg16, vgg19 or recipe; vgg19 is downloaded (vgg16)")
    add(
        "--weights", metavar="PATH", help="'embedded', 'imagenet', 'random', an .h5 or an .npz file"
    )
    add("--pooling", metavar="P", help=f"{', '.join(POOLINGS)} ({default('pooling')})")
    add("--optimizer", metavar="O", help=f"{', '.join(OPTIMIZERS)} ({default('optimizer')})")
    tv_weight = default("tv_weight")
    add("--tv-weight", metavar="X", type=_number, help=f"of total variation ({tv_weight})")
    add(
        "--precision",
        metavar="P",
        help="float32, bfloat16, float16, or auto: the fastest here (float32)",
    )
    add("--seed", metavar="N", type=_whole, help="of the noise (0)")
    add("--gif", metavar="OUT", type=_path, help="an animation of the run, .gif or .mp4")


def _names(text):
    return [name.strip() for name in text.split(",")]


def _path(text):
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got ''")
    return text


def _whole(text):
    return _parsed(int, "a whole number", text)


def _number(text):
    return _parsed(float, "a number", text)


def _parsed(kind, expected, text):
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}") from None


#: Options that reach the library only where they were given: defaults stand in one place.
_OPTIONAL = (
    *("size", "steps", "network", "weights", "init", "pooling", "optimizer", "style_scale"),
    *("content_weight", "style_weight", "tv_weight", "precision", "seed", "as_published", "tile"),
)


def _transfer(options):
    recipe = find_recipe(options.recipe)  # before the seconds that TensorFlow takes to import
    sources = (options.content, options.style)
    return _run(options, "transfer", sources, (options.recipe,), recipe.steps, _folder(options))


def _folder(options):
    """Where a run keeps its state, as arguments of `transfer`."""
    if options.resume is not None:
        return {"folder": options.resume, "resume": True, "save_every": options.save_every}
    if options.save_every is not None:
        folder = Path(options.output).with_suffix(".run")
        return {"folder": folder, "save_every": options.save_every}
    return {}


def _reconstruct_content(options):
    sources, arguments = (options.image,), (options.layer,)
    return _run(options, "reconstruct_content", sources, arguments, RECONSTRUCTION.steps)


def _reconstruct_style(options):
    sources, arguments = (options.image,), (options.layers,)
    return _run(options, "reconstruct_style", sources, arguments, RECONSTRUCTION.steps)


def _run(options, name, sources, arguments, steps, more=None):
    """Call the function `name` of the library, show its progress and write its picture."""
    output = check_output(options.output)
    film = Path(options.gif) if options.gif else None
    if film == output:
        raise ValueError(f"cannot write {film} twice: as the picture, and as its animation")
    _check_kept((*sources, options.init), (output, film), more and more.get("folder"))
    from stylelib import api
    from stylelib.visualization.animation import Film

    given = {option: getattr(options, option, None) for option in _OPTIONAL}
    given = {option: value for option, value in given.items() if value is not None}
    steps = given.get("steps", steps)
    film = film and Film(film, steps, getattr(options, "resume", None))
    with Progress(steps) as progress:
        watch = progress if film is None else _both(progress, film)
        result = getattr(api, name)(*sources, *arguments, callback=watch, **given, **(more or {}))
    if not np.isfinite(result.history["total"]).any():  # nothing was painted
        print(f"stylelib: {result.stop_reason}", file=sys.stderr)
        return _exit_status(result.status)
    _save(output, result.image)
    height, width, _ = result.image.shape
    network, recipe = result.settings["network"], result.settings["recipe"]
    if recipe["name"] and network != recipe["network"]:
        network += f" (the recipe's source: {recipe['network']})"
    print(f"{output}: {width} × {height}, {network}, {result.seconds:.0f} s, {result.stop_reason}")
    if film is not None:
        film.write()
    return _exit_status(result.status)


def _exit_status(status):
    """The exit status for a `Result.status`."""
    if status == "interrupted":
        return INTERRUPTED
    return FAILED if status in ("diverged", "unsaved") else OK


def _check_kept(sources, outputs, folder):
    """Refuse to write over a picture that is read, be it by a numbered one of the run's folder."""
    for source in filter(os.path.exists, filter(None, sources)):
        for path in filter(None, outputs):
            if os.path.exists(path) and path.samefile(source):
                raise ValueError(f"cannot write {path}: it is one of the pictures to read")
        numbered = Path(source).stem.isdecimal() and Path(source).resolve().parent
        if numbered and folder and os.path.exists(folder) and numbered.samefile(folder):
            raise ValueError(f"cannot write to {folder}: {source} is one of the pictures to read")


def _save(output, image):
    """Write a picture; where its folder takes no more, do not lose what took so long."""
    try:
        save_image(output, image)
    except ValueError as error:
        try:
            elsewhere = Path(tempfile.gettempdir(), f"stylelib-{uuid.uuid4()}.png")
            save_image(elsewhere, image)
        except (OSError, ValueError):
            raise error from None
        raise ValueError(f"{error}; the picture is in {elsewhere}") from error


def _both(one, other):
    """A callback that calls two."""

    def call(*arguments):
        one(*arguments)
        other(*arguments)

    return call


def _sweep(options):
    from stylelib.sweeps.plan_file import read_plan
    from stylelib.sweeps.sweep import sweep

    if options.workers is not None and options.dask is not None:
        raise ValueError("expected --workers or --dask, got both")
    plan = read_plan(options.plan)
    if options.folder is not None:
        plan["folder"] = options.folder
    with _executor(options) as executor:
        table = sweep(**plan, executor=executor)
    failed = table[table["error"].notna()]
    for trial in failed.itertuples():
        print(f"stylelib: trial {trial.Index + 1} failed: {trial.error}", file=sys.stderr)
    print(f"{plan['folder']}: {len(table)} trials, {len(failed)} failed")
    return FAILED if len(failed) else OK


@contextlib.contextmanager
def _executor(options):
    """Where a sweep runs, for as long as it runs."""
    if options.workers is not None:
        from stylelib.sweeps.sweep import process_pool

        with process_pool(options.workers) as executor:
            yield executor
    elif options.dask is not None:
        with _dask_client(options.dask) as client:
            yield client.get_executor()
    else:
        yield None


def _dask_client(address):
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("expected Dask for --dask: pip install distributed") from None
    try:
        return Client(address, timeout=DASK_TIMEOUT)
    except (OSError, ValueError) as error:
        raise ValueError(f"no Dask scheduler answers at {address}: {one_line(error)}") from error


def _recipes(options):
    if options.name is None:
        return _table_of_recipes()
    for title, value in _all_settings(find_recipe(options.name)).items():
        print(f"{title:<20}{value}")
    return OK


def _table_of_recipes():
    rows = [("RECIPE", "NETWORK", "CONTENT", "STYLE", "WEIGHTS α:β:tv", "OPTIMISER", "SOURCE")]
    for name, recipe in RECIPES.items():
        network = f"{recipe.network} {recipe.pooling}{' normalised' if recipe.normalized else ''}"
        content, style = map(_short, (recipe.content_layers, recipe.style_layers))
        weights = f"{recipe.content_weight:.3g}:{recipe.style_weight:.3g}:{recipe.tv_weight:.3g}"
        optimizer = f"{recipe.optimizer} {recipe.steps}"
        rows.append((name, network, content, style, weights, optimizer, recipe.source))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    return OK


def _short(layers):
    """Write ``conv1_1, conv2_1`` as ``1_1 2_1``."""
    return " ".join(layer.removeprefix("conv") for layer in layers)


def _all_settings(recipe):
    """All that a recipe says, one line each, without what it leaves at its default."""
    shown = {
        "source": recipe.source,
        "network": f"{recipe.network}, {recipe.pooling} pooling",
        "content": f"{_short(recipe.content_layers)}, weight {recipe.content_weight:.4g} on "
        + CONTENT_CONVENTIONS[recipe.content_convention].formula,
        "style": f"{_short(recipe.style_layers)}, weight {recipe.style_weight:.4g} on "
        + STYLE_CONVENTIONS[recipe.style_convention].formula,
    }
    inside = {"content_layers", "content_weight", "style_layers", "style_weight"}
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if field.name not in shown.keys() | inside and value != field.default:
            shown[field.name] = _readable(value)
    return shown


def _readable(value):
    if isinstance(value, tuple):
        pairs = isinstance(value[0], tuple)
        return ", ".join(f"{v[0]} {_readable(v[1])}" if pairs else _readable(v) for v in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _doctor(options):
    from stylelib._utils.tensorflow import tf, versions
    from stylelib.api import transfer
    from stylelib.preprocessing import noise_image
    from stylelib.vgg.precision import fastest
    from stylelib.vgg.weights import load_weights

    def row(title, value):
        print(f"{title:<11} {value}", flush=True)

    row("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package, version in versions().items():
        row(package, version)
    devices = [d.device_type for d in tf.config.list_physical_devices()]
    row("device", f"{', '.join(devices)}; {os.cpu_count()} processor cores")
    row("precision", "auto means {}: {}".format(*fastest()))
    load_weights("vgg16")
    row("weights", "VGG16, embedded, sha256 as expected")

    times = []
    content, style = noise_image((256, 256), seed=1), noise_image((256, 256), seed=2)
    run = transfer(
        content, style, size=256, steps=8, callback=lambda *_: times.append(time.perf_counter())
    )
    if run.status == "interrupted":
        raise KeyboardInterrupt
    seconds = statistics.median(b - a for a, b in itertools.pairwise(times[1:]))
    row("speed", f"{seconds:.2f} s per evaluation at 256 × 256, float32")
    return OK

"""The command line: ``stylelib`` and ``python -m stylelib``.

TensorFlow is imported only by the commands that compute: help and wrong options answer at once.
"""

import argparse
import collections
import contextlib
import dataclasses
import difflib
import itertools
import logging
import os
import platform
import re
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np
from PIL import Image

from stylelib import __version__
from stylelib._utils.checks import check_choice, listed, one_line, shortened, shown
from stylelib._utils.files import user_path, with_home, writable_folder
from stylelib._utils.progress import Progress, together
from stylelib.images.load import load_alpha, load_image
from stylelib.images.save import (
    ENDINGS,
    check_holds_alpha,
    check_output,
    save_image,
    with_alpha,
)
from stylelib.images.sources import is_address
from stylelib.recipes.conventions import CONTENT_CONVENTIONS, STYLE_CONVENTIONS
from stylelib.recipes.published import RECIPES, RECONSTRUCTION, find_recipe
from stylelib.recipes.recipe import INITS, OPTIMIZERS
from stylelib.runs.job import SMALLEST_SIZE, STRENGTHS
from stylelib.vgg.layers import POOLINGS

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
#: Exit status for each `Result.status` that is not well.
STATUSES = {"interrupted": INTERRUPTED, "diverged": FAILED, "failed": FAILED, "unsaved": FAILED}
#: Options of other programs, and ours of the same meaning.
ELSEWHERE = {"--image-size": "--size", "--iterations": "--steps", "--num-iterations": "--steps"}
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
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # pythonw, ``2>&-``: else `print` takes the other stream
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        if hasattr(stream := getattr(sys, name), "reconfigure"):
            stream.reconfigure(errors="replace")  # an old terminal may know no × or α
    options = _parsed_options(arguments)
    try:
        status = options.command(options)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # as behind ``| head``
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


class _Parser(argparse.ArgumentParser):
    """Takes no abbreviations, and says what is wrong in one line, without the usage before it."""

    def __init__(self, **options):
        super().__init__(**options, allow_abbrev=False, argument_default=argparse.SUPPRESS)

    def _check_value(self, action, value):  # argparse's own names no nearest choice
        if action.choices is None:
            return
        try:
            check_choice("a command", value, action.choices)
        except ValueError as error:
            raise argparse.ArgumentError(None, str(error)) from None

    def error(self, message):
        self.exit(BAD_INPUT, f"stylelib: {' '.join(message.split())} (see {self.prog} --help)\n")


def _parsed_options(arguments):
    """Parse a command line; what is unknown is told by the command it was given to."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options, unknown = _parser().parse_known_args(map(_in_our_words, arguments))
    if "pictures" in options and not any(name.startswith("-") and name != "-" for name in unknown):
        options.pictures += unknown  # those behind an option; argparse takes the first group alone
    elif unknown:
        name = unknown[0].split("=")[0].replace("_", "-")
        name = name.lower() if name.startswith("--") else name
        known = re.findall(r"--[\w-]+", options.parser.format_help())
        begun = [option for option in known if name in option and name.startswith("--")]
        nearest = begun or difflib.get_close_matches(name, known, n=1, cutoff=0.75)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        options.parser.error(f"unrecognized arguments: {shortened(' '.join(unknown))}{hint}")
    return options


def _in_our_words(argument):
    """Take an option as well-known programs write it for ours of the same meaning."""
    name, *value = argument.split("=", 1)
    if not name.startswith("--"):
        return argument
    name = name.replace("_", "-")
    return "=".join([ELSEWHERE.get(name, name), *value])


def _parser():
    parser = _Parser(prog="stylelib", description="Neural style transfer, layer by layer.")
    parser.add_argument("--version", action="version", version=f"stylelib {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    about = "paint a photograph in the manner of a painting"
    add = _command(commands, "transfer", _transfer, about)
    about = "the photograph, or several and folders of them, and last the painting: files, https "
    about += "addresses, or - (stdin)"
    add("pictures", metavar="PICTURE", nargs="+", help=about)
    about = "one more painting; with :WEIGHT, of each painting, how much it counts (1), or a "
    about += "weight for each style layer, as in waves.jpg:0,0,0,1,1"
    add("--style", metavar="STYLE[:WEIGHT]", action="append", type=_path, default=[], help=about)
    about = "where the painting goes, white on black; with several paintings, one for each"
    add("--mask", metavar="MASK", action="append", type=_path, default=[], help=about)
    about = "keep the photograph's colours: luminance paints its brightness alone, match gives "
    about += "the painting its colours first"
    add("--preserve-color", metavar="HOW", help=about)
    about = f"{', '.join(STRENGTHS)}, or 0 to 1: how much of the photograph may go (the recipe's)"
    add("--strength", metavar="X", type=_strength, help=about)
    add(
        "--recipe", metavar="NAME", default="multiscale", help="see 'stylelib recipes' (multiscale)"
    )
    about = "keep what is transparent in the photograph; for PNG, WebP and TIFF"
    add("--keep-alpha", action="store_true", default=False, help=about)
    add("--init", metavar="START", help=f"{', '.join(INITS)} or a picture (the recipe's)")
    add("--as-published", action="store_true", help="with the mistakes of the recipe's source")
    add(
        "--style-scale", metavar="X", type=_number, help="longer side of the style image / size (1)"
    )
    add("--tile", metavar="PX", type=_whole, help="evaluate large pictures in tiles of this size")
    about = "keep a numbered picture and the state of the run, in the folder OUT.run"
    add("--save-every", metavar="N", type=_whole, default=None, help=about)
    add(
        "--resume",
        metavar="RUN",
        default=None,
        type=_path,
        help="go on with the run in this folder",
    )
    add("--content-weight", metavar="X", type=_number, help="α (the recipe's)")
    add("--style-weight", metavar="X", type=_number, help="β (the recipe's)")
    add("--content-layers", metavar="LAYERS", type=_names, help="such as conv3_2,conv4_2")
    add("--style-layers", metavar="LAYERS", type=_names, help="such as conv1_1,conv2_1")
    add("--layer-weights", metavar="X,X", type=_numbers, help="w, one for each style layer")
    add("--normalized", action="store_true", help="scale each filter's mean activation to 1")
    _add_run(add)

    about = "show what a layer retains of a picture"
    add = _command(commands, "reconstruct-content", _reconstruct_content, about)
    add("image", metavar="IMAGE", help="a file, an https address, or - (stdin)")
    add("--layer", metavar="LAYER", required=True, help="such as conv4_2")
    add("--init", metavar="START", help="noise or a picture (noise)")
    _add_run(add, RECONSTRUCTION)

    about = "show the texture of a picture"
    add = _command(commands, "reconstruct-style", _reconstruct_style, about)
    add("image", metavar="IMAGE", help="a file, an https address, or - (stdin)")
    add("--layers", metavar="LAYERS", required=True, type=_names, help="such as conv1_1,conv2_1")
    add("--init", metavar="START", help="noise or a picture (noise)")
    _add_run(add, RECONSTRUCTION)

    add = _command(commands, "sweep", _sweep, "run a grid of transfers, and keep every result")
    add("plan", metavar="PLAN.toml", help="pictures, and lists of settings to try")
    add(
        "--folder",
        metavar="FOLDER",
        default=None,
        type=_path,
        help="where results are kept (beside the plan)",
    )
    add(
        "--workers",
        metavar="N",
        default=None,
        type=_whole,
        help="processes on this machine (this one)",
    )
    add(
        "--dask",
        metavar="ADDRESS",
        default=None,
        help="of a Dask scheduler, such as tcp://host:8786",
    )

    add = _command(commands, "recipes", _recipes, "list the recipes, or all settings of one")
    add("name", metavar="NAME", nargs="?", default=None, help="a recipe to show in full")

    about = "show versions, device, weights and the speed of one step"
    _command(commands, "doctor", _doctor, about)
    return parser


def _command(commands, name, function, summary):
    """Add a sub-command, and return the function that adds its arguments."""
    parser = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
    parser.set_defaults(command=function, parser=parser)
    parser.add_argument(
        "--debug", action="store_true", default=False, help="show where an error comes from"
    )
    return parser.add_argument


def _add_run(add, recipe=None):
    """Add the arguments of every command that paints; without a recipe the user chooses one."""

    def default(setting):
        return getattr(recipe, setting) if recipe else "the recipe's"

    about = "the picture to write, or - (PNG, to stdout)"
    if recipe is None:
        about += ", or a folder; without it PHOTOGRAPH-PAINTING.png is written here"
        add("-o", "--output", metavar="OUT.png", default=None, type=_path, help=about)
        overwrite = "write over a picture that is there"
        add("--overwrite", action="store_true", default=False, help=f"without -o, {overwrite}")
    else:
        add("-o", "--output", metavar="OUT.png", required=True, type=_path, help=about)
    about = f"longer side of the result ({default('size')})"
    add("--size", metavar="PX", type=_whole, help=about)
    about = f"evaluations of the loss ({default('steps')})"
    add("--steps", metavar="N", type=_whole, help=about)
    add("--network", metavar="NETWORK", help="vgg16, vgg19 or recipe; vgg19 is downloaded (vgg16)")
    about = "'embedded', 'imagenet', 'random', an .h5 or an .npz file"
    add("--weights", metavar="PATH", help=about)
    add("--pooling", metavar="P", help=f"{', '.join(POOLINGS)} ({default('pooling')})")
    add("--optimizer", metavar="O", help=f"{', '.join(OPTIMIZERS)} ({default('optimizer')})")
    about = "of adam and sgd, in grey levels (the recipe's)"
    add("--learning-rate", metavar="X", type=_number, help=about)
    tv_weight = default("tv_weight")
    add("--tv-weight", metavar="X", type=_number, help=f"of total variation ({tv_weight})")
    about = "float32, bfloat16, float16, or auto: the fastest here "
    about += "(float32)" if recipe else "(auto)"
    add("--precision", metavar="P", help=about)
    add("--seed", metavar="N", type=_whole, help="of the noise (0)")
    add(
        "--gif",
        metavar="OUT",
        default=None,
        type=_path,
        help="an animation of the run, .gif or .mp4",
    )


def _names(text):
    return [name.strip() for name in text.split(",")]


def _numbers(text):
    return [_number(number) for number in text.split(",")]


def _path(text):
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got ''")
    return text


def _whole(text):
    return _parsed(int, "a whole number", text)


def _number(text):
    return _parsed(float, "a number", text)


def _strength(text):
    with contextlib.suppress(ValueError):
        return float(text)
    try:
        check_choice("a number from 0 to 1, or", text, STRENGTHS)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _parsed(kind, expected, text):
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {shown(text)}") from None


#: What a command line says beside the settings of the library.
_OF_THE_COMMAND = {
    *("command", "parser", "debug", "pictures", "image", "layer", "layers", "overwrite"),
    *("style", "mask", "keep_alpha"),
    *("recipe", "output", "gif", "save_every", "resume"),
}


def _transfer(options):
    recipe = find_recipe(options.recipe)  # before the seconds that TensorFlow takes to import
    *contents, style = options.pictures
    styles, weights = zip(*map(_style_and_weight, [style, *options.style]), strict=True)
    contents = [path for content in contents for path in _photographs(content)]
    if not contents:
        raise ValueError("expected a photograph and a painting, got one picture")
    for style in styles:
        if style != "-" and os.path.isdir(with_home(style)):
            name = shortened(style)
            raise ValueError(f"cannot read {name}: expected the painting, last, not a folder")
    several = len(contents) > 1
    if several:
        _check_several(options, contents, [*styles, *options.mask])
    outputs = [_output(options, content, styles, several) for content in contents]
    if repeated := [path for path, times in collections.Counter(outputs).items() if times > 1]:
        raise ValueError(f"cannot write {repeated[0]} twice: two photographs have one name")
    control = {"masks": options.mask or None, "style_weights": _weights(weights)}
    control = {name: value for name, value in control.items() if value is not None}
    statuses = []
    for content, output in zip(contents, outputs, strict=True):
        one = argparse.Namespace(**vars(options) | control | {"output": output})
        pictures = content, list(styles) if len(styles) > 1 else styles[0]
        statuses.append(
            _run(one, "transfer", pictures, (options.recipe,), recipe.steps, _folder(one))
        )
        if statuses[-1] == INTERRUPTED:
            break
    return max(statuses)


def _style_and_weight(text):
    """Take ``waves.jpg:0.5`` apart; a file of that very name is a picture."""
    path, _, weight = text.rpartition(":")
    number = r"\d*\.?\d+([eE][+-]?\d+)?"
    numbers = re.fullmatch(rf"{number}(,{number})*", weight)
    if not numbers or not path or os.path.exists(with_home(text)):
        return text, None
    weights = _numbers(weight)
    return path, weights[0] if len(weights) == 1 else weights


def _weights(weights):
    """The weights of all styles, 1 where there is none; None where no style has one."""
    if all(weight is None for weight in weights):
        return None
    return [1.0 if weight is None else weight for weight in weights]


def _photographs(source):
    """The pictures of a folder by name; anything else stands for itself."""
    folder = Path(with_home(source))
    if source in ("-", "") or not os.path.isdir(folder):  # not `is_dir`: a name may be too long
        return [source]
    kinds = Image.registered_extensions()
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise ValueError(f"cannot read {shortened(source)}: {one_line(error)}") from error
    pictures = [  # without hidden ones: macOS puts a ._x.png beside x.png
        path
        for path in paths
        if path.name[0] != "." and kinds.get(path.suffix.lower()) in Image.OPEN
    ]
    if not pictures:
        raise ValueError(f"cannot read {shortened(source)}: it is a folder without a picture")
    return list(map(str, pictures))


def _check_several(options, contents, others):
    """Refuse what only one picture can have, and read each before the first is painted."""
    for option in ("gif", "save_every", "resume"):
        if getattr(options, option) is not None:
            name = option.replace("_", "-")
            raise ValueError(f"expected one photograph with --{name}, got {len(contents)}")
    if "-" in (*contents, *others):  # which can be read only once
        raise ValueError(f"expected one photograph with - (stdin), got {len(contents)}")
    output = options.output
    if output is not None and (output == "-" or user_path(output).suffix.lower() in ENDINGS):
        raise ValueError(
            f"expected -o as a folder for {len(contents)} photographs, got {shown(output)}"
        )
    for picture in (*contents, *others):
        load_image(picture, max_size=SMALLEST_SIZE)


def _output(options, content, styles, several):
    """Where the picture goes: as asked for, or under the names of both pictures."""
    if options.output is not None and not several and not _is_folder(options.output):
        return options.output
    folder = Path() if options.output is None else writable_folder(options.output)
    path = folder / f"{'-'.join(map(_stem, [content, *styles]))}.png"
    if os.path.exists(path) and not options.overwrite:
        name = shortened(path)
        raise ValueError(f"{name} is there already: give another name with -o, or --overwrite")
    return str(path)


def _is_folder(path):
    """Whether pictures are to go into it: one that is called like a picture is a mistake."""
    path = user_path(path)
    return os.path.isdir(path) and path.suffix.lower() not in ENDINGS


def _stem(source):
    """The name of a picture, at most 100 bytes of it, in the names of those made from it."""
    if is_address(source) and "://" not in source:  # data:, which is refused when it is read
        return "picture"
    stem = os.fsencode(Path(source.split("?")[0]).stem)[:100].decode(errors="ignore")
    return stem.strip("-.") or "picture"


def _folder(options):
    """Where a run keeps its state, as arguments of `transfer`."""
    if options.resume is not None:
        return {"folder": options.resume, "resume": True, "save_every": options.save_every}
    if options.save_every is None:
        return {}
    if options.output == "-":
        raise ValueError("expected --save-every with a file to write, got -o -")
    folder = user_path(options.output).with_suffix(".run")
    return {"folder": folder, "save_every": options.save_every}


def _reconstruct_content(options):
    sources, arguments = (options.image,), (options.layer,)
    return _run(options, "reconstruct_content", sources, arguments, RECONSTRUCTION.steps)


def _reconstruct_style(options):
    sources, arguments = (options.image,), (options.layers,)
    return _run(options, "reconstruct_style", sources, arguments, RECONSTRUCTION.steps)


def _run(options, name, sources, arguments, steps, folder=None):
    """Call the function `name` of the library, show its progress and write its picture."""
    given = {key: value for key, value in vars(options).items() if key not in _OF_THE_COMMAND}
    output = _checked_output(options.output)
    film = user_path(options.gif) if options.gif else None
    if film and film == output:
        twice = f"cannot write {shortened(film)} twice"
        raise ValueError(f"{twice}: as the picture, and as its animation")
    folder = folder or {}
    pictures = [picture for source in (*sources, given.get("masks")) for picture in listed(source)]
    _check_kept((*pictures, given.get("init")), (output, film), folder.get("folder"))
    keep_alpha = getattr(options, "keep_alpha", False)
    if keep_alpha:
        _check_keeps_alpha(sources[0], output)
    photograph, sources = sources[0], _with_standard_input(sources, pictures)
    from stylelib import api

    steps = given.get("steps", steps)
    if film is not None:
        from stylelib.visualization.animation import Film

        film = Film(film, steps, folder.get("folder") if "resume" in folder else None)
    with Progress(steps) as progress, _search_told(progress):
        watch = progress if film is None else together(progress, film)
        result = getattr(api, name)(*sources, *arguments, callback=watch, **given, **folder)
    if not np.isfinite(result.history["total"]).any():  # nothing was painted
        print(f"stylelib: {result.stop_reason}", file=sys.stderr)
        return STATUSES.get(result.status, OK)
    alpha = load_alpha(photograph, result.image.shape[:2]) if keep_alpha else None
    _save(output, result.image, alpha)
    print(
        f"{shortened(output or '-')}: {_in_words(result)}",
        file=sys.stdout if output else sys.stderr,
    )
    if film is not None:
        film.write()
    return STATUSES.get(result.status, OK)


def _checked_output(path):
    """Check where the picture goes; None is standard output."""
    if path != "-":
        return check_output(path)
    if getattr(sys.stdout, "name", None) == os.devnull:  # as `main` has put in its place
        raise ValueError("expected a file or a pipe as standard output for -o -, got a closed one")
    if sys.stdout.isatty():
        raise ValueError("expected a file or a pipe as standard output for -o -, got a terminal")
    return None


def _with_standard_input(sources, pictures):
    """Put standard input in the place of ``-``; `pictures` are all that are read."""
    if pictures.count("-") > 1:
        raise ValueError("expected one picture from standard input, got - for two")
    if "-" not in pictures:
        return sources
    if sys.stdin is None:
        raise ValueError("cannot read -: standard input is closed")
    if "-" not in sources:
        raise ValueError("expected - for a photograph or the one painting")
    return [sys.stdin.buffer if source == "-" else source for source in sources]


def _in_words(result):
    height, width, _ = result.image.shape
    network, recipe = result.settings["network"], result.settings["recipe"]
    if recipe["name"] and network != recipe["network"]:
        network += f" (the recipe's source: {recipe['network']})"
    return f"{width} × {height}, {network}, {result.seconds:.0f} s, {result.stop_reason}"


def _check_kept(sources, outputs, folder):
    """Refuse to write over a picture that is read, be it by a numbered one of the run's folder."""
    for source in filter(os.path.exists, map(with_home, filter(None, sources))):
        for path in filter(None, outputs):
            if os.path.exists(path) and path.samefile(source):
                name = shortened(path)
                raise ValueError(f"cannot write {name}: it is one of the pictures to read")
        numbered = Path(source).stem.isdecimal() and Path(source).resolve().parent
        if numbered and folder and os.path.exists(folder) and numbered.samefile(folder):
            where, picture = shortened(folder), shortened(source)
            raise ValueError(f"cannot write to {where}: {picture} is one of the pictures to read")


def _check_keeps_alpha(photograph, output):
    """Refuse before the run what could not keep the transparency of a photograph after it."""
    if photograph == "-":
        raise ValueError("expected --keep-alpha with a file, got - (stdin)")
    if output is not None:
        check_holds_alpha(output)


def _save(output, image, alpha=None):
    """Write a picture; where its folder takes no more, do not lose what took so long."""
    try:
        if output is None:
            written = image if alpha is None else with_alpha(image, alpha)
            Image.fromarray(written).save(sys.stdout.buffer, "PNG")
        else:
            save_image(output, image, alpha)
    except (OSError, ValueError) as error:
        try:
            elsewhere = Path(tempfile.gettempdir(), f"stylelib-{uuid.uuid4()}.png")
            save_image(elsewhere, image, alpha)
        except (OSError, ValueError):
            raise error from None
        told = str(error) if output else f"cannot write -: {one_line(error)}"
        raise ValueError(f"{told}; the picture is in {elsewhere}") from error


@contextlib.contextmanager
def _search_told(progress):
    """Show what the search for a style weight logs, for as long as the run goes on."""
    logger, handler = logging.getLogger("stylelib.runs.strength"), logging.Handler()
    handler.emit = lambda record: print(record.getMessage(), file=progress.file, flush=True)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


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
    devices = [d.device_type for d in tf.config.get_visible_devices()]
    row("device", f"{', '.join(devices)}; {os.cpu_count()} processor cores")
    row("precision", "auto means {}: {}".format(*fastest()))
    load_weights("vgg16")
    row("weights", "VGG16, embedded, sha256 as expected")

    times = []
    content, style = noise_image((256, 256), seed=1), noise_image((256, 256), seed=2)
    run = transfer(
        content,
        style,
        "gatys2015",
        size=256,
        steps=8,
        precision="float32",
        callback=lambda *_: times.append(time.perf_counter()),
    )
    if run.status == "interrupted":
        raise KeyboardInterrupt
    seconds = statistics.median(b - a for a, b in itertools.pairwise(times[1:]))
    row("speed", f"{seconds:.2f} s per evaluation at 256 × 256, float32")
    return OK

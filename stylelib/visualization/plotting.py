"""Figures that several notebooks share, in one style."""

import io
import os
import sys
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib import figure as matplotlib_figure
from matplotlib.image import AxesImage, BboxImage
from PIL import Image

from stylelib._utils.checks import check_choice, check_count, check_number, shown
from stylelib.images.load import load_image

#: Okabe and Ito's palette, which colour-blind readers can tell apart.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
WIDTH = 7.5  # inches: at 120 dpi the 900 pixels that fit into a notebook on GitHub
#: Width by height of the narrowest panel: a thinner picture stands in the middle of it.
NARROWEST = 1 / 8
JPEG = {"quality": 86, "optimize": True}

STYLE = {
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}


def use_style(dpi: int = 120) -> None:
    """Set Matplotlib up for the notebooks.

    In Jupyter, a figure with pictures becomes a JPEG, which takes a third of the room that a PNG
    would. Pixels drawn as large squares become a PNG, in which they are exact, and take less room.
    Any other figure becomes a PNG of 64 colours, smaller still, with sharp text.

    Parameters
    ----------
    dpi : int
        Pixels to the inch. 120 suits a screen, 200 a printed page.
    """
    plt.rcParams.update(STYLE | {"figure.dpi": dpi})
    if "ipykernel" in sys.modules:
        _choose_formats()


def _choose_formats():
    from IPython import get_ipython
    from IPython.core.pylabtools import print_figure
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    drawn_as_png = weakref.WeakSet()

    def png(figure):
        drawn_as_png.discard(figure)
        if (kind := _kind(figure)) == "photographs":
            return None
        drawn_as_png.add(figure)
        drawn = Image.open(io.BytesIO(print_figure(figure, "png"))).convert("RGB")
        if kind == "chart":
            # The default method would give a colour of few pixels, as of a mark, to others.
            drawn = drawn.quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        file = io.BytesIO()
        drawn.save(file, "PNG", optimize=True)
        return file.getvalue()

    def jpeg(figure):  # IPython asks for a PNG first, and drawing may have moved the panels since
        if figure in drawn_as_png:
            return None
        return print_figure(figure, "jpeg", pil_kwargs=JPEG)

    set_matplotlib_formats("png")
    formatters = get_ipython().display_formatter.formatters
    formatters["image/png"].for_type(matplotlib_figure.Figure, png)
    formatters["image/jpeg"].for_type(matplotlib_figure.Figure, jpeg)


def _kind(figure):
    """What is in a figure: a chart, photographs, or pixels that are drawn as large squares."""
    pictures = figure.findobj(AxesImage)
    if figure.findobj(BboxImage):  # beside a point
        return "photographs"
    if not pictures:
        return "chart"
    figure.draw_without_rendering()  # only then are the axes as wide as they will be
    return "pixels" if all(map(_are_large_squares, pictures)) else "photographs"


def _are_large_squares(picture):
    enlarged = picture.axes.bbox.width / picture.get_array().shape[1]
    return picture.get_interpolation() == "nearest" and enlarged >= 3


class Figure(matplotlib_figure.Figure):
    """A figure that a notebook shows once.

    Jupyter shows what a cell ends with, and afterwards every figure that pyplot holds open, so
    whatever is shown is closed first. It can be shown, drawn on and saved again all the same.
    """

    def _ipython_display_(self):
        if "inline" in plt.get_backend():
            _show_those_before(self)
            plt.close(self)
        raise NotImplementedError  # IPython's word for: show it as any other figure


def _show_those_before(figure):
    """Show what the cell has drawn before, which would else come after its last line."""
    from IPython.display import display

    for number in plt.get_fignums() if plt.fignum_exists(figure.number) else ():
        if number < figure.number:
            other = plt.figure(number)
            plt.close(other)
            display(other)


def show_images(
    images: Any,
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    width: float = WIDTH,
    pixels: bool = False,
) -> Figure:
    """Draw pictures in rows, all of one height in each row, with a title above each.

    Parameters
    ----------
    images : picture, sequence of pictures or dict of str to picture
        A picture is an array ``(H, W, 3)`` or ``(H, W)``, ``uint8``, which is drawn as it is, never
        stretched, in grey from black (0) to white (255). A `Result` stands for its picture, and
        anything else goes through `load_image`.
    titles : sequence of str, optional
        One for each picture; by default the keys of a dict.
    columns : int, optional
        By default all pictures stand in one row.
    width : float
        Of the figure, in inches.
    pixels : bool
        Enlarge without smoothing, for noise and feature maps: a pixel becomes a square. Squares of
        one picture are equal where all widths divide the largest: the figure then shrinks to a
        whole factor.

    Returns
    -------
    matplotlib.figure.Figure
        In Jupyter it is shown once, whether it is what a cell ends with or not.

    Raises
    ------
    ValueError
        For what is no picture, for none at all, and for another number of titles.

    Examples
    --------
    >>> figure = show_images([np.zeros((4, 6, 3), np.uint8)] * 3, titles=["a", "b", "c"], columns=2)
    >>> [axes.get_title() for axes in figure.axes]
    ['a', 'b', 'c']
    """
    check_number("width", width, positive=True)
    if titles is None and isinstance(images, Mapping):
        titles = list(images)
    images = _pictures(images)
    titles = _titles(titles, len(images))
    columns = len(images) if columns is None else columns
    check_count("columns", columns)
    columns = min(columns, len(images))
    width = _whole_factor(images, columns, width) if pixels else width
    rows = [images[i : i + columns] for i in range(0, len(images), columns)]
    titles, interpolation = iter(titles), "nearest" if pixels else None
    # A last row that is not full keeps the scale of the others: an empty picture fills it up.
    aspects = [[max(image.shape[1] / image.shape[0], NARROWEST) for image in row] for row in rows]
    if len(rows) > 1:
        aspects[-1] += aspects[0][len(rows[-1]) :]
    heights = [_without_gaps(width, columns) / sum(row) + 0.35 for row in aspects]
    figure = plt.figure(figsize=(width, sum(heights)), FigureClass=Figure)
    strips = np.atleast_1d(figure.subfigures(len(rows), 1, height_ratios=heights))
    for strip, row, ratios in zip(strips, rows, aspects, strict=True):
        grid = strip.add_gridspec(1, len(ratios), width_ratios=ratios)
        for column, image in enumerate(row):
            axes = strip.add_subplot(grid[column])
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation=interpolation)
            axes.set_title(next(titles), parse_math=False)  # a name may have a $
            axes.set_axis_off()
    return figure


def _without_gaps(width, columns):
    """Inches that the pictures of a row share, however many they are."""
    return max(width / 2, width - 0.1 * columns)


def _whole_factor(images, columns, width):
    """Width in inches, at most the one given, at which every pixel is as wide as every other."""
    side, dpi = max(image.shape[1] for image in images), plt.rcParams["figure.dpi"]
    if any(side % image.shape[1] for image in images):
        return width
    pad = 2 * plt.rcParams["figure.constrained_layout.w_pad"]  # on both sides of each picture
    factor = int((width / columns - pad) * dpi / side)
    return columns * (factor * side / dpi + pad) if factor else width


def _pictures(images):
    """Make a list of arrays that can be drawn of whatever holds one or several pictures."""
    if isinstance(images, Mapping):
        images = images.values()
    if _is_one(images):
        images = [images]
    if not isinstance(images, Iterable):
        raise ValueError(f"expected a list of pictures, got {shown(images)}")
    images = [_picture(image) for image in images]
    if not images:
        raise ValueError("expected at least one picture, got none")
    return images


def _is_one(images):
    if isinstance(images, (str, bytes, os.PathLike, Image.Image)) or hasattr(images, "history"):
        return True
    shape = tuple(getattr(images, "shape", ()))  # of an array or a tensor
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))


def _picture(image):
    image = getattr(image, "image", image)  # of a Result
    plain = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.size
    if plain and (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        return image
    return load_image(image)


def _titles(titles, count):
    titles = [""] * count if titles is None else _texts("titles", titles)
    if len(titles) != count:
        raise ValueError(f"expected {count} titles, one for each picture, got {len(titles)}")
    return titles


def _texts(what, values):
    """Make a list of texts of whatever holds one or several."""
    values = [values] if isinstance(values, str) else values
    if not isinstance(values, Iterable):
        raise ValueError(f"expected a list of {what}, got {shown(values)}")
    return [str(value) for value in values]


def plot_losses(
    histories: Any,
    terms: Sequence[str] = ("total", "style", "content"),
    width: float = WIDTH,
) -> Figure:
    """Draw losses against evaluations on a logarithmic axis, one panel for each term.

    Parameters
    ----------
    histories : dict of str to dict
        `Result.history`, or the `Result`, by the name of the run; or of one run without a name.
        Of a `Result`, dotted lines mark where its stages begin.
    terms : sequence of {"total", "style", "content", "tv"}
    width : float
        Of the figure, in inches.

    Returns
    -------
    matplotlib.figure.Figure
        Shown once, as that of `show_images`.

    Raises
    ------
    ValueError
        For what holds no histories, and a term that one of them has not.

    Examples
    --------
    >>> figure = plot_losses({"L-BFGS": {"total": np.array([100.0, 10.0, 1.0])}}, terms=["total"])
    >>> figure.axes[0].get_yscale()
    'log'
    """
    check_number("width", width, positive=True)
    runs = _runs(histories)
    histories = _histories(runs)
    terms = _texts("terms of the loss", terms)
    if not terms:
        raise ValueError("expected at least one term of the loss, got none")
    for term in terms:
        for history in histories.values():
            check_choice("a term of the loss that every run has:", term, history)
    figure, panels = plt.subplots(
        1,
        len(terms),
        figsize=(width, 3.6),
        sharey=True,
        squeeze=False,
        layout="constrained",
        FigureClass=Figure,
    )
    curves = {}  # of the last panel, for the legend
    for axes, term in zip(panels[0], terms, strict=True):
        for name, history in histories.items():
            evaluations = np.arange(1, len(history[term]) + 1)
            (line,) = axes.plot(evaluations, history[term], label=name, linewidth=1.8)
            curves[name] = line
            for start in getattr(runs[name], "stage_starts", ())[1:]:
                axes.axvline(start + 0.5, color=line.get_color(), linestyle=":", linewidth=1)
        axes.set_yscale("log", nonpositive="mask")
        axes.set(title=f"{term} loss", xlabel="evaluation")
    panels[0, 0].set_ylabel("weighted loss")
    if len(histories) > 1:
        names = ["a run"] * len(histories)
        legend = figure.legend(list(curves.values()), names, loc="outside lower center", ncols=2)
        for text, name in zip(legend.get_texts(), histories, strict=True):
            text.set(text=name, parse_math=False)  # here a name may begin with _, too
    return figure


_HISTORIES = "expected a dict of histories by the name of the run"


def _runs(runs):
    """Make a dict by name of whatever holds one or several runs or their histories."""
    if hasattr(runs, "history") or (
        isinstance(runs, Mapping) and not any(map(_is_run, runs.values()))
    ):
        runs = {"": runs}
    if not isinstance(runs, Mapping) or not runs:
        raise ValueError(f"{_HISTORIES}, got {shown(runs)}")
    return {str(name): run for name, run in runs.items()}


def _histories(runs):
    """Check what is drawn of each run."""
    histories = {name: getattr(run, "history", run) for name, run in runs.items()}
    for name, history in histories.items():
        if not isinstance(history, Mapping) or not history:
            raise ValueError(f"{_HISTORIES}, got {shown(history)} for {shown(name)}")
        histories[name] = {term: _losses(term, losses) for term, losses in history.items()}
    return histories


def _losses(term, losses):
    """One loss for each evaluation, as floats; what has no logarithm is left out of the line."""
    try:
        values = np.asarray(losses)
        is_list = values.ndim == 1 and values.size and values.dtype.kind in "fiu"
    except ValueError:  # lists of several lengths
        is_list = False
    if not is_list:
        raise ValueError(
            f"expected a loss for each evaluation, got {shown(losses)} for {shown(term)}"
        )
    return np.where(values > 0, values, np.nan)


def _is_run(run):
    return hasattr(run, "history") or isinstance(run, Mapping)

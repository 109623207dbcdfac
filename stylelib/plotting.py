"""Figures that several notebooks share, in one style."""

import sys

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler

#: Okabe and Ito's palette, which colour-blind readers can tell apart.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
WIDTH = 9.0  # inches: what fits into a notebook on GitHub

STYLE = {
    "figure.dpi": 80,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}


def use_style():
    """Set Matplotlib up for the notebooks.

    In Jupyter, figures become JPEG: photographs take a fifth of the room they need as PNG.
    """
    plt.rcParams.update(STYLE)
    if "ipykernel" in sys.modules:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("jpeg", pil_kwargs={"quality": 78})


def show_images(images, titles=None, columns=None, width=WIDTH):
    """Draw pictures in rows, all of one height in each row, with a title above each.

    Parameters
    ----------
    images : sequence of numpy.ndarray
        ``(H, W, 3)`` or ``(H, W)``, ``uint8``; drawn as they are, never stretched. Pictures in grey
        are shown from black (0) to white (255).
    titles : sequence of str, optional
    columns : int, optional
        By default all pictures stand in one row.
    width : float
        Of the figure, in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = show_images([np.zeros((4, 6, 3), np.uint8)] * 3, titles=["a", "b", "c"], columns=2)
    >>> [axes.get_title() for axes in figure.axes]
    ['a', 'b', 'c']
    """
    images, columns = list(images), columns or len(images)
    rows = [images[i : i + columns] for i in range(0, len(images), columns)]
    titles = iter([""] * len(images) if titles is None else titles)
    # A last row that is not full keeps the scale of the others: an empty picture fills it up.
    aspects = [[image.shape[1] / image.shape[0] for image in row] for row in rows]
    if len(rows) > 1:
        aspects[-1] += aspects[0][len(rows[-1]) :]
    heights = [(width - 0.1 * columns) / sum(row) + 0.35 for row in aspects]
    figure = plt.figure(figsize=(width, sum(heights)))
    strips = np.atleast_1d(figure.subfigures(len(rows), 1, height_ratios=heights))
    for strip, row, ratios in zip(strips, rows, aspects, strict=True):
        grid = strip.add_gridspec(1, len(ratios), width_ratios=ratios)
        for column, image in enumerate(row):
            axes = strip.add_subplot(grid[column])
            axes.imshow(image, cmap="gray", vmin=0, vmax=255)
            axes.set_title(next(titles))
            axes.set_axis_off()
    return figure


def plot_losses(histories, terms=("total", "style", "content"), width=WIDTH):
    """Draw losses against evaluations on a logarithmic axis, one panel for each term.

    Parameters
    ----------
    histories : dict of str to dict
        `Result.history` by the name of the run.
    terms : sequence of {"total", "style", "content", "tv"}
    width : float
        Of the figure, in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = plot_losses({"L-BFGS": {"total": np.array([100.0, 10.0, 1.0])}}, terms=["total"])
    >>> figure.axes[0].get_yscale()
    'log'
    """
    figure, panels = plt.subplots(
        1, len(terms), figsize=(width, 3.6), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, term in zip(panels[0], terms, strict=True):
        for name, history in histories.items():
            losses = np.asarray(history[term])
            axes.plot(np.arange(1, len(losses) + 1), losses, label=name, linewidth=1.8)
        axes.set_yscale("log", nonpositive="mask")
        axes.set(title=f"{term} loss", xlabel="evaluation")
    panels[0, 0].set_ylabel("weighted loss")
    if len(histories) > 1:
        handles, names = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 2))
    return figure

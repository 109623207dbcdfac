import matplotlib

matplotlib.use("agg")

import io
import itertools
import types
from pathlib import Path

import matplotlib.pyplot as plt
import nbclient
import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from PIL import Image

from stylelib.visualization import plotting
from tests import slow


@pytest.fixture(autouse=True)
def close():
    plt.close("all")  # what other modules have left
    yield
    plt.close("all")


def test_pictures_are_drawn_as_they_are(random):
    images = [random.integers(0, 256, (20, width, 3), dtype=np.uint8) for width in (30, 20, 40)]
    figure = plotting.show_images(images, ["a", "b", "c"], columns=2)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c"]
    for axes, image in zip(figure.axes, images, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), image)
        assert not axes.axison
    figure.canvas.draw()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_pictures_of_a_grid_have_one_size(count):
    figure = plotting.show_images([np.zeros((20, 30, 3), np.uint8)] * count, columns=2)
    figure.canvas.draw()
    boxes = np.array([axes.get_window_extent().size for axes in figure.axes])
    np.testing.assert_allclose(boxes, np.broadcast_to(boxes[0], boxes.shape), rtol=0.05)
    np.testing.assert_allclose(boxes[:, 0] / boxes[:, 1], 1.5, rtol=0.05)


@pytest.mark.parametrize("shape", [(2000, 1), (1, 2000), (1, 1)])
def test_a_thin_picture_makes_no_figure_of_kilometres(shape):
    figure = plotting.show_images([np.zeros((*shape, 3), np.uint8)], ["thin"])
    figure.canvas.draw()
    assert max(figure.get_size_inches()) < 100
    height, width = shape
    box = figure.axes[0].get_window_extent()
    assert box.width / box.height == pytest.approx(width / height, rel=0.05)


@pytest.mark.parametrize(("side", "columns", "factor"), [(128, 3, 2), (10, 3, 28), (400, 3, 0)])
def test_pixels_become_squares_of_one_size(side, columns, factor):
    with plt.rc_context():
        plotting.use_style()
        images = [np.zeros((side // 2, side, 3), np.uint8)] * columns
        figure = plotting.show_images(images, columns=columns, pixels=True)
        figure.canvas.draw()
    for axes in figure.axes:
        assert axes.images[0].get_interpolation() == "nearest"
        drawn = axes.get_window_extent().width
        assert drawn == pytest.approx(factor * side if factor else 290, abs=0.01)


def test_grey_is_not_stretched():
    figure = plotting.show_images([np.full((4, 4), 100, np.uint8)])
    assert figure.axes[0].images[0].get_clim() == (0, 255)


def test_losses_stand_on_a_shared_logarithmic_axis():
    history = {"total": np.array([9.0, 3.0]), "content": np.array([0.0, 2.0])}
    figure = plotting.plot_losses({"one": history, "two": history}, terms=["total", "content"])
    figure.canvas.draw()
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "log"]
    assert [axes.get_title() for axes in figure.axes] == ["total loss", "content loss"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "two"]
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), [1, 2])
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), history["total"])
    limits = [axes.get_ylim() for axes in figure.axes]
    assert limits[0] == limits[1]


@pytest.mark.parametrize("losses", [[0.0, 0.0], [-1.0, 0.0], [float("nan")] * 2])
def test_losses_without_a_logarithm_are_drawn_without_a_warning(losses):
    figure = plotting.plot_losses({"total": losses}, terms="total")
    figure.draw_without_rendering()
    assert np.isnan(figure.axes[0].lines[0].get_ydata()).all()


def test_the_style_is_set():
    with plt.rc_context():
        plotting.use_style()
        assert plt.rcParams["axes.spines.top"] is False
        plotting.use_style(dpi=200)
        assert plt.rcParams["figure.dpi"] == 200


@pytest.fixture
def shown_in_jupyter(monkeypatch):
    """A function: the files that Jupyter gets of a figure, once the style is set."""
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr("matplotlib_inline.backend_inline.set_matplotlib_formats", lambda _: None)
    monkeypatch.setitem(plotting.sys.modules, "ipykernel", plotting)
    with plt.rc_context():
        plotting.use_style()

    def files(figure):
        data, _ = shell.display_formatter.format(figure)
        return {key: file for key, file in data.items() if key.startswith("image")}

    return files


def test_in_jupyter_pictures_become_jpeg_and_charts_png(shown_in_jupyter):
    picture = plotting.show_images([np.zeros((4, 6, 3), np.uint8)])
    chart, axes = plt.subplots()
    axes.plot([1, 2])
    pinned, axes = plt.subplots()
    image = OffsetImage(np.zeros((4, 6, 3), np.uint8))
    axes.add_artist(AnnotationBbox(image, (0.5, 0.5)))
    squares = plotting.show_images([np.zeros((4, 6, 3), np.uint8)], pixels=True)
    fine = plotting.show_images([np.zeros((4, 600, 3), np.uint8)], pixels=True)
    kinds = ((picture, "image/jpeg"), (chart, "image/png"), (pinned, "image/jpeg"))
    kinds += ((squares, "image/png"), (fine, "image/jpeg"))
    for figure, kind in kinds:
        assert list(shown_in_jupyter(figure)) == [kind]


def test_a_chart_keeps_a_colour_of_few_pixels(shown_in_jupyter):
    chart, axes = plt.subplots(figsize=(7, 4), dpi=120)
    for place, color in enumerate(plotting.PALETTE):
        axes.plot(place, place, "o", color=color, markersize=3 if place == 0 else 20)
    file = io.BytesIO(shown_in_jupyter(chart)["image/png"])
    seen = np.unique(np.asarray(Image.open(file).convert("RGB")).reshape(-1, 3), axis=0)
    for color in plotting.PALETTE:
        wanted = np.round(255 * np.array(matplotlib.colors.to_rgb(color)))
        assert np.abs(seen - wanted).max(axis=1).min() <= 4


def test_a_figure_between_two_formats_gets_one_of_them(shown_in_jupyter, monkeypatch):
    measured = itertools.cycle(["pixels", "photographs", "photographs"])
    monkeypatch.setattr(plotting, "_kind", lambda figure: next(measured))
    figure = plotting.show_images([GREY], pixels=True)
    assert [len(shown_in_jupyter(figure)) for _ in range(4)] == [1] * 4


GREY = np.full((4, 6, 3), 100, np.uint8)
HISTORY = {"total": np.array([9.0, 3.0]), "style": np.ones(2), "content": np.ones(2)}
RESULT = types.SimpleNamespace(image=GREY, history=HISTORY)


@pytest.mark.parametrize(
    ("images", "count"),
    [
        (GREY, 1),
        (GREY[:, :, 0], 1),
        (GREY[None], 1),
        (np.stack([GREY, GREY]), 2),
        (np.stack([GREY[:, :, 0]] * 3), 3),
        (Image.fromarray(GREY), 1),
        ([Image.fromarray(GREY), GREY / 255, GREY.astype(np.float32)], 3),
        ([GREY[None], GREY.astype(np.int64)], 2),
        (RESULT, 1),
        ([RESULT, GREY], 2),
        ((picture for picture in (GREY, GREY)), 2),
        ({"a": GREY, "b": RESULT}, 2),
        ({"a": GREY}.values(), 1),
    ],
)
def test_whatever_holds_pictures_is_shown(images, count):
    axes = plotting.show_images(images).axes
    assert len(axes) == count
    for drawn in axes:
        np.testing.assert_array_equal(np.asarray(drawn.images[0].get_array()).max(), 100)


def test_files_and_tensors_are_shown(tmp_path):
    tf = pytest.importorskip("tensorflow")
    Image.fromarray(GREY).save(tmp_path / "a.png")
    for source in (str(tmp_path / "a.png"), tmp_path / "a.png", tf.constant(GREY)):
        assert len(plotting.show_images(source).axes) == 1
    assert len(plotting.show_images([tmp_path / "a.png", tf.constant(GREY)[None]]).axes) == 2


NAMES = [r"a$\b$c", "_a", "a$b$c", "_", "a_b^c"]


@pytest.mark.parametrize("name", slow.params(NAMES, lambda name: name not in NAMES[:2]))
def test_names_are_shown_as_they_are(name):
    figure = plotting.show_images([GREY], [name])
    assert figure.axes[0].title.get_text() == name
    losses = plotting.plot_losses({name: HISTORY, "b": HISTORY})
    texts = losses.legends[0].get_texts()
    assert [text.get_text() for text in texts] == [name, "b"]
    for drawn in (figure, losses):
        drawn.canvas.draw()  # which fails on a formula that is none
    for text in (figure.axes[0].title, texts[0]):
        assert not text.get_parse_math()


@pytest.mark.parametrize(
    ("count", "columns"),
    [
        *[(1, 10**9), (3, 10**9), (20, None), (30, 15)],
        pytest.param(100, None, marks=pytest.mark.slow),
        pytest.param(200, 100, marks=pytest.mark.slow),
    ],
)
def test_any_number_of_columns(count, columns):
    figure = plotting.show_images([GREY] * count, columns=columns)
    assert len(figure.axes) == count
    assert figure.get_figheight() > 0.35 * -(-count // (columns or count))


def test_titles_are_names_or_as_many_as_pictures():
    figure = plotting.show_images({"a": GREY, "b": GREY})
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    assert plotting.show_images(GREY, "one").axes[0].get_title() == "one"
    assert plotting.show_images([GREY], [3]).axes[0].get_title() == "3"
    for titles in (["a"], ["a", "b", "c"], "ab", []):
        with pytest.raises(ValueError, match="expected 2 titles, one for each picture, got"):
            plotting.show_images([GREY, GREY], titles)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plotting.show_images([]), "expected at least one picture, got none"),
        (lambda: plotting.show_images({}), "expected at least one picture, got none"),
        (lambda: plotting.show_images(5), "expected a list of pictures, got 5"),
        (lambda: plotting.show_images(None), "expected a list of pictures, got None"),
        (lambda: plotting.show_images([None]), "expected a path, .* got a NoneType"),
        (lambda: plotting.show_images([GREY - 200.0]), "expected floats between 0 and 1"),
        (lambda: plotting.show_images(["gone.png"]), "gone.png: there is no such file"),
        (lambda: plotting.show_images([GREY], 5), "expected a list of titles, got 5"),
        (lambda: plotting.show_images([GREY], columns=0), "expected columns as a whole number"),
        (lambda: plotting.show_images([GREY], width=0), "expected width as a number above 0"),
        (lambda: plotting.plot_losses({}), "expected a dict of histories .*, got {}"),
        (lambda: plotting.plot_losses([1, 2]), "expected a dict of histories"),
        (lambda: plotting.plot_losses([RESULT]), "expected a dict of histories"),
        (lambda: plotting.plot_losses(GREY), "expected a dict of histories .*an array of shape"),
        (lambda: plotting.plot_losses({"a": RESULT, "b": 5}), "got 5 for 'b'"),
        (lambda: plotting.plot_losses({"a": {"total": 5.0}}), "for each evaluation, got 5.0"),
        (lambda: plotting.plot_losses({"total": [[1], [1, 2]]}), "for each evaluation, got"),
        (lambda: plotting.plot_losses({"total": [None, {}]}), "for each evaluation, got"),
        (lambda: plotting.plot_losses({"total": ["a", "b"]}), "for each evaluation, got"),
        (lambda: plotting.plot_losses({"total": [1j, 2j]}), "for each evaluation, got"),
        (lambda: plotting.plot_losses(HISTORY, ["tv"]), "a term of the loss .* style or content"),
        (lambda: plotting.plot_losses(HISTORY, []), "expected at least one term"),
        (lambda: plotting.plot_losses(HISTORY, 5), "expected a list of terms of the loss, got 5"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 300
    assert not plt.get_fignums()  # nothing half-drawn is left for the end of a cell


@pytest.mark.parametrize("runs", [HISTORY, RESULT, {"a": RESULT}, {"a": HISTORY}])
def test_one_run_needs_no_name(runs):
    figure = plotting.plot_losses(runs)
    assert [len(axes.lines) for axes in figure.axes] == [1, 1, 1]
    assert len(plotting.plot_losses(runs, "total").axes) == 1


CELLS = {
    "show_images([x])": 1,
    "figure = show_images(x)\nfigure.axes[0].set_title('a')\nplt.show()": 1,
    "show_images([x]);": 1,
    "plot_losses(history)": 1,
    "figure": 1,  # once more, as it was shown before
    "figure.savefig(io.BytesIO())\nfigure.axes[0].get_title()": 0,
    "show_images([x])\nplot_losses(history)": 2,
    "plt.figure(); plt.plot([1, 2])\nshow_images([x])": 2,
    "for _ in range(2):\n    show_images([x])\nplt.show()": 2,
    "from IPython.display import display\ndisplay(show_images([x]))": 1,
    "[show_images([x])]": 1,
}
SETUP = """import io, numpy as np, matplotlib.pyplot as plt
from stylelib.visualization.plotting import plot_losses, show_images, use_style
x, history = np.zeros((4, 6, 3), np.uint8), {"total": [9, 3], "style": [1, 1], "content": [1, 1]}
"""


@pytest.mark.slow
@pytest.mark.parametrize("style", ["use_style()", ""])
def test_a_notebook_shows_every_figure_once_and_in_order(style):
    cells = [nbformat.v4.new_code_cell(source) for source in [SETUP + style, *CELLS]]
    notebook = nbformat.v4.new_notebook(cells=cells)
    folder = {"metadata": {"path": str(Path(plotting.__file__).parents[2])}}
    nbclient.NotebookClient(notebook, kernel_name="python3", resources=folder).execute()
    shown = [
        [[kind for kind in output.data if kind.startswith("image/")] for output in cell.outputs
         if output.output_type in ("display_data", "execute_result")]
        for cell in notebook.cells[1:]
    ]  # fmt: skip
    for source, outputs in zip(CELLS, shown, strict=True):
        assert sum(map(bool, outputs)) == CELLS[source], source
    if style:  # a chart is a PNG, a picture a JPEG: they come in the order of the lines
        both = dict(zip(CELLS, shown, strict=True))
        assert both["show_images([x])\nplot_losses(history)"] == [["image/jpeg"], ["image/png"]]


def test_dotted_lines_mark_the_stages_of_a_result():
    history = {"total": np.array([3.0, 2.0, 5.0, 1.0])}
    staged = types.SimpleNamespace(history=history, stage_starts=(0, 2))
    figure = plotting.plot_losses({"three sizes": staged, "one": history}, terms=["total"])
    lines = figure.axes[0].lines
    assert len(lines) == 3
    assert list(lines[1].get_xdata()) == [2.5, 2.5]

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from stylelib.visualization import plotting


@pytest.fixture(autouse=True)
def close():
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


def test_grey_is_not_stretched():
    figure = plotting.show_images([np.full((4, 4), 100, np.uint8)])
    assert figure.axes[0].images[0].get_clim() == (0, 255)


def test_layers_stand_by_block_and_convolution():
    layers = ["block1_conv2", "conv3_1", "conv3_2"]
    images = {layer: np.full((4, 6), i, np.uint8) for i, layer in enumerate(layers)}
    figure = plotting.show_layers(images, {"conv3_1": "5 %"}, rows=["first", "second"])
    figure.canvas.draw()
    drawn = {axes.get_title(): axes for axes in figure.axes if axes.images}
    assert sorted(drawn) == ["conv1_2", "conv3_1 · 5 %", "conv3_2"]
    for value, title in enumerate(sorted(drawn)):
        assert drawn[title].images[0].get_array()[0, 0] == value
    corners = [drawn[title].get_window_extent().p0 for title in sorted(drawn)]
    (x12, y12), (x31, y31), (x32, y32) = corners
    assert x12 < x31  # block 1 left of block 3
    assert x31 == pytest.approx(x32, abs=1)
    assert y31 > y32  # the first convolution above the second
    assert y12 == pytest.approx(y32, abs=1)
    assert [strip.get_supylabel() for strip in figure.subfigs] == ["first", "second"]


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


def test_the_style_is_set():
    with plt.rc_context():
        plotting.use_style()
        assert plt.rcParams["axes.spines.top"] is False
        plotting.use_style(dpi=200)
        assert plt.rcParams["figure.dpi"] == 200


def test_in_jupyter_pictures_become_jpeg_and_charts_png(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr("matplotlib_inline.backend_inline.set_matplotlib_formats", lambda _: None)
    monkeypatch.setitem(plotting.sys.modules, "ipykernel", plotting)
    with plt.rc_context():
        plotting.use_style()
    picture = plotting.show_images([np.zeros((4, 6, 3), np.uint8)])
    chart, axes = plt.subplots()
    axes.plot([1, 2])
    pinned, axes = plt.subplots()
    image = OffsetImage(np.zeros((4, 6, 3), np.uint8))
    axes.add_artist(AnnotationBbox(image, (0.5, 0.5)))
    kinds = ((picture, "image/jpeg"), (chart, "image/png"), (pinned, "image/jpeg"))
    for figure, kind in kinds:
        data, _ = shell.display_formatter.format(figure)
        assert [key for key in data if key.startswith("image")] == [kind]

"""Controls for trying a style transfer by hand, with a picture that changes while it is painted.

For JupyterLab and Colab, which have ipywidgets; no other part of the library needs them.
"""

import base64
import html
import io
import threading
from collections.abc import Mapping

import ipywidgets as widgets
from PIL import Image

from stylelib._utils.checks import check_count, one_line, shown
from stylelib.api import transfer
from stylelib.images.load import load_image
from stylelib.preprocessing import deprocess
from stylelib.recipes.published import RECIPES
from stylelib.runs.job import STRENGTHS
from stylelib.training import StopRun
from stylelib.vgg.weights import DATA

CONTENT_IMAGES = ("summer_palace", "chelsea", "astronaut", "coffee", "rocket")
STYLE_IMAGES = ("starry_night", "stained_glass", "wave", "swirls", "burning_sky", "points", "ink")
STYLE_LAYERS = RECIPES["multiscale"].style_layers
SIZES = (96, 128, 160, 224, 320)


class Playground(widgets.HBox):
    """Controls on the left, the picture on the right.

    Pictures of one's own are uploaded with the buttons below the lists. The transfer runs in a
    thread of its own, so that Stop works while it does. Of what is painted there is a link that
    saves it, and `result`, the `Result`.

    Parameters
    ----------
    content, style : dict of str to a picture, optional
        Names to choose from, with whatever `load_image` takes; by default pictures of this series.
    steps : int
        Evaluations of the loss.

    Examples
    --------
    >>> playground = Playground(steps=3)
    >>> playground.size.value = 96
    >>> playground.start.click()
    >>> playground.wait()
    >>> playground.note.value
    'all 3 evaluations done'
    """

    def __init__(self, content=None, style=None, steps=200):
        check_count("steps", steps)
        self.contents = (
            _shipped(CONTENT_IMAGES) if content is None else _checked("content", content)
        )
        self.styles = _shipped(STYLE_IMAGES) if style is None else _checked("style", style)
        self.steps = steps
        self.result = None
        self._thread = None
        self._stopped = threading.Event()

        self.content = _choice("content", self.contents)
        self.style = _choice("style", self.styles)
        self.own_content, self.own_style = _upload("photograph"), _upload("painting")
        self.own_content.observe(lambda change: self._add("content"), "value")
        self.own_style.observe(lambda change: self._add("style"), "value")
        self.strength = widgets.FloatSlider(
            STRENGTHS["medium"], min=0.05, max=0.95, step=0.01, description="strength"
        )
        self.layers = widgets.SelectMultiple(
            options=STYLE_LAYERS, value=STYLE_LAYERS, rows=5, description="layers"
        )
        self.size = widgets.Dropdown(options=SIZES, value=160, description="size")
        self.start = widgets.Button(description="Start", button_style="primary", icon="play")
        self.stop = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.note = widgets.Label("Choose, and press Start.")
        self.save = widgets.HTML()
        # Beside taller controls the picture would be stretched to their height.
        self.picture = widgets.Image(format="png", width=420, layout={"align_self": "flex-start"})
        self.start.on_click(self._start)
        self.stop.on_click(lambda button: self._stopped.set())
        controls = [self.content, self.own_content, self.style, self.own_style]
        controls += [self.strength, self.layers, self.size]
        controls += [widgets.HBox([self.start, self.stop]), self.note, self.save]
        super().__init__([widgets.VBox(controls, layout={"flex": "0 0 320px"}), self.picture])

    def wait(self):
        """Wait until the transfer has ended."""
        if self._thread is not None:
            self._thread.join()

    def _add(self, role):
        """Put a picture that was uploaded into its list, and choose it."""
        upload, choice = getattr(self, f"own_{role}"), getattr(self, role)
        pictures = {"content": self.contents, "style": self.styles}[role]
        for name, data in _uploaded(upload.value):
            try:
                pictures[name] = load_image(data)
            except ValueError as error:
                self.note.value = f"{name}: {one_line(error)}"
            else:
                choice.options = list(pictures)
                choice.value = name

    def _start(self, button):
        self.start.disabled, self.stop.disabled = True, False
        self.note.value = "Looking for the style weight …"
        self.save.value = ""
        self._stopped.clear()
        # What is chosen now counts, whatever is clicked later.
        pictures = self.contents[self.content.value], self.styles[self.style.value]
        settings = {
            "style_layers": self.layers.value,
            "strength": self.strength.value,
            "size": self.size.value,
        }
        self._thread = threading.Thread(target=self._paint, args=(pictures, settings), daemon=True)
        self._thread.start()

    def _paint(self, pictures, settings):
        try:
            self.result = transfer(
                *pictures,
                steps=self.steps,
                callback=self._show,
                search_callback=self._search,
                progress=False,
                **settings,
            )
            self.picture.value = _png(self.result.image)
            self.note.value = self.result.stop_reason
            self.save.value = _link(self.picture.value)
        except Exception as error:  # a thread has no other place to say it
            self.note.value = str(error)
        finally:
            self.start.disabled, self.stop.disabled = False, True

    def _search(self, evaluation, losses, x):
        """End the search for the style weight if Stop was pressed; then `_show` ends the run."""
        self.note.value = f"Looking for the style weight … loss {losses['total']:.2e}"
        if self._stopped.is_set():
            raise StopRun

    def _show(self, evaluation, losses, x):
        """Show the picture as it is, and end the run if Stop was pressed."""
        self.picture.value = _png(deprocess(x))
        self.note.value = f"evaluation {evaluation} of {self.steps}, loss {losses['total']:.2e}"
        if self._stopped.is_set():
            raise StopRun


def _shipped(names):
    return {name.replace("_", " "): DATA / "images" / f"{name}.jpg" for name in names}


def _checked(role, pictures):
    if not isinstance(pictures, Mapping) or not pictures:
        raise ValueError(f"expected {role} as a dict of pictures by name, got {shown(pictures)}")
    return {str(name): picture for name, picture in pictures.items()}


def _choice(role, pictures):
    return widgets.Dropdown(options=list(pictures), description=role)


def _upload(what):
    about = {"description": f"your {what}", "layout": {"width": "auto"}}
    return widgets.FileUpload(accept="image/*", multiple=False, **about)


def _uploaded(value):
    """Name and bytes of each file; ipywidgets 7, as in Colab, has a dict of them by name."""
    if isinstance(value, Mapping):
        return [(name, bytes(file["content"])) for name, file in value.items()]
    return [(file["name"], bytes(file["content"])) for file in value]


def _link(png):
    """A link that saves a picture, whatever machine the notebook runs on."""
    data = base64.b64encode(png).decode("ascii")
    about = html.escape('or save_image("painted.png", playground.result.image)')
    link = f'<a download="painted.png" href="data:image/png;base64,{data}">Save the picture</a>'
    return f"{link}, {about}"


def _png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()

"""What several test modules use."""

import contextlib
import http.server
import signal
import threading

import numpy as np
import pytest
from hypothesis import settings

from stylelib.images.load import load_image
from stylelib.vgg.weights import DATA
from tools.malformed import register_formats

# TensorFlow's first call of everything is slow, so a deadline would only fail at random.
settings.register_profile("full", deadline=None, max_examples=50)
settings.register_profile("fast", deadline=None, max_examples=8, derandomize=True)
settings.load_profile("full")  # unless another is asked for by --hypothesis-profile

register_formats()  # so that tests see what can be written

# A shell lets its background jobs ignore Ctrl-C, and what the tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def float32(monkeypatch):
    """Let ``precision="auto"`` mean float32, so that no test's numbers depend on the machine."""
    monkeypatch.setattr("stylelib.vgg.precision.fastest", lambda: ("float32", "tests ask for it"))


@pytest.fixture
def small_network(monkeypatch):
    """Put `SmallNetwork` inside every `VGG`, where what is around it is tested."""
    from tests.small_network import use_small_network  # and TensorFlow, not before it is needed

    use_small_network(monkeypatch)


SMALL_OR_VGG = ["small", pytest.param("vgg", marks=pytest.mark.slow)]


@pytest.fixture(params=SMALL_OR_VGG)
def either_network(request):
    """Run a test with `SmallNetwork`, and again, among the slow ones, with VGG itself."""
    if request.param == "small":
        request.getfixturevalue("small_network")


@pytest.fixture(params=SMALL_OR_VGG)
def either_search(request):
    """Find a weight for a strength by a formula, and again, among the slow tests, by painting."""
    if request.param == "small":
        request.getfixturevalue("formula_search")
    return request.param


@pytest.fixture
def formula_search(small_network, monkeypatch):
    """Find a weight for a strength by a formula, where what is around the search is tested."""
    from tests.small_network import search_by_formula

    search_by_formula(monkeypatch)


@pytest.fixture
def few_images(monkeypatch):
    """Take the means of the normalised network over two pictures."""
    monkeypatch.setattr("stylelib.vgg.network.REFERENCE_IMAGES", ("brick.png", "ink.jpg"))


@pytest.fixture(scope="session")
def content_image():
    return load_image(DATA / "images" / "summer_palace.jpg", size=(43, 64))


@pytest.fixture(scope="session")
def style_image():
    return load_image(DATA / "images" / "starry_night.jpg", size=(51, 64))


@pytest.fixture
def serve(monkeypatch):
    """Serve a dict of path -> bytes (or a function of the request) on 127.0.0.1."""
    monkeypatch.setenv("no_proxy", "*")
    with contextlib.ExitStack() as stack:

        def start(answers, context=None):
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    answer = answers.get(self.path)
                    if callable(answer):
                        answer(self)
                        return
                    self.send_response(404 if answer is None else 200)
                    self.send_header("Content-Length", str(len(answer or b"")))
                    self.end_headers()
                    self.wfile.write(answer or b"")

                def log_message(self, *arguments):
                    pass

            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.handle_error = lambda *_: None  # a client that hangs up is part of some tests
            if context is not None:
                server.socket = context.wrap_socket(server.socket, server_side=True)
            # It looks this often, in seconds, whether it is to end: by itself twice a second.
            looks = {"poll_interval": 0.01}
            thread = threading.Thread(target=server.serve_forever, kwargs=looks, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"

        yield start

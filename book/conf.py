"""Settings of Sphinx for the book; `tools/book.py` lays out its sources and calls it."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from stylelib import __version__  # noqa: E402
from tools.first_use import link_first_uses  # noqa: E402
from tools.mathml import FONT  # noqa: E402

project = "Neural style transfer, layer by layer"
author = "The authors of “Neural style transfer, layer by layer”"
release = __version__
repository = os.environ.get("REPOSITORY", "")

extensions = [
    *("myst_nb", "sphinx_design", "sphinx_copybutton"),
    *("sphinx.ext.autodoc", "sphinx.ext.napoleon", "tools.mathml"),
]
html_math_renderer = "mathml"
nb_execution_mode = "off"
nb_render_markdown_format = "myst"  # CommonMark, the default, has no tables
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
# Links to files of the checkout are addresses already.
myst_url_schemes = {"http": None, "https": None, "mailto": None, "checkout": {"url": "{{path}}"}}
# A notebook may begin a part with a deeper heading. Releases of sphinx_design differ in how a card
# has a footer; all of them know +++.
suppress_warnings = ["myst.header", "design.card_legacy"]

default_role = "py:obj"  # `name` in a docstring leads to that name
autodoc_typehints = "none"  # docstrings say more
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["_static", str(FONT)]
html_css_files = ["book.css"]
html_js_files = [("book.js", {"defer": "defer"})]
html_context = {"default_mode": "auto"}
html_copy_source = True
html_last_updated_fmt = None
html_show_search_summary = False  # a browser fetches none from a folder
html_show_sphinx = False
pygments_style = "a11y-high-contrast-light"
html_theme_options = {
    "repository_url": repository,
    "repository_branch": os.environ.get("BRANCH", ""),
    "use_repository_button": bool(repository),
    "launch_buttons": {"colab_url": "https://colab.research.google.com"} if repository else {},
    "navbar_persistent": [],
    "use_download_button": True,
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def setup(app):
    """Let the first use of a word lead to the glossary; Sphinx calls this."""
    app.connect("doctree-read", link_first_uses)

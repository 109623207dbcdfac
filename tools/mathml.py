r"""Formulas of the book as MathML, which browsers typeset themselves: no script, no other host.

MathML has no `\tag`, and browsers take calligraphic letters as characters of their own, so both
are seen to here. The font comes with ziamath.
"""

import importlib.util
import re
import unicodedata
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

FONT = Path(importlib.util.find_spec("ziamath").origin).parent / "fonts" / "STIXTwoMath-Regular.ttf"
TAG = re.compile(r"\\tag\{(.+?)\}")
CALLIGRAPHIC = re.compile(r"\\mathcal\s*(?:\{([A-Z])\}|([A-Z]))")
SPACED = re.compile(r"\\(log|ln)(?![a-z])(?=\s*[\w\\])")  # d log C, but not log(C)


def setup(app):
    """Make this the renderer; Sphinx calls it."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def visit_inline(translator, node):
    """Write a formula within a line."""
    translator.body.append(f'<span class="math">{mathml(node.astext(), "inline")}</span>')
    raise nodes.SkipNode


def visit_display(translator, node):
    """Write a displayed formula, with its number at the right edge."""
    tex = node.astext()
    tag = "".join(f'<span class="tag">({number})</span>' for number in TAG.findall(tex))
    formula = mathml(TAG.sub("", tex), "block")
    translator.body.append(f'<div class="math" tabindex="0">{formula}{tag}</div>')
    raise nodes.SkipNode


def mathml(tex, display):
    r"""Translate a formula.

    >>> mathml(r"\mathcal L", "inline").count("ℒ")
    1
    """
    tex = CALLIGRAPHIC.sub(lambda match: script(match[1] or match[2]), tex)
    markup = convert(SPACED.sub(r"\\,\\\1\\,", tex), display=display)
    markup = markup.replace("&#x0007E;", "&#x0223C;")  # the relation, not the character ~
    # As operators, names would have wide spaces on both sides.
    return re.sub(r"<mo>([a-z]{2,})</mo>", r"<mi>\1</mi>", markup)


def script(letter):
    """The calligraphic form of a capital letter."""
    for name in ("SCRIPT CAPITAL", "MATHEMATICAL SCRIPT CAPITAL"):
        try:
            return unicodedata.lookup(f"{name} {letter}")
        except KeyError:
            continue
    return letter

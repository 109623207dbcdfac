"""In each page of the book, the first use of a word of the glossary leads to its explanation."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref

GLOSSARY = Path(__file__).parent.parent / "book" / "glossary.md"
# Text in these is no prose, or leads elsewhere already.
SKIPPED = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.raw,
    pending_xref,
)


def link_first_uses(app, doctree):
    """Make links of the first uses; Sphinx calls this for each page that it has read."""
    if app.env.docname.startswith("notebooks/"):
        unused = terms()
        for text in list(doctree.findall(nodes.Text)):
            if not inside(text, SKIPPED) and inside(text, nodes.paragraph):
                text.parent.replace(text, list(linked(str(text), unused)))
        link_symbols(doctree)


def terms():
    """The words of the glossary, longest first, so that one of several words comes first."""
    glossary = re.search(r"```\{glossary\}\n(.+?)```", GLOSSARY.read_text(encoding="utf-8"), re.S)
    words = re.findall(r"^(\S.*)$", glossary.group(1), re.M)
    return sorted(words, key=len, reverse=True)


def linked(text, unused):
    """Parts of a text; the first use of a word is a link, and the word is `unused` no more."""
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, unused)) + r")\b", re.I)
    match = pattern.search(text) if unused else None
    if match is None:
        yield nodes.Text(text)
        return
    yield nodes.Text(text[: match.start()])
    yield link(match.group(), "term", match.group(), nodes.Text(match.group()))
    unused.remove(next(word for word in unused if word.lower() == match.group().lower()))
    yield from linked(text[match.end() :], unused)


def link_symbols(doctree):
    """Let the first formula of a page that is not displayed lead to the list of symbols."""
    for formula in doctree.findall(nodes.math):
        if not inside(formula, SKIPPED):
            reference = link("notation", "ref", formula.astext(), formula.deepcopy())
            formula.parent.replace(formula, reference)
            return


def link(target, kind, title, content):
    options = {"refdomain": "std", "reftype": kind, "reftarget": target, "refexplicit": True}
    return pending_xref("", content, refwarn=True, classes=["first-use"], **options)


def inside(node, kinds):
    while node := node.parent:
        if isinstance(node, kinds):
            return True
    return False

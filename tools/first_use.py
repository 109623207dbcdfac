"""In each page of the book, the first use of a word of the glossary leads to its explanation."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref

GLOSSARY = Path(__file__).parent.parent / "book" / "glossary.md"
# Text in these is no prose, or leads elsewhere already.
SKIPPED = (nodes.title, nodes.reference, nodes.literal, nodes.raw, pending_xref)


def link_first_uses(app, doctree):
    """Make links of the first uses; Sphinx calls this for each page that it has read."""
    if app.env.docname.startswith("notebooks/"):
        unused = terms()
        for text in list(doctree.findall(nodes.Text)):
            if not inside(text, SKIPPED) and inside(text, nodes.paragraph):
                text.parent.replace(text, list(linked(str(text), unused)))
        address = app.builder.get_relative_uri(app.env.docname, "glossary")
        link_symbols(doctree, f"{address}#notation")


def terms():
    """The words of the glossary, longest first, so that one of several words comes first."""
    glossary = re.search(r"```\{glossary\}\n(.+?)```", GLOSSARY.read_text(encoding="utf-8"), re.S)
    words = re.findall(r"^(\S.*)$", glossary.group(1), re.M)
    return sorted(words, key=len, reverse=True)


def linked(text, unused):
    """Parts of a text; the first use of a word is a link, and the word is `unused` no more."""
    for word in unused:
        if match := re.search(rf"\b{inflected(word)}\b", text, re.I):
            unused.remove(word)
            yield from linked(text[: match.start()], unused)
            yield link(word, match.group())
            yield from linked(text[match.end() :], unused)
            return
    yield nodes.Text(text)


def inflected(word):
    """A pattern for a noun in singular and plural.

    >>> bool(re.fullmatch(inflected("Gram matrix"), "Gram matrices"))
    True
    """
    stem = re.escape(word)
    return stem[:-1] + "(?:x|ces)" if stem.endswith("x") else stem + "s?"


def link_symbols(doctree, address):
    """Let the first formula of a page that is not displayed lead to the list of symbols.

    The link is made here, not by Sphinx: its own keeps the text of a formula, and not the formula.
    """
    for formula in doctree.findall(nodes.math):
        if not inside(formula, SKIPPED):
            inner = formula.deepcopy()
            reference = nodes.reference("", "", inner, internal=True, refuri=address)
            reference["classes"].append("first-use")
            reference["reftitle"] = "the list of symbols"  # read aloud, a formula may be nothing
            formula.parent.replace(formula, reference)
            return


def link(word, text):
    options = {"refdomain": "std", "reftype": "term", "reftarget": word, "refexplicit": True}
    content = nodes.Text(text)
    return pending_xref("", content, refwarn=True, classes=["first-use"], **options)


def inside(node, kinds):
    while node := node.parent:
        if isinstance(node, kinds):
            return True
    return False

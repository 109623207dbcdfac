"""Pages of the book are there to be read while later notebooks still run; nothing is left out."""

import os
import re
import subprocess
from pathlib import Path

import nbformat
import pytest
from docutils import nodes

from tools import book, build, first_use, mathml
from tools.remote import Published

ROOT = Path(__file__).parent.parent


def notebook(*sources, title="# 01 · Title\n\n| first | reading | running | download |"):
    title += (
        "\n|---|---|---|---|\n| [00](00_a.ipynb), arrays | 35 minutes | 0.2 minutes | nothing |"
    )
    cells = [nbformat.v4.new_markdown_cell(title)]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture
def committed():
    paths = [ROOT / "notebooks" / f"{name}.ipynb" for name in ("00_a", "01_b", "solutions/00_a")]
    return {path: notebook("1") for path in paths}


@pytest.fixture
def builds(monkeypatch):
    """Count Sphinx's runs in place of running it; `make test-site` does."""
    found = []
    monkeypatch.setattr(book.Book, "build", lambda self, strict=False: found.append(self))
    monkeypatch.setattr(book, "published", lambda: None)
    return found


def source(folder, name):
    return (folder.parent / "book" / folder.name / "source" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_has_run_stays_readable_whatever_comes_after_it(error, committed, builds, tmp_path):
    first = next(iter(committed))

    def runs():
        ran = notebook("2")
        ran.metadata["seconds"] = 90
        yield first, ran
        raise error

    pages = build.write_pages(tmp_path / "tutorial", committed, runs())
    assert next(pages) == tmp_path / "tutorial" / "index.html"
    assert "came with the repository" in source(tmp_path / "tutorial", "notebooks/00_a.ipynb")
    assert next(pages) == tmp_path / "tutorial" / "notebooks" / "00_a.html"
    with pytest.raises(error):
        next(pages)
    assert len(builds) == 2
    assert "came with the repository" not in source(tmp_path / "tutorial", "notebooks/00_a.ipynb")
    assert "came with the repository" in source(tmp_path / "tutorial", "notebooks/01_b.ipynb")
    assert "1.5 minutes here" in source(tmp_path / "tutorial", "index.md")


def test_a_site_says_nothing_of_runs_and_names_every_page(committed, builds, tmp_path):
    assert len(list(build.write_pages(tmp_path / "site", committed))) == len(builds) == 1
    index = source(tmp_path / "site", "index.md")
    for path in committed:
        name = path.relative_to(ROOT).with_suffix("").as_posix()
        assert index.count(f"\n{name}\n") == 1
        assert "came with" not in source(tmp_path / "site", f"{name}.ipynb")
    for text in ("01 · Title", "35 minutes to read · 0.2 minutes to run", "First: 00, arrays"):
        assert text in index
    assert not re.search("PICTURE|ALT|CREDIT|CARDS|CHAPTERS|SOLUTIONS", index)


def test_a_document_that_the_students_edition_lacks_is_no_page(
    committed, builds, tmp_path, monkeypatch
):
    present = [name for name in book.PAGES if name != "docs/quiz-answers.md"]
    monkeypatch.setattr(book, "DOCUMENTS", present)
    list(build.write_pages(tmp_path / "site", committed))
    assert "docs/quiz\n" in (index := source(tmp_path / "site", "index.md"))
    assert "quiz-answers" not in index
    assert not (tmp_path / "book" / "site" / "source" / "docs" / "quiz-answers.md").exists()


def test_every_public_name_is_on_the_page_of_the_library():
    import stylelib

    names = re.findall(r"^\.\. auto\w+:: stylelib\.(\w+)$", book.api(), re.M)
    assert sorted(names) == sorted(stylelib.__all__)


@pytest.mark.parametrize(
    ("published", "link", "moved"),
    [
        (None, "01_b.ipynb", "01_b.ipynb"),
        (None, "../data/README.md", "../data/README.md"),
        (None, "../README.md", "../index.md"),
        (Published("you/fork", "main"), "../stylelib", "https://github.com/you/fork/tree/main/stylelib"),
        (Published("a/b", "x"), "../LICENSE", "https://github.com/a/b/blob/x/LICENSE"),
        (None, "https://x.org/", "https://x.org/"),
    ],
)  # fmt: skip
def test_links_lead_to_pages_or_to_the_repository(published, link, moved, tmp_path, monkeypatch):
    monkeypatch.setattr(book, "published", lambda: published)
    text = book.Book(tmp_path / "site", tmp_path)._moved(
        f"[a]({link}) ![b](../data/results/shelf.jpg)\n```\n[c](../stylelib)\n```\n",
        ROOT / "notebooks" / "00_a.ipynb",
    )
    assert f"[a]({moved})" in text
    assert "[c](../stylelib)" in text
    assert (tmp_path / "source" / "data" / "results" / "shelf.jpg").is_file()


def test_without_an_address_a_link_leads_into_the_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(book, "published", lambda: None)
    made = book.Book(tmp_path / "site", tmp_path)
    path = ROOT / "notebooks" / "00_a.ipynb"
    link = re.search(r"checkout:([^)]+)", made._moved("[a](../stylelib/losses.py)", path)).group(1)
    assert Path(os.path.normpath(made.page(path).parent / link)) == ROOT / "stylelib" / "losses.py"


def test_the_card_prefers_a_picture_to_a_chart():
    made = notebook("1", "2", "3")
    for cell, kind in zip(made.cells[1:], ("jpeg", "png", "png"), strict=True):
        cell.metadata["alt"] = kind
        data = {f"image/{kind}": {"jpeg": "/9j/", "png": "iVBORw0KGgo="}[kind]}
        cell.outputs = [nbformat.v4.new_output("display_data", data)]
    assert book.card_picture(made) == ("jpeg", b"\xff\xd8\xff", "jpeg")
    made.cells[2].metadata["tags"] = ["card"]
    assert book.card_picture(made)[::2] == ("png", "png")
    made.cells[1].outputs, made.cells[2].metadata["tags"] = [], []
    assert book.card_picture(made)[0] == "png"


def test_the_first_formula_is_a_link_and_stays_a_formula():
    page = nodes.paragraph("", "", nodes.math("", r"\\alpha"), nodes.math("", r"\\beta"))
    first_use.link_symbols(page, "glossary.html#notation")
    first, second = page.children
    assert (first["refuri"], first.astext()) == ("glossary.html#notation", r"\\alpha")
    assert isinstance(first.children[0], nodes.math)
    assert first["reftitle"]
    assert isinstance(second, nodes.math)


def test_only_the_first_use_of_a_word_is_a_link():
    parts = list(first_use.linked("Two Gram matrices, a filter, a Gram matrix.", ["Gram matrix"]))
    links = [part for part in parts if not isinstance(part, nodes.Text)]
    assert "".join(part.astext() for part in parts) == "Two Gram matrices, a filter, a Gram matrix."
    assert [(part.astext(), part["reftarget"]) for part in links] == [
        ("Gram matrices", "Gram matrix")
    ]


def test_formulas_are_mathml_with_calligraphic_letters_and_numbers():
    assert "<mi>ℒ</mi>" in mathml.mathml(r"\mathcal{L}", "inline")
    assert "&#x0223C;" in mathml.mathml(r"a \sim b", "inline")
    assert "<mi>max</mi>" in mathml.mathml(r"\max(x, 0)", "inline")

    class Translator:
        def __init__(self):
            self.body = []

    translator = Translator()
    with pytest.raises(nodes.SkipNode):
        mathml.visit_display(translator, nodes.math_block(text=r"a = b \tag{3}"))
    assert translator.body[0].endswith('</math><span class="tag">(3)</span></div>')


def test_no_notebook_is_left_out_of_the_pages_or_of_make_test():
    folder = ROOT / "notebooks"
    everything = {path for path in folder.rglob("*.ipynb") if not path.parent.name.startswith(".")}
    assert everything
    assert set(build.series()) == everything
    done = subprocess.run(
        ["make", "--dry-run", "test"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert re.search(r"-m pytest .*--nbval .*\bnotebooks$", done.stdout.replace("\\\n", ""), re.M)


def test_what_outputs_depend_on_is_found_in_every_folder_of_the_library():
    modules = set((ROOT / "stylelib").rglob("*.py"))
    assert modules <= set(build.SOURCES)

"""The notebooks and the documentation as one book, which Sphinx makes from `book/`.

Its sources are laid out as in the repository, so that relative links stay as they are. What they
link to beside the book's own pages is on GitHub, or in this folder where there is no address.
"""

import ast
import base64
import copy
import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

import stylelib
from tools.remote import published

ROOT = Path(__file__).parent.parent
PAGES = [
    *("docs/command-line.md", "docs/systems.md", "docs/sweeps.md", "docs/formats-and-limits.md"),
    *("docs/speed.md", "docs/versions.md"),
    *("docs/teaching.md", "docs/quiz.md", "docs/quiz-answers.md"),
    *("data/README.md", "benchmarks/RESULTS.md", "benchmarks/SYSTEMS.md"),
    *("CONTRIBUTING.md", "CHANGELOG.md"),
]
DOCUMENTS = [name for name in PAGES if (ROOT / name).exists()]  # the students' edition lacks some
HOME = {ROOT / "README.md", ROOT / "docs" / "README.md", ROOT / "notebooks"}  # the landing page
SOLUTIONS = ROOT / "notebooks" / "solutions"

LINK = re.compile(r"(!?)(\[[^\]]*\]\()([^)#\s:]+)(?=[)#])")  # relative ones: no colon, as in https:
HERO = re.compile(r"!\[(.+?)\]\((.+?)\)\n\n\*(.+)\*\n")  # a picture, and a line below it
MADE = re.compile(r"\(notebooks/(\w+\.ipynb)\) \| (.+?) \|")  # in the list of notebooks
# Pages of the book have a button of their own, and ask no other host for its picture.
BADGE = re.compile(r" ?\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)")
FENCE = re.compile(r"(^```.*?^```$)", re.M | re.S)
KINDS = {ast.ClassDef: "class", ast.FunctionDef: "function"}
NOT_RUN = """:::{note}
These outputs came with the repository. The page changes when its notebook has run here.
:::"""


class Book:
    """A book in `folder`; `work` holds what it is made from."""

    def __init__(self, folder, work):
        self.folder, self.source, self.trees = folder, work / "source", work / "doctrees"
        for old in (folder, self.source, self.trees):
            shutil.rmtree(old, ignore_errors=True)

    def lay_out(self, notebooks, done=None):
        """Write all sources: of `notebooks` (path -> notebook), those in `done` have been run."""
        for name in DOCUMENTS:
            self._write(name, self._moved(_read(ROOT / name), ROOT / name))
        for path in (ROOT / "book").glob("*.md"):
            self._write(path.name, _read(path))
        self._write("api.md", api())
        for path in notebooks:
            self.put(path, notebooks, done)

    def put(self, path, notebooks, done=None):
        """Write one notebook, and the landing page, which shows a picture of each."""
        notebook = page(notebooks[path])
        if done is not None and path not in done:
            notebook.cells.insert(1, nbformat.v4.new_markdown_cell(NOT_RUN))
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = self._moved(BADGE.sub("", cell.source), path)
        self._write(path.relative_to(ROOT), nbformat.writes(notebook))
        self._write("index.md", self._index(notebooks))

    def build(self, strict=False):
        """Let Sphinx make the pages of what has changed."""
        settings = {}
        if repository := published():
            settings = {"REPOSITORY": repository.address, "BRANCH": repository.branch}
        command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-c", ROOT / "book"]
        command += ["-d", self.trees, self.source, self.folder]
        command += ["--fail-on-warning"] if strict else []
        done = subprocess.run(command, env=os.environ | settings | {"PYTHONPATH": str(ROOT)})
        if done.returncode:
            sys.exit("the book is not complete: the lines above say why")

    def page(self, path):
        return (self.folder / path.relative_to(ROOT)).with_suffix(".html")

    def _write(self, name, text):
        """Only what differs, so that Sphinx makes no page twice."""
        path = self.source / name
        if not path.exists() or _read(path) != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def _moved(self, text, path):
        """Make the relative links of a text right for the book."""
        replace = functools.partial(self._moved_link, path=path)
        parts = FENCE.split(text)  # every second one is code
        parts[::2] = [LINK.sub(replace, part) for part in parts[::2]]
        return "".join(parts)

    def _moved_link(self, match, path):
        shown, words, link = match.groups()
        target = (path.parent / link).resolve()
        if shown:
            copied = self.source / target.relative_to(ROOT)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(target, copied)
            return match.group()
        return words + self._address(target, path, link)

    def _address(self, target, path, link):
        if target in HOME:
            return os.path.relpath(ROOT / "index.md", path.parent)
        if target == SOLUTIONS and target.exists():
            return os.path.relpath(SOLUTIONS / "00_setup_and_images.ipynb", path.parent)
        name = target.relative_to(ROOT).as_posix()
        if target.suffix == ".ipynb" or name in DOCUMENTS:
            return link
        repository = published()
        if repository:
            kind = "tree" if target.is_dir() else "blob"
            return f"{repository.address}/{kind}/{repository.branch}/{name}"
        # conf.py takes the scheme away: what is left leads from the page to the checkout.
        return "checkout:" + os.path.relpath(target, self.page(path).parent)

    def _index(self, notebooks):
        """The landing page: the README's picture and, for each chapter, a card with its own."""
        readme = self._moved(BADGE.sub("", _read(ROOT / "README.md")), ROOT / "README.md")
        alt, picture, credit = HERO.search(readme).groups()
        made = dict(MADE.findall(readme))
        chapters = [path for path in notebooks if path.parent == ROOT / "notebooks"]
        cards = [self._card(path, notebooks[path], made.get(path.name, "")) for path in chapters]
        parts = {"PICTURE": picture, "ALT": alt, "CREDIT": credit, "CARDS": "\n".join(cards)}
        parts |= {"CHAPTERS": toc(chapters), "SOLUTIONS": toc(set(notebooks) - set(chapters))}
        absent = {name.removesuffix(".md") for name in set(PAGES) - set(DOCUMENTS)}
        lines = _read(ROOT / "book" / "index.md").splitlines(keepends=True)
        template = "".join(line for line in lines if line.strip() not in absent)
        return re.sub("|".join(parts), lambda match: parts[match.group()], template)

    def _card(self, path, notebook, made):
        """A notebook's picture, what one makes in it, its minutes, and what it needs first."""
        lines = [f":::{{grid-item-card}} {title(notebook)}", ":link-type: doc"]
        lines += [f":link: {path.relative_to(ROOT).with_suffix('').as_posix()}"]
        if picture := card_picture(notebook):
            kind, data, alt = picture
            name = f"cards/{path.stem}.{kind}"
            (self.source / "cards").mkdir(exist_ok=True)
            (self.source / name).write_bytes(data)
            lines += [f":img-top: {name}", f":img-alt: {alt}"]
        facts = card_facts(notebook)
        lines += ["", made[:1].upper() + made[1:], "", "+++"]
        lines += [f"{facts['reading']} to read · {facts['running']} to run", ""]
        return "\n".join([*lines, f"First: {facts['first']}", ":::"])


def page(notebook):
    """A copy of a notebook as Sphinx wants it: its language named, its pictures described."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    heading = title(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = (re.findall(r"^#+ (.+)$", cell.source, re.M) or [heading])[-1]
        elif "alt" not in cell.metadata:
            cell.metadata["alt"] = f"Figure of the section “{plain(heading)}”"
        image = {"alt": one_line(cell.metadata.get("alt", ""))}
        cell.metadata["mystnb"] = {"image": image}
    return notebook


def title(notebook):
    return re.search(r"^# (.+)$", notebook.cells[0].source, re.M).group(1)


def objectives(notebook):
    """Items of the list under the heading of the objectives."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and re.search(r"^## .*you will", cell.source, re.M):
            return re.findall(r"^\s*[-*] (.+)$", cell.source, re.M)
    return []


def card_facts(notebook):
    """What the card of a notebook says: what it needs first, minutes to read and to run."""
    row = re.search(r"^\|[-|: ]+\|\n\|(.+)\|$", notebook.cells[0].source, re.M)
    first, reading, running, *_ = [cell.strip() for cell in row.group(1).split("|")]
    if seconds := notebook.metadata.get("seconds"):
        running = f"{seconds / 60:.1f} minutes here"
    first = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", first)  # the card is a link itself
    return {"first": first, "reading": reading, "running": running}


def card_picture(notebook):
    """Kind, bytes and text of the last output with a picture, or else of the last chart.

    If a cell has the tag `card`, it is a picture of this cell.
    """
    cells = [cell for cell in notebook.cells if "card" in cell.metadata.get("tags", [])]
    for kind in ("jpeg", "png"):  # what `use_style` makes of pictures and of charts
        for cell in reversed(cells or notebook.cells):
            for output in reversed(cell.get("outputs", [])):
                data = output.get("data", {}).get(f"image/{kind}")
                if data:
                    alt = one_line(cell.metadata.get("alt", f"A figure of {title(notebook)}"))
                    return kind, base64.b64decode(data), alt
    return None


def toc(paths):
    return "\n".join(path.relative_to(ROOT).with_suffix("").as_posix() for path in sorted(paths))


def plain(markdown):
    return re.sub(r"[`*$]|\\[a-z]+", "", markdown)


def one_line(text):
    return " ".join(text.split())


def api():
    """A page of all public names, under the module in which each is at home."""
    modules = {}
    for name, home in stylelib._HOME.items():
        modules.setdefault(home, []).append(name)
    sections = [section(home, names) for home, names in modules.items()]
    return "\n".join([_read(ROOT / "book" / "api.head"), *sections])


def section(home, names):
    """The public names of one module, below its first line; nothing is imported."""
    module = ast.parse(_read(ROOT / "stylelib" / f"{home.replace('.', '/')}.py"))
    summary = ast.get_docstring(module).splitlines()[0]
    kinds = {node.name: KINDS[type(node)] for node in module.body if type(node) in KINDS}
    entries = [f".. auto{kinds.get(name, 'data')}:: stylelib.{name}\n" for name in names]
    return "\n".join([f"## {home}", "", summary, "", "```{eval-rst}", *entries, "```", ""])


def _read(path):
    return path.read_text(encoding="utf-8")

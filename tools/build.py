"""Run the notebooks, and turn them into a small web site.

``tutorial``   runs each into ``build/tutorial/``, skipping what is up to date; every page is there
               to be read as soon as its notebook has run;
``site``       shows the committed outputs in ``build/site/``;
``notebooks``  runs each and keeps the outputs in the notebook itself.
"""

import argparse
import base64
import functools
import html
import os
import re
import shutil
import sys
import time
from pathlib import Path

import jupyter_server_mathjax
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
CELL_TIMEOUT = 1800  # seconds

# Whatever a notebook's outputs depend on besides the notebook itself.
SOURCES = [*(ROOT / "stylelib").rglob("*.py"), *(ROOT / "data").rglob("*.*")]
SOURCES += [ROOT / "requirements.lock", Path(__file__)]

LINK = re.compile(r"(?<=\]\()[^)#\s:]+(?=[)#])")  # relative ones: no colon, as in https:
# The fonts that come with this copy of MathJax; by default it looks for others.
MATHJAX_FONTS = """<script type="text/x-mathjax-config">
MathJax.Hub.Config({"HTML-CSS": {availableFonts: [], imageFont: null, preferredFont: null,
                                 webFont: "STIX-Web"}});
</script>"""
NO_DESCRIPTION = re.compile('alt="No description has been provided for this image"')
PICTURES = (".png", ".jpg", ".gif", ".svg")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["tutorial", "site", "notebooks"])
    what = parser.parse_args().what
    paths = series()
    if what == "notebooks":
        for path, notebook in executed(paths):
            write_whole(path, nbformat.writes(notebook) + "\n")
        return
    folder = ROOT / "build" / what
    committed = {path: nbformat.read(path, 4) for path in paths}
    run_here = executed(paths, keep=folder / "executed")
    for page in write_pages(folder, committed, committed.items() if what == "site" else run_here):
        print(f"    {os.path.relpath(page)}", flush=True)
    print(f"Open {os.path.relpath(folder / 'index.html')} in a browser.")


def series():
    """Paths of the chapters in their order, then those of the solutions."""
    return [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(NOTEBOOKS.glob("solutions/*.ipynb"))]


def write_pages(folder, committed, notebooks):
    """Write a page for each notebook as it comes, and yield its path; the index grows with them."""
    folder.mkdir(parents=True, exist_ok=True)
    copy_mathjax(folder)
    shown, done = dict(committed), []
    for path, notebook in notebooks:
        page = (folder / path.relative_to(NOTEBOOKS)).with_suffix(".html")
        page.parent.mkdir(exist_ok=True)
        write_whole(page, as_html(notebook, path))
        shown[path] = notebook
        done.append(path)
        write_whole(folder / "index.html", index(shown, done))
        yield page


def executed(paths, keep=None):
    """Yield each path with its notebook after a run, one progress line each.

    With `keep`, a folder, results are kept there and taken from there while they are up to date.
    """
    for number, path in enumerate(paths, start=1):
        name = path.relative_to(NOTEBOOKS).with_suffix("")
        print(f"[{number}/{len(paths)}] {name} ", end="", flush=True)
        kept = keep and keep / path.relative_to(NOTEBOOKS)
        if kept and is_newer(kept, [path, *SOURCES]):
            print("is up to date", flush=True)
            yield path, nbformat.read(kept, 4)
            continue
        start = time.perf_counter()
        notebook = run(path)
        seconds = time.perf_counter() - start
        print(f"{seconds:.0f} s", flush=True)
        if kept:
            notebook.metadata["seconds"] = round(seconds, 1)
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_whole(kept, nbformat.writes(notebook))
        yield path, notebook


def run(path):
    """Execute a notebook from top to bottom, or end the program saying where it failed."""
    notebook = nbformat.read(path, 4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=CELL_TIMEOUT,
        # On its own machine a kernel need not warn that its line is not encrypted.
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        record_timing=False,
        coalesce_streams=True,  # how a cell's text was cut into parts varies from run to run
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        sys.exit(f"\n{os.path.relpath(path)}: {failure(notebook, error)}")
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:  # controls are dead without their kernel
        if "nbval-skip" in cell.metadata.get("tags", []):
            cell.outputs = []
    language = notebook.metadata.language_info
    notebook.metadata["language_info"] = {"name": language.name}  # the version would differ
    return notebook


def failure(notebook, error):
    """Say which cell failed and with what error."""
    for number, cell in enumerate(notebook.cells, start=1):
        if "raises-exception" in cell.metadata.get("tags", []):
            continue
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                first_line = cell.source.strip().splitlines()[0]
                return f"cell {number} ({first_line}) failed\n{output.ename}: {output.evalue}"
    return f"{type(error).__name__}: {error}"


def is_newer(target, sources):
    if not target.is_file():
        return False
    return all(target.stat().st_mtime > source.stat().st_mtime for source in sources)


def write_whole(path, text):
    """Write a file that is complete or not there at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def as_html(notebook, path):
    """Render a notebook that needs nothing from the internet."""
    up = "../" * len(path.relative_to(NOTEBOOKS).parent.parts)
    exporter = HTMLExporter(
        mathjax_url=f"{up}mathjax/MathJax.js?config=TeX-AMS-MML_HTMLorMML-full,Safe",
        require_js_url="",
        embed_images=True,
    )
    notebook = nbformat.from_dict(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(functools.partial(moved_link, path=path), cell.source)
    resources = {"metadata": {"path": str(path.parent), "name": title(notebook)}}
    body, _ = exporter.from_notebook_node(notebook, resources)
    body = described(body, notebook)
    return body.replace("<!-- Load mathjax -->", MATHJAX_FONTS)


def described(body, notebook):
    """Give each picture of a page the text that its cell has under ``alt`` in its metadata."""
    texts = iter(
        [
            cell.metadata.get("alt", "")
            for cell in notebook.cells
            for output in cell.get("outputs", [])
            if any(kind.startswith("image/") for kind in output.get("data", {}))
        ]
    )
    return NO_DESCRIPTION.sub(lambda _: f'alt="{html.escape(next(texts, ""))}"', body)


def moved_link(match, path):
    """Make a relative link of a notebook right for its page, which lies one folder deeper."""
    target = match.group()
    if target.endswith(PICTURES):
        return target  # becomes part of the page
    if NOTEBOOKS in (path.parent / target).resolve().parents:
        return re.sub(r"\.ipynb$", ".html", target)
    return "../" + target


def copy_mathjax(folder):
    source = Path(jupyter_server_mathjax.__file__).parent / "static"
    if not (folder / "mathjax").is_dir():
        shutil.copytree(source, folder / "mathjax.tmp", dirs_exist_ok=True)
        os.replace(folder / "mathjax.tmp", folder / "mathjax")


def title(notebook):
    return re.search(r"^# (.+)$", notebook.cells[0].source, re.M).group(1)


def objectives(notebook):
    """Items of the list under the heading of the objectives."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and re.search(r"^## .*you will", cell.source, re.M):
            return re.findall(r"^\s*[-*] (.+)$", cell.source, re.M)
    return []


def thumbnail(notebook):
    """The last output with a picture, or else the last chart, as a data address, or None."""
    cells = reversed(notebook.cells)
    outputs = [output for cell in cells for output in reversed(cell.get("outputs", []))]
    for kind in ("image/jpeg", "image/png"):  # what `use_style` makes of pictures and of charts
        for output in outputs:
            if kind in output.get("data", {}):
                data = re.sub(r"\s", "", output.data[kind])
                base64.b64decode(data, validate=True)
                return f"data:{kind};base64,{data}"
    return None


def minutes(notebook):
    seconds = notebook.metadata.get("seconds")
    return "" if seconds is None else f"ran in {seconds / 60:.1f} minutes"


def index(notebooks, done=None):
    """The page that leads to all others; only those `done` have a page, by default all."""
    done = notebooks if done is None else done
    chapters = [path for path in notebooks if path.parent == NOTEBOOKS]
    cards = [card(path, notebooks[path], done) for path in chapters]
    return PAGE.replace("CARDS", "\n".join(cards))


def card(path, notebook, done):
    """A notebook's picture, title, objectives and links, or that there is no page yet."""
    address = path.with_suffix(".html").name
    picture = thumbnail(notebook)
    heading = as_text(title(notebook))
    image = f'<img src="{picture}" alt="last figure of this notebook">' if picture else ""
    notes = ["not run yet; the picture is the one committed"]
    if path in done:
        image = f'<a href="{address}">{image}</a>'
        heading = f'<a href="{address}">{heading}</a>'
        notes = [f'<a href="{address}">read</a>']
    if NOTEBOOKS / "solutions" / path.name in done:
        notes.append(f'<a href="solutions/{address}">solutions</a>')
    if path in done and minutes(notebook):
        notes.append(minutes(notebook))
    items = "".join(f"<li>{as_text(item)}</li>" for item in objectives(notebook))
    return (
        f"<article><div>{image}</div><div><h2>{heading}</h2><ul>{items}</ul>"
        f"<p>{' · '.join(notes)}</p></div></article>"
    )


def as_text(markdown):
    """Reduce inline Markdown to plain HTML text."""
    return html.escape(re.sub(r"[`*$]|\\[a-z]+", "", markdown))


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Neural style transfer, layer by layer</title>
<style>
  body { font: 17px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
         color: #222; }
  article { display: grid; grid-template-columns: 20rem 1fr; gap: 1.5rem; padding: 1.5rem 0;
            border-top: 1px solid #ccc; }
  img { width: 100%; max-height: 14rem; object-fit: contain; object-position: top; }
  h2 { margin: 0; font-size: 1.25rem; } ul { padding-left: 1.2rem; } a { color: #0b57a4; }
  @media (max-width: 45rem) { article { grid-template-columns: 1fr; } }
</style>
<h1>Neural style transfer, layer by layer</h1>
CARDS
</html>
"""

if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrupted")

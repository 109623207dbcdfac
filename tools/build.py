"""Run the notebooks, and show them in the book.

``site``       writes the book with the committed outputs to ``build/site/``;
``tutorial``   writes it to ``build/tutorial/`` and runs each notebook, skipping what is up to date;
               a page shows the run's outputs as soon as its notebook has run;
``notebooks``  runs each and keeps the outputs in the notebook itself.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.book import Book

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
BUILD = ROOT / "build"
CELL_TIMEOUT = 1800  # seconds

# Whatever a notebook's outputs depend on besides the notebook itself.
SOURCES = [*(ROOT / "stylelib").rglob("*.py"), *(ROOT / "data").rglob("*.*")]
SOURCES += [ROOT / "requirements.lock", Path(__file__)]


def main():
    os.environ["TQDM_DISABLE"] = "1"  # a bar that has reached its end tells a reader nothing
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["tutorial", "site", "notebooks"])
    what = parser.parse_args().what
    paths = series()
    if what == "notebooks":
        for path, notebook in executed(paths):
            write_whole(path, nbformat.writes(notebook) + "\n")
        return
    committed = {path: nbformat.read(path, 4) for path in paths}
    runs = executed(paths, keep=BUILD / "executed") if what == "tutorial" else ()
    for page in write_pages(BUILD / what, committed, runs):
        print(f"    {os.path.relpath(page)}", flush=True)
    print(f"Open {os.path.relpath(BUILD / what / 'index.html')} in a browser.")


def series():
    """Paths of the chapters in their order, then those of the solutions."""
    return [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(NOTEBOOKS.glob("solutions/*.ipynb"))]


def write_pages(folder, committed, runs=()):
    """Write the book as committed, then each page again as soon as its notebook has run."""
    shown, done = dict(committed), set() if runs else None
    book = Book(folder, folder.parent / "book" / folder.name)
    book.lay_out(shown, done)
    book.build()
    yield folder / "index.html"
    for path, notebook in runs:
        shown[path] = notebook
        done.add(path)
        book.put(path, shown, done)
        book.build()
        yield book.page(path)


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


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrupted")

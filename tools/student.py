"""Write ``build/student/``: the series for a class, without solutions, answers and outputs.

Of what is committed. Students get everything else: with ``make setup`` and ``make lab`` they work
as with the whole repository. Solutions are handed out by copying ``notebooks/solutions`` beside
their notebooks.
"""

import io
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
#: What only authors and teachers need.
LEFT_OUT = ("notebooks/solutions", "docs/quiz-answers.md", "tests", "benchmarks", ".ci", ".github")

_ANSWER = re.compile(r"<details><summary>Answer</summary>.*?</details>", re.S)
_SOLUTIONS = re.compile(r"\[(solutions)\]\(solutions/[^)]*\)")


def main():
    folder = ROOT / "build" / "student"
    new = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(new, ignore_errors=True)
    archive = subprocess.run(
        ["git", "archive", "--format=tar", "HEAD"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    ).stdout
    write_edition(new, archive)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    count = len(list((folder / "notebooks").glob("*.ipynb")))
    print(
        f"{folder.relative_to(ROOT)}/ is complete: {count} notebooks without answers and outputs."
    )


def write_edition(folder, archive):
    """Unpack a tar archive of the repository, and take out what is not for students."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        options = {"filter": "data"} if sys.version_info >= (3, 11, 4) else {}
        files.extractall(folder, **options)  # noqa: S202 - our own archive
    for name in LEFT_OUT:
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).unlink(missing_ok=True)  # a file is no tree
    for path in (folder / "notebooks").glob("*.ipynb"):
        notebook = without_answers(nbformat.read(path, 4))
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def without_answers(notebook):
    """Take the answers to predictions, links to solutions and all outputs out of a notebook."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = _SOLUTIONS.sub(r"\1", _ANSWER.sub("*Your answer:*", cell.source))
    return notebook


if __name__ == "__main__":
    main()

"""Write ``build/student/``: the series for a class, without solutions, answers and outputs.

Of what is committed. Students get everything else: with ``make setup`` and ``make lab`` they work
as with the whole repository. A solution is handed out by copying it into ``notebooks/solutions``
of their folder.
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
LEFT_OUT = (
    *("notebooks/solutions", "docs/quiz-answers.md", "docs/teaching.md"),
    *("tests", "benchmarks", ".ci", ".github"),
)

_ANSWER = re.compile(r"<details><summary>Answer[^<]*</summary>.*?</details>", re.S)
_NAMES = "|".join(re.escape(Path(name).name) for name in LEFT_OUT)
# Links of this repository only: there is no colon, as in https:.
_LINK = re.compile(rf"(?<!!)\[([^\]]*)\]\((?:[\w./-]*/)?(?:{_NAMES})(?:[/#][^):]*)?\)")


def main():
    folder = ROOT / "build" / "student"
    new = folder.with_name(f"{folder.name}.tmp")
    shutil.rmtree(new, ignore_errors=True)
    command = ["git", "archive", "--format=tar", "HEAD"]
    archive = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE)
    if archive.returncode:
        sys.exit("student: not written; the lines above say why")
    write_edition(new, archive.stdout)
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
    for path in folder.rglob("*.md"):
        path.write_text(without_links(path.read_text(encoding="utf-8")), encoding="utf-8")


def without_answers(notebook):
    """Take the answers to predictions, links to what is left out and all outputs out of it."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = without_links(_ANSWER.sub("*Your answer:*", cell.source))
    return notebook


def without_links(text):
    """Keep of a link to what is left out only its words.

    >>> without_links("[Quiz](quiz.md), [answers](quiz-answers.md)")
    '[Quiz](quiz.md), answers'
    """
    return _LINK.sub(r"\1", text)


if __name__ == "__main__":
    main()

"""Tell the notebooks where they are published, so that Colab can open and fetch them.

``make badges REPOSITORY=https://github.com/you/fork``
"""

import re
import sys
from pathlib import Path

import nbformat

from tools.build import NOTEBOOKS, write_whole

ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(\.git)?/?")
COLAB = "https://colab.research.google.com"


def main(repository, folder=NOTEBOOKS):
    match = ADDRESS.fullmatch(repository)
    if match is None:
        sys.exit(f"expected REPOSITORY=https://github.com/you/fork, got {repository!r}")
    for path in sorted(folder.rglob("*.ipynb")):
        notebook = nbformat.read(path, 4)
        for cell in notebook.cells:
            cell.source = stamped(cell.source, match.group(1), path)
        write_whole(path, nbformat.writes(notebook) + "\n")
        print(f"{path.name}: {repository}")


def stamped(source, repository, path: Path):
    """Replace the badge of a text cell and the address in a setup cell."""
    address = f"{COLAB}/github/{repository}/blob/main/notebooks/{path.name}"
    badge = f"<!-- badge -->[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({address})"
    source = re.sub(r"<!-- badge -->.*", badge, source)
    place = f'REPOSITORY = "https://github.com/{repository}"'
    return re.sub(r'^REPOSITORY = "[^"]*"', place, source, flags=re.M)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Tell notebooks, README and package where they are published, so that Colab can open them.

``make badges``                                           the clone's own remote, and its branch
``make badges REPOSITORY=https://github.com/you/fork``    another address
``make badges REPOSITORY=none``                           takes all of it out again
"""

import re
import sys

import nbformat

from tools.build import ROOT, write_whole
from tools.remote import published

COLAB = "https://colab.research.google.com"
BADGE = r"\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)"
PLACE = "<!-- badge -->"  # where a chapter has its badge; a solution has it below its title
ADDRESS = re.compile(r'^REPOSITORY = "[^"]*".*', re.M)
UNSTAMPED = 'REPOSITORY = ""  # Colab, which has this file alone, fetches the series from there'


def main(address="", folder=ROOT):
    repository = None if address == "none" else published(address, folder)
    if repository is None and address != "none":
        given = repr(address) if address else "none, and the clone has no remote there"
        sys.exit(f"expected REPOSITORY=https://github.com/you/fork, got {given}")
    for path in sorted((folder / "notebooks").rglob("*.ipynb")):
        notebook = nbformat.read(path, 4)
        title = notebook.cells[0]
        title.source = stamped_title(title.source, repository, path.relative_to(folder).as_posix())
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.source = ADDRESS.sub(setup_line(repository), cell.source)
        write_whole(path, nbformat.writes(notebook) + "\n")
    readme = folder / "README.md"
    write_whole(readme, stamped_readme(readme.read_text(encoding="utf-8"), repository))
    project = folder / "pyproject.toml"
    write_whole(project, stamped_project(project.read_text(encoding="utf-8"), repository))
    address = repository.address if repository else "no address"
    print(f"README.md, pyproject.toml and notebooks: {address}")


def stamped_title(source, repository, name):
    """The first cell of a notebook, with the badge of a repository, or of none."""
    source = re.sub(rf"\n\n{BADGE}", "", re.sub(rf"(?<={PLACE}){BADGE}", "", source))
    if repository is None:
        return source
    if PLACE in source:
        return source.replace(PLACE, PLACE + badge(repository, name))
    title, line, rest = source.partition("\n")
    return f"{title}\n\n{badge(repository, name)}{line}{rest}"


def stamped_readme(text, repository):
    """The README, with a badge after each link to a notebook."""
    text = re.sub(f" {BADGE}", "", text)
    if repository is None:
        return text
    link = r"\]\((notebooks/\w+\.ipynb)\)"
    return re.sub(link, lambda match: f"{match[0]} {badge(repository, match[1])}", text)


def stamped_project(text, repository):
    """The package's metadata, with the addresses that an index shows beside it."""
    text = re.sub(r"^(Repository|Issues) = .*\n", "", text, flags=re.M)
    if repository is None:
        return text
    lines = f'Repository = "{repository.address}"\nIssues = "{repository.address}/issues"\n'
    return re.sub(r"^(\[project\.urls\].*\n(?:.+\n)*)", rf"\1{lines}", text, flags=re.M)


def badge(repository, name):
    address = f"{COLAB}/github/{repository.name}/blob/{repository.branch}/{name}"
    return f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({address})"


def setup_line(repository):
    """The line of a setup cell that holds what is given to `git clone`."""
    if repository is None:
        return UNSTAMPED
    branch = "" if repository.branch == "main" else f" -b {repository.branch}"
    return f'REPOSITORY = "{repository.address}{branch}"'


if __name__ == "__main__":
    main(*sys.argv[1:])

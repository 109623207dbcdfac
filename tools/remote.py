"""Where the clone is published: GitHub's address and the branch, as Git knows them."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
# https://github.com/you/fork, with or without .git, or git@github.com:you/fork.git
GITHUB = re.compile(
    r"(?:https://(?:[^@/]+@)?|ssh://git@|git@)github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?"
)


class Published(NamedTuple):
    """A repository on GitHub, and the branch that readers are to see."""

    name: str  # you/fork
    branch: str

    @property
    def address(self):
        return f"https://github.com/{self.name}"


def published(address="", folder=ROOT):
    """The repository at `address`, by default the clone's own remote; None where there is none."""
    address = address or _git(folder, "remote", "get-url", "origin")
    match = GITHUB.fullmatch(address)
    return Published(match.group(1), _branch(folder)) if match else None


def _branch(folder):
    """The branch that is checked out; of a clone without one, the remote's own choice."""
    head = _git(folder, "rev-parse", "--abbrev-ref", "origin/HEAD").removeprefix("origin/")
    return _git(folder, "branch", "--show-current") or head.replace("HEAD", "") or "main"


def _git(folder, *arguments):
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    except OSError:  # no Git here
        return ""
    return "" if done.returncode else done.stdout.strip()

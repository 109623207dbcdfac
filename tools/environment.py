"""Make a virtual environment that holds exactly what a lock names.

The lock names everything, so pip installs without its resolver, which would also look at releases
that are newer than the lock. Only wheels are taken, since a build fetches its newest tools.
This runs before anything is installed: it needs Python's own library and no more.
"""

import argparse
import ast
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
STAMP = ".ready"
CONTENTS = {"bin", "etc", "include", "lib", "lib64", "share", "pyvenv.cfg", ".gitignore", STAMP}
# Of a user's settings for pip, those that say where packages come from. Others (a target folder,
# constraints, another Python, …) would lead to something else than the locked set.
SOURCES = {
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy"),
    *("cert", "client-cert", "keyring-provider", "timeout", "default-timeout", "retries"),
    *("cache-dir", "no-cache-dir"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("lock", type=Path)
    parser.add_argument("--project", action="store_true", help="install this repository, too")
    parser.add_argument("--wheels", help="take the packages from this folder, without an index")
    parser.add_argument("--update", action="store_true", help="keep it, or remove its stamp")
    options = parser.parse_args()
    folder, lock = options.folder, options.lock
    try:
        if options.update:
            if reason := update(folder, lock, options.project):
                print(f"{folder} is made anew: {reason}")
                (folder / STAMP).unlink(missing_ok=True)
        else:
            refuse(folder, options.wheels)
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            fill(folder, lock, options.project, options.wheels)
    except subprocess.CalledProcessError:
        sys.exit(f"{folder} is not complete: the lines above say why; then repeat the command")
    except KeyboardInterrupt:
        sys.exit(f"\n{folder} is not complete: interrupted; repeat the command")


def refuse(folder, wheels=None):
    """End the program where no environment can be, or something else would be erased."""
    if wheels and not Path(wheels).is_dir():
        sys.exit(f"expected WHEELS=… to be a folder, found none at {wheels}, from {Path.cwd()}")
    path = folder.absolute()
    if os.pathsep in str(path):
        sys.exit(
            f"expected a path without '{os.pathsep}', which Python's venv refuses, got: {path}"
        )
    if folder.is_symlink() and not folder.exists():
        sys.exit(f"expected a folder, or a link to one: {path} leads to nothing")
    if folder.exists() and not folder.is_dir():
        sys.exit(f"expected a folder, got a file: {path}")
    if folder.exists() and not (folder / "pyvenv.cfg").exists():
        others = {entry.name for entry in folder.iterdir()} - CONTENTS
        if others:
            sys.exit(f"expected a virtual environment, got a folder with other files: {path}")


def fill(folder, lock, project, wheels=None):
    """Install into a new environment, and leave a stamp on it once it is whole."""
    pip = Pip(folder)
    pip.run("install", "--quiet", "--no-compile", *locked(lock, wheels))
    compile_all(folder)
    if project:
        install_project(pip)
    pip.check()
    stamp(folder, lock)


def compile_all(folder):
    """Compile what was installed, on all cores: pip uses one, and takes twice as long."""
    folder = folder.absolute()
    packages = folder.glob("lib/python*/site-packages")
    command = [folder / "bin" / "python", "-I", "-m", "compileall", "-qq", "-j", "0", *packages]
    # Some packages hold files for other versions of Python, which do not compile: not checked.
    subprocess.run(command, check=False)


def locked(lock, wheels=None):
    """Arguments that make pip take exactly what a lock names, for `install` and `download`."""
    exactly = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(lock)]
    return ["--no-index", "--find-links", wheels, *exactly] if wheels else exactly


def install_project(pip):
    exactly = ["--no-index", "--no-deps", "--no-build-isolation"]
    pip.run("install", "--quiet", *exactly, "-e", str(ROOT))


def update(folder, lock, project):
    """Adapt the environment to a new place or version of the project, or say why that won't do."""
    try:
        old, new = json.loads((folder / STAMP).read_text(encoding="utf-8")), state(folder, lock)
    except (OSError, ValueError):
        return "no set-up of it was completed"
    if old["python"] != new["python"]:
        return f"it holds packages for Python {old['python']}, and its Python is {new['python']}"
    if old["lock"] != new["lock"]:
        return f"{lock} has changed"
    if missing := sorted(set(old["packages"]) - set(new["packages"])):
        return f"{missing[0].removesuffix('.dist-info')} was removed or replaced"
    if old["folder"] != new["folder"]:
        if not fits_a_shebang(new["folder"]):
            return "it was moved"
        move_scripts(folder, old["folder"], new["folder"])
    if project and (old["folder"], old["project"]) != (new["folder"], new["project"]):
        pip = Pip(folder)
        install_project(pip)
        pip.check()
    if old != new:
        stamp(folder, lock)
    return None


def state(folder, lock):
    """Everything that decides whether an environment is still the right one."""
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "lock": digest(lock),
        "project": digest(ROOT / "pyproject.toml", ROOT / "requirements.txt"),
        "folder": str(folder.absolute()),
        "packages": sorted(path.name for path in folder.glob("lib/python*/*/*.dist-info")),
    }


def stamp(folder, lock):
    temporary = folder / f"{STAMP}.tmp"
    temporary.write_text(json.dumps(state(folder, lock), indent=1), encoding="utf-8")
    temporary.replace(folder / STAMP)


def digest(*paths):
    return hashlib.sha256(
        b"".join(path.read_bytes() for path in paths if path.exists())
    ).hexdigest()


def fits_a_shebang(folder):
    """Whether the first line of a script may hold this path as it is."""
    return " " not in folder and len(folder) < 100


def move_scripts(folder, old, new):
    """Replace the full path that the scripts of an environment hold."""
    for path in (folder / "bin").iterdir():
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if old.encode() in content:
                path.write_bytes(content.replace(old.encode(), new.encode()))


class Pip:
    """The pip of an environment, which heeds of the user's settings only `SOURCES`."""

    def __init__(self, folder):
        python = str(Path(folder).absolute() / "bin" / "python")
        self.command = [python, "-I", "-m", "pip", "--disable-pip-version-check"]
        self.environment = {name: value for name, value in os.environ.items() if is_kept(name)}
        self.environment |= self.configured() | {"PIP_CONFIG_FILE": os.devnull}
        self.environment["PYTHONWARNINGS"] = "ignore"  # setuptools has advice for packagers

    def configured(self):
        """Settings of the user's and the machine's files, as environment variables."""
        found = {}
        # A file that sets these three would change what is listed, too.
        self.environment |= {"PIP_USER": "0", "PIP_QUIET": "0", "PIP_VERBOSE": "0"}
        listing = self.run("config", "list", stdout=subprocess.PIPE).stdout
        for line in listing.splitlines():
            name, _, value = line.partition("=")
            section, _, option = name.partition(".")
            variable = "PIP_" + option.upper().replace("-", "_")
            if section in ("global", "install") and option in SOURCES:
                found[variable] = ast.literal_eval(value)
        return found | {name: os.environ[name] for name in found if name in os.environ}

    def check(self):
        """End the program where an installed package misses another, or a version of it."""
        done = self.run("check", check=False, stdout=subprocess.PIPE)
        if done.returncode:
            sys.exit(f"expected packages that fit together, pip found:\n{done.stdout}")

    def run(self, *arguments, **options):
        options = {"check": True, "text": True, "env": self.environment} | options
        return subprocess.run([*self.command, *arguments], **options)


def is_kept(variable):
    if variable == "PIP_CONFIG_FILE" or not variable.startswith("PIP_"):
        return not variable.startswith("PYTHON")
    return variable.removeprefix("PIP_").lower().replace("_", "-") in SOURCES


if __name__ == "__main__":
    main()

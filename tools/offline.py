"""Write ``build/offline/``: the repository and the wheels of its lock, to be used without an index.

The wheels are those of this platform and this Python. They are the very files whose hashes the lock
holds, since every package of the lock has wheels and none is built here.
"""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tools.environment import Pip, locked

ROOT = Path(__file__).parent.parent
NAME = "neural-style-transfer"


def main():
    bundle = ROOT / "build" / "offline"
    new = bundle.with_name(f"{bundle.name}.tmp")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        commit = git("rev-parse", "--short", "HEAD").decode().strip()
        write_bundle(new, commit)
    except subprocess.CalledProcessError:
        sys.exit("offline-bundle: not written; the lines above say why")
    shutil.rmtree(bundle, ignore_errors=True)
    new.rename(bundle)
    size = sum(path.stat().st_size for path in bundle.rglob("*")) / 1e6
    if git("status", "--porcelain"):
        print(f"What is not committed is not in it: the bundle holds the commit {commit}.")
    print(
        f"{bundle.relative_to(ROOT)}/ is complete: {size:.0f} MB; its README.txt says what to do."
    )


def write_bundle(folder, commit):
    (folder / f"{NAME}.tar.gz").write_bytes(
        git("archive", f"--prefix={NAME}/", "--format=tar.gz", "HEAD")
    )
    lock = folder / "requirements.lock"
    lock.write_bytes(git("show", "HEAD:requirements.lock"))
    Pip(sys.prefix).run("download", "--quiet", *locked(lock), "-d", str(folder / "wheels"))
    lock.unlink()
    (folder / "README.txt").write_text(readme(commit), encoding="utf-8")


def readme(commit):
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    system = f"{platform.system()} on {platform.machine()}"
    return f"""\
Commit {commit} with its packages, for {system} and Python {python}. Nothing is downloaded:
tar xf {NAME}.tar.gz && cd {NAME}
make setup WHEELS=../wheels PYTHON=python{python}    # once
make first                                        # a first picture
make tutorial                                     # the series as web pages; make test checks it
"""


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    main()

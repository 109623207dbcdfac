"""`make setup` gives the locked environment, whatever the index, the user and the day bring.

Each test has a small clone of its own: our Makefile and tools, a project of one line, and a lock of
a few packages that lie in a folder of wheels, beside releases that are newer than the lock.
"""

import hashlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import environment

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
LOCKED = {"first": "1", "middle": "1", "other": "1", "third": "1"}
# Python 3.10.0 brought this pip, which a newer Python cannot run.
OLDEST = "21.2.3" if sys.version_info < (3, 12) else "23.2.1"
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
# What pip calls to install the project: a wheel that puts this folder on the path.
BACKEND = """
import os, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(os.path.join(folder, "tiny-1-py3-none-any.whl"), "w") as wheel:
        info = "tiny-1.dist-info/"
        wheel.writestr("tiny.pth", os.getcwd())
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr(info + "entry_points.txt", "[console_scripts]\\ntiny = tiny:main\\n")
        wheel.writestr(info + "RECORD", "")
    return "tiny-1-py3-none-any.whl"
"""


def write_wheel(folder, name, version, *requires, extra=None):
    """Write a wheel without any code."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}"] if extra else []
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", f"version = {version}")
        wheel.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lock_line(path, marker=""):
    name, version = path.name.split("-")[:2]
    return f"{name}=={version}{marker} --hash=sha256:{digest(path)}\n"


def write_wheels(folder):
    """Write the packages of the lock, and newer ones that the same requirements admit."""
    folder.mkdir()
    paths = []
    for version in "12":
        both = "; extra == 'extra'"
        paths += [
            write_wheel(folder, "first", version, "middle[extra]>=1"),
            write_wheel(folder, "middle", version, f"other[extra]>=1 {both}", extra="extra"),
            write_wheel(folder, "other", version, f"third>=1 {both}", extra="extra"),
            write_wheel(folder, "third", version),
        ]
    elsewhere = write_wheel(folder, "elsewhere", "1")
    lines = [lock_line(path) for path in paths if "-1-" in path.name]
    lines += [lock_line(elsewhere, " ; sys_platform == 'elsewhere'")]
    elsewhere.unlink()
    return "".join(lines)


@pytest.fixture
def clone(tmp_path):
    return write_clone(tmp_path)


def write_clone(folder):
    clone = folder / "a clone"
    (clone / "tools").mkdir(parents=True)
    for name in ("Makefile", "tools/__init__.py", "tools/environment.py", "tools/offline.py"):
        shutil.copy(ROOT / name, clone / name)
    (clone / "pyproject.toml").write_text(PYPROJECT)
    (clone / "backend.py").write_text(BACKEND)
    (clone / "tiny.py").write_text("def main():\n    print(__file__)\n")
    (clone / "requirements.lock").write_text(write_wheels(folder / "wheels"))
    return clone


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A clone after `make setup`; not to be changed."""
    clone = write_clone(tmp_path_factory.mktemp("ready"))
    make(clone, "setup", "WHEELS=../wheels")
    return clone


@pytest.fixture
def copy(ready, tmp_path):
    """A copy of that clone in another folder, as if it had been moved there."""
    shutil.copytree(ready.parent / "wheels", tmp_path / "wheels")
    return Path(shutil.copytree(ready, tmp_path / "clone", symlinks=True))


def clean(**variables):
    """The environment of a user who has set nothing for make, pip or pytest."""
    ours = ("MAKE", "MFLAGS", "PIP_", "PYTEST", "WHEELS", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"PYTHON": sys.executable, "PIP_CONFIG_FILE": os.devnull} | variables


def make(clone, *arguments, status=0, **variables):
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=clone,
        env=clean(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == status, done.stdout
    return done.stdout


def download(pip, folder):
    """Take one release of pip from the index, or skip the test where there is none."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, pip]
    if subprocess.run(command).returncode:
        pytest.skip("expected a package index to take pip from, found none")
    return next(folder.glob("pip-*.whl"))


def installed(folder):
    """Names and versions of what is in an environment, but for what its Python puts there."""
    infos = [path.name.split("-")[:2] for path in folder.glob("lib/python*/*/*.dist-info")]
    infos = {name: version.removesuffix(".dist") for name, version in infos}
    return {name: infos[name] for name in sorted(infos.keys() - {"pip", "setuptools"})}


@pytest.mark.slow
class TestLockedSet:
    def test_newer_releases_beside_the_locked_ones_change_nothing(self, ready):
        assert installed(ready / ".venv") == LOCKED | {"tiny": "1"}
        assert make(ready, "setup") == ""

    def test_settings_of_a_user_or_a_yanked_release_change_nothing(self, clone, tmp_path):
        wheels = tmp_path / "wheels"
        index = tmp_path / "index"
        for name in LOCKED:
            (index / name).mkdir(parents=True)
            links = [
                f'<a href="{path.as_uri()}" data-yanked="broken">{path.name}</a>'
                for path in wheels.glob(f"{name}-*")
            ]
            (index / name / "index.html").write_text("<!doctype html>" + "".join(links))
        constraints = tmp_path / "constraints.txt"
        constraints.write_text("other==2\n")
        settings = tmp_path / "pip.conf"
        settings.write_text(
            f"[global]\nindex-url = {index.as_uri()}\nconstraint = {constraints}\n"
            "user = true\nrequire-virtualenv = true\n[install]\ndry-run = true\n"
        )
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        shutil.unpack_archive(write_wheel(elsewhere, "other", "2"), elsewhere, "zip")
        activated = tmp_path / "activated"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", activated], check=True)
        said = make(
            clone,
            "setup",
            PIP_CONFIG_FILE=str(settings),
            PIP_TARGET=str(tmp_path / "target"),
            PIP_PREFIX=str(tmp_path / "prefix"),
            PIP_NO_BINARY=":all:",
            PIP_PYTHON=str(activated / "bin" / "python"),
            PIP_REQUIRE_HASHES="1",
            PYTHONPATH=str(elsewhere),
            PYTHONHOME=str(elsewhere),
            VIRTUAL_ENV=str(activated),
            PATH=f"{activated / 'bin'}{os.pathsep}{os.environ['PATH']}",
            PYTHON="python3",
        )
        assert "yanked" in said
        assert installed(clone / ".venv") == LOCKED | {"tiny": "1"}
        assert installed(activated) == {}

    @pytest.mark.parametrize("pip", [f"pip=={OLDEST}", "pip"])
    def test_the_oldest_and_the_newest_pip_install_the_same(
        self, pip, clone, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(environment, "ROOT", clone)
        wheels = tmp_path / "wheels"
        folder = tmp_path / "venv"
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = folder / "bin" / "python"
        newest = download("pip", wheels)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--no-index", download(pip, tmp_path)],
            check=True,
        )
        lock = clone / "requirements.lock"
        lock.write_text(lock.read_text() + lock_line(newest))
        environment.fill(folder, lock, project=True, wheels=str(wheels))
        assert installed(folder) == LOCKED | {"tiny": "1"}
        found = subprocess.run([python, "-m", "pip", "-V"], capture_output=True, text=True)
        assert found.stdout.startswith(f"pip {newest.name.split('-')[1]} ")

    def test_a_package_that_would_have_to_be_built_is_refused(self, copy, capfd):
        wheels = copy.parent / "wheels"
        with tarfile.open(wheels / "source-1.tar.gz", "w:gz") as archive:
            archive.add(copy / "pyproject.toml", "source-1/pyproject.toml")
        lock = copy / "source.lock"
        lock.write_text(lock_line(wheels / "source-1.tar.gz").replace("1.tar.gz", "1"))
        pip = environment.Pip(copy / ".venv")
        with pytest.raises(subprocess.CalledProcessError):
            pip.run("install", *environment.locked(lock, str(wheels)))
        assert "No matching distribution found for source==1" in capfd.readouterr().err


@pytest.mark.slow
class TestInterruptions:
    def test_a_set_up_that_was_interrupted_or_lost_the_network_is_made_whole(self, clone):
        wheels, away = clone.parent / "wheels", clone.parent / "away"
        python = clone / ".venv" / "bin" / "python"
        running = subprocess.Popen(
            ["make", "setup", "WHEELS=../wheels"],
            cwd=clone,
            env=clean(),
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while not python.exists() and running.poll() is None:
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGINT)
        said, _ = running.communicate()
        assert running.returncode != 0
        assert "not complete: interrupted" in said
        wheels.rename(away)
        wheels.mkdir()
        said = make(clone, "setup", "WHEELS=../wheels", status=2)
        assert "No matching distribution found" in said
        assert ".venv is not complete" in said
        wheels.rmdir()
        away.rename(wheels)
        make(clone, "setup", "WHEELS=../wheels")
        assert installed(clone / ".venv") == LOCKED | {"tiny": "1"}

    def test_packages_that_do_not_fit_together_are_no_set_up(self, copy):
        pip = environment.Pip(copy / ".venv")
        pip.check()
        (info,) = copy.glob(".venv/lib/python*/*/middle-1.dist-info")
        shutil.rmtree(info)
        with pytest.raises(SystemExit, match="first 1 requires middle, which is not installed"):
            pip.check()


class TestAnotherPlace:
    @pytest.mark.slow
    def test_a_clone_that_was_moved_works_without_a_new_installation(self, copy):
        assert make(copy, "setup", PIP_NO_INDEX="1") == ""
        done = subprocess.run([copy / ".venv/bin/tiny"], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str(copy / "tiny.py")

    @pytest.mark.slow
    def test_a_link_to_an_environment_is_one(self, copy, tmp_path):
        (copy / ".venv").rename(tmp_path / "large disk")
        (copy / ".venv").symlink_to(tmp_path / "large disk")
        assert make(copy, "setup", PIP_NO_INDEX="1") == ""
        assert (copy / ".venv").is_symlink()

    @pytest.mark.parametrize("folder", ["a:b", "gone", "file", "full"])
    def test_what_cannot_be_or_is_no_environment_is_refused(self, folder, tmp_path):
        (tmp_path / "gone").symlink_to(tmp_path / "nothing")
        (tmp_path / "file").write_text("")
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "thesis.tex").write_text("")
        with pytest.raises(SystemExit, match=f"^expected a .*{folder}"):
            environment.refuse(tmp_path / folder)
        assert (tmp_path / "full" / "thesis.tex").exists()

    def test_a_folder_of_wheels_that_is_none_is_named(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit, match=r"WHEELS=… to be a folder, found none at \.\./wheel,"):
            environment.refuse(tmp_path / ".venv", "../wheel")

    def test_the_rest_of_an_interrupted_erasure_may_be_erased(self, tmp_path):
        (tmp_path / "lib").mkdir()
        environment.refuse(tmp_path)


@pytest.mark.slow
class TestStaleEnvironment:
    def update(self, clone, monkeypatch):
        monkeypatch.setattr(environment, "ROOT", clone)
        monkeypatch.chdir(clone)
        return environment.update(Path(".venv"), Path("requirements.lock"), project=False)

    def test_one_without_a_complete_stamp_is_made_anew(self, copy, monkeypatch):
        assert self.update(copy, monkeypatch) is None
        (copy / ".venv" / ".ready").write_text("")
        assert "no set-up of it was completed" in self.update(copy, monkeypatch)

    def test_another_lock(self, copy, monkeypatch):
        with (copy / "requirements.lock").open("a") as lock:
            lock.write("# changed\n")
        assert self.update(copy, monkeypatch) == "requirements.lock has changed"

    def test_another_python(self, copy, monkeypatch):
        stamp = copy / ".venv" / ".ready"
        stamp.write_text(stamp.read_text().replace('"python": "3.', '"python": "2.'))
        assert "it holds packages for Python 2." in self.update(copy, monkeypatch)

    def test_a_package_of_another_version(self, copy, monkeypatch):
        (info,) = copy.glob(".venv/lib/python*/*/other-1.dist-info")
        info.rename(info.with_name("other-2.dist-info"))
        assert self.update(copy, monkeypatch) == "other-1 was removed or replaced"

    def test_a_path_that_no_script_can_name(self, copy, monkeypatch):
        other = Path(shutil.move(copy, copy.with_name("with a blank")))
        assert self.update(other, monkeypatch) == "it was moved"

    def test_a_python_that_is_gone(self, copy):
        for python in copy.glob(".venv/bin/python*"):
            python.unlink()
            python.symlink_to("/nowhere/python")
        make(copy, "setup", "WHEELS=../wheels")
        assert installed(copy / ".venv") == LOCKED | {"tiny": "1"}

    def test_a_python_that_is_asked_for_and_is_none_leaves_the_environment_alone(self, copy):
        said = make(copy, "setup", "PYTHON=python3.99", status=2)
        assert "expected Python 3.10 to 3.13, found no 'python3.99'" in said
        assert make(copy, "setup") == ""

    def test_nor_is_a_command_one_that_only_tells_where_others_are(self, copy, tmp_path):
        shim = tmp_path / "python3.99"  # as pyenv has one for each version it could give
        shim.write_text("#!/bin/sh\necho 'not chosen:' >&2\necho '3.99.1' >&2\nexit 127\n")
        shim.chmod(0o755)
        said = make(copy, "setup", f"PYTHON={shim}", status=2)
        assert said.splitlines()[0].startswith("make: expected Python 3.10 to 3.13, found no '/")


@pytest.mark.slow
def test_an_offline_bundle_is_all_that_a_set_up_needs(copy, tmp_path):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    (copy / ".gitignore").write_text(".venv\nbuild\n__pycache__\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], cwd=copy, check=True)
    (copy / "tiny.py").write_text("changed")
    wheels = tmp_path / "wheels"
    said = make(copy, "offline-bundle", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels))
    assert "What is not committed is not in it" in said
    wheels.rename(tmp_path / "away")
    bundle = copy.with_name("a stick")
    (copy / "build" / "offline").rename(bundle)
    assert sorted(path.name for path in (bundle / "wheels").iterdir()) == [
        f"{name}-1-py3-none-any.whl" for name in LOCKED
    ]
    assert len((bundle / "README.txt").read_text().splitlines()) == 5
    subprocess.run(["tar", "xf", "neural-style-transfer.tar.gz"], cwd=bundle, check=True)
    clone = bundle / "neural-style-transfer"
    assert "main" in (clone / "tiny.py").read_text()
    make(clone, "setup", "WHEELS=../wheels")
    assert installed(clone / ".venv") == LOCKED | {"tiny": "1"}


PLATFORMS = {
    "linux": ("posix", "Linux", "x86_64"),
    "darwin": ("posix", "Darwin", "arm64"),
    "win32": ("nt", "Windows", "AMD64"),
}


def surrounding(python, platform):
    """The values of all environment markers there."""
    os_name, system, machine = PLATFORMS[platform]
    return {
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "sys_platform": platform,
        "os_name": os_name,
        "platform_system": system,
        "platform_machine": machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


def requirements(path):
    """What a file of requirements or a lock names."""
    text = path.read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line.split(" --hash")[0].split(" #")[0] for line in text.splitlines()]
    return [Requirement(line) for line in lines if line.strip() and line.strip()[0] != "#"]


def applicable(wanted, values):
    return [item for item in wanted if item.marker is None or item.marker.evaluate(values)]


def wanted():
    """What the project asks for: requirements.txt, and the extras that `make` installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [text for extra in ("notebooks", "sweep", "test") for text in extras[extra]]
    return requirements(ROOT / "requirements.txt") + [Requirement(text) for text in named]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", ["3.10.0", "3.10.13", "3.11.0", "3.11.9", "3.12.1", "3.13.0"])
def test_the_lock_has_one_release_of_all_that_the_project_asks_for(python, platform):
    values = surrounding(python, platform)
    locked = applicable(requirements(ROOT / "requirements.lock"), values)
    names = [canonicalize_name(item.name) for item in locked]
    assert len(names) == len(set(names))
    versions = {name: str(item.specifier)[2:] for name, item in zip(names, locked, strict=True)}
    for item in applicable(wanted(), values):
        version = versions.get(canonicalize_name(item.name), "none")
        assert item.specifier.contains(version), (item, version)


@pytest.mark.parametrize("lock", ["requirements.lock", "tools/requirements.lock"])
def test_every_line_of_a_lock_is_one_release_with_hashes(lock):
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
    assert lines
    for line in lines:
        assert "==" in line.split(";")[0], line
        assert " --hash=sha256:" in line, line


class TestRedBuild:
    @pytest.mark.parametrize("status", [0, 2])
    def test_ci_run_is_make_test_from_any_folder(self, status, tmp_path):
        fake = tmp_path / "make"
        fake.write_text(f'#!/bin/sh\necho "$PWD $*"\n[ $1 = setup ] || exit {status}\n')
        fake.chmod(0o755)
        (tmp_path / "chromium").symlink_to(fake)  # so that none is installed
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [ROOT / ".ci" / "run"],
            cwd=tmp_path,
            env=os.environ | {"PATH": path, "CDPATH": "/"},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout) == (status, f"{ROOT} setup\n{ROOT} test\n")

    def test_nothing_that_a_user_has_set_reaches_python_or_pytest(self, tmp_path):
        names = ("PYTEST_ADDOPTS", "PYTHONPATH", "PYTHONOPTIMIZE")
        more = tmp_path / "more.mk"
        more.write_text("show:\n\t@env\n")
        said = make(ROOT, "-f", "Makefile", "-f", str(more), "show", **dict.fromkeys(names, "1"))
        assert not any(line.startswith(names) for line in said.splitlines())

    def test_make_test_chooses_no_tests(self):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        said = make(ROOT, "--dry-run", "test")
        calls = [line.split("-m pytest ")[1] for line in said.splitlines() if "-m pytest " in line]
        assert len(calls) in (2, 3)  # the third looks at the book, where there is a browser
        options = itertools.chain(
            project["tool"]["pytest"]["ini_options"]["addopts"], *map(str.split, calls)
        )
        forbidden = {"-k", "-m", "-x", "--lf", "--sw", "--co", "--maxfail"}
        for option in options:
            assert option not in forbidden
            assert not option.startswith(("--deselect", "--ignore", "--collect-only"))

    def test_the_workflow_calls_only_targets_of_make(self):
        workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
        commands = [line.split("run: ")[1] for line in workflow.splitlines() if "run: " in line]
        assert commands == [".ci/run"]

    def test_what_is_published_is_made_by_targets_of_make(self):
        workflow = (ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8")
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = " ".join(re.findall(r"run: make (.+)", workflow)).split()
        assert "package" in targets
        assert all(re.search(rf"^{target}:", makefile, re.M) for target in targets)

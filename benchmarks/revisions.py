"""Whether two revisions give the same results, byte for byte.

``python -m benchmarks.revisions BASE [NEW]`` runs the cases of benchmarks/revision_cases.py in
both, and lets NEW go on with what BASE has written; NEW is the working tree unless it is named.
Settings may get other names on purpose: where they differ is told, but is no failure. With
``--speed`` it compares seconds and memory instead.
"""

import argparse
import collections
import contextlib
import itertools
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import in_turn, medians, ratio

ROOT = Path(__file__).resolve().parents[1]
#: Run by ``python -c``, which looks for modules in the folder it runs in, and not in this one.
CASES = Path(__file__).with_name("revision_cases.py").read_text(encoding="utf-8")
TRANSFER = """
import itertools, resource, statistics, sys, time
from stylelib import transfer
ends, unit = [], 1 if sys.platform == "darwin" else 1024
transfer(*sys.argv[1:], recipe="gatys2015", size=256, steps=10, init="content", network="vgg16",
         precision="float32", callback=lambda *_: ends.append(time.perf_counter()))
print(statistics.median(end - start for start, end in itertools.pairwise(ends)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9)
"""
COMMANDS = {
    "import stylelib": ("-c", "import stylelib"),
    "from stylelib import transfer": ("-c", "from stylelib import transfer"),
    "stylelib --help": ("-m", "stylelib", "--help"),
}
ROUNDS = 5
MISSING = "nothing"


def git(*arguments):
    command = ["git", "-C", ROOT, *arguments]
    return subprocess.run(command, capture_output=True, text=True)  # noqa: S603


@contextlib.contextmanager
def checked_out(revision):
    """Yield a folder with the files of a revision, or the working tree for None."""
    if revision is None:
        yield ROOT
        return
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        root = Path(folder).resolve() / "stylelib"
        stack.callback(git, "worktree", "remove", "--force", root)
        added = git("worktree", "add", "--detach", root, revision)
        if added.returncode:
            sys.exit(f"cannot check out {revision!r}: {added.stderr.strip()}")
        yield root


@contextlib.contextmanager
def python(root, *arguments):
    """Start Python in a revision; it ends with this block."""
    command = [sys.executable, *map(str, arguments)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.kill()  # after Ctrl-C; it does nothing where the process has ended


def lines(process):
    """Yield what it prints, line by line."""
    yield from process.stdout
    if process.wait():
        sys.exit(f"{' '.join(process.args)[:100]} ended with status {process.returncode}")


def results(base, new):
    """Yield a case, its old and its new result as soon as both revisions have them.

    What depends on files is done by NEW twice: with its own, and with those that BASE wrote.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:

        def start(root, files, part):
            files = Path(folder).resolve() / files
            files.mkdir(exist_ok=True)
            process = stack.enter_context(python(root, "-c", CASES, base / "data", files, part))
            return map(json.loads, lines(process))

        before, both = {}, (start(base, "base", "results"), start(new, "new", "results"))
        for (case, old), (_, now) in zip(*both, strict=True):
            before[case] = old
            yield case, old, now
        for case, now in start(new, "base", "known"):
            yield f"{case}, files of BASE", before[case], now


def flat(value, path=()):
    """Turn dicts within dicts into one, by paths of names."""
    if not isinstance(value, dict):
        return {path: value}
    return {p: v for name, inner in value.items() for p, v in flat(inner, (*path, name)).items()}


def differences(before, after):
    """Yield path, old and new value of all that differs, and of an error in any case."""
    before, after = flat(before), flat(after)
    for path in before | after:
        old, new = before.get(path, MISSING), after.get(path, MISSING)
        if repr(old) != repr(new) or path == ("error",):  # repr, as NaN is not equal to NaN
            yield path, old, new


def described(path, old, new):
    """One difference in words; of numbers, the first that differ."""
    name = ".".join(path)
    if isinstance(old, list) and isinstance(new, list):
        pairs = enumerate(itertools.zip_longest(old, new, fillvalue=MISSING), start=1)
        number, (old, new) = next(pair for pair in pairs if repr(pair[1][0]) != repr(pair[1][1]))
        name += f" {number}"
    return f"{name}: {old!r:.90} → {new!r:.90}"


def listed(words, most=3):
    more = [f"and {len(words) - most} more"] if len(words) > most else []
    return "; ".join([*words[:most], *more])


def compare(base, new):
    """Print a row for each case, and return whether all results are the same."""
    renamed, same = collections.Counter(), []
    print("| case | result |\n|---|---|")
    for case, old, now in results(base, new):
        found = []
        for path, *values in differences(old, now):
            if "settings" in path:
                renamed[described(path[path.index("settings") :], *values)] += 1
            else:
                found.append(described(path, *values))
        same.append(not found)
        print(f"| {case} | {listed(found) or 'same'} |", flush=True)
    for text, count in renamed.items():
        print(f"\n{count} × {text}")
    print(f"\n{sum(same)} of {len(same)} cases have the same results.")
    return all(same)


def seconds(root, arguments):
    start = time.perf_counter()
    with python(root, *arguments) as process:
        list(lines(process))
    return time.perf_counter() - start


def transfer_costs(root, pictures):
    """Seconds for one evaluation, and the peak of memory in GB."""
    with python(root, "-c", TRANSFER, *pictures) as process:
        return [float(line) for line in lines(process)]


def compare_speed(base, new):
    """Print a row for each measure: medians of rounds in which both take turns."""

    def rounds(measure, *arguments):
        run = {"BASE": lambda: measure(base, *arguments), "NEW": lambda: measure(new, *arguments)}
        in_turn(run, 1)  # fills the disk cache
        return in_turn(run, ROUNDS)

    def row(name, values):
        middle = medians(values)
        both = f"{middle['BASE']:.3f} | {middle['NEW']:.3f} | {ratio(values, 'NEW', 'BASE'):.3f}"
        print(f"| {name} | {both} |", flush=True)

    print("| what | BASE | NEW | NEW / BASE |\n|---|---|---|---|")
    for name, arguments in COMMANDS.items():
        row(f"`{name}`, s", rounds(seconds, arguments))
    names = ("summer_palace.jpg", "starry_night.jpg")
    costs = rounds(transfer_costs, [base / "data" / "images" / name for name in names])
    for number, name in enumerate(("one evaluation at 256 px, s", "its peak memory, GB")):
        row(name, {who: [cost[number] for cost in each] for who, each in costs.items()})
    return True


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.revisions")
    parser.add_argument("base", metavar="BASE", help="a revision")
    parser.add_argument("new", metavar="NEW", nargs="?", help="another (the working tree)")
    parser.add_argument("--speed", action="store_true", help="compare seconds and memory instead")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not before the checkouts are removed
    with checked_out(options.base) as base, checked_out(options.new) as new:
        return (compare_speed if options.speed else compare)(base, new)


if __name__ == "__main__":
    sys.exit(not main())

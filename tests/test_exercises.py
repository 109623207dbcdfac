"""The exercises: a ladder in every notebook, and checks that refuse what is not the answer."""

import ast
import itertools
import pickle
import re
import symtable
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest

from notebooks.exercises import check
from tests import slow

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
KIND = re.compile(r"^\*\*Exercise (\d+)\.(\d) \((\w+)\)\.\*\*", re.M)
# Two hints, folded, stand above every stub.
HINTS = ["Hint 1", "Hint 2"]


def cells(path, kind):
    return [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]


def without_shell(source):
    """The code of a cell in which lines for the shell do nothing."""
    return re.sub(r"^\s*!.*$", "    pass", source, flags=re.M)


def exercises(path):
    """Each check of a chapter: its number, the function's name, the stub and the check itself."""
    found = []
    code = cells(path, "code")
    for stub, checks in itertools.pairwise(code):
        if match := re.match(r'with check\("Exercise ([\d.]+)"\):', checks):
            found.append((match[1], re.match(r"def (\w+)", stub)[1], stub, checks))
    return found


CHAPTERS = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if exercises(path)]
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
LIGHT = ("00_setup_and_images",)  # whose solutions run in a second
every_solution = slow.params(CHAPTERS, lambda path: path.stem not in LIGHT, lambda path: path.stem)


def solve():
    pass


def give_up():
    raise NotImplementedError("Exercise 9.1: think")


def err():
    raise AssertionError("pure red gives 85")


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (solve, "Exercise 9.1: solved\n"),
        (give_up, "Exercise 9.1: not solved yet\n"),
        (err, "Exercise 9.1: not right yet. pure red gives 85\n"),
    ],
)
def test_a_check_prints_one_line(answer, line, capsys):
    with check("Exercise 9.1"):
        answer()
    assert capsys.readouterr().out == line


@pytest.fixture
def run_cells(tmp_path):
    """Run sources as a notebook does: each in a file of its own, all in one namespace."""

    def run(*sources):
        names = {"check": check}
        for number, source in enumerate(sources):
            cell = tmp_path / f"{number}.py"
            cell.write_text(source)
            exec(compile(source, str(cell), "exec"), names)  # noqa: S102

    return run


CHECK = "with check('Exercise 9.1'):\n    assert solve([1, 2]).sum() > 0, 'too little'\n"


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (
            "def solve(x):\n    y = x + 1\n    return y\n",
            "The line `y = x + 1` raises TypeError: can only concatenate list",
        ),
        (
            "import json\ndef solve(x):\n    return json.loads('')\n",  # raised by a library
            "The line `return json.loads('')` raises JSONDecodeError: Expecting value",
        ),
        (
            "def solve(x):\n    sum(x)\n",
            "The check cannot use what your function returns (is there a `return`?): Attribute",
        ),
        ("def solve():\n    pass\n", "The check cannot use what your function returns"),
    ],
)
def test_a_check_says_which_line_raised_an_error(answer, line, run_cells, capsys):
    run_cells(answer, CHECK)
    printed = capsys.readouterr().out
    assert printed.startswith(f"Exercise 9.1: not right yet. {line}")
    assert printed.count("\n") == 1


def test_a_check_can_be_interrupted():
    with pytest.raises(KeyboardInterrupt), check("Exercise 9.1"):
        raise KeyboardInterrupt


@every_chapter
def test_the_exercises_are_a_ladder(path):
    found = KIND.findall("\n\n".join(cells(path, "markdown")))
    assert {chapter for chapter, _, _ in found} == {str(int(path.stem[:2]))}
    numbers = [int(number) for _, number, _ in found]
    assert sorted(numbers) == list(range(len(numbers)))
    kinds = [kind for _, _, kind in found]
    assert kinds.count("predict") >= 1
    assert kinds.count("apply") >= 2
    assert kinds.count("derive") + kinds.count("explore") >= 1
    assert kinds.count("make") >= 1


@every_chapter
def test_every_stub_names_its_exercise_and_has_two_hints(path):
    notebook = nbformat.read(path, 4)
    sources = [cell.source for cell in notebook.cells]
    for number, _, stub, checks in exercises(path):
        assert f'NotImplementedError("Exercise {number}: ' in stub
        above = sources[sources.index(stub) - 1]
        assert f"**Exercise {number} (" in above
        assert re.findall(r"<details><summary>(Hint \d)</summary>", above) == HINTS
        output = notebook.cells[sources.index(checks)].outputs
        assert [part.text for part in output] == [f"Exercise {number}: not solved yet\n"]


@every_chapter
def test_every_assertion_of_a_check_names_the_mistake(path):
    for *_, checks in exercises(path):
        assertions = [node for node in ast.walk(ast.parse(checks)) if isinstance(node, ast.Assert)]
        assert assertions
        assert all(assertion.msg for assertion in assertions)


@every_chapter
def test_the_solutions_pass_the_same_checks(path):
    """`make test` runs them and compares what they print, unless a tag forbids it."""
    solutions = nbformat.read(path.parent / "solutions" / path.name, 4)
    by_source = {cell.source: cell for cell in solutions.cells if cell.cell_type == "code"}
    for number, *_, checks in exercises(path):
        cell = by_source[checks]
        assert "tags" not in cell.metadata
        printed = "".join(output.get("text", "") for output in cell.outputs)
        assert printed.endswith(f"Exercise {number}: solved\n")


def names_in(source):
    """Names that a cell defines, and those that it uses."""
    table = symtable.symtable(source, "cell", "exec")
    defined = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    defined |= set(re.findall(r"^(\w+)\[.*\] = ", source, re.M))  # an entry more
    used, tables = set(), [table]
    while tables:
        table = tables.pop()
        used |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
        tables += table.get_children()
    return defined, used


def needed(sources, wanted):
    """Cells that define what is wanted, or what such cells use, in their order."""
    kept = []
    for source in reversed(sources):
        defined, used = names_in(source)
        if defined & wanted:
            kept.insert(0, source)
            wanted = wanted | used
    return kept


def test_what_is_needed():
    sources = [
        "import a",
        "b = a.b",
        "c = b",
        "def d(c):\n    return c, b",
        "e = [d(f) for f in c]",
        "e[0] = 1",
    ]
    assert needed(sources, {"d"}) == [sources[i] for i in (0, 1, 3)]
    assert needed(sources, {"e"}) == sources
    assert needed(sources, {"f"}) == []


@every_chapter
def test_no_cell_uses_what_a_check_assigns(path):
    """Whether it does depends on the answer: the check of a stub ends before."""
    assigned = set()
    for source in cells(path, "code"):
        defined, used = names_in(without_shell(source))
        assert not assigned & (used - defined), source
        assigned -= defined
        if source.startswith("with check("):
            assigned |= defined


# They paint: most wrong answers are one of their pictures with something done to it.
PAINTERS = {"woven", "painted", "painted_inside", "everywhere", "transfer", "content_similarity"}
TIMED = "09_making_it_fast"  # where a picture from memory would come too soon


def remembered(function):
    """Return the function, which computes once what it returns for the same arguments."""
    known = {}

    def answer(*given, **named):
        try:
            key = pickle.dumps((given, named))
        except (pickle.PicklingError, AttributeError, TypeError):  # of a callback or a network
            return function(*given, **named)
        if key not in known:
            known[key] = pickle.dumps(function(*given, **named))
        return pickle.loads(known[key])  # noqa: S301 - our own, of a moment ago

    return answer


def test_what_is_remembered():
    calls = []
    twice = remembered(lambda x, size=1, **_: calls.append(size) or 2 * x)
    for x, options in (([1, 2], {}), ([1, 2], {}), ([[1, 2]], {}), ([1, 2], {"size": 3})):
        found = twice(np.array(x), **options)
        assert found.tolist() == (2 * np.array(x)).tolist()
        found[:] = 0  # changes what was returned, and nothing that is remembered
    assert calls == [1, 1, 3]
    for _ in range(2):
        twice(1, size=4, callback=lambda: None)
    assert calls == [1, 1, 3, 4, 4]


@pytest.fixture(scope="module", params=every_solution)
def answers(request):
    """A chapter, and whatever its solutions define that checks and wrong answers use."""
    path = request.param
    names, wanted = {"__name__": "solutions"}, set()
    for _, name, _, checks in exercises(path):
        defined, used = names_in(checks)
        wanted |= {name, f"wrong_{name}"} | used - defined
    sources = cells(path.parent / "solutions" / path.name, "code")
    sources = [without_shell(source) for source in sources]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path.parent / "solutions")
        patch.setattr(sys, "path", list(sys.path))
        patch.setattr(plt, "show", lambda: plt.close("all"))
        for source in needed(sources, wanted):
            exec(source, names)  # noqa: S102
            if path.stem != TIMED:  # at once: what comes next may paint already
                painters = PAINTERS & names_in(source)[0]
                names |= {name: remembered(names[name]) for name in painters}
        plt.close("all")
        yield path, names


def verdict(checks, names, capsys, **changed):
    capsys.readouterr()
    exec(checks, names | changed)  # noqa: S102
    return capsys.readouterr().out


def test_checks_refuse_stubs_and_wrong_answers(answers, capsys):
    path, names = answers
    for number, name, stub, checks in exercises(path):
        exercise = f"Exercise {number}"
        unsolved = dict(names)
        exec(stub, unsolved)  # noqa: S102
        assert verdict(checks, unsolved, capsys) == f"{exercise}: not solved yet\n"
        wrong = names[f"wrong_{name}"]
        assert len(wrong) >= 2
        wrong = wrong | {"nothing is returned": lambda *_, **__: None}
        for mistake, answer in wrong.items():
            line = verdict(checks, names, capsys, **{name: answer})
            assert line.startswith(f"{exercise}: not right yet. "), mistake

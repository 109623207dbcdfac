"""What every notebook of the series must be, beside running without an error."""

import ast
import itertools
import re
import statistics
import sys
import time
import types
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tools import book, build

ROOT = Path(__file__).parent.parent
SERIES = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
MAX_BYTES = 1_500_000
MAX_LINES = 20
MUSEUM = ROOT / "notebooks" / "07_the_failure_museum.ipynb"
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py(?:::\w+)+)`")
HEADINGS = ["What you will be able to do", "Exercises", "Recap", "References"]

every_notebook = pytest.mark.parametrize(
    "path", [*SERIES, *SOLUTIONS], ids=lambda path: f"{path.parent.name}/{path.stem}"
)
every_chapter = pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, 4)


def cells(path, kind):
    return [cell for cell in read(path).cells if cell.cell_type == kind]


def prose(path):
    return "\n\n".join(cell.source for cell in cells(path, "markdown"))


def without_fences(text):
    return re.sub(r"```.*?```", "", text, flags=re.S)


def functions(path):
    """Names and arguments of the functions that a notebook defines."""
    found = {}
    for cell in cells(path, "code"):
        code = re.sub(r"^\s*[!%].*$", "    pass", cell.source, flags=re.M)
        for node in ast.parse(code).body:
            if isinstance(node, ast.FunctionDef):
                found[node.name] = (ast.unparse(node.args), ast.unparse(node))
    return found


def may_be_unsolved(cell):
    """Whether a cell calls an exercise; what it then prints, tests/test_exercises.py looks at."""
    return "raises-exception" in cell.metadata.get("tags", []) or "with check(" in cell.source


def test_there_are_notebooks_and_a_solution_for_each():
    assert SERIES
    assert [path.name for path in SERIES] == [path.name for path in SOLUTIONS]


@every_notebook
def test_it_is_valid_small_and_holds_no_widget_state(path):
    nbformat.validate(read(path))
    assert path.stat().st_size <= MAX_BYTES
    assert "widgets" not in read(path).metadata


@every_notebook
def test_it_is_written_as_nbformat_writes_it(path):
    """Else the first who saves it, or runs `make badges`, changes lines that nobody meant to."""
    as_written = path.read_text(encoding="utf-8") == nbformat.writes(read(path)) + "\n"
    assert as_written


@every_notebook
def test_it_was_run_once_from_top_to_bottom(path):
    code = cells(path, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert sum(bool(cell.outputs) for cell in code) >= len(code) / 3


@every_notebook
def test_what_is_printed_or_shown_is_stored(path):
    """A cell that was put in later, and not run, leaves the text below it without its picture."""
    last = [cell.source.splitlines()[-1] for cell in cells(path, "code") if not cell.outputs]
    assert not [line for line in last if line.startswith(("print(", "plt.show("))]


@every_notebook
def test_outputs_hold_no_stderr_no_path_and_no_error_but_those_of_exercises(path):
    for cell in cells(path, "code"):
        for output in cell.outputs:
            assert output.get("name") != "stderr", cell.source
            # A bar is no output: GitHub shows nothing for it, and TQDM_DISABLE=1 leaves it out.
            assert not any("widget" in kind for kind in output.get("data", {})), cell.source
            if output.output_type == "error":
                assert "raises-exception" in cell.metadata.tags, cell.source
                assert output.ename == "NotImplementedError"
            data = output.pop("data", {})
            text = f"{output} {[value for kind, value in data.items() if 'image' not in kind]}"
            assert not re.search(r"/(home|root|Users|tmp)/|[A-Z]:\\", text), cell.source


@every_notebook
def test_it_has_one_title_and_prose_before_every_code_cell(path):
    titles = re.findall(r"^# .+", without_fences(prose(path)), re.M)
    assert len(titles) == 1
    assert read(path).cells[0].source.startswith(titles[0])
    kinds = [cell.cell_type for cell in read(path).cells]
    assert kinds[0] == kinds[-1] == "markdown"
    assert ("code", "code") not in set(itertools.pairwise(kinds))


@every_notebook
def test_sections_are_numbered_in_order(path):
    numbers = re.findall(r"^## (\d+) ", without_fences(prose(path)), re.M)
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]


@every_notebook
def test_cells_are_short(path):
    lengths = {cell.source: len(cell.source.splitlines()) for cell in cells(path, "code")}
    assert max(lengths.values()) <= MAX_LINES
    # Checks, and what they refuse, are long and alike in every notebook.
    others = [
        n for source, n in lengths.items() if not re.search(r"with check\(|^wrong_", source, re.M)
    ]
    assert statistics.median(others) <= 7  # solutions are dense


@every_notebook
def test_pictures_in_the_prose_have_a_description_and_links_lead_somewhere(path):
    text = without_fences(prose(path))
    assert all(alt.strip() for alt in re.findall(r"!\[([^\]]*)\]", text))
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not target.startswith("https://"):
            assert (path.parent / target.split("#")[0]).exists(), target


@every_notebook
def test_every_picture_of_an_output_has_a_description(path):
    for cell in cells(path, "code"):
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        if any(kind.startswith("image/") for kind in kinds):
            assert len(cell.metadata.get("alt", "")) >= 20, cell.source


@every_notebook
def test_every_test_that_the_text_names_exists(path):
    for name, *inner in (match.split("::") for match in NAMED_TEST.findall(prose(path))):
        body = ast.parse((ROOT / name).read_text(encoding="utf-8")).body
        for part in inner:  # perhaps a class, then a function
            body = next(node.body for node in body if getattr(node, "name", None) == part)


def test_every_exhibit_of_the_museum_names_the_test_that_keeps_it_out():
    exhibits = re.split(r"^### Exhibit \d+ · ", prose(MUSEUM), flags=re.M)[1:]
    assert len(exhibits) == len(re.findall(r"^\| \d+ \| ", read(MUSEUM).cells[0].source, re.M))
    assert all(NAMED_TEST.search(exhibit) for exhibit in exhibits)


@every_chapter
def test_it_has_a_card_objectives_exercises_recap_and_references(path):
    text = prose(path)
    headings = re.findall(r"^## (.+)", without_fences(text), re.M)
    assert [heading for heading in headings if heading in HEADINGS] == HEADINGS
    card = read(path).cells[0].source
    assert re.search(r"running on 2 CPU cores.*\n.*\n.*\d+ minutes \| \d+\.\d minutes \|", card)
    objectives = book.objectives(read(path))
    assert 3 <= len(objectives) <= 5
    assert all(re.match(r"\*\*[A-Z][a-z]+\*\* ", objective) for objective in objectives)
    assert "**In the library.**" in text
    assert "What to see." in text


@every_chapter
def test_exercises_are_stubs_whose_solutions_have_the_same_signature(path):
    stubs = {
        name: arguments
        for name, (arguments, source) in functions(path).items()
        if "NotImplementedError" in source
    }
    solved = functions(path.parent / "solutions" / path.name)
    assert len(stubs) >= 3
    for name, arguments in stubs.items():
        assert solved[name][0] == arguments
        assert "NotImplementedError" not in solved[name][1]
    assert sum(may_be_unsolved(cell) for cell in cells(path, "code")) == len(stubs)


@every_chapter
def test_no_cell_that_must_run_uses_an_exercise(path):
    stubs = [
        name for name, (_, source) in functions(path).items() if "NotImplementedError" in source
    ]
    for cell in cells(path, "code"):
        if not may_be_unsolved(cell):
            code = cell.source.replace("def ", "")
            assert not any(f"{name}(" in code for name in stubs) or "NotImplementedError" in code


@every_notebook
def test_every_setup_cell_is_the_same_and_prints_nothing_to_compare(path):
    def setup(path):
        source = cells(path, "code")[0].source.split("from stylelib")[0].rstrip()
        depth = path.relative_to(ROOT / "notebooks").parent.as_posix().replace(".", "")
        source = source.replace("/" + depth, "").replace('"../..', '"..') if depth else source
        return re.sub(r'REPOSITORY = ".*"', "", source)

    assert setup(path) == setup(SERIES[0])


def test_the_readme_names_every_notebook_in_order():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\(notebooks/(\w+\.ipynb)\)", readme) == [path.name for path in SERIES]
    for target in re.findall(r"\]\(([^)#]+)\)", readme):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_where_a_photograph_of_ones_own_is_the_point_it_can_be_uploaded(monkeypatch):
    sources = [cell.source for path in SERIES for cell in cells(path, "code")]
    (source,) = {source for source in sources if "colab_files" in source}
    assert sources.count(source) == 5
    uploaded = types.ModuleType("google.colab")
    uploaded.files = types.SimpleNamespace(upload=lambda: {"mine.jpg": b""})
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", uploaded)
    for asked, photograph in (("False", ""), ("True", "mine.jpg")):
        names = {}
        exec(source.replace("UPLOAD = False", f"UPLOAD = {asked}"), names)  # noqa: S102 - our own cell
        assert names["PHOTOGRAPH"] == photograph


class Here:
    """In place of nbclient's client: run a notebook's cells in this process."""

    def __init__(self, notebook, **options):
        self.notebook, self.names = notebook, {}

    def execute(self):
        time.sleep(0.06)  # which is told to a tenth of a second
        self.notebook.metadata["language_info"] = {"name": "python"}
        for cell in self.notebook.cells:
            if cell.cell_type == "code":
                self.run(cell)

    def run(self, cell):
        *lines, last = ast.parse(cell.source).body
        try:
            exec(ast.unparse(ast.Module(lines, [])), self.names)  # noqa: S102
            if not isinstance(last, ast.Expr):
                exec(ast.unparse(last), self.names)  # noqa: S102
                return
            data = {"text/plain": repr(eval(ast.unparse(last), self.names))}  # noqa: S307
            cell.outputs = [nbformat.v4.new_output("execute_result", data)]
        except Exception as error:
            output = {"ename": type(error).__name__, "evalue": str(error), "traceback": []}
            cell.outputs = [nbformat.v4.new_output("error", **output)]
            raise CellExecutionError("", output["ename"], output["evalue"]) from error


class TestBuild:
    @pytest.fixture(params=["here", pytest.param("kernel", marks=pytest.mark.slow)])
    def either_kernel(self, request, monkeypatch):
        if request.param == "here":
            monkeypatch.setattr(build, "NotebookClient", Here)

    def notebook(self, *sources):
        cells = [
            nbformat.v4.new_markdown_cell(
                "# 01 · Title\n\n## What you will be able to do\n- **Do** it"
            )
        ]
        cells += [nbformat.v4.new_code_cell(source) for source in sources]
        return nbformat.v4.new_notebook(cells=cells)

    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.setattr(build, "NOTEBOOKS", tmp_path / "notebooks")
        monkeypatch.setattr(build, "SOURCES", [])
        monkeypatch.chdir(tmp_path)
        (tmp_path / "notebooks").mkdir()
        return tmp_path / "notebooks"

    @pytest.mark.usefixtures("either_kernel")
    def test_a_run_is_kept_and_not_repeated(self, folder, capsys):
        path = folder / "01_a.ipynb"
        nbformat.write(self.notebook("1 + 1"), path)
        for expected in (r"\[1/1\] 01_a \d+ s", r"\[1/1\] 01_a is up to date"):
            ((_, notebook),) = build.executed([path], keep=folder.parent / "executed")
            assert re.search(expected, capsys.readouterr().out)
            assert notebook.cells[1].outputs[0].data["text/plain"] == "2"
            assert notebook.metadata["seconds"] > 0
        assert "outputs" not in path.read_text() or '"outputs": []' in path.read_text()

    @pytest.mark.usefixtures("either_kernel")
    def test_controls_are_kept_without_their_state(self, folder):
        path = folder / "01_a.ipynb"
        notebook = self.notebook("import ipywidgets\nipywidgets.IntSlider()", "2")
        notebook.cells[1].metadata["tags"] = ["nbval-skip"]
        nbformat.write(notebook, path)
        ((_, notebook),) = build.executed([path])
        assert [len(cell.outputs) for cell in notebook.cells[1:]] == [0, 1]
        assert "widgets" not in notebook.metadata

    @pytest.mark.usefixtures("either_kernel")
    def test_a_failing_cell_is_named_with_its_error(self, folder):
        path = folder / "01_a.ipynb"
        nbformat.write(self.notebook("x = 1", "x / 0"), path)
        with pytest.raises(SystemExit) as end:
            list(build.executed([path]))
        assert re.search(r"01_a\.ipynb: cell 3 \(x / 0\) failed\nZeroDivisionError", end.value.code)

"""What README and the pages for teachers say of the notebooks is so: minutes, sections, answers."""

import re
from pathlib import Path

import nbformat
import pytest

from tools import book

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
NOTEBOOKS = {path.name[:2]: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in
         ("teaching.md", "quiz.md", "quiz-answers.md")}  # fmt: skip
SECTION = r"§(\d+)"


def text_of(cells):
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def prose(number):
    return text_of(nbformat.read(NOTEBOOKS[number], 4).cells)


def without_optional_parts(cells):
    """Cells up to the first section that is called optional, and from the next other one on."""
    optional = False
    for cell in cells:
        if cell.source.startswith("## "):
            optional = cell.source.startswith("## Optional: ")
        if not optional:
            yield cell


def reading_minutes(number):
    """180 words of prose a minute, half a minute a figure, five minutes an exercise."""
    cells = list(without_optional_parts(nbformat.read(NOTEBOOKS[number], 4).cells))
    text = text_of(cells)
    drawn = [out for cell in cells for out in cell.get("outputs", []) if "data" in out]
    drawn = [out for out in drawn if any(kind.startswith("image/") for kind in out.data)]
    figures = len(drawn) + len(re.findall(r"!\[", text))
    exercises = len(re.findall(r"^\*\*Exercise \d\.\d ", text, re.M))
    no_words = r"```.*?```|!\[[^]]*\]\([^)]*\)|\]\([^)]*\)|<[^>]+>|\$\$.*?\$\$"
    words = re.findall(r"[\w$`\\][^\s|]*", re.sub(no_words, " ", text, flags=re.S))
    return len(words) / 180 + figures / 2 + 5 * exercises


def tables():
    """Of the page for teachers: lists of rows of cells, the head first, without the rule."""
    for table in re.findall(r"(?:^\|.*\n)+", PAGES["teaching.md"], re.M):
        head, _, *body = table.splitlines()
        yield [[cell.strip() for cell in row.split("|")[1:-1]] for row in (head, *body)]


def numbered(page, word):
    """Numbers of a page's questions or answers, each with its notebook."""
    return re.findall(rf"^\*\*{word} (\d+) \((\d\d)\)\.\*\*", PAGES[page], re.M)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_links_of_the_documentation_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("https://", "#")):
            assert (path.parent / target.split("#")[0]).exists(), target


@pytest.mark.parametrize("name", ["teaching.md", "quiz-answers.md"])
def test_sections_that_a_page_names_exist(name):
    """02 §1 to §3, §5: all sections that follow a number of a notebook are its own."""
    named = re.findall(
        rf"\b(\d\d),? (?:\w+ and )?({SECTION}(?:(?:, | to | and ){SECTION})*)", PAGES[name]
    )
    assert len(named) > 20
    for number, sections, *_ in named:
        headings = re.findall(r"^## (\d+) ", prose(number), re.M)
        assert set(re.findall(SECTION, sections)) <= set(headings), f"{number} {sections}"


def test_exercises_that_are_named_exist():
    plans = [table for table in tables() if "what students do" in table[0]]
    named = [row[-1] for table in plans for row in table[1:]]
    named += re.findall(r"exercise \d\.\d", PAGES["teaching.md"] + PAGES["quiz-answers.md"])
    exercises = set(re.findall(r"\b\d\.\d\b", " ".join(named)))
    assert len(exercises) > 15
    for exercise in exercises:
        assert f"Exercise {exercise} " in prose(f"0{exercise[0]}"), exercise


def test_minutes_are_those_of_the_cards():
    rows = re.findall(
        r"^\| (\d\d) \| .* \| (.+ minutes) \| (.+ minutes) \|$", PAGES["teaching.md"], re.M
    )
    assert len(rows) >= 8
    cards = {number: book.card_facts(nbformat.read(path, 4)) for number, path in NOTEBOOKS.items()}
    for number, reading, running in rows:
        assert (cards[number]["reading"], cards[number]["running"]) == (reading, running), number
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d) \| .* \| (\d+) \|$", readme, re.M)
    assert len(rows) == len(NOTEBOOKS)
    for number, reading in rows:
        assert cards[number]["reading"] == f"{reading} minutes", number


def test_every_question_has_an_answer_of_the_same_notebook_with_its_section():
    questions, answers = numbered("quiz.md", "Question"), numbered("quiz-answers.md", "Answer")
    assert questions == answers
    assert [int(number) for number, _ in questions] == list(range(1, len(questions) + 1))
    paragraphs = re.findall(r"^\*\*Answer .+$", PAGES["quiz-answers.md"], re.M)
    assert all(re.search(rf"See \d\d {SECTION}", paragraph) for paragraph in paragraphs)


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_the_minutes_of_reading_are_counted(number):
    card = int(re.search(r"\| (\d+) minutes \|", prose(number))[1])
    assert abs(card - reading_minutes(number)) <= 5


def test_a_course_fills_its_minutes():
    minutes = {tuple(table[0][:2]): table[1:] for table in tables()}
    lecture = minutes["45", "90"]
    assert sum(int(row[0]) for row in lecture if row[0] != "–") == 45
    assert sum(int(row[1]) for row in lecture) == 90
    assert sum(int(row[0]) for row in minutes["minutes", "what happens"]) == 4 * 60
    assert sum(int(row[1]) for row in minutes["", "minutes"]) == 6 * 90

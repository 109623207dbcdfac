"""The students' edition: nothing of the answers is in it, and all else is."""

import io
import re
import tarfile
from pathlib import Path

import nbformat
import pytest

from tools import student
from tools.student import LEFT_OUT, without_answers, write_edition

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_without_answers(path):
    before, after = nbformat.read(path, 4), without_answers(nbformat.read(path, 4))
    nbformat.validate(after)
    text = "\n".join(cell.source for cell in after.cells)
    assert "<summary>Answer" not in text and "](solutions/" not in text
    for old, new in zip(before.cells, after.cells, strict=True):
        if new.cell_type == "code":
            assert new.outputs == [] and new.source == old.source
        else:
            asked = [line for line in old.source.splitlines() if line.startswith("**Exercise")]
            assert all(line in new.source for line in asked)
            assert new.source.count("<summary>Hint") == old.source.count("<summary>Hint")


def test_every_prediction_has_an_answer_to_take_out():
    assert all("<summary>Answer" in path.read_text(encoding="utf-8") for path in CHAPTERS)


def test_what_is_for_teachers_is_left_out(tmp_path):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as files:
        for path in ("notebooks", "docs", "stylelib/api.py", "Makefile", "tests/conftest.py"):
            files.add(ROOT / path, path)
    write_edition(tmp_path / "student", archive.getvalue())
    assert not [name for name in LEFT_OUT if (tmp_path / "student" / name).exists()]
    for name in ("stylelib/api.py", "docs/quiz.md"):
        assert (tmp_path / "student" / name).is_file()
    for page in (tmp_path / "student" / "docs").glob("*.md"):
        for target in re.findall(r"\]\(([^)\s:#]+)", page.read_text(encoding="utf-8")):
            if (ROOT / "docs" / target).exists():
                left_out = (ROOT / "docs" / target).resolve().relative_to(ROOT).as_posix()
                assert not left_out.startswith(LEFT_OUT), f"{page.name}: {target}"
    notebook = nbformat.read(tmp_path / "student" / "notebooks" / CHAPTERS[0].name, 4)
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_without_a_repository_it_is_one_line(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(student, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="student: not written; the lines above say why"):
        student.main()
    assert "not a git repository" in capfd.readouterr().err
    assert not list(tmp_path.iterdir())

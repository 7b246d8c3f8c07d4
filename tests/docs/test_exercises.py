"""The exercises of the book: a solution passes its check, and where the reader begins does not."""
from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from test_docs_code import ROOT
from test_notebooks import notebooks

from minigan import cli, exercises
from minigan.cli.exercise import CHAPTERS
from minigan.errors import UserError
from minigan.exercises import Exercise

LINE = re.compile(r"^\[Exercise: ([^]]+)\]\(exercises/(\w+)\.py\)$", re.M)
TO_READ_AND_DO = re.compile(r"^\*(\d+) minutes to read, (\d+) to do\. ", re.M)
OF_THE_BOOK = sorted(exercises.names())


def graded(exercise: Exercise, code: str, folder: Path) -> str | None:
    file = folder / f"{exercise.name}.py"
    file.write_text(code, "utf-8")
    return exercise.grade(file)


@pytest.mark.parametrize("name", OF_THE_BOOK)
def test_the_solution_passes_and_where_the_reader_begins_does_not(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exercise = Exercise.load(name)
    assert graded(exercise, exercise.solution, tmp_path) is None
    wrong = graded(exercise, exercise.begin(), tmp_path)
    assert wrong and len(wrong.splitlines()) <= exercises.LINES
    assert "<check of" not in wrong and not re.match(r"\w+Error: ", wrong), (
        "the diagnosis of what is not yet done is a sentence, not an error from within the check")


def test_each_stands_once_at_the_end_of_its_chapter_which_says_how_long_it_takes():
    of_chapters, told = {name: [] for name in notebooks.CHAPTERS}, {}
    for name in OF_THE_BOOK:
        of_chapters[Exercise.load(name).chapter].append(name)
    for chapter, here in of_chapters.items():
        page = notebooks.CHAPTERS[chapter].read_text("utf-8")
        lines = dict(map(reversed, LINE.findall(page)))
        assert sorted(lines) == here, chapter
        assert lines == {name: Exercise.load(name).title for name in here}
        if here:
            assert page.rpartition("\n## ")[2].startswith("Your turn\n"), chapter
            guesses = page.partition("\n## ")[0].count('<details class="prediction">')
            told[chapter] = TO_READ_AND_DO.search(page)
            assert guesses == 1, f"{chapter} begins with a prediction"
            assert told[chapter], f"{chapter} says how long it takes to read, and to do"
            assert int(told[chapter][2]) == guesses + sum(Exercise.load(name).minutes
                                                          for name in here), chapter


def test_the_index_has_each_chapter_with_its_minutes_of_which_half_are_doing():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    rows = re.findall(r"^\| \[[^]]+\]\((\w+)\.md\) \| (\d+) \| (\d+) \|", index, re.M)
    for chapter, *minutes in rows:
        page = notebooks.CHAPTERS[chapter].read_text("utf-8")
        assert TO_READ_AND_DO.search(page).groups() == tuple(minutes), chapter
    read, do = (sum(int(row[i]) for row in rows) for i in (1, 2))
    assert len(rows) > 25 and do >= read
    assert [chapter for chapter, *_ in rows] == CHAPTERS


def test_the_command_writes_the_task_then_says_what_is_wrong_and_then_that_it_is_solved(
        tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["exercise", "bias_gradient"]) == 0
    assert "wrote bias_gradient.py" in capsys.readouterr().out
    assert Path("bias_gradient.py").read_text("utf-8").startswith('"""The gradient of a bias\n')
    assert cli.main(["exercise", "bias_gradient"]) == 1
    out = capsys.readouterr().out
    assert "shape (4, 3)" in out and out.endswith("bias_gradient.py: not yet\n")
    assert "to see it again" not in out  # that is the same command
    raising = "raise AssertionError('\\n'.join('x' * 99))"
    long = replace(Exercise.load("bias_gradient"), check=raising)
    assert long.grade(Path("bias_gradient.py")).count("x") == exercises.LINES
    assert cli.main(["exercise", "bias_gradient", "--solution"]) == 0
    Path("bias_gradient.py").write_text(capsys.readouterr().out, "utf-8")
    assert cli.main(["exercise", "bias_gradient"]) == 0
    assert "solved" in capsys.readouterr().out


def test_wrong_words_and_broken_code_are_answered_by_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["exercise", "bias_gradeint"]) == 2
    said = capsys.readouterr().err
    assert "did you mean bias_gradient?" in said and len(said) < 150  # and not all their names
    assert cli.main(["exercise", "--solution"]) == 2 and not list(tmp_path.iterdir())
    assert cli.main(["exercise"]) == 0
    whole = capsys.readouterr().out
    assert "The gradient of a bias (5 minutes)" in whole
    assert whole.count("minutes)") == len(OF_THE_BOOK)
    assert cli.main(["exercise", "broadcasting"]) == 0
    part = capsys.readouterr().out
    assert part in whole and "  bias_gradient" in part
    for code, said in [("x = (", "SyntaxError"), ("AddRow = 1", "AddRow is a class in what"),
                       ("1 / 0", "(bias_gradient.py:1)"),
                       ("import minigan", "asks for AddRow, which the file has no more")]:
        Path("bias_gradient.py").write_text(code, "utf-8")
        assert cli.main(["exercise", "bias_gradient"]) == 1
        assert said in capsys.readouterr().out


def test_a_full_disk_leaves_no_empty_file_to_be_graded(tmp_path, monkeypatch, capsys):
    def full(path, *_):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "write_text", full)
    assert cli.main(["exercise", "bias_gradient"]) == 2
    assert "No space left" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_no_answer_passes_by_ending_the_program_or_by_python_without_asserts(
        tmp_path, monkeypatch):
    exercise = Exercise.load("discriminator_loss")
    leaves = "import sys\nimport minigan as mg\n\ndef d_loss(*_): sys.exit(0)\n"
    assert "SystemExit: 0 (" in graded(exercise, leaves, tmp_path)
    asked = []
    monkeypatch.setattr(exercises, "compile", lambda *args, **kwargs: asked.append(kwargs) or
                        compile(*args, **kwargs), raising=False)
    graded(exercise, exercise.solution, tmp_path)
    assert asked == [{"optimize": 0}]  # which keeps what `python -O` would leave out


def test_a_name_that_is_gone_is_asked_for_and_a_mark_at_the_beginning_is_none(tmp_path):
    exercise = Exercise.load("bias_gradient")
    assert graded(exercise, "", tmp_path).startswith("the check asks for AddRow")
    assert "add_row" in graded(exercise, "\ufeff" + exercise.start, tmp_path)


def test_what_is_no_text_is_not_graded(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("hinge.py").mkdir()
    Path("undo.py").write_bytes(b"\xff\xfe\x00")
    for name in "hinge", "undo":
        assert cli.main(["exercise", name]) == 2
        assert f"{name}.py cannot be read" in capsys.readouterr().err


def test_an_output_that_has_not_all_signs_is_told(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "latin-1"))
    assert cli.main(["exercise", "curvature_along", "--solution"]) == 2
    assert "latin-1, which has no '\\u1d40': set PYTHONUTF8=1" in capsys.readouterr().err


def test_a_file_that_is_no_exercise_and_a_missing_folder_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(exercises, "FOLDERS", [tmp_path / "none", tmp_path])
    (tmp_path / "mine.py").write_text('"""A title\n"""\n', "utf-8")
    with pytest.raises(UserError, match="mine.py is no exercise"):
        Exercise.load("mine")
    monkeypatch.setattr(exercises, "FOLDERS", [tmp_path / "none"])
    with pytest.raises(UserError, match="docs/exercises"):
        exercises.names()


def test_they_are_installed_with_the_package():
    text = (ROOT / "setup.cfg").read_text("utf-8")
    assert "share/minigan/exercises = docs/exercises/*.py" in text

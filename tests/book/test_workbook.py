"""A reader's copies are never lost, and stay no older than they must."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from minigpt_edu.book.workbook import copy_chapters, main

ANSWER = "def f(x):\n    # your code\n    return x + {}\n    # end of your code"


@pytest.fixture
def chapters(tmp_path: Path) -> Path:
    folder = tmp_path / "chapters"
    for name in ("one/a.ipynb", "two/b.ipynb", "one/.ipynb_checkpoints/a.ipynb"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("original")
    return folder


def write_exercises(chapters: Path, source: str) -> None:
    cell = new_code_cell(source, id="ex-add", execution_count=1)
    cell.metadata["tags"] = ["solution", "hide-cell"]
    nbformat.write(new_notebook(cells=[cell]), chapters / "one" / "exercises.ipynb")


def files(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*.ipynb"))
    return set(found)


def test_copies_are_made_once_and_never_overwritten(chapters: Path) -> None:
    workbook = chapters.parent / "workbook"
    first = copy_chapters(chapters, workbook)
    assert (first.new, first.kept) == (2, 0)
    (workbook / "one" / "a.ipynb").write_text("the reader's work")
    (workbook / "two" / "b.ipynb").unlink()
    second = copy_chapters(chapters, workbook)
    assert second.explain().startswith("workbook/: 1 new, 1 kept")
    assert (workbook / "one" / "a.ipynb").read_text() == "the reader's work"
    assert (workbook / "two" / "b.ipynb").read_text() == "original"


def test_a_newer_version_lies_beside_the_reader_s_work(chapters: Path) -> None:
    workbook = chapters.parent / "workbook"
    copy_chapters(chapters, workbook)
    mine, beside = workbook / "one" / "a.ipynb", workbook / "one" / "a.newer.ipynb"
    mine.write_text("the reader's work")
    (chapters / "one" / "a.ipynb").write_text("a new edition")
    done = copy_chapters(chapters, workbook)
    assert mine.read_text() == "the reader's work"
    assert beside.read_text() == "a new edition"
    assert done.newer == (Path("one/a.ipynb"),)
    assert "one/a.ipynb: the book has changed since" in done.explain()
    assert "a.newer.ipynb" in done.explain()
    # The newer version is a copy like others: followed until it is worked in.
    (chapters / "one" / "a.ipynb").write_text("a third edition")
    copy_chapters(chapters, workbook)
    assert beside.read_text() == "a third edition"
    beside.write_text("work in the newer one")
    (chapters / "one" / "a.ipynb").write_text("a fourth edition")
    copy_chapters(chapters, workbook)
    assert beside.read_text() == "work in the newer one"
    assert mine.read_text() == "the reader's work"


def test_a_copy_that_nobody_changed_follows_the_book(chapters: Path) -> None:
    workbook = chapters.parent / "workbook"
    copy_chapters(chapters, workbook)
    (chapters / "one" / "a.ipynb").write_text("a new edition")
    done = copy_chapters(chapters, workbook)
    assert (done.new, done.kept, done.updated, done.newer) == (0, 1, 1, ())
    assert (workbook / "one" / "a.ipynb").read_text() == "a new edition"
    assert "1 brought up to date" in done.explain()
    assert files(workbook) == {"one/a.ipynb", "two/b.ipynb"}


def test_work_done_before_copies_were_recorded_is_safe(chapters: Path) -> None:
    workbook = chapters.parent / "workbook"
    (workbook / "one").mkdir(parents=True)
    (workbook / "one" / "a.ipynb").write_text("the reader's work")
    for edition in ("original", "a new edition"):
        (chapters / "one" / "a.ipynb").write_text(edition)
        done = copy_chapters(chapters, workbook)
        assert (workbook / "one" / "a.ipynb").read_text() == "the reader's work"
        assert bool(done.newer) == (edition == "a new edition")


def test_exercises_come_without_their_solutions(chapters: Path) -> None:
    write_exercises(chapters, ANSWER.format(1))
    workbook = chapters.parent / "workbook"
    assert copy_chapters(chapters, workbook, stubs=True).new == 1
    assert files(workbook) == {"one/exercises.ipynb"}
    copied = nbformat.read(workbook / "one" / "exercises.ipynb", as_version=4)
    assert "raise NotImplementedError" in copied.cells[0].source
    assert "x + 1" not in copied.cells[0].source
    # Another answer makes the same stub: no newer version to speak of.
    write_exercises(chapters, ANSWER.format(2))
    done = copy_chapters(chapters, workbook)
    assert (done.new, done.kept, done.updated) == (2, 1, 0)


def test_a_solution_marked_wrongly_stops_everything(
    chapters: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    write_exercises(chapters, "def f(x):\n    return x + 1")
    workbook = chapters.parent / "workbook"
    with pytest.raises(ValueError, match=r"exercises.ipynb: cell ex-add: .* missing"):
        copy_chapters(chapters, workbook)
    assert not workbook.exists()
    monkeypatch.chdir(chapters.parent)
    assert main([]) == 1
    assert "cell ex-add" in capsys.readouterr().out
    write_exercises(chapters, ANSWER.format(1))
    assert main(["--stubs"]) == 0
    assert files(workbook) == {"one/exercises.ipynb"}

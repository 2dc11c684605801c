"""A reader's copies are never lost."""

from __future__ import annotations

from pathlib import Path

from minigpt_edu.book.workbook import copy_chapters


def test_copies_are_made_once_and_never_overwritten(tmp_path: Path) -> None:
    chapters, workbook = tmp_path / "chapters", tmp_path / "workbook"
    for name in ("one/a.ipynb", "two/b.ipynb", "one/.ipynb_checkpoints/a.ipynb"):
        (chapters / name).parent.mkdir(parents=True, exist_ok=True)
        (chapters / name).write_text("original")
    first = copy_chapters(chapters, workbook)
    assert (first.new, first.kept) == (2, 0)
    (workbook / "one" / "a.ipynb").write_text("the reader's work")
    (workbook / "two" / "b.ipynb").unlink()
    (chapters / "one" / "a.ipynb").write_text("a new edition")
    second = copy_chapters(chapters, workbook)
    assert second.explain().startswith("workbook/: 1 new, 1 kept")
    assert (workbook / "one" / "a.ipynb").read_text() == "the reader's work"
    assert (workbook / "two" / "b.ipynb").read_text() == "original"

"""The stored status is that of the notebooks, and changes only when they do."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from minigpt_edu.book.measure import Measure
from minigpt_edu.book.refresh import find
from minigpt_edu.book.status import STATUS, Entry, counted, load, record

ROOT = Path(__file__).parents[2]
NOTEBOOKS = [p.relative_to(ROOT).as_posix() for p in find([ROOT / "chapters"])]


# The book as it stands.


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_status_of_a_notebook_is_up_to_date(name: str) -> None:
    stored = load(ROOT).get(name)
    assert stored is not None, "run make refresh"
    now = counted(nbformat.read(ROOT / name, as_version=4))
    assert (stored.cells, stored.ignored) == (now.cells, now.ignored), "make refresh"
    assert all(now.ignored.values()), "each ignored cell says why"
    assert stored.seconds and stored.seconds <= 60, "a notebook takes a minute at most"
    assert stored.peak_mb and stored.peak_mb <= 1500, "and 1.5 GB"
    assert stored.machine


def test_one_cell_in_twenty_may_be_ignored() -> None:
    chapters: dict[str, list[Entry]] = {}
    for name, entry in load(ROOT).items():
        chapters.setdefault(name.split("/")[1], []).append(entry)
    for chapter, entries in chapters.items():
        cells = sum(entry.cells for entry in entries)
        ignored = sum(len(entry.ignored) for entry in entries)
        assert ignored <= cells / 20, f"{chapter}: {ignored} of {cells} cells"


def test_only_notebooks_of_the_book_have_a_status() -> None:
    assert set(load(ROOT)) == set(NOTEBOOKS)


# The functions, on a book of two notebooks.


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "book").mkdir()
    (tmp_path / "chapters" / "one").mkdir(parents=True)
    for name in "ba":
        cells = [new_markdown_cell("Text."), new_code_cell(""), new_code_cell("1")]
        cells.append(new_code_cell("2", id="drawn"))
        cells[-1].metadata["tags"] = ["nbval-ignore-output"]
        cells[-1].metadata["minigpt"] = {"reason": "it is drawn"}
        path = tmp_path / "chapters" / "one" / f"{name}.ipynb"
        nbformat.write(new_notebook(cells=cells), path)
    return tmp_path


def place(root: Path, name: str) -> Path:
    return root / "chapters" / "one" / f"{name}.ipynb"


def test_cells_are_counted(root: Path) -> None:
    entry = counted(nbformat.read(place(root, "a"), as_version=4))
    assert (entry.cells, entry.verified) == (2, 1)
    assert entry.ignored == {"drawn": "it is drawn"}


def test_a_run_is_recorded_sorted_and_stays(root: Path) -> None:
    record(root, {place(root, "b"): Measure(7.4, 412_000_000)})
    entries = record(root, {place(root, "a"): Measure(0.2, None)})
    assert list(entries) == ["chapters/one/a.ipynb", "chapters/one/b.ipynb"]
    assert entries == load(root)
    b = entries["chapters/one/b.ipynb"]
    assert (b.seconds, b.peak_mb) == (7, 410)
    a = entries["chapters/one/a.ipynb"]
    assert (a.seconds, a.peak_mb) == (1, None)
    before = (root / STATUS).read_bytes()
    record(root, {place(root, "b"): Measure(8.6, 430_000_000)})
    assert (root / STATUS).read_bytes() == before, "noise changes nothing"
    record(root, {place(root, "b"): Measure(30.0, 900_000_000)})
    b = load(root)["chapters/one/b.ipynb"]
    assert (b.seconds, b.peak_mb) == (30, 900)
    assert not list(root.glob("book/*.partial"))


def test_numbers_settle_and_cells_do_not(root: Path) -> None:
    path = place(root, "a")
    record(root, {path: Measure(5, 400_000_000)})
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(new_code_cell("3"))
    nbformat.write(notebook, path)
    record(root, {path: Measure(6, 410_000_000)})
    entry = load(root)["chapters/one/a.ipynb"]
    assert (entry.cells, entry.seconds, entry.peak_mb) == (3, 5, 400)


def test_numbers_name_the_machine_that_made_them(root: Path) -> None:
    path = place(root, "a")
    record(root, {path: Measure(5, 400_000_000)})
    known = json.loads((root / STATUS).read_text())
    known["chapters/one/a.ipynb"]["machine"] = "another machine"
    (root / STATUS).write_text(json.dumps(known))
    record(root, {path: Measure(6, 410_000_000)})
    assert load(root)["chapters/one/a.ipynb"].machine == "another machine"
    record(root, {path: Measure(20, 410_000_000)})
    assert load(root)["chapters/one/a.ipynb"].machine.startswith("one thread of")


def test_a_notebook_that_is_gone_is_forgotten(root: Path) -> None:
    both = {place(root, name): Measure(5, None) for name in "ab"}
    record(root, both)
    place(root, "a").unlink()
    record(root, {place(root, "b"): Measure(5, None)})
    assert list(load(root)) == ["chapters/one/b.ipynb"]


def test_other_notebooks_and_empty_runs_leave_no_trace(root: Path) -> None:
    drafts = [root / "draft.ipynb", place(root, ".a")]
    for draft in drafts:
        draft.write_bytes(place(root, "a").read_bytes())
    assert record(root, {}) == {}
    assert not (root / STATUS).exists()
    assert record(root, dict.fromkeys(drafts, Measure(5, None))) == {}
    assert load(root) == {}


def test_the_line_says_what_is_known() -> None:
    entry = Entry(25, {"sample": "why"}, 12, 1200, "here")
    assert entry.explain() == (
        "24 of 25 cells verified · 12 s of processor time · 1,200 MB of memory"
    )
    assert Entry(3).explain() == "3 of 3 cells verified"

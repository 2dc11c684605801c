"""A notebook that went wrong is left as it was; a good one is stored in one form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from minigpt_edu.book import refresh as module
from minigpt_edu.book.notebooks import complaints
from minigpt_edu.book.refresh import find, main, refresh

PUBLISH = "from minigpt_edu.learn import publish\npublish(answer=6 * 7)"
WHICH_CPU = "import os\nprint(os.environ.get('ATEN_CPU_CAPABILITY', 'its best'))"


def write(path: Path, *sources: str, text: str = "Text.") -> Path:
    cells: list[Any] = [new_markdown_cell(text)]
    cells += [new_code_cell(source) for source in sources]
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_a_notebook_is_run_filled_in_and_stored_alike_each_time(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.ipynb", PUBLISH, text="It is <!-- n:answer --><!-- /n -->."
    )
    result = refresh(path)
    assert result.problems == ()
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[0].source == "It is <!-- n:answer -->42<!-- /n -->."
    assert complaints(notebook) == []
    first = path.read_bytes()
    refresh(path)
    assert path.read_bytes() == first
    assert "stored after" in result.explain()


def test_a_failing_notebook_is_left_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = write(tmp_path / "a.ipynb", "print(1)", "1 / 0")
    before = path.read_bytes()
    assert main([str(path)]) == 1
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    said = capsys.readouterr().out
    assert "refused" in said
    assert "ZeroDivisionError: division by zero" in said


def test_other_cpu_settings_must_agree(tmp_path: Path) -> None:
    good = write(tmp_path / "good.ipynb", "print(round(0.1 + 0.2, 3))")
    bad = write(tmp_path / "bad.ipynb", WHICH_CPU)
    assert refresh(good, settings=True).problems == ()
    assert refresh(bad).problems == ()
    problems = refresh(bad, settings=True).problems
    assert problems[0] == "code cell 1 differs without vector instructions:"
    assert any("+" in line and "default" in line for line in problems)


def test_notebooks_run_on_one_thread_in_their_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    code = (
        "import os\nprint(os.environ['OMP_NUM_THREADS'], os.path.basename(os.getcwd()))"
    )
    (tmp_path / "topic").mkdir()
    path = write(tmp_path / "topic" / "a.ipynb", code)
    notebook = module.run(path)
    assert notebook.cells[1].outputs[0].text == "1 topic\n"


def test_editors_copies_are_not_notebooks_of_the_book(tmp_path: Path) -> None:
    (tmp_path / ".ipynb_checkpoints").mkdir()
    write(tmp_path / ".ipynb_checkpoints" / "a.ipynb")
    draft = write(tmp_path / ".b.ipynb")
    one, two = write(tmp_path / "b.ipynb"), write(tmp_path / "a.ipynb")
    assert find([tmp_path]) == [two, one]
    assert find([one, draft]) == [one, draft]


def test_a_missing_notebook_is_named(capsys: pytest.CaptureFixture) -> None:
    assert main(["nowhere.ipynb"]) == 2
    assert "nowhere.ipynb" in capsys.readouterr().out

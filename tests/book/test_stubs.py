"""A stub is its solution without the answer: it fails its check, and only that."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from minigpt_edu.book.stubs import (
    BEGIN,
    END,
    USES_SOLUTION,
    stub_cell,
    stub_complaints,
    stub_notebook,
)

ROOT = Path(__file__).parents[2]
EXERCISES = sorted(ROOT.glob("chapters/*/exercises.ipynb"))
GOOD = '''def mask(scores):
    """Hide the future."""
    # Hint: look at triu.
    # your code
    future = scores.triu(1)

    return future
    # end of your code'''
STUB = '''def mask(scores):
    """Hide the future."""
    # Hint: look at triu.
    # your code
    raise NotImplementedError("still to do: ex-mask")
    # end of your code'''


def solution(source: str = GOOD, name: str = "ex-mask") -> Any:
    cell = new_code_cell(source, id=name, execution_count=1)
    cell.metadata["tags"] = ["solution", "hide-cell"]
    cell.metadata["jupyter"] = {"source_hidden": True, "outputs_hidden": True}
    return cell


@pytest.fixture
def notebook() -> Any:
    shown = [new_output("stream", text="passed\n")]
    explained = new_markdown_cell("The triangle, since row t sees t + 1.")
    explained.metadata["tags"] = ["solution"]
    check = new_code_cell("check(mask)", id="ex-mask-check", outputs=shown)
    check.execution_count = 2
    statement = new_markdown_cell("## ★ Mask the future")
    return new_notebook(cells=[statement, solution(), explained, check])


# The chapters as they stand.


@pytest.mark.parametrize("path", EXERCISES, ids=lambda p: p.parent.name)
def test_every_solution_of_a_chapter_is_marked(path: Path) -> None:
    assert stub_complaints(nbformat.read(path, as_version=4)) == []


def said(cell: Any) -> str:
    """Everything that a cell shows as text."""
    parts = []
    for output in cell.outputs:
        parts.append(output.get("text", ""))
        parts += [str(part) for part in output.get("data", {}).values()]
        parts.append(f"{output.get('ename', '')} {output.get('evalue', '')}")
    return " ".join(parts)


@pytest.mark.parametrize("path", EXERCISES, ids=lambda p: p.parent.name)
def test_stubs_fail_their_checks_and_solutions_pass(path: Path, tmp_path: Path) -> None:
    """The stored outputs of solutions are verified by nbval; the stubs run here."""
    stored = nbformat.read(path, as_version=4)
    stub = stub_notebook(stored)
    stub.cells = [
        c for c in stub.cells if USES_SOLUTION not in c.metadata.get("tags", [])
    ]
    client = NotebookClient(
        stub,
        timeout=120,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    solved = {c.id: said(c) for c in stored.cells if c.cell_type == "code"}
    checks = [c for c in stub.cells if c.cell_type == "code" and "check(" in c.source]
    assert checks
    for cell in stub.cells:
        if cell.cell_type == "code" and cell not in checks:
            assert "error" not in [o.output_type for o in cell.outputs], said(cell)
    for cell in checks:
        assert "still to do" in said(cell), (cell.id, said(cell))
        assert "passed" in solved[cell.id], (cell.id, solved[cell.id])
        assert "still to do" not in solved[cell.id]


# The functions.


def test_the_answer_goes_and_all_else_stays() -> None:
    assert stub_cell(GOOD, "ex-mask") == STUB


def test_a_method_is_cut_at_its_own_depth() -> None:
    inside = "\n".join(f"    {line}" for line in GOOD.splitlines())
    stub = stub_cell(f"class Mask:\n{inside}", "ex-mask")
    assert '\n        raise NotImplementedError("still to do: ex-mask")\n' in stub
    compile(stub, "stub", "exec")


LINES = st.lists(st.sampled_from(["x = 1", "# a hint", "", "if x:", "    y = 2"]))


@given(LINES, LINES, LINES)
def test_only_what_stands_between_the_markers_changes(
    before: list[str], answer: list[str], after: list[str]
) -> None:
    inside = [f"    {line}" for line in [*before, BEGIN, "z = 3", *answer, END, *after]]
    source = "\n".join(["def f():", *inside])
    lines = stub_cell(source, "ex-f").splitlines()
    head, tail = len(before) + 2, len(after) + 1
    assert lines[:head] == source.splitlines()[:head]
    assert lines[-tail:] == source.splitlines()[-tail:]
    assert lines[head:-tail] == ['    raise NotImplementedError("still to do: ex-f")']


def test_a_stub_is_code_that_says_what_is_to_do() -> None:
    names: dict[str, Any] = {}
    exec(stub_cell(GOOD, "ex-mask"), names)
    with pytest.raises(NotImplementedError, match="still to do: ex-mask"):
        names["mask"](None)


def test_a_stub_notebook_is_open_empty_and_without_answers(notebook: Any) -> None:
    before = copy.deepcopy(notebook)
    stub = stub_notebook(notebook)
    assert notebook == before, "the source is left alone"
    assert [cell.source for cell in stub.cells] == [
        "## ★ Mask the future",
        STUB,
        "check(mask)",
    ]
    for cell in stub.cells[1:]:
        assert cell.outputs == []
        assert cell.execution_count is None
    assert stub.cells[1].metadata == {}
    assert [cell.id for cell in stub.cells[1:]] == ["ex-mask", "ex-mask-check"]
    nbformat.validate(stub)


def without(marker: str) -> str:
    return "\n".join(line for line in GOOD.splitlines() if line.strip() != marker)


OUTSIDE = "\n".join(["# your code", "x = 1", "# end of your code"])
FAULTS = {
    "no begin": (without(BEGIN), "`# your code` is missing"),
    "no end": (without(END), "`# end of your code` is missing"),
    "two begins": (GOOD.replace("\n\n", "\n    # your code\n"), "stands there 2 times"),
    "two pairs": (f"{GOOD}\n{GOOD}", "`# your code` stands there 2 times"),
    "two ends": (f"{GOOD}\n    # end of your code", "`# end of your code` stands"),
    "turned": (
        "def f():\n    # end of your code\n    x = 1\n    # your code",
        "stands before",
    ),
    "outside": (OUTSIDE, "outside a function"),
    "crooked": (GOOD.replace(f"    {END}", f"  {END}"), "indented differently"),
    "no answer": (
        "def f():\n    # your code\n    # later\n    # end of your code",
        "no answer",
    ),
    "leaving": (
        "def f():\n    # your code\n    x = 1\ny = 2\n    # end of your code",
        "leaves the function",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_wrong_markers_are_refused_with_the_cell_named(
    notebook: Any, name: str
) -> None:
    source, complaint = FAULTS[name]
    notebook.cells[1] = solution(source)
    with pytest.raises(ValueError, match="cell ex-mask: ") as error:
        stub_notebook(notebook)
    assert complaint in str(error.value)
    with pytest.raises(ValueError, match="cell ex-mask: "):
        stub_cell(source, "ex-mask")


def test_what_would_spoil_an_exercise_is_refused(notebook: Any) -> None:
    spoiled = copy.deepcopy(notebook)
    del spoiled.cells[1].metadata["tags"]
    assert stub_complaints(spoiled) == [
        "cell ex-mask: it has a marker but not the tag solution",
        "there is no code cell with the tag solution",
    ]
    spoiled = copy.deepcopy(notebook)
    spoiled.cells[1].id = "mask"
    assert "the id of a solution is ex-" in stub_complaints(spoiled)[0]
    spoiled = copy.deepcopy(notebook)
    spoiled.cells[1].metadata["tags"] = ["solution"]
    assert "needs the tag hide-cell" in stub_complaints(spoiled)[0]

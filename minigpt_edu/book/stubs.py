"""Exercises for the reader, made from their solutions: `make stubs`.

`chapters/<topic>/exercises.ipynb` is the only source. Its solution cells hold the
answer between two marker lines; here those lines become a `raise`, outputs and
explanations go, and everything else stays. Pure functions on notebooks in memory:
`workbook` writes the files, `learn.checks` judges an answer.

    stub = stub_notebook(nbformat.read("chapters/attention/exercises.ipynb", 4))

A solution as the source of its own exercise: the scikit-learn MOOC of Inria.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["BEGIN", "END", "stub_cell", "stub_complaints", "stub_notebook"]

#: The line before the reader's part, and the line after it.
BEGIN = "# your code"
END = "# end of your code"

SOLUTION = "solution"
#: Tag of a cell that needs the reader's answer; it comes after the check.
USES_SOLUTION = "uses-solution"

# What folds a solution on the page and in JupyterLab; a stub is open.
_FOLDING = {"hide-cell", "hide-input", "hide-output", SOLUTION}
_NAME = re.compile(r"ex-[a-z0-9]+(-[a-z0-9]+)*")


def stub_notebook(notebook: Any) -> Any:
    """A copy with every solution cell made a stub, explanations of answers left out
    and all outputs cleared.

    Raises ValueError naming the cell if a solution is not marked as it should be.
    """
    wrong = stub_complaints(notebook)
    if wrong:
        raise ValueError("; ".join(wrong))
    stub = copy.deepcopy(notebook)
    stub.cells = [
        _open(cell)
        for cell in stub.cells
        if cell.cell_type == "code" or not _is_solution(cell)
    ]
    return stub


def _open(cell: Any) -> Any:
    """A cell of the stub: unfolded, not run, its answer taken out."""
    if cell.cell_type != "code":
        return cell
    cell.outputs, cell.execution_count = [], None
    if _is_solution(cell):
        cell.source = stub_cell(cell.source, cell.id)
        tags = [tag for tag in cell.metadata["tags"] if tag not in _FOLDING]
        cell.metadata.pop("tags")
        cell.metadata.pop("jupyter", None)
        if tags:
            cell.metadata["tags"] = tags
    return cell


def stub_cell(source: str, name: str) -> str:
    """A solution with the lines between its markers replaced by a `raise`.

    Raises ValueError naming the cell `name` for markers that are missing, doubled, in
    the wrong order, outside a function, or around nothing.
    """
    wrong = _marker_fault(source)
    if wrong:
        raise ValueError(f"cell {name}: {wrong}")
    lines = source.splitlines()
    begin, end = _place(lines, BEGIN)[0], _place(lines, END)[0]
    indent = lines[begin][: -len(lines[begin].lstrip())]
    left = f'{indent}raise NotImplementedError("still to do: {name}")'
    return "\n".join([*lines[: begin + 1], left, *lines[end:]])


def _place(lines: list[str], marker: str) -> list[int]:
    return [number for number, line in enumerate(lines) if line.strip() == marker]


def _marker_fault(source: str) -> str | None:
    """What is wrong with the two markers of a solution, if anything."""
    lines = source.splitlines()
    begins, ends = _place(lines, BEGIN), _place(lines, END)
    for marker, found in ((BEGIN, begins), (END, ends)):
        if len(found) != 1:
            many = f"stands there {len(found)} times" if found else "is missing"
            return f"the line `{marker}` {many}; a solution has it once"
    begin, end = begins[0], ends[0]
    if begin > end:
        return f"`{END}` stands before `{BEGIN}`"
    if lines[begin].startswith("#"):
        return f"`{BEGIN}` stands outside a function, so the stub would stop the page"
    indents = [len(lines[n]) - len(lines[n].lstrip()) for n in (begin, end)]
    if indents[0] != indents[1]:
        return f"`{BEGIN}` and `{END}` are indented differently"
    answer = [line for line in lines[begin + 1 : end] if line.strip()]
    if not [line for line in answer if not line.lstrip().startswith("#")]:
        return "there is no answer between the markers"
    if any(len(line) - len(line.lstrip()) < indents[0] for line in answer):
        return "the answer leaves the function that its markers stand in"
    return None


def stub_complaints(notebook: Any) -> list[str]:
    """What keeps this notebook from being made a stub, one sentence per cell."""
    found = [f"cell {cell.id}: {text}" for cell, text in _faults(notebook)]
    if not any(_is_solution(c) for c in notebook.cells if c.cell_type == "code"):
        found.append("there is no code cell with the tag solution")
    return found


def _faults(notebook: Any) -> Iterator[tuple[Any, str]]:
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        lines = cell.source.splitlines()
        if not _is_solution(cell):
            if _place(lines, BEGIN) or _place(lines, END):
                yield cell, "it has a marker but not the tag solution"
            continue
        if not _NAME.fullmatch(cell.id):
            yield cell, "the id of a solution is ex- and words in lower case"
        if "hide-cell" not in cell.metadata["tags"]:
            yield cell, "a solution needs the tag hide-cell, or it spoils the page"
        if fault := _marker_fault(cell.source):
            yield cell, fault


def _is_solution(cell: Any) -> bool:
    return SOLUTION in cell.metadata.get("tags", [])

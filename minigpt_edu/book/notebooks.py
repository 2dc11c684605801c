"""What a committed notebook looks like, and the numbers that its prose quotes.

Pure functions on notebooks in memory: they neither run nor save one. `tidy` gives a
notebook the one form in which it is committed, `fill` writes published numbers into the
text, `complaints` says what is wrong with a notebook before a reader finds out.

    notebook = nbformat.read(path, as_version=4)
    for sentence in complaints(notebook): ...

Format: https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import nbformat

from minigpt_edu.viz.output import NUMBERS, VIEW

__all__ = ["compared", "complaints", "fill", "ignored", "markers", "published", "tidy"]

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

# nbval compares every representation but these, which differ between machines.
NEVER_COMPARED = {"image/png", "image/jpeg", WIDGET_VIEW}

# Tags and comments by which nbval is told not to compare a cell.
IGNORE_TAGS = {"nbval-ignore-output", "nbval-skip"}
_IGNORE_COMMENT = re.compile(r"#\s*(NBVAL_(IGNORE_OUTPUT|SKIP)|PYTEST_VALIDATE_IGNORE)")

_MARKER = re.compile(r"<!-- n:(\w+) -->(.*?)<!-- /n -->", re.DOTALL)
# Markdown takes a line that begins with a comment for HTML, and ends the paragraph.
_LINE_START = re.compile(r"(?<=\S)[ ]*\n[ ]{0,3}(?=<!-- n:)")
_PARAGRAPH_START = re.compile(
    r"^[ \t]*(?:(?:[-*+>]|\d+[.)])[ \t]+)*(<!-- n:\w+ -->)", re.MULTILINE
)
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}

# Cell metadata with a meaning; all else (timings, an editor's folding) is dropped.
_CELL_KEYS = ("tags", "minigpt", "mystnb")


def tidy(notebook: Any) -> None:
    """Put an executed notebook into its committed form, in place.

    Same metadata on every machine, stable cell ids, neighbouring prints joined, code
    folded where its tags say so, no widget state. A widget keeps its HTML, a figure
    what it was asked, since a live view would open as an error.
    """
    metadata = {"kernelspec": KERNEL, "language_info": LANGUAGE}
    if "minigpt" in notebook.metadata:  # facts and names that the prose may use
        metadata["minigpt"] = notebook.metadata["minigpt"]
    notebook.metadata = nbformat.from_dict(metadata)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: set[str] = set()
    for position, cell in enumerate(notebook.cells):
        if not cell.get("id") or cell.id in seen:
            text = f"{position}:{cell.source}".encode()
            cell.id = hashlib.sha256(text).hexdigest()[:8]
        seen.add(cell.id)
        kept = {key: cell.metadata[key] for key in _CELL_KEYS if key in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
        if cell.cell_type == "code":
            _fold(cell)
            cell.outputs = list(_joined(cell.outputs))
            for output in cell.outputs:
                if {"text/html", VIEW} & set(output.get("data", {})):
                    output.data.pop(WIDGET_VIEW, None)


def _fold(cell: Any) -> None:
    """Hide in JupyterLab what the tags hide in the book."""
    tags = set(cell.metadata.get("tags", []))
    folded = {}
    if tags & {"hide-input", "hide-cell"}:
        folded["source_hidden"] = True
    if tags & {"hide-output", "hide-cell"}:
        folded["outputs_hidden"] = True
    cell.metadata.pop("jupyter", None)
    if folded:
        cell.metadata["jupyter"] = nbformat.from_dict(folded)


def _joined(outputs: list[Any]) -> Iterator[Any]:
    """Outputs with each run of prints to one stream made one."""
    last = None
    for output in outputs:
        stream = output.get("name") if output.output_type == "stream" else None
        if last is not None and stream and stream == last.get("name"):
            last.text += output.text
            continue
        if last is not None:
            yield last
        last = output
    if last is not None:
        yield last


def published(notebook: Any) -> dict[str, str]:
    """Every number that the notebook published; ValueError if a name is repeated."""
    numbers: dict[str, str] = {}
    for cell in _code(notebook):
        for output in cell.outputs:
            for name, text in output.get("data", {}).get(NUMBERS, {}).items():
                if name in numbers:
                    raise ValueError(f"{name} is published twice; rename one")
                numbers[name] = text
    return numbers


def markers(notebook: Any) -> list[tuple[str, str]]:
    """The (name, text) pairs that the notebook's prose quotes, in reading order."""
    prose = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [(m[1], m[2]) for source in prose for m in _MARKER.finditer(source)]


def fill(notebook: Any) -> None:
    """Write published numbers between their markers; ValueError if one is missing.

    A line that begins with a marker is joined to the one before it.
    """
    numbers = published(notebook)
    for name, _ in markers(notebook):
        if name not in numbers:
            raise ValueError(
                f"the text quotes {name}, which no cell publishes; there are: "
                f"{', '.join(sorted(numbers)) or 'none'}"
            )
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            filled = _MARKER.sub(
                lambda m: f"<!-- n:{m[1]} -->{numbers[m[1]]}<!-- /n -->", cell.source
            )
            cell.source = _LINE_START.sub(" ", filled)


def compared(notebook: Any) -> list[Any]:
    """Per code cell, what nbval will compare; [] for a cell that it ignores."""
    return [
        [] if ignored(cell) else [_comparable(output) for output in cell.outputs]
        for cell in _code(notebook)
    ]


def _comparable(output: Any) -> dict[str, Any]:
    if output.output_type == "stream":
        return {output.name: output.text}
    if output.output_type == "error":
        return {"error": f"{output.ename}: {output.evalue}"}
    return {key: data for key, data in output.data.items() if key not in NEVER_COMPARED}


def ignored(cell: Any) -> bool:
    """Whether nbval is told not to compare this cell."""
    tags = set(cell.metadata.get("tags", []))
    return bool(tags & IGNORE_TAGS or _IGNORE_COMMENT.search(cell.source))


def complaints(notebook: Any) -> list[str]:
    """What keeps this notebook from being committed, one sentence each."""
    found = []
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("the kernel must be python3, which every machine has")
    if "widgets" in notebook.metadata:
        found.append("the state of widgets is stored; run make refresh")
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) < len(ids):
        found.append("cell ids are missing or repeated; run make refresh")
    counts = [c.execution_count for c in _code(notebook) if c.source.strip()]
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"cells were not run once, in order: {counts}; run make refresh")
    for number, cell in enumerate(_code(notebook), 1):
        found += [f"code cell {number}: {text}" for text in _cell_complaints(cell)]
    try:
        numbers = published(notebook)
    except ValueError as error:
        return [*found, str(error)]
    for cell in notebook.cells:
        first = _PARAGRAPH_START.search(cell.source)
        if cell.cell_type == "markdown" and first:
            found.append(f"a line begins with {first[1]}; put a word before it")
    for name, text in markers(notebook):
        if text != numbers.get(name):
            found.append(
                f"the text quotes {name} as {text!r}, the cell says "
                f"{numbers.get(name)!r}; run make refresh"
            )
    return found


def _cell_complaints(cell: Any) -> Iterator[str]:
    tags = cell.metadata.get("tags", [])
    if ignored(cell) and not cell.metadata.get("minigpt", {}).get("reason"):
        yield "its output is ignored without metadata minigpt.reason to say why"
    for output in cell.outputs:
        if output.output_type == "error" and "raises-exception" not in tags:
            yield f"it failed with {output.ename}: {output.evalue}"
        if WIDGET_VIEW in output.get("data", {}):
            yield "it stores a live widget, which opens as an error"
        if not ignored(cell) and _ADDRESS.search(repr(_comparable(output))):
            yield "its output holds a memory address, different in every run"


def _code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]

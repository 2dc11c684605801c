"""What the house style asks of cells and figures: length, density, descriptions.

Each rule reads one notebook and yields pairs (cell id, what is wrong); the id is empty
for the notebook as a whole. `house_style` puts the rules together. A figure is what
`show` made; what it shows is not their business.

    for cell, what in lengths(notebook): ...

The proportions follow measured ones of good courses; see the contributor's guide.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping
from typing import Any

from minigpt_edu.book.prose import links
from minigpt_edu.book.prose_rules import Found, blocks_of, code_of, markdown_of
from minigpt_edu.viz.output import FIGURE

__all__ = [
    "described",
    "figures_of",
    "lengths",
    "proportions",
    "prose_words",
    "raw_numbers",
    "words_per_figure",
]

#: Words of prose per cell of code, and per figure.
WORDS_PER_CELL = (40, 90)
WORDS_PER_FIGURE = (150, 300)
#: The share of figures that code of the page makes.
COMPUTED = 0.6
#: Lines of a cell, without empty ones: the median, all but a tenth, and all.
MEDIAN_LINES = (4, 8)
LONG_LINES, MOST_LINES = 20, 30
#: Columns of raw numbers in an output.
COLUMNS = 6

_PICTURES = {
    "image/png",
    "image/jpeg",
    "image/svg+xml",
    "application/vnd.plotly.v1+json",
}
_NUMBER = r"-?(?:\d+\.\d*(?:e[-+]?\d+)?|inf|nan)"
_RAW_ROW = re.compile(rf"\[\s*(?:{_NUMBER},?\s*){{{COLUMNS + 1},}}")


def figures_of(notebook: Any) -> list[tuple[Any, Mapping[str, Any]]]:
    """The (cell, note) pairs of all figures that `show` made."""
    return [
        (cell, output["metadata"][FIGURE])
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "primary" in output.get("metadata", {}).get(FIGURE, {})
    ]


def prose_words(notebook: Any) -> int:
    """Words that are read as sentences: not those of tables."""
    return sum(block.words for _, block in blocks_of(notebook) if block.kind != "row")


def words_per_figure(notebooks: list[Any]) -> float:
    """Words of prose per figure in all of them; infinite without a figure."""
    words = sum(prose_words(notebook) for notebook in notebooks)
    figures = sum(len(figures_of(notebook)) for notebook in notebooks)
    return words / figures if figures else float("inf")


def described(notebook: Any) -> Found:
    """Every figure has a caption, and words for who cannot see it."""
    for cell, note in figures_of(notebook):
        for part in ("caption", "alt"):
            if not str(note.get(part) or "").strip():
                yield cell.id, f"the figure {note.get('label')} has no {part}"
    for cell in code_of(notebook):
        for output in cell.outputs:
            bare = FIGURE not in output.get("metadata", {})
            if bare and set(output.get("data", {})) & _PICTURES:
                yield cell.id, "it has a picture without caption; use show(...)"
    for cell in markdown_of(notebook):
        for text, address in links(cell.source):
            if text == "!":
                yield cell.id, f"the picture {address} has no alt text"
        if re.search(r"<(img|svg)\b", cell.source):
            yield cell.id, "it draws with HTML; use show(...) or ![alt](file)"


def _lines(cell: Any) -> int:
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def lengths(notebook: Any) -> Found:
    """No cell of code is longer than a reader can hold; hidden ones too."""
    for cell in code_of(notebook):
        if _lines(cell) > MOST_LINES:
            yield (
                cell.id,
                f"it has {_lines(cell)} lines of code, at most {MOST_LINES}; show "
                "longer code from the package",
            )


def raw_numbers(notebook: Any) -> Found:
    """Wide tensors are drawn or labelled, not printed."""
    for cell in code_of(notebook):
        for output in cell.outputs:
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            if re.search(r"(tensor|array)\(", text) and _RAW_ROW.search(text):
                yield cell.id, f"it prints a tensor wider than {COLUMNS} columns"


def proportions(notebook: Any) -> Found:
    """Words, code and figures of a section are in balance."""
    cells, words = code_of(notebook), prose_words(notebook)
    if not cells:
        yield "", "it has no code"
        return
    low, high = WORDS_PER_CELL
    if not low <= words / len(cells) <= high:
        yield (
            "",
            f"it has {words} words for {len(cells)} cells of code, "
            f"{words / len(cells):.0f} each; write {low} to {high}",
        )
    yield from _median(cells)
    shown = len(figures_of(notebook))
    drawn = sum(_pictures(cell.source) for cell in markdown_of(notebook))
    both, most = shown + drawn, WORDS_PER_FIGURE[1]
    if words > most * both:
        yield "", f"it has {both} figures for {words} words; draw one per {most}"
    if shown < COMPUTED * both:
        yield "", f"its code makes {shown} of {both} figures, at least {COMPUTED:.0%}"


def _median(cells: list[Any]) -> Found:
    seen = [_lines(c) for c in cells if not _hidden(c)] or [_lines(c) for c in cells]
    low, high = MEDIAN_LINES
    if not low <= statistics.median(seen) <= high:
        yield (
            "",
            f"a cell of code has {statistics.median(seen):g} lines in the median; "
            f"write {low} to {high}",
        )
    long = [cell for cell in cells if _lines(cell) > LONG_LINES]
    if len(long) > len(cells) / 10:
        names = ", ".join(cell.id for cell in long)
        yield (
            "",
            f"{len(long)} of {len(cells)} cells have more than {LONG_LINES} lines, at "
            f"most one in ten: {names}",
        )


def _hidden(cell: Any) -> bool:
    return bool({"hide-input", "hide-cell"} & set(cell.metadata.get("tags", [])))


def _pictures(source: str) -> int:
    return sum(text.startswith("!") for text, _ in links(source))

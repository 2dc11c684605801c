"""Each rule for cells and figures is kept by a good section, broken by one change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from minigpt_edu.book import cell_rules

SENTENCE = "These are ten words of prose, and they say nothing. "  # ten words
NOTE = {
    "label": "fig-a",
    "caption": "A line.",
    "alt": "Rising.",
    "primary": "image/png",
}


def figure(**changes: Any) -> Any:
    data = {"image/png": "AAAA", "text/plain": "fig-a"}
    return new_output(
        "display_data", data=data, metadata={"minigpt": {**NOTE, **changes}}
    )


def code(lines: int, name: str, *outputs: Any, tags: tuple[str, ...] = ()) -> Any:
    cell = new_code_cell("\n".join(["x = 1", ""] * lines), id=name)
    cell.outputs = list(outputs)
    cell.metadata["tags"] = list(tags)
    return cell


@pytest.fixture
def good() -> Any:
    """Ten cells of code, 600 words, two figures."""
    cells = [new_markdown_cell(SENTENCE * 60, id="text")]
    cells += [code(5, f"c{n}") for n in range(8)]
    cells += [code(20, f"f{n}", figure(), tags=("hide-input",)) for n in range(2)]
    return new_notebook(cells=cells)


RULES = [
    cell_rules.described,
    cell_rules.lengths,
    cell_rules.proportions,
    cell_rules.raw_numbers,
]


def findings(notebook: Any) -> list[tuple[str, str]]:
    return [pair for rule in RULES for pair in rule(notebook)]


def test_a_good_section_keeps_every_rule(good: Any) -> None:
    assert findings(good) == []
    assert cell_rules.prose_words(good) == 600
    assert cell_rules.words_per_figure([good, good]) == 300


def no_caption(notebook: Any) -> None:
    notebook.cells[-1].outputs = [figure(caption=" ")]


def no_alt(notebook: Any) -> None:
    notebook.cells[-1].outputs = [figure(alt="")]


def bare(notebook: Any) -> None:
    data = {"image/png": "AAAA"}
    notebook.cells[1].outputs = [new_output("display_data", data=data)]


def bare_plotly(notebook: Any) -> None:
    data = {"application/vnd.plotly.v1+json": {}}
    notebook.cells[1].outputs = [new_output("display_data", data=data)]


def mute_picture(notebook: Any) -> None:
    notebook.cells[0].source += "\n\n![](cat.png)"


def drawn_by_hand(notebook: Any) -> None:
    notebook.cells[0].source += "\n\n<svg></svg>"


def endless(notebook: Any) -> None:
    notebook.cells[-1].source = "\n".join(["x = 1"] * 31)


def wide(notebook: Any) -> None:
    row = ", ".join(["-0.1234"] * 7)
    notebook.cells[1].outputs = [new_output("stream", text=f"tensor([[{row}],\n")]


def wordy(notebook: Any) -> None:
    notebook.cells[0].source = SENTENCE * 91
    notebook.cells[-1].outputs *= 3


def silent(notebook: Any) -> None:
    notebook.cells[0].source = SENTENCE * 39


def short_cells(notebook: Any) -> None:
    for cell in notebook.cells[1:9]:
        cell.source = "x = 1\ny = 2\nz = 3"


def long_cells(notebook: Any) -> None:
    for cell in notebook.cells[1:9]:
        cell.source = "\n".join(["x = 1"] * 9)


def some_very_long(notebook: Any) -> None:
    for cell in notebook.cells[-2:]:
        cell.source = "\n".join(["x = 1"] * 21)


def few_figures(notebook: Any) -> None:
    notebook.cells[-1].outputs = []


def not_computed(notebook: Any) -> None:
    notebook.cells[0].source += "\n\n![a](a.png) ![b](b.png)"


FAULTS: list[tuple[Callable[[Any], None], str, str]] = [
    (no_caption, "f1", "fig-a has no caption"),
    (no_alt, "f1", "fig-a has no alt"),
    (bare, "c0", "picture without caption"),
    (bare_plotly, "c0", "picture without caption"),
    (mute_picture, "text", "cat.png has no alt text"),
    (drawn_by_hand, "text", "draws with HTML"),
    (endless, "f1", "31 lines of code, at most 30"),
    (wide, "c0", "a tensor wider than 6 columns"),
    (wordy, "", "910 words for 10 cells of code, 91 each; write 40 to 90"),
    (silent, "", "390 words for 10 cells of code, 39 each; write 40 to 90"),
    (short_cells, "", "3 lines in the median; write 4 to 8"),
    (long_cells, "", "9 lines in the median; write 4 to 8"),
    (some_very_long, "", "2 of 10 cells have more than 20 lines"),
    (few_figures, "", "1 figures for 600 words; draw one per 300"),
    (not_computed, "", "makes 2 of 4 figures, at least 60%"),
]


@pytest.mark.parametrize(("spoil", "cell", "complaint"), FAULTS)
def test_each_fault_is_found(
    good: Any, spoil: Callable[[Any], None], cell: str, complaint: str
) -> None:
    spoil(good)
    found = findings(good)
    assert len(found) == 1, found
    assert found[0][0] == cell
    assert complaint in found[0][1]


def test_six_columns_and_lists_may_be_printed(good: Any) -> None:
    row = ", ".join(["0.5"] * 6)
    many = ", ".join(["0.5"] * 9)
    text = f"tensor([[{row}],\n [{row}]])"
    good.cells[1].outputs = [new_output("stream", text=text)]
    good.cells[2].outputs = [new_output("stream", text=f"[{many}]")]
    assert findings(good) == []


def test_hidden_cells_do_not_make_the_median(good: Any) -> None:
    good.cells += [code(20, f"h{n}", tags=("hide-input",)) for n in range(3)]
    good.cells += [code(18, f"i{n}", tags=("hide-cell",)) for n in range(12)]
    good.cells[0].source = SENTENCE * 120
    good.cells[-1].outputs = [figure(), figure()]
    assert findings(good) == []


def test_a_quiz_is_not_counted_as_code(good: Any) -> None:
    good.cells.append(code(60, "quiz", tags=("quiz", "hide-input")))
    assert findings(good) == []


def test_a_section_without_code_is_found() -> None:
    empty = new_notebook(cells=[new_markdown_cell("Only words.")])
    assert list(cell_rules.proportions(empty)) == [("", "it has no code")]
    assert cell_rules.words_per_figure([empty]) == float("inf")

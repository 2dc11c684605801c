"""The committed form of a notebook, and that every chapter is in it."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from minigpt_edu.book.notebooks import (
    compared,
    complaints,
    fill,
    ignored,
    markers,
    published,
    tidy,
)
from minigpt_edu.book.refresh import find
from minigpt_edu.viz.output import NUMBERS, VIEW

ROOT = Path(__file__).parents[2]
CHAPTERS = find([ROOT / "chapters"])
WIDGET = "application/vnd.jupyter.widget-view+json"


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# The chapters as they stand in the repository.


def test_there_are_chapters() -> None:
    assert CHAPTERS


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_a_chapter_is_ready_for_its_readers(path: Path) -> None:
    assert complaints(nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_a_chapter_is_in_its_committed_form(path: Path) -> None:
    stored = nbformat.read(path, as_version=4)
    again = copy.deepcopy(stored)
    tidy(again)
    fill(again)
    assert nbformat.writes(again) + "\n" == path.read_text(encoding="utf-8")


def ignored_share(paths: list[Path]) -> dict[str, float]:
    """Per chapter, the share of code cells whose output is not compared."""
    cells = defaultdict(list)
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        cells[path.parent.name] += [ignored(cell) for cell in code]
    return {chapter: sum(known) / len(known) for chapter, known in cells.items()}


def test_one_cell_in_twenty_may_be_ignored() -> None:
    assert {c: s for c, s in ignored_share(CHAPTERS).items() if s > 0.05} == {}


def test_a_chapter_that_ignores_more_is_found(tmp_path: Path) -> None:
    cells = [new_code_cell("1") for _ in range(10)]
    cells[3].metadata["tags"] = ["nbval-ignore-output"]
    (tmp_path / "topic").mkdir()
    path = tmp_path / "topic" / "section.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    assert ignored_share([path]) == {"topic": 0.1}


# The functions, on a notebook with one of everything.


@pytest.fixture
def good() -> Any:
    shown = {"image/png": "AAAA", "text/plain": "fig-a: A line."}
    cells = [
        new_markdown_cell("The loss is <!-- n:loss -->1.87<!-- /n --> nats."),
        new_code_cell("print(1)", outputs=[new_output("stream", text="1\n")]),
        new_code_cell("show(a)", outputs=[new_output("display_data", data=shown)]),
        new_code_cell(
            "publish(loss=1.87)",
            outputs=[new_output("display_data", data={NUMBERS: {"loss": "1.87"}})],
        ),
    ]
    for count, cell in enumerate(cells[1:], 1):
        cell.execution_count = count
    notebook = new_notebook(cells=cells)
    tidy(notebook)
    return notebook


def test_a_good_notebook_has_no_complaints(good: Any) -> None:
    assert complaints(good) == []


def error(cell: Any) -> None:
    cell.outputs.append(new_output("error", ename="ValueError", evalue="no"))


def tag(cell: Any, name: str) -> None:
    cell.metadata["tags"] = [name]


def never_run(notebook: Any) -> None:
    notebook.cells[2].execution_count = None


def run_out_of_order(notebook: Any) -> None:
    notebook.cells[2].execution_count = 7


def failed(notebook: Any) -> None:
    error(notebook.cells[1])


def live_widget(notebook: Any) -> None:
    notebook.cells[2].outputs[0].data[WIDGET] = {"model_id": "1"}


def widget_state(notebook: Any) -> None:
    notebook.metadata["widgets"] = {}


def other_kernel(notebook: Any) -> None:
    notebook.metadata.kernelspec.name = "my-env"


def same_ids(notebook: Any) -> None:
    notebook.cells[1].id = notebook.cells[2].id


def ignored_without_reason(notebook: Any) -> None:
    tag(notebook.cells[1], "nbval-ignore-output")


def ignored_by_comment(notebook: Any) -> None:
    notebook.cells[1].source = "# NBVAL_IGNORE_OUTPUT\nprint(1)"


def memory_address(notebook: Any) -> None:
    notebook.cells[1].outputs[0].text = "<object at 0x7f0f9c3ca150>"


def typed_number(notebook: Any) -> None:
    notebook.cells[0].source = "The loss is <!-- n:loss -->1.80<!-- /n --> nats."


def unknown_number(notebook: Any) -> None:
    notebook.cells[0].source = "There are <!-- n:params --><!-- /n --> of them."


def begins_with_a_number(notebook: Any) -> None:
    notebook.cells[0].source = "Text.\n\n<!-- n:loss -->1.87<!-- /n --> nats."


def item_begins_with_a_number(notebook: Any) -> None:
    notebook.cells[0].source = "- Text.\n2. <!-- n:loss -->1.87<!-- /n --> nats."


def published_twice(notebook: Any) -> None:
    notebook.cells[2].outputs = notebook.cells[3].outputs


FAULTS = [
    (never_run, "not run once, in order"),
    (run_out_of_order, "not run once, in order"),
    (failed, "failed with ValueError: no"),
    (live_widget, "live widget"),
    (widget_state, "state of widgets"),
    (other_kernel, "kernel must be python3"),
    (same_ids, "cell ids"),
    (ignored_without_reason, "minigpt.reason"),
    (ignored_by_comment, "minigpt.reason"),
    (memory_address, "memory address"),
    (typed_number, "quotes loss as '1.80', the cell says '1.87'"),
    (unknown_number, "quotes params"),
    (published_twice, "published twice"),
    (begins_with_a_number, "put a word before it"),
    (item_begins_with_a_number, "put a word before it"),
]


@pytest.mark.parametrize(("spoil", "complaint"), FAULTS)
def test_each_fault_is_found(
    good: Any, spoil: Callable[[Any], None], complaint: str
) -> None:
    spoil(good)
    assert [c for c in complaints(good) if complaint in c]


def test_an_expected_error_and_a_stated_reason_are_fine(good: Any) -> None:
    error(good.cells[1])
    tag(good.cells[1], "raises-exception")
    tag(good.cells[2], "nbval-ignore-output")
    good.cells[2].metadata["minigpt"] = {"reason": "it prints a time"}
    assert complaints(good) == []


def test_numbers_are_filled_in(good: Any) -> None:
    good.cells[0].source = "<!-- n:loss -->?<!-- /n --> and <!-- n:loss --><!-- /n -->"
    fill(good)
    assert markers(good) == [("loss", "1.87"), ("loss", "1.87")]
    assert published(good) == {"loss": "1.87"}


def test_a_line_that_begins_with_a_number_is_joined_to_the_last(good: Any) -> None:
    good.cells[0].source = "It is\n<!-- n:loss --><!-- /n --> nats.\n\nMore."
    fill(good)
    assert good.cells[0].source == "It is <!-- n:loss -->1.87<!-- /n --> nats.\n\nMore."


def test_a_number_that_nobody_published_is_refused(good: Any) -> None:
    unknown_number(good)
    with pytest.raises(ValueError, match="quotes params, which no cell publishes"):
        fill(good)


def test_tidy_makes_one_form(good: Any) -> None:
    messy = copy.deepcopy(good)
    messy.metadata.language_info["version"] = "3.12.1"
    messy.metadata["widgets"] = {"state": {}}
    cell = messy.cells[1]
    cell.metadata.update({"execution": {"iopub.status.busy": "now"}, "collapsed": True})
    cell.outputs = [new_output("stream", text=part) for part in ("1", "\n")]
    tidy(messy)
    assert messy == good


def test_tidy_keeps_what_has_a_meaning(good: Any) -> None:
    meant = {"tags": ["solution"], "minigpt": {"reason": "times"}}
    good.cells[1].metadata.update(meant)
    facts = {"facts": {"255": "the largest byte"}}
    good.metadata["minigpt"] = facts
    tidy(good)
    assert good.cells[1].metadata == meant
    assert good.metadata["minigpt"] == facts


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("hide-input", {"source_hidden": True}),
        ("hide-output", {"outputs_hidden": True}),
        ("hide-cell", {"source_hidden": True, "outputs_hidden": True}),
        ("solution", None),
    ],
)
def test_what_the_book_hides_is_folded_in_jupyterlab(
    good: Any, name: str, folded: dict[str, bool] | None
) -> None:
    tag(good.cells[1], name)
    good.cells[1].metadata["jupyter"] = {"source_hidden": False}  # by an editor
    tidy(good)
    assert good.cells[1].metadata.get("jupyter") == folded


def test_tidy_keeps_ids_and_mends_missing_ones(good: Any) -> None:
    before = [cell.id for cell in good.cells]
    tidy(good)
    assert [cell.id for cell in good.cells] == before
    good.cells[2].id = good.cells[1].id
    tidy(good)
    after = [cell.id for cell in good.cells]
    assert len(set(after)) == len(after)
    assert after[1] == before[1]


def test_a_widget_with_html_loses_its_live_view(good: Any) -> None:
    data = {WIDGET: {"model_id": "1"}, "text/html": "<p>3</p>"}
    good.cells[1].outputs = [new_output("display_data", data=data)]
    tidy(good)
    assert good.cells[1].outputs[0].data == {"text/html": "<p>3</p>"}


def test_a_figure_keeps_what_was_asked_and_its_picture(good: Any) -> None:
    asked = {"view": "heads", "config": {"layer": None}}
    data = {WIDGET: {"model_id": "1"}, VIEW: asked, "image/png": "AA=="}
    note = {"minigpt": {"label": "fig-a"}, "image/png": {"width": 720}}
    shown = new_output("display_data", data=data, metadata=note)
    good.cells[1].outputs = [shown]
    tidy(good)
    assert good.cells[1].outputs[0].data == {VIEW: asked, "image/png": "AA=="}
    assert good.cells[1].outputs[0].metadata == note
    assert compared(good)[0] == [{VIEW: asked}]


def test_prints_and_errors_keep_their_order(good: Any) -> None:
    streams = [("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")]
    good.cells[1].outputs = [new_output("stream", name=n, text=t) for n, t in streams]
    tidy(good)
    texts = [(o.name, o.text) for o in good.cells[1].outputs]
    assert texts == [("stdout", "ab"), ("stderr", "c"), ("stdout", "d")]


def test_pixels_are_not_compared_and_the_rest_is(good: Any) -> None:
    assert compared(good) == [
        [{"stdout": "1\n"}],
        [{"text/plain": "fig-a: A line."}],
        [{NUMBERS: {"loss": "1.87"}}],
    ]
    tag(good.cells[1], "nbval-skip")
    assert compared(good)[0] == []

"""Figures in JupyterLab: answered by torch, heard by Python, alive after a restart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from minigpt_edu.viz.source import shipped_source

SENTENCE = "The old boat came home at night."
WORDS = "label='fig-{0}', caption='Caption of {0}.', alt='View of {0}.'"
CELLS = [
    "from minigpt_edu.model import GPT, PRESETS\n"
    "from minigpt_edu.shipped import shipped_tokenizer\n"
    "from minigpt_edu.viz import show, views\n"
    "from minigpt_edu.viz.widgets import Figure",
    f"kept = Figure(views.attention_steps({SENTENCE!r}, layer=1, head=2))\n"
    f"show(kept, {WORDS.format('steps')})",
    f"show(views.heads({SENTENCE!r}), {WORDS.format('heads')})",
    f"show(views.soft_lookup(), {WORDS.format('lookup')})",
    "mine = GPT(PRESETS['reader']).eval()\n"
    f"show(views.softmax_lab('a boat', checkpoint=None), {WORDS.format('mine')},\n"
    "     model=mine, tokenizer=shipped_tokenizer())",
]
FIGURES = {"steps": 2, "heads": 3, "lookup": 4, "mine": 5}  # position of each cell


@pytest.fixture(scope="module")
def tab(open_in_lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A notebook with several figures, all of its cells run."""
    cells = [new_markdown_cell("# Figures"), *map(new_code_cell, CELLS)]
    path = tmp_path_factory.mktemp("lab") / "live.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    page = open_in_lab(path)
    page.run_all()
    yield page
    page.close()


def figure_of(tab: Any, name: str, state: str = "ready") -> Any:
    """The figure in its cell, once it is in this state."""
    cell = tab.shown_cell(FIGURES[name])
    figure = cell.locator(".mg-viz").first
    figure.wait_for(timeout=60_000)
    settled(tab, figure, state)
    return figure


def settled(tab: Any, figure: Any, state: str = "ready") -> None:
    tab.wait_for_function(
        "([f, state]) => f.dataset.state === state && !f.querySelector('.mg-busy')",
        arg=[figure.element_handle(), state],
        timeout=60_000,
    )


def table_of(figure: Any) -> list[list[str]]:
    if not figure.locator("table").count():
        figure.get_by_role("button", name="Show as table").click()
    return figure.locator("table").evaluate(
        "t => [...t.rows].map(r => [...r.cells].map(c => c.textContent))"
    )


def has_rows(tab: Any, figure: Any, count: int) -> None:
    """Wait until the figure's table shows a text of one token less."""
    tab.wait_for_function(
        "([f, n]) => f.querySelector('table').rows.length === n",
        arg=[figure.element_handle(), count],
        timeout=30_000,
    )
    settled(tab, figure)


def check_table(rows: list[list[str]], text: str, layer: int, head: int) -> None:
    """The pattern in a table, against torch."""
    source = shipped_source("reader")
    ids = source.tokenizer.encode(text)
    name = f"blocks.{layer}.attn.pattern"
    pattern = source.answer("run", {"ids": ids, "keep": [name]}).arrays[name][0, head]
    assert len(rows) == len(ids) + 1
    for q, row in enumerate(rows[1:]):
        for k in range(q + 1):
            if not row[k + 1].startswith("<"):
                assert abs(float(row[k + 1]) - pattern[q, k]) <= 5.1e-4


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_of_the_notebook_is_drawn(tab: Any, name: str) -> None:
    figure = figure_of(tab, name)
    assert figure.locator(".mg-frame").is_visible()
    assert figure.locator(".mg-error").inner_text() == ""
    cell = tab.shown_cell(FIGURES[name])
    assert f"Caption of {name}." in cell.inner_text()
    if name == "mine":
        assert "your model" in figure.locator(".mg-note").inner_text()


def test_the_numbers_are_torch_s(tab: Any) -> None:
    check_table(table_of(figure_of(tab, "steps")), SENTENCE, layer=1, head=2)


def test_a_control_moves_the_figure_and_python_hears_of_it(tab: Any) -> None:
    figure = figure_of(tab, "steps")
    figure.get_by_label("Head").select_option("0")
    settled(tab, figure)
    check_table(table_of(figure), SENTENCE, layer=1, head=0)
    assert tab.python("print(kept.selection['head'], kept.status)") == "0 ready\n"
    other = "O barco velho"
    field = figure.get_by_label("Your text")
    field.fill(other)
    field.press("Enter")
    has_rows(tab, figure, 1 + len(shipped_source("reader").tokenizer.encode(other)))
    check_table(table_of(figure), other, layer=1, head=0)
    assert tab.python("print(kept.selection['text'])") == f"{other}\n"


def test_python_moves_the_figure(tab: Any) -> None:
    figure = figure_of(tab, "steps")
    tab.python(f"kept.selection = {{'text': {SENTENCE!r}, 'head': 3, 'layer': 2}}")
    has_rows(tab, figure, 10)
    check_table(table_of(figure), SENTENCE, layer=2, head=3)


def test_arrows_stay_in_the_figure(tab: Any) -> None:
    """JupyterLab takes bare arrows for its own, unless it is told not to."""
    figure = figure_of(tab, "steps")
    grid = figure.locator("[role=grid], [tabindex='0']").first
    grid.focus()
    active = "window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    before = tab.evaluate(active)
    for key in ("ArrowDown", "ArrowUp", "ArrowLeft"):
        tab.keyboard.press(key)
    inside = "document.activeElement.closest('.mg-viz') !== null"
    assert tab.evaluate(inside)
    assert tab.evaluate(active) == before


def test_a_mistake_is_a_sentence_and_the_log_is_quiet(tab: Any) -> None:
    figure = figure_of(tab, "steps")
    field = figure.get_by_label("Your text")
    field.fill("the sea " * 200)
    field.press("Enter")
    error = figure.locator(".mg-error")
    tab.wait_for_function("e => e.textContent !== ''", arg=error.element_handle())
    assert "tokens" in error.inner_text()
    field.fill(SENTENCE)
    field.press("Enter")
    tab.wait_for_function("e => e.textContent === ''", arg=error.element_handle())
    outputs = tab.shown_cell(FIGURES["steps"]).locator(".jp-RenderedText")
    assert not any(re.search("Traceback|Error", t) for t in outputs.all_inner_texts())


def test_a_restart_leaves_the_drawing_and_says_what_to_do(tab: Any) -> None:
    figure_of(tab, "steps")
    panel = "window.jupyterapp.shell.currentWidget"
    tab.evaluate(f"() => {panel}.sessionContext.restartKernel()")
    figure = figure_of(tab, "steps", "gone")
    assert figure.locator(".mg-frame canvas, .mg-frame svg").first.is_visible()
    assert "run the cell" in figure.locator(".mg-error").inner_text()
    assert len(table_of(figure)) == 10
    tab.run_all()
    figure = figure_of(tab, "steps")
    assert figure.locator(".mg-error").inner_text() == ""


def test_nothing_was_asked_of_another_host(tab: Any) -> None:
    assert tab.asked == []
    assert tab.errors == []


def test_a_notebook_without_a_kernel_shows_the_picture(
    open_in_lab: Any, figures: Path
) -> None:
    page = open_in_lab(figures.parents[1] / "figures.ipynb")
    picture = page.shown_cell(1).locator(".jp-RenderedImage img")
    picture.first.wait_for(timeout=20_000)
    assert page.locator(".mg-viz").count() == 0
    page.close()

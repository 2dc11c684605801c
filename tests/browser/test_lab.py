"""The notebooks as a reader meets them in JupyterLab, without a network or a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "chapters" / "overview" / "life_of_a_token.ipynb"


@pytest.fixture(scope="module")
def tab(open_in_lab: Any) -> Iterator[Any]:
    """The notebook, opened; ``tab.asked`` lists requests to other hosts."""
    page = open_in_lab(NOTEBOOK)
    yield page
    page.close()


def outputs_of(notebook: Any, primary: str) -> list[tuple[int, dict]]:
    """The cells that show a figure of this kind, with what is known of it."""
    found = []
    for position, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            note = output.get("metadata", {}).get("minigpt", {})
            if note.get("primary") == primary:
                found.append((position, note))
    return found


PICTURES = {
    "image/png": ".jp-RenderedImage img",
    "application/vnd.plotly.v1+json": ".plot-container",
}


@pytest.mark.parametrize("kind", PICTURES)
def test_figures_and_captions_are_seen(tab: Any, kind: str) -> None:
    figures = outputs_of(nbformat.read(NOTEBOOK, as_version=4), kind)
    if kind == "image/png":
        assert figures
    for position, note in figures:
        cell = tab.shown_cell(position)
        cell.locator(PICTURES[kind]).first.wait_for(timeout=20_000)
        caption = note["caption"].split("$")[0]
        text = cell.locator(".jp-RenderedMarkdown").first
        text.wait_for(timeout=20_000)
        assert text.inner_text().startswith(f"Figure. {caption}".strip())


def test_published_numbers_are_hidden_and_quoted(tab: Any) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for position, cell in enumerate(notebook.cells):
        if "publish(" in cell.source and cell.cell_type == "code":
            seen = tab.shown_cell(position).locator(".jp-OutputArea-output")
            assert "minigpt.numbers" not in " ".join(seen.all_inner_texts())
        if "<!-- n:" in cell.source:
            assert "<!--" not in tab.shown_cell(position).inner_text()


def test_listings_are_code(tab: Any) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for position, cell in enumerate(notebook.cells):
        if cell.source.startswith("show_source("):
            listing = tab.shown_cell(position).locator(".jp-RenderedMarkdown pre code")
            listing.first.wait_for(timeout=20_000)


def test_nothing_was_asked_of_another_host(tab: Any) -> None:
    assert tab.asked == []

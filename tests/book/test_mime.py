"""Outputs become figures that are numbered, captioned and described."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from minigpt_edu.book.mime import plotly_html


@pytest.fixture(scope="session")
def page(small_book: Path) -> BeautifulSoup:
    text = (small_book / "figures.html").read_text(encoding="utf-8")
    return BeautifulSoup(text, "html.parser")


def figure(page: BeautifulSoup, label: str) -> Tag:
    found = page.select(f"figure#{label}")
    assert len(found) == 1
    return found[0]


NUMBERED = [("fig-drawing", "1"), ("fig-map", "2"), ("fig-lines", "3")]


@pytest.mark.parametrize(("label", "number"), NUMBERED)
def test_a_figure_has_number_and_caption(
    page: BeautifulSoup, label: str, number: str
) -> None:
    caption = figure(page, label).select_one("figcaption")
    assert caption is not None
    assert caption.select_one(".caption-number").text.strip() == f"Figure {number}"
    assert f"The caption of {label}" in caption.text
    assert caption.select_one(".math") is not None


def test_pictures_are_described_and_may_shrink(page: BeautifulSoup) -> None:
    picture = figure(page, "fig-drawing").select_one("img")
    assert picture["alt"] == "A view of fig-drawing."
    assert "height" not in picture.get("style", "")
    assert not picture.has_attr("height")


def test_a_shaded_picture_is_marked_for_the_dark_page(page: BeautifulSoup) -> None:
    assert "mg-shaded" in figure(page, "fig-map")["class"]
    assert "mg-shaded" not in figure(page, "fig-drawing")["class"]


def test_the_caption_for_jupyterlab_is_not_repeated(page: BeautifulSoup) -> None:
    assert page.text.count("The caption of fig-drawing") == 1


def test_one_representation_makes_the_figure(page: BeautifulSoup) -> None:
    lines = figure(page, "fig-lines")
    assert lines.select_one("img") is None
    box = lines.select_one(".mg-plotly")
    assert box["aria-label"] == "A view of fig-lines."
    assert "321px" in box["style"]


def test_plotly_data_survives_the_page(page: BeautifulSoup) -> None:
    boxes = page.select(".mg-plotly")
    assert len(boxes) == 2
    data = [json.loads(box.select_one("script").string) for box in boxes]
    assert data[0]["data"] == [{"y": [1, 2]}]
    assert data[1]["data"][0]["name"] == "</script><!--<b>"


def test_descriptions_cannot_break_out_of_their_attribute() -> None:
    made = plotly_html({"data": []}, alt='"><script>alert(1)</script>')
    assert BeautifulSoup(made, "html.parser").select("script:not([type])") == []


def test_published_numbers_leave_no_trace(page: BeautifulSoup) -> None:
    assert "1.87" not in page.text
    assert all(cell.text.strip() or cell.find() for cell in page.select(".cell_output"))


def test_a_widget_is_seen_by_its_html_or_its_text(page: BeautifulSoup) -> None:
    assert "the slider" in page.text
    assert "Slider(value=3)" in page.text
    assert page.select('script[type*="widget-view"]') == []


def test_a_listing_is_highlighted_python(page: BeautifulSoup) -> None:
    listing = page.select_one(".cell_output .highlight-python")
    assert listing is not None
    assert "def shown" in listing.text


def test_a_figure_is_linked_by_its_number(small_book: Path) -> None:
    text = (small_book / "words.html").read_text(encoding="utf-8")
    link = BeautifulSoup(text, "html.parser").select_one('a[href$="#fig-map"]')
    assert link is not None
    assert link.text == "Figure 2"

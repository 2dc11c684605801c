"""Figures that compute, on the pages of the small book."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from bs4 import BeautifulSoup
from docutils.core import publish_doctree
from docutils.parsers.rst import directives
from docutils.utils import SystemMessage

from minigpt_edu.book.audit import read_page
from minigpt_edu.book.live import FigureLive, write_scripts
from minigpt_edu.book.mime import FigureRenderer
from minigpt_edu.shipped import shipped_models
from minigpt_edu.viz import views
from minigpt_edu.viz.bundle import bundle_css, drawn_kinds, page_bundle, view_bundle
from minigpt_edu.viz.output import FIGURE, VIEW
from minigpt_edu.viz.page import model_file, model_script, view_file


def page(small_book: Path, name: str) -> BeautifulSoup:
    text = (small_book / f"{name}.html").read_text(encoding="utf-8")
    return BeautifulSoup(text, "html.parser")


def live(small_book: Path, name: str, label: str) -> Any:
    """The element of a figure, inside of the one that has number and caption."""
    (found,) = page(small_book, name).select(f"figure#{label} > figure.mg-viz")
    return found


def test_a_view_becomes_an_element_with_its_picture(small_book: Path) -> None:
    found = live(small_book, "figures", "fig-heads")
    assert found["data-view"] == "heads"
    config = {"checkpoint": "reader", "prompt": 'a <b> & "c"'}
    assert json.loads(found["data-config"]) == config
    assert list(json.loads(found["data-config"])) == sorted(config)
    assert found["data-state"] == "static"
    assert found["role"] == "group"
    assert found["aria-label"] == "A view of fig-heads."
    assert found.img["alt"] == "A view of fig-heads."
    assert not found.img.has_attr("height")
    assert (small_book / found.img["src"]).is_file()


def test_a_kind_that_there_is_not_never_reaches_the_page() -> None:
    """Its name would become the address of a script."""
    spoiled = {"view": 'heads"></script><script>', "config": {"prompt": "a"}}
    note = {"label": "fig-x", "alt": "x", "caption": "X.", "primary": VIEW}
    data = MagicMock(mime_type=VIEW, content=spoiled, output_metadata={FIGURE: note})
    with pytest.raises(ValueError, match="no figure is called"):
        FigureRenderer.handle_mime(MagicMock(), data, inline=False)


def test_the_caption_is_outside(small_book: Path) -> None:
    outer = page(small_book, "figures").select_one("figure#fig-heads")
    assert outer is not None
    caption = outer.select_one(":scope > figcaption")
    assert caption is not None
    assert "The caption of fig-heads" in caption.text
    assert caption.select_one(".math") is not None
    assert "mg-live" in outer["class"]


def test_without_a_picture_the_description_stands_there(small_book: Path) -> None:
    found = live(small_book, "figures", "fig-own")
    assert found.img is None
    assert found.p.text == "A view of fig-own."
    assert json.loads(found["data-config"])["checkpoint"] is None


def test_a_markdown_page_has_one_by_a_directive(small_book: Path) -> None:
    found = live(small_book, "live", "fig-lens")
    assert json.loads(found["data-config"]) == views.logit_lens("The old boat").config
    soup = page(small_book, "live")
    assert soup.select_one("#fig-lens > figcaption .math") is not None
    link = soup.select_one('a.reference[href="#fig-lens"]')
    assert link is not None
    assert link.text.startswith("Figure ")


SCRIPTS = ("minigpt-figures.js", "minigpt-figures.css")


@pytest.mark.parametrize("name", ["intro", "figures", "words", "live"])
def test_scripts_are_on_the_pages_that_draw(small_book: Path, name: str) -> None:
    loads = " ".join(read_page(small_book, f"{name}.html").loads)
    for script in SCRIPTS:
        assert (script in loads) == (name in ("figures", "live"))
    for kind in drawn_kinds():
        here = (kind, name) in (("heads", "figures"), ("logit_lens", "live"))
        assert (view_file(kind) in loads) == here
    assert "minigpt-model" not in loads


def test_scripts_wait_for_the_page_and_the_common_one_for_the_others(
    small_book: Path,
) -> None:
    scripts = page(small_book, "figures").select('script[src*="_static/minigpt-"]')
    assert all(script.has_attr("defer") for script in scripts)
    names = [re.sub(r".*/|\?.*", "", str(script["src"])) for script in scripts]
    assert names == [view_file("heads"), SCRIPTS[0]]


def test_scripts_and_every_model_are_in_the_book(small_book: Path) -> None:
    static = small_book / "_static"
    assert (static / SCRIPTS[0]).read_text(encoding="utf-8") == page_bundle()
    assert (static / SCRIPTS[1]).read_text(encoding="utf-8") == bundle_css()
    for kind in drawn_kinds():
        text = (static / view_file(kind)).read_text(encoding="utf-8")
        assert text == view_bundle(kind)
    for name in shipped_models():
        assert (static / model_file(name)).read_text() == model_script(name)
    others = {path.name for path in static.glob("minigpt-*")}
    views = map(view_file, drawn_kinds())
    assert others == {*SCRIPTS, *views, *map(model_file, shipped_models())}


def test_scripts_are_written_alike_each_time(tmp_path: Path) -> None:
    write_scripts(tmp_path / "a")
    write_scripts(tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


GOOD = '{"label": "fig-a", "caption": "A.", "alt": "B", "config": {"prompt": "x"}}'
WRONG = {
    "heds": (GOOD, "did you mean 'heads'"),
    "heads": ('{"label": "fig-a", "caption": "A.", "alt": "B"}', "needs a prompt"),
    "circuits": (GOOD.replace("alt", "alz"), "did you mean 'alt'"),
    "mask_lab": ("{nothing}", "Expecting property name"),
    "softmax_lab": (GOOD.replace('"alt": "B", ', ""), "needs 'alt'"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_directive_says_what_is_wrong(kind: str) -> None:
    directives.register_directive("figure-live", FigureLive)
    content, message = WRONG[kind]
    source = f".. figure-live:: {kind}\n\n   {content}\n"
    settings = {"halt_level": 3, "report_level": 5}
    with pytest.raises(SystemMessage, match=message):
        publish_doctree(source, settings_overrides=settings)

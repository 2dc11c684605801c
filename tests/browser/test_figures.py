"""Figures that compute, on a page without a kernel: drawn, true, and asking nobody."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from minigpt_edu.viz.source import shipped_source
from minigpt_edu.viz.views import KINDS

SENTENCE = "The old boat came home at night."
#: Letters of two bytes, an emoji in the middle, and words that would be markup.
OTHER = "Um pão, 🚢 <b>velho</b> e só"
STILL = "lives in the notebook"


def label_of(kind: str) -> str:
    return f"fig-{kind.replace('_', '-')}"


def shown(tab: Any, kind: str) -> Any:
    """The figure of this kind, scrolled to and drawn."""
    figure = tab.locator(f"#{label_of(kind)} > .mg-viz")
    figure.scroll_into_view_if_needed()
    settled(tab, figure)
    return figure


def settled(tab: Any, figure: Any) -> None:
    tab.wait_for_function(
        "f => f.dataset.state === 'ready' && !f.querySelector('.mg-busy')",
        arg=figure.element_handle(),
        timeout=30_000,
    )


def typed(tab: Any, figure: Any, text: str) -> None:
    """Type a text as a reader does, and wait until the figure shows it."""
    field = figure.get_by_role("textbox").first
    field.click()
    field.press("Control+a")
    tab.keyboard.insert_text(text)
    tab.keyboard.press("Enter")
    tab.wait_for_timeout(50)
    settled(tab, figure)


def table_of(figure: Any) -> list[list[str]]:
    """The rows of the figure's table, its head first."""
    if not figure.locator("table").count():
        figure.get_by_role("button", name="Show as table").click()
    return figure.locator("table").evaluate(
        "t => [...t.rows].map(r => [...r.cells].map(c => c.textContent))"
    )


def plain(pieces: list[str]) -> list[str]:
    """Without the marks that stand for spaces and isolate directions."""
    return [re.sub("[\u00b7\u2066-\u2069 ]", "", piece) for piece in pieces]


def agree(text: str, value: float) -> None:
    """A number as the figure writes it, against torch's."""
    if text.startswith("<"):
        assert value < float(text[1:]), (text, value)
        return
    digits = len(text.partition(".")[2])
    assert abs(float(text.replace("\u2212", "-")) - value) <= 0.51 * 10**-digits


def test_every_kind_of_figure_is_drawn(watch: Any, figures: Path) -> None:
    with watch() as (tab, wrong):
        tab.goto((figures / "figures.html").as_uri())
        for kind in KINDS:
            assert shown(tab, kind).locator(".mg-frame").is_visible()
        own = tab.locator("#fig-own > .mg-viz")
        own.scroll_into_view_if_needed()
        own.locator(".mg-still").wait_for()
        assert STILL in own.inner_text()
        assert own.get_attribute("data-state") == "static"
        assert wrong == []


def test_models_are_fetched_once_and_only_where_they_are_asked(
    watch: Any, figures: Path, serve: Any
) -> None:
    with watch() as (tab, wrong):
        asked: list[str] = []
        tab.on("request", lambda r: asked.append(r.url))
        tab.goto(f"{serve(figures)}/plain.html")
        tab.wait_for_timeout(200)
        assert [one for one in asked if "minigpt-" in one] == []
        tab.goto(f"{serve(figures)}/figures.html")
        for kind in KINDS:
            shown(tab, kind)
        models = [one for one in asked if "minigpt-model" in one]
        assert [one.rpartition("/")[2] for one in models] == ["minigpt-model-reader.js"]
        assert wrong == []


@pytest.mark.parametrize("text", [SENTENCE, OTHER])
def test_what_is_typed_is_what_torch_computes(
    watch: Any, figures: Path, text: str
) -> None:
    source = shipped_source("reader")
    encoded = source.answer("encode", {"text": text}).values
    ids = encoded["ids"]
    found = source.answer("run", {"ids": ids, "keep": ["blocks.*.attn.pattern"]})
    probs = torch.from_numpy(found.arrays["logits"])[0, -1].softmax(-1)
    with watch() as (tab, wrong):
        tab.goto((figures / "figures.html").as_uri())
        figure = shown(tab, "attention_steps")
        before = table_of(figure)
        typed(tab, figure, text)
        head, *rows = table_of(figure)
        assert (text == SENTENCE) == (before == [head, *rows])
        assert len(rows) == len(ids)
        pieces = [piece["text"] for piece in encoded["pieces"]]
        whole = [i for i, p in enumerate(pieces) if not p.startswith("<") and p.strip()]
        assert [plain(head[1:])[i] for i in whole] == [pieces[i].strip() for i in whole]
        layer, number = (
            int(select.input_value()) for select in figure.locator("select").all()
        )
        pattern = found.arrays[f"blocks.{layer}.attn.pattern"][0, number]
        for q, row in enumerate(rows):
            assert row[q + 2 :] == ["masked"] * (len(ids) - q - 1)
            for k in range(q + 1):
                agree(row[k + 1], float(pattern[q, k]))
        shares = figure.locator(".mg-bars .mg-bar-number").all_inner_texts()[:5]
        assert len(shares) == 5
        for share, p in zip(shares, probs.topk(5).values.tolist(), strict=True):
            agree(share, p)
        assert figure.locator("b").count() == 0
        assert wrong == []


def test_the_tokens_and_the_lens_are_torch_s(watch: Any, figures: Path) -> None:
    source = shipped_source("reader")
    ids = source.tokenizer.encode(OTHER)
    lens = torch.from_numpy(source.answer("lens", {"ids": ids}).arrays["lens"].copy())
    with watch() as (tab, wrong):
        tab.goto((figures / "figures.html").as_uri())
        walk = shown(tab, "prediction_walk")
        typed(tab, walk, OTHER)
        assert [int(row[2].replace(",", "")) for row in table_of(walk)[1:]] == ids
        figure = shown(tab, "logit_lens")
        typed(tab, figure, OTHER)
        rows = table_of(figure)[1:]
        assert len(rows) == len(ids)
        for place, row in enumerate(rows):
            for stage, cell in enumerate(row[1:]):
                best = lens[stage, place].softmax(-1).max()
                percent = re.search(r"([\d.]+)\s*%$", cell)
                assert percent is not None, cell
                assert abs(float(percent[1]) - 100 * float(best)) <= 0.51, cell
        assert wrong == []


def test_a_text_that_is_too_long_leaves_the_picture(watch: Any, figures: Path) -> None:
    with watch() as (tab, wrong):
        tab.goto((figures / "figures.html").as_uri())
        figure = shown(tab, "attention_steps")
        before = figure.locator(".mg-sentence").inner_text()
        typed(tab, figure, "the sea " * 200)
        assert "tokens" in figure.locator(".mg-error").inner_text()
        assert figure.locator(".mg-sentence").inner_text() == before
        typed(tab, figure, SENTENCE)
        assert figure.locator(".mg-error").inner_text() == ""
        assert wrong == []


def test_a_picture_stands_there_without_scripts(watch: Any, figures: Path) -> None:
    with watch() as (tab, _):
        client = tab.context.new_cdp_session(tab)
        client.send("Emulation.setScriptExecutionDisabled", {"value": True})
        tab.goto((figures / "figures.html").as_uri())
        for kind in KINDS:
            picture = tab.locator(f"#{label_of(kind)} > .mg-viz > img")
            assert picture.is_visible()
            assert picture.get_attribute("alt") == f"View of {kind}."


def test_lost_weights_are_told_in_the_figure(
    watch: Any, figures: Path, tmp_path: Path
) -> None:
    book = tmp_path / "book"
    shutil.copytree(figures, book)
    (book / "_static" / "minigpt-model-reader.js").unlink()
    with watch() as (tab, wrong):
        tab.goto((book / "figures.html").as_uri())
        figure = tab.locator("#fig-heads > .mg-viz")
        figure.scroll_into_view_if_needed()
        tab.wait_for_function(
            "f => f.dataset.state === 'error'", arg=figure.element_handle()
        )
        assert "there is no minigpt-model-reader.js" in figure.inner_text()
        assert figure.locator("img").is_visible()
        assert any("failed" in one for one in wrong)  # the browser's own complaint

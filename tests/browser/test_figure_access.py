"""Every figure for every reader: keys, words, colours, phones, odd texts, tables.

Each is opened from the disk, on a page of its own.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minigpt_edu.viz.bundle import drawn_kinds
from minigpt_edu.viz.page import figure_html, standalone
from minigpt_edu.viz.views import KINDS, make_view

SENTENCE = "The old boat came home at night."
DRAWN = sorted(drawn_kinds())
THEMES = ("light", "dark")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 700}
# One pixel, for where `make refresh` puts the picture.
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk"
    "+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


def asked(kind: str) -> Any:
    known = inspect.signature(KINDS[kind]).parameters
    return make_view(kind, {"prompt": SENTENCE} if "prompt" in known else {})


WITH_TEXT = [kind for kind in DRAWN if "prompt" in asked(kind).config]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """``written(kind)``: the address of a page with this figure alone."""
    folder, pages = tmp_path_factory.mktemp("figures"), {}

    def write(kind: str) -> str:
        if kind not in pages:
            pages[kind] = folder / f"{kind}.html"
            text = standalone(asked(kind), title="One figure")
            pages[kind].write_text(text, encoding="utf-8")
        return pages[kind].as_uri()

    return write


@pytest.fixture
def opened(watch: Any, written: Any) -> Iterator[Any]:
    """``opened(kind, theme, size)``: a tab in which the figure is drawn."""
    with watch() as (tab, wrong):

        def show(kind: str, theme: str = "light", size: dict = WIDE) -> Any:
            tab.set_viewport_size(size)
            tab.goto(written(kind))
            tab.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            wait_until_ready(tab)
            return tab

        yield show
        assert wrong == []


def wait_until_ready(tab: Any) -> None:
    tab.wait_for_function(
        "[...document.querySelectorAll('.mg-viz')]"
        ".every((figure) => figure.dataset.state === 'ready')",
        timeout=20_000,
    )


def type_text(tab: Any, text: str) -> None:
    """As if somebody had typed it, also what no keyboard has; waits for the answer."""
    escaped = json.dumps(text)  # half a pair would not survive on the way
    tab.evaluate(
        f"""() => {{
            const field = document.querySelector('.mg-viz input[type="text"]');
            field.value = {escaped};
            const enter = {{ key: 'Enter', bubbles: true }};
            field.dispatchEvent(new KeyboardEvent('keydown', enter));
        }}"""
    )
    tab.wait_for_timeout(50)
    tab.wait_for_function("!document.querySelector('.mg-busy')", timeout=20_000)


def open_table(tab: Any) -> Any:
    tab.get_by_role("button", name="Show as table").click()
    return tab.locator(".mg-viz table").first


# Every kind of figure.


@pytest.mark.parametrize("kind", WITH_TEXT)
def test_no_letter_typed_while_it_computes_is_lost(opened: Any, kind: str) -> None:
    tab = opened(kind)
    field = tab.locator('.mg-viz input[type="text"]').first
    field.focus()
    field.press("End")
    # Slower than the pause that starts an answer, so that each answer comes in between.
    field.press_sequentially(" Then the dog", delay=230)
    tab.wait_for_timeout(300)
    tab.wait_for_function("!document.querySelector('.mg-busy')", timeout=20_000)
    assert field.input_value() == f"{SENTENCE} Then the dog"


@pytest.mark.parametrize("place", [{"layer": 9}, {"head": 7}])
@pytest.mark.parametrize("kind", ["heads", "attention_steps", "mask_lab"])
def test_a_place_that_is_not_there_is_said(
    watch: Any, tmp_path: Path, kind: str, place: dict
) -> None:
    view = make_view(kind, {"prompt": SENTENCE, **place})
    page = tmp_path / "figure.html"
    page.write_text(standalone(view, title="A figure"), encoding="utf-8")
    with watch() as (tab, _):
        tab.goto(page.as_uri())
        figure = tab.locator('.mg-viz[data-state="error"]')
        figure.wait_for(timeout=20_000)
        assert "there is no" in figure.locator(".mg-error").inner_text()


MOVING = """() => [...document.querySelectorAll('.mg-viz *')].filter((one) =>
    getComputedStyle(one).transitionDuration.split(',').some((t) => parseFloat(t) > 0))
    .map((one) => one.className)"""


@pytest.mark.parametrize("kind", DRAWN)
def test_a_figure_asks_answers_and_names_its_model(opened: Any, kind: str) -> None:
    tab = opened(kind)
    tab.emulate_media(reduced_motion="reduce")
    assert tab.evaluate(MOVING) == []
    tab.emulate_media(reduced_motion="no-preference")
    assert tab.locator(".mg-question").inner_text().endswith("?")
    sentence = tab.locator(".mg-sentence")
    assert sentence.get_attribute("aria-live") == "polite"
    assert len(sentence.inner_text()) > 20
    note = tab.locator(".mg-frame > .mg-foot .mg-note").inner_text().lower()
    named = "reader" if "checkpoint" in asked(kind).config else "illustrative"
    assert named in note


UNGUARDED = """() => [...document.querySelectorAll(
    ['a', 'button', 'input', 'select', 'summary', 'textarea', '[tabindex]']
    .map((one) => '.mg-viz ' + one).join())]
    .filter((one) => one.dataset.lmSuppressShortcuts !== 'true')
    .map((one) => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("kind", DRAWN)
def test_a_figure_is_also_a_table_and_keeps_its_keys(opened: Any, kind: str) -> None:
    tab = opened(kind)
    assert tab.locator(".mg-table-place table").count() == 0
    open_table(tab)
    table = tab.locator(".mg-table-place table")
    assert table.locator("caption").inner_text()
    assert table.locator("thead th[scope=col]").count() >= 2
    lines = table.locator("tbody tr")
    assert lines.count() == table.locator("tbody th[scope=row]").count() > 0
    assert tab.evaluate(UNGUARDED) == []
    tab.get_by_role("button", name="Hide the table").click()
    assert table.is_hidden()


FOCUS = """() => {
    const here = document.activeElement, style = getComputedStyle(here);
    const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    const box = here.getBoundingClientRect();
    return { inside: here.closest('.mg-viz') !== null, ring, name: here.outerHTML
        .slice(0, 90), seen: box.width > 0 && box.height > 0 }; }"""


@pytest.mark.parametrize("kind", DRAWN)
def test_the_focus_is_seen_wherever_the_tab_key_goes(opened: Any, kind: str) -> None:
    tab, stops = opened(kind), []
    for _ in range(80):
        tab.keyboard.press("Tab")
        focus = tab.evaluate(FOCUS)
        if not focus["inside"]:
            break
        assert focus["ring"] and focus["seen"], focus
        stops.append(focus["name"])
    assert stops and len(stops) < 60
    assert "mg-plain-button" in stops[-1]


# The contrast of each text with the paper under it, as WCAG computes it, and its size.
PALE = """() => {
    const parts = (colour) => {
        const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
        return { rgb: [r, g, b], a };
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const paper = (node) => {
        for (let one = node; one; one = one.parentElement) {
            const { rgb, a } = parts(getComputedStyle(one).backgroundColor);
            if (a === 1) return rgb;
        }
        return [255, 255, 255];
    };
    const found = [], walker = document.createTreeWalker(
        document.querySelector('.mg-frame'), NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
        const node = text.parentElement;
        const seen = node.checkVisibility({ visibilityProperty: true });
        if (!text.data.trim() || !seen || node.closest('option')) continue;
        const style = getComputedStyle(node);
        const both = [light(parts(style.color).rgb), light(paper(node))];
        const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
        if (contrast < 4.5) found.push([text.data, contrast.toFixed(2)]);
        if (parseFloat(style.fontSize) < 11.5) found.push([text.data, style.fontSize]);
    }
    return found; }"""


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", DRAWN)
def test_every_word_can_be_read(opened: Any, kind: str, theme: str) -> None:
    tab = opened(kind, theme)
    open_table(tab)
    assert tab.evaluate(PALE) == []


def test_the_measure_of_contrast_can_fail(opened: Any) -> None:
    tab = opened("softmax_lab")
    tab.add_style_tag(content=".mg-viz .mg-sentence { color: #999999 }")
    assert all(float(contrast) < 3 for _, contrast in tab.evaluate(PALE))
    assert tab.evaluate(PALE) != []


CELLS = "document.querySelector('.mg-viz canvas').toDataURL()"
PAPER = "getComputedStyle(document.querySelector('.mg-viz')).backgroundColor"


@pytest.mark.parametrize("where", ["body", "documentElement"])
def test_the_picture_follows_the_theme_of_the_lab_and_of_the_book(
    opened: Any, where: str
) -> None:
    tab = opened("mask_lab")
    before = tab.evaluate(CELLS)
    name = "jpThemeLight" if where == "body" else "theme"
    dark = "false" if where == "body" else "dark"
    for value, same in ((dark, False), ("true", True)):
        tab.evaluate(f"document.{where}.dataset.{name} = '{value}'")
        tab.wait_for_timeout(50)
        assert (tab.evaluate(CELLS) == before) is same
        paper = tab.evaluate(PAPER)
        assert paper == ("rgb(255, 255, 255)" if same else "rgb(18, 18, 18)")


SMALL = """() => [...document.querySelectorAll(
    ['button', 'select', 'input', 'label:has(input)']
    .map((one) => '.mg-viz ' + one).join())]
    .filter((one) => one.matches('label') || !one.closest('label:has(input)'))
    .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 0 && (box.width < 23.9 || box.height < 23.9))
    .map(([name, box]) => [name, box.width, box.height])"""
SIDEWAYS = "document.documentElement.scrollWidth"


@pytest.mark.parametrize("kind", DRAWN)
def test_a_phone_shows_it_without_scrolling_the_page(opened: Any, kind: str) -> None:
    tab = opened(kind, "light", NARROW)
    open_table(tab)
    assert tab.evaluate(SIDEWAYS) <= 320
    assert tab.evaluate(SMALL) == []


ODD = {
    "markup": "<b onclick=x>hi</b><script>alert(1)</script>&amp;",
    "emoji": "a \U0001f469\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u202e abc \u2066",
    "white": " \t \n  ",
    "combining": "e\u0301\u0301 \u0300x",
    "control": "a\x00b\x1b[31m",
}


@pytest.mark.parametrize("kind", WITH_TEXT)
def test_an_odd_text_does_no_harm(opened: Any, kind: str) -> None:
    tab = opened(kind, "light", NARROW)
    tab.evaluate("void (window.alert = () => { throw new Error('it ran') })")
    for name, text in ODD.items():
        type_text(tab, text)
        assert tab.locator(".mg-frame script, .mg-frame b").count() == 0, name
        words = tab.locator(".mg-frame").inner_text()
        assert not set(words) & set("\u202e\u202d\x00\x1b"), name
        assert tab.evaluate(SIDEWAYS) <= 320, name


@pytest.mark.parametrize("kind", WITH_TEXT)
def test_a_bad_text_is_explained_and_the_drawing_stays(opened: Any, kind: str) -> None:
    tab = opened(kind)
    drawn = tab.locator(".mg-sentence").inner_text()
    for text, word in (("a\ud800", "surrogate"), ("the " * 70, "more than")):
        type_text(tab, text)
        assert word in tab.locator(".mg-frame > .mg-error").inner_text()
        assert tab.locator(".mg-sentence").inner_text() == drawn
        assert tab.locator(".mg-viz").get_attribute("data-state") == "ready"
    type_text(tab, SENTENCE + " He")
    assert tab.locator(".mg-frame > .mg-error").inner_text() == ""
    assert tab.locator(".mg-sentence").inner_text() != drawn


def test_on_paper_the_picture_stands_alone(watch: Any, tmp_path: Path) -> None:
    view = asked("softmax_lab")
    whole = standalone(view, title="One figure")
    without = figure_html(view.to_json(), alt="One figure")
    assert without in whole
    pictured = figure_html(view.to_json(), alt="One figure", picture=PIXEL)
    page = tmp_path / "paper.html"
    page.write_text(whole.replace(without, pictured), encoding="utf-8")
    with watch() as (tab, wrong):
        tab.goto(page.as_uri())
        wait_until_ready(tab)
        picture, live = tab.locator(".mg-viz img"), tab.locator(".mg-frame")
        assert picture.is_hidden() and live.is_visible()
        tab.emulate_media(media="print")
        assert picture.is_visible() and live.is_hidden()
        tab.emulate_media(media="screen")
        assert wrong == []


# The attention figures.


def the_cell(tab: Any) -> str:
    return tab.locator("[role=gridcell]").first.get_attribute("aria-label")


@pytest.mark.parametrize("kind", ["attention_steps", "mask_lab"])
def test_the_arrow_keys_walk_through_the_numbers_of_the_table(
    opened: Any, kind: str
) -> None:
    tab = opened(kind)
    lines = open_table(tab).locator("tbody tr").all()
    shown = [line.locator("td").all_inner_texts() for line in lines]
    grid = tab.locator("[role=grid]").first
    size = int(grid.get_attribute("aria-colcount"))
    assert grid.get_attribute("aria-rowcount") == str(len(shown)) == str(size)
    grid.focus()
    for _ in range(size):
        tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Home")
    for row in (0, 1, 2):
        for column in range(size):
            assert the_cell(tab).split(": ")[-1] == shown[row][column]
            tab.keyboard.press("ArrowRight")
        tab.keyboard.press("Home")
        tab.keyboard.press("ArrowDown")
    tab.keyboard.press("End")
    cell = tab.locator("[role=gridcell]").first
    assert cell.get_attribute("aria-colindex") == str(size)
    assert grid.get_attribute("aria-activedescendant") == cell.get_attribute("id")


def test_enter_chooses_a_row_and_escape_gives_it_back(opened: Any) -> None:
    tab = opened("attention_steps")
    tab.locator("[role=grid]").focus()
    before = tab.locator(".mg-sentence").inner_text()
    tab.keyboard.press("ArrowUp")
    assert tab.locator(".mg-sentence").inner_text() == before  # a preview only
    tab.keyboard.press("Enter")
    assert tab.locator(".mg-sentence").inner_text() != before
    assert tab.locator("[role=gridcell]").get_attribute("aria-selected") == "true"
    assert tab.locator(".mg-pinned").count() == 1
    tab.keyboard.press("Escape")
    assert tab.locator(".mg-sentence").inner_text() == before
    assert tab.locator(".mg-pinned").count() == 0


def number(text: str) -> float:
    return float(text.replace(",", "").replace("\u2212", "-"))


def test_each_step_has_a_formula_whose_numbers_are_right(opened: Any) -> None:
    tab = opened("attention_steps")
    for step in ("Scores", "Softmax"):
        tab.get_by_role("button", name=step).click()
        fraction, result = tab.locator(".mg-formula").inner_text().split(" = ")[1:]
        above, below = map(number, fraction.split(" / "))
        assert above / below == pytest.approx(number(result), abs=0.02)
    tab.get_by_role("button", name="Softmax").focus()
    tab.keyboard.press("ArrowRight")
    current = tab.locator(".mg-stepper [aria-current=step]")
    assert "Weighted sum" in current.inner_text()
    assert "z(" in tab.locator(".mg-formula").inner_text()


def test_a_token_chosen_in_one_figure_is_chosen_in_the_other(
    watch: Any, tmp_path: Path
) -> None:
    view = asked("attention_steps")
    one = figure_html(view.to_json(), alt="One figure")
    whole = standalone(view, title="One figure")
    page = tmp_path / "two.html"
    page.write_text(whole.replace(one, one + one), encoding="utf-8")
    with watch() as (tab, wrong):
        tab.set_viewport_size({"width": 1280, "height": 2400})
        tab.goto(page.as_uri())
        wait_until_ready(tab)
        sentences = tab.locator(".mg-sentence")
        tab.locator("[role=grid]").first.focus()
        for _ in range(3):
            tab.keyboard.press("ArrowUp")
        tab.keyboard.press("Enter")
        assert sentences.nth(0).inner_text() == sentences.nth(1).inner_text()
        assert tab.locator(".mg-pinned").count() == 2
        assert wrong == []


def test_only_the_mask_before_the_softmax_keeps_the_future_out(opened: Any) -> None:
    tab = opened("mask_lab")
    tab.get_by_role("radio").nth(1).focus()
    said = {}
    for _ in range(4):
        checked = tab.locator("[role=radio][aria-checked=true]").inner_text()
        said[checked.split("\n")[0]] = "no leak" in checked
        tab.keyboard.press("ArrowRight")
    assert len(said) == 4
    assert [name for name in said if said[name]] == ["Causal, before the softmax"]


def test_float16_breaks_the_softmax_and_the_subtraction_mends_it(opened: Any) -> None:
    tab = opened("softmax_lab")
    handle = tab.locator("input.mg-handle").first
    shares = tab.locator(".mg-softmax-share .mg-bar-number")
    before = shares.all_inner_texts()
    handle.focus()
    tab.keyboard.press("End")
    assert shares.all_inner_texts() != before
    tab.get_by_role("button", name="Put the scores back").click()
    assert shares.all_inner_texts() == before
    tab.get_by_label("Temperature").focus()
    tab.keyboard.press("Home")  # 1/16: the scores become 16 times as large
    handle.focus()
    tab.keyboard.press("End")
    for name in ("in float16", "subtract the largest"):
        tab.get_by_label(name).click()
    assert "NaN" in shares.all_inner_texts()
    assert "breaks" in tab.locator(".mg-sentence").inner_text()
    tab.get_by_label("subtract the largest").click()
    assert "NaN" not in shares.all_inner_texts()

"""A quiz on its page: it opens without a script, by keyboard, and can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# The colours of an element's text and of the paper below it.
COLOURS = """(element) => {
  const seen = (colour) => colour.match(/[\\d.]+/g).map(Number);
  let paper = element;
  while (paper && seen(getComputedStyle(paper).backgroundColor)[3] === 0) {
    paper = paper.parentElement;
  }
  const back = paper ? getComputedStyle(paper).backgroundColor : "rgb(255, 255, 255)";
  return [seen(getComputedStyle(element).color), seen(back)];
}"""


@pytest.fixture(scope="module")
def page(html: Path) -> str:
    """The address of a page with a quiz."""
    for path in sorted((html / "chapters").rglob("*.html")):
        if 'class="mg-quiz"' in path.read_text(encoding="utf-8"):
            return path.as_uri()
    pytest.skip("no chapter has a quiz")


@pytest.fixture(params=["light", "dark"])
def tab(browser: Any, page: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page in one theme, with no script at all."""
    tab = browser.new_page()
    tab.route("**/*.js*", lambda route: route.abort())
    tab.goto(page)
    theme = request.param
    tab.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    yield tab
    tab.close()


def contrast(tab: Any, place: str) -> float:
    """WCAG 2.2's ratio, for the first element that `place` selects."""
    ink, paper = tab.locator(place).first.evaluate(COLOURS)

    def light(colour: list[float]) -> float:
        parts = [c / 255 for c in colour[:3]]
        parts = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((light(ink), light(paper)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_answer_is_hidden_until_an_option_is_opened(tab: Any) -> None:
    item = tab.locator(".mg-quiz-item").first
    verdicts = item.locator("details > p")
    assert verdicts.count() >= 3
    assert not any(verdicts.nth(n).is_visible() for n in range(verdicts.count()))
    said = []
    for number in range(item.locator("summary").count()):
        item.locator("summary").nth(number).click()
        said.append(verdicts.nth(number).inner_text().split(".")[0])
    assert sorted(set(said)) == ["Not quite", "Right"]
    assert said.count("Right") == 1


def test_it_is_worked_by_keyboard(tab: Any) -> None:
    item = tab.locator(".mg-quiz-item").first
    item.locator("summary").first.focus()
    tab.keyboard.press("Enter")
    assert item.locator("details[open]").count() == 1
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    assert item.locator("details[open]").count() == 2
    tab.keyboard.press("Space")
    assert item.locator("details[open]").count() == 1
    outline = (
        item.locator("summary").nth(1).evaluate("e => getComputedStyle(e).outlineStyle")
    )
    assert outline != "none", "the focus is seen"


@pytest.mark.parametrize(
    "place",
    [
        ".mg-quiz-question",
        ".mg-quiz code",
        ".mg-quiz summary",
        ".mg-quiz details[open] p",
        ".mg-quiz-section",
        ".mg-quiz-section a",
        ".mg-badge",
        ".mg-badge a",
    ],
)
def test_it_can_be_read(tab: Any, place: str) -> None:
    tab.locator(".mg-quiz summary").first.click()
    assert contrast(tab, place) >= 4.5


def test_targets_are_large_and_the_page_stays_narrow(tab: Any) -> None:
    tab.set_viewport_size({"width": 320, "height": 700})
    for box in tab.locator(".mg-quiz summary").all():
        assert box.bounding_box()["height"] >= 24
    wide = tab.locator(".mg-quiz").evaluate("e => e.scrollWidth - e.clientWidth")
    assert wide <= 1

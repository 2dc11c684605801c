"""Every page in a browser that reaches no other host, by address and from the disk."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import TimeoutError

ROOT = Path(__file__).parents[2]
NARROW = {"width": 320, "height": 700}
WIDE = {"width": 1280, "height": 900}


def in_toc(part: dict) -> list[str]:
    own = [part[key] for key in ("root", "file") if key in part]
    below = [
        *part.get("parts", []),
        *part.get("chapters", []),
        *part.get("sections", []),
    ]
    return own + [name for child in below for name in in_toc(child)]


NAMES = in_toc(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))


def undrawn_formulas(tab: Any) -> list[str]:
    if not tab.locator(".math").count():
        return []
    tab.wait_for_function("window.MathJax?.startup?.promise", timeout=15_000)
    tab.evaluate("MathJax.startup.promise.then(() => true)")
    asked = tab.locator(".math").count()
    drawn = tab.locator(".math mjx-container").count()
    failed = tab.locator("mjx-merror").count()
    wrong = [f"{failed} formulas are wrong"] if failed else []
    return wrong + ([f"{drawn} of {asked} formulas are drawn"] if drawn < asked else [])


# Of a model that lives in a notebook there is a picture, and a line that says so.
DRAWN = """box => box.dataset.state === 'ready'
    || box.dataset.state === 'static'
       && JSON.parse(box.dataset.config || '{}').checkpoint === null
       && box.querySelector('.mg-still') !== null"""


def undrawn_figures(tab: Any) -> list[str]:
    wrong = []
    boxes = tab.locator(".mg-plotly, .mg-viz")
    for number in range(boxes.count()):
        box = boxes.nth(number)
        box.scroll_into_view_if_needed()
        try:
            tab.wait_for_function(DRAWN, arg=box.element_handle(), timeout=20_000)
        except TimeoutError:
            wrong.append(f"figure {number + 1} is {box.get_attribute('data-state')}")
            continue
        if not box.locator(".plot-container, .mg-frame, .mg-still").count():
            wrong.append(f"figure {number + 1} is empty")
    return wrong


# The page and each box that holds the whole text; a table may scroll in its own.
SIDEWAYS = """() => [document.documentElement, ...document.querySelectorAll(
    'body, main, .bd-content, .bd-article-container, article')]
    .filter((box) => box.scrollWidth > Math.min(box.clientWidth, 320) + 1)
    .map((box) => `${box.tagName} ${box.className}: ${box.scrollWidth}`)"""


def too_wide(tab: Any) -> list[str]:
    tab.set_viewport_size(NARROW)
    with suppress(TimeoutError):  # figures take a moment to follow
        tab.wait_for_function(f"({SIDEWAYS})().length === 0", timeout=3_000)
    boxes = tab.evaluate(SIDEWAYS)
    tab.set_viewport_size(WIDE)
    return [f"scrolls sideways on 320 pixels: {', '.join(boxes)}"] if boxes else []


# The theme's colours change smoothly; this is the end of the change.
DARK = """() => document.documentElement.dataset.theme === 'dark'
    && document.getAnimations().every((one) => one.playState !== 'running')"""


def not_dark(tab: Any) -> list[str]:
    tab.emulate_media(color_scheme="dark")
    with suppress(TimeoutError):  # a page full of figures takes a moment to follow
        tab.wait_for_function(DARK, timeout=5_000)
    theme = tab.evaluate("document.documentElement.dataset.theme")
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = tab.evaluate("getComputedStyle(document.querySelector('main')).color")
    tab.emulate_media(color_scheme="light")
    numbers = [
        sum(map(int, c[c.index("(") + 1 : -1].split(",")[:3])) for c in (paper, ink)
    ]
    if theme != "dark" or numbers[0] > 150 or numbers[1] < 450:
        return [f"is not dark: theme {theme}, paper {paper}, ink {ink}"]
    return []


def problems(watch: Any, address: str) -> list[str]:
    """What a reader without a network would complain about on this page."""
    with watch() as (tab, wrong):
        tab.emulate_media(color_scheme="light")
        tab.goto(address, wait_until="load")
        found = undrawn_formulas(tab) + undrawn_figures(tab)
        found += too_wide(tab) + not_dark(tab)
        tab.wait_for_timeout(100)
        return wrong + found


@pytest.mark.parametrize("name", [*NAMES, "search", "genindex"])
def test_a_page_from_the_disk(watch: Any, html: Path, name: str) -> None:
    assert problems(watch, (html / f"{name}.html").as_uri()) == []


@pytest.mark.parametrize("name", [*NAMES, "search", "genindex"])
def test_a_page_from_a_server(watch: Any, html: Path, serve: Any, name: str) -> None:
    assert problems(watch, f"{serve(html)}/{name}.html") == []


@pytest.mark.parametrize("way", ["disk", "server"])
def test_a_page_of_figures_that_compute(
    watch: Any, figures: Path, serve: Any, way: str
) -> None:
    page = "figures.html"
    disk = way == "disk"
    address = (figures / page).as_uri() if disk else f"{serve(figures)}/{page}"
    assert problems(watch, address) == []


def test_a_figure_that_is_not_drawn_is_noticed(
    watch: Any, figures: Path, tmp_path: Path
) -> None:
    book = tmp_path / "book"
    shutil.copytree(figures, book)
    page = book / "figures.html"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace('data-view="heads"', 'data-view="heds"'))
    assert "figure 2 is error" in problems(watch, page.as_uri())


def test_the_first_page_leads_into_the_book(watch: Any, html: Path) -> None:
    with watch() as (tab, wrong):
        tab.goto((html / "index.html").as_uri())
        tab.wait_for_url("**/intro.html")
        tab.wait_for_load_state("load")
        assert wrong == []
        assert "MiniGPT" in tab.title()


def test_search_works_from_the_disk(watch: Any, html: Path) -> None:
    with watch() as (tab, wrong):
        tab.goto((html / "search.html").as_uri() + "?q=softmax")
        found = tab.locator("ul.search li a", has_text="Notation")
        found.first.wait_for(timeout=15_000)
        assert wrong == []


def test_figures_follow_the_theme(watch: Any, html: Path) -> None:
    name = next(n for n in NAMES if "mg-plotly" in (html / f"{n}.html").read_text())
    colour = "getComputedStyle(document.querySelector('.mg-plotly .xtick text')).fill"
    with watch() as (tab, wrong):
        tab.emulate_media(color_scheme="light")
        tab.goto((html / f"{name}.html").as_uri())
        assert undrawn_figures(tab) == []
        light = tab.evaluate(colour)
        tab.emulate_media(color_scheme="dark")
        tab.wait_for_function(f"{colour} !== '{light}'", timeout=9_000)
        assert wrong == []


# Each kind of fault, put into a copy of a page, is seen.


@pytest.fixture
def spoiled(html: Path, tmp_path: Path) -> Any:
    """``spoiled(there, instead)``: the address of a copy in which something changed."""

    def spoil(there: str, instead: str) -> str:
        name = next(n for n in NAMES if "mg-plotly" in (html / f"{n}.html").read_text())
        page = tmp_path / f"{name}.html"
        page.parent.mkdir(parents=True)
        text = (html / f"{name}.html").read_text(encoding="utf-8")
        assert there in text
        page.write_text(text.replace(there, instead, 1), encoding="utf-8")
        for shared in ("_static", "_images", "searchindex.js"):
            (tmp_path / shared).symlink_to(html / shared)
        return page.as_uri()

    return spoil


FAULTS = {
    "none": ("</body>", "</body>", None),
    "another host": (
        "</head>",
        '<script src="https://cdn.example.org/x.js"></script></head>',
        "asks another host",
    ),
    "error": ("</body>", "<script>nothing.at.all()</script></body>", "error: "),
    "console": (
        "</body>",
        "<script>console.error('oh')</script></body>",
        "console: oh",
    ),
    "lost file": ("</head>", '<script src="gone.js"></script></head>', "failed: "),
    "no plotly": ("plotly.min.js", "plotly.gone.js", "figure 1 is error"),
    "no MathJax": ("mathjax/tex-chtml.js", "mathjax/gone.js", "formulas"),
    "bad formula": ("\\frac{", "\\frac}{", "formulas are wrong"),
    "too wide": (
        "</article>",
        '<div style="width:900px">x</div></article>',
        "scrolls sideways",
    ),
    "not dark": (
        "</head>",
        "<style>body{background:#fff!important}</style></head>",
        "dark",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_seen(watch: Any, spoiled: Any, name: str) -> None:
    there, instead, complaint = FAULTS[name]
    if name == "no MathJax":
        with pytest.raises(TimeoutError):
            problems(watch, spoiled(there, instead))
        return
    found = problems(watch, spoiled(there, instead))
    if complaint is None:
        assert found == []
    else:
        assert any(complaint in text for text in found), found

"""The audit sees each thing that can be wrong with a page: one mutation for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from minigpt_edu.book.audit import PAGE_BYTES, audit, pages, read_page

GOOD = """<!doctype html><html><head>
<link rel="stylesheet" href="_static/look.css">
<link rel="canonical" href="https://example.org/page.html">
<script src="_static/app.js?v=1"></script>
<script src="_static/minigpt-view-heads.js"></script></head><body>
<h1 id="top">A page</h1>
<p>See <a href="#top">above</a>, <a href="two.html#there">there</a> and
<a href="https://example.org">elsewhere</a>.</p>
<figure id="fig-a"><img src="a%20b.png" alt="A line."><figcaption>
<span class="caption-number">Figure 1 </span><span class="caption-text">A line rises.
</span></figcaption></figure>
<figure id="fig-b"><div class="mg-plotly" aria-label="A curve."></div><figcaption>
<p><span class="caption-number">Figure 2 </span>A curve.</p></figcaption></figure>
<figure id="fig-c"><figure class="mg-viz" data-view="heads"
data-config="{&quot;checkpoint&quot;:&quot;m&quot;}" aria-label="Heads."><img
src="a%20b.png" alt="Heads."></figure><figcaption>
<span class="caption-number">Figure 3 </span>Heads.</figcaption></figure>
<span class="math notranslate">x</span>
</body></html>"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "look.css").write_text("a { background: url(b.png) }")
    for name in ("app", "minigpt-view-heads", "minigpt-model-m"):
        (tmp_path / "_static" / f"{name}.js").write_text("")
    (tmp_path / "a b.png").write_bytes(b"picture")
    (tmp_path / "page.html").write_text(GOOD)
    (tmp_path / "two.html").write_text('<p id="there">Two</p>')
    return tmp_path


def complaints(book: Path) -> list[str]:
    return [complaint.explain() for complaint in audit(book)]


def test_a_good_book_has_no_complaints(book: Path) -> None:
    assert complaints(book) == []
    assert pages(book) == ["page.html", "two.html"]
    page = read_page(book, "page.html")
    assert page.formulas == 1
    assert [figure.number.strip() for figure in page.figures] == [
        "Figure 1",
        "Figure 2",
        "Figure 3",
    ]
    assert (page.live, page.models) == (["heads"], {"m"})


def test_an_empty_folder_is_no_book(tmp_path: Path) -> None:
    assert ["holds no page" in text for text in complaints(tmp_path)] == [True]


CDN = "https://cdn.example.org"
MUTATIONS = {
    "script": ("</head>", f'<script src="{CDN}/x.js"></script></head>', "another host"),
    "bare host": (
        "</head>",
        '<script src="//cdn/x.js"></script></head>',
        "another host",
    ),
    "style sheet": (
        "</head>",
        f'<link rel="stylesheet" href="{CDN}/x.css"></head>',
        "another host",
    ),
    "icon": ("</head>", f'<link rel="icon" href="{CDN}/i.png"></head>', "another host"),
    "font": (
        "</head>",
        f"<style>@font-face {{src: url('{CDN}/f.woff')}}</style></head>",
        "its style loads",
    ),
    "inline style": (
        "<h1 ",
        f'<h1 style="background:url({CDN}/b.png)" ',
        "its style loads",
    ),
    "picture": (
        'src="a%20b.png" alt="A line."',
        f'src="{CDN}/a.png" alt="A line."',
        "another host",
    ),
    "frame": ("</body>", f'<iframe src="{CDN}"></iframe></body>', "another host"),
    "lost script": ("app.js?v=1", "gone.js", "loads _static/gone.js, which is not"),
    "lost page": ("two.html#there", "three.html", "three.html, which is not in"),
    "lost anchor": ("two.html#there", "two.html#nowhere", "no such place"),
    "lost anchor here": ('href="#top"', 'href="#bottom"', "no such place"),
    "number": ("Figure 1 ", "", "figure fig-a has no number"),
    "caption": ("</span>A curve.", "</span>", "figure fig-b has no caption"),
    "label": (' id="fig-a"', "", "a figure without a label"),
    "alt text": ('alt="A line."', "", "no alt text"),
    "empty alt text": ('alt="A line."', 'alt=""', "fig-a has no description"),
    "description": ('aria-label="A curve."', "", "fig-b has no description"),
    "live caption": ("</span>Heads.", "</span>", "figure fig-c has no caption"),
    "live number": ("Figure 3 ", "", "figure fig-c has no number"),
    "live alone": ('<figure id="fig-c">', "", "a figure without a label"),
    "live script": ("view-heads.js", "view-head.js", "does not load minigpt-view-h"),
    "lost model": ("&quot;m&quot;", "&quot;n&quot;", "asks for the model n, which"),
    "live crowd": (
        "</body>",
        '<figure id="x"><figure class="mg-viz" data-view="heads"></figure></figure>'
        * 12
        + "</body>",
        "has 13 live figures, more than 12",
    ),
    "weight": ("</body>", "x" * PAGE_BYTES + "</body>", "weighs"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_fault_is_found(book: Path, name: str) -> None:
    there, instead, complaint = MUTATIONS[name]
    assert GOOD.count(there) == 1
    (book / "page.html").write_text(GOOD.replace(there, instead))
    found = complaints(book)
    assert found
    assert any(complaint in text for text in found), found


def test_a_style_sheet_may_not_load_from_elsewhere(book: Path) -> None:
    (book / "_static" / "look.css").write_text("@import url(//fonts/x.css);")
    assert complaints(book) == [
        "_static/look.css: the style sheet loads from another host."
    ]


def test_heavy_pictures_weigh_on_their_page(book: Path) -> None:
    (book / "a b.png").write_bytes(b"x" * PAGE_BYTES)
    assert "weighs" in complaints(book)[0]

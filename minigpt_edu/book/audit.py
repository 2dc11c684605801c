"""Read the built book as a browser with no network would, and say what would fail.

Works on files alone and starts no browser: nothing is loaded from another host, every
link and anchor reaches its place, every figure has a number, a caption and a
description, no page is too heavy. It refuses to judge how a page looks.

    for complaint in audit(Path("book/_build/html")): print(complaint.explain())
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from minigpt_edu.viz.page import model_file, view_file

__all__ = [
    "Complaint",
    "Figure",
    "Page",
    "audit",
    "audit_page",
    "local_file",
    "own_files",
    "pages",
    "read_page",
]

#: The heaviest page, with its own pictures, in bytes.
PAGE_BYTES = 1_000_000
#: The most figures that compute on one page.
LIVE_FIGURES = 12
#: The class of the element inside a figure that a script draws.
LIVE = "mg-viz"

# Elements and the attributes by which they make a browser load something.
_LOADS = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "audio": ("src",),
    "video": ("src", "poster"),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
}
# Elements whose description counts for the figure around them.
_DESCRIBED = ("img", "div", "figure")
# Relations of <link> that are read but not loaded.
_LINK_ONLY = {"canonical", "next", "prev", "search", "index", "author", "alternate"}
_CSS_LOAD = re.compile(r"(?:url\(\s*|@import\s+)['\"]?(?:https?:)?//", re.IGNORECASE)


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong with one page."""

    page: str
    what: str

    def explain(self) -> str:
        return f"{self.page}: {self.what}."


@dataclass
class Figure:
    """What a <figure> says for itself."""

    label: str
    caption: str = ""
    number: str = ""
    described: bool = False


@dataclass
class Page:
    """What a page loads, links to, and shows."""

    name: str
    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    figures: list[Figure] = field(default_factory=list)
    live: list[str] = field(default_factory=list)  # the figures that compute, by kind
    models: set[str] = field(default_factory=set)  # checkpoints that these name
    undescribed: list[str] = field(default_factory=list)
    inline_loads: list[str] = field(default_factory=list)
    formulas: int = 0


class _Reader(HTMLParser):
    """Fills a Page while the parser walks through the HTML."""

    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.inside: list[str] = []  # which of figure, live, ... are open
        self.span_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        classes = values.get("class", "").split()
        self._note_loads(tag, values)
        for name in ("id", "name"):
            if values.get(name):
                self.page.anchors.add(values[name])
        if tag == "a" and "href" in values:
            self.page.links.append(values["href"])
        elif tag == "figure" and LIVE in classes:
            self._note_live(values)
        elif tag == "figure":
            self.page.figures.append(Figure(values.get("id", "")))
            self.inside.append("figure")
        elif tag == "figcaption":
            self.inside.append("figcaption")
        elif tag == "style":
            self.inside.append("style")
        elif tag == "span" and "caption-number" in classes:
            self.inside.append("number")
        if "math" in classes:
            self.page.formulas += 1
        described = values.get("alt") or values.get("aria-label")
        if "figure" in self.inside and described and tag in _DESCRIBED:
            self.page.figures[-1].described = True
        if tag == "img" and "alt" not in values:
            self.page.undescribed.append(values.get("src", "")[-60:])

    def _note_live(self, values: dict[str, str]) -> None:
        if "figure" not in self.inside:  # nothing around it to be numbered
            self.page.figures.append(Figure(""))
        self.inside.append("live")
        self.page.live.append(values.get("data-view", ""))
        config = json.loads(values.get("data-config") or "{}")
        if config.get("checkpoint"):
            self.page.models.add(config["checkpoint"])

    def _note_loads(self, tag: str, values: dict[str, str]) -> None:
        loads = [values[name] for name in _LOADS.get(tag, ()) if values.get(name)]
        if tag == "link" and not set(values.get("rel", "").split()) & _LINK_ONLY:
            loads.append(values.get("href", ""))
        if _CSS_LOAD.search(values.get("style", "")):
            self.page.inline_loads.append(values["style"])
        self.page.loads += loads

    def handle_endtag(self, tag: str) -> None:
        ends = {"figure", "figcaption", "style"}
        if tag == "figure" and "live" in self.inside:
            self.inside.remove("live")
        elif tag in ends and tag in self.inside:
            self.inside.remove(tag)
        elif tag == "span" and "number" in self.inside:
            self.inside.remove("number")

    def handle_data(self, data: str) -> None:
        if "style" in self.inside and _CSS_LOAD.search(data):
            self.page.inline_loads.append(data.strip()[:80])
        if "number" in self.inside:
            self.page.figures[-1].number += data
        elif "figcaption" in self.inside:
            self.page.figures[-1].caption += data


def pages(html: Path) -> list[str]:
    """Names of the book's pages, relative to the folder of the built HTML."""
    found = (path.relative_to(html) for path in sorted(html.rglob("*.html")))
    return [p.as_posix() for p in found if not p.parts[0].startswith("_")]


def read_page(html: Path, name: str) -> Page:
    """Parse one page."""
    page = Page(name)
    _Reader(page).feed((html / name).read_text(encoding="utf-8"))
    return page


def audit(html: Path) -> list[Complaint]:
    """Every complaint about the book built in the folder `html`."""
    read = {name: read_page(html, name) for name in pages(html)}
    if not read:
        return [Complaint(html.name, "holds no page")]
    found = [c for page in read.values() for c in audit_page(html, page, read)]
    for sheet in sorted((html / "_static").rglob("*.css")):
        if _CSS_LOAD.search(sheet.read_text(encoding="utf-8", errors="replace")):
            name = sheet.relative_to(html).as_posix()
            found.append(Complaint(name, "the style sheet loads from another host"))
    return found


def audit_page(html: Path, page: Page, others: dict[str, Page]) -> Iterator[Complaint]:
    """Complaints about one page; `others` are all pages by name, for its links."""
    complaints = [
        *_loading(html, page),
        *_linking(html, page, others),
        *_figures(page),
        *_live(html, page),
    ]
    weight = sum(path.stat().st_size for path in own_files(html, page))
    if weight > PAGE_BYTES:
        complaints.append(f"weighs {weight:,} bytes, more than {PAGE_BYTES:,}")
    return iter([Complaint(page.name, text) for text in complaints])


def own_files(html: Path, page: Page) -> Iterator[Path]:
    """The page and its pictures: all but what pages share."""
    yield html / page.name
    for address in set(page.loads):
        path = local_file(html, page.name, address)
        if path is not None and "_static" not in path.parts and path.is_file():
            yield path


def local_file(html: Path, page: str, address: str) -> Path | None:
    """The file an address means, or None if it is not a file of the book."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    return (
        ((html / page).parent / unquote(parts.path)).resolve() if parts.path else None
    )


def _loading(html: Path, page: Page) -> Iterator[str]:
    for address in page.loads:
        parts = urlsplit(address)
        if parts.scheme == "data":
            continue
        if parts.scheme or parts.netloc:
            yield f"loads {address} from another host"
            continue
        path = local_file(html, page.name, address)
        if path is not None and not path.is_file():
            yield f"loads {address}, which is not in the book"
    for text in page.inline_loads:
        yield f"its style loads from another host: {text}"


def _linking(html: Path, page: Page, others: dict[str, Page]) -> Iterator[str]:
    for address in page.links:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        path = local_file(html, page.name, address) or (html / page.name).resolve()
        if not path.is_file():
            yield f"links to {address}, which is not in the book"
            continue
        anchor = unquote(parts.fragment)
        target = others.get(_name(html, path))
        if anchor and target and anchor not in target.anchors:
            yield f"links to {address}, but there is no such place on that page"


def _name(html: Path, path: Path) -> str:
    root = html.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else ""


def _figures(page: Page) -> Iterator[str]:
    for figure in page.figures:
        name = figure.label or "without a label"
        if not figure.label:
            yield "has a figure without a label"
        if not figure.number.strip():
            yield f"figure {name} has no number"
        if not figure.caption.strip():
            yield f"figure {name} has no caption"
        if not figure.described:
            yield f"figure {name} has no description for who cannot see it"
    for source in page.undescribed:
        yield f"picture {source} has no alt text"


def _live(html: Path, page: Page) -> Iterator[str]:
    if len(page.live) > LIVE_FIGURES:
        yield f"has {len(page.live)} live figures, more than {LIVE_FIGURES}"
    loads = {urlsplit(address).path.rpartition("/")[2] for address in page.loads}
    for kind in sorted(set(page.live)):
        if view_file(kind) not in loads:
            yield f"does not load {view_file(kind)}, which draws {kind}"
    for name in sorted(page.models):
        if not (html / "_static" / model_file(name)).is_file():
            yield f"asks for the model {name}, which is not in the book"

"""The line under a title and the page of all of them, as Sphinx writes them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from minigpt_edu.book.status import Entry, load

ROOT = Path(__file__).parents[2]
ENTRIES = {
    "one.ipynb": Entry(
        25, {"sample": "it is drawn <b>at random</b>"}, 12, 530, "a box"
    ),
    "two.ipynb": Entry(4, {}, 1, None, "a box"),
}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pages, two of which have an entry, built without Jupyter Book."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    root = tmp_path_factory.mktemp("badge")
    (root / "book").mkdir()
    text = json.dumps({name: asdict(entry) for name, entry in ENTRIES.items()})
    (root / "book" / "status.json").write_text(text)
    (root / "conf.py").touch()
    pages = {"one": "# One\n\nText.", "two": "# Two\n\nText.", "three": "# Three\n\nX."}
    pages["book/status"] = "# What is verified\n\nText.\n\n```{notebook-status}\n```"
    pages["index"] = "# Index\n\n```{toctree}\none\ntwo\nthree\nbook/status\n```"
    for name, source in pages.items():
        (root / f"{name}.md").write_text(source)
    settings = {
        "extensions": ["myst_parser", "minigpt_edu.book.badge"],
        "nitpicky": True,
        "html_theme": "basic",
    }
    folders = (root, root, root / "html", root / "trees")
    with docutils_namespace():
        app = Sphinx(
            *map(str, folders),
            "html",
            confoverrides=settings,
            warningiserror=True,
            status=None,
        )
        app.build()
    return root / "html"


def soup(book: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((book / f"{name}.html").read_text("utf-8"), "html.parser")


def badge(book: Path, name: str) -> Tag | None:
    found = soup(book, name).find("p", class_="mg-badge")
    assert found is None or isinstance(found, Tag)
    return found


@pytest.mark.parametrize("name", ["one", "two"])
def test_the_line_stands_right_below_the_title(book: Path, name: str) -> None:
    line = badge(book, name)
    assert line is not None
    above = line.find_previous_sibling()
    assert above is not None and above.name == "h1"
    assert line.get_text().startswith(ENTRIES[f"{name}.ipynb"].explain())
    link = line.find("a")
    assert isinstance(link, Tag)
    assert link["href"] == "book/status.html"


@pytest.mark.parametrize("name", ["three", "index", "book/status"])
def test_a_page_that_is_no_notebook_has_none(book: Path, name: str) -> None:
    assert badge(book, name) is None


def rows(table: Tag) -> list[list[str]]:
    return [
        [cell.get_text().strip() for cell in row.find_all(["td", "th"])]
        for row in table.find_all("tr")
    ]


def test_the_page_lists_every_notebook_and_every_ignored_cell(book: Path) -> None:
    page = soup(book, "book/status")
    notebooks, ignored = (rows(table) for table in page.find_all("table"))
    assert notebooks[1:] == [
        ["One", "24 of 25", "12", "530"],
        ["Two", "4 of 4", "1", "unknown"],
    ]
    assert ignored[1:] == [["One", "sample", "it is drawn <b>at random</b>"]]
    assert page.get_text().count("Measured on a box.") == 1
    links = [a["href"] for a in page.find_all("a") if a.get_text() in ("One", "Two")]
    assert set(links) >= {"../one.html", "../two.html"}


def test_the_real_book_has_a_line_on_every_notebook(html: Path) -> None:
    for name, entry in load(ROOT).items():
        line = badge(html, name.removesuffix(".ipynb"))
        assert line is not None, name
        assert entry.explain() in line.get_text()
    text = soup(html, "book/status").get_text()
    for entry in load(ROOT).values():
        assert all(reason in text for reason in entry.ignored.values())

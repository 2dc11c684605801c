"""A quiz keeps its words on the page; only its links lead to pages."""

from __future__ import annotations

import pytest
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document

from minigpt_edu.book.quiz_page import link_pages, page_address
from minigpt_edu.learn import Item, Option, Quiz

RIGHT = 1
OPTIONS = [Option(f"masks.ipynb {n}", "x", lambda n=n: n == RIGHT) for n in range(3)]
QUIZ = Quiz([Item('Is it <a href="a.ipynb">?', OPTIONS, section="../one/masks")])
HTML = QUIZ._repr_mimebundle_()["text/html"]


def test_only_links_change() -> None:
    changed = page_address(HTML)
    assert '<a href="../one/masks.html">Masks</a>' in changed
    assert changed.count("masks.ipynb") == HTML.count("masks.ipynb") - 1
    assert changed.replace(".html", ".ipynb") == HTML
    assert page_address(changed) == changed


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ('<a href="a.ipynb#b">', '<a href="a.html#b">'),
        ('<a class="x" href="a.ipynb">', '<a class="x" href="a.html">'),
        ('<a href="https://example.org/a.ipynb">', None),
        ('<a href="a.ipynb.txt">', None),
        ('<img src="a.ipynb">', None),
    ],
)
def test_links_elsewhere_stay(link: str, page: str | None) -> None:
    assert page_address(link) == (page or link)


def test_other_html_of_a_page_stays() -> None:
    document = new_document("page", get_default_settings())
    other = '<p><a href="a.ipynb">a</a></p>'
    document += [nodes.raw("", text, format="html") for text in (HTML, other)]
    link_pages(None, document)
    assert [node.astext() for node in document] == [page_address(HTML), other]
    assert all(node["format"] == "html" for node in document)

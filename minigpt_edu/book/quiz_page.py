"""Sphinx: links of a quiz lead to pages.

A quiz is stored as HTML in a notebook, where it links to other notebooks, as JupyterLab
needs it. In the book those are pages, so the ends of its addresses change; nothing else
of it does. It knows no question.

    app.setup_extension("minigpt_edu.book.quiz_page")

Events: https://www.sphinx-doc.org/en/master/extdev/event_callbacks.html
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

__all__ = ["link_pages", "page_address", "setup"]

_LINK = re.compile(r'(<a [^>]*href=")([^":#]+)\.ipynb(["#])')


def setup(app: Any) -> dict[str, Any]:
    """Connect the change; Sphinx calls this once."""
    app.connect("doctree-read", link_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def link_pages(_app: Any, doctree: nodes.document) -> None:
    """Change the links in every quiz of a page."""
    for node in list(doctree.findall(nodes.raw)):
        if 'class="mg-quiz"' in node.astext():
            text = page_address(node.astext())
            node.replace_self(nodes.raw("", text, format=node["format"]))


def page_address(text: str) -> str:
    """HTML whose relative links to notebooks lead to their pages."""
    return _LINK.sub(r"\1\2.html\3", text)

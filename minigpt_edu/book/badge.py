"""Sphinx: the line under a notebook's title, and the page that lists all of them.

The line says how many cells are verified, how long the notebook runs and how much
memory it takes; `status` has the numbers. The directive `notebook-status` makes the
tables of `book/status.md`. It measures nothing itself.

    app.setup_extension("minigpt_edu.book.badge")

Nodes: https://docutils.sourceforge.io/docs/ref/doctree.html
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes

from minigpt_edu.book.status import STATUS, Entry, load

__all__ = ["StatusTables", "add_badge", "page_link", "setup", "tables"]

#: The page with the tables, from the root.
PAGE = "book/status"


def setup(app: Any) -> dict[str, Any]:
    """Connect the line and the directive; Sphinx calls this once."""
    app.add_directive("notebook-status", StatusTables)
    app.connect("doctree-read", add_badge)
    app.add_css_file("chapter.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def add_badge(app: Any, doctree: nodes.document) -> None:
    """Put the line under the title of a page that is a notebook with an entry."""
    root, name = Path(app.srcdir), app.env.docname
    entry = load(root).get(f"{name}.ipynb")
    title = next(iter(doctree.findall(nodes.title)), None)
    if entry is None or title is None:
        return
    app.env.note_dependency(str(root / STATUS))
    line = nodes.paragraph("", entry.explain(), classes=["mg-badge"])
    if (root / f"{PAGE}.md").is_file():
        line += nodes.Text(" \N{MIDDLE DOT} ")
        line += page_link(PAGE, name, "how this is measured")
    title.parent.insert(title.parent.index(title) + 1, line)


def page_link(page: str, here: str, text: str = "") -> addnodes.pending_xref:
    """A link to a page of the book by its name; without `text`, by its title."""
    inner = nodes.inline("", text or page, classes=["doc"])
    return addnodes.pending_xref(
        "",
        inner,
        refdomain="std",
        reftype="doc",
        refdoc=here,
        refexplicit=bool(text),
        refwarn=True,
        reftarget=f"/{page}",
    )


class StatusTables(Directive):
    """All notebooks with their numbers, and all cells that are not compared."""

    def run(self) -> list[nodes.Node]:
        env = self.state.document.settings.env
        root = Path(env.srcdir)
        env.note_dependency(str(root / STATUS))
        return list(tables(load(root), env.docname))


def tables(entries: dict[str, Entry], here: str) -> Iterable[nodes.Node]:
    """The nodes of the status page, for the page called `here`."""
    pages = {name.removesuffix(".ipynb"): entry for name, entry in entries.items()}
    rows = [
        [page_link(page, here), _count(e), _number(e.seconds), _number(e.peak_mb)]
        for page, e in pages.items()
    ]
    yield _table(["notebook", "cells verified", "processor seconds", "MB"], rows)
    yield nodes.paragraph(text="Not compared, and why:")
    ignored = [
        [page_link(page, here), nodes.literal(text=cell), nodes.Text(reason)]
        for page, e in pages.items()
        for cell, reason in sorted(e.ignored.items())
    ]
    if ignored:
        yield _table(["notebook", "cell", "reason"], ignored)
    else:
        yield nodes.paragraph(text="Every cell is compared.")
    for place in sorted({e.machine for e in pages.values() if e.machine}):
        yield nodes.paragraph(text=f"Measured on {place}.")


def _count(entry: Entry) -> nodes.Node:
    return nodes.Text(f"{entry.verified} of {entry.cells}")


def _number(value: int | None) -> nodes.Node:
    return nodes.Text(f"{value:,}" if value else "unknown")


def _table(head: list[str], rows: list[list[nodes.Node]]) -> nodes.table:
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    top = nodes.thead()
    top += _row([nodes.Text(name) for name in head])
    body = nodes.tbody()
    body += [_row(row) for row in rows]
    group += [top, body]
    return nodes.table("", group)


def _row(cells: list[nodes.Node]) -> nodes.row:
    row = nodes.row()
    row += [nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells]
    return row

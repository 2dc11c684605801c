"""Figures that compute, as nodes of a page: from a notebook's output or a directive.

A picture stands in the page until a script draws the figure, and for good in print. The
extension adds the scripts to pages that have such a figure, and to no other: one that
all kinds of figures share, and one for each kind. It refuses to know what is drawn.

    ```{figure-live} heads
    {"label": "fig-heads", "caption": "All heads.", "alt": "Twenty small patterns.",
     "config": {"prompt": "The old boat came home at night."}}
    ```

The directive is for Markdown pages; a notebook calls `minigpt_edu.viz.show`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

from minigpt_edu.shipped import shipped_models
from minigpt_edu.spelling import refuse_unknown
from minigpt_edu.viz.bundle import bundle_css, drawn_kinds, page_bundle, view_bundle
from minigpt_edu.viz.page import (
    figure_end,
    figure_start,
    model_file,
    model_script,
    view_file,
)
from minigpt_edu.viz.views import make_view

__all__ = [
    "FigureLive",
    "add_scripts",
    "live_nodes",
    "write_scripts",
]

#: What a page with such a figure loads.
SCRIPT, STYLE = "minigpt-figures.js", "minigpt-figures.css"

_FIELDS = ("label", "caption", "alt", "config")


def live_nodes(
    asked: Mapping[str, Any], alt: str, picture: list[nodes.Element]
) -> list[nodes.Element]:
    """The element of a figure; without a picture its description stands there."""
    inside = picture or [nodes.paragraph("", alt)]
    tag = figure_start(asked, alt=alt)
    start = nodes.raw("", tag, format="html", mg_view=asked["view"])
    return [start, *inside, nodes.raw("", figure_end(), format="html")]


class FigureLive(Directive):
    """A figure in a Markdown page: its kind, and its words and config as JSON."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The numbered figure with its caption."""
        try:
            given = json.loads("\n".join(self.content) or "{}")
            refuse_unknown("figure-live", given, _FIELDS)
            view = make_view(self.arguments[0], given.get("config", {}))
            label, caption, alt = (given[name] for name in _FIELDS[:3])
        except KeyError as error:
            raise self.error(f"figure-live needs {error}") from error
        except ValueError as error:
            raise self.error(f"figure-live: {error}") from error
        inside = live_nodes(view.to_json(), alt, [])
        figure = nodes.figure("", *inside, classes=["mg-figure", "mg-live"])
        figure["names"].append(label)
        figure.source, figure.line = self.state_machine.get_source_and_line(self.lineno)
        self.state.document.note_explicit_target(figure, figure)
        text, messages = self.state.inline_text(caption, self.lineno)
        figure += nodes.caption(caption, "", *text)
        return [figure, *messages]


def write_scripts(folder: Path) -> None:
    """Put all scripts, the style sheet and every shipped model into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {SCRIPT: page_bundle(), STYLE: bundle_css()}
    texts |= {view_file(kind): view_bundle(kind) for kind in drawn_kinds()}
    texts |= {model_file(name): model_script(name) for name in shipped_models()}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def add_scripts(
    app: Any, _page: str, _template: str, _context: dict[str, Any], doctree: Any
) -> None:
    """Load what draws the figures of this page: each kind's script, then the common."""
    if doctree is None:
        return
    kinds = {node.get("mg_view") for node in doctree.findall(nodes.raw)} - {None}
    if kinds:
        app.add_css_file(STYLE)
        for name in [*map(view_file, sorted(kinds)), SCRIPT]:
            app.add_js_file(name, defer="defer")

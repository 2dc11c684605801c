"""Notebook outputs to the nodes of a page.

MyST-NB asks this plugin before it draws an output. A figure displayed by
`minigpt_edu.viz.show` becomes a real `<figure>`: Sphinx numbers it, links reach it by
its label, its caption may hold mathematics. Plotly figures become data for one local
script; views become an element that the figures' script draws, and a picture until
then. It refuses to know what a figure means and which notebook it stands in.

    [project.entry-points."myst_nb.mime_renderers"]
    minigpt_edu = "minigpt_edu.book.mime:FigureRenderer"

Plugin protocol: https://myst-nb.readthedocs.io/en/latest/render/format_code_cells.html
"""

from __future__ import annotations

import html
import json
from dataclasses import replace
from typing import Any, ClassVar

from docutils import nodes

from minigpt_edu.book.live import live_nodes
from minigpt_edu.viz.output import CAPTION, FIGURE, NUMBERS, QUIZ, VIEW
from minigpt_edu.viz.show import PLOTLY
from minigpt_edu.viz.views import make_view

__all__ = ["FigureRenderer", "plotly_html"]

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

#: Scripts that a page with a plotly figure loads, in this order.
PLOTLY_SCRIPTS = ("plotly.min.js", "plotly-static.js")


class FigureRenderer:
    """The plugin: which representation wins, and how a figure is built."""

    # Lower wins. A widget has no kernel in the book, so its HTML stands for it.
    mime_priority_overrides: ClassVar[list[tuple[str, str, int | None]]] = [
        ("html", VIEW, 3),
        ("html", PLOTLY, 4),
        ("html", "text/html", 5),
        ("html", WIDGET_VIEW, None),
    ]

    @staticmethod
    def handle_mime(
        renderer: Any, data: Any, inline: bool
    ) -> list[nodes.Element] | None:
        """Nodes for one representation of an output, [] to hide it, None to decline."""
        if data.mime_type in (NUMBERS, QUIZ):
            return []
        note = data.output_metadata.get(FIGURE)
        if note is None:
            return _plotly(renderer, data.content) if data.mime_type == PLOTLY else None
        # One representation makes the figure: a second would repeat its label.
        if note.get("role") == CAPTION or data.mime_type != note["primary"]:
            return []
        if data.mime_type == PLOTLY:
            picture = _plotly(renderer, data.content, note["alt"])
        elif data.mime_type == VIEW:
            still = _still(renderer, data, note)
            # Its kind becomes the name of a script: only those that there are.
            make_view(data.content["view"], data.content["config"])
            picture = live_nodes(data.content, note["alt"], still)
        else:
            picture = _image(renderer, data, note)
        return [_figure(renderer, picture, note, data.line or 0)]


def _image(renderer: Any, data: Any, note: dict[str, Any]) -> list[nodes.Element]:
    picture = renderer.render_image(data)
    picture[0]["alt"] = note["alt"]
    picture[0].attributes.pop("height", None)  # narrow pages shrink both
    return picture


def _still(renderer: Any, data: Any, note: dict[str, Any]) -> list[nodes.Element]:
    """The picture that was stored beside a view, if one was."""
    cell = renderer.renderer.nb_client.notebook.cells[data.cell_index]
    for output in cell.outputs:
        found = output.get("metadata", {}).get(FIGURE, {})
        picture = output.get("data", {}).get("image/png")
        if picture and found.get("label") == note["label"]:
            still = replace(data, mime_type="image/png", content=picture)
            return _image(renderer, still, note)
    return []


def _figure(
    renderer: Any, picture: list[nodes.Element], note: dict[str, Any], line: int
) -> nodes.figure:
    """A figure node with its label and its caption, parsed as the book's Markdown."""
    parser = renderer.renderer
    figure = nodes.figure("", *picture, classes=["mg-figure"])
    if note["primary"] == VIEW:
        figure["classes"].append("mg-live")
    if note.get("shaded"):
        figure["classes"].append("mg-shaded")
    figure["names"].append(note["label"])
    figure.source, figure.line = parser.document["source"], line
    parser.document.note_explicit_target(figure, figure)
    text = nodes.Element()
    with parser.current_node_context(text):
        parser.nested_render_text(note["caption"], line)
    figure += nodes.caption(note["caption"], "", *text.children[0].children)
    return figure


def _plotly(
    renderer: Any, content: dict[str, Any], alt: str = ""
) -> list[nodes.Element]:
    for position, script in enumerate(PLOTLY_SCRIPTS):
        renderer.add_js_file(f"plotly_{position}", script, {"defer": "defer"})
    return [nodes.raw("", plotly_html(content, alt), format="html")]


def plotly_html(content: dict[str, Any], alt: str) -> str:
    """A plotly figure as inert data in a box of its final height."""
    parts = ("data", "layout", "frames", "config")
    figure = {part: content[part] for part in parts if part in content}
    # "<" cannot stand in the data: "</script>" or "<!--" would end or hide it.
    data = json.dumps(figure, sort_keys=True, separators=(",", ":"))
    data = data.replace("<", "\\u003c")
    height = int(figure.get("layout", {}).get("height") or 400)
    return (
        f'<div class="mg-plotly" role="group" aria-label="{html.escape(alt)}" '
        f'data-state="static" style="min-height:{height}px">'
        f'<script type="application/json">{data}</script>'
        f"<noscript>{html.escape(alt)}</noscript></div>"
    )

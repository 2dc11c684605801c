"""A figure outside of a notebook: its element in a page, and a page of its own.

The element holds what was asked and a picture; a script finds it and draws. The page of
its own carries the script, the style and the weights inside, so it can be sent to
somebody, and `make refresh` takes the pictures from it. What the figure computes is not
its business.

    figure_html(view.to_json(), alt="Scores of one query.", picture="steps.png")
    Path("steps.html").write_text(standalone(view, title="One head in steps"))
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..shipped import shipped_model
from .bundle import bundle_css, page_bundle
from .style import INK, PAPER
from .views import View

__all__ = [
    "OWN",
    "figure_end",
    "figure_html",
    "figure_start",
    "model_file",
    "model_script",
    "standalone",
    "view_file",
]

#: What a page of its own calls a model that is not shipped.
OWN = "your-model"

_PAGE = """\
<!DOCTYPE html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
html {{ color: {ink}; background: {paper}; font-family: system-ui, sans-serif; }}
body {{ margin: 0 auto; max-width: 50rem; padding: 1rem; }}
</style>
<style>
{css}
</style>
</head>
<body>
{figure}
{scripts}
</body>
</html>
"""


def figure_start(asked: Mapping[str, Any], *, alt: str) -> str:
    """The opening tag of a figure's element; `asked` is what View.to_json() gave."""
    config = json.dumps(
        asked["config"], sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return (
        f'<figure class="mg-viz" data-view="{html.escape(asked["view"])}" '
        f'data-config="{html.escape(config)}" data-state="static" role="group" '
        f'aria-label="{html.escape(alt)}">'
    )


def figure_end() -> str:
    """The closing tag."""
    return "</figure>"


def figure_html(
    asked: Mapping[str, Any], *, alt: str, picture: str | None = None
) -> str:
    """The whole element; `picture` is the address of what is seen before it is drawn.

    Without a picture the description stands there.
    """
    inside = (
        f'<img src="{html.escape(picture)}" alt="{html.escape(alt)}">'
        if picture
        else f"<p>{html.escape(alt)}</p>"
    )
    return figure_start(asked, alt=alt) + inside + figure_end()


def view_file(kind: str) -> str:
    """What the script of a kind of figure is called."""
    return f"minigpt-view-{kind}.js"


def model_file(name: str) -> str:
    """What the script of a checkpoint is called, as the page's script expects."""
    return f"minigpt-model-{name}.js"


def model_script(name: str, path: Path | None = None) -> str:
    """A checkpoint as a classic script, which a page from a disk may load.

    Its sha256 comes along, so that the page notices a damaged one. `path` is the file,
    by default that of the shipped model of this name.
    """
    data = (shipped_model(name) if path is None else path).read_bytes()
    text, digest = base64.b64encode(data).decode("ascii"), sha256(data).hexdigest()
    key = json.dumps(name)
    return (
        f'(globalThis.MiniGPTModels ??= {{}})[{key}] = "{text}";\n'
        f'(globalThis.MiniGPTDigests ??= {{}})[{key}] = "{digest}";\n'
    )


def standalone(view: View, *, title: str, model: Path | None = None) -> str:
    """A page with this figure alone, which needs no other file.

    `model` is the checkpoint file for a view that names none. Raises ValueError if
    there is neither.
    """
    asked, scripts = view.to_json(), [page_bundle(view.kind)]
    if "checkpoint" in view.config:
        name = view.config["checkpoint"]
        if name is None and model is None:
            raise ValueError(
                "this figure shows a model of your own: save it with save_checkpoint() "
                "and pass its file as model="
            )
        name = name or OWN
        asked["config"]["checkpoint"] = name
        scripts.insert(0, model_script(name, model))
    # "</script" would end the script in which it stands; both mean the same to it.
    inline = [text.replace("</script", "<\\/script") for text in scripts]
    return _PAGE.format(
        title=html.escape(title),
        ink=INK,
        paper=PAPER,
        css=bundle_css(),
        figure=figure_html(asked, alt=title),
        scripts="\n".join(f"<script>{text}</script>" for text in inline),
    )

"""Put a figure on the page: the picture, its caption, and words for who cannot see it.

It takes a matplotlib or a plotly figure, or a view that computes while it is read, and
refuses to know what was drawn. JupyterLab and GitHub show the picture and below it the
caption; the book makes one numbered `<figure>` of the two. The outputs are the same on
every machine: the picture is a PNG, which is never compared, or plotly's data rounded
to six digits, or what a view was asked.

    figure, axes = plt.subplots()
    axes.plot(losses)
    show(figure, label="fig-loss", caption="The loss falls.", alt="A falling curve.")
    show(views.heads("The old boat"), label="fig-heads", caption="...", alt="...")

What a good description says: W3C, "Images tutorial", on complex images.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import struct
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .output import CAPTION, FIGURE, VIEW, emit, in_notebook
from .style import PLOTLY_TEMPLATE
from .views import View

__all__ = ["OWN_MODELS", "PLOTLY", "show"]

#: Mime type of a plotly figure.
PLOTLY = "application/vnd.plotly.v1+json"

#: Names a folder in the environment of a notebook whose pictures are to be taken: the
#: models of its figures are saved there.
OWN_MODELS = "MINIGPT_OWN_MODELS"
_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

_LABEL = re.compile(r"fig-[a-z0-9]+(-[a-z0-9]+)*")
_DIGITS = 6  # significant digits of the numbers in a plotly figure
_HEIGHT = 400  # pixels of a plotly figure that names no height
_SHARPNESS = 2  # picture pixels per page pixel, for dense screens


def show(
    figure: Any,
    *,
    label: str,
    caption: str,
    alt: str,
    model: Any = None,
    tokenizer: Any = None,
) -> None:
    """Display `figure` with its caption; a matplotlib figure is closed.

    `label` names the figure for links: `fig-` and words in lower case. `caption` is one
    or more sentences of Markdown; mathematics may stand in it between dollar signs.
    `alt` says in plain text what a reader would see. The caption is the title: a figure
    that has one inside is refused. A view with checkpoint=None shows `model`, which
    goes with its `tokenizer`.

    Raises ValueError for a label, caption, alt text or title that breaks these rules,
    and TypeError for an object that is not a figure.
    """
    _check(label, caption, alt)
    if model is not None and not isinstance(figure, View):
        raise TypeError("model= goes with a view of minigpt_edu.viz.views")
    if _view_of(figure) is not None:
        mime, size = VIEW, {}
        content = _live(figure, label, model, tokenizer)
    else:
        mime, content, size = _drawn(figure)
    note = {
        "label": label,
        "caption": caption,
        "alt": alt,
        "primary": mime,
        "shaded": mime == "image/png" and _is_shaded(figure),
    }
    emit({**content, "text/plain": f"{label}: {alt}"}, {FIGURE: note, **size})
    emit(
        {"text/markdown": f"**Figure.** {caption}", "text/plain": caption},
        {FIGURE: {"role": CAPTION}},
    )


def _view_of(figure: Any) -> View | None:
    """The view that was passed, or of which the widget that was passed was made."""
    view = figure if isinstance(figure, View) else getattr(figure, "view", None)
    return view if isinstance(view, View) else None


def _drawn(figure: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Mime type, content and size of a figure that does not compute."""
    if hasattr(figure, "to_plotly_json"):
        return PLOTLY, {PLOTLY: _plotly(figure)}, {}
    if hasattr(figure, "savefig"):
        picture = _png(figure)
        width, height = (side // _SHARPNESS for side in _png_size(picture))
        size = {"image/png": {"width": width, "height": height}}
        return "image/png", {"image/png": picture}, size
    raise TypeError(
        "show() draws matplotlib and plotly figures and views, not a "
        f"{type(figure).__name__}"
    )


def _live(figure: Any, label: str, model: Any, tokenizer: Any) -> dict[str, Any]:
    """A view, or a widget that was made of one: what was asked, and where it lives."""
    if isinstance(figure, View):
        if not in_notebook():
            return {VIEW: figure.to_json()}
        if find_spec("anywidget") is None:
            raise ModuleNotFoundError(
                "live figures need anywidget: pip install -r requirements.txt"
            )
        from .widgets import Figure

        figure = Figure(figure, model=model, tokenizer=tokenizer)
    folder = os.environ.get(OWN_MODELS)
    if folder:
        figure.save_own_model(Path(folder) / f"{label}.safetensors")
    data, _ = figure._repr_mimebundle_()
    return {mime: data[mime] for mime in (_WIDGET_VIEW, VIEW) if mime in data}


def _check(label: str, caption: str, alt: str) -> None:
    if not _LABEL.fullmatch(label):
        raise ValueError(
            f"label {label!r}: write fig- and words in lower case, like 'fig-loss'"
        )
    for name, text in (("caption", caption), ("alt", alt)):
        if not text.strip() or "\n" in text:
            raise ValueError(f"{label}: {name} must be one line of text, not {text!r}")
    if not caption.rstrip().endswith((".", "?", "!")):
        raise ValueError(f"{label}: the caption is a sentence, so it ends with a stop")
    if alt.strip() == caption.strip():
        raise ValueError(f"{label}: alt says what is seen, the caption what it means")


def _refuse_title(title: str | None) -> None:
    if title:
        raise ValueError(
            f"the figure has the title {title!r} inside; say it in the caption"
        )


def _png(figure: Any) -> bytes:
    """Draw a matplotlib figure and close it, so that it is not shown twice."""
    if figure.get_suptitle():
        _refuse_title(figure.get_suptitle())
    if len(figure.axes) == 1:
        axes = figure.axes[0]
        _refuse_title(
            "".join(axes.get_title(loc) for loc in ("left", "center", "right"))
        )
    picture = io.BytesIO()
    figure.savefig(
        picture,
        format="png",
        dpi=_SHARPNESS * figure.get_dpi(),
        metadata={"Software": None},  # the same bytes under every matplotlib version
    )
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)
    return picture.getvalue()


def _is_shaded(figure: Any) -> bool:
    """Whether brightness means something in it, as in a heat map."""
    artists = figure.findobj(lambda artist: hasattr(artist, "get_array"))
    return any(artist.get_array() is not None for artist in artists)


def _png_size(picture: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header of a PNG."""
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def _plotly(figure: Any) -> dict[str, Any]:
    """The figure as plotly's JSON, in the book's style; `figure` is not changed."""
    # Part by part: the whole figure at once would pack its numbers into base64.
    content: dict[str, Any] = {
        "data": [_plain(trace.to_plotly_json()) for trace in figure.data],
        "layout": _plain(figure.layout.to_plotly_json()),
        "config": {"displaylogo": False, "responsive": True},
    }
    if figure.frames:
        content["frames"] = [_plain(frame.to_plotly_json()) for frame in figure.frames]
    layout = content["layout"]
    _refuse_title((layout.get("title") or {}).get("text"))
    layout["template"] = PLOTLY_TEMPLATE
    layout.setdefault("height", _HEIGHT)
    return json.loads(json.dumps(content, allow_nan=False))


def _plain(value: Any) -> Any:
    """Arrays to lists, tuples to lists, floats to six digits, not-a-number to null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value

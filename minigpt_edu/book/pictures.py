"""A picture of each figure that computes, taken in a browser and stored beside it.

Such a figure needs a kernel or a script; on GitHub, in print, in a notebook that was
opened without a kernel, and on a page whose script is still loading, its picture stands
for it. The figure is opened as a page of its own, from the disk, as it first looks. It
refuses to know what is drawn.

    notes = add_pictures(notebook, before, models=folder)    # changes the notebook

Where no browser is installed, a picture of the same question is kept.
"""

from __future__ import annotations

import base64
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from minigpt_edu.viz.output import FIGURE, VIEW
from minigpt_edu.viz.page import standalone
from minigpt_edu.viz.views import make_view

__all__ = ["PICTURE_BYTES", "Shot", "add_pictures", "camera", "compressed", "views_in"]

#: The largest picture, in bytes; a figure in many colours gets fewer.
PICTURE_BYTES = 120_000
WIDTH = 720  # of the figure, in pixels of the page
SHARPNESS = 2  # picture pixels per page pixel

_WAIT = 60_000  # milliseconds for one figure
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
]
_COLOURS = (256, 128, 64, 32, 16)

Camera = Callable[[Path], "Shot"]


@dataclass(frozen=True)
class Shot:
    """A PNG and its size on the page."""

    png: bytes
    width: int
    height: int


def views_in(notebook: Any) -> Iterator[Any]:
    """The outputs of a notebook that hold a figure that computes."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if VIEW in output.get("data", {}):
                yield output


def add_pictures(notebook: Any, before: Any, *, models: Path) -> list[str]:
    """Store a picture in every such output; what could not be done, in sentences.

    `before` is the notebook as it was, `models` the folder with the checkpoints of
    figures that show a model of the notebook's own, by label. Raises ValueError for a
    figure that could not be drawn.
    """
    outputs = list(views_in(notebook))
    if not outputs:
        return []
    missing = _missing()
    if missing:
        return _keep(outputs, before, missing)
    with camera() as take, tempfile.TemporaryDirectory() as folder:
        for output in outputs:
            label = output.metadata[FIGURE]["label"]
            asked = output.data[VIEW]
            own = models / f"{label}.safetensors"
            page = Path(folder) / f"{label}.html"
            text = standalone(
                make_view(asked["view"], asked["config"]),
                title=output.metadata[FIGURE]["alt"],
                model=own if own.is_file() else None,
            )
            page.write_text(text, encoding="utf-8")
            try:
                _store(output, take(page))
            except ValueError as error:
                raise ValueError(f"figure {label} was not drawn: {error}") from error
    return []


def _missing() -> str:
    if find_spec("playwright") is None or find_spec("PIL") is None:
        return "playwright or pillow: pip install -r requirements-test.txt"
    if not any(shutil.which(name) for name in _BROWSERS):
        return f"a browser on the PATH ({', '.join(_BROWSERS)})"
    return ""


def _keep(outputs: list[Any], before: Any, missing: str) -> list[str]:
    """Use the pictures of equal questions; name the figures that then have none."""
    known = {
        _question(output): output
        for output in views_in(before)
        if "image/png" in output.data
    }
    without = []
    for output in outputs:
        old = known.get(_question(output))
        if old is None:
            without.append(output.metadata[FIGURE]["label"])
            continue
        output.data["image/png"] = old.data["image/png"]
        output.metadata["image/png"] = old.metadata.get("image/png", {})
    names = f"; without a picture: {', '.join(without)}" if without else ""
    return [f"pictures of figures need {missing}; those taken before stay{names}"]


def _question(output: Any) -> tuple[str, str]:
    return output.metadata[FIGURE]["label"], repr(_plain(output.data[VIEW]))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    return value


def _store(output: Any, shot: Shot) -> None:
    output.data["image/png"] = base64.b64encode(shot.png).decode("ascii")
    output.metadata["image/png"] = {"width": shot.width, "height": shot.height}


@contextmanager
def camera() -> Iterator[Camera]:
    """A browser that takes pictures: ``take(page)`` of the figure in a file.

    Raises ValueError when the figure says that something is wrong, or says nothing.
    """
    from playwright.sync_api import sync_playwright

    program = next(path for name in _BROWSERS if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, headless=True, args=_FLAGS
        )
        context = browser.new_context(
            viewport={"width": WIDTH, "height": 900},
            device_scale_factor=SHARPNESS,
            color_scheme="light",
            reduced_motion="reduce",
        )
        try:
            yield lambda page: _shot(context, page)
        finally:
            browser.close()


def _shot(context: Any, page: Path) -> Shot:
    tab = context.new_page()
    try:
        tab.goto(page.as_uri())
        tab.add_style_tag(content="body { padding: 0; }")
        figure = tab.locator(".mg-viz")
        ended = "f => ['ready', 'error', 'gone'].includes(f.dataset.state)"
        try:
            tab.wait_for_function(ended, arg=figure.element_handle(), timeout=_WAIT)
        except Exception as error:  # of the browser's own kind
            raise ValueError(f"it did not finish within {_WAIT // 1000} s") from error
        if figure.get_attribute("data-state") != "ready":
            raise ValueError(figure.inner_text().strip() or "it says nothing")
        tab.wait_for_timeout(150)  # fonts, and what follows the first drawing
        png = figure.screenshot(animations="disabled", type="png")
        box = figure.bounding_box()
    finally:
        tab.close()
    return Shot(compressed(png), round(box["width"]), round(box["height"]))


def compressed(png: bytes) -> bytes:
    """The picture in a palette: as many colours as PICTURE_BYTES allow."""
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in _COLOURS:
        few = picture.quantize(colours, dither=Image.Dither.NONE)
        made = io.BytesIO()
        few.save(made, format="png", optimize=True)
        if made.tell() <= PICTURE_BYTES:
            break
    return made.getvalue()

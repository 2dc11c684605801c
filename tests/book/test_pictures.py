"""Pictures of figures: taken in a browser, small, and kept where there is none."""

from __future__ import annotations

import base64
import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from minigpt_edu.book import pictures, refresh
from minigpt_edu.book.notebooks import complaints, tidy
from minigpt_edu.book.pictures import (
    PICTURE_BYTES,
    add_pictures,
    compressed,
    views_in,
)
from minigpt_edu.book.refresh import find
from minigpt_edu.viz import views
from minigpt_edu.viz.output import FIGURE, VIEW

ROOT = Path(__file__).parents[2]
CHAPTERS = find([ROOT / "chapters"])
WIDGET = "application/vnd.jupyter.widget-view+json"
SENTENCE = "The old boat came home at night."


def a_notebook(*figures: tuple[str, views.View], picture: str = "") -> Any:
    cells = []
    for number, (label, view) in enumerate(figures, 1):
        data = {VIEW: view.to_json(), WIDGET: {"model_id": "7"}, "text/plain": label}
        note = {"label": label, "alt": f"A view of {label}.", "primary": VIEW}
        if picture:
            data["image/png"] = picture
        shown = new_output("display_data", data=data, metadata={FIGURE: note})
        cells.append(new_code_cell("...", execution_count=number, outputs=[shown]))
    return nbformat.from_dict(new_notebook(cells=cells))


def alone(notebook: Any, before: Any, models: Path) -> list[str]:
    """`add_pictures` in a thread of its own: this one may hold another browser."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        return threads.submit(add_pictures, notebook, before, models=models).result()


HEADS = ("fig-heads", views.heads(SENTENCE))
LENS = ("fig-lens", views.logit_lens(SENTENCE))


# The chapters as they stand in the repository.


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_figure_of_a_chapter_has_a_small_picture(path: Path) -> None:
    for output in views_in(nbformat.read(path, as_version=4)):
        label = output.metadata[FIGURE]["label"]
        assert "image/png" in output.data, f"{label} has no picture: make refresh"
        png = base64.b64decode(output.data["image/png"])
        assert len(png) <= PICTURE_BYTES, label
        width, height = Image.open(io.BytesIO(png)).size
        size = output.metadata["image/png"]
        assert abs(width / 2 - size["width"]) <= 1, label
        assert abs(height / 2 - size["height"]) <= 1, label


# How pictures come and go.


@pytest.fixture
def browser() -> None:
    if not any(shutil.which(name) for name in pictures._BROWSERS):
        pytest.skip("no browser on the PATH")


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``page(body)``: what every figure looks like, instead of the book's script."""

    def becomes(body: str) -> None:
        monkeypatch.setattr(pictures, "standalone", lambda view, **_: body)

    return becomes


def test_a_figure_is_photographed_when_it_is_ready(
    browser: None, page: Any, tmp_path: Path
) -> None:
    page(
        "<body style='margin:0'><figure class='mg-viz' data-state='loading' "
        "style='margin:0;height:200px;background:#f00'></figure><script>"
        "setTimeout(() => { const f = document.querySelector('figure');"
        "f.style.background = '#00f'; f.dataset.state = 'ready'; }, 300)</script>"
    )
    notebook = a_notebook(HEADS)
    assert alone(notebook, a_notebook(), tmp_path) == []
    output = notebook.cells[0].outputs[0]
    assert output.metadata["image/png"] == {"width": 720, "height": 200}
    shown = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    assert shown.size == (1440, 400)
    assert shown.convert("RGB").getcolors() == [(1440 * 400, (0, 0, 255))]


def test_a_figure_that_fails_is_named(browser: None, page: Any, tmp_path: Path) -> None:
    page("<figure class='mg-viz' data-state='error'>no weights</figure>")
    with pytest.raises(ValueError, match="fig-heads was not drawn: no weights"):
        alone(a_notebook(HEADS), a_notebook(), tmp_path)


def test_a_model_of_the_notebook_s_own_is_used(
    browser: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = {}

    def standalone(view: Any, *, title: str, model: Path | None) -> str:
        asked[view.kind] = (title, model)
        return "<figure class='mg-viz' data-state='ready'>x</figure>"

    monkeypatch.setattr(pictures, "standalone", standalone)
    (tmp_path / "fig-heads.safetensors").write_bytes(b"")
    alone(a_notebook(HEADS, LENS), a_notebook(), tmp_path)
    assert asked == {
        "heads": ("A view of fig-heads.", tmp_path / "fig-heads.safetensors"),
        "logit_lens": ("A view of fig-lens.", None),
    }


def test_without_a_browser_the_picture_of_an_equal_question_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pictures, "_missing", lambda: "a browser")
    before = a_notebook(HEADS, LENS, picture="old")
    other = ("fig-lens", views.logit_lens("Another text"))
    notebook = a_notebook(HEADS, other)
    notes = add_pictures(notebook, before, models=tmp_path)
    assert notes == [
        "pictures of figures need a browser; those taken before stay; "
        "without a picture: fig-lens"
    ]
    assert notebook.cells[0].outputs[0].data["image/png"] == "old"
    assert "image/png" not in notebook.cells[1].outputs[0].data


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures.shutil, "which", lambda name: None)
    assert "a browser on the PATH" in pictures._missing()
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    assert "pip install -r requirements-test.txt" in pictures._missing()


def test_a_notebook_without_figures_needs_no_browser(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pictures, "camera", None)
    assert add_pictures(a_notebook(), a_notebook(), models=tmp_path) == []


def test_refresh_stores_the_picture_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    executed = a_notebook(HEADS)
    tidy(executed)
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(), path)
    monkeypatch.setattr(refresh, "_measured", lambda *_: (executed, None))
    monkeypatch.setattr(refresh, "add_pictures", lambda *a, **k: ["need a browser"])
    result = refresh.refresh(path)
    assert result.problems == ()
    assert result.explain().endswith("s\n  need a browser")
    stored = nbformat.read(path, as_version=4)
    assert complaints(stored) == []
    assert WIDGET not in stored.cells[0].outputs[0].data
    assert stored.cells[0].outputs[0].data[VIEW] == HEADS[1].to_json()


def test_a_figure_that_cannot_be_drawn_refuses_the_notebook(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(), path)
    before = path.read_bytes()

    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("figure fig-heads was not drawn: no weights")

    monkeypatch.setattr(refresh, "_measured", lambda *_: (a_notebook(), None))
    monkeypatch.setattr(refresh, "add_pictures", fails)
    assert "no weights" in refresh.refresh(path).explain()
    assert path.read_bytes() == before


def noise(side: int) -> bytes:
    """The worst picture: every pixel of another colour, without chance."""
    parts = (sha256(str(i).encode()).digest() for i in range(3 * side * side // 32 + 1))
    made = io.BytesIO()
    colours = b"".join(parts)[: 3 * side * side]
    Image.frombytes("RGB", (side, side), colours).save(made, format="png")
    return made.getvalue()


def test_pictures_get_fewer_colours_until_they_are_small() -> None:
    big = noise(360)
    small = compressed(big)
    assert len(big) > 3 * PICTURE_BYTES
    assert len(small) <= PICTURE_BYTES
    assert Image.open(io.BytesIO(small)).size == (360, 360)
    assert compressed(big) == small


def test_few_colours_stay_exact() -> None:
    made = io.BytesIO()
    picture = Image.new("RGB", (40, 40), (250, 250, 250))
    picture.paste((28, 71, 156), (0, 0, 20, 40))
    picture.save(made, format="png")
    again = Image.open(io.BytesIO(compressed(made.getvalue()))).convert("RGB")
    assert again.tobytes() == picture.tobytes()

"""show(): one picture, one caption, the same outputs everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
import pytest

from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.text import ByteBPE
from minigpt_edu.viz import STYLE, show, views, widgets
from minigpt_edu.viz.output import VIEW
from minigpt_edu.viz.show import OWN_MODELS, PLOTLY

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

WORDS: dict[str, str] = {
    "label": "fig-line",
    "caption": "A line rises, as $y = x$ does.",
    "alt": "A straight line from the lower left to the upper right.",
}


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``outputs(figure, **words)``: the bundles and metadata that show() displays."""
    emitted: list[Any] = []
    module = sys.modules["minigpt_edu.viz.show"]  # the package's `show` is the function
    monkeypatch.setattr(module, "emit", lambda *parts: emitted.append(parts))

    def run(figure: Any, **words: str) -> list[Any]:
        emitted.clear()
        show(figure, **{**WORDS, **words})
        return list(emitted)

    return run


def drawing() -> Any:
    with matplotlib.rc_context(STYLE):
        figure, axes = plt.subplots()
        axes.plot([0, 1], [0, 1])
    return figure


def test_a_drawing_is_a_picture_and_a_caption(outputs: Any) -> None:
    (picture, note), (caption, role) = outputs(drawing())
    assert set(picture) == {"image/png", "text/plain"}
    assert picture["text/plain"] == f"fig-line: {WORDS['alt']}"
    assert note["minigpt"] == {**WORDS, "primary": "image/png", "shaded": False}
    assert note["image/png"] == {"width": 640, "height": 360}
    assert caption["text/markdown"] == f"**Figure.** {WORDS['caption']}"
    assert role["minigpt"] == {"role": "caption"}


def test_a_drawing_is_closed_so_that_it_is_not_shown_twice(outputs: Any) -> None:
    figure = drawing()
    assert plt.fignum_exists(figure.number)
    outputs(figure)
    assert not plt.fignum_exists(figure.number)


def test_the_same_drawing_is_the_same_bytes(outputs: Any) -> None:
    first, second = outputs(drawing())[0][0], outputs(drawing())[0][0]
    assert first == second
    assert b"Software" not in first["image/png"]


@pytest.mark.parametrize("draw", ["imshow", "pcolormesh"])
def test_a_heat_map_is_shaded(outputs: Any, draw: str) -> None:
    figure, axes = plt.subplots()
    getattr(axes, draw)([[0.0, 1.0], [1.0, 0.0]])
    assert outputs(figure)[0][1]["minigpt"]["shaded"] is True


def scatter(**layout: Any) -> go.Figure:
    x = np.array([0.0, 1 / 3, np.nan])
    return go.Figure(go.Scatter(x=x, y=(1, 2.5, 10**9)), layout=layout)


def test_plotly_is_plain_rounded_data(outputs: Any) -> None:
    (figure, note), _ = outputs(scatter())
    assert note["minigpt"]["primary"] == PLOTLY
    trace = figure[PLOTLY]["data"][0]
    assert trace["x"] == [0.0, 0.333333, None]
    assert trace["y"] == [1, 2.5, 10**9]
    assert json.loads(json.dumps(figure)) == figure


def test_frames_of_an_animation_are_rounded_too(outputs: Any) -> None:
    figure = scatter()
    figure.frames = [go.Frame(data=[go.Scatter(y=np.array([2 / 3, 1.0]))], name="1")]
    frame = outputs(figure)[0][0][PLOTLY]["frames"][0]
    assert frame["data"][0]["y"] == [0.666667, 1.0]


def test_plotly_gets_the_style_of_the_book_and_stays_unchanged(outputs: Any) -> None:
    figure = scatter(height=300)
    before = figure.to_json()
    layout = outputs(figure)[0][0][PLOTLY]["layout"]
    assert layout["height"] == 300
    assert layout["template"]["layout"]["paper_bgcolor"] == "#ffffff"
    assert figure.to_json() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"label": "line"}, "fig-"),
        ({"label": "fig-Line"}, "lower case"),
        ({"label": "fig-"}, "fig-"),
        ({"caption": " "}, "caption"),
        ({"caption": "No full stop"}, "stop"),
        ({"caption": "Two\nlines."}, "one line"),
        ({"alt": ""}, "alt"),
        ({"alt": WORDS["caption"]}, "what is seen"),
    ],
)
def test_words_that_help_nobody_are_refused(words: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        show(drawing(), **{**WORDS, **words})


def with_title(kind: str) -> Any:
    if kind == "plotly":
        return scatter(title={"text": "A title"})
    figure, axes = plt.subplots()
    figure.suptitle("A title") if kind == "figure" else axes.set_title("A title")
    return figure


@pytest.mark.parametrize("kind", ["plotly", "figure", "axes"])
def test_a_title_inside_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match=r"A title.*caption"):
        show(with_title(kind), **WORDS)


def test_panels_may_have_names(outputs: Any) -> None:
    figure, panels = plt.subplots(1, 2)
    for panel, name in zip(panels, ("before", "after"), strict=True):
        panel.set_title(name)
    assert "image/png" in outputs(figure)[0][0]


def test_what_is_not_a_figure_is_refused() -> None:
    with pytest.raises(TypeError, match="not a list"):
        show([1, 2], **WORDS)  # type: ignore[arg-type]


# Views: figures that compute.

HEADS = views.heads("The old boat came home at night.")


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook, with a script of no weight."""
    monkeypatch.setattr(
        sys.modules["minigpt_edu.viz.show"], "in_notebook", lambda: True
    )
    monkeypatch.setattr(widgets, "_script", lambda kind: "export default {};")
    monkeypatch.setattr(widgets, "_style", lambda: "")


def test_a_view_is_a_live_figure_and_what_was_asked(
    outputs: Any, notebook: None
) -> None:
    (figure, note), (caption, _) = outputs(HEADS)
    assert set(figure) == {WIDGET_VIEW, VIEW, "text/plain"}
    assert figure[VIEW] == HEADS.to_json()
    assert figure["text/plain"] == f"fig-line: {WORDS['alt']}"
    assert note["minigpt"] == {**WORDS, "primary": VIEW, "shaded": False}
    assert caption["text/markdown"] == f"**Figure.** {WORDS['caption']}"


def test_what_is_compared_is_the_same_each_time(outputs: Any, notebook: None) -> None:
    def compared() -> Any:
        (figure, note), caption = outputs(HEADS)
        figure.pop(WIDGET_VIEW)
        return figure, note, caption

    assert compared() == compared()
    assert json.loads(json.dumps(compared()[0])) == compared()[0]


def test_a_script_without_jupyter_gets_the_text(outputs: Any) -> None:
    (figure, _), _ = outputs(HEADS)
    assert set(figure) == {VIEW, "text/plain"}


def test_a_widget_can_be_kept_and_shown(outputs: Any, notebook: None) -> None:
    figure = widgets.Figure(HEADS)
    (shown, note), _ = outputs(figure)
    assert shown[WIDGET_VIEW]["model_id"] == figure.model_id
    assert note["minigpt"]["primary"] == VIEW


def test_a_model_of_one_s_own_is_saved_for_the_picture(
    notebook: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = sys.modules["minigpt_edu.viz.show"]
    monkeypatch.setattr(module, "emit", lambda *parts: None)
    monkeypatch.setenv(OWN_MODELS, str(tmp_path))
    tokenizer = ByteBPE.train("a boat", 261)
    model = GPT(GPTConfig.modern(vocab_size=261, n_layer=1, n_head=2, n_embd=8))
    own = views.heads("a boat", checkpoint=None)
    show(own, **WORDS, model=model, tokenizer=tokenizer)
    assert [path.name for path in tmp_path.iterdir()] == ["fig-line.safetensors"]
    show(HEADS, **{**WORDS, "label": "fig-two"})
    assert len(list(tmp_path.iterdir())) == 1


def test_a_model_goes_with_a_view_alone(notebook: None) -> None:
    with pytest.raises(TypeError, match=r"goes with a view"):
        show(drawing(), **WORDS, model=1)
    with pytest.raises(ValueError, match="needs model= and tokenizer="):
        show(views.heads("a boat", checkpoint=None), **WORDS)


def test_nothing_but_a_live_figure_needs_a_widget_library() -> None:
    code = (
        "import sys; sys.modules['anywidget'] = None; import minigpt_edu.viz as v;"
        "v.show(v.views.heads('a boat'), label='fig-a', caption='A.', alt='B');"
        "print(sorted({'ipywidgets', 'torch', 'IPython'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "fig-a: B\nA.\n[]\n", done.stderr


def test_a_missing_widget_library_is_named_with_its_remedy(
    notebook: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["minigpt_edu.viz.show"]
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"anywidget: pip install -r"):
        show(HEADS, **WORDS)

"""The widget: one class, deterministic, answering every question and never failing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from minigpt_edu.checkpoint import load_checkpoint
from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.text import ByteBPE
from minigpt_edu.viz import views, widgets
from minigpt_edu.viz.output import VIEW
from minigpt_edu.viz.source import shipped_source
from minigpt_edu.viz.widgets import Figure

SENTENCE = "The old boat came home at night."
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the book's own script: Python carries it and never looks inside."""
    monkeypatch.setattr(widgets, "_script", lambda kind: "export default {};")
    monkeypatch.setattr(widgets, "_style", lambda: ".mg-viz {}")


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``asking(figure, content)``: what the figure sends back."""
    sent: list[Any] = []

    def send(_figure: Any, content: Any, buffers: Any = None) -> None:
        sent.append((content, buffers or []))

    monkeypatch.setattr(Figure, "send", send)

    def ask(figure: Figure, content: Any) -> list[Any]:
        sent.clear()
        figure._handle_custom_msg(content, [])
        return list(sent)

    yield ask


@pytest.fixture(scope="module")
def own() -> dict[str, Any]:
    tokenizer = ByteBPE.train(SENTENCE, 262)
    config = GPTConfig.modern(vocab_size=262, n_layer=1, n_head=2, n_embd=8)
    return {"model": GPT(config).eval(), "tokenizer": tokenizer}


def test_a_figure_says_what_was_asked_and_nothing_else() -> None:
    view = views.heads(SENTENCE, layer=1)
    one, two = Figure(view), Figure(view)
    assert repr(one) == repr(two) == f"Figure({view.explain()})"
    assert "0x" not in repr(one)
    assert one.kind == "heads"
    assert one.config == dict(view.config)
    assert one.selection == {}
    assert one.status == "loading"
    synced = set(one.trait_names(sync=True)) - set(widgets.anywidget.AnyWidget().keys)
    assert synced == {"_css", "config", "kind", "selection", "status"}


def test_a_notebook_stores_the_question_beside_the_live_view() -> None:
    data, _ = Figure(views.heads(SENTENCE))._repr_mimebundle_()
    assert data[VIEW] == views.heads(SENTENCE).to_json()
    assert "model_id" in data[WIDGET_VIEW]
    assert "text/html" not in data


def test_a_question_is_answered_by_the_checkpoint(asking: Any) -> None:
    figure = Figure(views.heads(SENTENCE))
    ids = shipped_source("reader").tokenizer.encode(SENTENCE)
    ((content, buffers),) = asking(
        figure, {"id": "run-1", "method": "run", "args": {"ids": ids}}
    )
    assert content["id"] == "run-1"
    assert content["result"]["arrays"] == [
        {"name": "logits", "shape": [1, len(ids), 1024]}
    ]
    expected = shipped_source("reader").model(torch.tensor([ids])).detach().numpy()
    np.testing.assert_array_equal(np.frombuffer(buffers[0], "<f4"), expected.ravel())
    assert json.dumps(content)


def test_figures_of_one_checkpoint_share_it() -> None:
    one, two = Figure(views.heads(SENTENCE)), Figure(views.logit_lens(SENTENCE))
    assert one.source is two.source


def test_the_reader_s_own_model_answers(asking: Any, own: dict[str, Any]) -> None:
    figure = Figure(views.heads(SENTENCE, checkpoint=None), **own)
    ((content, _),) = asking(figure, {"id": 1, "method": "about", "args": {}})
    assert content["result"]["name"] == "your model"
    assert content["result"]["params"] == own["model"].num_params()


WRONG = {
    "unknown": ({"id": 1, "method": "think"}, "nobody answers 'think'"),
    "argument": ({"id": 1, "method": "encode", "args": {"txt": ""}}, "'text'"),
    "no method": ({"id": 1}, "KeyError: 'method'"),
    "no numbers": ({"id": 1, "method": "run", "args": {"ids": 7}}, "TypeError"),
    "no dict": ({"id": 1, "method": "run", "args": [1]}, ""),
}


@pytest.mark.parametrize("name", WRONG)
def test_whatever_goes_wrong_is_a_sentence(asking: Any, name: str) -> None:
    content, message = WRONG[name]
    ((answer, buffers),) = asking(Figure(views.heads(SENTENCE)), content)
    assert set(answer) == {"id", "error"}
    assert message in answer["error"]
    assert buffers == []


@pytest.mark.parametrize("content", [None, "text", {}, {"method": "about"}, []])
def test_a_message_without_a_number_has_no_answer(asking: Any, content: Any) -> None:
    assert asking(Figure(views.heads(SENTENCE)), content) == []


def test_a_figure_without_a_model_says_so(asking: Any) -> None:
    figure = Figure(views.soft_lookup())
    ((content, _),) = asking(figure, {"id": 1, "method": "about"})
    assert content["error"] == "this figure has no model to ask"


def test_a_lost_checkpoint_is_told_in_the_figure(
    asking: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    figure = Figure(views.heads(SENTENCE))
    monkeypatch.setattr(widgets, "shipped_source", shipped_source.__wrapped__)
    monkeypatch.setenv("MINIGPT_DATA", str(tmp_path))
    ((content, _),) = asking(figure, {"id": 1, "method": "about"})
    assert "is called 'reader'" in content["error"]


def test_model_and_view_must_agree(own: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="make it with checkpoint=None"):
        Figure(views.heads(SENTENCE), **own)
    with pytest.raises(ValueError, match="needs model= and tokenizer="):
        Figure(views.heads(SENTENCE, checkpoint=None))
    with pytest.raises(ValueError, match="pass both or none"):
        Figure(views.heads(SENTENCE, checkpoint=None), model=own["model"])


def test_its_page_carries_the_model(
    own: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("minigpt_edu.viz.page.page_bundle", lambda kind: "")
    monkeypatch.setattr("minigpt_edu.viz.page.bundle_css", lambda: "")
    shipped = Figure(views.heads(SENTENCE)).to_html("Heads")
    assert '["reader"]' in shipped
    figure = Figure(views.heads(SENTENCE, checkpoint=None), **own)
    assert '["your-model"]' in figure.to_html()
    file = tmp_path / "own.safetensors"
    figure.save_own_model(file)
    stored = load_checkpoint(file, device="cpu")
    for name, value in own["model"].state_dict().items():
        torch.testing.assert_close(stored.model.state_dict()[name], value)
    Figure(views.heads(SENTENCE)).save_own_model(tmp_path / "none.safetensors")
    assert not (tmp_path / "none.safetensors").exists()

"""A view is what was asked: checked, ready for JSON, the same for the same question."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from minigpt_edu.shipped import shipped_models
from minigpt_edu.viz import views
from minigpt_edu.viz.views import KINDS, View, make_view

SENTENCE = "The old boat came home at night."


def a_view(kind: str, **config: Any) -> View:
    asks = "prompt" in inspect.signature(KINDS[kind]).parameters
    return KINDS[kind](**({"prompt": SENTENCE} if asks else {}), **config)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_makes_its_own_view(kind: str) -> None:
    view = a_view(kind)
    assert view.kind == kind
    assert getattr(views, kind) is KINDS[kind]
    assert kind in views.__all__
    assert list(view.config) == list(inspect.signature(KINDS[kind]).parameters)


@pytest.mark.parametrize("kind", KINDS)
def test_json_says_all_of_it_in_one_order(kind: str) -> None:
    view = a_view(kind)
    asked = json.loads(json.dumps(view.to_json()))
    assert make_view(asked["view"], asked["config"]) == view
    assert list(asked["config"]) == sorted(asked["config"])
    assert kind in view.explain()


@pytest.mark.parametrize("kind", KINDS)
def test_a_config_holds_no_computed_number(kind: str) -> None:
    values = a_view(kind).config.values()
    assert not any(isinstance(value, float | list | dict) for value in values)


def test_defaults_are_filled_in_for_a_page() -> None:
    assert make_view("heads", {"prompt": SENTENCE}) == views.heads(SENTENCE)
    assert make_view("soft_lookup", {}) == views.soft_lookup()


def test_the_reader_s_model_answers_unless_another_is_named() -> None:
    assert views.heads(SENTENCE).config["checkpoint"] == "reader"
    assert "reader" in shipped_models()
    assert views.heads(SENTENCE, checkpoint=None).config["checkpoint"] is None


REFUSED: list[tuple[Any, str]] = [
    (lambda: View("heds", {}), "did you mean 'heads'"),
    (lambda: make_view("heds", {}), "did you mean 'heads'"),
    (lambda: make_view("heads", {"prompt": "x", "layr": 1}), "did you mean 'layer'"),
    (lambda: make_view("heads", {}), "needs a prompt"),
    (lambda: View("heads", {"prompt": "x"}), "needs checkpoint"),
    (lambda: views.heads(""), "a text of at least one word"),
    (lambda: views.heads(" \n"), "a text of at least one word"),
    (lambda: views.heads(3), "a text of at least one word"),  # type: ignore[arg-type]
    (lambda: views.heads("x", layer=-1), "heads: layer must be a whole number"),
    (lambda: views.heads("x", head=True), "heads: head must be a whole number"),
    (lambda: views.heads("x", layer=1.0), "not 1.0"),  # type: ignore[arg-type]
    (lambda: views.heads("x", checkpoint="raeder"), "did you mean 'reader'"),
    (lambda: views.experiment("x", other=" "), "experiment: other must be a text"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_cannot_be_asked_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_every_argument_has_a_check() -> None:
    for kind, make in KINDS.items():
        for name in inspect.signature(make).parameters:
            assert name in views._CHECKS, f"{kind}: {name}"

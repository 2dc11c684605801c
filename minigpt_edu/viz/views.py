"""What a figure shows, as asked: its kind and its arguments, and nothing computed.

One function per kind of figure; its signature says what can be asked, its defaults what
happens otherwise. It refuses to know who draws a view and where the numbers come from:
torch in a notebook, the page's own engine in the book.

    from minigpt_edu.viz import show, views
    view = views.attention_steps("The old boat came home at night.")
    show(view, label="fig-steps", caption="One head, step by step.", alt="...")

A layer or head of None is chosen by the figure, which says by which score.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..spelling import did_you_mean

__all__ = [
    "KINDS",
    "View",
    "attention_steps",
    "circuits",
    "experiment",
    "heads",
    "logit_lens",
    "make_view",
    "mask_lab",
    "prediction_walk",
    "soft_lookup",
    "softmax_lab",
]


@dataclass(frozen=True)
class View:
    """A kind of figure and what was asked of it, ready for JSON.

    Raises ValueError for an unknown kind or argument, with the nearest name, and for a
    value of the wrong sort.
    """

    kind: str
    config: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f"no figure is called {self.kind!r}: {did_you_mean(self.kind, KINDS)}"
            )
        known = inspect.signature(KINDS[self.kind]).parameters
        for name in self.config:
            if name not in known:
                raise ValueError(
                    f"{self.kind} has no argument {name!r}: {did_you_mean(name, known)}"
                )
        for name in known:
            if name not in self.config:
                raise ValueError(f"{self.kind} needs {name}: use views.make_view")
            _CHECKS[name](f"{self.kind}: {name}", self.config[name])

    def to_json(self) -> dict[str, Any]:
        """``{"view": kind, "config": {...}}``, the same for the same question."""
        return {"view": self.kind, "config": dict(sorted(self.config.items()))}

    def explain(self) -> str:
        """One line: the kind and what was asked."""
        asked = ", ".join(f"{k}={v!r}" for k, v in self.config.items())
        return f"{self.kind}({asked})"


def make_view(kind: str, config: Mapping[str, Any]) -> View:
    """The view of a kind known only by name, defaults filled in: for pages."""
    if kind not in KINDS:
        return View(kind, config)  # says which one was meant
    known = inspect.signature(KINDS[kind]).parameters
    defaults = {
        name: one.default for name, one in known.items() if one.default is not one.empty
    }
    for name in known:
        if name not in config and name not in defaults:
            raise ValueError(f"{kind} needs a {name}")
    return View(kind, {**defaults, **config})


def attention_steps(
    prompt: str,
    *,
    checkpoint: str | None = "reader",
    layer: int | None = None,
    head: int | None = None,
    position: int | None = None,
) -> View:
    """One head in steps for one query: scores, mask, softmax, weighted values."""
    return View("attention_steps", locals())


def heads(
    prompt: str,
    *,
    checkpoint: str | None = "reader",
    layer: int | None = None,
    head: int | None = None,
) -> View:
    """The patterns of all heads side by side, any of which can be knocked out."""
    return View("heads", locals())


def mask_lab(
    prompt: str,
    *,
    checkpoint: str | None = "reader",
    layer: int | None = None,
    head: int | None = None,
) -> View:
    """Masks on real scores, and a leak test: who changes when a later token does?"""
    return View("mask_lab", locals())


def softmax_lab(
    prompt: str,
    *,
    checkpoint: str | None = "reader",
    layer: int | None = None,
    head: int | None = None,
    position: int | None = None,
) -> View:
    """One row of scores through a softmax whose temperature can be moved."""
    return View("softmax_lab", locals())


def circuits(
    prompt: str,
    *,
    checkpoint: str | None = "reader",
    layer: int | None = None,
    head: int | None = None,
) -> View:
    """The two circuits of a head: where it looks (QK), what it writes (OV)."""
    return View("circuits", locals())


def soft_lookup() -> View:
    """A lookup table that answers with an average; illustrative, without a model."""
    return View("soft_lookup", {})


def prediction_walk(
    prompt: str,
    *,
    checkpoint: str | None = "reader",
    layer: int | None = None,
    head: int | None = None,
    position: int | None = None,
) -> View:
    """Seven stages from the text to the next token, each with the model's values."""
    return View("prediction_walk", locals())


def logit_lens(
    prompt: str, *, checkpoint: str | None = "reader", position: int | None = None
) -> View:
    """What the model would say if it stopped after each layer."""
    return View("logit_lens", locals())


def experiment(
    prompt: str,
    *,
    other: str | None = None,
    checkpoint: str | None = "reader",
    layer: int | None = None,
    head: int | None = None,
    position: int | None = None,
) -> View:
    """Knock out a head, zero a neuron, patch from another prompt: what changes?"""
    return View("experiment", locals())


#: Every kind of figure and the function that makes its view.
KINDS: dict[str, Callable[..., View]] = {
    make.__name__: make
    for make in (
        attention_steps,
        heads,
        mask_lab,
        softmax_lab,
        circuits,
        soft_lookup,
        prediction_walk,
        logit_lens,
        experiment,
    )
}


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be a text of at least one word, not {value!r}")


def _text_or_none(name: str, value: Any) -> None:
    if value is not None:
        _text(name, value)


def _index(name: str, value: Any) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if value is not None and not whole:
        raise ValueError(
            f"{name} must be a whole number from 0, or None to let the figure choose, "
            f"not {value!r}"
        )


def _checkpoint(name: str, value: Any) -> None:
    if value is None:
        return
    from ..shipped import shipped_models  # late: it needs the tokenizers

    names = shipped_models()
    if value not in names:
        raise ValueError(
            f"{name} {value!r} is no shipped model: {did_you_mean(str(value), names)}"
        )


#: What an argument of this name must be, in every figure.
_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "prompt": _text,
    "other": _text_or_none,
    "checkpoint": _checkpoint,
    "layer": _index,
    "head": _index,
    "position": _index,
}

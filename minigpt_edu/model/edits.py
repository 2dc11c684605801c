"""Changes of a forward pass that can be written down: which value, where, and how.

A figure, a notebook and a test can ask for the same experiment as plain JSON, and the
page's engine makes the same of it. It refuses to know why somebody changes a value;
what code alone can say is the business of ``run_with_hooks`` itself.

    silent = {"hook": "blocks.1.attn.z", "op": "zero", "head": 2}
    model.run_with_hooks(ids, edits_of(model, [silent]))

Operations: ``zero``; ``mean``, over the positions; ``scale`` by ``factor``; ``patch``,
the same value of a run over other ``ids``. ``head``, ``neuron`` (on the last axis) and
``position`` say where, and without them it is everywhere.

Sources: activation patching arXiv:2202.05262; ablation arXiv:2211.00593.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..spelling import did_you_mean, refuse_unknown
from .hook_table import HOOKS
from .hooks import Edit, HookedModel, Listener

__all__ = ["OPS", "edits_of"]

#: What an operation may be given beside the place; all of it it must be given but from.
OPS: dict[str, tuple[str, ...]] = {
    "zero": (),
    "mean": (),
    "scale": ("factor",),
    "patch": ("ids", "from"),
}
_PLACE = ("head", "neuron", "position")
_AXES = {hook.name: hook.axes.split(", ") for hook in HOOKS}


def edits_of(model: HookedModel, specs: Iterable[Mapping[str, Any]]) -> dict[str, Edit]:
    """Functions for ``run_with_hooks``, by hook name; those of one hook in order.

    ``hook`` is a name or a pattern. A patch runs the model here, once. Raises
    ValueError for what is unknown or missing; the functions themselves raise one when
    an index is outside the value they are given.
    """
    changes: dict[str, list[_Change]] = {}
    for spec in specs:
        _check(spec)
        names = Listener(model.hook_names(), keep=spec["hook"]).kept_names
        sources = _sources(model, spec, sorted(names))
        for name in sorted(names):
            change = _Change(name, _axes(name), dict(spec), sources.get(name))
            changes.setdefault(name, []).append(change)
    return {name: _in_turn(each) for name, each in changes.items()}


def _check(spec: Mapping[str, Any]) -> None:
    """Refuse what cannot be meant, before anything is computed."""
    if not isinstance(spec, Mapping) or not isinstance(spec.get("hook"), str):
        raise ValueError(f"an edit needs a hook, the name of a value: {spec!r:.60}")
    op = spec.get("op")
    if op not in OPS:
        raise ValueError(f"an edit has no op {op!r}: {did_you_mean(str(op), OPS)}")
    allowed = ("hook", "op", *_PLACE, *OPS[op])
    refuse_unknown(f"the edit {op}", spec, allowed)
    for name in ("head", "neuron", "position", "from"):
        value = spec.get(name)
        if value is not None and (type(value) is not int or value < 0):
            raise ValueError(
                f"{name}={value!r} of an edit must be a whole number, 0 or more"
            )
    if op == "scale":
        factor = spec.get("factor")
        number = isinstance(factor, int | float) and not isinstance(factor, bool)
        if not (number and math.isfinite(float(factor or 0))):
            raise ValueError("scale needs a factor, a finite number")
    if op == "patch":
        _check_patch(spec)


def _check_patch(spec: Mapping[str, Any]) -> None:
    ids = spec.get("ids")
    if not isinstance(ids, Sequence) or isinstance(ids, str) or not ids:
        raise ValueError("patch needs ids, the tokens of the other text")
    if spec.get("from") is not None and spec.get("position") is None:
        raise ValueError(
            f"from={spec['from']} is a position of the other text: say with position "
            "where it goes"
        )


def _axes(name: str) -> list[str]:
    """The axes of a hook; what has no numbers to change is refused."""
    axes = _AXES[re.sub(r"^blocks\.\d+\.", "blocks.{i}.", name)]
    if name == "tokens":
        raise ValueError("tokens are ids, not numbers to change: change the text")
    return axes


def _sources(
    model: HookedModel, spec: Mapping[str, Any], names: list[str]
) -> Mapping[str, Tensor]:
    """For a patch the values of the other text's run."""
    if spec["op"] != "patch":
        return {}
    ids, vocabulary = list(spec["ids"]), model.config.vocab_size
    if len(ids) > model.config.block_size:
        raise ValueError(
            f"{len(ids)} tokens of the other text do not fit into the model's context "
            f"of {model.config.block_size}: shorten it"
        )
    for id in ids:
        if type(id) is not int or not 0 <= id < vocabulary:
            raise ValueError(
                f"{id!r} of the other text is no token: ids run from 0 to "
                f"{vocabulary - 1}"
            )
    rows = torch.tensor([ids], device=next(model.parameters()).device)
    return model.run_with_cache(rows, keep=names)[1]


def _in_turn(changes: list[_Change]) -> Callable[[Tensor, str], Tensor]:
    def edit(value: Tensor, name: str) -> Tensor:
        for change in changes:
            value = change(value)
        return value

    return edit


@dataclass(frozen=True)
class _Change:
    """One change of one value."""

    name: str
    axes: list[str]
    spec: dict[str, Any]
    source: Tensor | None

    def __call__(self, value: Tensor) -> Tensor:
        here = self._place(value, self.spec.get("position"))
        new = value.clone()
        new[here] = self._made(value, here)
        return new

    def _made(self, value: Tensor, here: tuple[slice, ...]) -> Tensor | float:
        """What goes there."""
        if self.spec["op"] == "zero":
            return 0.0
        if self.spec["op"] == "scale":
            return value[here] * self.spec["factor"]
        if self.source is not None:
            return self._patch(value, self.source)
        mean = value.mean(self._query_axis, keepdim=True)
        return mean.expand_as(value)[here]

    def _patch(self, value: Tensor, source: Tensor) -> Tensor:
        position = self.spec.get("position")
        start = position if self.spec.get("from") is None else self.spec["from"]
        grows = "key" in self.axes  # a row is as long as its text
        ours, theirs = value.shape[self._query_axis], source.shape[self._query_axis]
        if ours != theirs and (position is None or grows):
            what = "" if grows else ", or choose a position"
            raise ValueError(
                f"the other text has {theirs} tokens and this one {ours}: make them "
                f"equally long{what}"
            )
        return source[self._place(source, start)]

    @property
    def _query_axis(self) -> int:
        return next(i for i, a in enumerate(self.axes) if a in ("position", "query"))

    def _place(self, value: Tensor, position: int | None) -> tuple[slice, ...]:
        """The part that is meant, as slices of all axes."""
        place = [slice(None)] * value.dim()
        last = value.dim() - 1
        heads = self.axes[1] in ("head", "kv_head")
        neurons = last > self._query_axis
        for what, at, axis in (
            ("head", self.spec.get("head"), 1 if heads else None),
            ("position", position, self._query_axis),
            ("neuron", self.spec.get("neuron"), last if neurons else None),
        ):
            if at is None:
                continue
            if axis is None:
                raise ValueError(f"{self.name} has no {what}: leave {what} out")
            size = value.shape[axis]
            if at >= size:
                raise ValueError(
                    f"{what} {at} is outside {self.name}: it has {size}, from 0 to "
                    f"{size - 1}"
                )
            place[axis] = slice(at, at + 1)
        return tuple(place)

"""What a check consists of: the right function, its inputs, and the known wrong ones.

Pure records. They refuse to know what a function is about; each chapter's page of the
catalogue fills them in.

    draw = Draw(seed=0)
    inputs = {"x": draw(5, 3), "heads": 2}        # one case, in the order of the call
    wrong(_not_scaled)                            # name and advice from its docstring

Wrong on purpose, to see whether a test notices: DeMillo, Lipton and Sayward, "Hints on
Test Data Selection" (1978), mutation testing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["Check", "Draw", "Inputs", "Variant", "describe", "wrong"]

Inputs = dict[str, Any]  # the arguments of one call, by name, in order

_STEPS = 2000  # numbers between -2 and 2 in steps of a thousandth


class Draw:
    """Random inputs from a generator of its own: equal to the last bit everywhere.

    The numbers are multiples of 1/1000, because the digits of a normal distribution
    differ between processors.
    """

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int) -> Tensor:
        """A float32 tensor of numbers between -2 and 2."""
        whole = torch.randint(
            -_STEPS, _STEPS + 1, shape, generator=self._generator, dtype=torch.int64
        )
        return whole / 1000


@dataclass(frozen=True)
class Variant:
    """A wrong function that people really write, with a name and where to look."""

    name: str
    fn: Callable[..., Any]
    where: str  # where to look: one or two sentences
    evidence: Callable[..., str] | None = None  # of a case's inputs: what can be seen
    random: bool = False  # its answer changes from call to call

    def explain(self) -> str:
        """Name and advice in one line."""
        return f"{self.name}: {self.where}"


def wrong(
    fn: Callable[..., Any],
    evidence: Callable[..., str] | None = None,
    *,
    random: bool = False,
) -> Variant:
    """A variant from a function: its name in words, its docstring as advice."""
    name = fn.__name__.strip("_").replace("_", " ")
    where = " ".join((inspect.getdoc(fn) or "").split())
    if not where:
        raise ValueError(f"{fn.__name__} needs a docstring: it is the reader's advice")
    return Variant(name, fn, where, evidence, random)


@dataclass(frozen=True)
class Check:
    """One thing a reader's function can be compared with."""

    name: str  # "attention.causal"
    reference: Callable[..., Any]
    cases: Callable[[Draw], list[Inputs]]  # fresh inputs, the smallest first
    variants: tuple[Variant, ...] = ()
    seen: Callable[[Inputs, Any], Any] | None = (
        None  # the part of an answer that counts
    )
    draws: bool = False  # a right function may use random numbers on the way

    @property
    def call(self) -> str:
        """How the function is called: `causal(q, k, v)`."""
        names = ", ".join(inspect.signature(self.reference).parameters)
        return f"{self.name.rsplit('.', 1)[-1]}({names})"

    @property
    def task(self) -> str:
        """What the function must do."""
        return " ".join((inspect.getdoc(self.reference) or "").split())

    def explain(self) -> str:
        """The call and what it must do."""
        return f"{self.call}: {self.task}"

    def counted(self, inputs: Inputs, answer: Any) -> Any:
        """The part of an answer that is compared; all of a strange one."""
        if self.seen is None:
            return answer
        try:
            return self.seen(inputs, answer)
        except Exception:  # an answer may be of any class
            return answer


def describe(inputs: Inputs) -> str:
    """The inputs of a case in a few words: `q, k, v (3, 2), heads=2`."""
    shaped: dict[tuple[int, ...], list[str]] = {}
    plain = []
    for name, value in inputs.items():
        if hasattr(value, "shape"):
            shaped.setdefault(tuple(value.shape), []).append(name)
        elif isinstance(value, bool | int | float | str):
            plain.append(f"{name}={value!r}")
    groups = [f"{', '.join(names)} {shape}" for shape, names in shaped.items()]
    return ", ".join([*groups, *plain]) or "the inputs"

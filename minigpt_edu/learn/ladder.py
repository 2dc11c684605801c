"""One computation, written in several ways: do they agree, and what do they allocate?

A ladder runs every rung on copies of the same inputs. It prints what is equal on every
machine: whether the answers agree, and the bytes of the largest tensor made on the way.
Times are another matter: measure them with `rung_times` and draw them.

    rungs = {"loops": loops, "vectorised": vectorised, "torch": F.softmax}
    ladder(rungs, (x,))                            # a table in a notebook
    show(draw_times(rung_times(rungs, (x,))), label="fig-times", ...)

On comparing with a trusted program: Hoare, "Proof of Correctness of Data
Representations" (1972), an abstract and a concrete version of one thing.
"""

from __future__ import annotations

import copy
import math
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from minigpt_edu.viz import ROLES

__all__ = ["Ladder", "Rung", "draw_times", "ladder", "rung_times"]

Functions = Mapping[str, Callable[..., Any]]

_POWERS = range(-12, 3)  # bounds that a difference is compared with: 1e-12 to 100


@dataclass(frozen=True)
class Rung:
    """One way to compute it."""

    name: str
    difference: float  # the largest, to the rung that all are compared with
    agrees: bool
    largest_bytes: int | None  # of one tensor made on the way; None: it uses no torch

    def explain(self) -> str:
        """One line with both findings."""
        size = "no tensors" if self.largest_bytes is None else f"{self.largest_bytes:,}"
        off = f"is off by {self.difference:.2g}"
        off = "is not a number" if math.isnan(self.difference) else off
        verdict = "agrees" if self.agrees else off
        return f"{self.name} {verdict}; largest tensor in bytes: {size}"


@dataclass(frozen=True, repr=False)
class Ladder:
    """All rungs, compared with one of them."""

    rungs: tuple[Rung, ...]
    against: str
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether every rung gives the same answer."""
        return all(rung.agrees for rung in self.rungs)

    def __getitem__(self, name: str) -> Rung:
        """The rung of this name."""
        return next(rung for rung in self.rungs if rung.name == name)

    def explain(self) -> str:
        """The verdict in one sentence."""
        wrong = [rung.name for rung in self.rungs if not rung.agrees]
        if self.against in wrong:
            return f"{self.against} is NaN throughout: nothing can agree with it."
        if not wrong:
            bound = _power(self.tolerance)
            return f"All {len(self.rungs)} agree with {self.against} within {bound}."
        return f"Not equal to {self.against}: {', '.join(wrong)}."

    def _table(self) -> Iterator[tuple[str, ...]]:
        yield ("rung", "max |difference|", "agrees", "largest tensor, bytes")
        for rung in self.rungs:
            size = "" if rung.largest_bytes is None else f"{rung.largest_bytes:,}"
            yield (rung.name, self._bound(rung), "yes" if rung.agrees else "NO", size)

    def _bound(self, rung: Rung) -> str:
        """A bound instead of the digits, which differ between processors."""
        if rung.name == self.against:
            return "compared with this"
        if rung.agrees:
            return f"< {_power(self.tolerance)}"
        if math.isnan(rung.difference):
            return "not a number"
        if math.isinf(rung.difference):
            return "infinite"
        bounds = (float(f"1e{power}") for power in _POWERS)
        below = [bound for bound in bounds if bound < rung.difference]
        return f"> {_power(below[-1])}" if below else "> 0"

    def __repr__(self) -> str:
        table = list(self._table())
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                f"{text:>{width}}" if place == 3 else f"{text:{width}}"
                for place, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        ]
        return "\n".join([*lines, self.explain()])

    def _repr_markdown_(self) -> str:
        head, *rows = self._table()
        head = (head[0], "max \\|difference\\|", *head[2:])
        lines = [head, (":---", ":---", ":---", "---:"), *rows]
        lines = ["| " + " | ".join(map(_cell, line)) + " |" for line in lines]
        return "\n".join(lines) + f"\n\n{self.explain()}"


def ladder(
    rungs: Functions,
    inputs: Sequence[Any],
    *,
    against: str | None = None,
    tolerance: float = 1e-5,
) -> Ladder:
    """Run each function on `inputs` and compare the answers with the last one's.

    `against` names another rung to compare with. Answers may be tensors, arrays or
    lists of real numbers. Raises ValueError when there is nothing to compare with, or
    when shapes differ.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance={tolerance}: give a number above 0, such as 1e-5")
    names = list(rungs)
    against = names[-1] if against is None and names else against
    if len(names) < 2 or against not in names:
        raise ValueError(
            f"a ladder needs two rungs or more, one of them {against!r}: it has {names}"
        )
    results = {name: _run(fn, inputs) for name, fn in rungs.items()}
    right = results[against][0]
    found = []
    for name, (answer, largest) in results.items():
        if answer.shape != right.shape:
            raise ValueError(
                f"{name} returns the shape {tuple(answer.shape)}, {against} "
                f"{tuple(right.shape)}: rungs compute the same thing"
            )
        off = _largest_difference(answer, right)
        found.append(Rung(name, off, off < tolerance, largest))
    return Ladder(tuple(found), against, tolerance)


def rung_times(
    rungs: Functions, inputs: Sequence[Any], *, repeats: int = 7, warm_up: int = 1
) -> dict[str, float]:
    """The median seconds of a call of each function, after `warm_up` calls."""
    if repeats < 1:
        raise ValueError(f"repeats={repeats}: measure once at least")
    medians = {}
    for name, fn in rungs.items():
        seconds = []
        for call in range(warm_up + repeats):
            _wait(inputs)
            start = time.perf_counter()
            fn(*inputs)
            _wait(inputs)
            if call >= warm_up:
                seconds.append(time.perf_counter() - start)
        medians[name] = statistics.median(seconds)
    return medians


def draw_times(seconds: Mapping[str, float]) -> Any:
    """A figure of the times, on a logarithmic axis that names the processor's kind."""
    from matplotlib.figure import Figure

    names = list(seconds)
    figure = Figure(figsize=(6.4, 0.6 + 0.42 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    milliseconds = [1e3 * seconds[name] for name in names]
    axes.scatter(milliseconds, names, color=ROLES["query"], s=50)
    for ms, name in zip(milliseconds, names, strict=True):
        place = {"xytext": (9, 0), "textcoords": "offset points", "va": "center"}
        axes.annotate(f"{ms:.3g} ms", (ms, name), **place)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(min(milliseconds) / 2, max(milliseconds) * 6)
    axes.invert_yaxis()
    axes.margins(y=0.25)
    threads = torch.get_num_threads()
    many = "s" if threads > 1 else ""
    axes.set_xlabel(f"milliseconds, {platform.machine()}, {threads} thread{many}")
    return figure


class _Watcher(TorchDispatchMode):
    """Sees every tensor that torch makes, views of the inputs excepted."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        super().__init__()
        tensors = [x for x in tree_leaves(inputs) if isinstance(x, Tensor)]
        self._given = {x.untyped_storage().data_ptr() for x in tensors}
        self.largest: int | None = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for x in tree_leaves(made):
            if isinstance(x, Tensor):
                storage = x.untyped_storage()
                if storage.data_ptr() not in self._given:
                    self.largest = max(self.largest or 0, storage.nbytes())
        return made


def _run(fn: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Tensor, int | None]:
    """The answer, and the bytes of the largest tensor made for it."""
    given = copy.deepcopy(list(inputs))
    with torch.no_grad(), _Watcher(given) as watcher:
        answer = fn(*given)
    if not isinstance(answer, Tensor):
        answer = torch.as_tensor(np.asarray(answer))
    if answer.is_complex():
        raise ValueError(
            "a ladder compares real numbers: return torch.view_as_real(...) of the "
            f"{str(answer.dtype).removeprefix('torch.')} answer"
        )
    return answer, watcher.largest


def _largest_difference(answer: Tensor, right: Tensor) -> float:
    """Not-a-number where the two differ in it, or where there is nothing else."""
    a, b = answer.detach().cpu().double(), right.detach().cpu().double()
    if not a.numel():
        return 0.0
    if b.isnan().all():
        return math.nan
    off = (a - b).abs().where(a != b, 0).where(~(a.isnan() & b.isnan()), 0)
    return float(off.max())  # NaN if there is one


def _wait(inputs: Sequence[Any]) -> None:
    """Let an accelerator finish, so that a clock sees its work."""
    kinds = {x.device.type for x in tree_leaves(inputs) if isinstance(x, Tensor)}
    if "cuda" in kinds:
        torch.cuda.synchronize()
    if "mps" in kinds:
        torch.mps.synchronize()


def _power(x: float) -> str:
    """1e-5 for 1e-05; rounded up to one digit, for it is a bound."""
    text = f"{x:.0e}"
    if float(text) < x:
        digit, power = text.split("e")
        text = f"{float(f'{int(digit) + 1}e{power}'):.0e}"
    digits, power = text.split("e")
    return f"{digits}e{int(power)}"


def _cell(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")

"""The check for a leak test: which outputs move when one token is changed?

The function under test gets other functions, some of which leak in ways that are hard
to see: behind a LayerNorm, in one feature, with opposite signs, or very faintly.
Shapes: T tokens, C features.

    find("attention.leak").variants

Judging a black box by what it does to changed inputs: Chen, Cheung and Yiu,
"Metamorphic Testing" (1998).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from .record import Check, Draw, Inputs, wrong

__all__ = ["CHECKS", "leak"]

Attend = Callable[[Tensor], Tensor]  # (T, C) -> (T, C)


def leak(attend: Attend, x: Tensor) -> Tensor:
    """A table (T, T) of truth values: True in row i, column j if changing token i of x
    (T, C) changes output j of attend(x)."""
    return _leaks(attend, x)


def _leaks(
    attend: Attend,
    x: Tensor,
    other: Callable[[Tensor], Tensor] = torch.randn_like,
    moves: Callable[[Tensor], Tensor] = lambda off: off.abs().amax(-1) > 1e-6,
) -> Tensor:
    """Put `other` in the place of each row; `moves` judges what became of (T, C)."""
    before, rows = attend(x), []
    for i in range(len(x)):
        changed = x.clone()
        changed[i] = other(x[i])
        rows.append(moves(attend(changed) - before))
    return torch.stack(rows)


def _one_added_to_the_whole_row(attend: Attend, x: Tensor) -> Tensor:
    """A function may subtract the mean of each row first, as LayerNorm does, and then
    it never sees your change. Put quite other numbers into the row."""
    return _leaks(attend, x, lambda row: row + 1)


def _rows_and_columns_swapped(attend: Attend, x: Tensor) -> Tensor:
    """Rows are what was changed, columns where it shows: transpose the table."""
    return leak(attend, x).T


def _no_copy_was_made(attend: Attend, x: Tensor) -> Tensor:
    """`changed = x` is a second name, not a second tensor: before and after are the
    same thing. Use x.clone()."""
    return torch.zeros(len(x), len(x), dtype=torch.bool)


def _changes_pile_up(attend: Attend, x: Tensor) -> Tensor:
    """Each change stays when the next one comes: begin every row with a fresh
    x.clone()."""
    before, changed, rows = attend(x), x.clone(), []
    for i in range(len(x)):
        changed[i] = torch.randn_like(x[i])
        rows.append((attend(changed) - before).abs().amax(-1) > 1e-6)
    return torch.stack(rows)


def _only_growth_counts(attend: Attend, x: Tensor) -> Tensor:
    """An output that falls has changed too: take abs() of the difference."""
    return _leaks(attend, x, moves=lambda off: off.amax(-1) > 1e-6)


def _every_feature_must_move(attend: Attend, x: Tensor) -> Tensor:
    """One number that moves is enough: any(-1) over the features, not all(-1)."""
    return _leaks(attend, x, moves=lambda off: (off.abs() > 1e-6).all(-1))


def _changes_that_cancel(attend: Attend, x: Tensor) -> Tensor:
    """What one feature gains, another may lose, and the sum is 0: abs() first, and then
    the sum or the maximum."""
    return _leaks(attend, x, moves=lambda off: off.sum(-1).abs() > 1e-6)


def _unchanged_instead(attend: Attend, x: Tensor) -> Tensor:
    """Your table says what stays the same: True must mean "changed"."""
    return ~leak(attend, x)


def _look(ahead: int, back: int) -> Attend:
    """Attention in which row t sees the rows t - back to t + ahead."""

    def attend(x: Tensor) -> Tensor:
        ones = torch.ones(len(x), len(x), dtype=torch.bool)
        scores = x @ x.mT / (4 * math.sqrt(x.shape[-1]))
        allowed = ones.tril(ahead) & ones.triu(-back)
        return scores.masked_fill(~allowed, -math.inf).softmax(-1) @ x

    return attend


def _leak_cases(draw: Draw) -> list[Inputs]:
    xs = [draw(4, 3) for _ in range(11)]
    past, everything, ahead = _look(0, 4), _look(4, 4), _look(1, 4)

    def normed(x: Tensor) -> Tensor:
        return everything(F.layer_norm(x, x.shape[-1:]))

    def cancelling(x: Tensor) -> Tensor:
        return everything(x)[:, :1] * torch.tensor([1.0, -1.0])  # they sum to 0

    def last_feature(x: Tensor) -> Tensor:
        return torch.cat([x[:, :-1], ahead(x[:, -1:])], -1)

    def first_feature(x: Tensor) -> Tensor:
        return torch.cat([ahead(x[:, :1]), x[:, 1:]], -1)

    def falling(x: Tensor) -> Tensor:
        off = x - xs[10]
        return (off - 2 * off.abs()).cumsum(0)  # every change makes it smaller

    looks = (
        past,
        everything,
        ahead,
        _look(0, 1),
        lambda x: -x.square() - x,
        normed,
        cancelling,
        last_feature,
        first_feature,
        lambda x: past(x) + 2e-4 * x.mean(0),  # a faint trace of the future
        falling,
    )
    return [{"attend": fn, "x": x} for fn, x in zip(looks, xs, strict=True)]


CHECKS = (
    Check(
        "attention.leak",
        leak,
        _leak_cases,
        (
            wrong(_one_added_to_the_whole_row),
            wrong(_rows_and_columns_swapped),
            wrong(_no_copy_was_made),
            wrong(_changes_pile_up),
            wrong(_only_growth_counts),
            wrong(_every_feature_must_move),
            wrong(_changes_that_cancel),
            wrong(_unchanged_instead),
        ),
        draws=True,
    ),
)

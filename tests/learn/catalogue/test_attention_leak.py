"""Leak tests written otherwise pass; those that overlook a leak do not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from minigpt_edu.learn import check, variants

Attend = Callable[[Tensor], Tensor]


def test_a_leak_test_with_other_changes() -> None:
    def replaced(attend: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        table = torch.zeros(len(x), len(x), dtype=torch.bool)
        for i in range(len(x)):
            other = x.clone()
            other[i] = -other[i] - 3
            table[i] = ((attend(other) - attend(x)).abs() > 1e-6).any(-1)
        return table

    assert check("attention.leak", replaced)


def test_a_leak_test_by_gradients() -> None:
    def derived(attend: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        slopes = torch.autograd.functional.jacobian(attend, x)  # (T, C, T, C)
        return slopes.abs().amax((1, 3)).T > 1e-9  # type: ignore[union-attr]

    assert check("attention.leak", derived)


def judged(
    moves: Callable[[Tensor], Tensor],
    other: Callable[[Tensor], Tensor] = torch.randn_like,
) -> Callable[[Attend, Tensor], Tensor]:
    """A leak test that puts `other` into each row and lets `moves` judge."""

    def table(attend: Attend, x: Tensor) -> Tensor:
        rows = []
        for i in range(len(x)):
            changed = x.clone()
            changed[i] = other(x[i])
            rows.append(moves(attend(changed) - attend(x)))
        return torch.stack(rows)

    return table


def plain(off: Tensor) -> Tensor:
    return (off.abs() > 1e-6).any(-1)


def one_feature_of(row: Tensor) -> Tensor:
    return torch.cat([row[:1] + 1, row[1:]])


MUST_NOT_PASS = {
    "adds 1": judged(plain, lambda row: row + 1),
    "adds one random number": judged(plain, lambda row: row + torch.randn(())),
    "changes feature 0": judged(plain, one_feature_of),
    "all features": judged(lambda off: (off.abs() > 1e-6).all(-1)),
    "sum, then abs": judged(lambda off: off.sum(-1).abs() > 1e-6),
    "feature 0": judged(lambda off: off[:, 0].abs() > 1e-6),
    "feature 1": judged(lambda off: off[:, 1].abs() > 1e-6),
    "last feature": judged(lambda off: off[:, -1].abs() > 1e-6),
    "growth": judged(lambda off: (off > 1e-6).any(-1)),
    "a thousandth": judged(lambda off: off.abs().amax(-1) > 1e-3),
    "a hundredth": judged(lambda off: off.abs().amax(-1) > 1e-2),
}


@pytest.mark.parametrize("name", MUST_NOT_PASS)
@pytest.mark.parametrize("seed", range(5))
def test_what_overlooks_a_leak_does_not_pass(name: str, seed: int) -> None:
    report = check("attention.leak", MUST_NOT_PASS[name], seed=seed)
    assert not report.passed
    assert report.kind in ("value", "variant"), report  # its random numbers are allowed


def test_random_numbers_of_another_kind_pass() -> None:
    assert check("attention.leak", judged(plain, torch.rand_like))
    assert check("attention.leak", judged(plain))


def test_only_growth_is_named_with_any_inputs() -> None:
    growth = variants("attention.leak")["only growth counts"].fn
    for seed in range(200):
        report = check("attention.leak", growth, seed=seed)
        assert report.variant == "only growth counts", (seed, report)

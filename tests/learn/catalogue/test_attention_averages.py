"""The first checks against other people's programs: torch's own, plain loops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from minigpt_edu.learn import check


def test_running_means_written_otherwise() -> None:
    def loops(x: Tensor) -> Tensor:
        return torch.stack([x[: t + 1].mean(0) for t in range(len(x))])

    def matrix(x: Tensor) -> Tensor:
        triangle = torch.ones(len(x), len(x)).tril()
        return triangle / triangle.sum(1, keepdim=True) @ x

    assert check("attention.running_mean", loops)
    assert check("attention.running_mean", matrix)


def test_weighted_means_written_otherwise() -> None:
    def einsum(x: Tensor, weights: Tensor) -> Tensor:
        return torch.einsum("ts,sc->tc", weights, x) / weights.sum(1)[:, None]

    assert check("attention.weighted_mean", einsum)


def test_the_softmax_of_torch() -> None:
    assert check("attention.softmax", lambda scores: torch.softmax(scores, dim=-1))
    assert check("attention.softmax", lambda s: torch.log_softmax(s, -1).exp())


def test_scores_by_einsum() -> None:
    def einsum(q: Tensor, k: Tensor) -> Tensor:
        return torch.einsum("...td,...sd->...ts", q / q.shape[-1] ** 0.5, k)

    assert check("attention.scores", einsum)


@pytest.mark.parametrize(
    "shift",
    [
        lambda s: s.mean(-1, keepdim=True),
        lambda s: s.amin(-1, keepdim=True),
        lambda s: s[..., :1],
        lambda s: s[..., -1:],
        lambda s: s.median(-1, keepdim=True).values,
        lambda s: s.clamp(max=0).amax(-1, keepdim=True),
        lambda s: s.max(),
    ],
)
def test_no_other_shift_passes(shift: Callable[[Tensor], Tensor]) -> None:
    def shifted(scores: Tensor) -> Tensor:
        e = (scores - shift(scores)).exp()
        return e / e.sum(-1, keepdim=True)

    report = check("attention.softmax", shifted)
    assert report.kind in ("nan", "variant"), report

"""The first checks against other people's programs: torch's own, plain loops."""

from __future__ import annotations

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

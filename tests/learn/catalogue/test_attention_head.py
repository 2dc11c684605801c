"""One causal head against other people's programs: SDPA, einsum, loops, the package."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from minigpt_edu.learn import check, variants
from minigpt_edu.model import GPTConfig
from minigpt_edu.model.attention import Attention, Context


def by_sdpa(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def by_einsum(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scores = torch.einsum("...td,...sd->...ts", q, k) / q.shape[-1] ** 0.5
    scores += torch.full(scores.shape[-2:], -math.inf).triu(1)
    return torch.einsum("...ts,...sd->...td", scores.softmax(-1), v)


def by_rows(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    z = torch.zeros_like(v)
    for t in range(q.shape[-2]):
        past = k[..., : t + 1, :]
        scores = (q[..., t, None, :] * past).sum(-1) / math.sqrt(q.shape[-1])
        z[..., t, :] = (scores.softmax(-1)[..., None] * v[..., : t + 1, :]).sum(-2)
    return z


def by_the_package(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    shape = q.shape
    q, k, v = (x.reshape(-1, 1, *shape[-2:]) for x in (q, k, v))
    config = GPTConfig(vocab_size=1, n_embd=shape[-1], n_head=1)
    context = Context(None, None, True, None, None)
    return Attention(config, 0).eval()._attend(q, k, v, context).reshape(shape)


@pytest.mark.parametrize("fn", [by_sdpa, by_einsum, by_rows, by_the_package])
def test_other_right_heads_pass(fn: object) -> None:
    report = check("attention.causal", fn)  # type: ignore[arg-type]
    assert report.passed, report


@pytest.mark.parametrize("fill", [-1e9, torch.finfo(torch.float32).min])
def test_a_fill_far_below_every_score_passes(fill: float) -> None:
    def filled(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(scores.shape[-2:]).triu(1) == 1
        return scores.masked_fill(future, fill).softmax(-1) @ v

    assert check("attention.causal", filled)


def test_masks_written_otherwise() -> None:
    def compared(tokens: int) -> Tensor:
        place = torch.arange(tokens)
        return place[:, None] >= place

    assert check("attention.causal_mask", compared)
    report = check("attention.causal_mask", lambda tokens: compared(tokens).float())
    assert report.kind == "dtype"
    assert "float32 and should be bool" in repr(report)


def test_what_a_reader_is_told() -> None:
    known = variants("attention.causal")
    told = repr(check("attention.causal", known["mask after the softmax"].fn))
    q, k = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(0))
    pattern = (q @ k.mT / math.sqrt(2)).softmax(-1).tril()
    assert (pattern.sum(-1)[:-1] < 1).all()
    assert "row 0 of your weights sums to 0." in told
    assert "before the softmax" in told

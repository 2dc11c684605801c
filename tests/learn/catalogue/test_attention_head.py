"""One causal head against other people's programs: SDPA, einsum, loops, the package."""

from __future__ import annotations

import math
from collections.abc import Callable

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


def one_key_at_a_time(q: Tensor, k: Tensor, v: Tensor, *, shrink_z: bool) -> Tensor:
    top = torch.full_like(q[..., :1], -math.inf)
    total, z = torch.zeros_like(top), torch.zeros_like(v)
    for s in range(q.shape[-2]):
        score = (q * k[..., [s], :]).sum(-1, keepdim=True) / math.sqrt(q.shape[-1])
        score[..., :s, :] = -math.inf
        new = torch.maximum(top, score)
        shrink, weight = (top - new).exp(), (score - new).exp()
        total = total * shrink + weight
        z = (z * shrink if shrink_z else z) + weight * v[..., [s], :]
        top = new
    return z / total


def test_one_key_at_a_time_passes_only_if_both_sums_shrink() -> None:
    def right(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return one_key_at_a_time(q, k, v, shrink_z=True)

    def forgot(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return one_key_at_a_time(q, k, v, shrink_z=False)

    assert check("attention.causal", right)
    report = check("attention.causal", forgot)
    assert report.variant == "old values not shrunk"
    assert "when the maximum of a row grows" in repr(report)


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


def shifted(shift: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Attention that subtracts something of the scores, before and after the mask."""

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(scores.shape[-2:]).triu(1) == 1
        masked = scores.masked_fill(future, -math.inf)
        e = (masked - shift(scores, masked)).exp()
        return e / e.sum(-1, keepdim=True) @ v

    return attend


def test_only_the_maximum_of_what_a_row_may_see_passes() -> None:
    must_not_pass = {
        "first key": shifted(lambda scores, masked: masked[..., :1]),
        "one for all": shifted(lambda scores, masked: masked.max()),
        "one for each head": shifted(
            lambda scores, masked: masked.amax((-2, -1), True)
        ),
        "of the whole row": shifted(lambda scores, masked: scores.amax(-1, True)),
        "own score": shifted(lambda s, m: s.diagonal(dim1=-2, dim2=-1)[..., None]),
    }
    assert check("attention.causal", shifted(lambda s, masked: masked.amax(-1, True)))
    for name, fn in must_not_pass.items():
        for seed in range(3):
            assert not check("attention.causal", fn, seed=seed), name

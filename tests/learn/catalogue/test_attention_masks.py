"""Padding, windows, a second text: against SDPA with masks of its own."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from minigpt_edu.learn import check


def sdpa(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def test_padding_by_sdpa_and_its_own_rows_do_not_count() -> None:
    def masked(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
        return sdpa(q, k, v, real[:, None].expand(-1, q.shape[1], -1))

    def cleaned(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
        return masked(q, k, v, real).where(real[..., None], 7.0)

    assert check("attention.padding", masked)
    assert check("attention.padding", cleaned)


def test_padding_by_leaving_it_out() -> None:
    def one_by_one(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
        rows = zip(q, k, v, real, strict=True)
        return torch.stack([sdpa(a, b[keep], c[keep]) for a, b, c, keep in rows])

    assert check("attention.padding", one_by_one)


def test_windows_by_slicing() -> None:
    def sliced(q: Tensor, k: Tensor, v: Tensor, width: int) -> Tensor:
        z = []
        for t in range(q.shape[-2]):
            seen = slice(max(0, t + 1 - width), t + 1)
            z.append(sdpa(q[..., [t], :], k[..., seen, :], v[..., seen, :]))
        return torch.cat(z, dim=-2)

    assert check("attention.window", sliced)


def test_cross_attention_by_torch() -> None:
    def torchs(
        x: Tensor, memory: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor
    ) -> Tensor:
        return sdpa(F.linear(x, w_q), F.linear(memory, w_k), F.linear(memory, w_v))

    assert check("attention.cross", torchs)


@pytest.mark.parametrize("fill", [-20.0, -100.0, -1e4])
def test_a_number_that_is_merely_small_hides_nothing(fill: float) -> None:
    def filled(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor) -> Tensor:
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        return scores.masked_fill(~allowed, fill).softmax(-1) @ v

    def padded(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
        return filled(q, k, v, real[:, None, :])

    def windowed(q: Tensor, k: Tensor, v: Tensor, width: int) -> Tensor:
        place = torch.arange(q.shape[-2])
        back = place[:, None] - place
        return filled(q, k, v, (back >= 0) & (back < width))

    assert not check("attention.padding", padded)
    assert not check("attention.window", windowed)

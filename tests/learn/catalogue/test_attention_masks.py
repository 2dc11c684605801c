"""Padding, windows, a second text, leaks: against SDPA with masks of its own."""

from __future__ import annotations

from collections.abc import Callable

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

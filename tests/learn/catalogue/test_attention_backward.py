"""The backward pass against torch's own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from minigpt_edu.learn import check, variants


def by_autograd(q: Tensor, k: Tensor, v: Tensor, dz: Tensor) -> tuple[Tensor, ...]:
    q, k, v = (x.clone().requires_grad_() for x in (q, k, v))
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return torch.autograd.grad(z, (q, k, v), dz)


def test_autograd_agrees() -> None:
    report = check("attention.backward", by_autograd)
    assert report.passed, report


def test_one_wrong_gradient_of_three_is_named() -> None:
    def third_wrong(q: Tensor, k: Tensor, v: Tensor, dz: Tensor) -> tuple[Tensor, ...]:
        dq, dk, dv = by_autograd(q, k, v, dz)
        return dq, dk, 2 * dv

    report = check("attention.backward", third_wrong)
    assert "part 2 of the answer[0, 0] is" in repr(report)
    assert check(
        "attention.backward", lambda *all_of: by_autograd(*all_of)[:2]
    ).kind == ("length")


def test_the_real_bug_has_the_right_gradient_of_q() -> None:
    known = variants("attention.backward")["keys learn from their own position only"]
    draw = torch.Generator().manual_seed(0)
    q, k, v, dz = torch.randn(4, 64, 16, generator=draw, dtype=torch.float64)
    wrong, right = known.fn(q, k, v, dz), by_autograd(q, k, v, dz)
    assert torch.allclose(wrong[0], right[0])
    for ours, theirs in zip(wrong[1:], right[1:], strict=True):
        assert (ours - theirs).norm() / theirs.norm() > 0.8

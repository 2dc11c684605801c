"""Several heads against torch's own module, the package, and grouped SDPA."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minigpt_edu.learn import check
from minigpt_edu.model import GPTConfig
from minigpt_edu.model.attention import Attention, Context


def test_splitting_and_merging_by_slices() -> None:
    def split(x: Tensor, heads: int) -> Tensor:
        return torch.stack(x.chunk(heads, dim=-1), dim=1)

    def merge(z: Tensor) -> Tensor:
        return torch.cat(z.unbind(1), dim=-1)

    assert check("attention.split_heads", split)
    assert check("attention.merge_heads", merge)


def by_torch(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    layer = nn.MultiheadAttention(x.shape[-1], heads, bias=False, batch_first=True)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat([w_q, w_k, w_v]))
        layer.out_proj.weight.copy_(w_o)
    mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
    return layer(x, x, x, attn_mask=mask, need_weights=False)[0]


def by_the_package(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    C = x.shape[-1]
    config = GPTConfig(vocab_size=1, n_embd=C, n_head=heads, bias=False)
    layer = Attention(config, 0).eval()
    weights = {"query": w_q, "key": w_k, "value": w_v, "out": w_o}
    layer.load_state_dict({f"{name}.weight": w for name, w in weights.items()})
    return layer(x, Context(None, None, True, None, None))


def test_other_layers_agree() -> None:
    for layer in (by_torch, by_the_package):
        report = check("attention.multi_head", layer)
        assert report.passed, report


def test_grouped_queries_by_sdpa() -> None:
    def fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)

    assert check("attention.grouped", fused)


def layer(
    x: Tensor, weights: list[Tensor], heads: int, fill: float, root: float | None
) -> Tensor:
    parts = (F.linear(x, w).unflatten(-1, (heads, -1)) for w in weights[:3])
    q, k, v = (part.transpose(1, 2) for part in parts)
    scores = q @ k.mT / (root or math.sqrt(q.shape[-1]))
    future = torch.ones(scores.shape[-2:]).triu(1) == 1
    z = scores.masked_fill(future, fill).softmax(-1) @ v
    return F.linear(z.transpose(1, 2).flatten(2), weights[3])


@pytest.mark.parametrize(
    ("fill", "root"),
    [(-20.0, None), (-100.0, None), (-1e4, None), (-math.inf, math.sqrt(2))],
)
def test_a_small_fill_and_a_fixed_root_do_not_pass(
    fill: float, root: float | None
) -> None:
    def multi(
        x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
    ) -> Tensor:
        return layer(x, [w_q, w_k, w_v, w_o], heads, fill, root)

    def right(
        x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
    ) -> Tensor:
        return layer(x, [w_q, w_k, w_v, w_o], heads, -math.inf, None)

    assert check("attention.multi_head", right)
    assert not check("attention.multi_head", multi)


def test_a_small_fill_does_not_pass_where_heads_share_keys() -> None:
    def filled(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for x in (k, v))
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        future = torch.ones(scores.shape[-2:]).triu(1) == 1
        return scores.masked_fill(future, -1e4).softmax(-1) @ v

    assert not check("attention.grouped", filled)

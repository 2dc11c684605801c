"""Causal self-attention: each token asks, is found and answers, looking only back.

Shapes: B rows, T new tokens, S tokens seen (cached + new), C n_embd, H query heads,
        K key/value heads, D head_dim.

Sources: attention arXiv:1706.03762; grouped queries arXiv:2305.13245; soft-capped
scores arXiv:2408.00118; normalised queries and keys arXiv:2302.05442.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import GPTConfig
from .hooks import Hooked
from .kv_cache import KVCache, Placement
from .norms import RMSNorm
from .positions import rotate

__all__ = ["Attention", "Context", "repeat_heads", "softcap"]


class Context(NamedTuple):
    """What every layer needs to know about this forward pass."""

    rotary: tuple[Tensor, Tensor] | None  # cos, sin, each (B, 1, T, D/2)
    mask: Tensor | None  # (B, 1, T, S), True where a query may look
    causal: bool  # the plain triangle, when there is no mask
    cache: KVCache | None
    placement: Placement | None


def softcap(x: Tensor, cap: float | None) -> Tensor:
    """Squash smoothly into (-cap, cap); small values pass almost unchanged."""
    return x if cap is None else cap * torch.tanh(x / cap)


def repeat_heads(x: Tensor, times: int) -> Tensor:
    """Give each head to ``times`` queries: (B, K, S, D) -> (B, K * times, S, D)."""
    return x if times == 1 else x.repeat_interleave(times, dim=1)


class Attention(Hooked):
    """softmax(q k^T / sqrt(D)) v over the past, in H heads.

    The fused kernel runs unless somebody wants ``scores`` or ``pattern``, or a soft-cap
    needs the scores; ``path_used`` says which one ran last.
    """

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        width, size, bias = config.n_embd, config.head_size, config.has_attn_bias
        heads, kv_heads = config.n_head, config.kv_heads
        self.layer, self.size, self.groups = layer, size, heads // kv_heads
        self.softcap, self.p_dropout = config.attn_softcap, config.dropout
        self.query = nn.Linear(width, heads * size, bias=bias)
        self.key = nn.Linear(width, kv_heads * size, bias=bias)
        self.value = nn.Linear(width, kv_heads * size, bias=bias)
        joined = nn.Linear(heads * size, width, bias=bias)
        self.out = joined if config.attn_output else None
        self.norm_q = RMSNorm(size, eps=config.norm_eps) if config.qk_norm else None
        self.norm_k = RMSNorm(size, eps=config.norm_eps) if config.qk_norm else None
        self.dropout = nn.Dropout(config.dropout)
        self.path_used = "fused"

    def forward(self, x: Tensor, ctx: Context) -> Tensor:
        q = self.hook("q", self._split(self.query(x)))  # (B, H, T, D)
        k = self.hook("k", self._split(self.key(x)))  # (B, K, T, D)
        v = self.hook("v", self._split(self.value(x)))  # (B, K, T, D)
        if self.norm_q is not None and self.norm_k is not None:
            q, k = self.norm_q(q), self.norm_k(k)
        if ctx.rotary is not None:
            q = self.hook("q_rot", rotate(q, *ctx.rotary))
            k = self.hook("k_rot", rotate(k, *ctx.rotary))
        if ctx.cache is not None and ctx.placement is not None:
            k, v = ctx.cache.update(self.layer, k, v, ctx.placement)  # (B, K, S, D)
        k, v = repeat_heads(k, self.groups), repeat_heads(v, self.groups)
        z = self.hook("z", self._attend(q, k, v, ctx))  # (B, H, T, D)
        return self.hook("out", self.dropout(self._join(z)))  # (B, T, C)

    def _split(self, x: Tensor) -> Tensor:
        """(B, T, H * D) -> (B, H, T, D)"""
        return x.unflatten(-1, (-1, self.size)).transpose(1, 2)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, ctx: Context) -> Tensor:
        look = self.wants("scores_raw", "scores", "pattern")
        self.path_used = "explicit" if look or self.softcap is not None else "fused"
        dropout = self.p_dropout if self.training else 0.0
        if self.path_used == "fused":
            return F.scaled_dot_product_attention(
                q, k, v, attn_mask=ctx.mask, dropout_p=dropout, is_causal=ctx.causal
            )
        scores = q @ k.mT / math.sqrt(self.size)  # (B, H, T, S)
        if self.softcap is not None:
            scores = softcap(self.hook("scores_raw", scores), self.softcap)
        scores = self.hook("scores", scores)
        mask = ctx.mask
        if ctx.causal:
            mask = torch.ones(
                scores.shape[-2:], dtype=torch.bool, device=q.device
            ).tril()
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        pattern = self.hook("pattern", scores.softmax(dim=-1))  # rows sum to 1
        return F.dropout(pattern, dropout) @ v  # (B, H, T, D)

    def _join(self, z: Tensor) -> Tensor:
        """The heads side by side, then mixed: (B, H, T, D) -> (B, T, C)."""
        side_by_side = z.transpose(1, 2).flatten(2)  # (B, T, H * D)
        if self.out is None:
            return side_by_side
        if not self.wants("head_out"):
            return self.out(side_by_side)
        per_head = self.out.weight.unflatten(1, (-1, self.size))  # (C, H, D)
        written = torch.einsum("bhtd,chd->bhtc", z, per_head)  # (B, H, T, C)
        out = self.hook("head_out", written).sum(dim=1)
        return out if self.out.bias is None else out + self.out.bias

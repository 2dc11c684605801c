"""Telling a model where each token stands: four answers, one place.

Learned and sinusoidal vectors are added to the embeddings; RoPE turns queries and keys
inside attention, so that a score depends on the distance of two tokens only; "none"
leaves it to the causal mask.

Shapes: B rows, T new tokens, C n_embd, D head_dim.

Sources: sinusoidal arXiv:1706.03762; RoPE arXiv:2104.09864; none arXiv:2305.19466.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import GPTConfig

__all__ = ["Rotary", "rotate", "sinusoidal_table"]


def _angles(positions: int, size: int, base: float) -> Tensor:
    """Angle of each position for each pair, fast clocks first: (T, size/2)."""
    speeds = base ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
    return torch.outer(torch.arange(positions, dtype=torch.float32), speeds)


def sinusoidal_table(block_size: int, n_embd: int) -> Tensor:
    """Sines in the even columns, cosines in the odd ones: (block_size, C)."""
    angles = _angles(block_size, n_embd, base=10_000.0)  # (T, ceil(C/2))
    table = torch.stack((angles.sin(), angles.cos()), dim=-1)  # (T, C/2, 2)
    return table.flatten(1)[:, :n_embd]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (x[i], x[i + D/2]) by its angle; lengths do not change.

    ``x`` is (B, H, T, D), ``cos`` and ``sin`` broadcast to (B, H, T, D/2). Pairs are
    taken from the two halves, as in Llama's implementation in transformers.
    """
    a, b = x.chunk(2, dim=-1)  # 2 x (B, H, T, D/2)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1).to(x.dtype)


class Rotary(nn.Module):
    """The cosines and sines of every position, computed once."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        angles = _angles(config.block_size, config.head_size, config.rope_base)
        self.register_buffer("cos", angles.cos(), persistent=False)  # (block, D/2)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin for ``positions`` (B, T): each (B, 1, T, D/2)."""
        return self.cos[positions][:, None], self.sin[positions][:, None]

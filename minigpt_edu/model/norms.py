"""Normalisation: give every token's vector a comparable size before it is read.

Shapes: any leading axes, the last one of ``size`` numbers is normalised.

Sources: LayerNorm arXiv:1607.06450; RMSNorm arXiv:1910.07467.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import GPTConfig
from .hooks import Hooked

__all__ = ["LayerNorm", "RMSNorm", "make_norm"]


class RMSNorm(Hooked):
    """Divide by the root of the mean square, then multiply by a learned gain.

    The fused form runs unless a hook wants to see or change a step inside.
    """

    def __init__(self, size: int, *, eps: float, gain: bool = True) -> None:
        super().__init__()
        self.shape, self.eps = (size,), eps
        self.weight = nn.Parameter(torch.ones(size)) if gain else None

    def forward(self, x: Tensor) -> Tensor:
        if not self.wants("scale", "normalized"):
            return self.hook("out", F.rms_norm(x, self.shape, self.weight, self.eps))
        mean_square = x.pow(2).mean(dim=-1, keepdim=True)  # (..., 1)
        scale = self.hook("scale", (mean_square + self.eps).sqrt())
        normalized = self.hook("normalized", x / scale)
        out = normalized if self.weight is None else normalized * self.weight
        return self.hook("out", out)


class LayerNorm(Hooked):
    """Subtract the mean, divide by the standard deviation, then a gain and a bias.

    The fused form runs unless a hook wants to see or change a step inside.
    """

    def __init__(
        self, size: int, *, eps: float, gain: bool = True, bias: bool = True
    ) -> None:
        super().__init__()
        self.shape, self.eps = (size,), eps
        self.weight = nn.Parameter(torch.ones(size)) if gain else None
        self.bias = nn.Parameter(torch.zeros(size)) if gain and bias else None

    def forward(self, x: Tensor) -> Tensor:
        if not self.wants("scale", "normalized"):
            out = F.layer_norm(x, self.shape, self.weight, self.bias, self.eps)
            return self.hook("out", out)
        centred = x - x.mean(dim=-1, keepdim=True)
        variance = centred.pow(2).mean(dim=-1, keepdim=True)  # (..., 1)
        scale = self.hook("scale", (variance + self.eps).sqrt())
        out = self.hook("normalized", centred / scale)
        out = out if self.weight is None else out * self.weight
        return self.hook("out", out if self.bias is None else out + self.bias)


def make_norm(config: GPTConfig, size: int | None = None) -> RMSNorm | LayerNorm:
    """The norm the config asks for, over ``size`` numbers (default: n_embd)."""
    size = config.n_embd if size is None else size
    if config.norm == "rms":
        return RMSNorm(size, eps=config.norm_eps, gain=config.norm_gain)
    return LayerNorm(size, eps=config.norm_eps, gain=config.norm_gain, bias=config.bias)

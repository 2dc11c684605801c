"""The part of a block where each token is alone: widen, bend, narrow.

Shapes: B rows, T tokens, C n_embd, F n_hidden.

Sources: GELU arXiv:1606.08415 (tanh form, as GPT-2); SwiGLU arXiv:2002.05202;
squared ReLU arXiv:2109.08668.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from .config import GPTConfig
from .hooks import Hooked

__all__ = ["MLP", "activate"]


def activate(kind: str, x: Tensor) -> Tensor:
    """The non-linearity by name; for swiglu the one of its gate."""
    match kind:
        case "gelu":
            return F.gelu(x, approximate="tanh")
        case "relu":
            return F.relu(x)
        case "relu2":
            return F.relu(x).square()
        case "swiglu":
            return F.silu(x)
    raise ValueError(f"unknown activation {kind!r}: use gelu, relu, relu2 or swiglu")


class MLP(Hooked):
    """Two projections with a bend between them; swiglu adds a third that multiplies."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        width, hidden, bias = config.n_embd, config.hidden, config.has_mlp_bias
        self.kind = config.mlp
        gated = config.mlp == "swiglu"
        self.gate = nn.Linear(width, hidden, bias=bias) if gated else None
        self.up = nn.Linear(width, hidden, bias=bias)
        self.down = nn.Linear(hidden, width, bias=bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        if self.gate is None:
            pre = self.hook("pre", self.up(x))  # (B, T, F)
            post = activate(self.kind, pre)
        else:
            pre = self.hook("pre", self.gate(x))  # (B, T, F)
            post = activate(self.kind, pre) * self.hook("up", self.up(x))
        post = self.hook("post", post)
        return self.hook("out", self.dropout(self.down(post)))  # (B, T, C)

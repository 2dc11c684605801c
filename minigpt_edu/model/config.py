"""The shape of a GPT, as one immutable value.

Only what decides the parameters and the arithmetic: no device, dtype, seed or
tokenizer, which belong to a run. Derived numbers are properties: they cannot go stale.

    GPTConfig.gpt2(n_layer=2)                      # exactly GPT-2's architecture
    GPTConfig.modern(vocab_size=1024, n_embd=128)  # exactly Llama's
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from ..spelling import did_you_mean, refuse_unknown

__all__ = ["GPTConfig"]

Position = Literal["learned", "rope", "sinusoidal", "none"]
NormKind = Literal["layer", "rms"]
NormPosition = Literal["pre", "post"]
Activation = Literal["gelu", "relu", "relu2", "swiglu"]

CHOICES = {
    "position": get_args(Position),
    "norm": get_args(NormKind),
    "norm_position": get_args(NormPosition),
    "mlp": get_args(Activation),
}
COUNTS = ("vocab_size", "block_size", "n_layer", "n_head", "n_embd")
OPTIONAL_COUNTS = ("n_kv_head", "n_hidden", "head_dim")
CAPS = ("attn_softcap", "logit_softcap")
RANGES = {"dropout": (0, 1), "norm_eps": (0, 1e3), "rope_base": (1, 1e12)}
SWITCHES = (
    "norm_gain",
    "final_norm",
    "bias",
    "attn_bias",
    "mlp_bias",
    "head_bias",
    "attn_output",
    "parallel_block",
    "tie_weights",
    "qk_norm",
)


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """Everything that decides the shape of a GPT, and nothing else.

    Raises ValueError when fields contradict each other: the numbers, and the way out.
    """

    vocab_size: int
    block_size: int = 256  # the longest sequence the model can read, in tokens
    n_layer: int = 4
    n_head: int = 4
    n_kv_head: int | None = None  # fewer than n_head: grouped queries. None: n_head
    n_embd: int = 128
    n_hidden: int | None = None  # inside the MLP. None: 4C, for swiglu 8C/3
    head_dim: int | None = None  # None: n_embd / n_head

    position: Position = "learned"
    norm: NormKind = "layer"
    norm_position: NormPosition = "pre"
    norm_gain: bool = True  # False: a norm with nothing to learn
    final_norm: bool = True
    mlp: Activation = "gelu"
    bias: bool = True  # of every projection and norm, unless the next two say otherwise
    attn_bias: bool | None = None
    mlp_bias: bool | None = None
    head_bias: bool = False
    attn_output: bool = True  # False: no projection after the heads are joined
    parallel_block: bool = False  # attention and MLP read the same stream
    tie_weights: bool = True  # read and write tokens with the same matrix
    qk_norm: bool = False
    attn_softcap: float | None = None
    logit_softcap: float | None = None
    rope_base: float = 10_000.0
    norm_eps: float = 1e-5
    dropout: float = 0.0

    def __post_init__(self) -> None:
        self._check_numbers()
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name}={getattr(self, name)!r}: choose one of {known}"
                )
        if self.head_dim is None and self.n_embd % self.n_head:
            raise ValueError(
                f"n_embd={self.n_embd} must be a multiple of n_head={self.n_head}"
                " (or set head_dim)"
            )
        if self.n_head % self.kv_heads:
            raise ValueError(
                f"n_head={self.n_head} must be a multiple of n_kv_head={self.n_kv_head}"
            )
        if self.position == "rope" and self.head_size % 2:
            raise ValueError(
                f"rope rotates pairs of numbers: head_dim={self.head_size} must be even"
            )
        if not self.attn_output and self.n_head * self.head_size != self.n_embd:
            raise ValueError(
                f"without attn_output the joined heads ({self.n_head} x "
                f"{self.head_size}) must be as wide as n_embd={self.n_embd}"
            )
        if self.parallel_block and self.norm_position == "post":
            raise ValueError('parallel_block needs norm_position="pre"')

    def _check_numbers(self) -> None:
        for name in COUNTS + OPTIONAL_COUNTS:
            value = getattr(self, name)
            if value is None and name in OPTIONAL_COUNTS:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name}={value!r} must be a whole number, at least 1")
        for name in CAPS:
            cap = getattr(self, name)
            number = isinstance(cap, int | float) and 0 < cap < math.inf
            if cap is not None and not number:
                raise ValueError(f"{name}={cap} must be above 0, or None for no cap")
        for name, (above, below) in RANGES.items():
            value = getattr(self, name)
            inside = isinstance(value, int | float) and above < value < below
            if not inside and (name, value) != ("dropout", 0):
                raise ValueError(
                    f"{name}={value!r} must be a number above {above:g} and below "
                    f"{below:g}" + (", or 0" if name == "dropout" else "")
                )
        for name in SWITCHES:
            value = getattr(self, name)
            unset = value is None and name in ("attn_bias", "mlp_bias")
            if not isinstance(value, bool) and not unset:
                raise ValueError(f"{name}={value!r} must be True or False")

    @property
    def head_size(self) -> int:
        """Width D of one head."""
        return self.n_embd // self.n_head if self.head_dim is None else self.head_dim

    @property
    def kv_heads(self) -> int:
        """Number K of key/value heads."""
        return self.n_head if self.n_kv_head is None else self.n_kv_head

    @property
    def hidden(self) -> int:
        """Width F inside the MLP; 8C/3 (rounded up to 8s) costs swiglu what 4C does."""
        if self.n_hidden is not None:
            return self.n_hidden
        if self.mlp == "swiglu":
            return -(-8 * self.n_embd // 3 // 8) * 8
        return 4 * self.n_embd

    @property
    def has_attn_bias(self) -> bool:
        return self.bias if self.attn_bias is None else self.attn_bias

    @property
    def has_mlp_bias(self) -> bool:
        return self.bias if self.mlp_bias is None else self.mlp_bias

    @classmethod
    def gpt2(cls, **changes: Any) -> GPTConfig:
        """GPT-2 as published in 2019, 124M parameters unless changed."""
        shape: dict[str, Any] = {
            "vocab_size": 50_257,
            "block_size": 1024,
            "n_layer": 12,
            "n_head": 12,
            "n_embd": 768,
        }
        return cls.from_dict({**shape, **changes})

    @classmethod
    def modern(cls, **changes: Any) -> GPTConfig:
        """The same skeleton with what the years since replaced: Llama's architecture.

        RoPE, RMSNorm, SwiGLU, no biases (arXiv:2302.13971), grouped queries on request.
        """
        modern: dict[str, Any] = {
            "position": "rope",
            "norm": "rms",
            "mlp": "swiglu",
            "bias": False,
        }
        return cls.gpt2(**{**modern, **changes})

    @classmethod
    def preset(cls, name: str, **changes: Any) -> GPTConfig:
        """A named shape of :data:`minigpt_edu.model.presets.PRESETS`, with changes."""
        from .presets import PRESETS  # the table is made of configs: import it late

        if name not in PRESETS:
            raise ValueError(f"unknown preset {name!r}: {did_you_mean(name, PRESETS)}")
        return PRESETS[name].replace(**changes)

    def replace(self, **changes: Any) -> GPTConfig:
        """A copy with other values in some fields; unknown names raise ValueError."""
        refuse_unknown("GPTConfig", changes, self.to_dict())
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GPTConfig:
        """The inverse of :meth:`to_dict`; unknown names raise ValueError."""
        refuse_unknown("GPTConfig", values, [f.name for f in fields(cls)])
        if "vocab_size" not in values:
            raise ValueError("vocab_size is missing: it is the tokenizer's vocab_size")
        return cls(**values)

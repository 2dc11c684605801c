"""The table of hook points: what can be looked at, on which axes, and what it means.

One row per name, one order of axes everywhere: [batch, head, position, ...]. The page's
JavaScript engine is generated against the same table (:func:`hooks_json`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from .config import GPTConfig

__all__ = ["CONDITIONS", "HOOKS", "HookPoint", "hook_names", "hooks_json"]

CONDITIONS: dict[str, Callable[[GPTConfig], bool]] = {
    "always": lambda c: True,
    "added positions": lambda c: c.position in ("learned", "sinusoidal"),
    "rope": lambda c: c.position == "rope",
    "qk_norm": lambda c: c.qk_norm,
    "attn_softcap": lambda c: c.attn_softcap is not None,
    "attn_output": lambda c: c.attn_output,
    "swiglu": lambda c: c.mlp == "swiglu",
    "final_norm": lambda c: c.final_norm,
    "logit_softcap": lambda c: c.logit_softcap is not None,
    "targets given": lambda c: True,
}


@dataclass(frozen=True)
class HookPoint:
    """One value of the forward pass; ``{i}`` in the name stands for the layer."""

    name: str
    axes: str
    when: str  # a key of CONDITIONS
    meaning: str

    def explain(self) -> str:
        return f"{self.name} [{self.axes}]: {self.meaning}"


def _norm(name: str, axes: str, when: str, of: str) -> tuple[HookPoint, ...]:
    one = axes.rsplit(",", 1)[0] + ", 1"
    return (
        HookPoint(f"{name}.scale", one, when, f"what the norm of {of} divides by"),
        HookPoint(f"{name}.normalized", axes, when, "after dividing, before the gain"),
        HookPoint(f"{name}.out", axes, when, f"the normalised {of}"),
    )


STREAM = "batch, position, n_embd"
QUERY = "batch, head, position, head_dim"
KEY = "batch, kv_head, position, head_dim"
SCORES = "batch, head, query, key"
HIDDEN = "batch, position, n_hidden"
VOCAB = "batch, position, vocab"

BLOCK: tuple[HookPoint, ...] = (
    HookPoint("resid_pre", STREAM, "always", "the stream entering the block"),
    *_norm("norm1", STREAM, "always", "stream before attention"),
    HookPoint("attn.q", QUERY, "always", "queries, before norm and rotation"),
    HookPoint("attn.k", KEY, "always", "keys of the new tokens, likewise"),
    HookPoint("attn.v", KEY, "always", "values of the new tokens"),
    *_norm("attn.norm_q", QUERY, "qk_norm", "queries"),
    *_norm("attn.norm_k", KEY, "qk_norm", "keys"),
    HookPoint("attn.q_rot", QUERY, "rope", "queries turned by their position"),
    HookPoint("attn.k_rot", KEY, "rope", "keys turned by their position"),
    HookPoint("attn.scores_raw", SCORES, "attn_softcap", "scores before the cap"),
    HookPoint("attn.scores", SCORES, "always", "q.k / sqrt(D), before the mask"),
    HookPoint("attn.pattern", SCORES, "always", "masked softmax; rows sum to 1"),
    HookPoint("attn.z", QUERY, "always", "values averaged by the pattern"),
    HookPoint(
        "attn.head_out",
        "batch, head, position, n_embd",
        "attn_output",
        "what each head writes, without the bias (large: only when asked for by name)",
    ),
    HookPoint("attn.out", STREAM, "always", "what attention adds to the stream"),
    HookPoint("resid_mid", STREAM, "always", "the stream between attention and MLP"),
    *_norm("norm2", STREAM, "always", "stream before the MLP"),
    HookPoint("mlp.pre", HIDDEN, "always", "input of the non-linearity"),
    HookPoint("mlp.up", HIDDEN, "swiglu", "the branch that is multiplied"),
    HookPoint("mlp.post", HIDDEN, "always", "the neurons: what the MLP writes with"),
    HookPoint("mlp.out", STREAM, "always", "what the MLP adds to the stream"),
    HookPoint("resid_post", STREAM, "always", "the stream leaving the block"),
)

HOOKS: tuple[HookPoint, ...] = (
    HookPoint("tokens", "batch, position", "always", "the ids that went in"),
    HookPoint("embed", STREAM, "always", "each token's row of the embedding table"),
    HookPoint(
        "pos_embed", "row, position, n_embd", "added positions", "each position's row"
    ),
    *(HookPoint(f"blocks.{{i}}.{h.name}", h.axes, h.when, h.meaning) for h in BLOCK),
    *_norm("norm_final", STREAM, "final_norm", "stream before the unembedding"),
    HookPoint("logits_raw", VOCAB, "logit_softcap", "logits before the cap"),
    HookPoint("logits", VOCAB, "always", "a score for every possible next token"),
    HookPoint("loss", "batch, position", "targets given", "surprise in nats"),
)


def hook_names(config: GPTConfig) -> list[str]:
    """Every hook a model of this shape has, layer by layer."""
    names: list[str] = []
    rows = [hook for hook in HOOKS if CONDITIONS[hook.when](config)]
    block = [hook.name for hook in rows if "{i}" in hook.name]
    if config.norm_position == "post":  # each norm comes after the sum it normalises
        for norm, writer in (("norm1.", "attn.out"), ("norm2.", "mlp.out")):
            moved = [name for name in block if norm in name]
            block = [name for name in block if name not in moved]
            after = block.index(f"blocks.{{i}}.{writer}") + 1
            block[after:after] = moved
    for hook in rows:
        if "{i}" not in hook.name:
            names.append(hook.name)
        elif hook.name == block[0]:
            layers = range(config.n_layer)
            names += [name.format(i=i) for i in layers for name in block]
    return names


def hooks_json() -> str:
    """The table as JSON, for programs in other languages."""
    return json.dumps([asdict(hook) for hook in HOOKS], indent=1)

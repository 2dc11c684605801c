"""GPT, the whole model on one page: token ids in, a score for every next token out.

Read it from top to bottom; that is the order of the computation. It never logs, prints
or plots: ``self.hook(...)`` is its only voice. Attention, norms, MLP and positions have
a page each, beside this one.

    model = GPT(GPTConfig.modern(vocab_size=1024, n_embd=128))
    logits = model(ids)                                   # (B, T, V)

Shapes: B rows, T new tokens, S tokens seen, C n_embd, V vocab_size, L layers.

Sources: GPT-2 (Radford et al. 2019); Llama arXiv:2302.13971.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from .attention import Attention, Context, softcap
from .config import GPTConfig
from .hooks import Hooked, HookedModel
from .kv_cache import KVCache
from .mlp import MLP
from .norms import make_norm
from .positions import Rotary, sinusoidal_table

__all__ = ["GPT", "Block"]


class Block(Hooked):
    """Communicate, then compute; each adds its result to the residual stream."""

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.post, self.parallel = config.norm_position == "post", config.parallel_block
        self.norm1, self.attn = make_norm(config), Attention(config, layer)
        self.norm2, self.mlp = make_norm(config), MLP(config)

    def forward(self, x: Tensor, ctx: Context) -> Tensor:
        x = before = self.hook("resid_pre", x)  # (B, T, C), as everything here
        if self.post:
            x = self.hook("resid_mid", self.norm1(x + self.attn(x, ctx)))
            return self.hook("resid_post", self.norm2(x + self.mlp(x)))
        x = self.hook("resid_mid", x + self.attn(self.norm1(x), ctx))
        read = before if self.parallel else x
        return self.hook("resid_post", x + self.mlp(self.norm2(read)))


class GPT(HookedModel):
    """A decoder-only Transformer; its weights come from torch's global generator."""

    table: Tensor | None

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config)
        C, V, T = config.n_embd, config.vocab_size, config.block_size
        self.token_embedding = nn.Embedding(V, C)
        learned, fixed = config.position == "learned", config.position == "sinusoidal"
        self.position_embedding = nn.Embedding(T, C) if learned else None
        table = sinusoidal_table(T, C) if fixed else None
        self.register_buffer("table", table, persistent=False)
        self.rotary = Rotary(config) if config.position == "rope" else None
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, i) for i in range(config.n_layer))
        self.norm_final = make_norm(config) if config.final_norm else None
        self.head = None if config.tie_weights else nn.Linear(C, V, bias=False)
        self.head_bias = nn.Parameter(torch.zeros(V)) if config.head_bias else None
        self.recompute = False  # True: gradient checkpointing, less memory, more time
        self._init_weights()
        self._name_hooks()

    def _init_weights(self) -> None:
        """GPT-2's: normal(0, 0.02), and less where a layer writes to the stream.

        L layers write 2L times; dividing by sqrt(2L) keeps the stream from growing.
        """
        for name, parameter in self.named_parameters():
            if parameter.dim() < 2:
                continue  # norms start at one, biases at zero
            writes = name.endswith(("attn.out.weight", "mlp.down.weight"))
            shrink = math.sqrt(2 * self.config.n_layer) if writes else 1.0
            nn.init.normal_(parameter, std=0.02 / shrink)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(
        self,
        ids: Tensor,
        cache: KVCache | None = None,
        *,
        lengths: Sequence[int] | None = None,
    ) -> Tensor:
        """(B, T) token ids -> (B, T, V) logits in float32.

        With a ``cache``, ids are only the new tokens; ``lengths[b]`` of row b are real.
        Raises ValueError when they do not fit in block_size or in the cache.
        """
        return self.unembed(self.residual(ids, cache, lengths=lengths))

    def residual(
        self,
        ids: Tensor,
        cache: KVCache | None = None,
        *,
        lengths: Sequence[int] | None = None,
    ) -> Tensor:
        """(B, T) token ids -> (B, T, C), the residual stream after the last block."""
        ids = self.hook("tokens", ids)
        positions, ctx = self._context(ids, cache, lengths)
        x = self.hook("embed", self.token_embedding(ids))  # (B, T, C)
        if self.position_embedding is not None:
            x = x + self.hook("pos_embed", self.position_embedding(positions))
        elif self.table is not None:
            x = x + self.hook("pos_embed", self.table[positions])
        x = self.dropout(x)
        for block in self.blocks:
            if self.recompute and self.training and self._listener is None:
                x = checkpoint(block, x, ctx, use_reentrant=False)
            else:
                x = block(x, ctx)
        if cache is not None and ctx.placement is not None:
            cache.advance(ctx.placement)
        return x

    def _context(
        self, ids: Tensor, cache: KVCache | None, lengths: Sequence[int] | None
    ) -> tuple[Tensor, Context]:
        """Positions (B or 1, T) of the new tokens, and who may look where."""
        if ids.dim() != 2 or ids.is_floating_point() or not ids.numel():
            raise ValueError(
                f"ids must be whole numbers of shape (rows, tokens), not "
                f"{tuple(ids.shape)} {ids.dtype}: for one text, torch.tensor([ids])"
            )
        T, limit = ids.shape[1], self.config.block_size
        if T > limit:
            raise ValueError(
                f"{T} tokens do not fit in block_size={limit}: shorten or chunk them"
            )
        if cache is None:
            if lengths is not None:
                raise ValueError("lengths say what to write into a cache: pass one")
            positions = torch.arange(T, device=ids.device)[None]  # (1, T)
            rotary = None if self.rotary is None else self.rotary(positions)
            return positions, Context(rotary, None, True, None, None)
        cache.check(self.config, len(ids))
        at = cache.place(T, lengths)
        rotary = None if self.rotary is None else self.rotary(at.positions)
        if at.start == 0:  # nothing in the past: the plain triangle
            return at.positions, Context(rotary, None, True, cache, at)
        if at.start is not None and T == 1:  # one token sees all there is
            return at.positions, Context(rotary, None, False, cache, at)
        slots = torch.arange(at.seen, device=ids.device)  # (S,)
        mask = slots <= at.positions[:, None, :, None]  # (B, 1, T, S)
        return at.positions, Context(rotary, mask, False, cache, at)

    def unembed(self, x: Tensor) -> Tensor:
        """(..., C) stream -> (..., V) logits. On a middle layer: the logit lens."""
        x = x if self.norm_final is None else self.norm_final(x)
        weight = self.token_embedding.weight if self.head is None else self.head.weight
        logits = F.linear(x, weight, self.head_bias).float()
        if self.config.logit_softcap is not None:
            logits = softcap(self.hook("logits_raw", logits), self.config.logit_softcap)
        return self.hook("logits", logits)

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean surprise in nats at the true next tokens; targets of -1 do not count."""
        logits, flat = self(ids).flatten(0, 1), targets.flatten()
        if self.wants("loss"):
            each = F.cross_entropy(logits, flat, ignore_index=-1, reduction="none")
            each = self.hook("loss", each.view_as(targets))  # (B, T)
            return each.sum() / (targets != -1).sum()
        return F.cross_entropy(logits, flat, ignore_index=-1)

    def num_params(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def device(self) -> torch.device:
        return self.token_embedding.weight.device

"""A GPT-2 in plain PyTorch, as a good tutorial would write it: a yardstick.

Nothing here imports the package. It is meant to be what a careful reader would build
from torch's own modules: one matrix for queries, keys and values, the fused attention
kernel, LayerNorm, GELU, tied embeddings, and the usual loop.

    model = ReferenceGPT(vocab_size=65, block_size=64, n_layer=4, n_head=8, n_embd=128)
    step = reference_loop(model, ids, block_size=64, batch_size=32)
    loss = step()

Shapes: B rows, T positions, C n_embd, H heads, D = C / H, V vocab_size.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ReferenceGPT", "reference_loop"]


class ReferenceAttention(nn.Module):
    def __init__(self, n_embd: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.qkv = nn.Linear(n_embd, 3 * n_embd)
        self.proj = nn.Linear(n_embd, n_embd)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        q, k, v = self.qkv(x).split(C, dim=2)
        q, k, v = (
            t.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
            for t in (q, k, v)
        )  # (B, H, T, D)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).contiguous().view(B, T, C))


class ReferenceBlock(nn.Module):
    def __init__(self, n_embd: int, n_head: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.attn = ReferenceAttention(n_embd, n_head)
        self.mlp = nn.Sequential(
            nn.Linear(n_embd, 4 * n_embd),
            nn.GELU(approximate="tanh"),
            nn.Linear(4 * n_embd, n_embd),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class ReferenceGPT(nn.Module):
    """GPT-2's architecture with GPT-2's initialisation."""

    def __init__(
        self,
        *,
        vocab_size: int,
        block_size: int,
        n_layer: int,
        n_head: int,
        n_embd: int,
    ) -> None:
        super().__init__()
        self.wte = nn.Embedding(vocab_size, n_embd)
        self.wpe = nn.Embedding(block_size, n_embd)
        self.blocks = nn.ModuleList(
            ReferenceBlock(n_embd, n_head) for _ in range(n_layer)
        )
        self.ln_f = nn.LayerNorm(n_embd)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                last = name.endswith(("proj.weight", "mlp.2.weight"))
                std = 0.02 / math.sqrt(2 * n_layer) if last else 0.02
                nn.init.normal_(p, std=std)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """(B, T) ids and targets -> the mean loss, in nats."""
        positions = torch.arange(ids.shape[1], device=ids.device)
        x = self.wte(ids) + self.wpe(positions)  # (B, T, C)
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.ln_f(x), self.wte.weight)  # (B, T, V)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


def reference_loop(
    model: ReferenceGPT,
    ids: Tensor,
    *,
    block_size: int,
    batch_size: int,
    fused: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Callable[[], float]:
    """A function that makes one training step, from drawing the batch to the loss.

    ``fused`` asks torch for the one-pass AdamW, and ``dtype`` bfloat16 for autocast; a
    tutorial leaves both out.
    """
    device = next(model.parameters()).device
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": 0.1},
        {"params": vectors, "weight_decay": 0.0},
    ]
    options = {"fused": True} if fused else {}
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), **options)
    model.train()

    def step() -> float:
        starts = torch.randint(len(ids) - block_size, (batch_size,)).tolist()
        inputs = torch.stack([ids[i : i + block_size] for i in starts])
        targets = torch.stack([ids[i + 1 : i + 1 + block_size] for i in starts])
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            loss = model(inputs.to(device), targets.to(device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step

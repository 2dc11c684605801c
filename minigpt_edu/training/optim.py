"""What decays, how fast everything learns, and the optimizer that does both.

It knows parameters and step numbers, not batches or losses.

    optimizer = adamw(model, lr=1e-3, weight_decay=0.1)
    lr = learning_rate(9, shape="cosine", peak=1e-3, final=1e-4, warmup=50, steps=500)

Papers: AdamW, arXiv:1711.05101; the cosine, arXiv:1608.03983.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

__all__ = [
    "SCHEDULES",
    "adamw",
    "learning_rate",
    "load_named_state",
    "named_state",
    "param_groups",
]

# How much of the way down is left, when `t` of the time after warm-up has passed.
SCHEDULES: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "constant": lambda t: 1.0,
        "linear": lambda t: 1.0 - t,
        "cosine": lambda t: 0.5 * (1.0 + math.cos(math.pi * t)),
    }
)


def learning_rate(
    step: int, *, shape: str, peak: float, final: float, warmup: int, steps: int
) -> float:
    """The learning rate of one step: a straight climb, then the way down of ``shape``.

    Steps count from 0. Step ``warmup`` is the first at ``peak``; the last step,
    ``steps - 1``, is exactly at ``final`` and so is any after it. "constant" stays at
    ``peak`` and never looks at ``final``.
    """
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    passed = min(1.0, (step - warmup) / max(1, steps - 1 - warmup))
    left = SCHEDULES[shape](passed)
    return peak * left + final * (1.0 - left)


def param_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups: matrices, which decay, and vectors (biases, gains), which do not.

    Decay pulls a weight towards zero. For a matrix that means a simpler map; a gain
    pulled to zero would only silence a channel. Each trainable parameter is in exactly
    one group, and a tied weight is there once.
    """
    params = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in params if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0},
    ]


def adamw(
    model: nn.Module,
    *,
    lr: float,
    weight_decay: float = 0.1,
    betas: tuple[float, float] = (0.9, 0.95),
) -> torch.optim.AdamW:
    """torch's AdamW over :func:`param_groups`, in one fused pass where the device can.

    Fused means that moments, decay and update are one loop over memory instead of about
    ten. The numbers are those of the plain loop up to rounding.
    """
    groups = param_groups(model, weight_decay)
    kinds = {p.device.type for group in groups for p in group["params"]}
    fused = kinds <= {"cpu", "cuda", "mps"}
    return torch.optim.AdamW(groups, lr=lr, betas=betas, fused=fused)


def named_state(
    optimizer: torch.optim.Optimizer, model: nn.Module
) -> dict[str, Tensor]:
    """What the optimizer remembers, by parameter: "exp_avg:norm_final.weight"."""
    names: dict[Tensor, str] = {p: name for name, p in model.named_parameters()}
    return {
        f"{key}:{names[p]}": value
        for p, values in optimizer.state.items()
        for key, value in values.items()
    }


def load_named_state(
    optimizer: torch.optim.Optimizer, model: nn.Module, saved: Mapping[str, Tensor]
) -> None:
    """Put back what :func:`named_state` gave; an empty ``saved`` is a fresh optimizer.

    Raises ValueError when it belongs to other parameters.
    """
    memory: dict[str, dict[str, Tensor]] = {}
    for label, value in saved.items():
        key, _, name = label.partition(":")
        memory.setdefault(name, {})[key] = value
    names = {p: name for name, p in model.named_parameters()}
    order = [names[p] for group in optimizer.param_groups for p in group["params"]]
    if memory and memory.keys() != set(order):
        odd = sorted(memory.keys() ^ set(order))
        raise ValueError(
            f"the saved optimizer knows {len(memory)} parameters and this model trains "
            f"{len(order)}; the first that only one of them has is {odd[0]}"
        )
    numbered = {i: memory[name] for i, name in enumerate(order) if memory}
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": numbered, "param_groups": groups})

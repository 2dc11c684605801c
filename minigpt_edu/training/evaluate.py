"""The loss on text a model does not train on. Measuring it changes nothing.

    nats, targets = total_loss(model, batches.windows())
    nats / targets                                        # nats per token

It knows models and batches, not tokenizers: bits per byte are
``minigpt_edu.evaluation``'s business.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import mul

import torch
from torch import Tensor

from ..device import autocast
from ..model.gpt import GPT
from .batches import IGNORED

__all__ = ["total_loss"]


@torch.no_grad()
def total_loss(
    model: GPT,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    dtype: torch.dtype = torch.float32,
) -> tuple[float, int]:
    """The nats of all counted targets together, and how many targets those are.

    Dropout is off while it runs, and the model is then in the mode it was in. Raises
    ValueError when no target counts.
    """
    was_training = model.training
    means, counts = [], []
    model.eval()
    try:
        for ids, targets in batches:
            with autocast(model.device, dtype):
                loss = model.loss(ids.to(model.device), targets.to(model.device))
            means.append(loss)
            counts.append(int((targets != IGNORED).sum()))
    finally:
        model.train(was_training)
    if not sum(counts):
        raise ValueError("no target counts: there is nothing to take the loss of")
    each = torch.stack(means).tolist()  # one wait for the device, after all batches
    return math.fsum(map(mul, each, counts)), sum(counts)

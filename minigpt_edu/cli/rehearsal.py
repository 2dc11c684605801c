"""Finding out whether a run can be made before anything is written for it.

with enough_memory(options):
    run = new_run(options)
    rehearse(run.trainer)      # one batch forward and backward, as if nothing was
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..device import autocast
from ..training.randomness import seeded
from ..training.trainer import Trainer
from .options import TrainOptions

__all__ = ["enough_memory", "rehearse"]

SAID = ("can't allocate", "out of memory. Tried", "backend out of memory")


def rehearse(trainer: Trainer) -> None:
    """One batch forward and backward. Weights, optimizer and random state stay as they
    were, so the run makes the numbers it would have made."""
    ids, targets = trainer.train[0]
    with seeded(0, trainer.device):
        with autocast(trainer.device, trainer.dtype):
            here = ids.to(trainer.device), targets.to(trainer.device)
            loss = trainer.model.loss(*here)
        loss.backward()
    trainer.optimizer.zero_grad(set_to_none=True)


@contextmanager
def enough_memory(options: TrainOptions) -> Iterator[None]:
    """Raise ValueError, with the flags that save memory, when there is too little."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        known = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not known and not any(part in str(error) for part in SAID):
            raise
        asked = [
            f"--{name.replace('_', '-')} {value}"
            for name in ("batch_size", "block_size", "n_layer", "n_embd")
            if (value := getattr(options, name)) is not None
        ]
        given = f" with {' '.join(asked)}" if asked else ""
        raise ValueError(
            f"there is too little memory for this run{given}: give a smaller "
            "--batch-size (and more --accumulate), --block-size or model"
        ) from error

"""Logits to better weights: batches, optimizer, and the loop that is an iterator."""

from .batches import TokenBatches, windows
from .config import TrainConfig
from .evaluate import total_loss
from .optim import (
    SCHEDULES,
    adamw,
    learning_rate,
    load_named_state,
    named_state,
    param_groups,
)
from .randomness import seeded, splitmix64
from .trainer import DivergedError, StepRecord, Trainer

__all__ = [
    "SCHEDULES",
    "DivergedError",
    "StepRecord",
    "TokenBatches",
    "TrainConfig",
    "Trainer",
    "adamw",
    "learning_rate",
    "load_named_state",
    "named_state",
    "param_groups",
    "seeded",
    "splitmix64",
    "total_loss",
    "windows",
]

"""How a model is trained, as one immutable value: the recipe, never the shape.

It knows numbers and names; devices and dtypes are looked up when a run starts.

    config = TrainConfig(steps=500, lr=2e-3)
    TrainConfig.from_dict(config.to_dict()) == config      # through JSON and back
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from ..spelling import refuse_unknown
from .optim import learning_rate

__all__ = ["RESUMABLE", "ScheduleName", "TrainConfig"]

ScheduleName = Literal["constant", "linear", "cosine"]

# What may change when a run goes on: how long, where, and how closely it is watched.
# Everything else decides the numbers of the run; changing it makes another run.
RESUMABLE = ("steps", "eval_every", "eval_batches", "recompute", "device")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides a run, given a model and its batches.

    One step reads ``accumulate`` micro-batches and changes the weights once. Raises
    ValueError when a field makes no sense, with the number and the way out.
    """

    steps: int = 1000  # changes of the weights
    accumulate: int = 1  # micro-batches per step: more rows in the same memory
    lr: float = 4e-3  # after warm-up; for a few million weights, more weights want less
    final_lr: float | None = None  # of the last step. None: a tenth of lr
    warmup: int | None = None  # steps of climbing. None: a tenth of steps, at most 100
    schedule: ScheduleName = "cosine"
    weight_decay: float = 0.1  # of matrices only
    betas: tuple[float, float] = (0.9, 0.95)  # memory of AdamW's two averages
    clip: float | None = 1.0  # longest gradient allowed. None: any
    eval_every: int | None = 100  # steps between validation losses. None: never
    eval_batches: int | None = 50  # at most; None: the whole validation split
    recompute: bool = False  # forget activations, compute them again when needed
    device: str = "auto"
    dtype: str = "auto"  # of matrix products; weights stay float32
    seed: int = 0  # of dropout; batches have their own

    def __post_init__(self) -> None:
        if isinstance(self.betas, list):  # JSON has no tuples
            object.__setattr__(self, "betas", tuple(self.betas))
        self._check_counts()
        self._check_numbers()
        self._check_rates()

    def _check_counts(self) -> None:
        optional = ("eval_every", "eval_batches")
        for name in ("steps", "accumulate", *optional):
            value = getattr(self, name)
            if value is None and name in optional:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                none = " or None" if name in optional else ""
                raise ValueError(
                    f"{name}={value!r} must be a whole number, at least 1{none}"
                )
        if not isinstance(self.seed, int) or isinstance(self.seed, bool):
            raise ValueError(f"seed={self.seed!r} must be a whole number")
        warmup = self.warmup
        if warmup is None:
            return
        if not isinstance(warmup, int) or isinstance(warmup, bool) or warmup < 0:
            raise ValueError(f"warmup={warmup!r} must be a whole number, at least 0")
        if warmup >= self.steps:
            raise ValueError(
                f"warmup={warmup} must be smaller than steps={self.steps}, or lr "
                "would never be reached: leave warmup out to get a tenth of steps"
            )

    def _check_numbers(self) -> None:
        optional = ("final_lr", "clip")
        for name in ("lr", "weight_decay", *optional):
            value = getattr(self, name)
            if not (_is_number(value) or (value is None and name in optional)):
                none = " or None" if name in optional else ""
                raise ValueError(f"{name}={value!r} must be a number{none}")
        if not isinstance(self.betas, tuple) or not all(map(_is_number, self.betas)):
            raise ValueError(
                f"betas={self.betas!r} must be two numbers in [0, 1): try (0.9, 0.95)"
            )

    def _check_rates(self) -> None:
        if not (self.lr > 0 and math.isfinite(self.lr)):
            raise ValueError(f"lr={self.lr} must be above 0: try 1e-3")
        if self.final_lr is not None and not 0 <= self.final_lr <= self.lr:
            raise ValueError(
                f"final_lr={self.final_lr} must be between 0 and lr={self.lr}"
            )
        known = get_args(ScheduleName)
        if self.schedule not in known:
            raise ValueError(f"schedule={self.schedule!r}: choose one of {known}")
        if not (self.weight_decay >= 0 and math.isfinite(self.weight_decay)):
            raise ValueError(f"weight_decay={self.weight_decay} must be at least 0")
        if len(self.betas) != 2 or not all(0 <= b < 1 for b in self.betas):
            raise ValueError(f"betas={self.betas} must be two numbers in [0, 1)")
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip={self.clip} must be above 0, or None for no limit")

    @property
    def warmup_steps(self) -> int:
        return min(100, self.steps // 10) if self.warmup is None else self.warmup

    @property
    def last_lr(self) -> float:
        return self.lr / 10 if self.final_lr is None else self.final_lr

    def lr_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        return learning_rate(
            step,
            shape=self.schedule,
            peak=self.lr,
            final=self.last_lr,
            warmup=self.warmup_steps,
            steps=self.steps,
        )

    def resumed(self, **changes: Any) -> TrainConfig:
        """The recipe of a run that goes on, where only :data:`RESUMABLE` may change.

        With other ``steps``, the learning rate follows the new schedule from here on:
        warm-up keeps the length it had, if that many steps are left at all.
        """
        refuse_unknown("TrainConfig", changes, self.to_dict())
        for name, value in changes.items():
            if name not in RESUMABLE and value != getattr(self, name):
                raise ValueError(
                    f"{name} was {getattr(self, name)!r} in this run and cannot become "
                    f"{value!r} halfway; only {', '.join(RESUMABLE)} can. For another "
                    "recipe, start a new run from the checkpoint's model"
                )
        steps = changes.get("steps", self.steps)
        replace(self, steps=steps, warmup=None)  # refuses what is no number of steps
        return replace(self, **{"warmup": min(self.warmup_steps, steps - 1), **changes})

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, ready for JSON."""
        return {**asdict(self), "betas": list(self.betas)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainConfig:
        """The inverse of :meth:`to_dict`; unknown names raise ValueError."""
        refuse_unknown("TrainConfig", values, [f.name for f in fields(cls)])
        return cls(**values)


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)

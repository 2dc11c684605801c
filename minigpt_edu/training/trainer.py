"""The training loop, as an iterator: one change of the weights, one record.

    trainer = Trainer(model, TokenBatches(ids, 64, 32), None, TrainConfig(steps=500))
    for record in trainer.steps():     # watch it, plot it, leave it: it is only a loop
        print(record.explain())
    trainer.save("runs/first.safetensors")

It knows models, batches and recipes; it knows no text, and neither prints nor plots.
Step n is a function of n and of the weights before it: its batch and its dropout are
drawn from n, and torch's own random state is left as it was found. So a run that was
stopped and resumed makes the same weights, bit for bit, as one that was not.

Papers: clipping arXiv:1211.5063; mixed precision arXiv:1710.03740; recomputing
activations arXiv:1604.06174.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from ..checkpoint import (
    CheckpointError,
    CheckpointInfo,
    load_checkpoint,
    load_state,
    save_checkpoint,
)
from ..device import autocast, pick_device, pick_dtype
from ..model.gpt import GPT
from ..text.tokenizer import Tokenizer
from .batches import IGNORED, TokenBatches
from .config import TrainConfig
from .evaluate import total_loss
from .optim import adamw, load_named_state, named_state
from .randomness import seeded, splitmix64

__all__ = ["DivergedError", "StepRecord", "Trainer"]


class DivergedError(ValueError):
    """The loss or its gradient is no number any more; the weights were not touched."""


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """What happened in one step."""

    step: int  # how many steps were made, this one included
    loss: float  # before the change: nats per counted target, over the whole step
    lr: float
    grad_norm: float  # before clipping
    clipped: bool  # the gradient was longer than allowed, and was shortened
    tokens: int  # read in this step: rows x positions x micro-batches
    tokens_per_second: float  # without the time that validation took
    val_loss: float | None = None  # after the change, on steps that look at it
    best: bool = False  # the lowest val_loss so far

    @property
    def perplexity(self) -> float:
        """Among how many equally likely tokens one would be as unsure."""
        return math.exp(min(self.loss, 700.0))  # e^710 is too large for a float

    def explain(self) -> str:
        """The step in one plain sentence."""
        said = (
            f"step {self.step}: loss {self.loss:.3f}, as unsure as a fair choice among "
            f"{self.perplexity:,.1f} tokens"
        )
        if self.val_loss is not None:
            said += f"; on text it never trains on, {self.val_loss:.3f}"
            said += " (the best so far)" if self.best else ""
        said += f"; gradient length {self.grad_norm:.2f}"
        if not math.isfinite(self.grad_norm):
            said += ", too large for float16, so this step changed nothing"
        elif self.clipped:
            said += ", shortened"
        return f"{said}; {self.tokens_per_second:,.0f} tokens/s"


class Trainer:
    """Changes a model's weights, step by step, until the next token surprises it less.

    The model is moved to ``config.device`` and trained in place. ``val`` may be None;
    then nothing is validated. To stop early, leave the loop: between two records
    weights and optimizer agree, and :meth:`save` writes both.

    Raises ValueError when the batches do not fit the model.
    """

    def __init__(
        self,
        model: GPT,
        train: TokenBatches,
        val: TokenBatches | None,
        config: TrainConfig,
    ) -> None:
        _check_fit(model, train, "training")
        if val is not None:
            _check_fit(model, val, "validation")
        self.train, self.val, self.config = train, val, config
        self.device = pick_device(config.device)
        self.dtype = pick_dtype(self.device, config.dtype)
        self.model = model.to(self.device)
        self.model.recompute = config.recompute
        self.optimizer = adamw(
            model, lr=config.lr, weight_decay=config.weight_decay, betas=config.betas
        )
        # float16 loses small gradients: the scaler lifts them into its range
        half = self.dtype == torch.float16
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=half)
        self.step = 0  # changes made so far
        self.last: StepRecord | None = None
        self.best_val_loss = math.inf

    def steps(self) -> Iterator[StepRecord]:
        """Train until ``config.steps``, one record per step. Calling it again goes on.

        Raises DivergedError, before the weights change, when a loss or a gradient is
        infinite or not a number.
        """
        while self.step < self.config.steps:
            yield self._step()

    def _step(self) -> StepRecord:
        started, lr = perf_counter(), self.config.lr_at(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad(set_to_none=True)  # kept until now, to be looked at
        loss_on_device, tokens = self._backward()
        self.scaler.unscale_(self.optimizer)
        params = list(self.model.parameters())
        gradients = [p.grad for p in params if p.grad is not None]
        length = torch.nn.utils.get_total_norm(gradients)
        # The only time in a step that the host waits for the device: two numbers.
        loss, grad_norm = torch.stack((loss_on_device, length)).tolist()
        self._refuse_nan(loss, grad_norm)
        limit = math.inf if self.config.clip is None else self.config.clip
        clipped = limit < grad_norm < math.inf
        if clipped:
            torch.nn.utils.clip_grads_with_norm_(params, limit, length)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.step += 1
        seconds = perf_counter() - started
        val_loss, best = self._look()
        self.last = StepRecord(
            step=self.step,
            loss=loss,
            lr=lr,
            grad_norm=grad_norm,
            clipped=clipped,
            tokens=tokens,
            tokens_per_second=tokens / seconds,
            val_loss=val_loss,
            best=best,
        )
        return self.last

    def _backward(self) -> tuple[Tensor, int]:
        """Add up the gradients of the step's micro-batches; return loss and tokens.

        Each micro-batch weighs as much as it has counted targets, so k of them give the
        gradient of one batch k times as large, masks or not.
        """
        first = self.step * self.config.accumulate
        batches = [self.train[first + i] for i in range(self.config.accumulate)]
        counts = [int((targets != IGNORED).sum()) for _, targets in batches]
        total = torch.zeros((), device=self.device)
        self.model.train()
        seed = int(splitmix64(self.config.seed, self.step, 1)[0])
        with seeded(seed, self.device):
            for (ids, targets), count in zip(batches, counts, strict=True):
                loss = self._loss(ids, targets) * (count / sum(counts))
                self.scaler.scale(loss).backward()
                total += loss.detach()
        return total, sum(ids.numel() for ids, _ in batches)

    def _loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        with autocast(self.device, self.dtype):
            return self.model.loss(ids.to(self.device), targets.to(self.device))

    def _refuse_nan(self, loss: float, grad_norm: float) -> None:
        if math.isfinite(loss) and math.isfinite(grad_norm):
            return
        # In float16 a gradient that overflows is ordinary: the scaler halves its scale
        # and skips the step. Below a scale of 1 the gradient itself is to blame.
        if math.isfinite(loss) and self.scaler.get_scale() > 1.0:
            return
        name, value = ("gradient's length", grad_norm)
        if not math.isfinite(loss):
            name, value = ("loss", loss)
        raise DivergedError(
            f"step {self.step + 1}: the {name} is {value}, so the weights were left as "
            f"they were after step {self.step}; lower lr={self.config.lr:g}, lengthen "
            f"warmup={self.config.warmup_steps}, or lower clip={self.config.clip}"
        )

    def _look(self) -> tuple[float | None, bool]:
        """The validation loss, on steps that ask for it, and whether it is the best."""
        every = self.config.eval_every
        if self.val is None or every is None:
            return None, False
        if self.step % every and self.step < self.config.steps:
            return None, False
        val_loss, before = self.evaluate(), self.best_val_loss
        self.best_val_loss = min(val_loss, before)
        return val_loss, val_loss < before

    def evaluate(self) -> float:
        """Mean loss on the validation split, in nats per token, without dropout.

        Always the same windows: the whole split when it has at most
        ``config.eval_batches`` batches, else that many, evenly spaced. Changes neither
        weights nor random state. Raises ValueError when there is no validation split.
        """
        if self.val is None:
            raise ValueError("there is no validation split: give Trainer val batches")
        batches = self.val.windows(self.config.eval_batches)
        nats, targets = total_loss(self.model, batches, dtype=self.dtype)
        return nats / targets

    def save(
        self, path: Path | str, *, tokenizer: Tokenizer | None = None, **meta: Any
    ) -> CheckpointInfo:
        """Write weights, optimizer and recipe to one file, from which a run can go on.

        ``meta`` is anything JSON can hold (a description, the name of the corpus). The
        losses in the header are those of the last step; ``val_loss`` is None when that
        step did not look at it, and both are when it was interrupted before its record.
        """
        last, best = self.last, self.best_val_loss
        if last is not None and last.step != self.step:
            last = None  # interrupted between the change and its record
        return save_checkpoint(
            path,
            self.model,
            tokenizer=tokenizer,
            state=named_state(self.optimizer, self.model),
            step=self.step,
            train_loss=last.loss if last else None,
            val_loss=last.val_loss if last else None,
            best_val_loss=best if math.isfinite(best) else None,
            train=self.config.to_dict(),
            data=self.train.describe(),
            scaler=self.scaler.state_dict(),
            **meta,
        )

    @classmethod
    def resume(
        cls,
        path: Path | str,
        train: TokenBatches,
        val: TokenBatches | None = None,
        **changes: Any,
    ) -> Trainer:
        """Go on where :meth:`save` stopped: the next step is the one that was due.

        The batches must be the run's own. ``changes`` may name those fields of
        TrainConfig that do not make it another run: steps, eval_every, eval_batches,
        recompute, device.

        Raises ValueError for other data or another recipe, and CheckpointError for a
        file that holds a model but no training state.
        """
        checkpoint = load_checkpoint(path, "cpu")
        meta = checkpoint.info.meta
        if "train" not in meta:
            raise CheckpointError(
                f"{path} holds a model but not the state of its training: start a new "
                "run from that model"
            )
        _check_same_data(meta["data"], train.describe())
        config = TrainConfig.from_dict(meta["train"]).resumed(**changes)
        trainer = cls(checkpoint.model, train, val, config)
        load_named_state(trainer.optimizer, trainer.model, load_state(path))
        if meta["scaler"] and trainer.scaler.is_enabled():
            trainer.scaler.load_state_dict(meta["scaler"])
        trainer.step = meta["step"]
        best = meta["best_val_loss"]
        trainer.best_val_loss = math.inf if best is None else best
        return trainer


def _check_fit(model: GPT, batches: TokenBatches, split: str) -> None:
    shape = model.config
    if batches.block_size > shape.block_size:
        raise ValueError(
            f"{split} windows of {batches.block_size} tokens do not fit in the model's "
            f"block_size={shape.block_size}: cut shorter windows"
        )
    if batches.max_id >= shape.vocab_size:
        raise ValueError(
            f"the {split} split has token id {batches.max_id} but the model's "
            f"vocab_size={shape.vocab_size}: encode it with the model's tokenizer"
        )


def _check_same_data(saved: dict[str, int], given: dict[str, int]) -> None:
    for name, was in saved.items():
        if given.get(name) != was:
            raise ValueError(
                f"the run was trained on batches with {name} {was}, but these have "
                f"{given.get(name)}: give the run's own batches, or start a new run "
                "from the checkpoint's model"
            )

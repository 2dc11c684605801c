"""The sentences of ``minigpt train``: what will be done, how it goes, what came of it.

It turns numbers into text and does nothing else.

    for line in introduction(run): ...
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..corpora import SMALL
from ..training.trainer import StepRecord

if TYPE_CHECKING:
    from .prepare import Run

__all__ = ["evaluation_line", "introduction", "verdict"]


def introduction(run: Run) -> Iterator[str]:
    """What is about to happen, one line per part."""
    trainer, lines = run.trainer, run.lines
    config, recipe = trainer.model.config, trainer.config
    read = trainer.train.batch_size * trainer.train.block_size * recipe.accumulate
    times = recipe.steps * read / len(trainer.train)
    vocabulary = run.tokenizer.vocab_size
    yield f"text       {run.corpus.explain()}"
    yield (
        f"tokenizer  {run.meta['chosen']['tokenizer']}, {vocabulary:,} tokens: "
        f"{len(trainer.train):,} to learn from, {run.val_tokens:,} held out "
        f"({lines.val_bytes / run.val_tokens:.2f} bytes each)"
    )
    if run.unknown:
        yield _unknown_line(run)
    yield (
        f"model      {run.meta['chosen']['preset']}: {config.n_layer} blocks, "
        f"{config.n_embd} wide, {trainer.model.num_params():,} parameters, reads "
        f"{config.block_size} tokens"
    )
    yield (
        f"training   {recipe.steps:,} steps of {read:,} tokens ({times:.1f} times the "
        f"text), learning rate {recipe.lr:g}, on {trainer.device}"
    )
    if (
        recipe.eval_batches
        and (batches := _held_out_batches(run)) > recipe.eval_batches
    ):
        yield (
            f"           a held-out loss is an estimate from {recipe.eval_batches} of "
            f"{batches:,} batches"
        )
    begun = f", going on after step {trainer.step:,}" if trainer.step else ""
    yield f"folder     {run.folder.path}{begun}"


def _unknown_line(run: Run) -> str:
    effect = "too many for bits per byte, so none are given"
    if run.comparable:
        effect = "the bits per byte leave out what they spell"
    return (
        f"           {run.unknown:,} of the held-out tokens are unknown to it: {effect}"
    )


def _held_out_batches(run: Run) -> int:
    windows = math.ceil(run.val_tokens / run.trainer.train.block_size)
    return math.ceil(windows / run.trainer.train.batch_size)


def evaluation_line(run: Run, record: StepRecord) -> str:
    """How it goes: the held-out loss, and the lines it is to be compared with."""
    assert record.val_loss is not None
    total, lines, bits = run.trainer.config.steps, run.lines, run.bits(record.val_loss)
    said = (
        f"step {record.step:>{len(str(total))}}/{total}  train {record.loss:.3f}  "
        f"held out {record.val_loss:.3f} nats"
    )
    if bits is not None:
        said += (
            f" = {bits:.3f} bits/byte (uniform {lines.uniform:.2f}, unigram "
            f"{lines.unigram:.2f}, bigram {lines.bigram:.2f}, trigram "
            f"{lines.trigram:.2f})"
        )
    return said + ("  best" if record.best else "")


def verdict(run: Run) -> str:
    """What came of it, in one sentence."""
    best, lines = run.trainer.best_val_loss, run.lines
    if not math.isfinite(best):
        return "no held-out loss was taken, so there is nothing to compare"
    bits = run.bits(best)
    if bits is None:
        return (
            f"the best held-out loss is {best:.3f} nats per token; {run.unknown:,} of "
            f"{run.val_tokens:,} held-out tokens are unknown to the tokenizer, so it "
            "cannot be compared with the n-gram lines"
        )
    beaten = [
        f"the {name} line ({getattr(lines, name):.3f})"
        for name in ("bigram", "trigram")
        if bits < getattr(lines, name)
    ]
    said = f"the best held-out loss, {bits:.3f} bits per byte, is "
    if beaten:
        said += f"under {' and '.join(beaten)}"
    else:
        said += (
            f"not under the bigram line ({lines.bigram:.3f}): train longer, with "
            "--resume and more --steps"
        )
    if lines.train_bytes + lines.val_bytes < SMALL:
        said += "; on a text this small that means little"
    return said

"""How surprised a model is by a text it has not seen, in units that can be compared.

Nats per token depend on how long the tokens are: a tokenizer with longer tokens has
fewer and harder guesses to make. Bits per byte do not: they say how many bits a byte of
the text would cost if the model were used to compress it.

    ids = [tokenizer.special["<|bos|>"], *tokenizer.encode(text)]
    report = evaluate_loss(model, ids, n_bytes=len(text.encode()))
    report.bits_per_byte

The first token is read but never guessed, since nothing stands before it: a split of N
ids has N - 1 targets. ``n_bytes`` counts what those targets spell. Begin the ids with a
token that spells nothing, as above, and that is the whole text.

Paper: cross-entropy as code length, Shannon 1948, "A mathematical theory of
communication".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..model.gpt import GPT
from ..training.batches import TokenIds, as_ids, windows
from ..training.evaluate import total_loss

__all__ = ["LossReport", "bits_per_byte", "evaluate_loss"]


@dataclass(frozen=True, kw_only=True)
class LossReport:
    """What a whole held-out text cost."""

    nats: float  # all targets together
    tokens: int  # targets: one fewer than ids
    bytes: int  # of text that the targets spell, in UTF-8

    @property
    def nats_per_token(self) -> float:
        return self.nats / self.tokens

    @property
    def bits_per_byte(self) -> float:
        return bits_per_byte(self.nats, self.bytes)

    @property
    def perplexity(self) -> float:
        """Among how many equally likely tokens one would be as unsure."""
        return math.exp(min(self.nats_per_token, 700.0))

    def explain(self) -> str:
        """The report in one plain sentence."""
        return (
            f"{self.nats_per_token:.4f} nats per token over {self.tokens:,} tokens; "
            f"that is {self.bits_per_byte:.4f} bits for each of {self.bytes:,} bytes "
            "(a text with no pattern at all costs 8)"
        )


def bits_per_byte(nats: float, n_bytes: int) -> float:
    """The nats of a whole text (a sum, not a mean) as bits for each of its bytes.

    Raises ValueError for a text of no bytes.
    """
    _check_bytes(n_bytes)
    return nats / math.log(2) / n_bytes


def evaluate_loss(
    model: GPT,
    ids: TokenIds,
    *,
    n_bytes: int,
    block_size: int | None = None,
    batch_size: int = 16,
) -> LossReport:
    """The loss on a whole text: every token but the first is guessed exactly once.

    The text is read in windows of ``block_size`` tokens (None: the longest the model
    takes) that do not overlap, without dropout, in the precision of the weights. So the
    first guesses of each window see little context, and a longer window costs fewer
    bits. ``n_bytes`` is what ``ids[1:]`` spell. The model is left as it was.

    Raises ValueError, before any work, for fewer than 2 ids, ids that the model does
    not know, too long windows, or a text of no bytes.
    """
    if block_size is None:
        block_size = model.config.block_size
    if block_size > model.config.block_size:
        raise ValueError(
            f"windows of {block_size} tokens do not fit in the model's "
            f"block_size={model.config.block_size}: use at most that"
        )
    _check_bytes(n_bytes)
    ids = as_ids(ids)
    if (high := int(ids.max())) >= model.config.vocab_size:
        raise ValueError(
            f"the text has token id {high} but the model's vocab_size="
            f"{model.config.vocab_size}: encode it with the model's tokenizer"
        )
    nats, targets = total_loss(model, windows(ids, block_size, batch_size))
    return LossReport(nats=nats, tokens=targets, bytes=n_bytes)


def _check_bytes(n_bytes: int) -> None:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text has at least 1 byte")

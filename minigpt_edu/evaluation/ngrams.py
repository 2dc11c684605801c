"""The lines a model has to beat: what the last one, two or three bytes already tell.

An n-gram model is a table of counts: how often each byte followed each context. Counts
come from the training split and are scored on the validation split, because a table
that is scored on its own text has simply memorised it. It works on UTF-8 bytes, so a
line is the same for every tokenizer, and it needs neither a model nor torch.

    lines = ngram_lines(train_text, val_text)
    print(lines.explain())
    ngram_bits_per_byte(train_text, val_text, 2)      # the bigram line alone

Witten-Bell interpolation, from uniform over 256 bytes up to order n:

    p(byte | context) = (count(context, byte) + T p(byte | shorter context))
                        / (count(context) + T)

where T is the number of different bytes seen after the context: a context that was
followed by many things will be followed by new ones. The probabilities sum to 1 by
construction and there is nothing to tune. Witten and Bell 1991, "The zero-frequency
problem", IEEE Trans. Information Theory 37(4); as interpolation: Chen and Goodman 1996,
arXiv:cmp-lg/9606011.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..corpora import SMALL
from ..text.vocabulary import utf8

__all__ = ["ByteNgram", "NgramLines", "ngram_bits_per_byte", "ngram_lines"]

LONGEST = 8  # an n-gram of bytes is counted as one 64-bit number

# N bytes of text, K different n-grams; an n-gram is the number in base 256 of its bytes


@dataclass(frozen=True)
class _Counts:
    """The n-grams of one order in a training text, sorted, and what followed each."""

    ngrams: np.ndarray  # (K,)
    times: np.ndarray  # (K,) how often each n-gram occurs
    contexts: np.ndarray  # the different n-grams without their last byte, sorted
    totals: np.ndarray  # count(context): how often something followed it
    kinds: np.ndarray  # T: how many different bytes followed it

    @classmethod
    def of(cls, ngrams: np.ndarray) -> _Counts:
        known, times = np.unique(ngrams, return_counts=True)  # (N,) -> (K,)
        contexts, which = np.unique(known >> np.uint64(8), return_inverse=True)
        totals = np.bincount(which, weights=times)
        return cls(known, times, contexts, totals, np.bincount(which))

    def mix(self, ngrams: np.ndarray, shorter: np.ndarray) -> np.ndarray:
        """p(last byte | the bytes before it), given those of the shorter context."""
        times = _look_up(ngrams, self.ngrams, self.times)
        contexts = ngrams >> np.uint64(8)
        totals = _look_up(contexts, self.contexts, self.totals)
        kinds = _look_up(contexts, self.contexts, self.kinds)
        seen = totals > 0  # a context never seen tells nothing: keep the shorter one's
        mixed = (times + kinds * shorter) / np.where(seen, totals + kinds, 1)
        return np.where(seen, mixed, shorter)


def _look_up(wanted: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The value of each key, 0 where the key is missing; ``keys`` are sorted."""
    index = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[index] == wanted, values[index], 0)


def _ngrams(text: np.ndarray, order: int) -> np.ndarray:
    """Every run of ``order`` bytes as a number, (N,) -> (N - order + 1,)."""
    number = len(text) - order + 1
    ngrams = np.zeros(number, np.uint64)
    for start in range(order):
        ngrams = (ngrams << np.uint64(8)) | text[start : start + number]
    return ngrams


def _bytes(text: str | bytes) -> np.ndarray:
    raw = utf8(text) if isinstance(text, str) else bytes(text)
    return np.frombuffer(raw, np.uint8)


class ByteNgram:
    """The n-gram model of one training text, for every order up to ``order``.

    Raises ValueError for an order outside 0 to 8, and for a text shorter than one
    n-gram.
    """

    def __init__(self, train: str | bytes, order: int) -> None:
        text = _bytes(train)
        if not 0 <= order <= LONGEST:
            raise ValueError(f"order {order} is outside 0 (uniform) to {LONGEST}")
        if len(text) < max(order, 1):
            raise ValueError(
                f"the training split has {len(text)} bytes; an n-gram line of order "
                f"{order} needs at least {max(order, 1)}"
            )
        self.order = order
        self._counts = [_Counts.of(_ngrams(text, k)) for k in range(1, order + 1)]

    def probabilities(self, context: str | bytes = b"") -> np.ndarray:
        """What comes after ``context``: the probability of each byte, (256,)."""
        text = _bytes(context)
        p = np.full(256, 1 / 256)
        for length, counts in zip(range(len(text) + 1), self._counts, strict=False):
            before = int.from_bytes(text[len(text) - length :].tobytes(), "big")
            ngrams = np.uint64(before << 8) | np.arange(256, dtype=np.uint64)
            p = counts.mix(ngrams, p)
        return p

    def bits_by_order(self, val: str | bytes) -> list[float]:
        """Mean bits per byte on ``val``, one for each order from 0 (uniform) up.

        The first bytes of ``val`` have a shorter context. Raises ValueError if ``val``
        is empty.
        """
        text = _bytes(val)
        if len(text) == 0:
            raise ValueError("the validation split has 0 bytes; it needs at least 1")
        p = np.full(len(text), 1 / 256)  # (N,) of each byte, by the orders so far
        bits = [8.0]
        for order, counts in enumerate(self._counts, 1):
            if order <= len(text):
                p[order - 1 :] = counts.mix(_ngrams(text, order), p[order - 1 :])
            bits.append(float(-np.log2(p).mean()))
        return bits


def ngram_bits_per_byte(train: str | bytes, val: str | bytes, order: int) -> float:
    """The held-out n-gram line: mean bits per byte of ``val`` by counts of ``train``.

    Order 1 is the unigram line, 2 the bigram line; 0 is uniform, 8 bits. Errors as in
    ``ByteNgram``.
    """
    return ByteNgram(train, order).bits_by_order(val)[order]


@dataclass(frozen=True, kw_only=True)
class NgramLines:
    """The lines of one text in bits per byte, to print beside a model's loss."""

    uniform: float
    unigram: float
    bigram: float
    trigram: float
    train_bytes: int
    val_bytes: int

    def explain(self) -> str:
        """The lines in one sentence, and a caution if the text is short."""
        lines = (
            f"Guessing costs {self.uniform:.2f} bits per byte, knowing the frequencies "
            f"of bytes {self.unigram:.2f}, the byte before {self.bigram:.2f}, and the "
            f"two before {self.trigram:.2f}, counted on {self.train_bytes:,} bytes and "
            f"scored on {self.val_bytes:,} others"
        )
        total = self.train_bytes + self.val_bytes
        if total < SMALL:
            lines += (
                f"; with {total:,} bytes of text, under {SMALL:,}, that means little"
            )
        return lines + "."


def ngram_lines(train: str | bytes, val: str | bytes) -> NgramLines:
    """The uniform, unigram, bigram and trigram lines, held out, from one counting.

    Score a model on the same bytes to compare: nats per token, times tokens, over bytes
    and ln 2. Raises ValueError if ``train`` has under 3 bytes or ``val`` none.
    """
    train, val = _bytes(train).tobytes(), _bytes(val).tobytes()
    bits = ByteNgram(train, 3).bits_by_order(val)
    return NgramLines(
        uniform=bits[0],
        unigram=bits[1],
        bigram=bits[2],
        trigram=bits[3],
        train_bytes=len(train),
        val_bytes=len(val),
    )

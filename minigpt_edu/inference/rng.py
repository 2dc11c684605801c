"""The one source of chance: four lines, the same in Python and in JavaScript.

It knows numbers, not tokens or models. ``torch`` has generators of its own, but a page
in a browser cannot repeat their draws; this one it can, bit by bit.

    random = Mulberry32(seed=7)
    random.uniform()                           # 0.0117..., on every machine
    draw([0.2, 0.5, 0.3], random.uniform())    # an id: 0, 1 or 2

The same in JavaScript, where ``Math.imul`` keeps the low 32 bits of a product:

    const uniform = (state) => () => {
      state = (state + 0x6d2b79f5) | 0;
      let x = Math.imul(state ^ (state >>> 15), state | 1);
      x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
      return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
    };
    const draw = (probs, u) => {      // a Float32Array, summed in double precision
      let total = 0; for (const p of probs) total += p;
      let sum = 0, id = 0;
      for (; id < probs.length; id++) { sum += probs[id]; if (sum > u * total) break; }
      return id;
    };

The generator is Tommy Ettinger's mulberry32 (2017, public domain): a counter that takes
steps of a fixed odd size, so that it meets each of the 2**32 states once, and a hash of
the counter.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence

import numpy as np

__all__ = ["Mulberry32", "draw"]

WORD = 0xFFFFFFFF  # keeps 32 bits of Python's unlimited integers
STEP = 0x6D2B79F5  # odd, so that the counter visits every state before it repeats one


class Mulberry32:
    """Uniform numbers in [0, 1) from a 32-bit seed.

    Without a seed one is taken from the operating system; ``seed`` says which, so that
    a lucky draw can be repeated. Raises ``ValueError`` for a seed of more than 32 bits.
    """

    def __init__(self, seed: int | None = None) -> None:
        if seed is None:
            seed = secrets.randbits(32)
        if not 0 <= seed <= WORD:
            raise ValueError(
                f"seed={seed} must lie between 0 and {WORD}: the generator has 32 bits"
            )
        self.seed = seed
        self._state = seed

    def __repr__(self) -> str:
        return f"Mulberry32(seed={self.seed})"

    def uniform(self) -> float:
        """The next number: one of the 2**32 multiples of 2**-32 in [0, 1)."""
        self._state = state = (self._state + STEP) & WORD
        x = ((state ^ state >> 15) * (state | 1)) & WORD
        x ^= (x + (x ^ x >> 7) * (x | 61)) & WORD
        return (x ^ x >> 14) / 2**32


def draw(probs: Sequence[float] | np.ndarray, u: float) -> int:
    """Choose an id with probability ``probs[id]``; ``u`` in [0, 1) decides which.

    Imagine the ids side by side on a line, each as long as its probability: ``u`` is
    where the pin falls, and the result is the first id whose running sum exceeds it.
    The sum runs in id order and in double precision, and ``u`` is stretched to the true
    total (float32 probabilities add up to 1 only nearly), so that an id without
    probability is never chosen. Raises ``ValueError`` if no id has any.
    """
    sums = np.cumsum(np.asarray(probs, dtype=np.float32), dtype=np.float64)
    total = float(sums[-1]) if len(sums) else 0.0
    if not (math.isfinite(total) and total > 0):
        raise ValueError(
            f"the {len(sums)} probabilities add up to {total}, not to 1: the logits "
            "hold NaN or infinity (training diverged?), so use an earlier checkpoint"
        )
    return int(np.searchsorted(sums, u * total, side="right"))

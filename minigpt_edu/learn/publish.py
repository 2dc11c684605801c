"""Numbers that prose may quote.

A chapter computes a number in a cell, publishes it under a name, and writes
`<!-- n:name --><!-- /n -->` where the sentence needs it. `make refresh` fills the
sentence in and a test compares the two: no number in the book is typed by hand. This
module only writes a number down; it does not know where it will be read.

    from minigpt_edu.learn import publish
    publish(params=model.num_params(), loss=round(loss, 2))

Why: Claerbout and Karrenbach, "Electronic documents give reproducible research a new
meaning" (1992).
"""

from __future__ import annotations

import math

from minigpt_edu.viz.output import NUMBERS, emit

__all__ = ["format_number", "publish"]

_DIGITS = 4  # significant digits of a published fraction


def format_number(value: float) -> str:
    """Write a number as prose does: 1,024 or 1.87, four digits at most of a fraction.

    Raises TypeError for anything that is not a real number, ValueError for infinity.
    """
    if hasattr(value, "item"):  # a tensor or array that holds one number
        value = value.item()  # type: ignore[union-attr]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"publish() takes numbers, not {value!r}")
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        raise ValueError(f"publish() cannot quote {value}: it is not a finite number")
    if value and not 1e-3 <= abs(value) < 1e15:
        return f"{value:.{_DIGITS}g}"
    decimals = _DIGITS - 1 - math.floor(math.log10(abs(value))) if value else 0
    text = f"{round(value, decimals):,.{max(0, decimals)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def publish(**numbers: float) -> None:
    """Record numbers for the text of this notebook, invisibly.

    Integers keep all their digits, fractions four; round a number further yourself when
    the sentence wants less. A name is published once in a notebook. The record is part
    of the compared outputs, so a number that changes is noticed.
    """
    if not numbers:
        raise ValueError("publish() needs a name: publish(loss=1.5)")
    texts = {name: format_number(value) for name, value in numbers.items()}
    emit({NUMBERS: texts})

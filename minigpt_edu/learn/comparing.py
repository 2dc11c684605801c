"""Where do two answers differ first? Numbers, tensors, texts, and lists of them.

It compares values and refuses to know where they come from. The answer is one sentence
for a person, with both values in it, the same on every machine.

    difference(got, want)          # None, or a Difference that explains itself
    same(a, b)                     # True when they agree, not-a-number included

What "close" means: `numpy.isclose`, |a - b| <= atol + rtol |b|.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Difference", "difference", "same"]

RELATIVE, ABSOLUTE = 1e-4, 1e-5
_LONGEST = 60  # characters of a value that are shown


@dataclass(frozen=True)
class Difference:
    """The first thing that is not as it should be."""

    kind: str  # "none" "type" "shape" "dtype" "nan" "value" "length" "keys"
    text: str  # "it returned ...", without a stop

    def explain(self) -> str:
        return self.text


def difference(got: Any, want: Any, *, what: str = "the answer") -> Difference | None:
    """The first difference between an answer and the right one, or None.

    Numbers agree within 1e-4 of their size; whole numbers, truth values and texts
    exactly. A plain number may come as a tensor that holds one. An answer of a class
    that cannot be compared is of the wrong type.
    """
    try:
        return _difference(got, want, what)
    except Exception as error:  # an answer may be of any class
        kind = type(error).__name__
        text = f"{what}, {_kind(got)}, cannot be compared: {kind}"
        return Difference("type", text)


def _difference(got: Any, want: Any, what: str) -> Difference | None:
    if got is None and want is not None:
        text = "it returned None: is the last line a return?"
        return Difference("none", text if what == "the answer" else f"{what} is None")
    if isinstance(want, Tensor | np.ndarray):
        return _array_difference(got, want, what)
    if isinstance(want, bool | int | float):
        return _number_difference(got, want, what)
    if isinstance(want, list | tuple):
        return _sequence_difference(got, want, what)
    if isinstance(want, Mapping):
        return _mapping_difference(got, want, what)
    if type(got) is not type(want):
        return _wrong_type(got, want, what)
    if got != want:
        return Difference(
            "value", f"{what} is {_short(got)} and should be {_short(want)}"
        )
    return None


def same(a: Any, b: Any) -> bool:
    """Whether two values agree in type, shape and numbers; not-a-number equals
    itself. What cannot be compared differs."""
    try:
        return _same(a, b)
    except Exception:  # an answer may be of any class, also of one that cannot compare
        return False


def _same(a: Any, b: Any) -> bool:
    if isinstance(b, bool | int | float):
        return _same_number(_unwrapped(a), b)
    if isinstance(a, Tensor | np.ndarray) and type(a) is type(b):
        return a.shape == b.shape and a.dtype == b.dtype and bool(_close(a, b).all())
    if isinstance(a, list | tuple) and type(a) is type(b):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if type(a) is not type(b):
        return False
    return bool(a == b)


def _same_number(a: Any, b: bool | int | float) -> bool:
    if isinstance(a, bool) != isinstance(b, bool) or not isinstance(a, int | float):
        return False
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    return math.isclose(a, b, rel_tol=RELATIVE) or (math.isnan(a) and math.isnan(b))


def _unwrapped(x: Any) -> Any:
    """A tensor or array without axes holds one number: that number."""
    return x.item() if getattr(x, "ndim", None) == 0 else x


def _numbers(x: Any) -> Tensor:
    """Any array as a tensor in double precision (complex ones stay complex)."""
    tensor = x.detach().cpu() if isinstance(x, Tensor) else torch.from_numpy(x.copy())
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)


def _close(got: Any, want: Any) -> Tensor:
    return torch.isclose(
        _numbers(got), _numbers(want), rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True
    )


def _array_difference(got: Any, want: Any, what: str) -> Difference | None:
    if not isinstance(got, type(want)):
        return _wrong_type(got, want, what)
    odd = _odd(got)
    if odd and not _odd(want):
        return Difference("type", f"{what} is {odd} and should be a plain one")
    if got.shape != want.shape:
        text = f"{what} has the shape {_shape(got)} and should have {_shape(want)}"
        return Difference("shape", text)
    close = _close(got, want)
    if close.all():
        return _dtype_difference(got, want, what)
    numbers, right = _numbers(got), _numbers(want)
    bad = numbers.isnan() & ~right.isnan()
    if bad.any():
        text = f"{int(bad.sum())} of {bad.numel()} numbers of {what} are NaN, "
        return Difference("nan", f"{text}the first at {_first(bad)}")
    at = tuple((~close).nonzero()[0].tolist())
    mine, theirs = _pair(numbers[at].item(), right[at].item(), got.dtype)
    where = f"{what}{list(at)}" if at else what
    count = int((~close).sum())
    more = f"; {count} of {close.numel()} numbers differ" if close.numel() > 1 else ""
    return Difference("value", f"{where} is {mine} and should be {theirs}{more}")


def _dtype_difference(got: Any, want: Any, what: str) -> Difference | None:
    if got.dtype == want.dtype:
        return None
    names = [str(x.dtype).removeprefix("torch.") for x in (got, want)]
    text = f"the numbers are right, but {what} is {names[0]} and should be {names[1]}"
    return Difference("dtype", text)


def _number_difference(got: Any, want: Any, what: str) -> Difference | None:
    got = _unwrapped(got)
    if isinstance(want, bool) != isinstance(got, bool) or not isinstance(
        got, bool | int | float
    ):
        return _wrong_type(got, want, what)
    exact = isinstance(want, int)
    if got == want or (not exact and math.isclose(got, want, rel_tol=RELATIVE)):
        return None
    if isinstance(got, float) and math.isnan(got):
        return Difference("nan", f"{what} is not a number (NaN)")
    mine, theirs = _pair(got, want, None)
    return Difference("value", f"{what} is {mine} and should be {theirs}")


def _sequence_difference(got: Any, want: Any, what: str) -> Difference | None:
    if not isinstance(got, list | tuple):
        return _wrong_type(got, want, what)
    if len(got) != len(want):
        text = f"{what} has {len(got)} parts and should have {len(want)}"
        return Difference("length", text)
    for place, (mine, theirs) in enumerate(zip(got, want, strict=True)):
        found = difference(mine, theirs, what=f"part {place} of {what}")
        if found is not None:
            return found
    return None


def _mapping_difference(got: Any, want: Mapping, what: str) -> Difference | None:
    if not isinstance(got, Mapping):
        return _wrong_type(got, want, what)
    if got.keys() != want.keys():
        odd = sorted(map(repr, got.keys() ^ want.keys()))[0]
        state = "lacks" if odd in map(repr, want) else "should not have"
        return Difference("keys", f"{what} {state} the key {odd}")
    for key in want:
        found = difference(got[key], want[key], what=f"{what}[{key!r}]")
        if found is not None:
            return found
    return None


def _wrong_type(got: Any, want: Any, what: str) -> Difference:
    text = f"{what} is {_kind(got)} and should be {_kind(want)}"
    if isinstance(want, Tensor) and not isinstance(got, Tensor):
        text += ": torch.as_tensor(...) makes one"
    return Difference("type", text)


def _kind(x: Any) -> str:
    name = {"Tensor": "tensor", "ndarray": "numpy array"}.get(
        type(x).__name__, type(x).__name__
    )
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _shape(x: Any) -> str:
    return str(tuple(x.shape))


def _odd(x: Tensor | np.ndarray) -> str:
    """In words, what keeps a tensor or array from being plain real numbers."""
    if isinstance(x, Tensor):
        if x.is_nested:
            return "a nested tensor"
        if x.device.type == "meta":
            return "a tensor without numbers, on the device `meta`"
        if x.layout != torch.strided:
            return "a sparse tensor"
        return "a tensor of complex numbers" if x.is_complex() else ""
    return "" if x.dtype.kind in "biuf" else f"an array of {x.dtype}"


def _first(where: Tensor) -> str:
    return str(where.nonzero()[0].tolist())


def _pair(got: Any, want: Any, dtype: Any) -> tuple[str, str]:
    """Both numbers with as few digits as tell them apart."""
    if dtype in (torch.bool, np.dtype(bool)):
        return str(bool(got)), str(bool(want))
    if isinstance(got, int) and isinstance(want, int):
        return f"{got:,}", f"{want:,}"
    for digits in range(3, 9):
        texts = _text(got, digits), _text(want, digits)
        if texts[0] != texts[1]:
            return texts
    return repr(got), repr(want)


def _text(x: Any, digits: int) -> str:
    if isinstance(x, complex):
        return f"{x:.{digits}g}"
    if math.isfinite(x) and abs(x) < 1e6:
        x = round(float(x), digits) + 0.0 if abs(x) < 1 else x
        return f"{x:.{digits}g}"
    return f"{x:.{digits}g}"


def _short(x: Any) -> str:
    text = repr(x)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."

"""Run a function that may do anything wrong, and write down what it did.

The function gets copies, so that it cannot spoil its inputs; random numbers drawn
inside leave no trace outside. Nothing here knows what the function should have
answered.

    outcome = call(fn, {"q": q, "k": k})
    outcome.value, outcome.error, outcome.changed

Why: a teacher's tool must survive every pupil's program.
"""

from __future__ import annotations

import copy
import linecache
import random
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import torch

from .comparing import same

__all__ = ["Outcome", "call", "quiet_randomness"]

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
_LONGEST = 160  # characters of an error message that are shown


@dataclass(frozen=True)
class Outcome:
    """What one call did: a value or an error, and which inputs it changed."""

    value: Any = None
    error: str = ""  # "RuntimeError: ...", empty when there was none
    line: str = ""  # the line of the function in which it happened
    still_to_do: bool = False  # it raised NotImplementedError itself, as a stub does
    changed: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return bool(self.error) or self.still_to_do

    def explain(self) -> str:
        """One line: what went wrong, or that nothing did."""
        if self.still_to_do:
            return "still to do"
        at = f", at `{self.line}`" if self.line else ""
        return f"{self.error}{at}" if self.error else "it returned a value"


@contextmanager
def quiet_randomness(seed: int) -> Iterator[None]:
    """Seed the global generators of the processor, and put them back afterwards."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


@contextmanager
def _settings_kept() -> Iterator[None]:
    """Put back torch's default device and number type, and whether it keeps
    gradients."""
    before = torch.get_default_device()
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        yield
    finally:
        if torch.get_default_device() != before:
            torch.set_default_device(None if before.type == "cpu" else before)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)


def call(
    fn: Callable[..., Any], inputs: Mapping[str, Any], *, seed: int = 0
) -> Outcome:
    """Call `fn` with copies of `inputs`, in their order; never raises for its sake.

    `seed` decides what random numbers `fn` sees, if it asks for any.
    """
    given = {name: copy.deepcopy(value) for name, value in inputs.items()}
    try:
        with quiet_randomness(seed), _settings_kept():
            value = fn(*given.values())
    except NotImplementedError as error:
        line = _line_of(fn, error.__traceback__)
        text = _words_of(error)
        raised_here = line.startswith("raise NotImplementedError")
        if raised_here or not text or "still to do" in text:
            return Outcome(still_to_do=True)
        return Outcome(error=_sentence(error), line=line)
    except (Exception, SystemExit) as error:
        return Outcome(error=_sentence(error), line=_line_of(fn, error.__traceback__))
    changed = (name for name in given if not same(given[name], inputs[name]))
    return Outcome(value=_detached(value), changed=tuple(changed))


def _detached(value: Any) -> Any:
    """Values without their history of gradients; what has no such form, as it is."""
    try:
        return _without_history(value)
    except Exception:  # such as a list that contains itself
        return value


def _without_history(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach()
    if type(value) in (list, tuple):
        return type(value)(_without_history(item) for item in value)
    return value


def _words_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an error may be of any class, also of one without a text
        return ""


def _sentence(error: BaseException) -> str:
    """The kind of an error and the first line of its text, equal in every run."""
    text = _ADDRESS.sub("0x...", _words_of(error)).strip()
    first = text.splitlines()[0] if text else ""
    if len(first) > _LONGEST:
        first = first[: _LONGEST - 3] + "..."
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _line_of(fn: Callable[..., Any], trace: TracebackType | None) -> str:
    """The last line that ran in the file or cell where `fn` is written."""
    code = getattr(fn, "__code__", None)
    if code is None:
        return ""
    frames = [
        f for f in traceback.walk_tb(trace) if f[0].f_code.co_filename != __file__
    ]
    inside = [f for f in frames if f[0].f_code.co_filename == code.co_filename]
    if not inside:
        return ""
    frame, number = inside[-1]
    return linecache.getline(frame.f_code.co_filename, number).strip()

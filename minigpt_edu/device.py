"""Where tensors live, how precisely, from which seed.

The only module that asks the hardware. It knows nothing about models, and nothing
happens at import: every answer is computed when asked.

    device = setup(seed=0, threads=1)          # the first cell of a notebook
    with autocast(device, pick_dtype(device)): ...
"""

from __future__ import annotations

import random
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch

__all__ = ["DTYPES", "autocast", "pick_device", "pick_dtype", "setup"]

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def pick_device(name: str = "auto") -> torch.device:
    """The named device; ``"auto"`` prefers cuda, then mps, then cpu.

    Raises ValueError for a name torch does not know, or a device this machine lacks.
    """
    have = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, here in have.items() if here))
    kind = name.split(":")[0]
    if not have.get(kind, False):
        here = ", ".join(kind for kind, there in have.items() if there)
        raise ValueError(f"device {name!r} is not on this machine: use auto, {here}")
    return torch.device(name)


def pick_dtype(device: torch.device, name: str = "auto") -> torch.dtype:
    """The dtype of matrix products; ``"auto"`` is bfloat16 where the hardware has it.

    Auto means bfloat16 on CUDA devices with native support and float32 elsewhere: a CPU
    may emulate bfloat16 slowly, and float32 is what the book's numbers were made with.
    """
    if name == "auto":
        native = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if native else torch.float32
    if name not in DTYPES:
        raise ValueError(f"dtype {name!r} is unknown: use auto, {', '.join(DTYPES)}")
    return DTYPES[name]


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """Mixed precision for a ``with`` block: float32 weights, products in ``dtype``."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype)


def setup(
    *, seed: int | None = None, threads: int | None = None, device: str = "auto"
) -> torch.device:
    """Make this process repeatable and return the device to use.

    ``seed`` seeds Python, numpy and torch. ``threads`` fixes the number of CPU threads:
    sums are added in another order with another number of threads, so their last digits
    differ. Notebooks use one thread.
    """
    if seed is not None:
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
    if threads is not None:
        if threads < 1:
            raise ValueError(f"threads={threads} must be at least 1")
        torch.set_num_threads(threads)
    return pick_device(device)

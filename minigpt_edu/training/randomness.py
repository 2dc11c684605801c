"""Every random number of training comes from here, and from a seed that was passed in.

It knows numbers and devices, not batches or models.

    splitmix64(seed=0, first=1000, count=32)      # 32 draws, without the 1000 before
    with seeded(7, device):                       # dropout inside is that of seed 7
        loss = model.loss(ids, targets)

Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["seeded", "splitmix64"]


def splitmix64(seed: int, first: int, count: int) -> np.ndarray:
    """Outputs ``first`` ... ``first + count - 1`` of splitmix64 started at ``seed``.

    Any output can be had without the ones before it, as a page of a book without
    reading from the start. Returns ``count`` numbers of 64 random bits (uint64).
    """
    turn = np.arange(first + 1, first + 1 + count, dtype=np.uint64)
    z = np.uint64(seed % 2**64) + turn * np.uint64(0x9E3779B97F4A7C15)  # wraps at 2**64
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Inside, torch draws from ``seed`` on ``device``; afterwards it is as before.

    Only that device's generator is touched, and it gets its old state back.
    """
    if device.type == "mps":  # its generator is reached through functions
        before = torch.mps.get_rng_state()
        torch.mps.manual_seed(seed)
        try:
            yield
        finally:
            torch.mps.set_rng_state(before)
        return
    generator = _generator(device)
    before = generator.get_state()
    generator.manual_seed(seed)
    try:
        yield
    finally:
        generator.set_state(before)


def _generator(device: torch.device) -> torch.Generator:
    if device.type != "cuda":
        return torch.default_generator
    index = torch.cuda.current_device() if device.index is None else device.index
    return torch.cuda.default_generators[index]

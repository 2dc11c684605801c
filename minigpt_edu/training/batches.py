"""Token ids in, batches out: a batch is a function of the step number alone.

There is no loader to advance, save or restore: ``batches[7]`` is the same batch today,
after a crash, and when asked for before ``batches[3]``. This module knows ids; it knows
neither text nor models.

    batches = TokenBatches(ids, block_size=64, batch_size=32, seed=0)
    inputs, targets = batches[step]              # what is read, and what comes next
    for inputs, targets in batches.windows():    # the whole split once, for evaluation

Shapes: B rows, T block_size.

Windows at random places, with replacement, are GPT-2's way (Radford et al. 2019).
"""

from __future__ import annotations

import operator
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from .randomness import splitmix64

__all__ = ["IGNORED", "TokenBatches", "TokenIds", "as_ids", "windows"]

TokenIds = Sequence[int] | np.ndarray | Tensor
Batch = tuple[Tensor, Tensor]

IGNORED = -1  # a target that no loss counts


class TokenBatches:
    """An endless book of batches: open it at any step and always find the same page.

    Row r of the whole run starts at a place drawn from (``seed``, r); step s holds the
    rows s * B ... s * B + B - 1. So batches of 8 rows, taken four at a time, are the
    batches of 32 rows: accumulating gradients changes the memory needed, not the data.

    ``ids`` is a list, a numpy array (a memory map stays on disk) or a tensor.
    ``mask[i]`` says whether token i counts as a target; where it does not the target is
    -1, and a window without any counted target is never drawn.

    Raises ValueError for too few tokens, ids that are negative, fractional or 2**32 and
    more, a mask of another length, or a mask that counts nothing.
    """

    def __init__(
        self,
        ids: TokenIds,
        block_size: int,
        batch_size: int,
        *,
        mask: Sequence[bool] | np.ndarray | Tensor | None = None,
        seed: int = 0,
    ) -> None:
        _check_sizes(block_size, batch_size)
        self.ids = as_ids(ids)
        self.mask = _as_mask(mask, len(self.ids))
        self.block_size, self.batch_size, self.seed = block_size, batch_size, seed
        if len(self.ids) < block_size + 1:
            raise ValueError(
                f"{len(self.ids)} tokens are too few: a window takes block_size + 1 = "
                f"{block_size + 1}; give more text, or a block_size of at most "
                f"{max(len(self.ids) - 1, 1)}"
            )
        self._starts = None if self.mask is None else _useful(self.mask, block_size)
        self.max_id = int(self.ids.max())

    def __len__(self) -> int:
        """How many tokens the split has. The batches themselves have no end."""
        return len(self.ids)

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step: inputs (B, T) and targets (B, T), int64, on the CPU."""
        step = operator.index(step)
        if step < 0:
            raise IndexError(f"step {step}: steps count from 0")
        rows = splitmix64(self.seed, step * self.batch_size, self.batch_size)  # (B,)
        if self._starts is None:
            choices = len(self.ids) - self.block_size
            starts = (rows % np.uint64(choices)).astype(np.int64)
        else:
            starts = self._starts[rows % np.uint64(len(self._starts))]
        return _cut(self.ids, self.mask, starts, self.block_size)

    def __iter__(self) -> Iterator[Batch]:
        """Batches 0, 1, 2, ... without end."""
        step = 0
        while True:
            yield self[step]
            step += 1

    def windows(self, limit: int | None = None) -> Iterator[Batch]:
        """The split in order, each target once: see the function :func:`windows`."""
        return _walk(self.ids, self.mask, self.block_size, self.batch_size, limit)

    def describe(self) -> dict[str, int]:
        """What makes these batches these: sizes, seed, and a checksum of some ids.

        A resumed run compares it, because continuing on other data is another run.
        """
        few = slice(None, None, max(1, len(self.ids) // 65536))
        check = zlib.crc32(self.ids[few].astype("<i8").tobytes())
        if self.mask is not None:
            check = zlib.crc32(self.mask[few].tobytes(), check)
        return {
            "tokens": len(self.ids),
            "block_size": self.block_size,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "checksum": check,
        }


def windows(
    ids: TokenIds,
    block_size: int,
    batch_size: int,
    *,
    mask: Sequence[bool] | np.ndarray | Tensor | None = None,
    limit: int | None = None,
) -> Iterator[Batch]:
    """The whole text in order: every token but the first is a target exactly once.

    The first token of a text has nothing before it, so nothing can predict it. Windows
    do not overlap; the last one is filled up with id 0 and targets of -1, and the last
    batch may have fewer rows. ``limit`` takes at most that many batches, evenly spaced.

    Yields inputs (B, T) and targets (B, T). Raises ValueError for fewer than 2 tokens.
    """
    _check_sizes(block_size, batch_size)
    array = as_ids(ids)
    if len(array) < 2:
        raise ValueError(
            f"{len(array)} tokens leave nothing to predict: at least 2 are needed"
        )
    return _walk(array, _as_mask(mask, len(array)), block_size, batch_size, limit)


def _walk(
    ids: np.ndarray, mask: np.ndarray | None, T: int, B: int, limit: int | None
) -> Iterator[Batch]:
    starts = np.arange(0, len(ids) - 1, T)
    if mask is not None:
        ends = np.minimum(starts + T + 1, len(ids))
        starts = starts[_counted(mask, starts, ends) > 0]
    total = -(-len(starts) // B)
    taken = total if limit is None else min(limit, total)
    for i in range(taken):
        at = i * total // taken * B
        yield _cut(ids, mask, starts[at : at + B], T)


def _cut(ids: np.ndarray, mask: np.ndarray | None, starts: np.ndarray, T: int) -> Batch:
    """Windows of T + 1 tokens: the first T are the inputs, the last T the targets."""
    at = starts[:, None] + np.arange(T + 1)  # (B, T + 1)
    there = at < len(ids)
    at = np.minimum(at, len(ids) - 1)
    window = ids[at].astype(np.int64)
    counted = there if mask is None else there & mask[at]
    targets = np.where(counted[:, 1:], window[:, 1:], IGNORED)
    inputs = np.where(there[:, :-1], window[:, :-1], 0)
    return torch.from_numpy(inputs), torch.from_numpy(targets)


def _useful(mask: np.ndarray, T: int) -> np.ndarray:
    """The places where a window with at least one counted target can start."""
    starts = np.arange(len(mask) - T)
    return starts[_counted(mask, starts, starts + T + 1) > 0]


def _counted(mask: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How many targets count in each window: its tokens but the first."""
    before = np.concatenate(([0], np.cumsum(mask)))  # counted among the first i tokens
    return before[ends] - before[starts + 1]


def as_ids(ids: TokenIds) -> np.ndarray:
    """A flat array of ids, few bytes each. What is small or on disk is not copied.

    Raises ValueError for no ids, for nested, negative or fractional ones, and for ids
    of 2**32 and more.
    """
    array = ids.cpu().numpy() if isinstance(ids, Tensor) else np.asanyarray(ids)
    if array.ndim != 1:
        raise ValueError(
            f"ids have {array.ndim} dimensions, shape {array.shape}: give one flat "
            "sequence of token ids"
        )
    if len(array) == 0:
        raise ValueError("0 tokens: the text is empty, so there is nothing to learn")
    if array.dtype.kind not in "iu":
        raise ValueError(
            f"ids are {array.dtype}, not integers: encode the text with a tokenizer"
        )
    if array.dtype.kind == "i" and (low := int(array.min())) < 0:
        raise ValueError(f"id {low} is negative: token ids count from 0")
    if array.dtype.itemsize <= 4:
        return array
    if (high := int(array.max())) >= 2**32:
        raise ValueError(
            f"id {high} is too large: ids lie below 2**32 = {2**32}, as those of every "
            "tokenizer do"
        )
    if isinstance(array, np.memmap):
        return array
    return array.astype(np.uint16 if high < 2**16 else np.uint32)


def _as_mask(
    mask: Sequence[bool] | np.ndarray | Tensor | None, tokens: int
) -> np.ndarray | None:
    if mask is None:
        return None
    array = mask.cpu().numpy() if isinstance(mask, Tensor) else np.asanyarray(mask)
    if array.shape != (tokens,):
        raise ValueError(
            f"the mask has shape {array.shape} but there are {tokens} tokens: "
            "give one True or False per token"
        )
    array = array.astype(bool, copy=False)
    if not array[1:].any():
        raise ValueError(
            f"the mask counts none of the {tokens} tokens as a target: mark with True "
            "those that the model should learn to write (the first cannot be one)"
        )
    return array


def _check_sizes(block_size: int, batch_size: int) -> None:
    for name, value in (("block_size", block_size), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"{name}={value} must be at least 1")

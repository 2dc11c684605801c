"""Keys and values of the past: each new token then costs one token of work.

The caller owns the cache and passes it to ``model(ids, cache)``. Rows are independent:
sequences of different lengths share a batch with no padding mask, because a slot is
visible to a query exactly when its position is not in the query's future.

    cache = KVCache(model.config, rows=1)
    model(prompt, cache); model(next_token, cache)

Shapes: L layers, B rows, K key/value heads, T new tokens, S slots, D head_dim.

Source: one token at a time, and what reading the cache costs, arXiv:1911.02150.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .config import GPTConfig

__all__ = ["KVCache", "Placement", "RowView"]


@dataclass(frozen=True)
class Placement:
    """Where the new tokens of one forward pass go."""

    positions: Tensor  # (B, T) position of each new token
    counts: tuple[int, ...]  # how many of the T tokens of each row are real
    start: int | None  # the slot all rows write at, if they agree
    ragged: tuple[Tensor, Tensor, Tensor] | None  # else rows, tokens, slots to copy
    seen: int  # slots that any query of this pass may look at


class KVCache:
    """A block of memory with one row per sequence; ``lengths`` says how full each is.

    Raises ValueError when more slots are asked for than the model can read, and when
    new tokens do not fit.
    """

    def __init__(
        self,
        config: GPTConfig,
        rows: int = 1,
        slots: int | None = None,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.slots = config.block_size if slots is None else slots
        if not 1 <= self.slots <= config.block_size:
            raise ValueError(
                f"slots={self.slots} must be between 1 and what the model can read, "
                f"block_size={config.block_size}"
            )
        if rows < 1:
            raise ValueError(f"rows={rows} must be at least 1")
        shape = (config.n_layer, rows, config.kv_heads, self.slots, config.head_size)
        self.k = torch.zeros(shape, device=device, dtype=dtype)  # (L, B, K, S, D)
        self.v = torch.zeros(shape, device=device, dtype=dtype)
        self.lengths: list[int] = [
            0
        ] * rows  # on the host: asking costs no synchronising

    @property
    def rows(self) -> int:
        return len(self.lengths)

    @property
    def nbytes(self) -> int:
        """Bytes of keys and values: 2 L B K S D times the size of a number."""
        return self.k.nbytes + self.v.nbytes

    def place(self, new: int, lengths: Sequence[int] | None = None) -> Placement:
        """Find room for ``new`` tokens per row, of which ``lengths[b]`` are real."""
        counts = (new,) * self.rows if lengths is None else tuple(lengths)
        if len(counts) != self.rows or any(not 0 <= n <= new for n in counts):
            raise ValueError(
                f"lengths={counts} must give each of the {self.rows} rows a number "
                f"of real tokens from 0 to {new}"
            )
        if not any(counts):
            raise ValueError("no row has a new token: there is nothing to compute")
        for row, (old, count) in enumerate(zip(self.lengths, counts, strict=True)):
            if old + count > self.slots:
                raise ValueError(
                    f"the cache is full: row {row} holds {old} tokens, {count} more "
                    f"do not fit in its {self.slots} slots"
                )
        device = self.k.device
        starts = torch.tensor(self.lengths, device=device)[:, None]  # (B, 1)
        positions = starts + torch.arange(new, device=device)  # (B, T)
        seen = max(old + n for old, n in zip(self.lengths, counts, strict=True))
        if len(set(self.lengths)) == 1 and set(counts) == {new}:
            return Placement(positions, counts, self.lengths[0], None, seen)
        rows, tokens, slots = zip(
            *(
                (b, t, self.lengths[b] + t)
                for b, n in enumerate(counts)
                for t in range(n)
            ),
            strict=True,
        )
        index = torch.tensor([rows, tokens, slots], device=device).unbind()
        # a token that is not real may lie past the end; its position must exist
        positions = positions.clamp(max=self.slots - 1)
        return Placement(positions, counts, None, (index[0], index[1], index[2]), seen)

    def update(
        self, layer: int, k: Tensor, v: Tensor, at: Placement
    ) -> tuple[Tensor, Tensor]:
        """Write the new (B, K, T, D); return all that may be seen, (B, K, S, D)."""
        for store, new in ((self.k[layer], k), (self.v[layer], v)):
            if at.ragged is None:
                assert at.start is not None
                store[:, :, at.start : at.start + new.shape[2]] = new
            else:
                rows, tokens, slots = at.ragged
                store[rows, :, slots] = new[rows, :, tokens].to(store.dtype)
        seen = (slice(None), slice(None), slice(at.seen))
        return self.k[layer][seen].to(k.dtype), self.v[layer][seen].to(v.dtype)

    def advance(self, at: Placement) -> None:
        """Count the tokens just written; the model does, after its last layer."""
        for row, count in enumerate(at.counts):
            self.lengths[row] += count

    def row(self, i: int) -> RowView:
        """One row sharing this cache's memory: fill it, and the whole is filled."""
        self._check_row(i)
        return RowView(self, i)

    def _check_row(self, i: int) -> None:
        if not 0 <= i < self.rows:
            raise ValueError(
                f"row {i} is not in the cache: it has rows 0 to {self.rows - 1}"
            )

    def check(self, config: GPTConfig, rows: int) -> None:
        """Raise ValueError unless the cache fits a model and a batch of ``rows``."""
        want = (config.n_layer, rows, config.kv_heads, config.head_size)
        layers, have, heads, _, size = self.k.shape
        if (layers, have, heads, size) != want:
            raise ValueError(
                f"the cache is for (layers, rows, heads, head_size) = "
                f"{(layers, have, heads, size)}, the model and the ids need {want}: "
                "make one with KVCache(model.config, rows=...)"
            )

    def reorder(self, rows: Sequence[int]) -> None:
        """Row i becomes a copy of old row ``rows[i]``: beam search keeps the best."""
        for row in rows:
            self._check_row(row)
        index = torch.tensor(list(rows), device=self.k.device)
        self.k, self.v = self.k[:, index], self.v[:, index]
        self.lengths = [self.lengths[row] for row in rows]

    def truncate(self, length: int, row: int = 0) -> None:
        """Forget everything after the first ``length`` tokens of a row."""
        self._check_row(row)
        if not 0 <= length <= self.lengths[row]:
            raise ValueError(
                f"cannot keep {length} tokens of row {row}, which holds "
                f"{self.lengths[row]}"
            )
        self.lengths[row] = length


class RowView(KVCache):
    """A one-row cache inside a bigger one. Made by :meth:`KVCache.row`."""

    def __init__(self, whole: KVCache, i: int) -> None:
        self.slots = whole.slots
        self.k, self.v = whole.k[:, i : i + 1], whole.v[:, i : i + 1]
        self.lengths = [whole.lengths[i]]
        self._whole, self._row = whole, i

    def advance(self, at: Placement) -> None:
        super().advance(at)
        self._whole.lengths[self._row] = self.lengths[0]

"""What a forward pass costs: every value's shape and bytes, every product's operations.

The shapes come from a run of the model itself, the operations from torch's counter; the
closed form stands beside each count. It refuses to know what a second or a euro is.

    ledger(model, ids)                              # a table in a notebook
    ledger(model, ids).select("attn")               # the rows of attention
    attention_ledger(B=1, T=1024, C=768, H=12)      # any sizes, without their memory

Letters as in the book's notation; a multiplication and an addition are two operations.
Only matrix products are counted: they are nearly all of the work. Source of the closed
forms: Kaplan et al., arXiv:2001.08361, section 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.model.hooks import HOOKS

__all__ = ["Ledger", "LedgerRow", "attention_ledger", "evaluate", "ledger"]

# The letter of each axis in the table of hooks.
_LETTERS = {
    "batch": "B",
    "row": "1",
    "position": "T",
    "query": "T",
    "key": "S",
    "n_embd": "C",
    "head": "H",
    "kv_head": "K",
    "head_dim": "D",
    "n_hidden": "F",
    "vocab": "V",
}

# The operations of the matrix product that makes a value. Where scores or logits are
# capped, the product makes the raw ones.
_PRODUCTS = {
    "attn.q": "2 B T C H D",
    "attn.k": "2 B T C K D",
    "attn.v": "2 B T C K D",
    "attn.scores": "2 B H T S D",
    "attn.z": "2 B H T S D",
    "attn.out": "2 B T H D C",
    "mlp.pre": "2 B T C F",
    "mlp.up": "2 B T C F",
    "mlp.out": "2 B T F C",
    "logits": "2 B T C V",
}


def evaluate(formula: str, sizes: dict[str, int]) -> int:
    """The value of a product of letters and numbers like "2 B T C"; that of "" is 0."""
    factors = formula.split()
    return prod(int(f) if f.isdigit() else sizes[f] for f in factors) if factors else 0


@dataclass(frozen=True)
class LedgerRow:
    """One value of the forward pass; equal ones of all layers share a row."""

    name: str  # "attn.q": of every block; "logits": of the model
    axes: str  # "B H T D"
    shape: tuple[int, ...]
    dtype: str
    bytes: int  # of one such value
    flops: int  # counted while it was made
    formula: str  # the closed form of the same, "" for none
    formula_flops: int
    times: int  # how many layers have it

    def explain(self) -> str:
        """One line: what it is and what it costs."""
        text = f"{self.name} ({self.axes}) = {self.shape}, {self.bytes:,} bytes"
        if self.formula:
            text += f", {self.flops:,} operations = {self.formula}"
        return f"{text}, {self.times} times" if self.times > 1 else text


@dataclass(frozen=True, repr=False)
class Ledger:
    """The costs of one forward pass, row by row and in all."""

    sizes: dict[str, int]  # B, T, S, C, H, K, D, F, V, L
    rows: tuple[LedgerRow, ...]

    @property
    def flops(self) -> int:
        """Counted operations of all rows, in all layers."""
        return sum(row.flops * row.times for row in self.rows)

    @property
    def formula_flops(self) -> int:
        """The same by the closed forms."""
        return sum(row.formula_flops * row.times for row in self.rows)

    @property
    def bytes(self) -> int:
        """Bytes of all values, if every one were kept."""
        return sum(row.bytes * row.times for row in self.rows)

    @property
    def agrees(self) -> bool:
        """Whether each closed form equals its count."""
        return all(row.flops == row.formula_flops for row in self.rows)

    def select(self, *parts: str) -> Ledger:
        """Only the rows whose name begins with one of `parts`: `select("attn", "mlp")`.

        Raises ValueError when there is none.
        """
        rows = tuple(row for row in self.rows if row.name.startswith(parts))
        if not rows:
            names = ", ".join(row.name for row in self.rows)
            raise ValueError(
                f"no row begins with {' or '.join(parts)}; there are: {names}"
            )
        return replace(self, rows=rows)

    def products(self) -> Ledger:
        """Only the rows that cost operations."""
        return replace(self, rows=tuple(row for row in self.rows if row.flops))

    def __getitem__(self, name: str) -> LedgerRow:
        """The row of this name."""
        return next(row for row in self.select(name).rows if row.name == name)

    def explain(self) -> str:
        """The totals in two sentences."""
        letters = {
            x for row in self.rows for x in f"{row.axes} {row.formula} L".split()
        }
        used = {name: size for name, size in self.sizes.items() if name in letters}
        sizes = ", ".join(f"{name}={size}" for name, size in used.items())
        verdict = "Every closed form equals its count."
        if not self.agrees:
            off = [row.name for row in self.rows if row.flops != row.formula_flops]
            verdict = f"The closed form does not equal the count of {', '.join(off)}."
        total = f"{self.flops:,} operations and {self.bytes:,} bytes of values"
        return f"{total} for {sizes}. {verdict}"

    def _table(self) -> Iterator[tuple[str, ...]]:
        """Numbers of all layers, so that the rows add up to the last one."""
        yield ("value", "axes", "shape", "type", "bytes", "operations", "closed form")
        for row in self.rows:
            name = row.name if row.times == 1 else f"{row.name} x{row.times}"
            shape = " x ".join(map(str, row.shape))
            flops = f"{row.flops * row.times:,}" if row.flops else ""
            texts = (name, row.axes, shape, row.dtype, f"{row.bytes * row.times:,}")
            many = f"{row.times} x " if row.formula and row.times > 1 else ""
            yield (*texts, flops, many + row.formula)
        yield ("in all", "", "", "", f"{self.bytes:,}", f"{self.flops:,}", "")

    def __repr__(self) -> str:
        table = list(self._table())
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                f"{text:>{width}}" if place in (4, 5) else f"{text:{width}}"
                for place, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        ]
        return "\n".join([*lines, self.explain()])

    def _repr_markdown_(self) -> str:
        head, *rows = self._table()
        marks = ["---:" if place in (4, 5) else ":---" for place in range(len(head))]
        lines = [head, marks, *((f"`{row[0]}`", *row[1:]) for row in rows[:-1])]
        lines.append(tuple(f"**{text}**" if text else "" for text in rows[-1]))
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"{table}\n\n{self.explain()}"


def ledger(model: GPT, ids: Tensor) -> Ledger:
    """Run `model` on token ids (B, T) once and write down what it costs.

    The model may stand on the device "meta", where shapes are all there is.
    """
    sizes = _sizes(model.config, ids)
    rows: list[LedgerRow] = []
    counter = FlopCounterMode(display=False)
    write = _writer(rows, model.config, sizes, counter)
    with counter, torch.no_grad(), model.listening(edits={"*": write}):
        model(ids)
    return Ledger(sizes, tuple(_folded(rows)))


def attention_ledger(
    *, B: int = 1, T: int, C: int, H: int, K: int | None = None
) -> Ledger:
    """What one attention layer costs: B rows of T tokens, C wide, H query heads, K
    key/value heads (as many, unless said). Any sizes: nothing is computed.

    Raises ValueError for sizes that do not fit together.
    """
    config = GPTConfig(
        vocab_size=1,
        block_size=T,
        n_layer=1,
        n_head=H,
        n_kv_head=K,
        n_embd=C,
        position="none",
        bias=False,
    )
    with torch.device("meta"):
        model, ids = GPT(config), torch.zeros(B, T, dtype=torch.long)
    return ledger(model.eval(), ids).select("attn")


def _sizes(config: GPTConfig, ids: Tensor) -> dict[str, int]:
    B, T = ids.shape
    return {
        "B": B,
        "T": T,
        "S": T,
        "C": config.n_embd,
        "H": config.n_head,
        "K": config.kv_heads,
        "D": config.head_size,
        "F": config.hidden,
        "V": config.vocab_size,
        "L": config.n_layer,
    }


def _writer(
    rows: list[LedgerRow],
    config: GPTConfig,
    sizes: dict[str, int],
    counter: FlopCounterMode,
) -> Callable[[Tensor, str], None]:
    """An edit that changes nothing and writes a row for each value it sees."""
    axes = {hook.name: hook.axes for hook in HOOKS}
    counted = 0

    def write(value: Tensor, name: str) -> None:
        nonlocal counted
        flops, counted = counter.get_total_flops() - counted, counter.get_total_flops()
        short, general = _short(name)
        formula = _formula(short, config)
        rows.append(
            LedgerRow(
                name=short,
                axes=" ".join(_LETTERS.get(a, a) for a in axes[general].split(", ")),
                shape=tuple(value.shape),
                dtype=str(value.dtype).removeprefix("torch."),
                bytes=value.nbytes,
                flops=flops,
                formula=formula,
                formula_flops=evaluate(formula, sizes),
                times=1,
            )
        )

    return write


def _short(name: str) -> tuple[str, str]:
    """A hook's name without its block, and as it stands in the table of hooks."""
    if not name.startswith("blocks."):
        return name, name
    short = name.split(".", 2)[2]
    return short, f"blocks.{{i}}.{short}"


def _formula(name: str, config: GPTConfig) -> str:
    """The closed form of the product that makes this value, if one does."""
    if name == "attn.out" and not config.attn_output:
        return ""
    caps = {"attn.scores": config.attn_softcap, "logits": config.logit_softcap}
    if caps.get(name) is not None:
        return ""  # made from the raw ones
    return _PRODUCTS.get(name.removesuffix("_raw"), "")


def _folded(rows: list[LedgerRow]) -> list[LedgerRow]:
    """Equal rows of all layers as one."""
    times: dict[Any, int] = {}
    for row in rows:
        times[row] = times.get(row, 0) + 1
    return [replace(row, times=count) for row, count in times.items()]

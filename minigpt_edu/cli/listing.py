"""``minigpt list``: the checkpoints in a folder, and which one is the best.

Only headers are read. Losses on different texts cannot be compared, so each text has a
best of its own: the one with the fewest held-out bits per byte, a measure that does not
depend on the tokenizer; of equal ones the smaller file.

    best_of(find_checkpoints(Path("checkpoints")))      # of the text trained on last
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from ..checkpoint import CheckpointError, CheckpointInfo
from .options import CHECKPOINTS, FIRST_COMMAND, ListOptions

__all__ = ["Found", "best_of", "best_per_text", "find_checkpoints", "run_list"]


NUMBERS = ("train_loss", "val_loss", "val_bits_per_byte")
LARGEST = 1e300  # no loss is as large: what is larger is damage


@dataclass(frozen=True)
class Found:
    """A checkpoint file: what it says of itself, or why it cannot be read."""

    path: Path
    size_bytes: int
    info: CheckpointInfo | None
    error: str | None = None

    def get(self, name: str) -> Any:
        """A value of the header, or None."""
        return self.info.meta.get(name) if self.info else None

    def number(self, name: str) -> float | None:
        """A value of the header, if it is a finite number; a file may hold anything."""
        value = self.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if abs(value) < LARGEST else None  # false for nan

    @property
    def text(self) -> str:
        """Which text it was judged on; empty if the file does not say."""
        return str(self.get("corpus_sha256") or self.get("corpus") or "")

    def explain(self) -> str:
        """One plain sentence."""
        return self.info.explain() if self.info else f"{self.path}: {self.error}"


def find_checkpoints(root: Path) -> list[Found]:
    """Every .safetensors file under ``root``, by path; those of others and broken ones
    too, with the reason."""
    return [_look(path) for path in sorted(root.rglob("*.safetensors"))]


def _look(path: Path) -> Found:
    size = path.stat().st_size
    try:
        return Found(path, size, CheckpointInfo.read(path))
    except (CheckpointError, OSError) as error:
        return Found(path, size, None, str(error))


def best_of(found: Iterable[Found]) -> Found | None:
    """The best for the text of the newest file that was judged; None if none was."""
    judged = [f for f in found if f.number("val_loss") is not None]
    newest = max(judged, key=lambda f: str(f.get("created") or ""), default=None)
    return best_per_text(judged)[newest.text] if newest else None


def best_per_text(found: Iterable[Found]) -> dict[str, Found]:
    """For each text the file with the fewest held-out bits per byte.

    Files that know only their loss per token come after all that know their bits.
    """

    def rank(f: Found) -> tuple[bool, float, int, Path]:
        bits, loss = f.number("val_bits_per_byte"), f.number("val_loss")
        number = loss if bits is None else bits
        return bits is None, number or 0.0, f.size_bytes, f.path

    judged = [f for f in found if f.number("val_loss") is not None]
    return {f.text: f for f in sorted(judged, key=rank, reverse=True)}  # the last wins


def run_list(options: ListOptions) -> int:
    """The command. Raises ValueError for a folder that is not there."""
    root = options.dir or CHECKPOINTS
    if options.dir is not None and not root.is_dir():
        raise ValueError(f"there is no folder {root}")
    found = find_checkpoints(root) if root.is_dir() else []
    best = {f.path for f in best_per_text(found).values()}
    if options.json:
        rows = [_as_json(f, best=f.path in best) for f in found]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif found:
        terminal = Console().is_terminal
        console = Console(width=None if terminal else 200, markup=False)
        console.print(_table(found, best))
    else:
        typer.echo(f"no checkpoints in {root}; make one with  {FIRST_COMMAND}")
    return 0


def _as_json(found: Found, *, best: bool) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "step": found.get("step"),
        "val_loss": found.get("val_loss"),
        "train_loss": found.get("train_loss"),
        "val_bits_per_byte": found.get("val_bits_per_byte"),
        "size_bytes": found.size_bytes,
        "created": found.get("created"),
        "description": found.get("description"),
        "best": best,
        "error": found.error,
    }


def _table(found: Iterable[Found], best: set[Path]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("checkpoint", overflow="fold")
    for name in ("step", "train", "held out", "bits/byte", "KB"):
        table.add_column(name, justify="right")
    table.add_column("made", no_wrap=True)
    table.add_column("what")
    for f in found:
        what = str(f.get("description") or "") if f.info else f"unreadable: {f.error}"
        table.add_row(
            "*" if f.path in best else "",
            str(f.path),
            str(f.get("step") or ""),
            *(_number(f.number(name)) for name in NUMBERS),
            f"{math.ceil(f.size_bytes / 1000):,}",
            str(f.get("created") or "")[:16].replace("T", " "),
            what,
        )
    table.caption = (
        "* the best of its text: fewest bits per byte held out" if best else None
    )
    table.caption_justify = "left"
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

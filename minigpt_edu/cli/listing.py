"""``minigpt list``: the checkpoints in a folder, and which one is the best.

Only headers are read. The best is the one with the fewest held-out bits per byte, a
measure that does not depend on the tokenizer; of equal ones the smaller file.

    best_of(find_checkpoints(Path("checkpoints")))
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

__all__ = ["Found", "best_of", "find_checkpoints", "run_list"]


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
    """The one with the fewest held-out bits per byte; None if none was ever judged.

    Files that know only their loss per token come after all that know their bits.
    """

    def rank(f: Found) -> tuple[bool, float, int, Path]:
        bits, loss = f.get("val_bits_per_byte"), f.get("val_loss")
        return bits is None, loss if bits is None else bits, f.size_bytes, f.path

    judged = [f for f in found if f.get("val_loss") is not None]
    return min(judged, key=rank, default=None)


def run_list(options: ListOptions) -> int:
    """The command. Raises ValueError for a folder that is not there."""
    root = options.dir or CHECKPOINTS
    if options.dir is not None and not root.is_dir():
        raise ValueError(f"there is no folder {root}")
    found = find_checkpoints(root) if root.is_dir() else []
    best = best_of(found)
    if options.json:
        rows = [_as_json(f, best=f is best) for f in found]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif found:
        terminal = Console().is_terminal
        Console(width=None if terminal else 200).print(_table(found, best))
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


def _table(found: Iterable[Found], best: Found | None) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("checkpoint", overflow="fold")
    for name in ("step", "train", "held out", "bits/byte", "KB"):
        table.add_column(name, justify="right")
    table.add_column("made", no_wrap=True)
    table.add_column("what")
    for f in found:
        what = f.get("description") or "" if f.info else f"unreadable: {f.error}"
        table.add_row(
            "*" if f is best else "",
            str(f.path),
            str(f.get("step") or ""),
            _number(f.get("train_loss")),
            _number(f.get("val_loss")),
            _number(f.get("val_bits_per_byte")),
            f"{math.ceil(f.size_bytes / 1000):,}",
            str(f.get("created") or "")[:16].replace("T", " "),
            what,
        )
    table.caption = (
        "* the best: fewest bits per byte of held-out text" if best else None
    )
    table.caption_justify = "left"
    return table


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else ""

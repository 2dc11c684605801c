"""`book/status.json`: what each notebook takes to run, and how much of it is verified.

`make refresh` writes the file, pages show it, a test compares it with the notebooks.
Entries are sorted and change only when something did. It knows nothing of Sphinx.

    record(Path("."), {Path("chapters/attention/masks.ipynb"): measure})
    load(Path("."))["chapters/attention/masks.ipynb"].verified

Why publish it: the execution table of QuantEcon's lectures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from minigpt_edu.book.measure import Measure, machine, settled
from minigpt_edu.book.notebooks import ignored

__all__ = ["STATUS", "Entry", "counted", "load", "record"]

#: Where it lies, from the root of the repository.
STATUS = Path("book") / "status.json"


@dataclass(frozen=True)
class Entry:
    """What is known of one notebook."""

    cells: int  # of code
    ignored: Mapping[str, str] = field(default_factory=dict)  # cell id -> reason
    seconds: int | None = None  # of processor time
    peak_mb: int | None = None
    machine: str = ""

    @property
    def verified(self) -> int:
        """Cells whose outputs the tests compare."""
        return self.cells - len(self.ignored)

    def explain(self) -> str:
        """The badge line, without its link."""
        cells = f"{self.verified} of {self.cells} cells verified"
        time = f"{self.seconds} s of processor time" if self.seconds else ""
        memory = f"{self.peak_mb:,} MB of memory" if self.peak_mb else ""
        return " \N{MIDDLE DOT} ".join(part for part in (cells, time, memory) if part)


def counted(notebook: Any) -> Entry:
    """How many cells of code a notebook has, and which are not compared and why."""
    code = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    reasons = {
        cell.id: str(cell.metadata.get("minigpt", {}).get("reason", ""))
        for cell in code
        if ignored(cell)
    }
    return Entry(len(code), reasons)


def load(root: Path) -> dict[str, Entry]:
    """The entries by path from the root, as a POSIX name; empty without a file."""
    path = root / STATUS
    if not path.is_file():
        return {}
    known = json.loads(path.read_text(encoding="utf-8"))
    return {name: Entry(**entry) for name, entry in known.items()}


def record(root: Path, measures: Mapping[Path, Measure]) -> dict[str, Entry]:
    """Bring the file up to date with notebooks that were just run; return all entries.

    Only notebooks below `root/chapters` have an entry; one whose notebook is gone loses
    it. Times and memory stay as they were unless they differ by more than noise.
    """
    known, here = load(root), machine()
    for path, measure in measures.items():
        name = _name(root, path)
        if name is None:
            continue
        notebook = nbformat.read(path, as_version=4)
        known[name] = _entry(known.get(name), counted(notebook), measure, here)
    known = {n: known[n] for n in sorted(known) if (root / n).is_file()}
    target = root / STATUS
    if measures and target.parent.is_dir():
        text = json.dumps({n: asdict(e) for n, e in known.items()}, indent=1)
        partial = target.with_name(target.name + ".partial")
        partial.write_text(text + "\n", encoding="utf-8")
        os.replace(partial, target)
    return known


def _name(root: Path, path: Path) -> str | None:
    chapters = (root / "chapters").resolve()
    if path.name.startswith(".") or not path.resolve().is_relative_to(chapters):
        return None
    return path.resolve().relative_to(root.resolve()).as_posix()


def _entry(old: Entry | None, now: Entry, measure: Measure, here: str) -> Entry:
    """The cells as they are now, the numbers settled."""
    if old is None:
        old = Entry(0)
    seconds = settled(old.seconds, max(1, round(measure.seconds)), share=0.4, least=3)
    memory = old.peak_mb
    if measure.peak_bytes:
        rounded = 10 * round(measure.peak_bytes / 1e7)
        memory = int(settled(old.peak_mb, rounded, share=0.15, least=30))
    same = (seconds, memory) == (old.seconds, old.peak_mb) and old.machine
    place = old.machine if same else here
    return Entry(now.cells, dict(now.ignored), int(seconds), memory, place)

"""Copy the chapters to `workbook/`, where a reader may change everything: `make lab`.

A copy that exists is never written over, so a reader's work is safe; the chapters
themselves stay as they are, so their outputs can be verified. It knows only files.

    python -m minigpt_edu.book.workbook          # from the root of the repository
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from minigpt_edu.book.refresh import find

__all__ = ["Copied", "copy_chapters"]


@dataclass(frozen=True)
class Copied:
    """How many notebooks were copied and how many were there already."""

    new: int
    kept: int

    def explain(self) -> str:
        return (
            f"workbook/: {self.new} new, {self.kept} kept as you left them "
            "(delete one to get a fresh copy)"
        )


def copy_chapters(chapters: Path, workbook: Path) -> Copied:
    """Copy every notebook below `chapters` that `workbook` does not have."""
    new = kept = 0
    for source in find([chapters]):
        target = workbook / source.relative_to(chapters)
        if target.exists():
            kept += 1
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        new += 1
    return Copied(new, kept)


if __name__ == "__main__":
    print(copy_chapters(Path("chapters"), Path("workbook")).explain())
    sys.exit(0)

"""Copy the chapters to `workbook/`, where a reader may change everything: `make lab`.

Sections are copied as they are, exercises as stubs without their solutions (`make
stubs` writes those alone). What a reader has changed is never written over: a newer
version is put beside it. It knows only files.

    python -m minigpt_edu.book.workbook            # from the root of the repository
    python -m minigpt_edu.book.workbook --stubs    # only the exercises

`workbook/.copies.json` remembers each copy by the hash of its text, which tells a copy
that a reader has changed from one that only the book has outgrown.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat

from minigpt_edu.book.refresh import find
from minigpt_edu.book.stubs import stub_notebook

__all__ = ["Copied", "copy_chapters", "main"]

EXERCISES = "exercises.ipynb"
_RECORD = ".copies.json"


@dataclass(frozen=True)
class Copied:
    """How many notebooks were copied, kept or brought up to date; which have changed
    in the book since their reader changed them too."""

    new: int
    kept: int
    updated: int = 0
    newer: tuple[Path, ...] = ()

    def explain(self) -> str:
        counts = f"{self.new} new, {self.kept} kept as you left them"
        if self.updated:
            counts += f", {self.updated} brought up to date"
        lines = [f"workbook/: {counts} (delete one to get a fresh copy)"]
        lines += [
            f"  {path}: the book has changed since; its newer version lies beside "
            f"yours, as {_beside(path).name}"
            for path in self.newer
        ]
        return "\n".join(lines)


def copy_chapters(chapters: Path, workbook: Path, *, stubs: bool = False) -> Copied:
    """Bring `workbook` up to date with every notebook below `chapters`.

    With `stubs` only the exercises. A copy that its reader has not changed follows the
    book; one that was changed stays, and the newer version is written beside it once.
    Raises ValueError naming notebook and cell if a solution is not marked as it should
    be; nothing is written then.
    """
    sources = [p for p in find([chapters]) if not stubs or p.name == EXERCISES]
    texts = {p.relative_to(chapters): _text(p) for p in sources}
    record = _Record(workbook)
    counts = {"new": 0, "kept": 0, "updated": 0}
    newer = []
    for place, text in texts.items():
        what = record.write(place, text)
        if what == "newer":
            record.write(_beside(place), text)
            newer.append(place)
            what = "kept"
        counts[what] += 1
    record.save()
    return Copied(**counts, newer=tuple(newer))


class _Record:
    """The copies that were made, by the hash of the text they were made of."""

    def __init__(self, workbook: Path) -> None:
        self.workbook, self.path = workbook, workbook / _RECORD
        known = self.path.read_text(encoding="utf-8") if self.path.is_file() else "{}"
        self.made: dict[str, str] = json.loads(known)

    def write(self, place: Path, text: str) -> str:
        """Write a copy unless a reader's work is there; "new", "kept", "updated" or
        "newer": kept, but the book has another text by now."""
        target, name, now = self.workbook / place, place.as_posix(), _hash(text)
        made = self.made.get(name)
        if not target.exists():
            what = "new"
        elif made in (now, None):  # None: copied before there was a record
            self.made[name] = now
            return "kept"
        elif _hash(target.read_text(encoding="utf-8")) == made:
            what = "updated"
        else:
            return "newer"
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, text)
        self.made[name] = now
        return what

    def save(self) -> None:
        self.workbook.mkdir(parents=True, exist_ok=True)
        _replace(self.path, json.dumps(self.made, indent=1, sort_keys=True) + "\n")


def _text(source: Path) -> str:
    """What a fresh copy holds: the notebook itself, or the stub of an exercise."""
    if source.name != EXERCISES:
        return source.read_text(encoding="utf-8")
    try:
        stub = stub_notebook(nbformat.read(source, as_version=4))
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    return nbformat.writes(stub) + "\n"


def _beside(place: Path) -> Path:
    return place.with_name(f"{place.stem}.newer{place.suffix}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _replace(target: Path, text: str) -> None:
    partial = target.with_name(target.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, target)


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 if all was copied, 1 if a solution is not marked as it should."""
    summary = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="workbook", description=summary)
    parser.add_argument("--stubs", action="store_true", help="only the exercises")
    options = parser.parse_args(arguments)
    try:
        done = copy_chapters(Path("chapters"), Path("workbook"), stubs=options.stubs)
    except ValueError as error:
        print(error)
        return 1
    print(done.explain())
    return 0


if __name__ == "__main__":
    sys.exit(main())

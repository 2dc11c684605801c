"""The folder of one training run, and what may happen to it.

    last.safetensors    weights and optimizer, every so often: from here a run goes on
    best.safetensors    weights alone, when the held-out loss was lowest
    run.jsonl           one line per step

Each file is replaced whole or not at all, so a process killed at any moment leaves a
folder from which the run can go on.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RunFolder"]


@dataclass(frozen=True)
class RunFolder:
    """Paths, and the checks before anything is written into them."""

    path: Path

    @property
    def last(self) -> Path:
        """From where to go on."""
        return self.path / "last.safetensors"

    @property
    def best(self) -> Path:
        """The model to use."""
        return self.path / "best.safetensors"

    @property
    def log(self) -> Path:
        """Every step, for curves."""
        return self.path / "run.jsonl"

    def check_writable(self) -> None:
        """Raise ValueError if the folder cannot be made or written; make nothing."""
        for place in (self.path, *self.path.absolute().parents):
            if not place.exists():
                continue
            if not place.is_dir():
                raise ValueError(
                    f"cannot make the folder {self.path}: {place} is a file; choose "
                    "another --out"
                )
            if not os.access(place, os.W_OK | os.X_OK):
                raise ValueError(
                    f"cannot write to {self.path}: {place} is closed to you; choose "
                    "another --out"
                )
            return

    def check_free(self) -> None:
        """Raise ValueError, with three ways out, if a run is already here."""
        there = [f for f in (self.last, self.best, self.log) if f.exists()]
        if there:
            raise ValueError(
                f"{self.path} already holds a run ({there[0].name}): go on with "
                "--resume, choose another --out, or replace it with --overwrite"
            )

    def begin(self) -> None:
        """Make the folder, empty of an earlier run's files."""
        self.path.mkdir(parents=True, exist_ok=True)
        for file in (self.best, self.log, self.last):
            file.unlink(missing_ok=True)
        self._sweep()

    def rewind_log(self, step: int) -> None:
        """Forget the logged steps after ``step``, which a resumed run makes again."""
        self._sweep()
        if not self.log.exists():
            return
        lines = self.log.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if 0 < _step_of(line) <= step]
        partial = self.log.with_name(f".{self.log.name}.partial")
        partial.write_bytes(b"".join(kept))
        os.replace(partial, self.log)

    def _sweep(self) -> None:
        """Remove what a killed process left half written."""
        for file in self.path.glob(".*.partial"):
            file.unlink(missing_ok=True)


def _step_of(line: bytes) -> int:
    """The step of a logged record; 0 for a line that a kill cut short."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return 0

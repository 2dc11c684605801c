"""Explanations beside the work: watch a long process go by, and keep what it did.

Every long process of this package is an iterator of records, each with ``explain()``. A
logger passes them on unchanged, says some of them aloud, and can write all of them to a
file, one line of JSON each, to be played back later. It knows nothing of what the
records are about.

    logger = EducationalLogger(every=50, path="runs/first.jsonl")
    for record in logger.watch(trainer.steps()):
        ...
    for values in replay("runs/first.jsonl"):
        print(values["kind"], values["step"], values["loss"])
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO, TypeVar

__all__ = ["EducationalLogger", "Explainable", "replay"]

LEVELS = (0, 1, 2, 3)
START = b'{"kind": '  # how every line of a log begins


class Explainable(Protocol):
    """A record that can say in one plain sentence what happened."""

    def explain(self) -> str: ...


R = TypeVar("R", bound=Explainable)


class EducationalLogger:
    """Like a progress bar, with meaning: says what happened, every so often.

    Level 0 is silent. Level 1 explains the first record, every ``every``-th and the
    last. Level 2 adds their numbers by name. Level 3 does so for every record.

    With ``path``, every record is also written there as a line of JSON, at any level.
    The file is added to, never replaced, and each line is handed over at once, so a
    killed process has lost none. ``say`` gets the sentences; by default it prints them.

    Raises ValueError for an unknown level, or a ``path`` that holds something else.
    """

    def __init__(
        self,
        every: int = 1,
        *,
        level: int = 1,
        path: str | Path | None = None,
        say: Callable[[str], object] = print,
    ) -> None:
        if every < 1:
            raise ValueError(f"every={every} must be at least 1")
        if level not in LEVELS:
            raise ValueError(f"level={level} is unknown: choose one of {LEVELS}")
        self.every, self.level, self.say = every, level, say
        self.path = None if path is None else Path(path)

    def watch(self, records: Iterable[R]) -> Iterator[R]:
        """Pass the records on, unchanged and in order, each after it was noted."""
        file = None if self.path is None else _open_to_add(self.path)
        waiting: R | None = None  # seen but not said: the last record is always said
        try:
            for count, record in enumerate(records, start=1):
                if file is not None:
                    file.write(_to_line(record))
                    file.flush()
                due = count == 1 or count % self.every == 0 or self.level == 3
                waiting = None if due else record
                if due:
                    self._explain(record)
                yield record
            if waiting is not None:
                self._explain(waiting)
        finally:
            if file is not None:
                file.close()

    def _explain(self, record: Explainable) -> None:
        if self.level == 0:
            return
        self.say(record.explain())
        if self.level >= 2:
            values = _values(record).items()
            self.say("    " + "  ".join(f"{name}={value}" for name, value in values))


def replay(path: str | Path) -> Iterator[dict[str, Any]]:
    """The records of a file that a logger wrote, as dictionaries, in order.

    "kind" is the record's class; numbers that JSON cannot hold come back as "nan" or
    "inf". A last line cut short by a killed process is left out. Raises ValueError,
    naming the line, for any other line that is no record.
    """
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, start=1):
            values = _from_line(line)
            if values is not None:
                yield values
            elif line.endswith(b"\n"):
                raise ValueError(
                    f"{path}, line {number} is not a logged record: "
                    f"{line[:40].decode(errors='replace').strip()!r}; remove that line "
                    "or give a file that EducationalLogger wrote"
                )


def _open_to_add(path: Path) -> TextIO:
    """Open a log at its end, after mending a last line that a kill cut short."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        file.seek(0)
        whole, last = 0, b""
        for last in file:
            if whole == 0 and not last.startswith(START[: len(last)]):
                raise ValueError(
                    f"{path} holds something else than logged records: choose another "
                    "name"
                )
            whole += len(last) if last.endswith(b"\n") else 0
        if last and not last.endswith(b"\n"):
            if _from_line(last) is None:
                file.truncate(whole)
            else:  # a whole record that lacks only the end of its line
                file.write(b"\n")
    return path.open("a", encoding="utf-8", newline="\n")


def _to_line(record: Explainable) -> str:
    kind = {"kind": type(record).__name__}
    return json.dumps({**kind, **_values(record)}, allow_nan=False) + "\n"


def _from_line(line: bytes) -> dict[str, Any] | None:
    """The record of a line, or None if it is not a whole one."""
    try:
        values = json.loads(line)
    except ValueError:  # not JSON, or not even UTF-8
        return None
    return values if isinstance(values, dict) and "kind" in values else None


def _values(record: Explainable) -> dict[str, Any]:
    """The fields of a record by name, as JSON can hold them."""
    if not is_dataclass(record):
        return {"explain": record.explain()}
    return {field.name: _plain(getattr(record, field.name)) for field in fields(record)}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no infinity
    if value is None or isinstance(value, str | int | float):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name)) for field in fields(value)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    to_list = getattr(value, "tolist", None)  # arrays and tensors have it
    return str(value) if to_list is None else _plain(to_list())

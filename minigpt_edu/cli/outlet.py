"""Output that nobody has to read: work goes on when the reader leaves.

print("step 7", file=Outlet(sys.stdout))      # never raises for a closed pipe
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, TextIO

__all__ = ["Outlet", "discard"]


class Outlet:
    """A stream that falls silent at its first failure, such as a pipe that was closed
    or a terminal that is gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._open = stream, True

    def write(self, text: str) -> int:
        """Write while there is a reader."""
        if self._open:
            try:
                self._stream.write(text)
            except OSError:
                self._close()
        return len(text)

    def flush(self) -> None:
        """Send on what was written, while there is a reader."""
        if self._open:
            try:
                self._stream.flush()
            except OSError:
                self._close()

    def _close(self) -> None:
        self._open = False
        discard(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def discard(stream: TextIO) -> None:
    """Let what is still to come go nowhere, or Python complains when it ends."""
    with suppress(OSError, ValueError):  # ValueError: a stream that is no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)

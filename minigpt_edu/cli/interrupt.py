"""Ctrl-C that waits for a good moment.

with StopSignal() as stop:
    for record in steps:
        if stop.asked: ...          # between two steps: save, then leave
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType

__all__ = ["StopSignal"]

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # the last one is unknown to Windows


class StopSignal:
    """Remembers that somebody asked to stop; the second Ctrl-C stops at once.

    A signal that is ignored stays ignored: ``nohup minigpt train &`` outlives its
    terminal.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> StopSignal:
        for name in SIGNALS:
            number = getattr(signal, name, None)
            if number is None or signal.getsignal(number) in (signal.SIG_IGN, None):
                continue
            self._before[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        # not sys.stderr: a handler may run in the middle of another write
        with suppress(OSError):  # the terminal may be gone; the run is saved anyway
            os.write(
                2, b"\nfinishing this step, then saving (again to leave at once)\n"
            )

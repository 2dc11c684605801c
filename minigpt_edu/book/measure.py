"""What it takes to run a notebook: seconds, and the most memory its kernel held.

`execute` runs a notebook and asks the kernel at the end. Seconds are those in which the
processor worked for it, so that a busy machine measures the same as a free one; on one
thread, they are about what a clock shows. They differ all the same from run to run, so
`settled` keeps an old number until a new one really differs.

    measure = execute(NotebookClient(notebook, ...), env=...)

Peak memory: proc_pid_status(5), VmHWM; elsewhere getrusage(2).
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import dataclass
from typing import Any

from nbformat.v4 import new_code_cell

__all__ = ["Measure", "execute", "machine", "settled"]

# Runs in the kernel after the last cell. Linux also counts what the starter of a
# process held in getrusage, so there the process itself is asked.
_PROBE = """
def _minigpt_peak():
    try:
        with open("/proc/self/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        return int(lines["VmHWM"].split()[0]) * 1024
    except (OSError, KeyError):
        pass
    try:
        import resource
        import sys
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

import os
import time
print(_minigpt_peak(), time.process_time() + sum(os.times()[2:4]))
"""


@dataclass(frozen=True)
class Measure:
    """One run of a notebook."""

    seconds: float  # of processor time
    peak_bytes: int | None  # None where the system does not say

    def explain(self) -> str:
        memory = f"{self.peak_bytes / 1e6:.0f} MB" if self.peak_bytes else "unknown"
        return f"It took {self.seconds:.1f} s; its kernel held {memory} at most."


def execute(client: Any, **options: Any) -> Measure:
    """Run the notebook of an nbclient `client` and measure it.

    `options` go to `client.execute`. Raises what that raises; the notebook has no cell
    more than before.
    """
    probe = new_code_cell(_PROBE)
    client.nb.cells.append(probe)
    try:
        client.execute(**options)
    finally:
        client.nb.cells.remove(probe)
    peak, seconds = probe.outputs[0].text.split()
    return Measure(float(seconds), int(peak) or None)


def settled(old: float | None, new: float, *, share: float, least: float) -> float:
    """The old number unless the new one differs by more than `share` of it and by more
    than `least`."""
    if old is None or abs(new - old) > max(share * abs(old), least):
        return new
    return old


def machine() -> str:
    """This machine in words, without its name."""
    cores = os.cpu_count() or 1
    kind = platform.machine().replace("_", "-") or "unknown"
    torch = importlib.metadata.version("torch").split("+")[0]
    python = ".".join(platform.python_version_tuple()[:2])
    return (
        f"one thread of a machine with {cores} {kind} cores, {platform.system()}, "
        f"Python {python}, PyTorch {torch}"
    )

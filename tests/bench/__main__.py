"""Measure this machine: ``make bench``.

Runs every benchmark beside this file and writes what they return, with the machine they
ran on, to ``results/<device>-<date>.json``. Times are printed and kept, never asserted.

    python -m tests.bench              # all
    python -m tests.bench training     # one
    python -m tests.bench --quick      # fewer repetitions
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import torch

from minigpt_edu import __version__
from minigpt_edu.device import pick_device

HERE = Path(__file__).parent
# What each benchmark leaves out when time is short.
QUICK = {
    "training": ["--quick"],
    "bpe": ["--size", "100000"],
    "page": ["--rounds", "3"],
}
NAMES = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "device": str(pick_device()),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "minigpt_edu": __version__,
    }


def measure(names: list[str], quick: bool) -> dict[str, Any]:
    """Run the named benchmarks, which print as they go."""
    today = datetime.date.today().isoformat()
    report: dict[str, Any] = {"date": today, "machine": machine(), "benchmarks": {}}
    for name in names:
        print(f"\n== {name}", flush=True)
        module = importlib.import_module(f"tests.bench.bench_{name}")
        report["benchmarks"][name] = module.main(QUICK.get(name, []) if quick else [])
    return report


def store(report: dict[str, Any], folder: Path) -> Path:
    """Write a report; benchmarks measured earlier the same day stay in it."""
    folder.mkdir(exist_ok=True)
    device = report["machine"]["device"].replace(":", "")
    target = folder / f"{device}-{report['date']}.json"
    if target.exists():
        earlier = json.loads(target.read_text(encoding="utf-8"))["benchmarks"]
        report = {**report, "benchmarks": {**earlier, **report["benchmarks"]}}
    partial = target.with_suffix(".json.partial")
    partial.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, target)
    return target


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description="Measure this machine.")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--results", type=Path, default=Path("results"))
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark {sorted(unknown)}; there are {', '.join(NAMES)}")
    report = measure(options.names or NAMES, options.quick)
    print(f"\nwritten to {store(report, options.results)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

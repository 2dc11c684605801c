"""Run the book's notebooks again and store what they say: `make refresh`.

Each notebook runs from top to bottom in a fresh kernel on one thread, is put into its
committed form, and gets its published numbers written into its text. Where a browser is
installed, a picture of each figure that computes is stored beside it. A notebook that
fails, or that `complaints` objects to, is left on the disk as it was. What a chapter
teaches is not its business.

    python -m minigpt_edu.book.refresh                      # all chapters, in place
    python -m minigpt_edu.book.refresh chapters/overview    # some
    python -m minigpt_edu.book.refresh --settings --jobs 2  # under several CPU settings

With `--settings` each notebook also runs as another CPU would compute it, and is
refused if a compared output differs: floating-point sums depend on their order (David
Goldberg, "What every computer scientist should know about floating-point arithmetic",
1991).
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from minigpt_edu.book.measure import Measure, execute
from minigpt_edu.book.notebooks import compared, complaints, fill, tidy
from minigpt_edu.book.pictures import add_pictures
from minigpt_edu.book.status import record
from minigpt_edu.viz.show import OWN_MODELS

__all__ = ["SETTINGS", "Refreshed", "find", "main", "refresh", "run"]

_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
_TWO_THREADS = {key: "2" for key in _ONE_THREAD if key.endswith("THREADS")}

#: Other ways to compute the same notebook; the plain run is compared with each.
SETTINGS: dict[str, dict[str, str]] = {
    "without vector instructions": {"ATEN_CPU_CAPABILITY": "default"},
    "with MKL's compatible sums": {"MKL_CBWR": "COMPATIBLE"},
    "on two threads": _TWO_THREADS,
}

_CELL_SECONDS = 300
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # tracebacks come with colours


@dataclass(frozen=True)
class Refreshed:
    """What became of one notebook."""

    path: Path
    seconds: float
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()  # what could not be done here, and does not matter much
    measure: Measure | None = None  # of the plain run

    def explain(self) -> str:
        if not self.problems:
            notes = "".join(f"\n  {line}" for line in self.notes)
            return f"{self.path}: stored after {self.seconds:.1f} s{notes}"
        reasons = "".join(f"\n  {line}" for line in self.problems)
        return f"{self.path}: refused, left as it was{reasons}"


def find(places: Iterable[Path]) -> list[Path]:
    """The notebooks among and below `places`, in order, without editors' copies."""
    found = []
    for place in places:
        # Names that begin with a point are drafts, unless one is asked for.
        below = sorted(place.rglob("[!.]*.ipynb"))
        files = below if place.is_dir() else [place]
        found += [f for f in files if ".ipynb_checkpoints" not in f.parts]
    return found


def run(path: Path, environment: dict[str, str] | None = None) -> Any:
    """Execute a notebook in a fresh kernel, in its folder; the file is not touched.

    `environment` is added to the settings of one thread. Returns the executed notebook
    in committed form. Raises CellExecutionError if a cell fails.
    """
    return _measured(path, environment)[0]


def _measured(
    path: Path, environment: dict[str, str] | None = None
) -> tuple[Any, Measure]:
    """The same as `run`, with what it took."""
    notebook = nbformat.read(path, as_version=4)
    # The kernel of this environment, whatever a user has registered elsewhere.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    client = NotebookClient(
        notebook,
        timeout=_CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
    )
    settings = {**os.environ, **_ONE_THREAD, **(environment or {})}
    measure = execute(client, env=settings)
    tidy(notebook)
    return notebook, measure


def refresh(path: Path, settings: bool = False) -> Refreshed:
    """Run one notebook and store it, or say why not."""
    start, notes, measure = time.perf_counter(), [], None
    try:
        before = nbformat.read(path, as_version=4)
        with tempfile.TemporaryDirectory() as models:
            notebook, measure = _measured(path, {OWN_MODELS: models})
            fill(notebook)
            notes = add_pictures(notebook, before, models=Path(models))
        problems = complaints(notebook)
        if settings and not problems:
            problems = _differences(path, notebook)
    except (CellExecutionError, ValueError) as error:
        lines = _COLOUR.sub("", str(error)).splitlines()
        problems = [line for line in lines if line.strip()][-12:]
    if not problems:
        partial = path.with_suffix(".ipynb.partial")
        nbformat.write(notebook, partial)
        os.replace(partial, path)
    took = time.perf_counter() - start
    return Refreshed(path, took, tuple(problems), tuple(notes), measure)


def _differences(path: Path, notebook: Any) -> list[str]:
    """How the compared outputs change under other CPU settings, line by line."""
    plain, found = compared(notebook), []
    for name, environment in SETTINGS.items():
        other = compared(run(path, environment))
        for number, (here, there) in enumerate(zip(plain, other, strict=True), 1):
            if here != there:
                lines = difflib.unified_diff(_lines(here), _lines(there), n=0)
                changed = [line for line in lines if not line.startswith("@@")]
                found.append(f"code cell {number} differs {name}:")
                found += [f"  {line}" for line in changed[2:8]]
    return found


def _lines(outputs: list[Any]) -> list[str]:
    return json.dumps(outputs, indent=1, ensure_ascii=False).splitlines()


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 if all were stored, 1 if one was refused, 2 if none is there."""
    summary = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="refresh", description=summary)
    parser.add_argument("places", nargs="*", type=Path, default=[Path("chapters")])
    parser.add_argument("--settings", action="store_true", help="several CPU settings")
    parser.add_argument("--jobs", type=int, default=1, help="notebooks at a time")
    options = parser.parse_args(arguments)
    paths = find(options.places)
    missing = [path for path in paths if not path.is_file()]
    if missing or not paths:
        print(f"no such notebook: {missing[0] if missing else options.places[0]}")
        return 2
    failed, measures = 0, {}
    with ProcessPoolExecutor(max_workers=max(1, options.jobs)) as pool:
        jobs = [pool.submit(refresh, path, options.settings) for path in paths]
        for job in jobs:
            result = job.result()
            failed += bool(result.problems)
            if result.measure is not None and not result.problems:
                measures[result.path] = result.measure
            print(result.explain(), flush=True)
    record(Path(), measures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Settings for every test run: notebooks compare alike everywhere, skips are honest.

Notebooks under ``pytest --nbval`` run in this environment's own kernel and on one
thread, whatever the machine's defaults are. With ``MINIGPT_NO_SKIP=1``, as in
continuous integration, a skipped test is a failed one, unless it waits for hardware.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

# What no machine can be asked to have.
ALLOWED_SKIP = re.compile(r"\b(CUDA|MPS|llama\.cpp)\b")

ROOT = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "nbval", False):
        if not config.option.nbval_kernel_name:
            config.option.nbval_current_env = True
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(name, "1")
        os.environ.setdefault("PYTHONHASHSEED", "0")


def must_fail(reason: str) -> bool:
    """Whether a skip for this reason counts as a failure here."""
    return bool(os.environ.get("MINIGPT_NO_SKIP")) and not ALLOWED_SKIP.search(reason)


def reason_of(report: Any) -> str:
    """Why a test was skipped, in its own words."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return str(text).removeprefix("Skipped: ")


def refuse_skip(report: Any) -> None:
    """Turn a skip into a failure that names what is missing."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = reason_of(report)
        if must_fail(reason):
            report.outcome = "failed"
            report.longrepr = f"MINIGPT_NO_SKIP is set, but this was skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if os.environ.get("MINIGPT_NO_SKIP") and skipped:
        terminalreporter.section("skipped for want of hardware")
        for reason in sorted({reason_of(report) for report in skipped}):
            terminalreporter.write_line(reason)


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built book."""
    folder = ROOT / "book" / "_build" / "html"
    if not (folder / "index.html").is_file():
        pytest.skip("the book is not built: make book")
    return folder

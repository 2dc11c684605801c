"""Skips are honest: where none may be, a missing program is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

def test_passes(): pass

def test_browser(): pytest.skip("no browser on the PATH")

@pytest.mark.skipif(True, reason="needs CUDA")
def test_card(): pass

@pytest.mark.xfail(reason="known")
def test_known(): assert False
"""


def run(folder: Path, no_skip: str, body: str = TESTS) -> str:
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "test_them.py").write_text(body)
    settings = {"MINIGPT_NO_SKIP": no_skip, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment = {**os.environ, **settings}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True
    )
    return done.stdout


def test_skips_are_fine_for_readers(tmp_path: Path) -> None:
    out = run(tmp_path, no_skip="")
    assert "1 passed, 2 skipped, 1 xfailed" in out
    assert "want of hardware" not in out


def test_only_hardware_may_be_missing_in_continuous_integration(tmp_path: Path) -> None:
    out = run(tmp_path, no_skip="1")
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed" in out
    assert "but this was skipped: no browser on the PATH" in out
    _, section = out.split("skipped for want of hardware")
    assert "needs CUDA" in section


@pytest.mark.parametrize(
    ("module", "failed"), [("no_such_oracle", True), ("os", False)]
)
def test_a_missing_library_is_a_failure_too(
    tmp_path: Path, module: str, failed: bool
) -> None:
    body = f"import pytest\npytest.importorskip({module!r})\ndef test(): pass\n"
    assert ("but this was skipped" in run(tmp_path, "1", body)) == failed

"""What a run took is asked of the kernel, and noise changes no stored number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

from minigpt_edu.book.measure import Measure, execute, machine, settled

POSITIVE = st.floats(0.1, 1e4)


def measured(tmp_path: Path, *sources: str) -> tuple[Any, Measure]:
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    place = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(notebook, kernel_name="python3", resources=place)
    return notebook, execute(client)


def test_the_kernel_is_measured_and_its_notebook_left_alone(tmp_path: Path) -> None:
    small_notebook, small = measured(tmp_path, "print(1)")
    code = "x = bytearray(200_000_000)\nx[::1000] = b'1' * 200_000\ndel x"
    busy = "import time\nwhile time.process_time() < 2: pass"
    _, large = measured(tmp_path, code, busy)
    assert [cell.source for cell in small_notebook.cells] == ["print(1)"]
    assert small_notebook.cells[0].outputs[0].text == "1\n"
    assert small.peak_bytes and large.peak_bytes
    assert large.peak_bytes > small.peak_bytes + 150e6
    assert large.seconds >= 2
    assert small.seconds > 0
    assert "MB at most" in small.explain()


def test_a_failing_notebook_has_no_cell_more(tmp_path: Path) -> None:
    notebook = new_notebook(cells=[new_code_cell("1 / 0")])
    place = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(notebook, kernel_name="python3", resources=place)
    with pytest.raises(CellExecutionError):
        execute(client)
    assert [cell.source for cell in notebook.cells] == ["1 / 0"]


@given(POSITIVE, POSITIVE)
def test_a_number_settles(old: float, new: float) -> None:
    """It stays or becomes the new one, and measuring that once more changes nothing."""
    kept = settled(old, new, share=0.4, least=3)
    assert kept in (old, new)
    assert abs(kept - new) <= max(0.4 * old, 3)
    assert settled(kept, new, share=0.4, least=3) == kept
    assert settled(None, new, share=0.4, least=3) == new


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [(10, 13, 10), (10, 14, 10), (10, 15, 15), (2, 4, 2), (2, 6, 6), (100, 61, 100)],
)
def test_noise_changes_nothing(old: float, new: float, kept: float) -> None:
    assert settled(old, new, share=0.4, least=3) == kept


def test_unknown_memory_is_said_so() -> None:
    assert "unknown" in Measure(1.0, None).explain()


def test_a_machine_is_named_by_what_matters() -> None:
    words = machine()
    assert words.startswith("one thread of a machine with ")
    assert "PyTorch 2." in words
    assert "/" not in words and "_" not in words

"""emit(): to the notebook if there is one, else to the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from minigpt_edu.viz.output import NUMBERS, emit

BUNDLE = {"text/plain": "a line", "text/markdown": "*a line*"}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A running IPython, as in a notebook, that leaves nothing behind."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # it would look for another one
    quiet = Config({"HistoryAccessor": {"enabled": False}})
    yield InteractiveShell.instance(ipython_dir=str(tmp_path), config=quiet)
    InteractiveShell.clear_instance()


def test_a_notebook_gets_the_bundle_as_it_is(shell: Any) -> None:
    with capture_output() as captured:
        emit(BUNDLE, {"key": "value"})
    (output,) = captured.outputs
    assert output.data == BUNDLE
    assert output.metadata == {"key": "value"}


def test_a_terminal_gets_the_text(capsys: pytest.CaptureFixture) -> None:
    emit(BUNDLE)
    assert capsys.readouterr().out == "a line\n"


def test_a_terminal_is_not_told_of_hidden_numbers(
    capsys: pytest.CaptureFixture,
) -> None:
    emit({NUMBERS: {"loss": "1.87"}})
    assert capsys.readouterr().out == ""

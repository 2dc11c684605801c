"""Node for the tests of the page's JavaScript: a program, and somebody who answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

JS = Path(__file__).parent / "js"


class JavaScriptError(Exception):
    """What the engine threw."""


class JavaScript:
    """A Node process that answers calls, one line of JSON each."""

    error = JavaScriptError

    def __init__(self, node: str) -> None:
        self.process = subprocess.Popen(
            [node, str(JS / "answer.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __call__(self, name: str, *args: Any) -> Any:
        """The result; raises JavaScriptError when the engine refused."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([name, *args]) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise JavaScriptError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)


@pytest.fixture(scope="session")
def node() -> str:
    """The program; a test that needs it is skipped without."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node is not installed")
    return found


@pytest.fixture(scope="session")
def javascript(node: str) -> Iterator[JavaScript]:
    """``javascript("encode", "text", False)``: answers of tests/viz/js/answer.mjs."""
    process = JavaScript(node)
    yield process
    process.close()

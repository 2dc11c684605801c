"""show_source(): what is shown is what runs."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable

import pytest

from minigpt_edu.learn import show_source
from minigpt_edu.text import ByteBPE


class Example:
    """Quotes a fence:

    ```
    code
    ```
    """

    @property
    def width(self) -> int:
        return 3

    def method(self) -> int:
        return self.width + 1


def logged(function: Callable[[], int]) -> Callable[[], int]:
    @functools.wraps(function)
    def wrapper() -> int:
        return function()

    return wrapper


@logged
def decorated() -> int:
    return 42


@pytest.mark.parametrize("thing", [ByteBPE, ByteBPE.encode, Example.method, logged])
def test_a_listing_is_the_source_and_nothing_else(thing: object) -> None:
    listing = show_source(thing)
    assert listing.code == textwrap.dedent(inspect.getsource(thing)).rstrip()
    assert ast.parse(listing.code).body
    assert repr(listing) == listing.code


def test_a_listing_is_a_python_fence() -> None:
    lines = show_source(Example.method)._repr_markdown_().splitlines()
    assert (lines[0], lines[-1]) == ("```python", "```")
    assert lines[1] == "def method(self) -> int:"


def test_a_fence_in_the_source_does_not_end_the_listing() -> None:
    markdown = show_source(Example)._repr_markdown_()
    assert markdown.startswith("````python\n")
    assert markdown.endswith("\n````")


def test_the_written_function_is_shown_not_its_wrapper() -> None:
    assert "return 42" in show_source(decorated).code


def test_a_property_shows_its_getter() -> None:
    assert "return 3" in show_source(Example.width).code


def test_a_listing_explains_itself() -> None:
    assert show_source(Example.method).explain() == (
        "Example.method takes 2 lines of Python."
    )


@pytest.mark.parametrize("thing", [3, len, "text"])
def test_what_has_no_source_is_refused(thing: object) -> None:
    with pytest.raises(TypeError, match="needs a function"):
        show_source(thing)

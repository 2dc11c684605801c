"""Show the package's own code in a chapter, so that the two cannot drift apart.

A listing is text taken from the source file when the cell runs. It refuses to know how
a page is drawn: the notebook and the book read its Markdown.

    from minigpt_edu.learn import show_source
    show_source(GPT.forward)          # the last line of a cell

The idea is Donald Knuth's, "Literate Programming" (1984): one source for both readers.
"""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass
from typing import Any

__all__ = ["Listing", "show_source"]


@dataclass(frozen=True)
class Listing:
    """A piece of Python that is shown as code."""

    code: str
    name: str

    def explain(self) -> str:
        """Say how long it is."""
        lines = self.code.count("\n") + 1
        return f"{self.name} takes {lines} lines of Python."

    def __repr__(self) -> str:
        return self.code

    def _repr_markdown_(self) -> str:
        fence = "```"
        while fence in self.code:  # code that itself quotes a fence
            fence += "`"
        return f"{fence}python\n{self.code}\n{fence}"


def show_source(thing: Any) -> Listing:
    """The source of a function, method, class or property, without its indentation.

    Decorated functions show the function that was written. Raises TypeError for an
    object that has no Python source, such as a number or a built-in function.
    """
    thing = getattr(thing, "fget", None) or thing  # a property shows its getter
    try:
        code = inspect.getsource(thing)
    except (TypeError, OSError) as error:
        raise TypeError(
            f"show_source() needs a function, method or class written in Python, "
            f"not {thing!r}"
        ) from error
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", "code")
    return Listing(textwrap.dedent(code).rstrip(), name)

"""The catalogue: for each chapter, what a reader builds and how it is got wrong.

A check is named `chapter.thing`. A chapter's page is read when one of its names is
asked for; this room refuses to know what the functions compute.

    find("attention.causal").variants       # the known wrong ones
    names("attention")                      # all that this chapter can check

The variants are collected from real programs; their origin stands beside each.
"""

from __future__ import annotations

from importlib import import_module

from .record import Check, Draw, Inputs, Variant, describe

__all__ = ["Check", "Draw", "Inputs", "Variant", "describe", "find", "names"]

#: The pages of each chapter.
PAGES = {
    "attention": (
        "attention_averages",
        "attention_head",
        "attention_backward",
        "attention_masks",
        "attention_leak",
        "attention_heads",
        "attention_costs",
    ),
}


def names(chapter: str | None = None) -> list[str]:
    """The names of all checks, or of one chapter's, in the order of the course."""
    return [check.name for check in _checks(chapter)]


def find(name: str) -> Check | None:
    """The check of this name, or None."""
    known = _checks(name.split(".")[0])
    return next((check for check in known if check.name == name), None)


def _checks(chapter: str | None) -> list[Check]:
    chapters = PAGES if chapter is None else {chapter: PAGES.get(chapter, ())}
    pages = [page for pages in chapters.values() for page in pages]
    modules = [import_module(f".{page}", __name__) for page in pages]
    return [check for module in modules for check in module.CHECKS]

"""The teacher: what a chapter needs beside the package itself."""

from .publish import publish
from .quiz import Item, Option, Quiz
from .source import Listing, show_source

__all__ = ["Item", "Listing", "Option", "Quiz", "publish", "show_source"]

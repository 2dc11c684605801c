"""The teacher: what a chapter needs beside the package itself."""

from .checks import check, check_names, variants
from .expect import ShapeError, Shapes, expect
from .ladder import Ladder, draw_times, ladder, rung_times
from .ledger import Ledger, attention_ledger, ledger
from .publish import publish
from .quiz import Item, Option, Quiz
from .report import Report
from .source import Listing, show_source

__all__ = [
    "Item",
    "Ladder",
    "Ledger",
    "Listing",
    "Option",
    "Quiz",
    "Report",
    "ShapeError",
    "Shapes",
    "attention_ledger",
    "check",
    "check_names",
    "draw_times",
    "expect",
    "ladder",
    "ledger",
    "publish",
    "rung_times",
    "show_source",
    "variants",
]

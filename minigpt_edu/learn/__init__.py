"""The teacher: what a chapter needs beside the package itself."""

from .publish import publish
from .source import Listing, show_source

__all__ = ["Listing", "publish", "show_source"]

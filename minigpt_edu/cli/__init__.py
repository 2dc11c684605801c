"""The command line: ``minigpt train``, ``minigpt generate``, ``minigpt list``."""

from .app import app, main

__all__ = ["app", "main"]

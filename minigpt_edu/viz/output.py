"""The one place that talks to Jupyter.

`emit` hands a bundle of representations (mime type to content) to the notebook that is
running. It knows nothing of what they show. In a plain script there is no notebook: the
text of the bundle goes to standard output instead.

    emit({"text/plain": "a line", "text/markdown": "*a line*"})

Messaging: https://jupyter-client.readthedocs.io/en/stable/messaging.html#display-data
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["CAPTION", "FIGURE", "NUMBERS", "QUIZ", "VIEW", "emit", "in_notebook"]

#: Key of the output metadata by which the book recognises a figure and its caption.
FIGURE = "minigpt"
#: Role of the output that repeats a caption for readers in JupyterLab.
CAPTION = "caption"
#: Mime type of the numbers that prose may quote. No Jupyter program draws it.
NUMBERS = "application/vnd.minigpt.numbers+json"
#: Mime type of a quiz as data, beside its HTML.
QUIZ = "application/vnd.minigpt.quiz+json"
#: Mime type of a figure that computes: its kind and what was asked of it.
VIEW = "application/vnd.minigpt.figure+json"


def emit(bundle: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> None:
    """Display one output with several representations.

    `bundle` maps mime types to JSON values (bytes for pictures), `metadata` is stored
    with the output and is never compared when the notebook is verified.
    """
    if in_notebook():
        from IPython.display import display

        display(dict(bundle), metadata=dict(metadata or {}), raw=True)
        return
    text = bundle.get("text/plain")
    if text is not None:
        sys.stdout.write(f"{text}\n")


def in_notebook() -> bool:
    """Whether somebody is there to display things: a notebook, or IPython's prompt."""
    if "IPython" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython

    return get_ipython() is not None

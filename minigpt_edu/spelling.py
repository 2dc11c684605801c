"""Names that are almost right: which one was probably meant?

It knows strings and nothing else. An unknown option is never passed over in silence.

    refuse_unknown("GPTConfig", values, known_fields)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "refuse_unknown"]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest known name as a question, or all of them if none is near."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def refuse_unknown(owner: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise ValueError for the first of ``names`` that is not a field of ``owner``."""
    known = list(known)
    for name in names:
        if name not in known:
            raise ValueError(
                f"{owner} has no field {name!r}: {did_you_mean(name, known)}"
            )

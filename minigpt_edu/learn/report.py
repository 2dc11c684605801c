"""What a check found, as a record that reads well in a notebook and on a page.

A report is text about a function and refuses to know how it was found. The same
function gives the same report on every machine: no times, no addresses.

    report = check("attention.causal", my_causal)
    report.passed, report.explain()

On advice that helps: Hattie and Timperley, "The Power of Feedback" (2007).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Report"]

# What Markdown or mathematics would take for markup in plain words.
_MARKUP = re.compile(r"([\\*_\[\]<>$|#~])")


@dataclass(frozen=True, repr=False)
class Report:
    """The answer of `check`: passed or not, why, and where to look.

    `kind` is "passed", "still to do", "variant" (a known mistake, whose name is in
    `variant`), or what is wrong otherwise: "value" "shape" "nan" "dtype" "type" "none"
    "length" "keys" "changed" "random" "error", or "unknown" for the name of the check.
    """

    name: str
    kind: str
    finding: str  # one sentence: what was found
    advice: str = ""  # where to look
    variant: str = ""

    @property
    def passed(self) -> bool:
        return self.kind == "passed"

    def __bool__(self) -> bool:
        return self.passed

    @property
    def verdict(self) -> str:
        """One or two words: passed, still to do, not yet."""
        plain = ("passed", "still to do")
        return self.kind if self.kind in plain else "not yet"

    def explain(self) -> str:
        """All of it in one paragraph."""
        words = f"{self.name}: {self.verdict}. {self.finding} {self.advice}"
        return words.strip()

    def __repr__(self) -> str:
        return self.explain()

    def _repr_markdown_(self) -> str:
        head = f"**`{self.name}`: {self.verdict}.**"
        return " ".join(
            [head, *(_as_text(part) for part in (self.finding, self.advice) if part)]
        )


def _as_text(words: str) -> str:
    """Plain words as Markdown that shows exactly them; `code` stays code."""
    parts = words.split("`")
    if len(parts) % 2 == 0:  # a backtick without a partner is no code
        return _MARKUP.sub(r"\\\1", words.replace("`", "'"))
    parts[::2] = [_MARKUP.sub(r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)

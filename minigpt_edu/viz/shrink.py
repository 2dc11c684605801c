"""JavaScript without its comments and without the white space that means nothing.

A reader of the page downloads what it computes, not what we say about it; the modules
themselves stay as they are. It knows how a text is cut into tokens and nothing of what
they do: no name is changed, no code is moved.

    shrink("const half = x / 2; // not a comment: `${'//'}`\\n")   # 'const half=x/2;'

A slash begins a pattern unless a value stands before it. After a closing parenthesis it
divides, so `if (x) /y/.test(z)` is not understood; write the pattern as a constant.

Lexical grammar: https://tc39.es/ecma262/#sec-ecmascript-language-lexical-grammar
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["shrink", "tokens"]

_TOKEN = re.compile(
    r"""
      (?P<blank> [ \t\r\ufeff]+ )
    | (?P<newline> \n )
    | (?P<comment> //[^\n]* | /\*.*?\*/ )
    | (?P<string> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    | (?P<word> [\w$\#]+ )
    | (?P<punct> \+\+ | -- | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_PATTERN = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")
_CHUNK = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(?P<end>`|\$\{)", re.DOTALL)

# Words after which a value is still to come, so that a slash begins a pattern.
_BEFORE_VALUE = re.compile(
    "await|case|delete|do|else|in|instanceof|new|of|return|throw|typeof|void|yield"
)
# Signs that end no statement, and signs that begin none.
_NEVER_ENDS = set("{;,([=&|?:<>*%!~^")
_NEVER_BEGINS = set(")]},;.?:=&|<>%^")
_WORD = re.compile(r"[\w$#]")
# Neighbours that would become one sign, or a comment, without the space between.
_APART = {"++", "--", "//", "/*", "<!", "->"}


def tokens(source: str) -> Iterator[tuple[str, str]]:
    """Kind and text of every token; joined, the texts are the source.

    Kinds: blank, newline, comment, string, template, pattern, word, punct. Raises
    ValueError with the line for a string, template or comment that does not end.
    """
    at, last = 0, ("", "")
    braces: list[int] = []  # of each open template: braces opened inside its ${}
    while at < len(source):
        kind, text = _next(source, at, last, braces)
        at += len(text)
        if kind not in ("blank", "newline", "comment"):
            last = (kind, text)
        yield kind, text
    if braces:
        raise ValueError(f"a template does not end: {source[-40:]!r}")


def _next(
    source: str, at: int, last: tuple[str, str], braces: list[int]
) -> tuple[str, str]:
    """The token at a place; `braces` is kept up to date."""
    sign = source[at]
    if sign == "`" or (sign == "}" and braces and braces[-1] == 0):
        return "template", _template(source, at, braces)
    if braces and sign in "{}":
        braces[-1] += 1 if sign == "{" else -1
    comment = source.startswith(("//", "/*"), at)
    if sign == "/" and not comment and not _is_value(last):
        found = _PATTERN.match(source, at)
        if found:
            return "pattern", found[0]
    found = _TOKEN.match(source, at)
    text = found[0] if found else ""
    if not found or text in ("'", '"') or (comment and text == "/"):
        line = source.count("\n", 0, at) + 1
        raise ValueError(f"line {line}: {source[at : at + 30]!r} does not end")
    return str(found.lastgroup), text


def _template(source: str, at: int, braces: list[int]) -> str:
    """A template, or the part of one up to its next value."""
    found = _CHUNK.match(source, at + 1)
    if found is None:
        line = source.count("\n", 0, at) + 1
        raise ValueError(f"line {line}: the template {source[at : at + 30]!r} is open")
    if source[at] == "}":
        braces.pop()
    if found["end"] == "${":
        braces.append(0)
    return source[at : found.end()]


def _is_value(last: tuple[str, str]) -> bool:
    """Whether a token can end a value, so that a slash after it divides."""
    kind, text = last
    if kind == "word":
        return not _BEFORE_VALUE.fullmatch(text)
    if kind == "template":
        return text.endswith("`")
    return kind in ("string", "pattern") or text in (")", "]", "}", "++", "--")


def shrink(source: str) -> str:
    """The same program in fewer bytes."""
    kept: list[str] = []
    blank = newline = False
    for kind, text in tokens(source):
        if kind in ("blank", "newline", "comment"):
            blank = True
            newline = newline or "\n" in text
            continue
        if kept:
            kept.append(_between(kept[-1], text, blank, newline))
        kept.append(text)
        blank = newline = False
    return "".join(kept)


def _between(before: str, after: str, blank: bool, newline: bool) -> str:
    """What must stand between two tokens that had a blank or a line end between."""
    if not blank:
        return ""
    left, right = before[-1], after[0]
    if newline:
        drop = before in _NEVER_ENDS or after in _NEVER_BEGINS
        return "" if drop else "\n"
    both = _WORD.match(left) and _WORD.match(right)
    number = before[0].isdigit() and right == "."
    return " " if both or number or left + right in _APART else ""

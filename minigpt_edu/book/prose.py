"""The sentences of a Markdown cell, without its code, formulas and tags.

It finds what a reader reads: headings, paragraphs, list items and rows of tables, with
published numbers, code and formulas each replaced by one word. Then it counts words,
splits sentences, and finds numbers that were typed. Good prose it cannot tell from bad.

    blocks = read("# Masks\\n\\nThe future has `-inf` in 3.5 places.")
    [b.kind for b in blocks]           # ["heading", "paragraph"]
    typed_numbers(blocks[1].text)      # ["3.5"]

Syntax: https://spec.commonmark.org/0.31.2/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["PLACEHOLDER", "Block", "links", "read", "sentences", "typed_numbers"]

#: Stands for a piece of code, a formula or a published number: one word, no digit.
PLACEHOLDER = "\N{BULLET}x"

_FENCE = re.compile(r"^ {0,3}(```+|~~~+).*?^ {0,3}\1[ \t]*$", re.DOTALL | re.MULTILINE)
_DISPLAY = re.compile(r"\$\$.*?\$\$|\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.DOTALL)
_MARKER = re.compile(r"<!-- n:\w+ -->.*?<!-- /n -->", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_FORMULA = re.compile(r"(?<![\\$\d])\$(?![\s$])[^$]*?[^\s$\\]\$(?!\d)|(?<!\\)\$\S\$")
_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]*)[^)]*\)")
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]*)[^)]*\)")
_TAG = re.compile(r"</?[A-Za-z][^>]*>")
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"(?:[-*+]|\d+[.)])\s+(.*)")
_MARKS = re.compile(r"\*+|(?<!\w)_+|_+(?!\w)")
_SENTENCE_END = re.compile(r"(?<=[.?!:])[\"')\u201d]*\s+")
_WORD = re.compile(r"[^\s]*[\w\u2022][^\s]*")
# A number by itself: not the 2 of GPT-2, nor the 8 of UTF-8 or x8.
_NUMBER = re.compile(r"(?<![\w.,])(?<![A-Za-z]-)\d+(?:,\d{3})*(?:\.\d+)*(?:e-?\d+)?")
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_SMALL = 100


@dataclass(frozen=True)
class Block:
    """A piece of text that stands by itself."""

    kind: str  # heading, paragraph, item, row
    text: str
    level: int = 0  # of a heading

    @property
    def words(self) -> int:
        """How many words it has; a formula or a piece of code is one."""
        return len(_WORD.findall(self.text))


def read(source: str) -> list[Block]:
    """The blocks of one Markdown cell, in order."""
    text = _FENCE.sub("\n", source)
    text = _CODE.sub(PLACEHOLDER, _MARKER.sub(PLACEHOLDER, text))
    text = _COMMENT.sub("", _DISPLAY.sub("\n\n", text))
    text = _FORMULA.sub(PLACEHOLDER, text)
    text = _LINK.sub(r"\1", _IMAGE.sub("", text))
    text = _TAG.sub(
        "\n\n", re.sub(r"</?(?:b|i|em|strong|span|sup|sub)\b[^>]*>", "", text)
    )
    blocks: list[Block] = []
    for piece in re.split(r"\n[ \t>]*\n", text):
        blocks += _blocks(piece)
    return [block for block in blocks if block.words]


def _blocks(piece: str) -> Iterator[Block]:
    """The blocks of lines that no empty line parts."""
    open_kind, lines = "paragraph", []
    for line in piece.splitlines():
        line = line.strip().removeprefix(">").strip()
        heading, item = _HEADING.match(line), _ITEM.match(line)
        row = line.startswith("|")
        if heading or item or row:
            yield _block(open_kind, lines)
            open_kind, lines = "paragraph", []
        if heading:
            yield Block("heading", _plain(heading[2]), len(heading[1]))
        elif row:
            yield Block("row", _plain(line.replace("|", " ")))
        elif item:
            open_kind, lines = "item", [item[1]]
        else:
            lines.append(line)
    yield _block(open_kind, lines)


def _block(kind: str, lines: list[str]) -> Block:
    return Block(kind, _plain(" ".join(lines)))


def _plain(text: str) -> str:
    """Without the marks of emphasis, spaces single."""
    return " ".join(_MARKS.sub("", text).split())


def sentences(block: Block) -> list[str]:
    """The sentences of a paragraph or list item; a colon ends one as a stop does."""
    if block.kind not in ("paragraph", "item"):
        return []
    found = _SENTENCE_END.split(block.text)
    return [text for text in found if len(_WORD.findall(text)) > 2]


def typed_numbers(text: str) -> list[str]:
    """Decimals and numbers of 100 and more; not a year that ends a parenthesis."""
    found = []
    for match in _NUMBER.finditer(text):
        number = match[0]
        is_year = _YEAR.fullmatch(number) and text[match.end() :].startswith(")")
        if not is_year and not (number.isdigit() and int(number) < _SMALL):
            found.append(number)
    return found


def links(source: str) -> list[tuple[str, str]]:
    """The (text, address) pairs of links and pictures; a picture's text has a !."""
    text = _CODE.sub(PLACEHOLDER, _FENCE.sub("\n", source))
    pictures = [("!" + m[1], m[2]) for m in _IMAGE.finditer(text)]
    rest = _IMAGE.sub("", text)
    return pictures + [(m[1], m[2]) for m in _LINK.finditer(rest)]

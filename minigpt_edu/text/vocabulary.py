"""The table behind a tokenizer: id -> bytes, with four special tokens in front.

Special tokens (padding, unknown, begin, end) are ids that no ordinary text can produce:
``encode`` reads the characters ``<|eos|>`` in a text as seven characters, and only
``allow_special=True`` reads them as the end token. This module does not know how text
is cut into pieces; each tokenizer says that in ``_encode_plain``.

    class Digits(TableTokenizer):
        def _encode_plain(self, text): return [FIRST_ID + int(c) for c in text]
    Digits([b"0", b"1"]).encode("01")     # [4, 5]
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = [
    "FIRST_ID",
    "SPECIAL",
    "UNKNOWN_ID",
    "TableTokenizer",
    "json_object",
    "quoted",
    "special_names",
    "special_pattern",
    "string_lists",
    "utf8",
]

SPECIAL = ("<|pad|>", "<|unk|>", "<|bos|>", "<|eos|>")
UNKNOWN_ID = SPECIAL.index("<|unk|>")
FIRST_ID = len(SPECIAL)  # the first id that ordinary text can have


def utf8(text: str) -> bytes:
    """The bytes of ``text``; a ValueError that names the place where it has none.

    A Python string may hold a lone surrogate, half of a pair from UTF-16, which is
    not a character and has no bytes.
    """
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"character {error.start} of {len(text)} is the lone surrogate "
            f"U+{ord(text[error.start]):04X}, which is no character and has no UTF-8 "
            "bytes; replace it first: text.encode('utf-8', 'replace').decode('utf-8')"
        ) from None


def quoted(piece: bytes) -> str:
    """A token for people: its text in quotes, or its bytes if those are no text."""
    try:
        return repr(piece.decode("utf-8"))
    except UnicodeDecodeError:
        return repr(piece)


def special_names(names: Iterable[str]) -> tuple[str, ...]:
    """The four names of ``SPECIAL``, then those of ``names`` that are new.

    A name must be printable ASCII without spaces, so that it is the same text in every
    file format. Raises ValueError otherwise.
    """
    names = tuple(dict.fromkeys((*SPECIAL, *names)))
    for name in names:
        if not re.fullmatch("[!-~]+", name):
            raise ValueError(
                f"special token {name!r} must be printable ASCII without spaces, "
                "as in '<|user|>'"
            )
    return names


def special_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """A pattern whose ``split`` keeps special tokens as parts of their own."""
    longest_first = sorted(names, key=len, reverse=True)  # '<|a|>x' before '<|a|>'
    return re.compile(f"({'|'.join(map(re.escape, longest_first))})")


class TableTokenizer(ABC):
    """A tokenizer with a table of bytes: to decode is to look up and join.

    Ids: 0-3 are ``SPECIAL``, then ``pieces`` in order, then further special tokens.
    Raises ValueError if two entries are the same bytes.
    """

    def __init__(
        self, pieces: Iterable[bytes], special: Iterable[str] = SPECIAL
    ) -> None:
        names = special_names(special)
        first = [name.encode() for name in names[:FIRST_ID]]
        last = [name.encode() for name in names[FIRST_ID:]]
        self._table: list[bytes] = [*first, *pieces, *last]
        self._refuse_duplicates()
        behind = range(self.vocab_size - len(last), self.vocab_size)
        ids = (*range(FIRST_ID), *behind)
        self.special: Mapping[str, int] = dict(zip(names, ids, strict=True))
        self._special_pattern = special_pattern(names)

    def _refuse_duplicates(self) -> None:
        (piece, count), *_ = Counter(self._table).most_common(1)
        if count > 1:
            raise ValueError(
                f"{quoted(piece)} is in the vocabulary {count} times; every token, "
                "special ones too, needs bytes of its own"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(vocab_size={self.vocab_size})"

    @property
    def vocab_size(self) -> int:
        """How many ids there are; every id is below it."""
        return len(self._table)

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """The ids of ``text``. Special tokens are read only with ``allow_special``.

        Raises ValueError, with the position, for a lone surrogate.
        """
        utf8(text)
        if not allow_special:
            return self._encode_plain(text)
        ids: list[int] = []
        for part in self._special_pattern.split(text):
            if part in self.special:
                ids.append(self.special[part])
            else:
                ids.extend(self._encode_plain(part))
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``; bytes that are no whole character become U+FFFD."""
        return b"".join(map(self.token_bytes, ids)).decode("utf-8", errors="replace")

    def token_bytes(self, id: int) -> bytes:
        """The bytes of one token. Raises ValueError outside the vocabulary."""
        if 0 <= id < len(self._table):
            return self._table[id]
        raise ValueError(
            f"token id {id} is outside the vocabulary of {self.vocab_size} tokens: "
            f"ids run from 0 to {self.vocab_size - 1}"
        )

    @abstractmethod
    def _encode_plain(self, text: str) -> list[int]:
        """The ids of text in which nothing is special."""

    @abstractmethod
    def to_json(self) -> str:
        """The whole tokenizer as text, for ``tokenizer_from_json``."""


def json_object(text: str) -> dict[str, Any]:
    """The JSON object in ``text``; ValueError with the place of the first mistake."""
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"this is not a tokenizer: broken JSON, {error}") from None
    if not isinstance(data, dict):
        raise ValueError(
            "this is not a tokenizer: expected a JSON object {...}, "
            f"found a {type(data).__name__}"
        )
    return data


def string_lists(text: str, *, kind: str, names: Sequence[str]) -> list[list[str]]:
    """The lists called ``names`` in the JSON of a tokenizer of one ``kind``."""
    data = json_object(text)
    if data.get("kind") != kind:
        raise ValueError(
            f"expected a tokenizer of kind {kind!r}, found {data.get('kind')!r}"
        )
    lists: list[list[str]] = []
    for name in names:
        found = data.get(name)
        if not isinstance(found, list) or not all(isinstance(s, str) for s in found):
            raise ValueError(f"a {kind!r} tokenizer needs {name!r}, a list of strings")
        lists.append(found)
    return lists

"""What a tokenizer is: a map between text and lists of integers, and back.

The rest of the package knows only this: five members, ids below ``vocab_size``, special
tokens by name. How text is cut and how ids were learned is the business of each kind.

    tokenizer = tokenizer_from_json(saved)
    stream = StreamDecoder(tokenizer)
    pieces = [stream.push(id) for id in ids] + [stream.flush()]
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from .bpe import ByteBPE
from .hf import HFTokenizer
from .simple import ByteTokenizer, CharTokenizer, WordTokenizer
from .vocabulary import SPECIAL, json_object

__all__ = ["SPECIAL", "StreamDecoder", "Tokenizer", "tokenizer_from_json"]


class Tokenizer(Protocol):
    """Any object with these members is a tokenizer.

    In the tokenizers of this package ``special`` begins with ``SPECIAL``, ids 0 to 3;
    one that was made elsewhere brings its own names and ids.
    """

    @property
    def vocab_size(self) -> int:
        """Every id is below it."""
        ...

    @property
    def special(self) -> Mapping[str, int]:
        """The tokens that ordinary text cannot produce: name -> id."""
        ...

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """The ids of ``text``; special tokens are read only with ``allow_special``."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``, special tokens as their names."""
        ...

    def token_bytes(self, id: int) -> bytes:
        """The bytes of one token; a character may span several tokens."""
        ...

    def to_json(self) -> str:
        """The whole tokenizer as text, for ``tokenizer_from_json``."""
        ...


class StreamDecoder:
    """Text as it arrives, token by token: it waits until a character is whole.

    Law: all that ``push`` returned, and then ``flush``, is ``decode`` of the same ids
    (for an HFTokenizer: if that is byte-level).
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, id: int) -> str:
        """The characters that this token completes, perhaps none."""
        return self._utf8.decode(self._tokenizer.token_bytes(id))

    def flush(self) -> str:
        """The end of the text: U+FFFD if a character was left unfinished."""
        return self._utf8.decode(b"", final=True)


_READERS: Mapping[str, Callable[[str], Tokenizer]] = {
    "char": CharTokenizer.from_json,
    "word": WordTokenizer.from_json,
    "byte": ByteTokenizer.from_json,
}


def tokenizer_from_json(text: str) -> Tokenizer:
    """The tokenizer that ``to_json`` of any kind wrote, or any ``tokenizer.json``.

    A ``tokenizer.json`` laid out as ours becomes a ByteBPE, every other one an
    HFTokenizer. Raises ValueError for broken JSON and for unknown kinds.
    """
    data = json_object(text)
    if "model" in data:
        return _from_tokenizer_json(text)
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in _READERS:
        raise ValueError(
            f"unknown tokenizer kind {kind!r}: expected {', '.join(_READERS)}, or a "
            "tokenizer.json, which has a 'model'"
        )
    return _READERS[kind](text)


def _from_tokenizer_json(text: str) -> Tokenizer:
    try:
        return ByteBPE.from_json(text)
    except ValueError:  # laid out in another way, or broken: the library will say
        return HFTokenizer.from_json(text)

"""Three tokenizers that learn nothing but a list: characters, words, bytes.

Each shows one corner of the trade that BPE settles: characters give long sequences
and a small vocabulary, words short sequences and unknown words, bytes the longest
sequences and nothing unknown. An unknown piece becomes ``<|unk|>``, never nothing.

    CharTokenizer.train("abba").encode("abc")         # [4, 5, 1]
    WordTokenizer.train("a cat sat").encode("a cat")  # [5, 4]
    ByteTokenizer().encode("A")                       # [69]
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from .split import split_words
from .vocabulary import (
    FIRST_ID,
    SPECIAL,
    UNKNOWN_ID,
    TableTokenizer,
    special_names,
    special_pattern,
    string_lists,
    utf8,
)

__all__ = ["ByteTokenizer", "CharTokenizer", "WordTokenizer"]


def _ordinary(text: str, special: Iterable[str], *, allow_special: bool) -> list[str]:
    """The parts of ``text`` that a vocabulary is built from."""
    utf8(text)
    if not allow_special:
        return [text]
    names = special_names(special)
    return [part for part in special_pattern(names).split(text) if part not in names]


def _to_json(kind: str, tokenizer: TableTokenizer, **lists: list[str]) -> str:
    data = {"kind": kind, "special": list(tokenizer.special), **lists}
    return json.dumps(data, ensure_ascii=False)


class CharTokenizer(TableTokenizer):
    """One token per character (Unicode code point).

    Law: ``decode(encode(text)) == text`` if every character of the text is known.
    Raises ValueError if an entry is not exactly one character, or comes twice.
    """

    def __init__(
        self, characters: Iterable[str], special: Iterable[str] = SPECIAL
    ) -> None:
        self.characters = tuple(characters)
        for entry in self.characters:
            if len(entry) != 1:
                raise ValueError(f"{entry!r} has {len(entry)} characters; expected 1")
        super().__init__(map(utf8, self.characters), special)
        self._ids = {c: id for id, c in enumerate(self.characters, FIRST_ID)}

    @classmethod
    def train(
        cls,
        text: str,
        *,
        special: Iterable[str] = SPECIAL,
        allow_special: bool = False,
    ) -> CharTokenizer:
        """The sorted characters of ``text``.

        ``allow_special=True`` leaves special tokens written in the text out of it, as
        ``encode`` will: a corpus separated by ``<|eos|>`` then needs no ``|``.
        """
        special = tuple(special)
        parts = _ordinary(text, special, allow_special=allow_special)
        return cls(sorted(set("".join(parts))), special)

    def _encode_plain(self, text: str) -> list[int]:
        ids = self._ids
        return [ids.get(character, UNKNOWN_ID) for character in text]

    def to_json(self) -> str:
        """A small JSON object with the characters in the order of their ids."""
        return _to_json("char", self, characters=list(self.characters))

    @classmethod
    def from_json(cls, text: str) -> CharTokenizer:
        """The tokenizer that ``to_json`` wrote; ValueError if this is another kind."""
        names = ("characters", "special")
        return cls(*string_lists(text, kind="char", names=names))


class WordTokenizer(TableTokenizer):
    """One token per word, number, run of punctuation or of spaces, cut as in GPT-2.

    A word carries the space before it, so "cat" and " cat" are two entries and no
    space is lost. Law: ``decode(encode(text)) == text`` if every word is known.
    Raises ValueError for an entry that ``encode`` could never emit: "two words".
    """

    def __init__(self, words: Iterable[str], special: Iterable[str] = SPECIAL) -> None:
        self.words = tuple(words)
        for word in self.words:
            if (pieces := split_words(word)) != [word]:
                raise ValueError(
                    f"{word!r} can never be a token: text is cut into {pieces}"
                )
        super().__init__(map(utf8, self.words), special)
        self._ids = {word: id for id, word in enumerate(self.words, FIRST_ID)}

    @classmethod
    def train(
        cls,
        text: str,
        vocab_size: int | None = None,
        *,
        special: Iterable[str] = SPECIAL,
        allow_special: bool = False,
    ) -> WordTokenizer:
        """The words of ``text``, the most frequent first, within ``vocab_size`` tokens.

        Equally frequent words go in the order of their code points, so the result
        depends on counts alone. ``vocab_size`` counts the special tokens too; without
        it every word is kept. ``allow_special`` as in ``CharTokenizer.train``.
        """
        special = special_names(special)
        if vocab_size is not None and vocab_size <= len(special):
            raise ValueError(
                f"vocab_size {vocab_size} leaves no room for words beside the "
                f"{len(special)} special tokens; ask for at least {len(special) + 1}"
            )
        counts: Counter[str] = Counter()
        for part in _ordinary(text, special, allow_special=allow_special):
            counts.update(split_words(part))
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        keep = len(ranked) if vocab_size is None else vocab_size - len(special)
        return cls(ranked[:keep], special)

    def _encode_plain(self, text: str) -> list[int]:
        ids = self._ids
        return [ids.get(word, UNKNOWN_ID) for word in split_words(text)]

    def to_json(self) -> str:
        """A small JSON object with the words in the order of their ids."""
        return _to_json("word", self, words=list(self.words))

    @classmethod
    def from_json(cls, text: str) -> WordTokenizer:
        """The tokenizer that ``to_json`` wrote; ValueError if this is another kind."""
        return cls(*string_lists(text, kind="word", names=("words", "special")))


class ByteTokenizer(TableTokenizer):
    """One token per byte of UTF-8: byte b has id b + 4, and there is nothing to train.

    Law: ``decode(encode(text)) == text`` for every text that has bytes.
    """

    def __init__(self, special: Iterable[str] = SPECIAL) -> None:
        super().__init__((bytes([byte]) for byte in range(256)), special)

    def _encode_plain(self, text: str) -> list[int]:
        return [byte + FIRST_ID for byte in utf8(text)]

    def to_json(self) -> str:
        """A JSON object with nothing but the kind and the special tokens."""
        return _to_json("byte", self)

    @classmethod
    def from_json(cls, text: str) -> ByteTokenizer:
        """The tokenizer that ``to_json`` wrote; ValueError if this is another kind."""
        return cls(*string_lists(text, kind="byte", names=("special",)))

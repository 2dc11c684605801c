"""Looking at a tokenizer: which pieces a text becomes, and how well they compress it.

Works with every tokenizer, since it uses only the five members of the protocol.

    for piece in token_table(tokenizer, "Olá mundo"): piece.explain()
    vocabulary_report(tokenizer, text).explain()
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .tokenizer import StreamDecoder, Tokenizer
from .vocabulary import quoted, utf8

__all__ = ["TokenPiece", "VocabularyReport", "token_table", "vocabulary_report"]


@dataclass(frozen=True)
class TokenPiece:
    """One token of a text: ``text`` holds the characters that it completes.

    A token that ends in the middle of a character has an empty ``text``, and the token
    that finishes it has the whole character: joined, the texts are the text.
    """

    index: int
    id: int
    piece: bytes
    text: str
    special: bool

    def explain(self) -> str:
        """The token in one sentence."""
        what = "the special token" if self.special else f"{len(self.piece)} bytes,"
        return f"Token {self.index} has id {self.id}: {what} {quoted(self.piece)}."


def token_table(
    tokenizer: Tokenizer, text: str, *, allow_special: bool = False
) -> list[TokenPiece]:
    """The tokens of ``text`` in order, with their ids and bytes."""
    stream = StreamDecoder(tokenizer)
    special = set(tokenizer.special.values())
    return [
        TokenPiece(index, id, tokenizer.token_bytes(id), stream.push(id), id in special)
        for index, id in enumerate(tokenizer.encode(text, allow_special=allow_special))
    ]


@dataclass(frozen=True, kw_only=True)
class VocabularyReport:
    """How one tokenizer does on one text.

    ``top`` lists the most frequent ids with their counts, ``unused`` the ordinary ids
    that the text never needed; ``unknown`` counts the tokens ``<|unk|>``.
    """

    vocab_size: int
    characters: int
    bytes: int
    tokens: int
    unknown: int
    top: tuple[tuple[int, int], ...]
    unused: tuple[int, ...]

    @property
    def characters_per_token(self) -> float:
        """Compression: the larger, the fewer tokens a text costs."""
        return self.characters / self.tokens

    @property
    def bytes_per_token(self) -> float:
        """Compression in bytes, which can be compared between languages."""
        return self.bytes / self.tokens

    def explain(self) -> str:
        """The report in one sentence."""
        return (
            f"{self.characters:,} characters ({self.bytes:,} bytes) become "
            f"{self.tokens:,} tokens, {self.characters_per_token:.2f} characters and "
            f"{self.bytes_per_token:.2f} bytes each; {len(self.unused):,} of the "
            f"{self.vocab_size:,} vocabulary entries stay unused and {self.unknown:,} "
            "tokens are unknown."
        )


def vocabulary_report(
    tokenizer: Tokenizer, text: str, *, top: int = 20, allow_special: bool = False
) -> VocabularyReport:
    """Size, compression, favourites and idle entries of a vocabulary on ``text``.

    Ids of equal count are listed from the smallest. Raises ValueError for empty text.
    """
    if not text:
        raise ValueError("a report needs a text with at least 1 character, got 0")
    ids = tokenizer.encode(text, allow_special=allow_special)
    counts = Counter(ids)
    ordinary = set(range(tokenizer.vocab_size)) - set(tokenizer.special.values())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return VocabularyReport(
        vocab_size=tokenizer.vocab_size,
        characters=len(text),
        bytes=len(utf8(text)),
        tokens=len(ids),
        unknown=counts[tokenizer.special.get("<|unk|>", -1)],
        top=tuple(ranked[:top]),
        unused=tuple(sorted(ordinary - set(counts))),
    )

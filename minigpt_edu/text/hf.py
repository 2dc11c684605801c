"""Somebody else's tokenizer behind our five members: the ``tokenizers`` library.

It knows how to ask that library, and nothing about how a particular tokenizer works.
Byte-level ones (GPT-2, Llama 3, Qwen) are exact: ``decode`` is the joined bytes of the
tokens. For others, ``token_bytes`` gives the text a token adds inside a sentence.

    tokenizer = HFTokenizer.from_json(Path("tokenizer.json").read_text("utf-8"))
    tokenizer.special            # {'<|endoftext|>': 50256}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

import tokenizers

from .tokenizer_json import LETTER_BYTES, text_bytes
from .vocabulary import json_object, utf8

__all__ = ["HFTokenizer"]

_BYTE_TOKEN = re.compile("<0x([0-9A-F]{2})>")  # a byte in SentencePiece's vocabularies
_SPACE_MARK = "\u2581"  # the space in SentencePiece's vocabularies


class HFTokenizer:
    """A ``tokenizers.Tokenizer`` with the members of our protocol.

    It works on a copy without truncation and padding, so that no text is cut silently.
    Special tokens are those that the file marks so, with their own ids. Ordinary text
    cannot produce them; other added tokens are part of the vocabulary and are matched.
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        self._reading_special = _copy(tokenizer)
        self._plain = _copy(tokenizer)
        self._plain.encode_special_tokens = True  # "<s>" in a text is three characters
        self._added = self._plain.get_added_tokens_decoder()  # id -> token
        self.special: Mapping[str, int] = {
            token.content: id
            for id, token in sorted(self._added.items())
            if token.special
        }
        self._decoders = _decoder_types(self._plain)
        # one more than the largest id: some files leave ids unused
        self.vocab_size = 1 + max(self._plain.get_vocab().values(), default=-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(vocab_size={self.vocab_size})"

    @property
    def byte_level(self) -> bool:
        """Whether tokens are bytes, so that ``token_bytes`` and streams are exact."""
        return "ByteLevel" in self._decoders

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """The ids of ``text``, with nothing added in front or behind.

        Raises ValueError, with the position, for a lone surrogate.
        """
        utf8(text)
        tokenizer = self._reading_special if allow_special else self._plain
        return tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``, special tokens included, as the library joins it.

        Tokenizers that are not byte-level may drop the space in front of the text.
        """
        ids = list(ids)
        pieces = [self.token_bytes(id) for id in ids]  # refuses ids out of range
        if self.byte_level:
            return b"".join(pieces).decode("utf-8", errors="replace")
        return self._plain.decode(ids, skip_special_tokens=False)

    def token_bytes(self, id: int) -> bytes:
        """The bytes of one token; none for an id that the file leaves unused.

        Exact for byte-level tokenizers. For others it is the token's text inside a
        sentence, the space in front included: a decoder may join them differently.
        Raises ValueError outside the vocabulary.
        """
        if not 0 <= id < self.vocab_size:
            raise ValueError(
                f"token id {id} is outside the vocabulary of {self.vocab_size} tokens: "
                f"ids run from 0 to {self.vocab_size - 1}"
            )
        token = self._plain.id_to_token(id)
        if token is None:
            return b""
        if self.byte_level:
            # a token with other letters, such as an added one with a space, is text
            known = all(letter in LETTER_BYTES for letter in token)
            return text_bytes(token) if known else token.encode()
        return token.encode() if id in self._added else self._inside_sentence(token)

    def _inside_sentence(self, token: str) -> bytes:
        if byte := _BYTE_TOKEN.fullmatch(token):
            return bytes.fromhex(byte[1])
        if "WordPiece" in self._decoders:
            prefix = "##"  # of a piece that continues a word
            continues = token.startswith(prefix)
            return (token.removeprefix(prefix) if continues else f" {token}").encode()
        return token.replace(_SPACE_MARK, " ").encode()

    def to_json(self) -> str:
        """The ``tokenizer.json`` of the library."""
        return self._plain.to_str()

    @classmethod
    def from_json(cls, text: str) -> HFTokenizer:
        """The tokenizer in a ``tokenizer.json``; ValueError if it cannot be opened."""
        json_object(text)
        return cls(_open(text))


def _open(text: str) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing more specific
        raise ValueError(f"the tokenizers library refuses this file: {error}") from None


def _copy(tokenizer: tokenizers.Tokenizer) -> tokenizers.Tokenizer:
    copy = _open(tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


def _decoder_types(tokenizer: tokenizers.Tokenizer) -> frozenset[str]:
    decoder = json.loads(tokenizer.to_str()).get("decoder") or {}
    parts = decoder.get("decoders", [decoder])
    return frozenset(part.get("type", "") for part in parts)

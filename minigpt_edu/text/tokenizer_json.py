"""The file ``tokenizer.json``: byte-level BPE as the ``tokenizers`` library has it.

JSON has no strings of bytes, so GPT-2 gave each byte a visible character: printable
ones stand for themselves, the others, the space among them, get characters from U+0100
on ("Ġthe" is " the"). This module knows the format, and leaves encoding to ``bpe``.

    byte_text(b" the")          # the letters that stand for these four bytes
    merges, special = read_byte_bpe(path.read_text(encoding="utf-8"))

The alphabet: Radford et al. 2019, ``bytes_to_unicode`` of GPT-2's released encoder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .vocabulary import FIRST_ID, SPECIAL, json_object

__all__ = [
    "BYTE_LETTERS",
    "LETTER_BYTES",
    "byte_text",
    "read_byte_bpe",
    "text_bytes",
    "write_byte_bpe",
]

_PRINTABLE = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}


def _letters() -> list[str]:
    """The character of each byte: its own if printable, else the next from U+0100."""
    hidden = [byte for byte in range(256) if byte not in _PRINTABLE]
    return [
        chr(byte if byte in _PRINTABLE else 0x100 + hidden.index(byte))
        for byte in range(256)
    ]


BYTE_LETTERS: Sequence[str] = _letters()
LETTER_BYTES: Mapping[str, int] = {c: byte for byte, c in enumerate(BYTE_LETTERS)}

_BYTE_LEVEL = {"type": "ByteLevel", "trim_offsets": True, "use_regex": True}
_DOCUMENT = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": {**_BYTE_LEVEL, "add_prefix_space": False},
    "post_processor": None,
    "decoder": {**_BYTE_LEVEL, "add_prefix_space": True},
}
_MODEL = {
    "type": "BPE",
    "dropout": None,
    "unk_token": None,
    "continuing_subword_prefix": None,
    "end_of_word_suffix": None,
    "fuse_unk": False,
    "byte_fallback": False,
    "ignore_merges": False,
}


def byte_text(piece: bytes) -> str:
    """Bytes as letters of the byte-level alphabet, one letter a byte."""
    return "".join(BYTE_LETTERS[byte] for byte in piece)


def text_bytes(letters: str) -> bytes:
    """The bytes that letters of the byte-level alphabet stand for."""
    return bytes(LETTER_BYTES[letter] for letter in letters)


def _added_token(name: str, id: int) -> dict[str, Any]:
    places = {"single_word": False, "lstrip": False, "rstrip": False}
    return {"id": id, "content": name, **places, "normalized": False, "special": True}


def write_byte_bpe(
    table: Sequence[bytes],
    merges: Sequence[tuple[int, int]],
    special: Mapping[str, int],
) -> str:
    """The ``tokenizer.json`` of a byte-level BPE whose id ``i`` is ``table[i]``."""
    added = [_added_token(name, id) for name, id in special.items()]
    texts = [byte_text(piece) for piece in table]  # special names stay as they are
    model = {
        **_MODEL,
        "vocab": {text: id for id, text in enumerate(texts)},
        "merges": [f"{texts[a]} {texts[b]}" for a, b in merges],
    }
    document = {**_DOCUMENT, "added_tokens": added, "model": model}
    return json.dumps(document, ensure_ascii=False)


def read_byte_bpe(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """The merges, as pairs of ids, and the special tokens of a ``tokenizer.json``.

    Only for files laid out as ``write_byte_bpe`` does: special tokens 0-3, bytes 4-259,
    GPT-2's split. Raises ValueError, with the reason, for any other.
    """
    data = json_object(text)
    try:
        reason = _foreign(data) or _other_layout(data)
        if reason is None:
            return _merges(data), _special(data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        reason = f"it is incomplete, {type(error).__name__}: {error}"
    raise ValueError(f"this is not a tokenizer.json of ByteBPE: {reason}")


def _foreign(data: Mapping[str, Any]) -> str | None:
    """Why the settings are not those of a plain byte-level BPE, or None if they are."""
    model = data["model"]
    expected = {name: _DOCUMENT[name] for name in ("normalizer", "pre_tokenizer")}
    found = {name: data.get(name) for name in expected}
    expected |= _MODEL
    # absent and empty mean "not used" in this format, like null and false
    found |= {name: model.get(name) or _MODEL[name] for name in _MODEL}
    for name, value in expected.items():
        if found[name] != value:
            return f"{name} is {found[name]!r} instead of {value!r}"
    return None


def _other_layout(data: Mapping[str, Any]) -> str | None:
    """Why the ids are not those of ByteBPE, or None if they are."""
    special, added, vocab = _special(data), data["added_tokens"], data["model"]["vocab"]
    middle = [byte_text(bytes([byte])) for byte in range(256)]
    middle += [a + b for a, b in map(_pair_texts, data["model"]["merges"])]
    expected = [*special[:FIRST_ID], *middle, *special[FIRST_ID:]]
    if special[:FIRST_ID] != list(SPECIAL):
        return f"its special tokens begin {special[:FIRST_ID]} instead of {SPECIAL}"
    if vocab != {token: id for id, token in enumerate(expected)}:
        return "its ids are not special tokens, bytes and merges, in this order"
    if any(token != _added_token(token["content"], token["id"]) for token in added):
        return "its added tokens are not all special, or match more than their text"
    if any(vocab[token["content"]] != token["id"] for token in added):
        return "its added tokens have other ids than its vocabulary"
    return None


def _special(data: Mapping[str, Any]) -> list[str]:
    added = sorted(data["added_tokens"], key=lambda token: token["id"])
    return [token["content"] for token in added]


def _merges(data: Mapping[str, Any]) -> list[tuple[int, int]]:
    vocab = data["model"]["vocab"]
    pairs = map(_pair_texts, data["model"]["merges"])
    return [(vocab[left], vocab[right]) for left, right in pairs]


def _pair_texts(merge: str | Sequence[str]) -> tuple[str, str]:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right

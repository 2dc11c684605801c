"""Tables and numbers about a tokenizer, on texts whose answer is known."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_edu.text import (
    ByteBPE,
    ByteTokenizer,
    CharTokenizer,
    WordTokenizer,
    token_table,
    vocabulary_report,
)
from minigpt_edu.text.report import TokenPiece


@given(st.text(max_size=40))
@settings(deadline=None)
def test_the_pieces_join_to_the_text(text):
    tokenizer = ByteTokenizer()
    pieces = token_table(tokenizer, text)
    assert "".join(piece.text for piece in pieces) == text
    assert b"".join(piece.piece for piece in pieces) == text.encode()
    assert [piece.id for piece in pieces] == tokenizer.encode(text)
    assert all(piece.id < tokenizer.vocab_size for piece in pieces)


def test_a_character_in_two_tokens():
    first, second = token_table(ByteTokenizer(), "é")
    assert (first.text, second.text) == ("", "é")
    assert first.explain() == r"Token 0 has id 199: 1 bytes, b'\xc3'."


def test_special_tokens_in_a_table():
    tokenizer = CharTokenizer.train("ab")
    pieces = token_table(tokenizer, "a<|eos|>", allow_special=True)
    assert pieces[1] == TokenPiece(1, 3, b"<|eos|>", "<|eos|>", True)
    assert pieces[1].explain() == "Token 1 has id 3: the special token '<|eos|>'."
    assert not any(piece.special for piece in token_table(tokenizer, "ab"))


def test_report_on_a_known_text():
    tokenizer = WordTokenizer([" a", " b", " c"])
    report = vocabulary_report(tokenizer, " b a b é b", top=2)
    assert report.vocab_size == 7 and report.tokens == 5
    assert (report.characters, report.bytes) == (10, 11)
    assert report.top == ((5, 3), (1, 1))
    assert report.unused == (6,)
    assert report.unknown == 1
    assert report.characters_per_token == 2.0
    assert report.bytes_per_token == 2.2
    assert report.explain() == (
        "10 characters (11 bytes) become 5 tokens, 2.00 characters and 2.20 bytes "
        "each; 1 of the 7 vocabulary entries stay unused and 1 tokens are unknown."
    )


def test_compression_rises_from_bytes_to_words(story):
    bytes_, char, small, large, word = (
        vocabulary_report(tokenizer, story).characters_per_token
        for tokenizer in (
            ByteTokenizer(),
            CharTokenizer.train(story),
            ByteBPE.train(story, 300),
            ByteBPE.train(story, 450),
            WordTokenizer.train(story),
        )
    )
    assert bytes_ < char == 1.0 < small < large < word


def test_an_empty_text_has_no_report():
    with pytest.raises(ValueError, match="at least 1 character, got 0"):
        vocabulary_report(ByteTokenizer(), "")

"""The cut into words, against the library that has GPT-2's in Rust."""

from __future__ import annotations

import sys
import unicodedata
from itertools import chain

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_edu.text.bpe import ByteBPE
from minigpt_edu.text.split import SPLIT, line_chunks, split_words
from minigpt_edu.text.tokenizer_json import byte_text

OLD_CHARACTERS = [  # in every version of Unicode that a library may have on board
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.ucd_3_2_0.category(character) not in ("Cn", "Cs", "Co")
]
TANGLED = st.text(st.sampled_from(" \n\t\r\u00a0'sStdrevmlláé1²_.!-日🙂"), max_size=40)


def rust_words(text: str) -> list[str]:
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return [word for word, _ in byte_level.pre_tokenize_str(text)]


def our_words(text: str) -> list[str]:
    return [byte_text(word.encode()) for word in split_words(text)]


def test_the_pattern_is_gpt2s():
    gpt2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    assert SPLIT.pattern == gpt2


def test_worked_example():
    text = "It's 2 cats!\n\n  End_"
    words = ["It", "'s", " 2", " cats", "!", "\n\n ", " End", "_"]
    assert split_words(text) == words


def test_every_old_character_is_cut_as_in_rust():
    """Letter, digit, space or other: each character stands in four places."""
    for start in range(0, len(OLD_CHARACTERS), 500):
        some = OLD_CHARACTERS[start : start + 500]
        text = "".join(f"a{c}1{c}! {c}{c}\n" for c in some)
        assert our_words(text) == rust_words(text)


def test_samples_are_cut_as_in_rust(samples):
    for text in samples:
        assert our_words(text) == rust_words(text), text


@given(TANGLED | st.text(st.sampled_from(OLD_CHARACTERS), max_size=40))
@settings(deadline=None, max_examples=300)
def test_words_join_to_the_text_and_equal_rust(text):
    assert "".join(split_words(text)) == text
    assert our_words(text) == rust_words(text)


@given(TANGLED | st.text(max_size=60), st.integers(1, 12))
@settings(deadline=None, max_examples=300)
def test_chunks_can_be_cut_one_by_one(text, size):
    chunks = list(line_chunks(text, size))
    assert "".join(chunks) == text
    assert all(chunks)
    assert [word for chunk in chunks for word in split_words(chunk)] == split_words(
        text
    )
    assert all(len(chunk) >= size for chunk in chunks[:-1])


def test_chunks_give_the_ids_of_the_whole_text(story):
    bpe = ByteBPE.train(story, 400)
    text = story.replace("\n\n", "\n<|eos|>\n") * 3
    chunks = list(line_chunks(text, 500))
    assert len(chunks) > 5
    for special in (False, True):
        encoded = [bpe.encode(chunk, allow_special=special) for chunk in chunks]
        whole = bpe.encode(text, allow_special=special)
        assert list(chain.from_iterable(encoded)) == whole


def test_chunk_size_is_checked():
    with pytest.raises(ValueError, match="size 0 must be at least 1"):
        list(line_chunks("text", 0))

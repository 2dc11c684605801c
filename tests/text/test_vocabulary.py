"""The table and the special tokens, which every tokenizer of ours stands on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_edu.text.vocabulary import (
    FIRST_ID,
    SPECIAL,
    UNKNOWN_ID,
    TableTokenizer,
    json_object,
    quoted,
    special_names,
    special_pattern,
    string_lists,
    utf8,
)


class Letters(TableTokenizer):
    """The smallest tokenizer that there can be: lower-case letters."""

    def __init__(self, special=SPECIAL, letters="abcdefghijklmnopqrstuvwxyz"):
        super().__init__((letter.encode() for letter in letters), special)

    def _encode_plain(self, text):
        return [FIRST_ID + ord(letter) - ord("a") for letter in text]

    def to_json(self):
        return "{}"


def test_special_tokens_are_ids_0_to_3():
    assert SPECIAL == ("<|pad|>", "<|unk|>", "<|bos|>", "<|eos|>")
    assert UNKNOWN_ID == 1
    assert Letters().special == dict(zip(SPECIAL, range(4), strict=True))


def test_further_special_tokens_take_the_last_ids():
    letters = Letters(["<|user|>", "<|eos|>", "<|end|>"])
    assert letters.vocab_size == 4 + 26 + 2
    assert (letters.special["<|user|>"], letters.special["<|end|>"]) == (30, 31)
    assert letters.encode("a<|end|>z", allow_special=True) == [4, 31, 29]
    assert letters.decode([4, 31, 29]) == "a<|end|>z"


@pytest.mark.parametrize("name", ["", "two words", "fim\n", "ação", "\u0120the"])
def test_special_names_are_plain(name):
    with pytest.raises(ValueError, match="printable ASCII"):
        special_names([name])


def test_of_two_special_tokens_the_longer_is_read():
    parts = special_pattern(["<a>", "<a><b>", "a+b"]).split("x<a><b>y<a>za+baab")
    # "a+b" is a name, not a pattern: "aab" is no special token
    assert parts == ["x", "<a><b>", "y", "<a>", "z", "a+b", "aab"]


@pytest.mark.parametrize("id", [-1, 30, 10**9])
def test_ids_out_of_range_are_refused_with_both_numbers(id):
    letters = Letters()
    for use in (letters.token_bytes, lambda id: letters.decode([4, id])):
        with pytest.raises(ValueError, match=f"id {id} .* 30 tokens.* 0 to 29"):
            use(id)


def test_every_token_needs_bytes_of_its_own():
    with pytest.raises(ValueError, match="'a' is in the vocabulary 2 times"):
        Letters(letters="aba")
    with pytest.raises(ValueError, match="'x' is in the vocabulary 2 times"):
        Letters(special=["x"])


@given(st.text(max_size=20), st.integers(0xD800, 0xDFFF), st.text(max_size=5))
@settings(deadline=None)
def test_a_lone_surrogate_is_named(before, surrogate, after):
    text = before + chr(surrogate) + after
    with pytest.raises(ValueError, match=f"U\\+{surrogate:04X}") as caught:
        utf8(text)
    assert not isinstance(caught.value, UnicodeError)
    assert f"character {len(before)} of {len(text)}" in str(caught.value)


def test_quoted_shows_text_or_bytes():
    assert quoted(" fé".encode()) == "' fé'"
    assert quoted(b"\xc3") == r"b'\xc3'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "broken JSON"),
        ('{"kind": "char"', "line 1 column"),
        ("[1, 2]", "found a list"),
        ("null", "found a NoneType"),
        ("[" * 100_000, "broken JSON"),
    ],
)
def test_broken_json_is_explained(text, message):
    with pytest.raises(ValueError, match=message):
        json_object(text)


def test_lists_of_a_kind():
    text = '{"kind": "k", "a": ["x"], "b": []}'
    assert string_lists(text, kind="k", names=("b", "a")) == [[], ["x"]]
    with pytest.raises(ValueError, match="kind 'other', found 'k'"):
        string_lists(text, kind="other", names=())
    for wrong in (
        '{"kind": "k"}',
        '{"kind": "k", "a": "x"}',
        '{"kind": "k", "a": [1]}',
    ):
        with pytest.raises(ValueError, match="needs 'a', a list of strings"):
            string_lists(wrong, kind="k", names=("a",))

"""Characters, words and bytes: what round-trips, and what becomes unknown."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_edu.text.simple import ByteTokenizer, CharTokenizer, WordTokenizer

TEXTS = st.text(max_size=60)


@given(TEXTS, st.data())
@settings(deadline=None)
def test_known_characters_round_trip(text, data):
    tokenizer = CharTokenizer.train(text)
    other = data.draw(st.text(st.sampled_from(sorted(set(text)) or ["x"]), max_size=30))
    if text:
        assert tokenizer.decode(tokenizer.encode(other)) == other
        assert 1 not in tokenizer.encode(other)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert len(tokenizer.encode(text)) == len(text)


@given(TEXTS, TEXTS)
@settings(deadline=None)
def test_unknown_characters_are_kept_as_unknown(text, other):
    ids = CharTokenizer.train(text).encode(other)
    assert len(ids) == len(other)  # never dropped
    assert [id == 1 for id in ids] == [c not in text for c in other]


def test_characters_are_sorted_and_all_are_used(story):
    tokenizer = CharTokenizer.train(story)
    assert list(tokenizer.characters) == sorted(set(story))
    assert set(tokenizer.encode(story)) == set(range(4, tokenizer.vocab_size))
    shuffled = "".join(random.Random(0).sample(story, len(story)))
    assert CharTokenizer.train(shuffled).to_json() == tokenizer.to_json()


def test_special_tokens_in_a_char_corpus():
    corpus = "uma casa<|eos|>um rio<|eos|>"
    literal = CharTokenizer.train(corpus)
    assert literal.decode(literal.encode("<|eos|>")) == "<|eos|>"
    assert 3 not in literal.encode(corpus)
    documents = CharTokenizer.train(corpus, allow_special=True)
    assert documents.characters == tuple(" acimorsu")
    ids = documents.encode(corpus, allow_special=True)
    assert ids.count(3) == 2 and documents.decode(ids) == corpus
    assert set(ids) == {3, *range(4, documents.vocab_size)}  # no entry is idle


def test_angle_brackets_are_characters():
    tokenizer = CharTokenizer.train("a < b > c")
    assert tokenizer.decode(tokenizer.encode("<a>")) == "<a>"
    assert not {0, 1, 2, 3} & set(tokenizer.encode("<a>"))


@pytest.mark.parametrize("entry", ["", "ab", "e\u0301"])
def test_a_character_is_one_character(entry):
    with pytest.raises(ValueError, match=f"has {len(entry)} characters; expected 1"):
        CharTokenizer(["x", entry])


def test_normalisation_is_the_callers():
    composed = unicodedata.normalize("NFC", "ação")
    decomposed = unicodedata.normalize("NFD", "ação")
    for tokenizer in (CharTokenizer.train(composed + decomposed), ByteTokenizer()):
        assert tokenizer.encode(composed) != tokenizer.encode(decomposed)
        again = unicodedata.normalize("NFC", decomposed)
        assert tokenizer.encode(composed) == tokenizer.encode(again)


@given(TEXTS)
@settings(deadline=None)
def test_the_words_of_a_text_round_trip(text):
    tokenizer = WordTokenizer.train(text)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert set(ids) == set(range(4, tokenizer.vocab_size))  # no entry is idle
    for id, word in enumerate(tokenizer.words, 4):
        assert tokenizer.encode(word) == [id]  # and each can be emitted alone


def test_a_question_is_five_tokens():
    tokenizer = WordTokenizer.train("How do mountains form? By folding, slowly.")
    assert len(tokenizer.encode("How do mountains form?")) == 5
    ids = tokenizer.encode("How do volcanoes form?")
    assert tokenizer.decode(ids) == "How do<|unk|> form?"
    assert ids.count(1) == 1


def test_the_most_frequent_words_are_kept():
    text = " b b b c c a a d e"
    tokenizer = WordTokenizer.train(text, 8)
    assert tokenizer.words == (" b", " a", " c", " d")  # ties: by code point
    assert tokenizer.vocab_size == 8
    assert Counter(tokenizer.encode(text)) == {4: 3, 5: 2, 6: 2, 7: 1, 1: 1}
    assert WordTokenizer.train(text, 5).words == (" b",)
    assert WordTokenizer.train(text, 1_000).vocab_size == 9
    assert WordTokenizer.train(text, 7, special=["<|user|>"]).words == (" b", " a")


def test_word_order_in_the_corpus_does_not_matter(story):
    lines = story.splitlines(keepends=True)
    tokenizer = WordTokenizer.train("".join(lines), 60)
    random.Random(1).shuffle(lines)
    assert WordTokenizer.train("".join(lines), 60).to_json() == tokenizer.to_json()


def test_vocabularies_without_room_are_refused():
    with pytest.raises(ValueError, match=r"vocab_size 4 .* 4 special .* at least 5"):
        WordTokenizer.train("a b", 4)
    with pytest.raises(ValueError, match=r"vocab_size 5 .* 5 special .* at least 6"):
        WordTokenizer.train("a b", 5, special=["<|user|>"])


def test_words_that_never_come_are_refused():
    with pytest.raises(ValueError, match="'two words' can never be a token"):
        WordTokenizer(["one", "two words"])
    with pytest.raises(ValueError, match="can never be a token"):
        WordTokenizer(["</s>"])  # letters and signs are cut apart


def test_special_tokens_do_not_enter_the_words():
    corpus = "one house<|eos|>one river<|eos|>"
    tokenizer = WordTokenizer.train(corpus, allow_special=True)
    assert set(tokenizer.words) == {"one", " house", " river"}
    ids = tokenizer.encode(corpus, allow_special=True)
    assert ids.count(3) == 2 and tokenizer.decode(ids) == corpus
    literal = WordTokenizer.train(corpus)
    assert literal.decode(literal.encode(corpus)) == corpus
    assert 3 not in literal.encode(corpus)


@given(TEXTS)
@settings(deadline=None)
def test_bytes_round_trip(text):
    tokenizer = ByteTokenizer()
    ids = tokenizer.encode(text)
    assert ids == [byte + 4 for byte in text.encode()]
    assert tokenizer.decode(ids) == text


def test_byte_ids():
    tokenizer = ByteTokenizer()
    assert tokenizer.vocab_size == 260
    assert tokenizer.encode("A") == [69]
    assert tokenizer.decode([0xC3 + 4]) == "\ufffd"  # half a character


@pytest.mark.parametrize("kind", [CharTokenizer, WordTokenizer])
def test_training_names_a_lone_surrogate(kind):
    with pytest.raises(ValueError, match=r"character 2 of 4 .*U\+D83D"):
        kind.train("ab\ud83dc")

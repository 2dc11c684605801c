"""Encoding with merges: the law, the plain loop, and the library in Rust."""

from __future__ import annotations

import contextlib
import copy
import pickle
import random
from itertools import pairwise

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_edu.text import bpe as bpe_module
from minigpt_edu.text.bpe import ByteBPE
from minigpt_edu.text.split import split_words

PROSE = """\
Uma casa, duas casas, três casinhas: a casa da cabra é a mais alta da aldeia.
The house, the houses, the little houses: the goat's is the highest.
banana bananas bananal; aaaa aaa aa a; 2026 2025 202 20; casa-casa, house-house!!! ...
"""
BPE = ByteBPE.train(PROSE * 2, 340)
RUST = tokenizers.Tokenizer.from_str(BPE.to_json())
RUST_PLAIN = tokenizers.Tokenizer.from_str(BPE.to_json())
RUST_PLAIN.encode_special_tokens = True

# pieces of the training text in any order, beside any text at all
PIECES = st.lists(st.sampled_from(split_words(PROSE)), max_size=30).map("".join)
LETTERS = st.text(st.sampled_from("aábns c'\n <|eos|>"), max_size=60)
TEXTS = st.text(max_size=40) | PIECES | LETTERS


def merges_of_any_kind(seed: int, number: int) -> list[tuple[int, int]]:
    """Merges that no training would learn, but that are merges all the same."""
    rng = random.Random(seed)
    letters = [byte + 4 for byte in b"ab c"]
    merges: list[tuple[int, int]] = []
    texts = {id: bytes([id - 4]) for id in letters}
    while len(merges) < number:
        pair = (rng.choice(list(texts)), rng.choice(list(texts)))
        text = texts[pair[0]] + texts[pair[1]]
        if text not in texts.values() and len(text) < 9:
            texts[260 + len(merges)] = text
            merges.append(pair)
    return merges


@given(TEXTS)
@settings(deadline=None, max_examples=300)
def test_every_text_round_trips(text):
    for allow_special in (False, True):
        ids = BPE.encode(text, allow_special=allow_special)
        assert BPE.decode(ids) == text
        assert b"".join(map(BPE.token_bytes, ids)) == text.encode()
    assert not {0, 1, 2, 3} & set(BPE.encode(text))


@given(TEXTS)
@settings(deadline=None, max_examples=300)
def test_fast_encoding_equals_the_plain_loop(text):
    slow = [id for word in split_words(text) for id in list(BPE.steps(word))[-1]]
    assert BPE.encode(text) == slow


@pytest.mark.parametrize("seed", range(8))
def test_encoding_with_strange_merges_equals_rust_and_the_plain_loop(seed):
    bpe = ByteBPE(merges_of_any_kind(seed, 40))
    rust = tokenizers.Tokenizer.from_str(bpe.to_json())
    rng = random.Random(seed)
    for length in (3, 10, 60, 200):
        text = "".join(rng.choices("aab bbc ", k=length))
        slow = [id for word in split_words(text) for id in list(bpe.steps(word))[-1]]
        assert bpe.encode(text) == slow == rust.encode(text).ids


def test_samples_have_the_ids_of_rust(samples):
    for text in [*samples, PROSE, PROSE.upper(), PROSE[::-1]]:
        assert BPE.encode(text) == RUST_PLAIN.encode(text).ids, text
        assert BPE.encode(text, allow_special=True) == RUST.encode(text).ids, text
        assert RUST.decode(BPE.encode(text), skip_special_tokens=False) == text


@given(PIECES | LETTERS)
@settings(deadline=None, max_examples=300)
def test_any_text_has_the_ids_of_rust(text):
    assert BPE.encode(text) == RUST_PLAIN.encode(text).ids
    assert BPE.encode(text, allow_special=True) == RUST.encode(text).ids


def test_ids_are_special_then_bytes_then_merges():
    assert next(iter(BPE.special.items())) == ("<|pad|>", 0)
    assert [BPE.token_bytes(id) for id in range(4, 260)] == [
        bytes([byte]) for byte in range(256)
    ]
    first = next(ByteBPE.learn(PROSE * 2, 340))
    assert BPE.token_bytes(260) == first.token
    assert BPE.vocab_size == 340 == RUST.get_vocab_size()


def test_every_token_is_emitted_for_its_own_text(story):
    """No vocabulary entry that encode can never emit."""
    bpe = ByteBPE.train(story, 540)
    for id in range(260, bpe.vocab_size):
        with contextlib.suppress(UnicodeDecodeError):  # half a character is no text
            assert bpe.encode(bpe.token_bytes(id).decode()) == [id]


def test_two_trainings_are_equal(story):
    first, second = ByteBPE.train(story, 500), ByteBPE.train(story, 500)
    assert first.to_json() == second.to_json()
    assert first.merges == second.merges


def test_a_larger_vocabulary_extends_a_smaller_and_compresses_more(story):
    sizes = (260, 300, 360, 450, 540)
    tokenizers_ = [ByteBPE.train(story, size) for size in sizes]
    lengths = [len(bpe.encode(story)) for bpe in tokenizers_]
    assert lengths == sorted(lengths, reverse=True) and len(set(lengths)) == 5
    assert lengths[0] == len(story.encode())
    for small, large in pairwise(tokenizers_):
        assert large.merges[: len(small.merges)] == small.merges


def test_special_tokens_are_never_injected_and_never_merged_across():
    text = "casa<|eos|>casa"
    casa = BPE.encode("casa")
    plain = BPE.encode(text)
    assert 3 not in plain and BPE.decode(plain) == text
    assert BPE.encode(text, allow_special=True) == [*casa, 3, *casa]
    split = ByteBPE.train("x<|eos|>y " * 50, 300)
    assert all(b"<" not in split.token_bytes(id) for id in range(260, split.vocab_size))


def test_further_special_tokens_come_last(story):
    bpe = ByteBPE.train(story, 400, special=("<|user|>", "<|assistant|>"))
    assert bpe.vocab_size == 400 and len(bpe.merges) == 400 - 262
    assert bpe.special["<|user|>"] == 398 and bpe.special["<|assistant|>"] == 399
    text = "<|user|>a cabra<|eos|><|assistant|>"
    ids = bpe.encode(text, allow_special=True)
    assert ids == tokenizers.Tokenizer.from_str(bpe.to_json()).encode(text).ids
    again = ByteBPE.from_json(bpe.to_json())
    assert again.to_json() == bpe.to_json() and again.special == bpe.special


def test_steps_show_each_merge():
    bpe = ByteBPE.train("low low lower lowest", 263)
    tokens = [[bpe.token_bytes(id) for id in ids] for ids in bpe.steps(" lower")]
    assert tokens[0] == [b" ", b"l", b"o", b"w", b"e", b"r"]
    assert tokens[-1] == [bpe.token_bytes(id) for id in bpe.encode(" lower")]
    assert all(len(b) < len(a) for a, b in pairwise(tokens))
    assert list(bpe.steps("")) == [[]]


def test_steps_take_one_word():
    with pytest.raises(ValueError, match=r"cut into 2: \['two', ' words'\]"):
        BPE.steps("two words")


@pytest.mark.parametrize(
    "merges", [[(4, 260)], [(0, 5)], [(4, -1)], [(5, 6), (7, 999)], [(261, 5)]]
)
def test_merges_of_unknown_tokens_are_refused(merges):
    with pytest.raises(ValueError, match="ordinary tokens made before it, from 4 to"):
        ByteBPE(merges)


def test_a_token_is_made_once():
    a, b = ord("a") + 4, ord("b") + 4
    with pytest.raises(ValueError, match="'aba' is in the vocabulary 2 times"):
        ByteBPE([(a, b), (b, a), (260, a), (a, 261)])
    with pytest.raises(ValueError, match="'ab' is in the vocabulary 2 times"):
        ByteBPE([(a, b)], special=["ab"])


@given(st.text(max_size=5), st.integers(0xD800, 0xDFFF))
@settings(deadline=None)
def test_lone_surrogates_are_refused_by_name(text, surrogate):
    for use in (BPE.encode, BPE.steps, lambda text: ByteBPE.train(text, 300)):
        with pytest.raises(ValueError, match="lone surrogate") as caught:
            use("x" + chr(surrogate))
        assert not isinstance(caught.value, UnicodeError)


def test_the_cache_is_bounded_and_changes_nothing(monkeypatch):
    monkeypatch.setattr(bpe_module, "CACHED_WORDS", 8)
    bpe = ByteBPE(BPE.merges)
    assert bpe.encode(PROSE) == BPE.encode(PROSE) == bpe.encode(PROSE)
    assert len(bpe._words) <= 8
    long_word = "casa" * 50
    assert bpe.encode(long_word) == list(bpe.steps(long_word))[-1]
    assert long_word not in bpe._words
    ids = bpe.encode(" casa")
    ids.append(7)  # the caller's list is the caller's
    assert bpe.encode(" casa") == ids[:-1]


def test_a_very_long_word_is_encoded():
    """A loop over all neighbours at each merge would look 10^9 times."""
    text = "casabanana" * 10_000
    ids = BPE.encode(text)
    assert BPE.decode(ids) == text
    assert ids == RUST_PLAIN.encode(text).ids


def test_copies_work():
    for other in (copy.deepcopy(BPE), pickle.loads(pickle.dumps(BPE))):
        assert other.encode(PROSE) == BPE.encode(PROSE)
        assert other.to_json() == BPE.to_json()

"""The n-gram lines: probabilities, known entropies, and a plain count as the oracle."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_edu.evaluation import (
    ByteNgram,
    NgramLines,
    ngram_bits_per_byte,
    ngram_lines,
)

FEW = st.binary(min_size=4, max_size=60) | st.text("abé ", min_size=4).map(str.encode)


def plain_probability(train: bytes, context: bytes, byte: int, order: int) -> Fraction:
    """Witten-Bell from its definition, with exact fractions and nothing clever."""
    if order == 0:
        return Fraction(1, 256)
    context = context[len(context) - order + 1 :]
    shorter = plain_probability(train, context[1:], byte, order - 1)
    followed = Counter(
        train[place + order - 1]
        for place in range(len(train) - order + 1)
        if train[place : place + order - 1] == context
    )
    total, kinds = followed.total(), len(followed)
    if total == 0:
        return shorter
    return (followed[byte] + kinds * shorter) / (total + kinds)


@given(FEW, st.binary(max_size=6), st.integers(0, 4))
@settings(deadline=None, max_examples=200)
def test_probabilities_sum_to_one_in_any_context(train, context, order):
    p = ByteNgram(train, order).probabilities(context)
    assert p.shape == (256,)
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert p.min() > 0


@given(FEW, st.integers(0, 3), st.data())
@settings(deadline=None, max_examples=100)
def test_probabilities_equal_the_definition(train, order, data):
    place = data.draw(st.integers(0, len(train) - 1))
    context = train[max(0, place - 3) : place]
    p = ByteNgram(train, order).probabilities(context)
    longest = min(order, len(context) + 1)
    for byte in {train[place], 0, 97}:
        expected = plain_probability(train, context, byte, longest)
        assert p[byte] == pytest.approx(float(expected), rel=1e-12)


@given(FEW, st.binary(min_size=1, max_size=30), st.integers(0, 3))
@settings(deadline=None, max_examples=100)
def test_bits_are_the_mean_surprise(train, val, order):
    bits = ngram_bits_per_byte(train, val, order)
    assert bits >= 0
    surprise = [
        -math.log2(plain_probability(train, val[:place], byte, min(order, place + 1)))
        for place, byte in enumerate(val)
    ]
    assert bits == pytest.approx(sum(surprise) / len(val), rel=1e-9)


def test_a_regular_text_is_foreseen_from_one_byte():
    lines = ngram_lines(b"ab" * 5_000, b"ab" * 500)
    assert lines.unigram == pytest.approx(1, abs=0.01)
    assert lines.bigram < 0.01 and lines.trigram < 0.01


def test_noise_is_not_foreseen():
    noise = (
        np.random.default_rng(0).integers(0, 256, 400_000).astype(np.uint8).tobytes()
    )
    lines = ngram_lines(noise[:300_000], noise[300_000:])
    assert lines.uniform == 8.0
    assert lines.unigram == pytest.approx(8, abs=0.01)
    assert 7.99 < lines.bigram < 8.3
    assert lines.trigram > 7.99  # sparse counts cost something, they never gain


def test_a_markov_text_reaches_its_entropy():
    """Each byte follows from the one before with probability 3/4, else is any of 4."""
    rng = np.random.default_rng(1)
    steps = np.where(rng.random(200_000) < 2 / 3, 1, rng.integers(0, 4, 200_000))
    text = (np.cumsum(steps) % 4 + 65).astype(np.uint8).tobytes()
    keep = 2 / 3 + 1 / 12
    other = 1 / 12
    entropy = -keep * math.log2(keep) - 3 * other * math.log2(other)
    lines = ngram_lines(text[:180_000], text[180_000:])
    assert lines.unigram == pytest.approx(2, abs=0.01)
    assert lines.bigram == pytest.approx(entropy, abs=0.03)
    assert lines.trigram == pytest.approx(entropy, abs=0.03)


def test_the_validation_split_is_never_counted():
    """Scoring new bytes twice costs exactly twice: nothing was learned in between."""
    train = b"the goat and the lamp " * 50
    once = ngram_bits_per_byte(train, b"\xf0\xf1\xf2", 1)
    again = ngram_bits_per_byte(train, b"\xf0\xf1\xf2" * 40, 1)
    assert again == pytest.approx(once, rel=1e-12)
    assert once > 8  # never seen in training, so worse than guessing
    model = ByteNgram(train, 3)
    before = model.probabilities(b"th").copy()
    model.bits_by_order(b"thx" * 100)
    assert np.array_equal(model.probabilities(b"th"), before)


def test_text_and_its_bytes_are_the_same():
    train, val = "não há cabra na serra " * 9, "há cabra"
    by_text = ngram_bits_per_byte(train, val, 2)
    assert by_text == ngram_bits_per_byte(train.encode(), val.encode(), 2)
    assert ngram_bits_per_byte(train, val, 0) == 8.0


def test_one_counting_gives_every_line():
    train, val = b"a goat, a lamp, a sea; " * 20, b"a lamp at sea"
    lines = ngram_lines(train, val)
    found = (lines.uniform, lines.unigram, lines.bigram, lines.trigram)
    assert found == tuple(ngram_bits_per_byte(train, val, order) for order in range(4))
    assert (lines.train_bytes, lines.val_bytes) == (len(train), len(val))


def test_orders_up_to_eight():
    train = b"\xff" * 20 + bytes(range(256))
    for order in range(9):
        assert ngram_bits_per_byte(train, b"\xff" * 12, order) >= 0
        p = ByteNgram(train, order).probabilities(b"\xff" * 12)
        assert p.sum() == pytest.approx(1)
    assert ByteNgram(train, 8).probabilities(b"\xff" * 12)[255] > 0.5


@pytest.mark.parametrize(
    ("train", "val", "order", "message"),
    [
        ("", "abc", 1, "has 0 bytes.*at least 1"),
        ("", "abc", 0, "has 0 bytes"),
        ("ab", "abc", 3, "has 2 bytes; an n-gram line of order 3 needs at least 3"),
        ("abc", "", 2, "validation split has 0 bytes"),
        ("abc", "abc", 9, "order 9 is outside 0 .* to 8"),
        ("abc", "abc", -1, "order -1"),
        ("a\ud800", "abc", 1, "character 1 of 2 is the lone surrogate"),
    ],
)
def test_texts_that_are_too_small(train, val, order, message):
    with pytest.raises(ValueError, match=message):
        ngram_bits_per_byte(train, val, order)


def test_the_smallest_texts_work():
    assert ngram_lines(b"abc", b"a").val_bytes == 1
    assert ngram_bits_per_byte(b"a", b"b", 1) > 8


def test_explain():
    lines = NgramLines(
        uniform=8.0,
        unigram=4.7,
        bigram=3.4,
        trigram=2.81,
        train_bytes=90_000,
        val_bytes=10_000,
    )
    assert lines.explain() == (
        "Guessing costs 8.00 bits per byte, knowing the frequencies of bytes 4.70, the "
        "byte before 3.40, and the two before 2.81, counted on 90,000 bytes and scored "
        "on 10,000 others."
    )
    small = NgramLines(
        uniform=8.0, unigram=5, bigram=4, trigram=4, train_bytes=900, val_bytes=100
    )
    assert small.explain().endswith("under 50,000, that means little.")

"""Learning merges, against a loop so plain that it can only be right."""

from __future__ import annotations

import random
import re
from collections import Counter
from itertools import pairwise

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from minigpt_edu.text.merges import Merge, learn_merges
from minigpt_edu.text.split import split_words
from minigpt_edu.text.tokenizer_json import byte_text

FEW_LETTERS = st.text(st.sampled_from("aaabbc  'sé\n"), max_size=80)


def replace(ids: list[int], pair: tuple[int, int], id: int) -> list[int]:
    out, place = [], 0
    while place < len(ids):
        here = tuple(ids[place : place + 2]) == pair
        out.append(id if here else ids[place])
        place += 2 if here else 1
    return out


def recount_everything(text: str, merges: int) -> list[tuple[int, tuple, int]]:
    """After every merge, count all pairs of the whole text again."""
    documents = re.split(r"<\|(?:pad|unk|bos|eos)\|>", text)
    cut = [word for document in documents for word in split_words(document)]
    words = [[byte + 4 for byte in word.encode()] for word in cut]
    found = []
    for id in range(260, 260 + merges):
        counts = Counter(pair for word in words for pair in pairwise(word))
        if not counts:
            break
        pair = min(counts, key=lambda pair: (-counts[pair], pair))
        found.append((id, pair, counts[pair]))
        words = [replace(word, pair, id) for word in words]
    return found


@given(FEW_LETTERS | st.text(max_size=40))
@example("ab<|eos|>ab<|unk|>")
@settings(deadline=None, max_examples=300)
def test_merges_equal_those_of_recounting(text):
    merges = [(m.id, m.pair, m.count) for m in learn_merges(text, 290)]
    assert merges == recount_everything(text, 30)


def test_merges_of_prose_equal_those_of_recounting(story):
    merges = [(m.id, m.pair, m.count) for m in learn_merges(story, 500)]
    assert len(merges) == 240
    assert merges == recount_everything(story, 240)


def test_merges_equal_those_of_the_library_up_to_the_first_tie(story):
    """Among equal counts the library's order of bytes differs from ours."""
    rng = random.Random(4)  # words as frequent as chance wants: few equal counts
    words = sorted(set(split_words(story)) - {"\n", "\n\n"})
    text = "".join(f"{word}\n" * rng.randrange(2_000) for word in words)
    ours = list(learn_merges(text, 500))
    counts = [merge.count for merge in ours]
    first_tie = next(i for i, (a, b) in enumerate(pairwise(counts)) if a == b)
    assert first_tie > 25
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=256 + first_tie,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    library = tokenizers.Tokenizer(tokenizers.models.BPE())
    library.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.train_from_iterator([text], trainer)
    vocab = library.get_vocab()
    theirs = sorted(vocab, key=vocab.__getitem__)[256:]
    assert theirs == [byte_text(merge.token) for merge in ours[:first_tie]]


def test_worked_example():
    """In "aaabdaaabac", aa, then ab, then aaab: Wikipedia's, with our ties."""
    merges = list(learn_merges("aaabdaaabac", 263))
    assert [merge.token for merge in merges] == [b"aa", b"ab", b"aaab"]
    assert [merge.count for merge in merges] == [4, 2, 2]
    assert merges[2].pair == (260, 261)


def test_ties_go_to_the_smaller_pair():
    merges = list(learn_merges("zy\nba\nzy\nba\nab", 262))
    assert [merge.token for merge in merges] == [b"ba", b"zy"]


def test_each_merge_is_new_and_the_text_gets_shorter(story):
    merges = list(learn_merges(story, 500))
    assert len({merge.token for merge in merges}) == len(merges)
    assert all(merge.count >= 1 for merge in merges)
    assert [merge.id for merge in merges] == list(range(260, 500))
    words = [[byte + 4 for byte in word.encode()] for word in split_words(story)]
    length = sum(map(len, words))
    for merge in merges:
        words = [replace(word, merge.pair, merge.id) for word in words]
        assert sum(map(len, words)) < length
        length = sum(map(len, words))


def test_learning_ends_when_all_words_are_tokens():
    merges = list(learn_merges("abc abc", 10_000))
    assert [merge.token for merge in merges] == [b"ab", b"abc", b" abc"]
    assert list(learn_merges("", 300)) == []


def test_special_tokens_separate_documents():
    text = "ab<|eos|>ab<|eos|>ab"
    assert [merge.token for merge in learn_merges(text, 300)] == [b"ab"]
    custom = list(learn_merges("abSTOPab STOPab", 300, special=["STOP"]))
    assert [merge.token for merge in custom] == [b"ab"]


def test_vocab_size_counts_special_tokens():
    text = "abcdefgh " * 3
    assert len(list(learn_merges(text, 263))) == 3
    assert len(list(learn_merges(text, 263, special=["<|user|>"]))) == 2


def test_a_vocabulary_smaller_than_the_bytes_is_refused_at_once():
    with pytest.raises(ValueError, match=r"vocab_size 259 .* 4 special .* need 260"):
        learn_merges("abc", 259)
    with pytest.raises(ValueError, match=r"vocab_size 260 .* 5 special .* need 261"):
        learn_merges("abc", 260, special=["<|user|>"])


def test_a_lone_surrogate_is_named():
    with pytest.raises(ValueError, match="character 1 of 2"):
        list(learn_merges("a\udc00", 300))


def test_explain():
    merge = Merge(300, (104, 260), b"\xc3", " é".encode(), 1234)
    assert merge.explain() == (
        r"b'\xc3' stood before ' é' 1,234 times: token 300 is b'\xc3 \xc3\xa9'."
    )
    once = Merge(261, (101, 102), b"a", b"b", 1)
    assert once.explain() == "'a' stood before 'b' once: token 261 is 'ab'."
    with pytest.raises(AttributeError):
        once.count = 2  # type: ignore[misc]

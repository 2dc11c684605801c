"""Learning byte-pair merges: name the most frequent pair of neighbours, and repeat.

A recount after every merge would read the whole text a thousand times. Here a merge
touches only the places where its pair stands: the words are one chain of linked
positions, each pair knows its positions, and a heap knows the most frequent pair.

    for merge in learn_merges("low lower lowest", 262):
        merge.explain()

Sennrich, Haddow, Birch 2016, "Neural machine translation of rare words with subword
units", arXiv:1508.07909; over bytes: Radford et al. 2019 (GPT-2).
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from .split import split_words
from .vocabulary import (
    FIRST_ID,
    SPECIAL,
    quoted,
    special_names,
    special_pattern,
    utf8,
)

__all__ = ["FIRST_MERGE_ID", "Merge", "Pair", "learn_merges"]

Pair = tuple[int, int]

FIRST_MERGE_ID = FIRST_ID + 256  # ids below are the special tokens and the bytes
NOWHERE = -1  # before the first position of a word, and after its last


@dataclass(frozen=True)
class Merge:
    """One step of learning: the most frequent pair becomes a token of its own.

    ``count`` is how often the two stood side by side in the training text.
    """

    id: int
    pair: Pair
    left: bytes
    right: bytes
    count: int

    @property
    def token(self) -> bytes:
        """The bytes of the new token: its two parts, joined."""
        return self.left + self.right

    def explain(self) -> str:
        """The step in one sentence."""
        times = "once" if self.count == 1 else f"{self.count:,} times"
        return (
            f"{quoted(self.left)} stood before {quoted(self.right)} {times}: "
            f"token {self.id} is {quoted(self.token)}."
        )


def learn_merges(
    text: str, vocab_size: int, *, special: Iterable[str] = SPECIAL
) -> Iterator[Merge]:
    """The merges that bring a byte vocabulary up to ``vocab_size`` tokens, one by one.

    The most frequent pair comes first; among equals the pair of smaller ids (the first
    of the two ids, then the second), so two trainings are equal. In "aaa" the pair
    "aa" stands twice. Special tokens written in the text separate documents and are not
    learned from. A text whose words are all single tokens ends the learning early.
    Raises ValueError at once if ``vocab_size`` is smaller than the start.
    """
    names = special_names(special)
    smallest = len(names) + 256
    if vocab_size < smallest:
        raise ValueError(
            f"vocab_size {vocab_size} is too small: the {len(names)} special tokens "
            f"and the 256 bytes already need {smallest}"
        )
    return _learn(_count_words(text, names), vocab_size - smallest)


def _count_words(text: str, names: tuple[str, ...]) -> Counter[bytes]:
    utf8(text)
    counts: Counter[str] = Counter()
    for part in special_pattern(names).split(text):
        if part not in names:
            counts.update(split_words(part))
    return Counter({word.encode(): count for word, count in counts.items()})


def _learn(words: Mapping[bytes, int], merges: int) -> Iterator[Merge]:
    table = {byte + FIRST_ID: bytes([byte]) for byte in range(256)}
    chain = _Chain(words)
    for id in range(FIRST_MERGE_ID, FIRST_MERGE_ID + merges):
        pair = chain.most_frequent()
        if pair is None:
            return
        left, right = table[pair[0]], table[pair[1]]
        table[id] = left + right
        yield Merge(id, pair, left, right, chain.counts[pair])
        chain.merge(pair, id)


class _Chain:
    """All different words as one row of linked positions, with every pair counted.

    ``ids[p]`` is the token that starts at byte p of the row; a byte that was swallowed
    by a token on its left has no entry any more (NOWHERE).
    """

    def __init__(self, words: Mapping[bytes, int]) -> None:
        self.ids: list[int] = []
        self.before: list[int] = []
        self.after: list[int] = []
        self.weight: list[int] = []  # how often the word of this position occurs
        self.counts: dict[Pair, int] = defaultdict(int)
        self.places: dict[Pair, list[int]] = defaultdict(list)  # of the left token
        for word, count in words.items():
            self._append(word, count)
        self.heap = [(-count, pair) for pair, count in self.counts.items()]
        heapq.heapify(self.heap)

    def _append(self, word: bytes, count: int) -> None:
        start, stop = len(self.ids), len(self.ids) + len(word)
        self.ids += [byte + FIRST_ID for byte in word]
        self.before += [NOWHERE, *range(start, stop - 1)]
        self.after += [*range(start + 1, stop), NOWHERE]
        self.weight += [count] * len(word)
        for place, pair in enumerate(pairwise(self.ids[start:stop]), start):
            self.counts[pair] += count
            self.places[pair].append(place)

    def most_frequent(self) -> Pair | None:
        """The pair with the highest count, the smallest among equals; None at the end.

        A pair's count only falls after the merge that made it, so an outdated entry on
        top of the heap is too high: put back with its true count, it takes its place.
        """
        while self.heap:
            recorded, pair = heapq.heappop(self.heap)
            count = self.counts.get(pair, 0)
            if count == -recorded:
                return pair
            if count > 0:
                heapq.heappush(self.heap, (-count, pair))
        return None

    def merge(self, pair: Pair, id: int) -> None:
        """Replace the pair by ``id``, from left to right, wherever it stands."""
        first, second = pair
        ids, before, after = self.ids, self.before, self.after
        made: set[Pair] = set()
        # places are in order: a list is filled by one pass over the row, left to right
        for place in self.places.pop(pair):
            right = after[place]
            if ids[place] != first or right == NOWHERE or ids[right] != second:
                continue  # an earlier merge took one of the two
            if (left := before[place]) != NOWHERE:
                self._replace((ids[left], first), (ids[left], id), left, made)
            if (end := after[right]) != NOWHERE:
                self._replace((second, ids[end]), (id, ids[end]), place, made)
                before[end] = place
            ids[place], ids[right], after[place] = id, NOWHERE, end
        del self.counts[pair]
        for new in made:
            if self.counts[new] > 0:
                heapq.heappush(self.heap, (-self.counts[new], new))

    def _replace(self, old: Pair, new: Pair, place: int, made: set[Pair]) -> None:
        weight = self.weight[place]
        self.counts[old] -= weight
        self.counts[new] += weight
        self.places[new].append(place)
        made.add(new)

"""Byte-pair encoding: a tokenizer that is nothing but a list of merges, in order.

To encode a word, start from its bytes and apply the merge that was learned first among
those that apply, until none does. No text is unknown: what was never seen stays bytes.
Ids: 0-3 special, 4-259 the bytes, then the merges, then further special tokens. This
module does not know models or files; ``to_json`` is the ``tokenizer.json`` that other
libraries open.

    tokenizer = ByteBPE.train(text, 1024)
    for merge in ByteBPE.learn(text, 300): merge.explain()
    list(tokenizer.steps(" vez"))          # the ids after each merge

Sennrich et al. 2016, arXiv:1508.07909; bytes and the split: Radford et al. 2019.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

from .merges import FIRST_MERGE_ID, Merge, Pair, learn_merges
from .split import split_words
from .tokenizer_json import read_byte_bpe, write_byte_bpe
from .vocabulary import (
    FIRST_ID,
    SPECIAL,
    TableTokenizer,
    utf8,
)

__all__ = ["ByteBPE"]

CACHED_WORDS = 32_768  # different words kept with their ids: some 10 MB
LONGEST_CACHED = 64  # a longer "word" is a line of symbols that hardly comes again


class ByteBPE(TableTokenizer):
    """GPT-2's tokenizer from scratch: merges in the order in which they were learned.

    Law: ``decode(encode(text)) == text`` for every text that has bytes. Raises
    ValueError if a merge joins ids that are no tokens yet, or makes a token twice.
    """

    def __init__(
        self, merges: Iterable[Pair], special: Iterable[str] = SPECIAL
    ) -> None:
        self.merges: tuple[Pair, ...] = tuple((a, b) for a, b in merges)
        pieces = [bytes([byte]) for byte in range(256)]
        for id, (a, b) in enumerate(self.merges, FIRST_MERGE_ID):
            if not (FIRST_ID <= a < id and FIRST_ID <= b < id):
                raise ValueError(
                    f"merge {id - FIRST_MERGE_ID} joins the ids {a} and {b}; both must "
                    f"be ordinary tokens made before it, from {FIRST_ID} to {id - 1}"
                )
            pieces.append(pieces[a - FIRST_ID] + pieces[b - FIRST_ID])
        super().__init__(pieces, special)
        self._merged_id = {
            pair: id for id, pair in enumerate(self.merges, FIRST_MERGE_ID)
        }
        self._words = _WordCache(self._merged_id)

    @classmethod
    def learn(
        cls, text: str, vocab_size: int, *, special: Iterable[str] = SPECIAL
    ) -> Iterator[Merge]:
        """The merges of a training, one record each; see ``learn_merges``."""
        return learn_merges(text, vocab_size, special=special)

    @classmethod
    def train(
        cls, text: str, vocab_size: int, special: Iterable[str] = SPECIAL
    ) -> ByteBPE:
        """A tokenizer of ``vocab_size`` tokens learned from ``text``.

        ``special`` may name tokens beside the four of ``SPECIAL``; they take the last
        ids. A text too small for so many merges gives a smaller vocabulary. Raises
        ValueError if ``vocab_size`` has no room for the special tokens and the bytes.
        """
        special = tuple(special)
        merges = learn_merges(text, vocab_size, special=special)
        return cls((merge.pair for merge in merges), special)

    def steps(self, word: str) -> Iterator[list[int]]:
        """The ids of one word after each merge, from its bytes to its tokens.

        The plain way to encode, which ``encode`` must equal: look at all neighbours,
        take the merge that was learned first, replace it from left to right, repeat.
        Raises ValueError if the text is more than one word.
        """
        ids = [byte + FIRST_ID for byte in utf8(word)]
        words = split_words(word)
        if len(words) > 1:
            raise ValueError(
                f"steps takes one word, and {word!r} is cut into {len(words)}: {words}"
            )
        return self._steps(ids)

    def _steps(self, ids: list[int]) -> Iterator[list[int]]:
        yield ids
        while known := [pair for pair in pairwise(ids) if pair in self._merged_id]:
            pair = min(known, key=self._merged_id.__getitem__)
            ids = _replace(ids, pair, self._merged_id[pair])
            yield ids

    def _encode_plain(self, text: str) -> list[int]:
        words = map(self._words.__getitem__, split_words(text))
        return list(chain.from_iterable(words))

    def to_json(self) -> str:
        """A ``tokenizer.json`` that the ``tokenizers`` library opens, with equal ids.

        One difference to know: ``tokenizers`` reads special tokens in a text unless its
        ``encode_special_tokens`` is set, so it agrees with ``allow_special=True`` by
        default and with ours by that setting.
        """
        return write_byte_bpe(self._table, self.merges, self.special)

    @classmethod
    def from_json(cls, text: str) -> ByteBPE:
        """The tokenizer in a ``tokenizer.json`` of ours, or as ``tokenizers`` saves it.

        Raises ValueError, with the reason, for a file that is laid out in another way;
        ``HFTokenizer`` opens those.
        """
        merges, special = read_byte_bpe(text)
        return cls(merges, special)


def _replace(ids: list[int], pair: Pair, id: int) -> list[int]:
    """``_replace([1, 2, 3, 1, 2], (1, 2), 9)`` is ``[9, 3, 9]``."""
    replaced: list[int] = []
    for token in ids:
        # the left neighbour was just appended; if the two are the pair, it becomes id
        if replaced and (replaced[-1], token) == pair:
            replaced[-1] = id
        else:
            replaced.append(token)
    return replaced


class _WordCache(dict[str, list[int]]):
    """Word -> ids, computed when a word is first asked for, and bounded in size."""

    def __init__(self, merged_id: dict[Pair, int]) -> None:
        super().__init__()
        self._merged_id = merged_id

    def __missing__(self, word: str) -> list[int]:
        ids = _merge_word([byte + FIRST_ID for byte in word.encode()], self._merged_id)
        if len(word) <= LONGEST_CACHED:
            if len(self) >= CACHED_WORDS:
                self.clear()
            self[word] = ids
        return ids


def _merge_word(ids: list[int], merged_id: dict[Pair, int]) -> list[int]:
    """All merges of one word in n log n steps, so that a long word takes no more time.

    A heap holds the merges that apply, the first learned on top and from left to right;
    an entry whose tokens have changed since is skipped.
    """
    end = len(ids)
    ids = ids.copy()
    before, after = list(range(-1, end - 1)), list(range(1, end + 1))
    pairs = enumerate(pairwise(ids))
    heap = [(merged_id[pair], place) for place, pair in pairs if pair in merged_id]
    heapq.heapify(heap)
    while heap:
        id, place = heapq.heappop(heap)
        right = after[place]
        if right == end or merged_id.get((ids[place], ids[right])) != id:
            continue
        ids[place], ids[right] = id, -1  # -1: swallowed by the token on its left
        after[place] = beyond = after[right]
        if beyond < end:
            before[beyond] = place
            if (new := merged_id.get((id, ids[beyond]))) is not None:
                heapq.heappush(heap, (new, place))
        left = before[place]
        if left >= 0 and (new := merged_id.get((ids[left], id))) is not None:
            heapq.heappush(heap, (new, left))
    return [id for id in ids if id >= 0]

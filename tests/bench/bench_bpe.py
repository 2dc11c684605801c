"""How fast is our BPE: against the plain loops it replaces, and against Rust.

Every ratio comes from one run on one text, medians after a warm-up. The plain learning
loop would take minutes, so it is timed at a few of its steps and the rest is estimated
in between (``--whole`` runs it all). It is the kind one: it recounts the different
words only, each weighted by its count, not the whole text.

    python tests/bench/bench_bpe.py [TEXT_FILE] [--size BYTES] [--whole]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import tokenizers

from minigpt_edu.text import ByteBPE, split_words

__all__ = ["Comparison", "bench_bpe", "main", "megabyte"]

VOCAB_SIZE = 1_024
STEPS_TIMED = 9  # of the plain learning loop, spread over its length
PART = 20_000  # characters for the slowest loop

Pair = tuple[int, int]


@dataclass(frozen=True)
class Comparison:
    """Seconds of ours and of another program for the same work on the same text."""

    what: str
    other: str
    ours_seconds: float
    other_seconds: float

    @property
    def ratio(self) -> float:
        """How many times as long the other one takes."""
        return self.other_seconds / self.ours_seconds

    def explain(self) -> str:
        """The comparison in one sentence."""
        return (
            f"{self.what}: ours {self.ours_seconds:.3f} s, {self.other} "
            f"{self.other_seconds:.3f} s, {self.ratio:.2f} times as long."
        )


def median_seconds(*works: Callable[[], object], runs: int = 5) -> list[float]:
    """Median time of each work over ``runs`` rounds, after one that does not count.

    The works take turns, so that a busy moment of the machine meets them all.
    """
    rounds = []
    for _ in range(runs + 1):
        times = []
        for work in works:
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        rounds.append(times)
    return [statistics.median(times) for times in zip(*rounds[1:], strict=True)]


def megabyte(path: Path | None = None, size: int = 1_000_000) -> str:
    """``size`` bytes of the text file, or of the shipped corpora, repeated if short."""
    data = Path(__file__).parents[2] / "data"
    files = sorted(data.glob("corpus_*.txt")) if path is None else [path]
    text = b"".join(file.read_bytes() for file in files)
    if not text:
        raise SystemExit(f"no text in {[str(file) for file in files] or str(data)}")
    text *= -(-size // len(text))
    return text[:size].decode("utf-8", errors="ignore")


# The plain loops. -----------------------------------------------------------------


def replace(ids: Sequence[int], pair: Pair, id: int) -> tuple[int, ...]:
    out, place = [], 0
    while place < len(ids):
        if place + 1 < len(ids) and (ids[place], ids[place + 1]) == pair:
            out.append(id)
            place += 2
        else:
            out.append(ids[place])
            place += 1
    return tuple(out)


def recount_step(words: Mapping[tuple[int, ...], int], id: int):
    """One merge the plain way: count every pair, take the best, rewrite every word."""
    counts: Counter[Pair] = Counter()
    for word, times in words.items():
        for pair in pairwise(word):
            counts[pair] += times
    best = min(counts, key=lambda pair: (-counts[pair], pair))
    return best, {replace(word, best, id): times for word, times in words.items()}


def recount_seconds(text: str, bpe: ByteBPE, *, whole: bool) -> float:
    """Time of the plain learning loop, whole or estimated from some of its steps."""
    merges = bpe.merges
    counts = Counter(split_words(text.replace("<|eos|>", "\n")))
    last = len(merges) - 1
    timed = range(last + 1) if whole else _spread(last, STEPS_TIMED)
    seconds, words = [], {}
    for step in timed:
        if not (whole and step):
            so_far = ByteBPE(merges[:step])  # its words are the loop's at this step
            words = {tuple(so_far.encode(word)): n for word, n in counts.items()}
        start = time.perf_counter()
        _, words = recount_step(words, 260 + step)
        seconds.append(time.perf_counter() - start)
    if whole:
        return sum(seconds)
    areas = [
        (b - a) * (left + right) / 2
        for (a, b), (left, right) in zip(
            pairwise(timed), pairwise(seconds), strict=True
        )
    ]
    return sum(areas) + seconds[-1]


def _spread(last: int, number: int) -> list[int]:
    return sorted({round(last * i / (number - 1)) for i in range(number)})


def rescan_encode(text: str, ranks: Mapping[Pair, int]) -> list[int]:
    """Encode the plain way: after each merge look at all pairs of the word again."""
    out: list[int] = []
    for word in split_words(text):
        ids: Sequence[int] = [byte + 4 for byte in word.encode()]
        while len(ids) > 1:
            best = min(pairwise(ids), key=lambda pair: ranks.get(pair, 1 << 60))
            if best not in ranks:
                break
            ids = replace(ids, best, ranks[best])
        out.extend(ids)
    return out


def every_merge_encode(text: str, merges: Sequence[Pair]) -> list[int]:
    """Encode the plainest way: for each merge in turn, go over all the words."""
    words: list[Sequence[int]] = [
        [byte + 4 for byte in word.encode()] for word in split_words(text)
    ]
    for id, pair in enumerate(merges, 260):
        words = [replace(word, pair, id) for word in words]
    return [id for word in words for id in word]


# The comparisons. -----------------------------------------------------------------


def bench_bpe(text: str, *, whole: bool = False) -> list[Comparison]:
    """Learning and encoding ``text``, ours against the loops and ``tokenizers``."""
    return [*_learning(text, whole=whole), *_encoding(text)]


def _learning(text: str, *, whole: bool) -> list[Comparison]:
    bpe = ByteBPE.train(text, VOCAB_SIZE)
    what = f"learning {len(bpe.merges)} merges from {len(text.encode()):,} bytes"
    ours, theirs = median_seconds(
        lambda: ByteBPE.train(text, VOCAB_SIZE), lambda: rust_train(text)
    )
    how = "recounting loop" if whole else "recounting loop (estimated)"
    return [
        Comparison(what, how, ours, recount_seconds(text, bpe, whole=whole)),
        Comparison(what, "tokenizers", ours, theirs),
    ]


def rust_train(text: str) -> tokenizers.Tokenizer:
    library = tokenizers.Tokenizer(tokenizers.models.BPE())
    library.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - 4,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    library.train_from_iterator([text], trainer)
    return library


def _encoding(text: str) -> list[Comparison]:
    bpe = ByteBPE.train(text, VOCAB_SIZE)
    rust = tokenizers.Tokenizer.from_str(bpe.to_json())
    rust.encode_special_tokens = True
    ranks = {pair: id for id, pair in enumerate(bpe.merges, 260)}
    if not bpe.encode(text) == rescan_encode(text, ranks) == rust.encode(text).ids:
        raise SystemExit("the three encoders disagree: nothing to compare")
    cold, warm, loop, theirs = median_seconds(
        lambda: ByteBPE(bpe.merges).encode(text),
        lambda: bpe.encode(text),
        lambda: rescan_encode(text, ranks),
        lambda: rust.encode(text).ids,
    )
    part = text[:PART]
    if bpe.encode(part) != every_merge_encode(part, bpe.merges):
        raise SystemExit("the plainest encoder disagrees: nothing to compare")
    part_cold, part_loop = median_seconds(
        lambda: ByteBPE(bpe.merges).encode(part),
        lambda: every_merge_encode(part, bpe.merges),
        runs=1,
    )
    first = f"encoding {len(text.encode()):,} bytes with no word known yet"
    again = "encoding them again"
    return [
        Comparison(
            f"encoding {len(part.encode()):,} bytes with no word known yet",
            "loop that rescans all words for every merge",
            part_cold,
            part_loop,
        ),
        Comparison(first, "loop that rescans a word after a merge", cold, loop),
        Comparison(first, "tokenizers", cold, theirs),
        Comparison(again, "loop that rescans a word after a merge", warm, loop),
        Comparison(again, "tokenizers", warm, theirs),
    ]


def main(argv: Sequence[str] | None = None) -> list[dict[str, object]]:
    """Print every comparison; returns them as plain dictionaries for a results file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", type=Path, help="a UTF-8 text file")
    parser.add_argument("--size", type=int, default=1_000_000, help="bytes of text")
    parser.add_argument("--whole", action="store_true", help="run the loop to its end")
    options = parser.parse_args(argv)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # one thread each
    text = megabyte(options.path, options.size)
    print(f"{len(set(split_words(text))):,} different words in {options.size:,} bytes")
    results = bench_bpe(text, whole=options.whole)
    for result in results:
        print(result.explain())
    return [{**asdict(result), "ratio": result.ratio} for result in results]


if __name__ == "__main__":
    main()

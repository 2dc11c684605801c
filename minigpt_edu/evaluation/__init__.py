"""How good is it: lines to compare with, and measures on held-out text."""

from minigpt_edu.evaluation.ngrams import (
    ByteNgram,
    NgramLines,
    ngram_bits_per_byte,
    ngram_lines,
)

__all__ = ["ByteNgram", "NgramLines", "ngram_bits_per_byte", "ngram_lines"]

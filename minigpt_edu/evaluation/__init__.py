"""How good is it: lines to compare with, and measures on held-out text."""

from .ngrams import (
    ByteNgram,
    NgramLines,
    ngram_bits_per_byte,
    ngram_lines,
)

__all__ = ["ByteNgram", "NgramLines", "ngram_bits_per_byte", "ngram_lines"]

"""How good is it: lines to compare with, and measures on held-out text."""

from .loss import LossReport, bits_per_byte, evaluate_loss
from .ngrams import ByteNgram, NgramLines, ngram_bits_per_byte, ngram_lines

__all__ = [
    "ByteNgram",
    "LossReport",
    "NgramLines",
    "bits_per_byte",
    "evaluate_loss",
    "ngram_bits_per_byte",
    "ngram_lines",
]

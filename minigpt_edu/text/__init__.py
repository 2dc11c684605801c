"""Text to ids and back: characters, words, bytes, and byte-pair encoding from scratch.

Read in this order: ``vocabulary`` (special tokens and the table), ``simple`` (one token
per character, word or byte), ``split`` (GPT-2's cut into words), ``merges`` (learning),
``bpe`` (the tokenizer of this book), ``tokenizer`` (what they all have in common).
Nothing here imports torch: a tokenizer is integers and bytes.

    tokenizer = ByteBPE.train(text, 1024)
    ids = tokenizer.encode("Era uma vez")
    assert tokenizer.decode(ids) == "Era uma vez"
"""

from .bpe import ByteBPE
from .hf import HFTokenizer
from .merges import Merge
from .report import (
    TokenPiece,
    VocabularyReport,
    token_table,
    vocabulary_report,
)
from .simple import ByteTokenizer, CharTokenizer, WordTokenizer
from .split import line_chunks, split_words
from .token_cache import cached_ids
from .tokenizer import StreamDecoder, Tokenizer, tokenizer_from_json
from .vocabulary import SPECIAL

__all__ = [
    "SPECIAL",
    "ByteBPE",
    "ByteTokenizer",
    "CharTokenizer",
    "HFTokenizer",
    "Merge",
    "StreamDecoder",
    "TokenPiece",
    "Tokenizer",
    "VocabularyReport",
    "WordTokenizer",
    "cached_ids",
    "line_chunks",
    "split_words",
    "token_table",
    "tokenizer_from_json",
    "vocabulary_report",
]

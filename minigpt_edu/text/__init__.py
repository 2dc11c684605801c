"""Text to ids and back: characters, words, bytes, and byte-pair encoding from scratch.

Read in this order: ``vocabulary`` (special tokens and the table), ``simple`` (one token
per character, word or byte), ``split`` (GPT-2's cut into words), ``merges`` (learning),
``bpe`` (the tokenizer of this book), ``tokenizer`` (what they all have in common).
Nothing here imports torch: a tokenizer is integers and bytes.

    tokenizer = ByteBPE.train(text, 1024)
    ids = tokenizer.encode("Era uma vez")
    assert tokenizer.decode(ids) == "Era uma vez"
"""

from minigpt_edu.text.bpe import ByteBPE
from minigpt_edu.text.hf import HFTokenizer
from minigpt_edu.text.merges import Merge
from minigpt_edu.text.report import (
    TokenPiece,
    VocabularyReport,
    token_table,
    vocabulary_report,
)
from minigpt_edu.text.simple import ByteTokenizer, CharTokenizer, WordTokenizer
from minigpt_edu.text.split import line_chunks, split_words
from minigpt_edu.text.token_cache import cached_ids
from minigpt_edu.text.tokenizer import StreamDecoder, Tokenizer, tokenizer_from_json
from minigpt_edu.text.vocabulary import SPECIAL

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

"""Where GPT-2 cuts text into words: no token ever reaches across a cut.

The cuts keep frequent neighbours like "dog." or "the cat" from becoming one token. A
word carries the space before it, so that joining the words gives back the text. What is
a letter or a space is Unicode's decision, as the ``regex`` package knows it; two
libraries can differ only on characters newer than one of their tables.

    split_words("It's 2 cats!")      # ['It', "'s", ' 2', ' cats', '!']

Radford et al. 2019, "Language models are unsupervised multitask learners".
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

__all__ = ["SPLIT", "line_chunks", "split_words"]

SPLIT = regex.compile(
    "'s|'t|'re|'ve|'m|'ll|'d"  # the English endings, in lower case only, as in GPT-2
    r"| ?\p{L}+"  # letters, with the space before them
    r"| ?\p{N}+"  # digits
    r"| ?[^\s\p{L}\p{N}]+"  # punctuation, symbols, emoji
    r"|\s+(?!\S)"  # spaces, but the last one belongs to the word that follows
    r"|\s+"
)
_LINE_END = regex.compile(r"(?<=\S)\n")


def split_words(text: str) -> list[str]:
    """The words of ``text``; joined, they are the text."""
    return SPLIT.findall(text)


def line_chunks(text: str, size: int = 65_536) -> Iterator[str]:
    """Pieces of at least ``size`` characters that can be encoded one by one.

    Law: the ids of the chunks, joined, are the ids of the text, because a newline that
    follows a visible character always starts a new word. So a long text can be encoded
    in parallel, ``pool.map(tokenizer.encode, line_chunks(text))``, or piece by piece.
    """
    if size < 1:
        raise ValueError(f"chunk size {size} must be at least 1 character")
    start = 0
    while cut := _LINE_END.search(text, start + size):
        yield text[start : cut.start()]
        start = cut.start()
    if start < len(text):
        yield text[start:]

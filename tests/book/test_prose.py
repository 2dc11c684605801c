"""What counts as prose, what as a sentence, and what as a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigpt_edu.book.prose import PLACEHOLDER, links, read, sentences, typed_numbers

WORDS = st.lists(st.text("abcdefghij", min_size=1, max_size=9), min_size=1, max_size=30)


def texts(source: str) -> list[str]:
    return [block.text for block in read(source)]


@given(WORDS)
def test_plain_words_are_all_counted(words: list[str]) -> None:
    (block,) = read(" ".join(words))
    assert block.words == len(words)


@given(WORDS, st.sampled_from(["```", "~~~", "````"]))
def test_code_and_formulas_hold_no_prose(words: list[str], fence: str) -> None:
    text = " ".join(words)
    before = [b.words for b in read(text)]
    for hidden in (f"{fence}python\n3.14 {text}\n{fence}", f"$$\n3.14 {text}\n$$"):
        assert [b.words for b in read(f"{text}\n\n{hidden}\n\n{text}")] == before * 2


@pytest.mark.parametrize(
    "source",
    [
        "`scores / 3.5`",
        "$\\sqrt{3.5}$",
        "<!-- n:loss -->3.5<!-- /n -->",
        "``a ` 3.5``",
        "$3.5$",
    ],
)
def test_what_is_not_read_as_text_is_one_word(source: str) -> None:
    assert texts(f"It is {source} here.") == [f"It is {PLACEHOLDER} here."]
    assert read(f"It is {source} here.")[0].words == 4


def test_money_is_no_formula() -> None:
    assert texts("It costs $5 or $6 now.") == ["It costs $5 or $6 now."]


def test_blocks() -> None:
    source = (
        "# A title\nText *here* and\n_there_.\n- one\n- two\n  goes on\n1. three\n\n"
        "| a | b |\n|---|---|\n| 1 | 200 |\n\n> Quoted\n> words.\n<!-- a note 3.5 -->"
    )
    assert [(b.kind, b.text) for b in read(source)] == [
        ("heading", "A title"),
        ("paragraph", "Text here and there."),
        ("item", "one"),
        ("item", "two goes on"),
        ("item", "three"),
        ("row", "a b"),
        ("row", "1 200"),
        ("paragraph", "Quoted words."),
    ]


def test_a_folded_answer_is_read() -> None:
    source = "<details><summary>Why?</summary>\n\nBecause it is.\n\n</details>"
    assert texts(source) == ["Why?", "Because it is."]


def test_links_are_read_by_their_text() -> None:
    source = "See [the *mask* page](masks.ipynb) and ![a cat](cat.png), `[x](y)`."
    assert texts(source)[0].startswith("See the mask page and")
    assert links(source) == [("!a cat", "cat.png"), ("the *mask* page", "masks.ipynb")]
    assert links("```\n[x](y)\n```\n![](z.png)") == [("!", "z.png")]


def test_sentences_end_at_stops_and_colons() -> None:
    (block,) = read("One two three. Is it so? (It is so now.) Take this one: a b c.")
    assert len(sentences(block)) == 5
    assert sentences(read("# One two three four.")[0]) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It is 1.87 nats", ["1.87"]),
        ("about 1,024 tokens and 100 words", ["1,024", "100"]),
        ("-0.25 or 1e-5, and 1.5x", ["0.25", "1e-5", "1.5"]),
        ("A 256-token window; 300.", ["256", "300"]),
        ("version 1.0.4 is out", ["1.0.4"]),
        ("3 heads, 99 rows and 5 %", []),
        ("GPT-2, GPT-3.5, UTF-8, x100", []),
        ("Shannon (1948), and others (Knuth, 1984)", []),
        ("In 1948 it was", ["1948"]),
        ("the end of 2.", []),
    ],
)
def test_typed_numbers(text: str, numbers: list[str]) -> None:
    assert typed_numbers(text) == numbers

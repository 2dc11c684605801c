"""A quiz computes its answers, shows no difference between runs, and tells nothing."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minigpt_edu.learn.quiz import ITEMS, Item, Option, Quiz, lint
from minigpt_edu.viz.output import QUIZ

SEVEN = 7
WORDS = st.text("abcdefgh <>&`'\"", min_size=3, max_size=20).filter(str.strip)


def option(text: str, right: bool) -> Option:
    return Option(text, f"why {text}", holds=lambda: (SEVEN == 7) is right)


def item(
    question: str = "What?", texts: tuple[str, ...] = ("right", "wrong", "other")
) -> Item:
    options = [option(text, n == 0) for n, text in enumerate(texts)]
    return Item(question, options, section="masks")


def bundle(quiz: Quiz) -> dict[str, Any]:
    return quiz._repr_mimebundle_()


# Laws.


@given(WORDS, st.lists(WORDS, min_size=3, max_size=5, unique_by=str.strip))
def test_the_order_of_writing_is_not_the_order_shown(
    question: str, texts: list[str]
) -> None:
    options = [option(text, n == 0) for n, text in enumerate(texts)]
    shown = Quiz([Item(question, options, "masks")]).data()
    turned = Quiz([Item(question, options[::-1], "masks")]).data()
    assert shown == turned
    assert {o["text"] for o in shown["items"][0]["options"]} == set(texts)
    right = shown["items"][0]
    assert right["options"][right["right"]]["text"] == texts[0]


def test_over_many_items_every_place_is_right_about_equally_often() -> None:
    items = [item(f"Question {n}?", ("a", "b", "c", "d")) for n in range(400)]
    places = Counter(one["right"] for one in Quiz(items).data()["items"])
    assert set(places) == {0, 1, 2, 3}
    assert max(places.values()) < 1.4 * min(places.values())


def test_a_generator_of_items_is_read_once() -> None:
    quiz = Quiz(item(f"Question {n}?") for n in range(3))
    assert len(quiz.items) == len(quiz.data()["items"]) == 3
    with pytest.raises(ValueError, match="a quiz needs an item"):
        Quiz(item() for _ in range(0))


class Tags(HTMLParser):
    """Which elements are open where a text stands."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.texts: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((data.strip(), tuple(self.open)))


@given(WORDS, st.lists(WORDS, min_size=3, max_size=5, unique_by=str.strip))
def test_no_text_can_change_the_page(question: str, texts: list[str]) -> None:
    """The only elements are ours, whatever signs a question is written with."""
    options = [option(text, n == 0) for n, text in enumerate(texts)]
    tags = Tags()
    tags.feed(bundle(Quiz([Item(question, options, "masks")]))["text/html"])
    assert tags.open == []
    ours = {"div", "section", "p", "strong", "details", "summary", "a", "code"}
    assert {tag for tag, _ in tags.seen} <= ours
    read = " ".join(text for text, _ in tags.texts)
    for text in (question, *texts):
        for part in re.findall(r"[^`\s]+", text):
            assert part in read


def test_the_answer_is_only_told_to_who_opens_it() -> None:
    tags = Tags()
    tags.feed(bundle(Quiz([item()]))["text/html"])
    verdicts = [(t, where) for t, where in tags.texts if t in ("Right.", "Not quite.")]
    assert Counter(t for t, _ in verdicts) == {"Right.": 1, "Not quite.": 2}
    for _, where in verdicts:
        assert "details" in where
        assert "summary" not in where


def test_each_option_opens_by_itself_and_by_keyboard() -> None:
    html = bundle(Quiz([item()]))["text/html"]
    assert html.count("<details") == html.count("<summary") == 3
    assert html.count('data-lm-suppress-shortcuts="true"') == 3
    assert "<details open" not in html
    assert "<script" not in html and "onclick" not in html and "style=" not in html


def test_it_is_the_same_in_every_run_and_holds_no_address() -> None:
    assert bundle(Quiz([item()])) == bundle(Quiz([item()]))
    assert "0x" not in str(bundle(Quiz([item()])))


def test_the_three_forms() -> None:
    quiz = Quiz([Item("Is `a < b`?", item().options, section="../one/many_heads")])
    shown = bundle(quiz)
    assert set(shown) == {"text/html", "text/plain", QUIZ}
    assert "Is <code>a &lt; b</code>?" in shown["text/html"]
    link = '<a href="../one/many_heads.ipynb">Many heads</a>'
    assert f"Read again: {link}" in shown["text/html"]
    place = shown[QUIZ]["items"][0]["right"]
    assert shown["text/plain"].endswith(f"Right: 1{'ABC'[place]}")
    assert repr(quiz) == shown["text/plain"]
    assert quiz.explain() == "1 questions on many heads"


# Answers are computed.


def test_the_answer_follows_what_was_computed() -> None:
    known = {"rows": 4}
    options = [
        Option(str(n), "because", holds=lambda n=n: known["rows"] == n)
        for n in (3, 4, 5)
    ]
    quiz = Quiz([Item("How many rows?", options, section="masks")])

    def right() -> str:
        one = quiz.data()["items"][0]
        return one["options"][one["right"]]["text"]

    assert right() == "4"
    known["rows"] = 5
    assert right() == "5"
    known["rows"] = 9
    with pytest.raises(ValueError, match=r"item 1 .*'How many rows\?'.* none does"):
        quiz.data()


def test_two_right_options_are_refused_by_name() -> None:
    options = [option("yes", True), option("also", True), option("no", False)]
    quiz = Quiz([item(), Item("Which?", options, "masks")])
    with pytest.raises(ValueError, match=r"item 2 .*exactly one.*not 2") as error:
        bundle(quiz)
    assert "'yes'" in str(error.value) and "'also'" in str(error.value)
    assert "'no'" not in str(error.value)


@pytest.mark.parametrize("answer", [1, 0.5, None, "yes", torch.tensor(1.0)])
def test_a_test_says_true_or_false(answer: object) -> None:
    options = [Option("odd", "why", holds=lambda: answer), option("no", False)]
    with pytest.raises(ValueError, match="option 'odd': its test must say True or"):
        Quiz([Item("Which?", options, "masks")]).data()


def test_a_tensor_may_say_true() -> None:
    x = torch.ones(3)
    options = [
        Option("ones", "why", holds=lambda: (x == 1).all()),
        Option("zeros", "why", holds=lambda: (x == 0).all()),
    ]
    one = Quiz([Item("Which?", options, "masks")]).data()["items"][0]
    assert one["options"][one["right"]]["text"] == "ones"


def test_a_test_that_fails_is_named() -> None:
    options = [Option("bad", "why", holds=lambda: 1 / 0 > 1), option("no", False)]
    with pytest.raises(ValueError, match=r"option 'bad': its test failed with ZeroDiv"):
        Quiz([Item("Which?", options, "masks")]).data()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (Item(" ", item().options, "masks"), "needs a question"),
        (Item("What?", item().options, ""), "needs a question and the section"),
        (Item("What?", item().options[:1], "masks"), "has 1 options; give 2 to 6"),
        (Item("What?", list(item().options) * 2, "masks"), "same option twice"),
        (
            Item("What?", [*item().options, Option("x", "", lambda: SEVEN < 0)], "m"),
            "a reason why",
        ),
    ],
)
def test_an_item_nobody_could_answer_is_refused(wrong: Item, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Quiz([wrong])


def test_an_empty_quiz_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an item"):
        Quiz([])


# The linter.

SECTIONS = {"masks", "many_heads"}


@pytest.fixture
def good() -> list[dict[str, Any]]:
    """Eight items as data, two right answers at each of four places."""
    return [
        {
            "question": f"Question {n}?",
            "section": "masks",
            "options": [
                {"text": f"option {k}", "why": "so", "computed": True} for k in range(4)
            ],
            "right": n % 4,
        }
        for n in range(8)
    ]


def test_good_items_pass(good: list[dict[str, Any]]) -> None:
    assert lint(good, SECTIONS) == []


def few(items: list[dict[str, Any]]) -> None:
    del items[5:]


def many(items: list[dict[str, Any]]) -> None:
    items += [dict(items[n], question=f"More {n}?") for n in range(3)]


def nowhere(items: list[dict[str, Any]]) -> None:
    items[2]["section"] = "mask"


def long_winded(items: list[dict[str, Any]]) -> None:
    items[2]["options"][1]["text"] = "option 1, which is explained at great length"


def coin(items: list[dict[str, Any]]) -> None:
    items[0]["options"] = items[0]["options"][:2]


def lazy(items: list[dict[str, Any]]) -> None:
    items[1]["options"][3]["text"] = "All of these"


def typed(items: list[dict[str, Any]]) -> None:
    items[1]["options"][3]["computed"] = False


def always_b(items: list[dict[str, Any]]) -> None:
    for one in items[:5]:
        one["right"] = 1


def always_longest(items: list[dict[str, Any]]) -> None:
    for one in items[:5]:
        one["options"][one["right"]]["text"] = "a longer one"


FAULTS = [
    (few, "has 5 quiz items; write 6 to 10"),
    (many, "has 11 quiz items; write 6 to 10"),
    (nowhere, "names the section 'mask'; there are many_heads, masks"),
    (long_winded, "an option of 44 characters where 8 is usual"),
    (coin, "has 2 options"),
    (lazy, "about the other options: 'All of these'"),
    (typed, "test computes nothing: 'option 3'"),
    (always_b, "option B is right in 6 of 8"),
    (always_longest, "the longest option is the right one in 5 of 8"),
]


@pytest.mark.parametrize(("spoil", "complaint"), FAULTS)
def test_each_fault_is_found(
    good: list[dict[str, Any]], spoil: Any, complaint: str
) -> None:
    spoil(good)
    found = lint(good, SECTIONS)
    assert len(found) == 1
    assert complaint in found[0]


def test_six_to_ten() -> None:
    assert (ITEMS[0], ITEMS[-1]) == (6, 10)


def test_typed_verdicts_are_told_from_computed_ones() -> None:
    rows = 4
    options = [
        Option("local", "why", holds=lambda: rows == 4),
        Option("typed", "why", holds=lambda: False),
        Option("global", "why", holds=lambda: SEVEN == 8),
    ]
    shown = Quiz([Item("Which?", options, "masks")]).data()["items"][0]["options"]
    computed = {o["text"]: o["computed"] for o in shown}
    assert computed == {"local": True, "typed": False, "global": True}

"""A quiz is code: the right answer is computed, never typed.

Each option says why it is right or not quite, and has a function that is true for
exactly one of them. A quiz shows itself as plain HTML that opens and closes without a
script, so it works in JupyterLab, in the built page and on GitHub, by keyboard too. It
keeps no score and knows nothing of the chapter it stands in.

    Quiz([Item("What is 6 x 7?", section="masks", options=[
        Option("42", "Six sevens.", holds=lambda: 6 * seven == 42),
        Option("36", "That is six sixes.", holds=lambda: 6 * seven == 36)])])

Why every option is explained: Butler, Karpicke and Roediger, "The effect of type and
timing of feedback on learning from multiple-choice tests" (2007).
"""

from __future__ import annotations

import hashlib
import html
import re
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from minigpt_edu.viz.output import QUIZ

__all__ = ["Item", "Option", "Quiz", "lint"]

#: How many items the quizzes of one chapter have together.
ITEMS = range(6, 11)

_LETTERS = "ABCDEF"
_LONGEST = 1.6  # an option's length against the median of its item
_EVEN = 12  # characters by which a short option may differ all the same
_LAZY = re.compile(r"\b(all|none|both|neither) of (the|these|those)\b", re.IGNORECASE)
_CODE = re.compile(r"`([^`]+)`")
# Focus on a summary: JupyterLab must leave Enter and the arrows to the browser.
_OWN_KEYS = 'data-lm-suppress-shortcuts="true"'


@dataclass(frozen=True)
class Option:
    """One answer to choose: its text, why it is right or wrong, and a test of it."""

    text: str
    why: str
    holds: Callable[[], Any]


@dataclass(frozen=True)
class Item:
    """A question with its options and the section of the chapter that answers it."""

    question: str
    options: Sequence[Option]
    section: str


class Quiz:
    """Questions that show themselves as the last line of a cell.

    Options are put into an order that only the texts decide, so a quiz is the same in
    every run and does not tell the answer by its place. Raises ValueError for an item
    that no reader could answer; the answers are computed when the quiz is shown.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        items = tuple(items)  # a generator gives its items only once
        if not items:
            raise ValueError("a quiz needs an item: Quiz([Item(...), ...])")
        for number, item in enumerate(items, 1):
            _check(item, number)
        self.items = items

    def data(self) -> dict[str, Any]:
        """The quiz as JSON, options in the order shown; evaluates every option.

        Raises ValueError naming item and option unless exactly one option holds.
        """
        return {"items": [_shown(item, n) for n, item in enumerate(self.items, 1)]}

    def explain(self) -> str:
        """Say how many questions there are and what they are about."""
        sections = sorted({item.section for item in self.items})
        return f"{len(self.items)} questions on {', '.join(map(_title, sections))}"

    def _repr_mimebundle_(self, **_formats: Any) -> dict[str, Any]:
        data = self.data()
        return {"text/html": _html(data), "text/plain": _plain(data), QUIZ: data}

    def __repr__(self) -> str:
        return _plain(self.data())


def _check(item: Item, number: int) -> None:
    where = f"item {number} ({item.question!r})"
    if not item.question.strip() or not item.section.strip():
        raise ValueError(f"{where} needs a question and the section that answers it")
    if not 2 <= len(item.options) <= len(_LETTERS):
        raise ValueError(
            f"{where} has {len(item.options)} options; give 2 to {len(_LETTERS)}"
        )
    texts = [option.text.strip() for option in item.options]
    if len(set(texts)) < len(texts):
        raise ValueError(f"{where} has the same option twice")
    for option in item.options:
        if not option.text.strip() or not option.why.strip():
            raise ValueError(f"{where}: every option needs a text and a reason why")


def _shown(item: Item, number: int) -> dict[str, Any]:
    """One item as data: its options in the order shown, and which one is right."""
    options = sorted(item.options, key=lambda option: _place(item, option))
    right = [i for i, option in enumerate(options) if _holds(item, number, option)]
    if len(right) != 1:
        names = " and ".join(repr(options[i].text) for i in right) or "none does"
        raise ValueError(
            f"item {number} ({item.question!r}): exactly one option must hold, "
            f"not {len(right)}: {names}"
        )
    return {
        "question": item.question,
        "section": item.section,
        "options": [
            {"text": o.text, "why": o.why, "computed": _computes(o.holds)}
            for o in options
        ],
        "right": right[0],
    }


def _place(item: Item, option: Option) -> bytes:
    """Where an option stands: a number drawn from the texts alone."""
    return hashlib.sha256(f"{item.question}\n{option.text}".encode()).digest()


def _holds(item: Item, number: int, option: Option) -> bool:
    """Whether the option's own test says that it is right."""
    where = f"item {number} ({item.question!r}), option {option.text!r}"
    try:
        answer = option.holds()
    except Exception as error:
        raise ValueError(
            f"{where}: its test failed with {type(error).__name__}: {error}"
        ) from error
    if hasattr(answer, "item"):  # a tensor or array that holds one truth value
        answer = answer.item()
    if not isinstance(answer, bool):
        raise ValueError(f"{where}: its test must say True or False, not {answer!r}")
    return answer


def _computes(holds: Callable[[], Any]) -> bool:
    """Whether a test looks anything up, or only repeats a verdict that was typed."""
    code = getattr(holds, "__code__", None)
    return not isinstance(code, CodeType) or bool(code.co_names or code.co_freevars)


def _title(section: str) -> str:
    """masks -> masks, ../attention/many_heads -> many heads"""
    return section.rsplit("/", 1)[-1].replace("_", " ")


def _verdict(item: dict[str, Any], position: int) -> str:
    return "Right." if position == item["right"] else "Not quite."


def _inline(text: str) -> str:
    """Plain text as HTML, with `code` between backticks."""
    return _CODE.sub(r"<code>\1</code>", html.escape(text, quote=False))


def _html(data: dict[str, Any]) -> str:
    items = [_item_html(item, n) for n, item in enumerate(data["items"], 1)]
    return "\n".join(['<div class="mg-quiz">', *items, "</div>"])


def _item_html(item: dict[str, Any], number: int) -> str:
    """A question and its options; elements that JupyterLab and GitHub both keep."""
    section, title = html.escape(item["section"]), _title(item["section"])
    lines = [
        '<section class="mg-quiz-item">',
        f'<p class="mg-quiz-question"><strong>{number}.</strong> '
        f"{_inline(item['question'])}</p>",
    ]
    for position, option in enumerate(item["options"]):
        kind = "mg-right" if position == item["right"] else "mg-wrong"
        lines.append(
            f'<details class="mg-quiz-option {kind}"><summary {_OWN_KEYS}>'
            f"<strong>{_LETTERS[position]}.</strong> {_inline(option['text'])}"
            f"</summary><p><strong>{_verdict(item, position)}</strong> "
            f"{_inline(option['why'])}</p></details>"
        )
    lines += [
        f'<p class="mg-quiz-section">Read again: <a href="{section}.ipynb">'
        f"{html.escape(title[:1].upper() + title[1:])}</a></p>",
        "</section>",
    ]
    return "\n".join(lines)


def _plain(data: dict[str, Any]) -> str:
    """The same for a terminal: questions and options, then what was right."""
    lines, answers = [], []
    for number, item in enumerate(data["items"], 1):
        lines.append(f"{number}. {item['question']}")
        for position, option in enumerate(item["options"]):
            lines.append(f"   {_LETTERS[position]}. {option['text']}")
        answers.append(f"{number}{_LETTERS[item['right']]}")
    return "\n".join([*lines, f"Right: {', '.join(answers)}"])


def lint(items: Sequence[dict[str, Any]], sections: Collection[str]) -> list[str]:
    """What is wrong with the quiz items of one chapter, one sentence each.

    `items` are those of `Quiz.data()`, of all quizzes of the chapter; `sections` are
    the names that exist. Looks for what gives an answer away or teaches nothing.
    """
    found = []
    if len(items) not in ITEMS:
        found.append(
            f"the chapter has {len(items)} quiz items; write {ITEMS[0]} to {ITEMS[-1]}"
        )
    for item in items:
        start = f"the quiz item {item['question']!r}"
        found += [f"{start} {text}" for text in _item_faults(item, sections)]
    return [*found, *_patterns(items)]


def _item_faults(item: dict[str, Any], sections: Collection[str]) -> Iterator[str]:
    options = item["options"]
    if item["section"] not in sections:
        known = ", ".join(sorted(sections)) or "none"
        yield f"names the section {item['section']!r}; there are {known}"
    if len(options) < 3:
        yield f"has {len(options)} options; a guess should not be right so often"
    median = statistics.median(len(option["text"]) for option in options)
    for option in options:
        length, text = len(option["text"]), option["text"]
        if length > max(_LONGEST * median, median + _EVEN):
            yield (
                f"has an option of {length} characters where {median:g} is usual, "
                f"which gives it away or off: {text!r}"
            )
        if _LAZY.search(text):
            yield f"has an option about the other options: {text!r}"
        if not option["computed"]:
            yield f"has an option whose test computes nothing: {text!r}"


def _patterns(items: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What a reader who knows nothing could learn to guess."""
    if len(items) < ITEMS[0]:
        return
    place, times = Counter(item["right"] for item in items).most_common(1)[0]
    if times > len(items) / 2:
        yield (
            f"option {_LETTERS[place]} is right in {times} of {len(items)} quiz items; "
            "reword a question or an option: the texts decide the order"
        )
    longest = sum(
        all(len(o["text"]) < len(item["options"][item["right"]]["text"]) for o in rest)
        for item in items
        for rest in [[o for i, o in enumerate(item["options"]) if i != item["right"]]]
    )
    if longest > len(items) / 2:
        yield (
            f"the longest option is the right one in {longest} of {len(items)} quiz "
            "items; shorten it or tell more in the others"
        )

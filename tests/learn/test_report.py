"""Report: one text in a notebook, on a page and in a terminal."""

from __future__ import annotations

import dataclasses

import pytest

from minigpt_edu.learn.report import Report

WRONG = Report(
    "a.b", "value", "With x (3,), the answer[0] is 1 and should be 2.", "Look."
)


def test_it_reads_as_one_paragraph() -> None:
    assert repr(WRONG) == WRONG.explain()
    assert WRONG.explain() == (
        "a.b: not yet. With x (3,), the answer[0] is 1 and should be 2. Look."
    )
    assert Report("a.b", "passed", "Equal.").explain() == "a.b: passed. Equal."
    assert "still to do" in Report("a.b", "still to do", "A mean.").explain()


def test_it_is_true_when_passed() -> None:
    assert Report("a.b", "passed", "Equal.").passed
    assert Report("a.b", "passed", "Equal.")
    assert not WRONG
    assert not Report("a.b", "still to do", "A mean.")


def test_it_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        WRONG.kind = "passed"  # type: ignore[misc]


def test_markdown_shows_the_same_words() -> None:
    markdown = WRONG._repr_markdown_()
    assert markdown.startswith(
        "**`a.b`: not yet.** With x (3,), the answer\\[0\\] is 1"
    )
    assert markdown.replace("\\", "").replace("*", "").replace("`", "") == repr(WRONG)


def test_markup_in_words_is_shown_and_code_is_code() -> None:
    odd = Report("a.b", "error", "It stops: E: $x$ <b> a*b, at `y = a*b`.")
    text = odd._repr_markdown_()
    assert r"\$x\$ \<b\> a\*b, at `y = a*b`." in text
    alone = Report("a.b", "error", "one ` backtick and a*b")
    assert r"one ' backtick and a\*b" in alone._repr_markdown_()

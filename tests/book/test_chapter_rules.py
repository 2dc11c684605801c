"""A chapter has its parts, its exercises have theirs; each missing one is noticed."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from minigpt_edu.book import chapter_rules
from minigpt_edu.viz.output import QUIZ

TITLE = (
    "# Masks\n\nWhy.\n\n**You will be able to**\n\n- one;\n- two;\n- three.\n\nMore."
)
FOLDED = "<details><summary>Why {}?</summary>\n\nSo, see [it](a.ipynb).\n\n</details>\n"
RECALL = "**Recall**\n\n" + FOLDED.format("a") + FOLDED.format("b")
END = "## Summary\n\nShort.\n\n## Going further\n\n- A\n- B\n- C"


def section(*sources: str) -> Any:
    return new_notebook(cells=[new_markdown_cell(s) for s in sources])


def test_a_good_section_has_its_parts() -> None:
    good = section(TITLE, RECALL, END)
    assert list(chapter_rules.parts(good)) == []
    assert list(chapter_rules.recall(good)) == []


FAULTS = [
    (TITLE, "**You will be able to**", "You can", "does not say"),
    (TITLE, "- two;\n", "", "promises 2 abilities; name 3 to 5"),
    (END, "## Summary", "## In short", "no heading 'Summary'"),
    (END, "## Going further", "## Books", "no heading 'Going further'"),
    (END, "- C", "", "names 2 references; choose 3 to 6"),
    (END, "- C", "- C\n- D\n- E\n- F\n- G", "names 7 references"),
    (RECALL, "**Recall**", "Once more", 'no "**Recall**"'),
    (RECALL, FOLDED.format("b"), "", "recalls 1 questions; ask 2 to 3"),
    (RECALL, "</details>\n<details>", "<details>", "not closed"),
    (RECALL, "Why a?", "Why `a`?", "where Markdown shows as written"),
    (RECALL, "Why a?", "Why $a$?", "where Markdown shows as written"),
]


@pytest.mark.parametrize(("part", "there", "instead", "complaint"), FAULTS)
def test_each_missing_part_is_found(
    part: str, there: str, instead: str, complaint: str
) -> None:
    assert there in part
    sources = [
        s.replace(there, instead, 1) if s == part else s for s in (TITLE, RECALL, END)
    ]
    spoiled = section(*sources)
    found = [*chapter_rules.parts(spoiled), *chapter_rules.recall(spoiled)]
    assert len(found) == 1, found
    assert complaint in found[0][1]


KINDS = [
    ("★", "Implementation", 5),
    ("★", "Debugging", 5),
    ("★★", "Comparison", 15),
    ("★★", "Visualisation", 15),
    ("★★★", "Performance", 30),
    ("Open:", "Comparison", 45),
]


def exercise(number: int, stars: str, kind: str, minutes: int) -> list[Any]:
    text = (
        f"## {stars} Do it\n\n*{kind}, about {minutes} minutes*\n\nDo it.\n\n"
        "<details><summary>Hint</summary>\n\nLook.\n\n</details>"
    )
    solution = new_code_cell("def f(): ...", id=f"ex-{number}")
    solution.metadata["tags"] = ["solution", "hide-cell"]
    check = new_code_cell('check("attention.f", f)', id=f"ex-{number}-check")
    return [new_markdown_cell(text, id=f"text-{number}"), solution, check]


@pytest.fixture
def good() -> Any:
    cells = [c for n, kind in enumerate(KINDS) for c in exercise(n, *kind)]
    return new_notebook(cells=[new_markdown_cell("# Exercises"), *cells])


def test_good_exercises_pass(good: Any) -> None:
    assert list(chapter_rules.exercises(good)) == []
    found = chapter_rules.exercises_of(good)
    assert [e.stars for e in found] == [1, 1, 2, 2, 3, 0]
    assert found[2].kind == "comparison"
    assert found[2].title == "Do it"
    assert [c.id for c in found[2].followers] == ["ex-2", "ex-2-check"]


def few(notebook: Any) -> None:
    del notebook.cells[1:4]


def many(notebook: Any) -> None:
    for n in range(10, 13):
        notebook.cells += exercise(n, "★", "Debugging", 5)


def one_kind_less(notebook: Any) -> None:
    cell = notebook.cells[13]
    cell.source = cell.source.replace("Performance", "Debugging")


def no_kind(notebook: Any) -> None:
    cell = notebook.cells[1]
    cell.source = cell.source.replace("*Implementation", "*Thinking")


def no_open_one(notebook: Any) -> None:
    cell = notebook.cells[16]
    cell.source = cell.source.replace("Open:", "★★").replace("45", "15")


def no_hard_one(notebook: Any) -> None:
    cell = notebook.cells[13]
    cell.source = cell.source.replace("★★★", "★★").replace("30", "15")


def wrong_minutes(notebook: Any) -> None:
    cell = notebook.cells[7]
    cell.source = cell.source.replace("15", "20")


def no_hint(notebook: Any) -> None:
    cell = notebook.cells[7]
    cell.source = cell.source.replace("<summary>Hint", "<summary>Answer")


def no_solution(notebook: Any) -> None:
    notebook.cells[8].metadata["tags"] = []


def no_check(notebook: Any) -> None:
    notebook.cells[9].id = "ex-9-check"


def check_that_checks_nothing(notebook: Any) -> None:
    notebook.cells[9].source = "f()"


EXERCISE_FAULTS = [
    (few, ["has 5 exercises; write 6 to 8", "of the kind implementation"]),
    (many, ["has 9 exercises; write 6 to 8"]),
    (one_kind_less, ["no exercise is of the kind performance"]),
    (no_kind, ["of the kind implementation", "names no kind"]),
    (no_open_one, ["no exercise is open"]),
    (no_hard_one, ["no exercise is ★★★"]),
    (wrong_minutes, ["takes 20 minutes; ★★ stands for 15"]),
    (no_hint, ["has no hint"]),
    (no_solution, ["has 0 solution cells"]),
    (no_check, ["has no cell ex-2-check"]),
    (check_that_checks_nothing, ["has no cell ex-2-check that calls check(...)"]),
]


@pytest.mark.parametrize(("spoil", "complaints"), EXERCISE_FAULTS)
def test_each_fault_of_an_exercise_is_found(
    good: Any, spoil: Any, complaints: list[str]
) -> None:
    spoil(good)
    found = [what for _, what in chapter_rules.exercises(good)]
    assert len(found) == len(complaints), found
    for what, complaint in zip(found, complaints, strict=True):
        assert complaint in what


def test_quiz_items_are_found_where_they_are_shown() -> None:
    data = {QUIZ: {"items": [{"question": "a"}, {"question": "b"}]}}
    output = new_output("display_data", data=data)
    cells = [new_code_cell("Quiz(...)", outputs=[output]) for _ in range(2)]
    shown = new_notebook(cells=[new_markdown_cell("x"), *cells])
    assert [i["question"] for i in chapter_rules.quiz_items(shown)] == ["a", "b"] * 2

"""What stands around the text of a chapter: parts, recall, exercises, quiz.

Each rule yields pairs (cell id, what is wrong); the id is empty for the notebook as a
whole. `house_style` puts the rules together. They see that a part is there and has
its pieces; whether an exercise is worth its minutes, they cannot say.

    for cell, what in exercises(notebook): ...

Why recall: Roediger and Karpicke, "Test-enhanced learning" (2006).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import Any

from minigpt_edu.book.prose import read
from minigpt_edu.book.prose_rules import REFERENCES, Found, blocks_of, markdown_of
from minigpt_edu.viz.output import QUIZ

__all__ = ["Exercise", "exercises", "exercises_of", "parts", "quiz_items", "recall"]

#: How many verbs, recalled questions and references a section has.
VERBS, RECALLED, REFERENCED = (3, 5), (2, 3), (3, 6)
#: How many exercises a chapter has, and how long one of each number of stars takes.
EXERCISES = (6, 8)
MINUTES = {1: 5, 2: 15, 3: 30}
KINDS = ("performance", "visualisation", "comparison", "implementation", "debugging")

_ABLE, _RECALL, _SUMMARY = "You will be able to", "Recall", "Summary"
_STAR = "\N{BLACK STAR}"
_TITLE = re.compile(rf"^## +(?:({_STAR}+)|(Open:)) +(.+)$", re.MULTILINE)
_ABOUT = re.compile(r"^\*(\w+), about (\d+) minutes\*\s*$", re.MULTILINE)
_HINT = re.compile(r"<details>\s*<summary>Hint</summary>", re.IGNORECASE)
_ASKED = re.compile(r"<details>\s*<summary>(.+?)</summary>", re.DOTALL)
_CHECKS = re.compile(r"^check\(", re.MULTILINE)


@dataclass(frozen=True)
class Exercise:
    """One exercise as its notebook gives it: what is asked, and what comes after."""

    cell: Any
    stars: int  # 0 for the open one
    kind: str
    minutes: int
    title: str
    followers: tuple[Any, ...]  # the code cells up to the next exercise


def parts(notebook: Any) -> Found:
    """A section says what it is for, sums up, and names what to read next."""
    able = [c for c in markdown_of(notebook) if f"**{_ABLE}" in c.source]
    if not able:
        yield "", f'it does not say "**{_ABLE}**" and what'
    for cell in able:
        after = cell.source.split(f"**{_ABLE}", 1)[1]
        count = _items(after)
        if not VERBS[0] <= count <= VERBS[1]:
            yield cell.id, f"it promises {count} abilities; name {_span(VERBS)}"
    below = _below_headings(notebook)
    for heading in (_SUMMARY, REFERENCES):
        if heading not in below:
            yield "", f"it has no heading {heading!r}"
    if REFERENCES in below:
        count = below[REFERENCES]
        if not REFERENCED[0] <= count <= REFERENCED[1]:
            yield "", f"it names {count} references; choose {_span(REFERENCED)}"


def _items(source: str) -> int:
    """The items of the first list in a text."""
    after = dropwhile(lambda block: block.kind != "item", read(source))
    return sum(1 for _ in takewhile(lambda block: block.kind == "item", after))


def _below_headings(notebook: Any) -> dict[str, int]:
    """Per heading, how many list items stand below it."""
    found: dict[str, int] = {}
    last = ""
    for _, block in blocks_of(notebook):
        if block.kind == "heading":
            last = block.text
            found[last] = 0
        elif block.kind == "item" and last:
            found[last] += 1
    return found


def _span(limits: tuple[int, int]) -> str:
    return f"{limits[0]} to {limits[1]}"


def recall(notebook: Any) -> Found:
    """A section begins by asking about earlier ones; the answers are folded."""
    cells = [c for c in markdown_of(notebook) if f"**{_RECALL}**" in c.source]
    if not cells:
        yield "", f'it has no "**{_RECALL}**" with questions on earlier sections'
    for cell in cells:
        asked = _ASKED.findall(cell.source.split(f"**{_RECALL}**", 1)[1])
        if not RECALLED[0] <= len(asked) <= RECALLED[1]:
            yield cell.id, f"it recalls {len(asked)} questions; ask {_span(RECALLED)}"
        for question in asked:
            if set("`$*") & set(question):
                yield (
                    cell.id,
                    f"{question!r} stands in HTML, where Markdown shows as written; "
                    "use <code> or plain words",
                )
        if cell.source.count("<details>") != cell.source.count("</details>"):
            yield cell.id, "a folded answer is not closed"


def exercises_of(notebook: Any) -> list[Exercise]:
    """The exercises of a notebook, each with the code cells that follow it."""
    found: list[Exercise] = []
    for position, cell in enumerate(notebook.cells):
        title = cell.cell_type == "markdown" and _TITLE.search(cell.source)
        if not title:
            continue
        about = _ABOUT.search(cell.source)
        found.append(
            Exercise(
                cell,
                len(title[1] or ""),
                about[1].lower() if about else "",
                int(about[2]) if about else 0,
                title[3],
                tuple(_until_the_next(notebook.cells[position + 1 :])),
            )
        )
    return found


def _until_the_next(cells: list[Any]) -> Iterator[Any]:
    for cell in cells:
        if cell.cell_type == "markdown" and _TITLE.search(cell.source):
            return
        if cell.cell_type == "code":
            yield cell


def exercises(notebook: Any) -> Found:
    """A chapter has exercises of all kinds, each with hint, solution and check."""
    found = exercises_of(notebook)
    if not EXERCISES[0] <= len(found) <= EXERCISES[1]:
        yield "", f"it has {len(found)} exercises; write {_span(EXERCISES)}"
    missing = set(KINDS) - {one.kind for one in found}
    if missing:
        yield "", f"no exercise is of the kind {', '.join(sorted(missing))}"
    stars = Counter(one.stars for one in found)
    for number in (*MINUTES, 0):
        if not stars[number]:
            yield "", f"no exercise is {_STAR * number or 'open'}"
    for one in found:
        for what in _faults(one):
            yield one.cell.id, f"the exercise {one.title!r} {what}"


def _faults(one: Exercise) -> Iterator[str]:
    """What one exercise lacks."""
    if one.stars > max(MINUTES):
        yield f"has {one.stars} stars, at most {max(MINUTES)}"
    if one.kind not in KINDS:
        yield f"names no kind: write *Implementation, about 15 minutes*, or {KINDS}"
    usual = MINUTES.get(one.stars)
    if usual and one.minutes != usual:
        yield f"takes {one.minutes} minutes; {_STAR * one.stars} stands for {usual}"
    if not _HINT.search(one.cell.source):
        yield "has no hint: <details><summary>Hint</summary>"
    solutions = [c for c in one.followers if "solution" in c.metadata.get("tags", [])]
    if len(solutions) != 1:
        yield f"has {len(solutions)} solution cells, not one"
        return
    name = solutions[0].id
    checks = [c for c in one.followers if c.id == f"{name}-check"]
    if not checks or not _CHECKS.search(checks[0].source):
        yield f"has no cell {name}-check that calls check(...)"


def quiz_items(notebook: Any) -> list[dict[str, Any]]:
    """The items of all quizzes that a notebook shows, as `Quiz.data()` gives them."""
    return [
        item
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for item in output.get("data", {}).get(QUIZ, {}).get("items", [])
    ]

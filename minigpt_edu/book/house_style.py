"""The house style as a program: every departure of a notebook, one sentence each.

`lint_notebook` reads one notebook as committed, `lint_chapter` all of one chapter. The
rules stand in `prose_rules`, `cell_rules` and `chapter_rules`; here is which of them
applies where. Whether a page teaches anything, only a reader can say.

    for finding in lint_notebook(Path("chapters/attention/masks.ipynb"), notebook):
        print(finding.explain())

A linter for the style of a book is the idea of QuantEcon's style guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigpt_edu.book import cell_rules, chapter_rules, prose_rules
from minigpt_edu.learn.quiz import lint as lint_quiz

__all__ = ["Finding", "kind_of", "lint_chapter", "lint_notebook"]

#: What is asked of every notebook of the book.
EVERYWHERE = (
    prose_rules.headings,
    prose_rules.long_sentences,
    prose_rules.typed,
    prose_rules.by_number,
    prose_rules.markup,
    cell_rules.described,
    cell_rules.lengths,
    cell_rules.raw_numbers,
)
#: What is asked besides, by kind. The overview is no section of a chapter: it has the
#: parts of one, but not its proportions, recall, exercises and quiz.
BESIDES = {
    "section": (chapter_rules.parts, cell_rules.proportions),
    "exercises": (chapter_rules.exercises,),
    "page": (chapter_rules.parts,),
}


@dataclass(frozen=True)
class Finding:
    """One departure from the house style, and where it is."""

    notebook: str
    cell: str  # the id of the cell, empty for the notebook as a whole
    what: str

    def explain(self) -> str:
        place = f"{self.notebook}, cell {self.cell}" if self.cell else self.notebook
        return f"{place}: {self.what}."


def kind_of(path: Path) -> str:
    """ "section" of a chapter, its "exercises", or a "page" that is neither."""
    if path.parent.name == "overview":
        return "page"
    return "exercises" if path.stem == "exercises" else "section"


def lint_notebook(path: Path, notebook: Any) -> list[Finding]:
    """What departs from the house style in one notebook; links start at `path`."""
    rules = (*EVERYWHERE, *BESIDES[kind_of(path)])
    found = [pair for rule in rules for pair in rule(notebook)]
    found += prose_rules.targets(path, notebook)
    return [Finding(path.name, cell, what) for cell, what in found]


def lint_chapter(notebooks: Mapping[Path, Any]) -> list[Finding]:
    """What a chapter lacks as a whole; `notebooks` by path, in reading order.

    That is: recall in every section but the first, one file of exercises, a quiz, and
    as many figures as the text needs and no more.
    """
    chapter = next(iter(notebooks)).parent.name
    sections = {p: n for p, n in notebooks.items() if kind_of(p) == "section"}
    found = []
    for path, notebook in list(sections.items())[1:]:
        for cell, what in chapter_rules.recall(notebook):
            found.append(Finding(path.name, cell, what))
    if not any(kind_of(path) == "exercises" for path in notebooks):
        found.append(Finding(chapter, "", "it has no exercises.ipynb"))
    each = cell_rules.words_per_figure(list(sections.values()))
    low, high = cell_rules.WORDS_PER_FIGURE
    if not low <= each <= high:
        what = f"it has a figure every {each:.0f} words; draw one per {low} to {high}"
        found.append(Finding(chapter, "", what))
    items = [item for n in notebooks.values() for item in chapter_rules.quiz_items(n)]
    names = {path.stem for path in sections}
    found += [Finding(chapter, "", what) for what in lint_quiz(items, names)]
    return found

"""The house style, asked of every chapter; and which rule applies where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from minigpt_edu.book.house_style import kind_of, lint_chapter, lint_notebook
from minigpt_edu.book.refresh import find
from minigpt_edu.viz.output import QUIZ

ROOT = Path(__file__).parents[2]
NOTEBOOKS = find([ROOT / "chapters"])
TOC = (ROOT / "_toc.yml").read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").as_posix()


def in_order(paths: list[Path]) -> list[Path]:
    """As the table of contents has them; what it lacks comes last."""
    place = {name: number for number, name in enumerate(files(yaml.safe_load(TOC)))}
    return sorted(paths, key=lambda p: (place.get(name_of(p), len(place)), p))


def files(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["file"]] if "file" in part else []
        return own + [name for value in part.values() for name in files(value)]
    return [name for one in part for name in files(one)] if type(part) is list else []


def explained(findings: list[Any]) -> str:
    return "\n".join(finding.explain() for finding in findings)


# The chapters as they stand.


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_is_in_the_house_style(path: Path) -> None:
    found = lint_notebook(path, nbformat.read(path, as_version=4))
    assert not found, explained(found)


CHAPTERS = sorted({path.parent for path in NOTEBOOKS if kind_of(path) == "section"})


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.name)
def test_a_chapter_is_complete(chapter: Path) -> None:
    paths = in_order([path for path in NOTEBOOKS if path.parent == chapter])
    found = lint_chapter({p: nbformat.read(p, as_version=4) for p in paths})
    assert not found, explained(found)


# Which rule applies where.

PLAIN = "# Title\n\nOnly a few words."


def plain(*sources: str) -> Any:
    return new_notebook(cells=[new_markdown_cell(s) for s in (PLAIN, *sources)])


@pytest.mark.parametrize(
    ("name", "kind", "asked"),
    [
        ("overview/tour.ipynb", "page", ["You will be able to", "Summary", "further"]),
        (
            "attention/masks.ipynb",
            "section",
            ["You will be able to", "Summary", "further", "no code"],
        ),
        (
            "attention/exercises.ipynb",
            "exercises",
            ["has 0 exercises", "of the kind", "is ★", "is ★★", "is ★★★", "is open"],
        ),
    ],
)
def test_each_kind_is_asked_for_its_own_parts(
    name: str, kind: str, asked: list[str]
) -> None:
    path = Path(name)
    assert kind_of(path) == kind
    found = [finding.what for finding in lint_notebook(path, plain())]
    assert len(found) == len(asked), found
    for what, part in zip(found, asked, strict=True):
        assert part in what


@pytest.mark.parametrize("name", ["overview/a", "attention/a", "attention/exercises"])
def test_every_notebook_is_asked_about_its_prose_and_cells(name: str) -> None:
    path = Path(f"{name}.ipynb")
    spoiled = plain(
        "## A Heading",
        " ".join(["word"] * 36) + ".",
        "It is 3.5. Look at head 2. See {ref}`x` and [it](gone.ipynb).",
        "![](a.png)",
    )
    row = ", ".join(["0.5"] * 7)
    long = new_code_cell("\n".join(["x = 1"] * 31), id="long")
    long.outputs = [new_output("stream", text=f"tensor([{row}])")]
    spoiled.cells.append(long)
    found = explained(lint_notebook(path, spoiled))
    for part in (
        "writes Heading with a capital",
        "has 36 words",
        "3.5 is typed",
        "names 'head 2'",
        "has a role",
        "gone.ipynb leads nowhere",
        "has no alt text",
        f"{path.name}, cell long: it has 31 lines",
        "wider than 6 columns",
    ):
        assert part in found


# A chapter as a whole.

WORDS = "These are ten words of prose, and they say nothing. " * 40
ASK = "<details><summary>Why?</summary>\n\nSo.\n\n</details>\n"


def figure() -> Any:
    note = {"label": "fig-a", "caption": "A.", "alt": "B.", "primary": "image/png"}
    data = {"image/png": "AAAA"}
    return new_output("display_data", data=data, metadata={"minigpt": note})


def items(count: int) -> list[dict[str, Any]]:
    options = [{"text": f"option {n}", "why": "so", "computed": True} for n in range(3)]
    return [
        {"question": f"{n}?", "section": "one", "options": options, "right": n % 3}
        for n in range(count)
    ]


@pytest.fixture
def chapter() -> dict[Path, Any]:
    folder = Path("chapters/attention")
    quiz = new_output("display_data", data={QUIZ: {"items": items(6)}})
    code = new_code_cell("show(a)", outputs=[figure(), figure()])
    one = new_notebook(cells=[new_markdown_cell(WORDS), code])
    recall = new_markdown_cell("**Recall**\n\n" + ASK * 2)
    asked = new_code_cell("Quiz([])", outputs=[quiz])
    two = new_notebook(cells=[recall, new_markdown_cell(WORDS), code, asked])
    names = ("one", "two", "exercises")
    notebooks = (one, two, new_notebook())
    return {folder / f"{n}.ipynb": nb for n, nb in zip(names, notebooks, strict=True)}


def test_a_good_chapter_is_complete(chapter: dict[Path, Any]) -> None:
    assert explained(lint_chapter(chapter)) == ""


def no_exercises(chapter: dict[Path, Any]) -> None:
    del chapter[list(chapter)[2]]


def no_quiz(chapter: dict[Path, Any]) -> None:
    chapter[list(chapter)[1]].cells.pop()


def lost_section(chapter: dict[Path, Any]) -> None:
    bundle = chapter[list(chapter)[1]].cells[-1].outputs[0].data
    bundle[QUIZ]["items"][0]["section"] = "three"


def no_recall(chapter: dict[Path, Any]) -> None:
    chapter[list(chapter)[1]].cells.pop(0)


def too_few_figures(chapter: dict[Path, Any]) -> None:
    for path in list(chapter)[:2]:
        for cell in chapter[path].cells:
            if cell.source == "show(a)":
                cell.outputs = [figure()]


def too_many_figures(chapter: dict[Path, Any]) -> None:
    chapter[next(iter(chapter))].cells[1].outputs *= 3


FAULTS = [
    (no_exercises, "attention: it has no exercises.ipynb."),
    (no_quiz, "attention: the chapter has 0 quiz items; write 6 to 10."),
    (lost_section, "names the section 'three'; there are one, two"),
    (no_recall, 'two.ipynb: it has no "**Recall**"'),
    (too_few_figures, "a figure every 402 words; draw one per 150 to 300"),
    (too_many_figures, "a figure every 67 words; draw one per 150 to 300"),
]


@pytest.mark.parametrize(("spoil", "complaint"), FAULTS)
def test_each_gap_of_a_chapter_is_found(
    chapter: dict[Path, Any], spoil: Any, complaint: str
) -> None:
    spoil(chapter)
    found = lint_chapter(chapter)
    assert len(found) == 1, explained(found)
    assert complaint in found[0].explain()


def test_the_reading_order_decides_which_section_comes_first() -> None:
    toc = {"parts": [{"chapters": [{"file": "b"}, {"file": "a", "sections": []}]}]}
    assert files(toc) == ["b", "a"]

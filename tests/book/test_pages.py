"""The built book, read as files: all there, whole, and needing nobody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from minigpt_edu.book.audit import audit, pages, read_page

ROOT = Path(__file__).parents[2]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))


def in_toc(part: dict) -> list[str]:
    """The pages named by the table of contents, in reading order."""
    own = [part[key] for key in ("root", "file") if key in part]
    below = [
        *part.get("parts", []),
        *part.get("chapters", []),
        *part.get("sections", []),
    ]
    return own + [name for child in below for name in in_toc(child)]


NAMES = in_toc(TOC)


def source(name: str) -> Path:
    return next(
        ROOT / f"{name}{end}"
        for end in (".md", ".ipynb")
        if (ROOT / f"{name}{end}").exists()
    )


def test_every_page_was_built_and_none_besides(html: Path) -> None:
    made = {name.removesuffix(".html") for name in pages(html)}
    assert made == {*NAMES, "index", "genindex", "search"}


def test_every_source_is_in_the_table_of_contents() -> None:
    sources = [
        *ROOT.glob("book/*.md"),
        *ROOT.glob("chapters/**/*.md"),
        *ROOT.glob("chapters/**/*.ipynb"),
    ]
    names = {p.relative_to(ROOT).with_suffix("").as_posix() for p in sources}
    assert {name for name in names if "checkpoints" not in name} == set(NAMES)


def test_the_book_is_built_from_the_present_sources(html: Path) -> None:
    built = (html / "index.html").stat().st_mtime
    late = [name for name in NAMES if source(name).stat().st_mtime > built]
    assert late == [], "built before these were changed: make book"


def test_nothing_is_wrong_with_any_page(html: Path) -> None:
    assert [complaint.explain() for complaint in audit(html)] == []


@pytest.mark.parametrize("name", NAMES)
def test_formulas_and_figures_of_the_source_are_on_the_page(
    html: Path, name: str
) -> None:
    page = read_page(html, f"{name}.html")
    text = source(name).read_text(encoding="utf-8")
    labels = set(re.findall(r'"label": "(fig-[a-z0-9-]+)"', text))
    assert labels <= {figure.label for figure in page.figures}
    if name == "book/notation":
        assert page.formulas > 20
    if source(name).suffix == ".ipynb":
        assert page.figures


def test_no_page_tells_where_it_was_built(html: Path) -> None:
    for name in pages(html):
        text = (html / name).read_text(encoding="utf-8")
        assert str(ROOT) not in text, name
        assert str(Path.home()) + "/" not in text, name


# The pages around the course, as sources.


def test_the_reading_order_names_files_that_exist() -> None:
    text = (ROOT / "book" / "reading_the_code.md").read_text(encoding="utf-8")
    paths = re.findall(r"`(minigpt_edu/[\w/]+\.(?:py|js))`", text)
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).is_file()] == []
    assert len(set(paths)) == len(paths)


def test_the_glossary_is_in_order() -> None:
    text = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    entries = text.split("```{glossary}\n")[1].split("```")[0]
    terms = [line for line in entries.splitlines() if line and line[0] != " "]
    assert len(terms) >= 25
    assert terms == sorted(terms, key=str.lower)


@pytest.mark.parametrize("name", [n for n in NAMES if source(n).suffix == ".md"])
def test_sentences_are_short(name: str) -> None:
    """22 words on average, in the prose of a page (BOOK: the house style)."""
    text = source(name).read_text(encoding="utf-8")
    if name == "book/references":
        return  # titles, not sentences
    text = re.sub(r"```.*?```|\$\$.*?\$\$|^[|#<].*?$", "", text, flags=re.DOTALL | re.M)
    sentences = [s.split() for s in re.split(r"(?<=[.?!:])\s+", text)]
    lengths = [len(words) for words in sentences if len(words) > 2]
    assert not lengths or sum(lengths) / len(lengths) <= 22


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_of_a_page_come_in_150_kilobytes(html: Path, name: str) -> None:
    names = {
        Path(one.split("?")[0]).name for one in read_page(html, f"{name}.html").loads
    }
    ours = {n for n in names if re.fullmatch(r"minigpt-(figures|view-\w+)\.js", n)}
    assert sum((html / "_static" / n).stat().st_size for n in ours) <= 150_000

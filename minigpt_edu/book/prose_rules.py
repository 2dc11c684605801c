"""What the house style asks of sentences: length, headings, numbers, links.

Each rule reads one notebook and yields pairs (cell id, what is wrong); the id is empty
for the notebook as a whole. `house_style` puts the rules together. They count; whether
a sentence is true or kind to its reader, they cannot say.

    for cell, what in typed(notebook): ...

What a notebook may quote without computing it stands in its metadata with a source:
`"minigpt": {"facts": {"255": "the largest byte"}, "names": ["Zipf"]}`.

Why short sentences: Flesch, "A new readability yardstick" (1948).
"""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minigpt_edu.book.prose import Block, links, read, sentences, typed_numbers

__all__ = [
    "Found",
    "blocks_of",
    "by_number",
    "code_of",
    "headings",
    "long_sentences",
    "markdown_of",
    "markup",
    "targets",
    "typed",
]

#: Words of a sentence, on average and at most.
SENTENCE_MEAN, SENTENCE_MOST = 22, 35
#: The heading below which years and page numbers are free.
REFERENCES = "Going further"

# Names that keep their capital in a heading.
_NAMES = frozenset(
    [
        *("Adam", "Brazilian", "English", "Gemma", "Git", "Jupyter", "JupyterLab"),
        *("Llama", "Markdown", "Portuguese", "Python", "PyTorch", "Qwen"),
        *("Shakespeare", "Sphinx", "Triton", "Unicode", "Zipf"),
    ]
)
_BY_NUMBER = re.compile(
    r"\b(?:heads?|layers?|blocks?|neurons?)\s+(?:number\s+|no\.\s*|#)?\d+\b"
    r"|\bL\d+[.\s]?[HN]\d+\b",
    re.IGNORECASE,
)
_MYST = {
    "a role": re.compile(r"(?<!`)\{[a-z][\w:+-]*\}`[^`]"),
    "a directive": re.compile(r"^ {0,3}(?:```+|~~~+|:::+) *\{", re.MULTILINE),
    "a target": re.compile(r"^\([\w-]+\)=\s*$", re.MULTILINE),
}
_BARE = re.compile(r"(?<![(<\"'=\w])https?://")

Found = Iterator[tuple[str, str]]


def markdown_of(notebook: Any) -> list[Any]:
    """The cells of text."""
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def code_of(notebook: Any) -> list[Any]:
    """The cells with code; a quiz is text in the form of code, so it is not one."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        cell
        for cell in cells
        if cell.source.strip() and "quiz" not in cell.metadata.get("tags", [])
    ]


def blocks_of(notebook: Any) -> Iterator[tuple[Any, Block]]:
    """Every block of text with its cell."""
    for cell in markdown_of(notebook):
        for block in read(cell.source):
            yield cell, block


def headings(notebook: Any) -> Found:
    """Headings are written like sentences."""
    names = _NAMES | set(notebook.metadata.get("minigpt", {}).get("names", []))
    for cell, block in blocks_of(notebook):
        if block.kind != "heading":
            continue
        words = re.findall(r"[\w'\u2022-]+", block.text)
        if words and words[0][0].islower():
            yield cell.id, f"the heading {block.text!r} begins with a small letter"
        for word in words[1:]:
            name = word.removesuffix("'s")
            if re.fullmatch(r"[A-Z][a-z].*", name) and name not in names:
                yield (
                    cell.id,
                    f"the heading {block.text!r} writes {word} with a capital",
                )


def long_sentences(notebook: Any) -> Found:
    """No sentence is too long, and on average they are short."""
    lengths = []
    for cell, block in blocks_of(notebook):
        for sentence in sentences(block):
            count = Block("paragraph", sentence).words
            lengths.append(count)
            if count > SENTENCE_MOST:
                begins = " ".join(sentence.split()[:6])
                yield (
                    cell.id,
                    f"the sentence {begins!r}... has {count} words, at most "
                    f"{SENTENCE_MOST}",
                )
    if lengths and statistics.mean(lengths) > SENTENCE_MEAN:
        mean = statistics.mean(lengths)
        yield "", f"sentences have {mean:.1f} words on average, at most {SENTENCE_MEAN}"


def typed(notebook: Any) -> Found:
    """Numbers typed into prose or captions, and allowed ones that nobody quotes."""
    facts = dict(notebook.metadata.get("minigpt", {}).get("facts", {}))
    seen = set()
    for cell, text in _quoting(notebook):
        for number in typed_numbers(text):
            seen.add(number)
            if number not in facts:
                yield (
                    cell.id,
                    f"{number} is typed; publish it from a cell, or name its source in "
                    'the metadata of the notebook, "minigpt": {"facts": {...}}',
                )
    for number, source in facts.items():
        if number not in seen:
            yield "", f"the fact {number} is not quoted; take it out of the metadata"
        if not str(source).strip():
            yield "", f"the fact {number} has no source"


def by_number(notebook: Any) -> Found:
    """No head, layer or neuron is named by its number: training changes them."""
    for cell, text in _quoting(notebook):
        for match in _BY_NUMBER.finditer(text):
            yield cell.id, f"it names {match[0]!r} by number; choose it by a score"


def _quoting(notebook: Any) -> Iterator[tuple[Any, str]]:
    """All text that may quote a number, except references."""
    last = ""
    for cell, block in blocks_of(notebook):
        last = block.text if block.kind == "heading" else last
        if last != REFERENCES:
            yield cell, block.text
    for cell in code_of(notebook):
        for text in _typed_captions(cell.source):
            yield cell, text


def _typed_captions(source: str) -> Iterator[str]:
    """The parts of captions and descriptions that were typed, not computed."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a cell for the notebook alone, such as %timeit
        return
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    words = (word for call in calls for word in call.keywords)
    for word in words:
        if word.arg in ("caption", "alt"):
            for node in ast.walk(word.value):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from (block.text for block in read(node.value))


def markup(notebook: Any) -> Found:
    """Only Markdown that JupyterLab, GitHub and the page read alike."""
    for cell in markdown_of(notebook):
        for name, pattern in _MYST.items():
            if pattern.search(cell.source):
                yield cell.id, f"it has {name}, which JupyterLab shows as it is written"
        if _BARE.search(re.sub(r"`[^`]*`", "", cell.source)):
            yield cell.id, "it has a bare address; write [text](address)"


def targets(path: Path, notebook: Any) -> Found:
    """Links inside the book lead to pages that exist, by their files."""
    for cell in markdown_of(notebook):
        for text, address in links(cell.source):
            if re.match(r"[a-z]+:", address):
                continue
            file, _, anchor = address.partition("#")
            if not text.strip() or not file:
                yield cell.id, f"the link [{text}]({address}) lacks its text or page"
            elif anchor:
                yield (
                    cell.id,
                    f"the link to {address} names a heading, which JupyterLab and the "
                    "page call differently; link to the page",
                )
            elif not (path.parent / file).is_file():
                yield cell.id, f"the link to {address} leads nowhere"

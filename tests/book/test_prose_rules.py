"""Each rule for sentences is kept by good prose and broken by one change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from minigpt_edu.book import prose_rules

GOOD = (
    "# Masks and Python's heads\n\nA short sentence. Then 3 heads, $1.5$ of them, "
    "(2017), `0.25`, and [one more](masks.ipynb)."
)


def notebook(source: str = GOOD, code: str = "x = 1", **about: Any) -> Any:
    text = new_markdown_cell(source, id="text")
    cells = [text, new_code_cell(code, id="code")]
    return new_notebook(cells=cells, metadata={"minigpt": about})


RULES = {
    "headings": prose_rules.headings,
    "long_sentences": prose_rules.long_sentences,
    "typed": prose_rules.typed,
    "by_number": prose_rules.by_number,
    "markup": prose_rules.markup,
}


@pytest.mark.parametrize("rule", RULES)
def test_good_prose_keeps_every_rule(rule: str) -> None:
    assert list(RULES[rule](notebook())) == []


LONG = " ".join(["word"] * 36) + ". A short one follows."
MEAN = " ".join([" ".join(["word"] * 23) + "."] * 3)
SHOWN = 'show(f, caption="It takes 3.5 steps.", alt="Rows.")'
FAULTS = [
    ("headings", "## Masks And rows", "writes And with a capital"),
    ("headings", "## masks and rows", "begins with a small letter"),
    ("long_sentences", LONG, "has 36 words, at most 35"),
    ("long_sentences", MEAN, "sentences have 23.0 words on average"),
    ("typed", "It is 1.87 nats.", "1.87 is typed"),
    ("typed", "| a | 1,024 |", "1,024 is typed"),
    ("typed", "## The 300 heads", "300 is typed"),
    ("by_number", "Look at head 3 here.", "names 'head 3' by number"),
    ("by_number", "Layers 2 and 4 differ.", "names 'Layers 2' by number"),
    ("by_number", "So L1H2 copies.", "names 'L1H2' by number"),
    ("by_number", "neuron 17 fires", "names 'neuron 17' by number"),
    ("markup", "See {ref}`masks`.", "has a role"),
    ("markup", "```{note}\nx\n```", "has a directive"),
    ("markup", ":::{note}\nx\n:::", "has a directive"),
    ("markup", "(masks)=\n# Masks", "has a target"),
    ("markup", "See https://example.org now.", "bare address"),
]


@pytest.mark.parametrize(("rule", "source", "complaint"), FAULTS)
def test_each_fault_is_found(rule: str, source: str, complaint: str) -> None:
    found = list(RULES[rule](notebook(source)))
    assert len(found) == 1
    assert complaint in found[0][1]
    assert found[0][0] == ("" if "average" in complaint else "text")


FINE = [
    ("headings", "## $T$ by $T$, D and GPT-2 in PyTorch"),
    ("headings", "## `softmax` by hand"),
    ("by_number", "All 4 heads of 2 layers; a block of 3 rows; 5 heads."),
    ("by_number", "`blocks.0.attn.z` is the name."),
    ("markup", "`{ref}` and <https://example.org>, [x](https://example.org)."),
    ("markup", "```python\nx = {1}\n```"),
    ("typed", "## Going further\n\n- Shannon, 1948, pages 379 to 423."),
]


@pytest.mark.parametrize(("rule", "source"), FINE)
def test_what_only_looks_like_a_fault_is_fine(rule: str, source: str) -> None:
    assert list(RULES[rule](notebook(source))) == []


def test_captions_and_descriptions_are_prose_too() -> None:
    found = list(prose_rules.typed(notebook(code=SHOWN)))
    assert [cell for cell, _ in found] == ["code"]
    described = 'show(f, caption="It takes steps.", alt="A row of 300.")'
    assert len(list(prose_rules.typed(notebook(code=described)))) == 1
    computed = 'show(f, caption=f"It takes {steps:.1f} steps, `0.5`.", alt="Rows.")'
    assert list(prose_rules.typed(notebook(code=computed))) == []
    named = 'show(f, caption="Head 3 looks back.", alt="Rows.")'
    assert len(list(prose_rules.by_number(notebook(code=named)))) == 1
    assert list(prose_rules.typed(notebook(code="%timeit x"))) == []


def test_a_fact_with_its_source_may_be_quoted() -> None:
    text = "The largest byte is 255."
    facts = {"255": "eight bits"}
    assert list(prose_rules.typed(notebook(text, facts=facts))) == []
    unused = list(prose_rules.typed(notebook("No number.", facts=facts)))
    assert unused == [("", "the fact 255 is not quoted; take it out of the metadata")]
    bare = list(prose_rules.typed(notebook(text, facts={"255": " "})))
    assert bare == [("", "the fact 255 has no source")]


def test_a_name_keeps_its_capital() -> None:
    text = "## What Shannon counted"
    assert len(list(prose_rules.headings(notebook(text)))) == 1
    assert list(prose_rules.headings(notebook(text, names=["Shannon"]))) == []


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("[masks](masks.ipynb)", None),
        ("[it](https://example.org/a#b)", None),
        ("[lost](gone.ipynb)", "leads nowhere"),
        ("[](masks.ipynb)", "lacks its text or page"),
        ("[here](#masks)", "lacks its text or page"),
        ("[masks](masks.ipynb#rows)", "names a heading"),
    ],
)
def test_links_lead_to_pages(tmp_path: Path, link: str, complaint: str | None) -> None:
    (tmp_path / "masks.ipynb").touch()
    found = list(prose_rules.targets(tmp_path / "a.ipynb", notebook(f"See {link}.")))
    assert [complaint in what for _, what in found] == [True] * bool(complaint)

"""Built pages bring along what they need, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest

from minigpt_edu.book.audit import audit, read_page
from minigpt_edu.book.sphinx import copy_parts, package_folder

PAGES = ("intro", "figures", "words")


def source(small_book: Path, page: str) -> str:
    return (small_book / f"{page}.html").read_text(encoding="utf-8")


def test_nothing_is_wrong_with_the_small_book(small_book: Path) -> None:
    assert [complaint.explain() for complaint in audit(small_book)] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_waits_for_a_kernel(small_book: Path, page: str) -> None:
    text = source(small_book, page)
    for trace in ("thebe", "requirejs", "require.js", "widget-state", "IntSlider"):
        assert trace not in text, trace


@pytest.mark.parametrize(("page", "needed"), [("figures", True), ("words", False)])
def test_heavy_scripts_are_on_pages_that_use_them(
    small_book: Path, page: str, needed: bool
) -> None:
    loads = " ".join(read_page(small_book, f"{page}.html").loads)
    for script in ("plotly.min.js", "plotly-static.js", "mathjax/tex-chtml.js"):
        assert (script in loads) == needed, script


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_the_book_s_look(small_book: Path, page: str) -> None:
    loads = read_page(small_book, f"{page}.html").loads
    assert any("minigpt.css" in address for address in loads)


def test_only_what_pages_load_is_copied(small_book: Path) -> None:
    mathjax = small_book / "_static" / "mathjax"
    assert (mathjax / "tex-chtml.js").is_file()
    assert list(mathjax.glob("output/chtml/fonts/woff-v2/*.woff"))
    assert (mathjax / "input" / "tex" / "extensions" / "boldsymbol.js").is_file()
    assert sum(f.stat().st_size for f in mathjax.rglob("*") if f.is_file()) < 3e6


def test_what_was_copied_is_not_copied_again(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "fonts").mkdir(parents=True)
    (source / "fonts" / "a.woff").write_text("new")
    (source / "one.js").write_text("new")
    (target / "fonts").mkdir(parents=True)
    (target / "fonts" / "a.woff").write_text("there")
    copy_parts(source, target, ("fonts", "one.js"))
    assert (target / "fonts" / "a.woff").read_text() == "there"
    assert (target / "one.js").read_text() == "new"


def test_a_missing_package_is_named_with_its_remedy() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"no-such-package: pip install"):
        package_folder("no-such-package")

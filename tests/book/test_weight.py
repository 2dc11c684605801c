"""What a page weighs: its own part, what it shares, and the models it asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from minigpt_edu.book.audit import PAGE_BYTES
from minigpt_edu.book.weight import main, weigh


def test_every_part_is_counted_once(tmp_path: Path) -> None:
    text = (
        '<script src="_static/a.js?v=1"></script><script src="_static/a.js"></script>'
        '<img alt="" src="p.png"><img alt="" src="p.png">'
        '<figure class="mg-viz" data-view="heads" '
        'data-config=\'{"checkpoint":"m"}\'></figure>'
        '<figure class="mg-viz" data-view="heads" '
        'data-config=\'{"checkpoint":"m"}\'></figure>'
    )
    (tmp_path / "_static").mkdir()
    (tmp_path / "one.html").write_text(text)
    (tmp_path / "two.html").write_text("<p>two</p>")
    (tmp_path / "p.png").write_bytes(b"1234")
    (tmp_path / "_static" / "a.js").write_bytes(b"12345")
    (tmp_path / "_static" / "minigpt-model-m.js").write_bytes(b"123456")
    one, two = weigh(tmp_path)
    assert (one.page, one.html, one.pictures) == ("one.html", len(text), 4)
    assert (one.shared, one.models, one.live) == (5, 6, 2)
    assert one.own == len(text) + 4
    assert (two.html, two.pictures, two.shared, two.models) == (10, 0, 0, 0)


def test_the_command_prints_a_line_a_page(
    small_book: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main([str(small_book)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["HTML", "pictures", "shared", "models"]
    assert len(lines) == 1 + len(weigh(small_book))
    assert any(line.endswith("figures.html") for line in lines)


def test_a_book_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main([str(tmp_path / "none")]) == 2
    assert "make book" in capsys.readouterr().out


def test_no_page_of_the_book_is_too_heavy(html: Path) -> None:
    """Beside what it shares with others (VISUALS: under a megabyte)."""
    heavy = {one.page: one.own for one in weigh(html) if one.own > PAGE_BYTES}
    assert heavy == {}

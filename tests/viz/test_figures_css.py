"""The figures' colours: those of the book, readable in both themes, and no others."""

from __future__ import annotations

import re

import pytest

from minigpt_edu.viz.bundle import JS, bundle_css
from minigpt_edu.viz.style import (
    INK,
    PAPER,
    PAPER_DARK,
    QUIET,
    ROLES,
    ROLES_DARK,
    RULE,
)

CSS = re.sub(r"/\*.*?\*/", "", bundle_css(), flags=re.DOTALL)
START = {
    "light": ".mg-viz {",
    "dark": 'body[data-jp-theme-light="false"] .mg-viz {',
}


def tokens(theme: str) -> dict[str, str]:
    block = CSS.split(START[theme], 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--mg-([\w-]+): ([^;]+);", block))


def luminance(colour: str) -> float:
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


THEMES = {
    "light": (ROLES, {"paper": PAPER, "ink": INK, "quiet": QUIET, "rule": RULE}),
    "dark": (ROLES_DARK, {"paper": PAPER_DARK}),
}


@pytest.mark.parametrize("theme", THEMES)
def test_the_colours_are_those_of_the_other_figures(theme: str) -> None:
    roles, rest = THEMES[theme]
    found = tokens(theme)
    assert {name: found[name] for name in roles} == roles
    assert {name: found[name] for name in rest} == rest


def test_each_colour_has_a_twin_in_the_dark() -> None:
    assert set(tokens("light")) == set(tokens("dark"))


@pytest.mark.parametrize("theme", THEMES)
def test_texts_and_lines_stand_out_from_the_paper(theme: str) -> None:
    found = tokens(theme)
    for name in ("ink", "quiet", "accent", "alarm", *ROLES):
        assert contrast(found[name], found["paper"]) >= 4.5, name
    # Borders of controls, as WCAG 1.4.11 asks.
    assert contrast(found["line"], found["paper"]) >= 3
    assert contrast(found["quiet"], found["well"]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_more_is_always_farther_from_the_paper(theme: str) -> None:
    found = tokens(theme)
    paper = luminance(found["paper"])
    away = [abs(luminance(c) - paper) for c in found["ramp"].split()]
    assert away == sorted(away)
    assert away[-1] > 0.6
    signed = [abs(luminance(c) - paper) for c in found["ramp-signed"].split()]
    middle = len(signed) // 2
    assert len(signed) % 2 == 1
    assert signed[: middle + 1] == sorted(signed[: middle + 1], reverse=True)
    assert signed[middle:] == sorted(signed[middle:])


def test_no_colour_is_written_outside_the_tokens() -> None:
    rest = CSS
    for start in START.values():
        head, tail = rest.split(start, 1)
        rest = head + tail.split("}", 1)[1]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", rest) == []


def test_every_rule_is_for_figures_only() -> None:
    plain = re.sub(r"@[\w-]+[^{]*\{", "", CSS)
    for _ in range(2):  # brackets within brackets
        plain = re.sub(r":(?:not|is)\([^()]*\)", "", plain)
    for selectors in re.findall(r"([^{}]+)\{", plain):
        for one in re.split(r",(?![^(]*\))", selectors):
            assert ".mg-viz" in one, one


def test_a_class_of_the_style_sheet_is_used_by_some_part() -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in JS.rglob("*.js"))
    made = re.compile(r"mg-(?:as|fill)-\w+|mg-(?:viz|figure)")  # put together, or given
    names = {n for n in re.findall(r"\.(mg-[\w-]+)", CSS) if not made.fullmatch(n)}
    assert [name for name in sorted(names) if name not in scripts] == []

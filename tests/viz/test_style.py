"""The colours can be read and told apart, by everybody, in both themes."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from minigpt_edu.viz.style import (
    DARK_FILTER,
    INK,
    PAPER,
    PAPER_DARK,
    PLOTLY_TEMPLATE,
    QUIET,
    ROLES,
    ROLES_DARK,
    STYLE,
)

CSS = Path(__file__).parents[2] / "minigpt_edu" / "book" / "static" / "minigpt.css"
THEMES = {"light": (ROLES, PAPER), "dark": (ROLES_DARK, PAPER_DARK)}

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
VISION = {
    "ordinary": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def linear(colour: str) -> np.ndarray:
    c = rgb(colour)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2, from 1 to 21."""
    light, dark = sorted(
        (float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other)),
        reverse=True,
    )
    return (light + 0.05) / (dark + 0.05)


def seen(colour: str, vision: np.ndarray) -> np.ndarray:
    """The colour as somebody sees it, in Björn Ottosson's Oklab (2020)."""
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    light = np.clip(vision @ linear(colour), 0, 1)
    return np.array(to_lab) @ np.cbrt(np.array(to_lms) @ light)


def nearest(colours: dict[str, str], vision: np.ndarray) -> float:
    points = [seen(colour, vision) for colour in colours.values()]
    pairs = itertools.combinations(points, 2)
    return min(float(np.linalg.norm(a - b)) for a, b in pairs)


@pytest.mark.parametrize("theme", THEMES)
def test_roles_can_be_read_as_text(theme: str) -> None:
    roles, paper = THEMES[theme]
    assert {
        role: contrast(c, paper) >= 4.5 for role, c in roles.items()
    } == dict.fromkeys(roles, True)


def test_ink_and_ticks_can_be_read() -> None:
    assert contrast(INK, PAPER) >= 7
    assert contrast(QUIET, PAPER) >= 4.5


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", THEMES)
def test_roles_are_told_apart_by_every_eye(theme: str, vision: str) -> None:
    # 0.02 is just noticeable in Oklab, side by side; lines are seen apart.
    assert nearest(THEMES[theme][0], VISION[vision]) > 0.09


def test_the_measure_of_difference_can_fail() -> None:
    red_and_green = {"red": "#d62728", "green": "#6b7a00"}
    assert nearest(red_and_green, VISION["ordinary"]) > 0.09
    assert nearest(red_and_green, VISION["deuteranopia"]) < 0.09


def on_dark(colour: str) -> np.ndarray:
    """What DARK_FILTER makes of a colour (CSS Filter Effects, level 1)."""
    match = re.fullmatch(r"invert\(([\d.]+)\) hue-rotate\(180deg\)", DARK_FILTER)
    assert match is not None
    amount = float(match[1])
    inverted = rgb(colour) * (1 - amount) + (1 - rgb(colour)) * amount
    grey = np.array([[0.213, 0.715, 0.072]] * 3)
    half_turn = 2 * grey - np.eye(3)  # hue-rotate with cos = -1, sin = 0
    return np.clip(half_turn @ inverted, 0, 1)


def test_the_dark_page_shows_drawings_in_the_dark_roles() -> None:
    for role, colour in ROLES.items():
        assert np.abs(on_dark(colour) - rgb(ROLES_DARK[role])).max() < 2 / 255
    assert np.abs(on_dark(PAPER) - rgb(PAPER_DARK)).max() < 1 / 255


def css_colours(theme: str) -> dict[str, str]:
    text = CSS.read_text(encoding="utf-8")
    block = text.split(f'html[data-theme="{theme}"] {{')[1].split("}")[0]
    return dict(re.findall(r"--mg-([a-z]+): (#[0-9a-f]{6});", block))


@pytest.mark.parametrize("theme", THEMES)
def test_prose_uses_the_colours_of_the_figures(theme: str) -> None:
    colours = css_colours(theme)
    roles, paper = THEMES[theme]
    assert {role: colours[role] for role in roles} == roles
    for name in ("ink", "quiet"):
        assert contrast(colours[name], paper) >= 4.5, name
    assert f"filter: {DARK_FILTER};" in CSS.read_text(encoding="utf-8")


def test_matplotlib_takes_every_setting() -> None:
    with matplotlib.rc_context(STYLE):
        cycle = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
    assert sorted(cycle) == sorted(ROLES.values())
    assert PLOTLY_TEMPLATE["layout"]["colorway"] == cycle

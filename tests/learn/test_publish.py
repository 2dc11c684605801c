"""publish(): numbers in the form in which sentences quote them."""

from __future__ import annotations

import math
import sys
from decimal import Decimal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minigpt_edu.learn import publish
from minigpt_edu.learn.publish import format_number
from minigpt_edu.viz import output

FRACTIONS = st.floats(1e-12, 1e14) | st.floats(-1e14, -1e-12)


@given(FRACTIONS)
def test_a_fraction_keeps_four_digits(value: float) -> None:
    quoted = float(format_number(value).replace(",", ""))
    assert quoted == pytest.approx(value, rel=0.5e-3)
    digits = Decimal(repr(quoted)).normalize().as_tuple().digits
    assert len(digits) <= 4


@given(st.integers())
def test_an_integer_keeps_every_digit(value: int) -> None:
    assert int(format_number(value).replace(",", "")) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1024, "1,024"),
        (1.87, "1.87"),
        (1.8723456, "1.872"),
        (0.5, "0.5"),
        (2.0, "2"),
        (0.0, "0"),
        (-0.25, "-0.25"),
        (12345.6, "12,350"),
        (99999.0, "100,000"),
        (0.99999, "1"),
        (3e-4, "0.0003"),
        (torch.tensor(2.5), "2.5"),
        (torch.tensor(7), "7"),
    ],
)
def test_numbers_read_like_prose(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize("value", ["1.87", True, None, 1j])
def test_only_numbers_are_published(value: object) -> None:
    with pytest.raises(TypeError, match="takes numbers"):
        format_number(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_no_sentence_can_quote_infinity(value: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        format_number(value)


def test_the_record_is_all_that_is_displayed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list = []
    module = sys.modules["minigpt_edu.learn.publish"]
    monkeypatch.setattr(module, "emit", seen.append)
    assert publish(params=1_000_000, loss=1.8723) is None
    assert seen == [{output.NUMBERS: {"params": "1,000,000", "loss": "1.872"}}]


def test_a_number_needs_a_name() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        publish()

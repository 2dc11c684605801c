"""difference() and same(): what agrees, agrees with itself; what differs, is shown."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minigpt_edu.learn.comparing import difference, same

NUMBERS = (
    st.integers() | st.floats(allow_nan=False) | st.booleans() | st.text(max_size=5)
)
VALUES = st.recursive(NUMBERS, lambda v: st.lists(v, max_size=3) | st.tuples(v, v))


@given(VALUES)
def test_everything_equals_itself(value: object) -> None:
    assert same(value, value)
    assert difference(value, value) is None


@given(VALUES, VALUES)
def test_same_and_difference_agree_on_numbers_and_texts(a: object, b: object) -> None:
    if same(a, b):
        assert difference(a, b) is None


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=9), st.data())
def test_the_first_wrong_number_is_found(
    values: list[float], data: st.DataObject
) -> None:
    want = torch.tensor(values)
    place = data.draw(st.integers(0, len(values) - 1))
    got = want.clone()
    got[place] += 1
    got[place + 1 :] -= 2
    found = difference(got, want)
    assert found is not None
    assert found.kind == "value"
    assert found.text.startswith(f"the answer[{place}] is ")
    assert f"{len(values) - place} of {len(values)} numbers differ" in found.text


@pytest.mark.parametrize(
    ("got", "want", "kind", "text"),
    [
        (None, torch.zeros(2), "none", "returned None: is the last line a return?"),
        (
            [0.0, 0.0],
            torch.zeros(2),
            "type",
            "is a list and should be a tensor: torch.",
        ),
        (
            torch.zeros(2),
            np.zeros(2),
            "type",
            "is a tensor and should be a numpy array",
        ),
        (
            torch.zeros(2, 3),
            torch.zeros(3, 2),
            "shape",
            "(2, 3) and should have (3, 2)",
        ),
        (
            torch.zeros(2).double(),
            torch.zeros(2),
            "dtype",
            "float64 and should be float32",
        ),
        (torch.tensor([0.0, math.nan]), torch.zeros(2), "nan", "1 of 2 numbers"),
        (
            torch.tensor([True]),
            torch.tensor([False]),
            "value",
            "is True and should be F",
        ),
        (torch.tensor(0.53), torch.tensor(0.27), "value", "is 0.53 and should be 0.27"),
        (1.00002, 1.1, "value", "is 1 and should be 1.1"),
        (0.5301, 0.5309, "value", "is 0.53 and should be 0.531"),
        (12345, 12346, "value", "is 12,345 and should be 12,346"),
        (True, 1, "type", "is a bool and should be an int"),
        ("3", 3, "type", "is a str and should be an int"),
        (math.nan, 1.5, "nan", "is not a number"),
        ("cat", "car", "value", "is 'cat' and should be 'car'"),
        ((1, 2), (1, 2, 3), "length", "has 2 parts and should have 3"),
        ((1, 5), (1, 2), "value", "part 1 of the answer is 5 and should be 2"),
        ({"a": 1}, {"b": 1}, "keys", "should not have the key 'a'"),
        ({}, {"b": 1}, "keys", "lacks the key 'b'"),
        ({"a": 2}, {"a": 1}, "value", "the answer['a'] is 2 and should be 1"),
    ],
)
def test_a_difference_is_told_in_words(
    got: object, want: object, kind: str, text: str
) -> None:
    found = difference(got, want)
    assert found is not None
    assert (found.kind, text in found.text) == (kind, True), found.text
    assert found.explain() == found.text


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (3, 3.0),
        (3.0, 3),
        (torch.tensor(3), 3),
        (np.float64(3), 3.0),
        (np.array(3), 3),
        ([1, 2], (1, 2)),
        (torch.tensor([0.1 + 0.2]), torch.tensor([0.3])),
        (torch.tensor([math.inf]), torch.tensor([math.inf])),
    ],
)
def test_what_means_the_same_is_no_difference(got: object, want: object) -> None:
    assert difference(got, want) is None


def test_not_a_number_is_the_same_as_itself() -> None:
    nan = torch.tensor([math.nan, 1.0])
    assert same(nan, nan.clone())
    assert same(math.nan, math.nan)
    assert not same(nan, torch.tensor([0.0, 1.0]))
    assert not same(nan, nan.double())
    assert not same(True, 1)
    assert same({"a": [nan]}, {"a": [nan]})
    assert not same({"a": [nan]}, {"b": [nan]})


def test_what_cannot_be_compared_is_not_the_same() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]

    assert not same(Odd(), Odd())

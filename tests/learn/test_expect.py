"""expect(): shapes that are true pass through untouched, others are named."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minigpt_edu.learn.expect import ShapeError, Shapes, expect

SIZES = st.lists(st.integers(0, 6), max_size=5)
LETTERS = "B H T S D"


@given(SIZES)
def test_what_fits_comes_back_itself(shape: list[int]) -> None:
    names = LETTERS.split()[: len(shape)]
    x = torch.zeros(shape)
    assert expect(x, " ".join(names)) is x
    assert expect(x, " ".join(names), **dict(zip(names, shape, strict=True))) is x
    y = np.zeros(shape)
    assert expect(y, " ".join(names)) is y


@given(SIZES.filter(bool), st.data())
def test_one_wrong_size_is_named_with_both_numbers(
    shape: list[int], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(shape) - 1))
    name = LETTERS.split()[place]
    wanted = shape[place] + data.draw(st.integers(1, 3))
    with pytest.raises(ShapeError) as caught:
        expect(
            torch.zeros(shape),
            " ".join(LETTERS.split()[: len(shape)]),
            **{name: wanted},
        )
    text = str(caught.value)
    assert (
        f"axis {name} (number {place}) is {shape[place]}, but {name}={wanted}" in text
    )


@given(SIZES, st.integers(0, 6))
def test_another_number_of_axes_is_refused(shape: list[int], names: int) -> None:
    axes = " ".join("abcdef"[:names])
    if names == len(shape):
        expect(torch.zeros(shape), axes)
        return
    with pytest.raises(ShapeError, match=f"^{len(shape)} ax[ie]s .*asks for {names}"):
        expect(torch.zeros(shape), axes)


def test_a_letter_that_comes_back_has_one_size() -> None:
    expect(torch.zeros(2, 5, 5), "B T T")
    with pytest.raises(ShapeError, match=r"axis T .number 2. is 4, but T=5"):
        expect(torch.zeros(2, 5, 4), "B T T")


def test_numbers_may_stand_for_sizes() -> None:
    expect(torch.zeros(5, 3), "T 3")
    with pytest.raises(ShapeError, match="axis 1 is 3, but 4 is asked for"):
        expect(torch.zeros(5, 3), "T 4")


@pytest.mark.parametrize("shape", [(5, 4), (2, 5, 4), (2, 3, 5, 4)])
def test_dots_stand_for_any_axes(shape: tuple[int, ...]) -> None:
    expect(torch.zeros(shape), "... T D", T=5, D=4)
    with pytest.raises(ShapeError, match="axis D"):
        expect(torch.zeros(shape), "... T D", D=5)
    with pytest.raises(ShapeError, match="needs at least 2"):
        expect(torch.zeros(4), "... T D")


def test_the_way_out_is_an_order_that_fits() -> None:
    x = torch.zeros(2, 7, 3, 4)
    with pytest.raises(ShapeError, match=r"x.transpose\(1, 2\) would have this shape"):
        expect(x, "B H T D", H=3, T=7)
    expect(x.transpose(1, 2), "B H T D", H=3, T=7)
    with pytest.raises(ShapeError, match=r"x.permute\(1, 2, 0\)"):
        expect(torch.zeros(4, 2, 3), "B T C", B=2, T=3, C=4)
    with pytest.raises(ShapeError, match="which axis went missing"):
        expect(x, "B H T D", D=5)
    with pytest.raises(ShapeError, match=r"x.transpose\(0, 1\)"):
        expect(torch.zeros(7, 2), "B T", T=7)  # B was not known before


def test_shapes_remember() -> None:
    shapes = Shapes(B=2)
    shapes(torch.zeros(2, 5, 8), "B T C")
    shapes(np.zeros((5, 9)), "T S")
    assert shapes.sizes == {"B": 2, "T": 5, "C": 8, "S": 9}
    assert (shapes["C"], repr(shapes)) == (8, "Shapes(B=2, T=5, C=8, S=9)")
    assert shapes.explain() == "Seen so far: B=2, T=5, C=8, S=9."
    with pytest.raises(ShapeError, match=r"axis C .number 1. is 7, but C=8"):
        shapes(torch.zeros(2, 7), "B C")
    with pytest.raises(KeyError, match="no axis 'V'"):
        shapes["V"]


def test_a_refused_shape_is_not_remembered() -> None:
    shapes = Shapes(T=5)
    with pytest.raises(ShapeError):
        shapes(torch.zeros(3, 4), "C T")
    assert shapes.sizes == {"T": 5}


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ShapeError, match="a list has no shape"):
        expect([1, 2], "T")
    with pytest.raises(ValueError, match="no name of an axis"):
        expect(torch.zeros(2), "B,T")
    with pytest.raises(ValueError, match="more than one"):
        expect(torch.zeros(2), "... T ...")
    with pytest.raises(ValueError, match="whole number"):
        expect(torch.zeros(2), "T", T=2.5)  # type: ignore[arg-type]

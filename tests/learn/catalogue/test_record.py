"""The records of a check: inputs equal everywhere, names and advice from the code."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from minigpt_edu.learn.catalogue.record import Check, Draw, describe, wrong


def test_drawn_numbers_are_thousandths_between_two_and_two() -> None:
    x = Draw(0)(50, 40)
    assert x.dtype == torch.float32
    assert x.min() >= -2
    assert x.max() <= 2
    assert len(x.unique()) > 1000
    assert torch.equal(x, (x * 1000).round() / 1000)
    assert torch.equal(x, Draw(0)(50, 40))
    assert not torch.equal(x, Draw(1)(50, 40))


def test_drawing_does_not_touch_the_global_generator() -> None:
    before = torch.get_rng_state()
    Draw(0)(10)
    assert torch.equal(torch.get_rng_state(), before)


def _too_large(x: Tensor) -> Tensor:
    """Halve
    it."""
    return 2 * x


def identity(x: Tensor) -> Tensor:
    """The same as x."""
    return x


def test_a_variant_takes_its_words_from_the_function() -> None:
    variant = wrong(_too_large)
    assert (variant.name, variant.where) == ("too large", "Halve it.")
    assert variant.explain() == "too large: Halve it."
    with pytest.raises(ValueError, match="needs a docstring"):
        wrong(lambda x: x)


def test_a_check_explains_itself() -> None:
    spec = Check("topic.same", identity, lambda draw: [{"x": draw(2)}])
    assert spec.call == "same(x)"
    assert spec.explain() == "same(x): The same as x."
    assert spec.counted({}, 3) == 3


def test_inputs_in_a_few_words() -> None:
    x = torch.zeros(3, 2)
    assert describe({"q": x, "k": x, "w": x[0], "n": 2}) == "q, k (3, 2), w (2,), n=2"
    assert describe({"fn": len, "x": x}) == "x (3, 2)"
    assert describe({"fn": len}) == "the inputs"

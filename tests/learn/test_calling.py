"""call(): whatever a function does, it is written down and does no harm outside."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from minigpt_edu.learn.calling import call


def doubled(x: Tensor) -> Tensor:
    return 2 * x


def in_place(x: Tensor, y: Tensor) -> Tensor:
    x += 1
    return x


def stub(x: Tensor) -> Tensor:
    raise NotImplementedError("still to do: ex-doubled")


def bare_stub(x: Tensor) -> Tensor:
    raise NotImplementedError


def broken(x: Tensor) -> Tensor:
    y = x @ torch.ones(7)
    return y


def broken_below(x: Tensor) -> Tensor:
    return torch.nn.functional.linear(x, torch.ones(2, 7))


def no_kernel(x: Tensor) -> Tensor:
    return torch.ops.minigpt_nowhere.nothing(x)


def drawing(x: Tensor) -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), torch.rand(()).item()


X = {"x": torch.ones(3)}


def test_a_value_is_a_value() -> None:
    outcome = call(doubled, X)
    assert outcome.value.tolist() == [2, 2, 2]
    assert not outcome.failed
    assert outcome.explain() == "it returned a value"


def test_inputs_stay_and_a_change_is_noticed() -> None:
    inputs = {"x": torch.ones(3), "y": torch.ones(2)}
    outcome = call(in_place, inputs)
    assert outcome.changed == ("x",)
    assert inputs["x"].tolist() == [1, 1, 1]
    assert call(doubled, X).changed == ()


@pytest.mark.parametrize("fn", [stub, bare_stub])
def test_a_stub_is_still_to_do(fn: Any) -> None:
    outcome = call(fn, X)
    assert outcome.still_to_do
    assert outcome.failed
    assert outcome.explain() == "still to do"


@pytest.mark.parametrize(
    ("fn", "error", "line"),
    [
        (broken, "RuntimeError: ", "y = x @ torch.ones(7)"),
        (broken_below, "RuntimeError: ", "return torch.nn.functional.linear"),
        (no_kernel, "AttributeError: ", "return torch.ops.minigpt_nowhere.nothing(x)"),
        (lambda x: [][1], "IndexError: list index out of range", ""),
        (lambda a, b: a, "TypeError: ", ""),
        (lambda x: 1 / 0, "ZeroDivisionError: division by zero", ""),
    ],
)
def test_an_error_names_its_line(fn: Any, error: str, line: str) -> None:
    outcome = call(fn, X)
    assert outcome.failed
    assert not outcome.still_to_do
    assert outcome.error.startswith(error)
    assert line in outcome.line
    assert "\n" not in outcome.explain()


def below(x: Tensor) -> Tensor:
    return x[7:8].item()  # type: ignore[return-value]


def test_the_innermost_line_of_the_same_page_is_shown() -> None:
    outcome = call(lambda x: below(x), X)
    assert outcome.line.startswith("return x[7:8].item()")


def test_an_error_holds_no_address_and_is_short() -> None:
    def loud(x: Tensor) -> None:
        raise ValueError(f"{object()} is odd\nsecond line")

    def long(x: Tensor) -> None:
        raise ValueError("a" * 1000)

    assert call(loud, X).error == "ValueError: <object object at 0x...> is odd"
    assert len(call(long, X).error) < 200


def test_an_error_of_torch_is_not_a_stub() -> None:
    def missing(x: Tensor) -> Tensor:
        return torch.empty(2, device="meta").cpu()  # torch raises NotImplementedError

    outcome = call(missing, X)
    assert outcome.error.startswith("NotImplementedError: ")
    assert not outcome.still_to_do


def test_randomness_outside_is_untouched_and_inside_repeatable() -> None:
    def state() -> list:
        numpy_state = np.random.get_state()[1].tolist()
        return [random.getstate(), numpy_state, torch.get_rng_state().tolist()]

    before = state()
    first, again, other = call(drawing, X), call(drawing, X), call(drawing, X, seed=1)
    assert first.value == again.value
    assert all(a != b for a, b in zip(first.value, other.value, strict=True))
    assert state() == before


def test_gradients_are_left_behind() -> None:
    weight = torch.ones(3, requires_grad=True)
    value = call(lambda x: (x * weight, [x * weight]), X).value
    assert not value[0].requires_grad
    assert not value[1][0].requires_grad


def test_a_person_may_still_stop_it() -> None:
    def stopped(x: Tensor) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(stopped, X)


def test_an_exit_is_an_error() -> None:
    def leaving(x: Tensor) -> None:
        raise SystemExit(3)

    assert call(leaving, X).error == "SystemExit: 3"


def test_settings_of_torch_are_put_back() -> None:
    def unsettling(x: Tensor) -> Tensor:
        torch.set_default_device("meta")
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        return x

    assert not call(unsettling, X).failed
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()
    assert torch.zeros(2).device.type == "cpu"


def test_what_has_no_history_and_no_end_is_kept_as_it_is() -> None:
    endless: list = []
    endless.append(endless)
    assert call(lambda x: endless, X).value is endless


def test_an_error_without_words() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def mute(x: Tensor) -> None:
        raise MuteError

    assert call(mute, X).error == "MuteError"

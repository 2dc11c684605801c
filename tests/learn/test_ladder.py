"""ladder(): rungs that agree are said to agree, others are not; bytes are counted."""

from __future__ import annotations

import math
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from minigpt_edu.learn.ladder import draw_times, ladder, rung_times


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def loops(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    z = torch.zeros_like(v)
    for t in range(q.shape[-2]):
        past = slice(0, t + 1)
        scores = (k[..., past, :] @ q[..., t, :, None]) / math.sqrt(q.shape[-1])
        z[..., t, :] = (scores.softmax(-2) * v[..., past, :]).sum(-2)
    return z


def vectorised(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -math.inf).softmax(-1) @ v


def fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


RUNGS = {"loops": loops, "vectorised": vectorised, "fused": fused}


@given(*(st.integers(1, 3) for _ in range(2)), st.integers(1, 9), st.integers(1, 5))
def test_rungs_that_agree_pass(B: int, H: int, T: int, D: int) -> None:
    found = ladder(RUNGS, drawn(3, B, H, T, D).unbind())
    assert found.agrees
    assert found.explain() == "All 3 agree with fused within 1e-5."
    assert all(rung.agrees and rung.difference < 1e-5 for rung in found.rungs)


def test_the_table_of_weights_is_the_largest_tensor() -> None:
    B, H, T, D = 2, 3, 64, 8
    found = ladder(RUNGS, drawn(3, B, H, T, D).unbind())
    assert found["vectorised"].largest_bytes == 4 * B * H * T * T
    assert found["fused"].largest_bytes == 4 * B * H * T * D
    assert found["loops"].largest_bytes == 4 * B * H * T * D


def test_only_what_is_made_is_counted() -> None:
    x = drawn(100)
    rungs: dict[str, Any] = {
        "view": lambda x: x.view(10, 10).T.flatten()[:100].view(100) * 1,
        "copy": lambda x: torch.cat([x, x])[:100] * 1,
        "none": lambda x: x,
        "lists": lambda x: x.numpy().tolist(),
        "numpy": lambda x: np.asarray(x),
    }
    found = ladder({"itself": lambda x: x + 0, **rungs}, (x,), against="itself")
    sizes = {rung.name: rung.largest_bytes for rung in found.rungs}
    assert sizes["copy"] == 800
    assert sizes["itself"] == sizes["view"] == 400
    assert sizes["none"] is None
    assert "none agrees; largest tensor in bytes: no tensors" == found["none"].explain()


@pytest.mark.parametrize(
    ("wrong", "bound"),
    [
        (lambda x: x + 0.5, "> 1e-1"),
        (lambda x: x + 3e-4, "> 1e-4"),
        (lambda x: x * math.nan, "not a number"),
        (lambda x: x + 5000, "> 1e2"),
        (lambda x: x / 0, "infinite"),
        (lambda x: x + 50, "> 1e1"),
    ],
)
def test_a_rung_that_differs_is_bounded_from_below(wrong: Any, bound: str) -> None:
    found = ladder({"wrong": wrong, "right": lambda x: x.clone()}, (drawn(5),))
    assert not found.agrees
    assert found.explain() == "Not equal to right: wrong."
    line = repr(found).splitlines()[1]
    assert bound in line
    assert "NO" in line.split()


def test_nan_on_both_sides_is_equal_and_infinity_too() -> None:
    x = torch.tensor([math.nan, math.inf, 1.0])
    assert ladder({"a": lambda x: x.clone(), "b": lambda x: x + 0}, (x,)).agrees
    assert not ladder({"a": lambda x: -x, "b": lambda x: x + 0}, (x,)).agrees


def test_nothing_agrees_with_nan_throughout() -> None:
    rungs = {"a": lambda x: x * math.nan, "b": lambda x: x + math.nan}
    found = ladder(rungs, (drawn(3),))
    assert not found.agrees
    assert found.explain() == "b is NaN throughout: nothing can agree with it."
    assert "NO" in repr(found).splitlines()[1].split()


@pytest.mark.parametrize(
    ("tolerance", "bound"),
    [
        (1.4e-5, "2e-5"),
        (1e-5, "1e-5"),
        (9.2e-5, "1e-4"),
        (9.7e-5, "1e-4"),
        (0.3, "3e-1"),
    ],
)
def test_a_bound_is_never_below_what_it_bounds(tolerance: float, bound: str) -> None:
    rungs = {"a": lambda x: x.clone(), "b": lambda x: x + 0}
    found = ladder(rungs, (drawn(3),), tolerance=tolerance)
    assert found.explain() == f"All 2 agree with b within {bound}."
    assert float(bound) >= tolerance


def test_a_tiny_difference_is_a_number() -> None:
    rungs = {"off": lambda x: x + 1e-13, "right": lambda x: x.clone()}
    x = torch.zeros(2, dtype=torch.float64)
    found = ladder(rungs, (x,), tolerance=1e-14)
    assert repr(found).splitlines()[1].split()[1:4] == [">", "0", "NO"]
    with pytest.raises(ValueError, match="tolerance=0: give a number above 0"):
        ladder(rungs, (x,), tolerance=0)


def test_complex_numbers_are_refused() -> None:
    rungs = {"a": lambda x: x + 0j, "b": lambda x: x + 1j}
    with pytest.raises(ValueError, match="compares real numbers"):
        ladder(rungs, (drawn(3),))


def test_inputs_are_copies() -> None:
    x = drawn(3)
    before = x.clone()
    rungs = {"in place": lambda x: x.mul_(2), "again": lambda x: x.mul_(2)}
    assert ladder(rungs, (x,)).agrees
    assert torch.equal(x, before)


def test_text_and_table_say_the_same() -> None:
    found = ladder(RUNGS, drawn(3, 1, 1, 3, 2).unbind())
    assert repr(found).splitlines()[1].split() == ["loops", "<", "1e-5", "yes", "24"]
    markdown = found._repr_markdown_()
    assert "| loops | &lt; 1e-5 | yes | 24 |" in markdown
    assert "| fused | compared with this | yes | 24 |" in markdown
    assert repr(found) == repr(ladder(RUNGS, drawn(3, 1, 1, 3, 2).unbind()))


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="two rungs or more"):
        ladder({"one": loops}, drawn(3, 2, 2).unbind())
    with pytest.raises(ValueError, match="one of them 'other'"):
        ladder(RUNGS, drawn(3, 2, 2).unbind(), against="other")
    with pytest.raises(
        ValueError, match=r"short returns the shape \(1,\), long \(3,\)"
    ):
        ladder({"short": lambda x: x[:1], "long": lambda x: x}, (drawn(3),))


def test_times_are_medians_after_a_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0, 90, 200, 203, 300, 301, 400, 402])
    module = sys.modules["minigpt_edu.learn.ladder"]
    fake = SimpleNamespace(perf_counter=lambda: next(clock))
    monkeypatch.setattr(module, "time", fake)
    assert rung_times({"a": abs}, (1,), repeats=3, warm_up=2) == {"a": 2}


def test_functions_are_called_as_often_as_said() -> None:
    calls: list[int] = []
    seconds = rung_times({"a": calls.append}, (1,), repeats=3, warm_up=2)
    assert len(calls) == 5
    assert list(seconds) == ["a"]
    assert seconds["a"] >= 0
    with pytest.raises(ValueError, match="repeats=0"):
        rung_times({"a": calls.append}, (1,), repeats=0)


def test_times_are_drawn_with_their_numbers() -> None:
    figure = draw_times({"loops": 0.02, "fused": 0.0001})
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["loops", "fused"]
    assert {text.get_text() for text in axes.texts} == {"20 ms", "0.1 ms"}
    assert "milliseconds" in axes.get_xlabel()
    assert "thread" in axes.get_xlabel()
    assert axes.get_xscale() == "log"

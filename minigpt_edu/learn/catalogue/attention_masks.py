"""Checks for who may look where: padding, windows, and a second text.

Shapes: B rows, T queries, S keys, C or D wide.

    find("attention.window").variants
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from .record import Check, Draw, Inputs, wrong

__all__ = ["CHECKS", "cross", "padding", "window"]


def _head(q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None) -> Tensor:
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -math.inf)
    return scores.softmax(-1) @ v


def padding(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
    """Attention in both directions over a batch (B, T, D) in which real (B, T) is False
    at the padding: no real token may look at padding. Rows of padding do not count."""
    return _head(q, k, v, real[:, None, :])  # (B, T, D)


def _padding_is_seen(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
    """Nothing hides the padding: set its scores to minus infinity."""
    return _head(q, k, v)


def _padding_hidden_from_the_queries(
    q: Tensor, k: Tensor, v: Tensor, real: Tensor
) -> Tensor:
    """You hide rows, the padding as a query. Hide columns, the padding as a key:
    real[:, None, :], not real[:, :, None]."""
    return _head(q, k, v, real[:, :, None])


def _mask_upside_down(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
    """Real tokens are hidden and the padding is seen: fill where real is False."""
    return _head(q, k, v, ~real[:, None, :])


def _padding_removed_after_the_softmax(
    q: Tensor, k: Tensor, v: Tensor, real: Tensor
) -> Tensor:
    """The padding has taken its share before you remove it, so the rows sum to less
    than 1. Hide it before the softmax."""
    pattern = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)
    return (pattern * real[:, None, :]) @ v


def _padding_scored_zero(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
    """A score of 0 still gets the weight exp(0) = 1: use minus infinity. Setting the
    keys of the padding to zero has the same effect."""
    scores = (q @ k.mT / math.sqrt(q.shape[-1])) * real[:, None, :]
    return scores.softmax(-1) @ v


def _first_row_for_all(q: Tensor, k: Tensor, v: Tensor, real: Tensor) -> Tensor:
    """Each text of the batch has padding of its own: real[:, None, :], not real[0]."""
    return _head(q, k, v, real[:1, None, :])


def _rows_of_real_tokens(inputs: Inputs, answer: Any) -> Any:
    fits = isinstance(answer, Tensor) and answer.shape == inputs["q"].shape
    return answer.where(inputs["real"][..., None], 0) if fits else answer


def _padding_cases(draw: Draw) -> list[Inputs]:
    cases = []
    for B, T, D, lengths in ((1, 3, 2, [2]), (3, 5, 4, [5, 2, 3]), (2, 4, 3, [1, 4])):
        real = torch.arange(T) < torch.tensor(lengths)[:, None]
        cases.append({**{name: draw(B, T, D) for name in "qkv"}, "real": real})
    cases[-1]["real"] = cases[-1]["real"].flip(1)  # padding may stand on the left
    real = torch.tensor([[True, True, False, False]])
    return [*cases, {**_far_below(draw, 1, 4, 4), "real": real}]


def _far_below(draw: Draw, *shape: int) -> Inputs:
    """Scores from -36000 down: any smaller number in a mask would win."""
    fall = 60 + 3 * torch.arange(float(shape[-2]))[:, None].expand(shape)
    return {"q": torch.full(shape, 300.0), "k": -fall, "v": draw(*shape)}


def window(q: Tensor, k: Tensor, v: Tensor, width: int) -> Tensor:
    """One causal head (..., T, D) in which row t sees only the last `width` tokens,
    itself included: t - width < s <= t."""
    return _head(q, k, v, _band(q.shape[-2], 0, width - 1))


def _band(tokens: int, ahead: int, back: int) -> Tensor:
    """True where -ahead <= t - s <= back."""
    ones = torch.ones(tokens, tokens, dtype=torch.bool)
    return ones.tril(ahead) & ones.triu(-back)


def _window_one_too_wide(q: Tensor, k: Tensor, v: Tensor, width: int) -> Tensor:
    """The token itself is one of the `width`: t - width < s, not t - width <= s."""
    return _head(q, k, v, _band(q.shape[-2], 0, width))


def _window_one_too_narrow(q: Tensor, k: Tensor, v: Tensor, width: int) -> Tensor:
    """`width` tokens are visible, the token itself and width - 1 before it. Yours sees
    one fewer."""
    return _head(q, k, v, _band(q.shape[-2], 0, width - 2))


def _looks_both_ways(q: Tensor, k: Tensor, v: Tensor, width: int) -> Tensor:
    """The window reaches into the future too: keep s <= t."""
    return _head(q, k, v, _band(q.shape[-2], width - 1, width - 1))


def _no_window(q: Tensor, k: Tensor, v: Tensor, width: int) -> Tensor:
    """This is plain causal attention: hide what is older than the window as well."""
    return _head(q, k, v, _band(q.shape[-2], 0, q.shape[-2]))


def _window_stands_still(q: Tensor, k: Tensor, v: Tensor, width: int) -> Tensor:
    """The text is cut into blocks of `width`. A sliding window moves with each token:
    compare t - s with the width, not t // width with s // width."""
    place = torch.arange(q.shape[-2]) // width
    same_block = place[:, None] == place
    return _head(q, k, v, same_block & _band(q.shape[-2], 0, q.shape[-2]))


def _window_at_the_beginning(q: Tensor, k: Tensor, v: Tensor, width: int) -> Tensor:
    """Every row sees the first tokens of the text. The window must hold the last
    ones."""
    first = torch.arange(q.shape[-2]) < width
    return _head(q, k, v, first & _band(q.shape[-2], 0, q.shape[-2]))


def _window_cases(draw: Draw) -> list[Inputs]:
    sizes = (((4, 2), 2), ((7, 4), 3), ((2, 6, 3), 4), ((4, 3), 1), ((3, 3), 8))
    cases = [{**{n: draw(*s) for n in "qkv"}, "width": width} for s, width in sizes]
    return [*cases, {**_far_below(draw, 4, 4), "width": 2}]


def cross(x: Tensor, memory: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """Each row of x (T, C) asks, the rows of memory (S, C) answer, no mask. Weights are
    (D, C), so that q = x @ w_q.T."""
    return _head(x @ w_q.T, memory @ w_k.T, memory @ w_v.T)  # (T, D)


def _the_memory_asks(
    x: Tensor, memory: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor
) -> Tensor:
    """The two texts have changed places: queries come from x, keys and values from the
    memory."""
    return cross(memory, x, w_q, w_k, w_v)


def _memory_ignored(
    x: Tensor, memory: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor
) -> Tensor:
    """This is self-attention: keys and values come from the memory, not from x."""
    return cross(x, x, w_q, w_k, w_v)


def _values_from_the_wrong_text(
    x: Tensor, memory: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor
) -> Tensor:
    """What is found is in the memory: the values come from there, like the keys."""
    return _head(x @ w_q.T, memory @ w_k.T, x @ w_v.T)


def _the_memory_is_masked(
    x: Tensor, memory: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor
) -> Tensor:
    """The memory is a text of its own and there already: it has no future to hide."""
    past = torch.ones(len(x), len(memory), dtype=torch.bool).tril()
    return _head(x @ w_q.T, memory @ w_k.T, memory @ w_v.T, past)


def _weights_not_transposed(
    x: Tensor, memory: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor
) -> Tensor:
    """The weights are stored as (D, C), like those of nn.Linear: x @ w.T."""
    return _head(x @ w_q, memory @ w_k, memory @ w_v)


def _cross_cases(draw: Draw) -> list[Inputs]:
    weights = ("w_q", "w_k", "w_v")
    return [
        {"x": draw(T, C), "memory": draw(S, C), **{n: draw(D, C) for n in weights}}
        for T, S, C, D in ((3, 3, 2, 2), (4, 4, 3, 3), (2, 5, 4, 3), (5, 2, 3, 6))
    ]


CHECKS = (
    Check(
        "attention.padding",
        padding,
        _padding_cases,
        (
            wrong(_padding_is_seen),
            wrong(_padding_hidden_from_the_queries),
            wrong(_mask_upside_down),
            wrong(_padding_removed_after_the_softmax),
            wrong(_padding_scored_zero),
            wrong(_first_row_for_all),
        ),
        seen=_rows_of_real_tokens,
    ),
    Check(
        "attention.cross",
        cross,
        _cross_cases,
        (
            wrong(_the_memory_asks),
            wrong(_memory_ignored),
            wrong(_values_from_the_wrong_text),
            wrong(_the_memory_is_masked),
            wrong(_weights_not_transposed),
        ),
    ),
    Check(
        "attention.window",
        window,
        _window_cases,
        (
            wrong(_window_one_too_wide),
            wrong(_window_one_too_narrow),
            wrong(_looks_both_ways),
            wrong(_no_window),
            wrong(_window_stands_still),
            wrong(_window_at_the_beginning),
        ),
    ),
)

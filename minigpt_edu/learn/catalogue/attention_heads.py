"""Checks for several heads: split, merge, the whole layer, shared keys and values.

Shapes: B rows, T tokens, C wide, H heads, K key/value heads, D = C / H.

    find("attention.multi_head").variants
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .record import Check, Draw, Inputs, wrong

__all__ = ["CHECKS", "grouped", "merge_heads", "multi_head", "split_heads"]


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, T, C) to (B, H, T, D): head h of each token gets the numbers h D to (h + 1) D
    of that token's row."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _reshaped_without_transposing(x: Tensor, heads: int) -> Tensor:
    """The shape is right, but the numbers of one token went to other tokens. Make
    (B, T, H, D) first, then exchange T and H with transpose(1, 2)."""
    B, T, C = x.shape
    return x.reshape(B, heads, T, C // heads)


def _heads_take_every_hth_number(x: Tensor, heads: int) -> Tensor:
    """Head 0 gets the first D numbers of a row, not every H-th one: C splits into (H,
    D), in this order."""
    return x.unflatten(-1, (-1, heads)).permute(0, 3, 1, 2)


def _heads_behind_the_tokens(x: Tensor, heads: int) -> Tensor:
    """The axes are (B, T, H, D): heads come before tokens, transpose(1, 2)."""
    return x.unflatten(-1, (heads, -1))


def _width_before_tokens(x: Tensor, heads: int) -> Tensor:
    """The last two axes are exchanged: (B, H, T, D), not (B, H, D, T)."""
    return split_heads(x, heads).mT


def _split_cases(draw: Draw) -> list[Inputs]:
    sizes = ((1, 3, 4, 2), (2, 4, 16, 4), (2, 5, 6, 3), (1, 4, 3, 1))
    return [{"x": draw(B, T, C), "heads": heads} for B, T, C, heads in sizes]


def merge_heads(z: Tensor) -> Tensor:
    """(B, H, T, D) to (B, T, H D): the inverse of splitting, the heads of a token side
    by side."""
    return z.transpose(1, 2).flatten(2)


def _merged_without_transposing(z: Tensor) -> Tensor:
    """The shape is right, but each row mixes several tokens. Exchange H and T first:
    z.transpose(1, 2), then flatten."""
    B, H, T, D = z.shape
    return z.reshape(B, T, H * D)


def _heads_interleaved(z: Tensor) -> Tensor:
    """The heads must lie side by side, all of head 0 first: flatten (H, D), not (D,
    H)."""
    return z.permute(0, 2, 3, 1).flatten(2)


def _heads_added(z: Tensor) -> Tensor:
    """Joining is not adding: the D numbers of each head keep a place of their own."""
    return z.sum(1)


def _heads_averaged(z: Tensor) -> Tensor:
    """Joining is not averaging: the D numbers of each head keep a place of their
    own."""
    return z.mean(1)


def _merge_cases(draw: Draw) -> list[Inputs]:
    sizes = ((1, 2, 3, 2), (2, 4, 4, 3), (2, 3, 5, 2), (1, 1, 4, 3))
    return [{"z": draw(*size)} for size in sizes]


def _attend(q: Tensor, k: Tensor, v: Tensor, *, root: float | None = None) -> Tensor:
    scores = q @ k.mT / math.sqrt(q.shape[-1] if root is None else root)
    past = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    return scores.masked_fill(~past, -math.inf).softmax(-1) @ v


def multi_head(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    """The whole causal layer: project x (B, T, C) to queries, keys and values, attend
    in each head, merge, project out. Weights are (C, C), used as in F.linear(x, w)."""
    q, k, v = (split_heads(F.linear(x, w), heads) for w in (w_q, w_k, w_v))
    return F.linear(merge_heads(_attend(q, k, v)), w_o)  # (B, T, C)


def _output_projection_missing(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    """The merged heads are returned as they are: mix them with F.linear(..., w_o)."""
    q, k, v = (split_heads(F.linear(x, w), heads) for w in (w_q, w_k, w_v))
    return merge_heads(_attend(q, k, v))


def _one_head_and_no_output_projection(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    """There is one head as wide as the model, and its result is returned as it is.
    RustGPT calls this multi-head attention. Split, attend, merge, project."""
    return _attend(*(F.linear(x, w) for w in (w_q, w_k, w_v)))


def _one_head_as_wide_as_the_model(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    """There is one head, C wide: split q, k and v into heads before they meet."""
    return F.linear(_attend(*(F.linear(x, w) for w in (w_q, w_k, w_v))), w_o)


def _scaled_by_the_whole_width(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    """The dot products run over D numbers, so divide by the root of D, the width of a
    head, not by that of C."""
    q, k, v = (split_heads(F.linear(x, w), heads) for w in (w_q, w_k, w_v))
    return F.linear(merge_heads(_attend(q, k, v, root=x.shape[-1])), w_o)


def _split_without_transposing(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    """The heads are cut by reshape alone, so each one holds pieces of several tokens,
    and the future leaks. Make (B, T, H, D), then transpose(1, 2)."""
    q, k, v = (
        _reshaped_without_transposing(F.linear(x, w), heads) for w in (w_q, w_k, w_v)
    )
    return F.linear(merge_heads(_attend(q, k, v)), w_o)


def _merge_without_transposing(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    """The heads are joined by reshape alone, so each row mixes several tokens, and the
    future leaks. Exchange H and T back, then flatten."""
    q, k, v = (split_heads(F.linear(x, w), heads) for w in (w_q, w_k, w_v))
    return F.linear(_merged_without_transposing(_attend(q, k, v)), w_o)


def _weights_from_the_wrong_side(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    """F.linear(x, w) is x @ w.T: the weights are stored as (out, in)."""
    return multi_head(x, w_q.T, w_k.T, w_v.T, w_o.T, heads)


def _key_and_value_weights_swapped(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    """Keys come from w_k and are compared, values come from w_v and are averaged."""
    return multi_head(x, w_q, w_v, w_k, w_o, heads)


def _no_mask(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    """Nothing hides the future: set the scores with s > t to minus infinity."""
    q, k, v = (split_heads(F.linear(x, w), heads) for w in (w_q, w_k, w_v))
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    return F.linear(merge_heads(scores.softmax(-1) @ v), w_o)


def _dropout_left_on(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, w_o: Tensor, heads: int
) -> Tensor:
    """Two calls with one input give two answers. mini-gpt-rust samples so during its
    training. Pass training=False, or call model.eval()."""
    return F.dropout(multi_head(x, w_q, w_k, w_v, w_o, heads), 0.1)


def _multi_head_cases(draw: Draw) -> list[Inputs]:
    weights = ("w_q", "w_k", "w_v", "w_o")
    sizes = ((1, 3, 4, 2), (2, 4, 8, 4), (2, 5, 6, 3), (1, 4, 8, 2))  # D = 2, 2, 2, 4
    cases = [
        {"x": draw(B, T, C), **{name: draw(C, C) for name in weights}, "heads": heads}
        for B, T, C, heads in sizes
    ]
    # Scores far below -10000, and growing: any smaller number in the mask would win.
    large = {"x": (4 - torch.arange(3.0))[:, None].expand(1, 3, 4).clone()}
    large |= {"w_q": 100 * torch.eye(4), "w_k": -100 * torch.eye(4)}
    large |= {"w_v": draw(4, 4), "w_o": draw(4, 4)}
    return [*cases, {**large, "heads": 2}]


def grouped(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal heads that share: q is (B, H, T, D), k and v are (B, K, T, D), and each
    key/value head serves H / K neighbouring query heads."""
    times = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(times, dim=1) for x in (k, v))
    return _attend(q, k, v)  # (B, H, T, D)


def _tiled_instead_of_interleaved(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """repeat() gives a b a b. Neighbouring query heads share a key head, a a b b:
    repeat_interleave."""
    times = q.shape[1] // k.shape[1]
    return _attend(q, k.repeat(1, times, 1, 1), v.repeat(1, times, 1, 1))


def _first_key_head_for_all(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """All query heads use the first key/value head: the others are never read."""
    return _attend(q, k[:, :1], v[:, :1])


def _mean_of_the_key_heads(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The key/value heads are averaged into one: each keeps its own group of
    queries."""
    return _attend(q, k.mean(1, keepdim=True), v.mean(1, keepdim=True))


def _values_not_grouped_alike(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Keys are interleaved, values are tiled: repeat both with repeat_interleave."""
    times = q.shape[1] // k.shape[1]
    return _attend(q, k.repeat_interleave(times, dim=1), v.repeat(1, times, 1, 1))


def _future_seen(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Nothing hides the future: sharing keys changes nothing about the mask."""
    times = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(times, dim=1) for x in (k, v))
    return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1) @ v


def _grouped_cases(draw: Draw) -> list[Inputs]:
    sizes = ((1, 4, 2, 3, 2), (2, 6, 3, 4, 4), (1, 6, 2, 5, 2), (2, 4, 1, 3, 3))
    cases = [
        {"q": draw(B, H, T, D), "k": draw(B, K, T, D), "v": draw(B, K, T, D)}
        for B, H, K, T, D in (*sizes, (1, 2, 2, 4, 3))
    ]
    far = (20 * torch.arange(3.0) - 60)[:, None].expand(1, 2, 3, 4).clone()
    large = {"q": torch.full((1, 4, 3, 4), 300.0), "k": far, "v": draw(1, 2, 3, 4)}
    return [*cases, large]


CHECKS = (
    Check(
        "attention.split_heads",
        split_heads,
        _split_cases,
        (
            wrong(_reshaped_without_transposing),
            wrong(_heads_take_every_hth_number),
            wrong(_heads_behind_the_tokens),
            wrong(_width_before_tokens),
        ),
    ),
    Check(
        "attention.merge_heads",
        merge_heads,
        _merge_cases,
        (
            wrong(_merged_without_transposing),
            wrong(_heads_interleaved),
            wrong(_heads_added),
            wrong(_heads_averaged),
        ),
    ),
    Check(
        "attention.multi_head",
        multi_head,
        _multi_head_cases,
        (
            wrong(_output_projection_missing),
            wrong(_one_head_and_no_output_projection),
            wrong(_one_head_as_wide_as_the_model),
            wrong(_scaled_by_the_whole_width),
            wrong(_split_without_transposing),
            wrong(_merge_without_transposing),
            wrong(_weights_from_the_wrong_side),
            wrong(_key_and_value_weights_swapped),
            wrong(_no_mask),
            wrong(_dropout_left_on, random=True),
        ),
    ),
    Check(
        "attention.grouped",
        grouped,
        _grouped_cases,
        (
            wrong(_tiled_instead_of_interleaved),
            wrong(_first_key_head_for_all),
            wrong(_mean_of_the_key_heads),
            wrong(_values_not_grouped_alike),
            wrong(_future_seen),
        ),
    ),
)

"""Checks that end in a number: bytes of a cache, operations of a layer, distances.

Counting rule of the book: a multiplication and an addition are two operations.

    find("attention.cache_bytes").variants
"""

from __future__ import annotations

import torch
from torch import Tensor

from .record import Check, Draw, Inputs, wrong

__all__ = ["CHECKS", "cache_bytes", "flops", "mean_distance"]


def cache_bytes(
    tokens: int,
    layers: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    number_bytes: int,
) -> int:
    """The bytes that the keys and values of one text take in a cache, when a number
    takes number_bytes."""
    return 2 * tokens * layers * kv_heads * head_dim * number_bytes


def _keys_without_values(
    tokens: int,
    layers: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    number_bytes: int,
) -> int:
    """Keys and values are kept, two tensors per layer: twice as much."""
    return tokens * layers * kv_heads * head_dim * number_bytes


def _counted_by_query_heads(
    tokens: int,
    layers: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    number_bytes: int,
) -> int:
    """Only key/value heads are kept. To store them repeated for every query head, as
    nanoGPT-moderno's first cache would have, gives the saving away."""
    return 2 * tokens * layers * heads * head_dim * number_bytes


def _one_layer_only(
    tokens: int,
    layers: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    number_bytes: int,
) -> int:
    """Every layer has keys and values of its own: multiply by the layers."""
    return 2 * tokens * kv_heads * head_dim * number_bytes


def _numbers_instead_of_bytes(
    tokens: int,
    layers: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    number_bytes: int,
) -> int:
    """These are numbers: multiply by the bytes that one of them takes."""
    return 2 * tokens * layers * kv_heads * head_dim


def _bits_instead_of_bytes(
    tokens: int,
    layers: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    number_bytes: int,
) -> int:
    """These are bits, eight times as many as bytes."""
    return 16 * tokens * layers * kv_heads * head_dim * number_bytes


def _grows_with_the_square(
    tokens: int,
    layers: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    number_bytes: int,
) -> int:
    """The table of weights is (T, T), but it is not kept: a cache grows by the same for
    every token."""
    return 2 * tokens**2 * layers * kv_heads * head_dim * number_bytes


def _cache_cases(draw: Draw) -> list[Inputs]:
    names = ("tokens", "layers", "heads", "kv_heads", "head_dim", "number_bytes")
    sizes = ((3, 2, 4, 2, 8, 4), (256, 5, 4, 2, 32, 2), (1000, 12, 12, 3, 64, 1))
    return [dict(zip(names, size, strict=True)) for size in sizes]


def flops(tokens: int, width: int, heads: int) -> int:
    """Floating-point operations of the matrix products of one attention layer over T
    tokens: the four projections, the scores and the weighted values, mask ignored."""
    T, C = tokens, width
    return 8 * T * C * C + 4 * T * T * C


def _multiplications_only(tokens: int, width: int, heads: int) -> int:
    """Each multiplication comes with an addition: two operations."""
    return flops(tokens, width, heads) // 2


def _output_projection_forgotten(tokens: int, width: int, heads: int) -> int:
    """Four projections are C by C: query, key, value and output."""
    return 6 * tokens * width**2 + 4 * tokens**2 * width


def _projections_only(tokens: int, width: int, heads: int) -> int:
    """The tokens meet too: the scores and the weighted values take 2 T T C each."""
    return 8 * tokens * width**2


def _one_product_of_two(tokens: int, width: int, heads: int) -> int:
    """There are two products over all pairs of tokens: q with k, and the weights with
    v. (Half of each could be saved under the mask; a plain product does not.)"""
    return 8 * tokens * width**2 + 2 * tokens**2 * width


def _times_the_heads(tokens: int, width: int, heads: int) -> int:
    """More heads are narrower heads: H of them, D = C / H wide, cost what one of C
    costs."""
    return 8 * tokens * width**2 + 4 * tokens**2 * width * heads


def _each_head_as_narrow(tokens: int, width: int, heads: int) -> int:
    """That is one head: all H of them, D wide, make up C again."""
    return 8 * tokens * width**2 + 4 * tokens**2 * width // heads


def _flops_cases(draw: Draw) -> list[Inputs]:
    sizes = ((3, 4, 2), (64, 128, 4), (1024, 768, 12))
    return [{"tokens": T, "width": C, "heads": H} for T, C, H in sizes]


def mean_distance(pattern: Tensor) -> Tensor:
    """How far back each head looks on average: for a causal pattern (H, T, T), the mean
    over the rows t of the sum over s of pattern[t, s] (t - s). One number per head."""
    place = torch.arange(pattern.shape[-1])
    back = place[:, None] - place  # (T, T), t - s
    return (pattern * back).sum(-1).mean(-1)  # (H,)


def _counted_forwards(pattern: Tensor) -> Tensor:
    """The distance is t - s, positive for what came before: rows minus columns."""
    return -mean_distance(pattern)


def _place_instead_of_distance(pattern: Tensor) -> Tensor:
    """s alone says where a head looks; how far back that is, t - s, depends on the
    row."""
    return (pattern * torch.arange(pattern.shape[-1])).sum(-1).mean(-1)


def _mean_over_the_keys(pattern: Tensor) -> Tensor:
    """The weights of a row sum to 1 already: sum over the keys, then mean over rows."""
    return mean_distance(pattern) / pattern.shape[-1]


def _sum_over_the_rows(pattern: Tensor) -> Tensor:
    """Take the mean over the rows, so that long texts do not count as far looks."""
    return mean_distance(pattern) * pattern.shape[-1]


def _all_heads_in_one(pattern: Tensor) -> Tensor:
    """One number per head is asked for: keep the first axis."""
    return mean_distance(pattern).mean()


def _only_the_favourite(pattern: Tensor) -> Tensor:
    """Every key counts with its weight: argmax sees one of them only."""
    T = pattern.shape[-1]
    return (torch.arange(T) - pattern.argmax(-1)).float().mean(-1)


def _distance_cases(draw: Draw) -> list[Inputs]:
    cases = []
    for shape in ((2, 3, 3), (3, 5, 5), (1, 6, 6)):
        weights = (draw(*shape).abs() + 0.1).tril()
        cases.append({"pattern": weights / weights.sum(-1, keepdim=True)})
    return cases


CHECKS = (
    Check(
        "attention.cache_bytes",
        cache_bytes,
        _cache_cases,
        (
            wrong(_keys_without_values),
            wrong(_counted_by_query_heads),
            wrong(_one_layer_only),
            wrong(_numbers_instead_of_bytes),
            wrong(_bits_instead_of_bytes),
            wrong(_grows_with_the_square),
        ),
    ),
    Check(
        "attention.flops",
        flops,
        _flops_cases,
        (
            wrong(_multiplications_only),
            wrong(_output_projection_forgotten),
            wrong(_projections_only),
            wrong(_one_product_of_two),
            wrong(_times_the_heads),
            wrong(_each_head_as_narrow),
        ),
    ),
    Check(
        "attention.mean_distance",
        mean_distance,
        _distance_cases,
        (
            wrong(_counted_forwards),
            wrong(_place_instead_of_distance),
            wrong(_mean_over_the_keys),
            wrong(_sum_over_the_rows),
            wrong(_all_heads_in_one),
            wrong(_only_the_favourite),
        ),
    ),
)

"""Checks for the first steps: averaging the past, softmax, scores.

References and known mistakes, each a few lines. Shapes: T queries, S keys, C or D wide.

    find("attention.softmax").variants
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .record import Check, Draw, Inputs, wrong

__all__ = ["CHECKS", "running_mean", "scores", "softmax", "weighted_mean"]


def running_mean(x: Tensor) -> Tensor:
    """Row t is the mean of the rows 0 to t of x (T, C)."""
    counts = torch.arange(1, len(x) + 1)[:, None]  # (T, 1)
    return x.cumsum(0) / counts  # (T, C)


def _mean_of_everything(x: Tensor) -> Tensor:
    """Row t may use the rows 0 to t only: the mean must stop there, x[: t + 1]."""
    return x.mean(0).expand_as(x)


def _sum_instead_of_mean(x: Tensor) -> Tensor:
    """Divide row t by the t + 1 rows that went into it."""
    return x.cumsum(0)


def _leaves_itself_out(x: Tensor) -> Tensor:
    """Row t counts too: x[: t + 1], not x[:t], which is empty for the first row."""
    before = x.cumsum(0) - x
    return before / torch.arange(len(x))[:, None]


def _divided_by_the_length(x: Tensor) -> Tensor:
    """The number of rows so far is t + 1, not the length T of the whole text."""
    return x.cumsum(0) / len(x)


def _divided_by_t(x: Tensor) -> Tensor:
    """Counting begins at 0, so there are t + 1 rows from 0 to t, not t."""
    return x.cumsum(0) / torch.arange(len(x))[:, None]


def _averages_the_future(x: Tensor) -> Tensor:
    """The triangle is upside down: row t must average what came before it."""
    counts = torch.arange(len(x), 0, -1)[:, None]
    return x.flip(0).cumsum(0).flip(0) / counts


def _averages_the_features(x: Tensor) -> Tensor:
    """The mean runs along the wrong axis: tokens are axis 0, features are axis 1."""
    return x.cumsum(1) / torch.arange(1, x.shape[1] + 1)


def _running_mean_cases(draw: Draw) -> list[Inputs]:
    return [{"x": draw(*shape)} for shape in ((3, 2), (5, 4), (1, 3), (6, 6))]


def weighted_mean(x: Tensor, weights: Tensor) -> Tensor:
    """Row t is the mean of the rows of x (S, C) with the weights[t] (T, S), all
    positive and not yet summing to 1."""
    return (weights / weights.sum(-1, keepdim=True)) @ x  # (T, C)


def _not_divided_by_the_sum(x: Tensor, weights: Tensor) -> Tensor:
    """A mean needs weights that sum to 1: divide each row of weights by its sum."""
    return weights @ x


def _columns_sum_to_one(x: Tensor, weights: Tensor) -> Tensor:
    """The rows must sum to 1, not the columns: sum over the last axis, keepdim=True."""
    return (weights / weights.sum(0, keepdim=True)) @ x


def _everything_sums_to_one(x: Tensor, weights: Tensor) -> Tensor:
    """Each row of weights is a mean of its own: sum over the last axis only."""
    return weights / weights.sum() @ x


def _divided_by_the_count(x: Tensor, weights: Tensor) -> Tensor:
    """Divide by the sum of the weights, not by how many there are."""
    return weights @ x / weights.shape[1]


def _softmax_of_the_weights(x: Tensor, weights: Tensor) -> Tensor:
    """The weights are positive already: dividing by their sum is enough, no exp."""
    return weights.softmax(-1) @ x


def _weights_transposed(x: Tensor, weights: Tensor) -> Tensor:
    """Row t of the weights belongs to row t of the answer: weights @ x, as they are."""
    return (weights / weights.sum(-1, keepdim=True)).T @ x


def _row_sum(x: Tensor, weights: Tensor) -> str:
    return f"your row 0 uses weights that sum to {weights[0].sum():.2f}, not 1"


def _weighted_mean_cases(draw: Draw) -> list[Inputs]:
    sizes = ((3, 3, 2), (4, 4, 5), (2, 5, 3))
    return [{"x": draw(S, C), "weights": draw(T, S).abs() + 0.1} for T, S, C in sizes]


def softmax(scores: Tensor) -> Tensor:
    """Along the last axis: exp of each score divided by the sum of them all, for scores
    of any size, also 1000."""
    e = (scores - scores.amax(-1, keepdim=True)).exp()
    return e / e.sum(-1, keepdim=True)


def _without_subtracting_the_maximum(scores: Tensor) -> Tensor:
    """exp(1000) is more than a float can hold. Subtract the row's maximum first: the
    quotient stays the same."""
    return scores.exp() / scores.exp().sum(-1, keepdim=True)


def _overflow(scores: Tensor) -> str:
    return (
        f"the largest score is {scores.max():.0f}, its exp overflows, inf / inf is NaN"
    )


def _one_maximum_for_all_rows(scores: Tensor) -> Tensor:
    """Subtract each row's own maximum, amax(-1, keepdim=True): after subtracting that
    of another row, a whole row can become exp(-2000) = 0, and 0 / 0 is NaN."""
    e = (scores - scores.max()).exp()
    return e / e.sum(-1, keepdim=True)


def _over_the_first_axis(scores: Tensor) -> Tensor:
    """The last axis must sum to 1: one row per query, so dim=-1."""
    return scores.softmax(0)


def _over_everything(scores: Tensor) -> Tensor:
    """Each row is a distribution of its own: sum over the last axis, keepdim=True."""
    return scores.flatten().softmax(0).view_as(scores)


def _divided_without_exp(scores: Tensor) -> Tensor:
    """Scores can be negative, so they cannot be weights: take exp before you divide."""
    return scores / scores.sum(-1, keepdim=True)


def _never_divided(scores: Tensor) -> Tensor:
    """The exponentials are not probabilities yet: divide each row by its sum."""
    return (scores - scores.amax(-1, keepdim=True)).exp()


def _two_instead_of_e(scores: Tensor) -> Tensor:
    """The base is e, torch.exp, not 2."""
    return (scores * math.log(2)).softmax(-1)


def _last_row_sum(scores: Tensor) -> str:
    got = _over_the_first_axis(scores).sum(-1).flatten()[0]
    return f"the first row of your answer sums to {got:.2f}, not 1"


def _softmax_cases(draw: Draw) -> list[Inputs]:
    apart = torch.tensor([[1000.0, 999.0, 998.0], [-1000.0, -1001.0, -999.0]])
    plain = [{"scores": draw(*shape)} for shape in ((2, 3), (4,), (3, 5), (2, 3, 4))]
    # Whatever else is subtracted, the maximum of one of these rows stays too large.
    wide = torch.tensor([[1000.0, 0.0, -1000.0], [-1000.0, 0.0, 1000.0]])
    return [*plain, {"scores": apart}, {"scores": wide}]


def scores(q: Tensor, k: Tensor) -> Tensor:
    """How well each query of q (..., T, D) fits each key of k (..., S, D): the dot
    products divided by the square root of D."""
    return q @ k.mT / math.sqrt(q.shape[-1])  # (..., T, S)


def _not_scaled(q: Tensor, k: Tensor) -> Tensor:
    """Divide by the square root of D: else the scores grow with the width of a head and
    the softmax saturates."""
    return q @ k.mT


def _divided_by_d(q: Tensor, k: Tensor) -> Tensor:
    """Divide by the square root of D, not by D: it is the spread of a dot product that
    grows, and a spread grows with the root."""
    return q @ k.mT / q.shape[-1]


def _multiplied_by_the_root(q: Tensor, k: Tensor) -> Tensor:
    """Divide by the square root of D: multiplying makes large scores larger."""
    return q @ k.mT * math.sqrt(q.shape[-1])


def _root_of_the_number_of_keys(q: Tensor, k: Tensor) -> Tensor:
    """The root is that of D, the last axis of q, not of how many keys there are."""
    return q @ k.mT / math.sqrt(k.shape[-2])


def _keys_ask_queries_answer(q: Tensor, k: Tensor) -> Tensor:
    """One row per query, one column per key: q @ k.mT, not k @ q.mT."""
    return k @ q.mT / math.sqrt(q.shape[-1])


def _softmax_already_applied(q: Tensor, k: Tensor) -> Tensor:
    """Scores come before the softmax: return the scaled dot products."""
    return scores(q, k).softmax(-1)


def _scores_cases(draw: Draw) -> list[Inputs]:
    sizes = (((), 3, 3, 2), ((), 4, 6, 8), ((2,), 5, 3, 5), ((2, 3), 4, 4, 6))
    return [{"q": draw(*lead, T, D), "k": draw(*lead, S, D)} for lead, T, S, D in sizes]


CHECKS = (
    Check(
        "attention.running_mean",
        running_mean,
        _running_mean_cases,
        (
            wrong(_mean_of_everything),
            wrong(_sum_instead_of_mean),
            wrong(_leaves_itself_out),
            wrong(_divided_by_the_length),
            wrong(_divided_by_t),
            wrong(_averages_the_future),
            wrong(_averages_the_features),
        ),
    ),
    Check(
        "attention.weighted_mean",
        weighted_mean,
        _weighted_mean_cases,
        (
            wrong(_not_divided_by_the_sum, _row_sum),
            wrong(_columns_sum_to_one),
            wrong(_everything_sums_to_one),
            wrong(_divided_by_the_count),
            wrong(_softmax_of_the_weights),
            wrong(_weights_transposed),
        ),
    ),
    Check(
        "attention.softmax",
        softmax,
        _softmax_cases,
        (
            wrong(_without_subtracting_the_maximum, _overflow),
            wrong(_one_maximum_for_all_rows),
            wrong(_over_the_first_axis, _last_row_sum),
            wrong(_over_everything),
            wrong(_divided_without_exp),
            wrong(_never_divided),
            wrong(_two_instead_of_e),
        ),
    ),
    Check(
        "attention.scores",
        scores,
        _scores_cases,
        (
            wrong(_not_scaled),
            wrong(_divided_by_d),
            wrong(_multiplied_by_the_root),
            wrong(_root_of_the_number_of_keys),
            wrong(_keys_ask_queries_answer),
            wrong(_softmax_already_applied),
        ),
    ),
)

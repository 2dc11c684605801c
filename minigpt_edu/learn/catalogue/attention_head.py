"""Checks for one causal head: the mask, and attention from q, k and v.

The known mistakes are from real programs; where one is from a published project, its
advice says what it did there. Shapes: T queries and keys, D wide, any axes in front.

    find("attention.causal").variants
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .record import Check, Draw, Inputs, wrong

__all__ = ["CHECKS", "causal", "causal_mask"]


def causal_mask(tokens: int) -> Tensor:
    """A table of truth values (T, T): True where row t may look at column s, s <= t."""
    return torch.ones(tokens, tokens, dtype=torch.bool).tril()


def _transposed(tokens: int) -> Tensor:
    """Rows are queries, columns are keys. The True values belong below the diagonal:
    tril, not triu."""
    return torch.ones(tokens, tokens, dtype=torch.bool).triu()


def _cannot_see_itself(tokens: int) -> Tensor:
    """The diagonal belongs to the past: a token may look at itself, s <= t. Without it,
    the first token has nothing to look at."""
    return torch.ones(tokens, tokens, dtype=torch.bool).tril(-1)


def _sees_the_next_token(tokens: int) -> Tensor:
    """One diagonal too many: with s <= t + 1 a token sees the one it should predict."""
    return torch.ones(tokens, tokens, dtype=torch.bool).tril(1)


def _true_where_hidden(tokens: int) -> Tensor:
    """True must mean "may look", as in torch's own attention: turn it round with ~."""
    return ~causal_mask(tokens)


def _hides_nothing(tokens: int) -> Tensor:
    """Everything is True: cut the upper triangle away with tril()."""
    return torch.ones(tokens, tokens, dtype=torch.bool)


def _zero_and_minus_infinity(tokens: int) -> Tensor:
    """This mask is to be added to the scores. It works there, but here truth values are
    asked for: True where a row may look."""
    return torch.zeros(tokens, tokens).masked_fill(~causal_mask(tokens), -math.inf)


def _mask_cases(draw: Draw) -> list[Inputs]:
    return [{"tokens": tokens} for tokens in (2, 1, 3, 6)]


def _scores(q: Tensor, k: Tensor) -> Tensor:
    return q @ k.mT / math.sqrt(q.shape[-1])  # (..., T, T)


def _hide(scores: Tensor, allowed: Tensor, fill: float = -math.inf) -> Tensor:
    return scores.masked_fill(~allowed, fill)


def causal(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """One head: row t is the mean of the rows 0 to t of v (..., T, D), weighted by the
    softmax of the scaled scores of q and k."""
    scores = _hide(_scores(q, k), causal_mask(q.shape[-2]))
    return scores.softmax(-1) @ v  # (..., T, D)


def _mask_after_the_softmax(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Put minus infinity into the scores before the softmax; then the weights of the
    past share out the whole 1."""
    return _scores(q, k).softmax(-1).tril() @ v


def _mask_transposed(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The mask is upside down: keep the lower triangle, tril, not triu."""
    scores = _hide(_scores(q, k), causal_mask(q.shape[-2]).T)
    return scores.softmax(-1) @ v


def _mask_lets_the_next_token_through(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Row t may look at s <= t. Your mask has one diagonal too many, s <= t + 1."""
    scores = _hide(_scores(q, k), _sees_the_next_token(q.shape[-2]))
    return scores.softmax(-1) @ v


def _mask_hides_the_token_itself(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Row t may look at itself, s <= t. Without the diagonal, row 0 has no score left,
    and a softmax of nothing is NaN."""
    scores = _hide(_scores(q, k), _cannot_see_itself(q.shape[-2]))
    return scores.softmax(-1) @ v


def _no_mask(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Nothing hides the future: set the scores with s > t to minus infinity."""
    return _scores(q, k).softmax(-1) @ v


def _zero_instead_of_minus_infinity(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """exp(0) is 1, so a hidden score of 0 still gets weight. Only minus infinity gets
    none: multiplying the scores by the mask is not enough."""
    scores = _hide(_scores(q, k), causal_mask(q.shape[-2]), 0.0)
    return scores.softmax(-1) @ v


def _minus_ten_thousand_instead_of_infinity(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """-1e4 hides the future only while all real scores are far above it. mini-gpt-rust
    does this. Use -math.inf, which no score can undercut."""
    scores = _hide(_scores(q, k), causal_mask(q.shape[-2]), -1e4)
    return scores.softmax(-1) @ v


def _not_scaled(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Divide the scores by the square root of D before the softmax."""
    return _hide(q @ k.mT, causal_mask(q.shape[-2])).softmax(-1) @ v


def _divided_by_d(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Divide the scores by the square root of D, not by D."""
    return _hide(q @ k.mT / q.shape[-1], causal_mask(q.shape[-2])).softmax(-1) @ v


def _multiplied_by_the_root(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Divide the scores by the square root of D: yours are multiplied by it."""
    scores = q @ k.mT * math.sqrt(q.shape[-1])
    return _hide(scores, causal_mask(q.shape[-2])).softmax(-1) @ v


def _softmax_over_the_queries(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Each row must sum to 1, so the softmax runs over the keys, the last axis: dim=-1.
    Yours makes the columns sum to 1."""
    scores = _hide(_scores(q, k), causal_mask(q.shape[-2]))
    return scores.softmax(-2) @ v


def _keys_and_values_swapped(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Keys are compared, values are averaged: softmax(q @ k.mT) @ v."""
    return causal(q, v, k)


def _queries_and_keys_swapped(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Rows are queries, columns are keys: q @ k.mT, not k @ q.mT."""
    return causal(k, q, v)


def _no_softmax(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Scores are not weights: they are negative at times and do not sum to 1. Take the
    softmax of each row first."""
    return _scores(q, k).tril() @ v


def _no_maximum_subtracted(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """exp overflows or vanishes for large scores: subtract each row's maximum first, or
    use torch.softmax, which does."""
    e = _hide(_scores(q, k), causal_mask(q.shape[-2])).exp()
    return e / e.sum(-1, keepdim=True) @ v


def _old_values_not_shrunk(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """One key at a time, both sums must shrink by exp(old - new) when the maximum of a
    row grows: the sum of the powers and the weighted sum z of the values."""
    scores = _hide(_scores(q, k), causal_mask(q.shape[-2]))
    total = (scores - scores.amax(-1, keepdim=True)).exp().sum(-1, keepdim=True)
    return (scores - scores.cummax(-1).values).exp() @ v / total


def _looks_only_at_itself(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Your answer is v itself: each token looks at itself alone. nanoGPT-moderno wrote
    so when its cache never stored a key. Does the loop run over all keys?"""
    return v.clone()


def _weights_are_all_equal(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """This is the plain mean of the past: q and k have no say in it."""
    T = q.shape[-2]
    return v.cumsum(-2) / torch.arange(1, T + 1)[:, None]


def _dropout_left_on(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Two calls with one input give two answers. Dropout is for training only: pass
    training=False, or call model.eval()."""
    scores = _hide(_scores(q, k), causal_mask(q.shape[-2]))
    return F.dropout(scores.softmax(-1), 0.1) @ v


def _row_sums(q: Tensor, k: Tensor, v: Tensor) -> str:
    sums = _scores(q, k).softmax(-1).tril().sum(-1).flatten()
    return f"row 0 of your weights sums to {sums[0]:.2f}, not 1"


def _column_sums(q: Tensor, k: Tensor, v: Tensor) -> str:
    weights = _hide(_scores(q, k), causal_mask(q.shape[-2])).softmax(-2)
    return f"row 0 of your weights sums to {weights.sum(-1).flatten()[0]:.2f}, not 1"


def _future_weight(q: Tensor, k: Tensor, v: Tensor) -> str:
    weight = 1 - _scores(q, k).softmax(-1).flatten()[0]
    return f"row 0 gives {weight:.0%} of its weight to tokens that come later"


def _far_below(q: Tensor, k: Tensor, v: Tensor) -> str:
    own = _scores(q, k).flatten()[0]
    return f"row 0 has the score {own:.0f} with itself, and -10000 for the future wins"


def _causal_cases(draw: Draw) -> list[Inputs]:
    shapes = ((3, 2), (1, 4), (5, 4), (2, 6, 3), (2, 2, 4, 8))
    plain = [{name: draw(*shape) for name in "qkv"} for shape in shapes]
    # Scores far below -10000: -36000 for the first key, 1800 less for each one after.
    fall = 60 + 3 * torch.arange(3.0)[:, None].expand(3, 4)
    # Growing from -36000 by 12000 a key, then rows of quite different size as well:
    # the maximum of each row, up to its diagonal, is the only one that helps.
    rise = 20 * torch.arange(3.0)[:, None].expand(3, 4) - 60
    sizes = torch.tensor([[300.0], [1.0], [-300.0]]).expand(3, 4).clone()
    high = torch.full((3, 4), 300.0)
    large = ((high, -fall), (high, rise), (sizes, rise))
    return [*plain, *({"q": q, "k": k, "v": draw(3, 4)} for q, k in large)]


CHECKS = (
    Check(
        "attention.causal_mask",
        causal_mask,
        _mask_cases,
        (
            wrong(_transposed),
            wrong(_cannot_see_itself),
            wrong(_sees_the_next_token),
            wrong(_true_where_hidden),
            wrong(_hides_nothing),
            wrong(_zero_and_minus_infinity),
        ),
    ),
    Check(
        "attention.causal",
        causal,
        _causal_cases,
        (
            wrong(_mask_after_the_softmax, _row_sums),
            wrong(_mask_transposed),
            wrong(_mask_lets_the_next_token_through),
            wrong(_mask_hides_the_token_itself),
            wrong(_no_mask, _future_weight),
            wrong(_zero_instead_of_minus_infinity),
            wrong(_minus_ten_thousand_instead_of_infinity, _far_below),
            wrong(_not_scaled),
            wrong(_divided_by_d),
            wrong(_multiplied_by_the_root),
            wrong(_softmax_over_the_queries, _column_sums),
            wrong(_keys_and_values_swapped),
            wrong(_queries_and_keys_swapped),
            wrong(_no_softmax),
            wrong(_no_maximum_subtracted),
            wrong(_old_values_not_shrunk),
            wrong(_looks_only_at_itself),
            wrong(_weights_are_all_equal),
            wrong(_dropout_left_on, random=True),
        ),
    ),
)

"""The check for the backward pass of one head.

It is the only check with three answers. Shapes: T queries and keys, D wide.

    find("attention.backward").variants
"""

from __future__ import annotations

import math

from torch import Tensor

from .attention_head import causal_mask
from .record import Check, Draw, Inputs, wrong

__all__ = ["CHECKS", "backward"]

Gradients = tuple[Tensor, Tensor, Tensor]


def _weights(q: Tensor, k: Tensor, *, masked: bool = True) -> Tensor:
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if masked:
        scores = scores.masked_fill(~causal_mask(len(q)), -math.inf)
    return scores.softmax(-1)  # (T, T)


def _through_the_softmax(A: Tensor, dA: Tensor) -> Tensor:
    return A * (dA - (A * dA).sum(-1, keepdim=True))  # (T, T)


def backward(q: Tensor, k: Tensor, v: Tensor, dz: Tensor) -> Gradients:
    """From dz, how the loss changes with each number of z = causal(q, k, v), the same
    for q, k and v: the three (T, D) gradients."""
    A, root = _weights(q, k), math.sqrt(q.shape[-1])
    dscores = _through_the_softmax(A, dz @ v.mT)
    return dscores @ k / root, dscores.mT @ q / root, A.mT @ dz


def _keys_learn_from_their_own_position_only(
    q: Tensor, k: Tensor, v: Tensor, dz: Tensor
) -> Gradients:
    """A key and a value are read by every later query, and each of them sends a
    gradient back: sum over all t >= s. randyGPT 0.6 keeps t = s alone and calls it
    correct."""
    A, root = _weights(q, k), math.sqrt(q.shape[-1])
    dscores = _through_the_softmax(A, dz @ v.mT)
    own, mine = dscores.diagonal()[:, None], A.diagonal()[:, None]
    return dscores @ k / root, own * q / root, mine * dz


def _softmax_forgotten_on_the_way_back(
    q: Tensor, k: Tensor, v: Tensor, dz: Tensor
) -> Gradients:
    """The gradient passes through the softmax as well: A * (dA - sum of A * dA)."""
    A, root = _weights(q, k), math.sqrt(q.shape[-1])
    dscores = dz @ v.mT
    return dscores.tril() @ k / root, dscores.tril().mT @ q / root, A.mT @ dz


def _only_half_of_the_softmax(q: Tensor, k: Tensor, v: Tensor, dz: Tensor) -> Gradients:
    """Raising one weight lowers the others in its row: subtract the row's sum of A * dA
    from dA before you multiply by A."""
    A, root = _weights(q, k), math.sqrt(q.shape[-1])
    dscores = A * (dz @ v.mT)
    return dscores @ k / root, dscores.mT @ q / root, A.mT @ dz


def _root_forgotten_on_the_way_back(
    q: Tensor, k: Tensor, v: Tensor, dz: Tensor
) -> Gradients:
    """The scores were divided by the square root of D, so are their gradients."""
    A = _weights(q, k)
    dscores = _through_the_softmax(A, dz @ v.mT)
    return dscores @ k, dscores.mT @ q, A.mT @ dz


def _mask_forgotten_on_the_way_back(
    q: Tensor, k: Tensor, v: Tensor, dz: Tensor
) -> Gradients:
    """Use the weights of the forward pass, mask and all, on the way back too."""
    A, root = _weights(q, k, masked=False), math.sqrt(q.shape[-1])
    dscores = _through_the_softmax(A, dz @ v.mT)
    return dscores @ k / root, dscores.mT @ q / root, A.mT @ dz


def _not_transposed(q: Tensor, k: Tensor, v: Tensor, dz: Tensor) -> Gradients:
    """A gradient flows from queries back to keys: A.mT @ dz, and likewise for k."""
    A, root = _weights(q, k), math.sqrt(q.shape[-1])
    dscores = _through_the_softmax(A, dz @ v.mT)
    return dscores @ k / root, dscores @ q / root, A @ dz


def _missing_share(q: Tensor, k: Tensor, v: Tensor, dz: Tensor) -> str:
    right = backward(q, k, v, dz)[2]
    yours = _keys_learn_from_their_own_position_only(q, k, v, dz)[2]
    share = (right - yours).norm() / right.norm()
    return f"your gradient of v is off by {share:.0%} of its length"


def _cases(draw: Draw) -> list[Inputs]:
    names = ("q", "k", "v", "dz")
    return [{n: draw(*shape) for n in names} for shape in ((3, 2), (5, 4), (8, 3))]


CHECKS = (
    Check(
        "attention.backward",
        backward,
        _cases,
        (
            wrong(_keys_learn_from_their_own_position_only, _missing_share),
            wrong(_softmax_forgotten_on_the_way_back),
            wrong(_only_half_of_the_softmax),
            wrong(_root_forgotten_on_the_way_back),
            wrong(_mask_forgotten_on_the_way_back),
            wrong(_not_transposed),
        ),
    ),
)

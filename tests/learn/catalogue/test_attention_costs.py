"""Counted costs against the cache, torch's counter, and a loop."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from minigpt_edu.learn import check
from minigpt_edu.learn.catalogue.attention_costs import cache_bytes
from minigpt_edu.model import GPTConfig, KVCache
from minigpt_edu.model.attention import Attention, Context


def test_the_bytes_are_those_of_the_packages_cache() -> None:
    config = GPTConfig.modern(
        vocab_size=9, block_size=20, n_layer=3, n_head=4, n_kv_head=2, n_embd=32
    )
    cache = KVCache(config)
    tensors = [x for x in vars(cache).values() if isinstance(x, Tensor)]
    lists = [x for x in vars(cache).values() if isinstance(x, list)]
    tensors += [x for part in lists for x in part if isinstance(x, Tensor)]
    held = sum(x.nbytes for x in tensors if x.is_floating_point())
    assert held == cache_bytes(20, 3, 4, 2, 8, 4)


def counted(tokens: int, width: int, heads: int) -> int:
    config = GPTConfig(vocab_size=1, n_embd=width, n_head=heads)
    with torch.device("meta"), torch.no_grad():
        layer, x = Attention(config, 0), torch.zeros(1, tokens, width)
        layer._listener = Everything()  # type: ignore[assignment]
        with FlopCounterMode(display=False) as counter:
            layer(x, Context(None, None, True, None, None))
    return counter.get_total_flops()


class Everything:
    """Somebody who wants to see the pattern, so that it is computed."""

    def wants(self, name: str) -> bool:
        return name != "head_out"

    def __call__(self, name: str, value: Tensor) -> Tensor:
        return value


def test_torch_counts_the_same_operations() -> None:
    report = check("attention.flops", counted)
    assert report.passed, report


def test_distances_by_loops() -> None:
    def loops(pattern: Tensor) -> Tensor:
        heads, T, S = pattern.shape
        total = torch.zeros(heads)
        for t in range(T):
            for s in range(S):
                total += pattern[:, t, s] * (t - s) / T
        return total

    assert check("attention.mean_distance", loops)

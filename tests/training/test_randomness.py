"""Random numbers of training: any of them without the others, and none from outside."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minigpt_edu.training import seeded, splitmix64

CPU = torch.device("cpu")


def test_splitmix64_is_the_published_generator():
    # The five outputs for this seed are printed in many implementations' documentation.
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert splitmix64(1234567, 0, 5).tolist() == expected


@given(st.integers(), st.integers(0, 2**40), st.integers(1, 20))
def test_any_output_can_be_had_without_the_ones_before(seed, first, count):
    together = splitmix64(seed, first, count).tolist()
    alone = [splitmix64(seed, first + i, 1).tolist()[0] for i in range(count)]
    assert together == alone


def test_outputs_fill_the_64_bits_evenly():
    draws = splitmix64(0, 0, 40_000)
    for bit in range(64):
        share = float((draws >> bit & 1).mean())
        assert abs(share - 0.5) < 0.01, f"bit {bit} is one in {share:.3f} of the draws"


def test_inside_seeded_the_seed_alone_decides():
    torch.manual_seed(1)
    with seeded(5, CPU):
        first = torch.rand(4)
    torch.manual_seed(2)
    with seeded(5, CPU):
        second = torch.rand(4)
    with seeded(6, CPU):
        other = torch.rand(4)
    torch.manual_seed(5)
    assert torch.equal(first, second) and torch.equal(first, torch.rand(4))
    assert not torch.equal(first, other)


def test_seeded_gives_the_state_back_even_after_an_error():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with pytest.raises(KeyError), seeded(5, CPU):
        torch.rand(4)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)

"""Sampling rules: the sets they keep, their laws, and fair draws.

The oracle is the set of logits processors of ``transformers``.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from minigpt_edu.inference.sampling import (
    Greedy,
    MinP,
    RepetitionPenalty,
    Sampler,
    Temperature,
    TopK,
    TopP,
)

V = 200


def random_logits(seed: int, rows: int = 4, scale: float = 3.0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(rows, V, generator=random) * scale


def kept(logits: Tensor) -> list[list[int]]:
    return [row.isfinite().nonzero().flatten().tolist() for row in logits]


# --- the sets that transformers keeps -------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 50, V - 1, V, V + 1])
def test_top_k_keeps_what_transformers_keeps(k: int):
    from transformers import TopKLogitsWarper

    logits = random_logits(k, rows=80)
    assert torch.equal(TopK(k)(logits), TopKLogitsWarper(k)(None, logits.clone()))


@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("scale", [0.3, 1.0, 5.0])
def test_top_p_keeps_what_transformers_keeps(p: float, scale: float):
    from transformers import TopPLogitsWarper

    logits = random_logits(1, rows=80, scale=scale)
    assert torch.equal(TopP(p)(logits), TopPLogitsWarper(p)(None, logits.clone()))


@pytest.mark.parametrize("p", [0.001, 0.05, 0.3, 0.9, 1.0])
def test_min_p_keeps_what_transformers_keeps(p: float):
    from transformers import MinPLogitsWarper

    logits = random_logits(2, rows=80)
    assert torch.equal(MinP(p)(logits), MinPLogitsWarper(p)(None, logits.clone()))


@pytest.mark.parametrize("value", [0.5, 1.0, 1.2, 5.0])
def test_repetition_penalty_equals_transformers(value: float):
    from transformers import RepetitionPenaltyLogitsProcessor

    logits = random_logits(3, rows=80)
    seen = torch.randint(V, (80, 30), generator=torch.Generator().manual_seed(3))
    theirs = RepetitionPenaltyLogitsProcessor(value)(seen, logits.clone())
    assert torch.equal(RepetitionPenalty(value)(logits, seen), theirs)


def test_the_chain_equals_transformers():
    """Order matters: penalty, temperature, top-k, top-p, min-p."""
    from transformers import (
        LogitsProcessorList,
        MinPLogitsWarper,
        RepetitionPenaltyLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    logits = random_logits(4, rows=80, scale=2.0)
    seen = torch.randint(V, (80, 30), generator=torch.Generator().manual_seed(4))
    chain = LogitsProcessorList(
        [
            RepetitionPenaltyLogitsProcessor(1.3),
            TemperatureLogitsWarper(0.7),
            TopKLogitsWarper(40),
            TopPLogitsWarper(0.9),
            MinPLogitsWarper(0.02),
        ]
    )
    theirs = chain(seen, logits.clone()).softmax(dim=-1)
    sampler = Sampler.of(
        temperature=0.7, top_k=40, top_p=0.9, min_p=0.02, repetition_penalty=1.3
    )
    assert torch.allclose(sampler.probs(logits, seen), theirs, rtol=0, atol=1e-7)


# --- laws -----------------------------------------------------------------------------

small_logits = st.lists(st.integers(-6, 6), min_size=1, max_size=30)  # many ties


@given(logits=small_logits, k=st.integers(1, 35))
def test_top_k_is_exact_and_ties_go_to_the_lower_id(logits: list[int], k: int):
    best = sorted(range(len(logits)), key=lambda i: (-logits[i], i))[:k]
    assert kept(TopK(k)(torch.tensor([logits]).float())) == [sorted(best)]


@given(logits=small_logits, p=st.floats(0.001, 0.999))
def test_top_p_is_the_smallest_set_with_that_mass(logits: list[int], p: float):
    probs = torch.tensor(logits).double().softmax(dim=-1)
    ids = kept(TopP(p)(torch.tensor([logits]).float()))[0]
    ranked = sorted(range(len(logits)), key=lambda i: (-logits[i], i))
    assert ids == sorted(ranked[: len(ids)])  # the best ones, ties to the lower id
    mass = probs[ranked].cumsum(0)
    assert mass[len(ids) - 1] >= p - 1e-6  # the crossing token is inside
    if len(ids) > 1:
        assert mass[len(ids) - 2] < p + 1e-6  # and nothing could be left out


def test_top_p_counts_the_tail_of_a_large_vocabulary():
    """One token of mass 1/2 before 50,000 equal ones: p = 0.9 needs 4/5 of the tail."""
    tail = 50_000
    logits = torch.zeros(1, tail + 1)
    logits[0, 0] = torch.tensor(float(tail)).log()
    n_kept = int(TopP(0.9)(logits).isfinite().sum())
    assert abs(n_kept - (1 + 0.8 * tail)) <= 0.001 * tail


def test_top_p_ranks_equal_tokens_by_id():
    logits = torch.zeros(1, 5000)
    logits[0, 7] = 1.0
    ids = kept(TopP(0.5)(logits))[0]
    assert ids == list(range(len(ids))) and abs(len(ids) - 2500) < 5


def test_top_p_of_one_and_min_p_of_zero_keep_every_token():
    logits = random_logits(0, scale=30.0)  # the rarest tokens underflow in float32
    assert torch.equal(TopP(1.0)(logits), logits)
    assert Sampler.of(top_p=1.0, min_p=0.0, repetition_penalty=1.0).rules == ()


@given(seed=st.integers(0, 2**32 - 1), value=st.floats(0.05, 20))
def test_temperature_is_a_power_of_the_probabilities(seed: int, value: float):
    logits = random_logits(seed % 1000)
    power = logits.softmax(dim=-1).double() ** (1 / value)
    expected = power / power.sum(dim=-1, keepdim=True)
    ours = Sampler.of(temperature=value).probs(logits).double()
    assert torch.allclose(ours, expected, rtol=1e-3, atol=1e-7)


def test_temperature_zero_is_argmax_whatever_the_seed():
    logits = random_logits(5, rows=80)
    for draws in range(3):
        sampler = Sampler.of(temperature=0, top_k=3, top_p=0.5, min_p=0.1, seed=draws)
        assert sampler.greedy
        assert torch.equal(sampler(logits), logits.argmax(dim=-1))
        assert torch.equal(sampler(logits), sampler.probs(logits).argmax(dim=-1))
        assert sampler.probs(logits).max(dim=-1).values.tolist() == [1.0] * 80


def test_greedy_ties_go_to_the_lower_id():
    logits = torch.tensor([[0.0, 3.0, 3.0, 1.0], [5.0, 5.0, 5.0, 5.0]])
    assert Sampler.of(temperature=0)(logits).tolist() == [1, 0]
    assert kept(Greedy()(logits)) == [[1], [0]]


def test_greedy_still_penalizes():
    logits = torch.tensor([[2.0, 1.9, -1.0]])
    sampler = Sampler.of(temperature=0, repetition_penalty=1.5)
    assert sampler(logits, torch.tensor([[0]])).tolist() == [1]


def test_the_penalty_needs_what_was_seen_and_skips_padding():
    logits = torch.tensor([[2.0, -2.0, 1.0], [2.0, -2.0, 1.0]])
    rule = RepetitionPenalty(2.0)
    seen = torch.tensor([[0, 1], [2, -1]])
    assert rule(logits, seen).tolist() == [[1.0, -4.0, 1.0], [2.0, -2.0, 0.5]]
    with pytest.raises(ValueError, match="seen"):
        rule(logits)
    assert Sampler.of(repetition_penalty=1.2).looks_back
    assert not Sampler.of(top_k=3).looks_back


@pytest.mark.parametrize(
    "rule", [Temperature(2.0), TopK(3), TopP(0.5), MinP(0.1), RepetitionPenalty(2.0)]
)
def test_rules_leave_their_input_alone(rule):
    logits = random_logits(0)
    before = logits.clone()
    rule(logits, torch.tensor([[1, 2]] * 4))
    assert torch.equal(logits, before)


# --- draws ----------------------------------------------------------------------------


def chi_square(counts: Tensor, probs: Tensor) -> float:
    expected = probs.double() * counts.sum()
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("seed", range(4))
def test_draws_follow_the_probabilities(seed: int):
    """Ten tokens, 9 degrees of freedom: above 27.9 once in 1,000 seeds."""
    logits = torch.randn(1, 10, generator=torch.Generator().manual_seed(seed))
    sampler = Sampler.of(temperature=0.8, seed=seed)
    ids = sampler(logits.expand(20_000, -1))
    counts = ids.bincount(minlength=10).double()
    assert chi_square(counts, sampler.probs(logits)[0]) < 27.9


def test_only_kept_tokens_are_drawn():
    logits = random_logits(0, rows=1)
    sampler = Sampler.of(temperature=3.0, top_k=5, seed=1)
    allowed = set(logits[0].topk(5).indices.tolist())
    assert set(sampler(logits.expand(2_000, -1)).tolist()) == allowed


def test_a_seed_repeats_and_another_differs():
    logits = random_logits(0, rows=50)

    def ids(seed: int | None) -> list[int]:
        return Sampler.of(seed=seed)(logits).tolist()

    assert ids(3) == ids(3)
    assert ids(3) != ids(4)
    assert ids(None) != ids(None)
    lucky = Sampler.of()
    assert lucky(logits).tolist() == ids(lucky.seed)


def test_ambient_randomness_is_neither_used_nor_moved():
    logits = random_logits(0, rows=50)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first = Sampler.of(seed=3)(logits)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    assert torch.equal(Sampler.of(seed=3)(logits), first)


def test_one_number_per_row_in_row_order():
    logits = random_logits(0, rows=6)
    together, alone = Sampler.of(seed=5), Sampler.of(seed=5)
    one_by_one = [int(alone(row[None])) for row in logits]
    assert together(logits).tolist() == one_by_one


@pytest.mark.parametrize("temperature", [0, 1])
def test_a_diverged_model_is_an_error(temperature: float):
    logits = random_logits(0)
    logits[2, 7] = torch.nan
    with pytest.raises(ValueError, match="NaN"):
        Sampler.of(temperature=temperature)(logits)


@pytest.mark.parametrize("shape", [(7,), (2, 3, 7), ()])
@pytest.mark.parametrize("temperature", [0, 1])
def test_logits_that_are_no_rows_are_refused_with_their_shape(shape, temperature):
    logits, sampler = torch.zeros(shape), Sampler.of(temperature=temperature)
    for ask in (sampler, sampler.probs, lambda x: list(sampler.stages(x))):
        with pytest.raises(ValueError) as caught:
            ask(logits)
        assert f"shape {shape} are not (B, V)" in str(caught.value)


# --- what a picture needs -------------------------------------------------------------


def test_stages_show_the_same_logits_after_each_rule():
    logits = random_logits(0)
    sampler = Sampler.of(temperature=0.7, top_k=20, top_p=0.9, min_p=0.05, seed=0)
    stages = list(sampler.stages(logits))
    assert [name for name, _ in stages] == [
        "model",
        "Temperature(value=0.7)",
        "TopK(k=20)",
        "TopP(p=0.9)",
        "MinP(p=0.05)",
    ]
    assert torch.equal(stages[0][1], logits.softmax(dim=-1))
    assert torch.equal(stages[-1][1], sampler.probs(logits))
    sizes = [int((probs > 0).sum()) for _, probs in stages[1:]]
    assert sizes == sorted(sizes, reverse=True) and sizes[1] == 20 * 4
    for _, probs in stages:
        assert torch.allclose(probs.sum(dim=-1), torch.ones(4), atol=1e-5)


def test_rules_are_values():
    assert TopK(3) == TopK(3) != TopK(4)
    assert Greedy() == Greedy() and Greedy() != TopK(1)
    assert repr(Sampler.of(temperature=0, seed=1)) == "Sampler([Greedy()], seed=1)"
    rules = [*Sampler.of(temperature=2, top_k=1, top_p=0.5, min_p=0.5).rules]
    for rule in [*rules, RepetitionPenalty(1.1), Greedy()]:
        assert rule.explain()[-1] not in ".\n"


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_k", 0),
        ("top_k", -5),
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("min_p", -0.1),
        ("min_p", 1.5),
        ("repetition_penalty", 0.0),
        ("repetition_penalty", -1.0),
        ("seed", -1),
    ],
)
@pytest.mark.parametrize("temperature", [0, 1])
def test_meaningless_values_are_refused_by_name(knob, value, temperature):
    options = {"temperature": temperature, knob: value}
    with pytest.raises(ValueError, match=f"{knob}={value}"):
        Sampler.of(**options)

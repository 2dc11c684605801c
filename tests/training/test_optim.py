"""What decays, how the learning rate moves, and that AdamW is AdamW."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from minigpt_edu.model import GPT, PRESETS, GPTConfig
from minigpt_edu.training import (
    SCHEDULES,
    TrainConfig,
    adamw,
    learning_rate,
    load_named_state,
    named_state,
    param_groups,
)

SMALL = {"vocab_size": 11, "block_size": 6, "n_layer": 2, "n_head": 2, "n_embd": 8}


def small(preset: str = "gpt2", **changes) -> GPT:
    torch.manual_seed(0)
    make = GPTConfig.gpt2 if preset == "gpt2" else GPTConfig.modern
    return GPT(make(**{**SMALL, **changes}))


# --- the learning rate --------------------------------------------------------------

shapes = st.sampled_from(sorted(SCHEDULES))


@given(shapes, st.integers(0, 30), st.integers(2, 100), st.floats(0, 1))
def test_the_end_points_are_exact(shape, warmup, extra, share):
    steps, peak = warmup + extra, 0.01
    final = share * peak

    def at(step):
        return learning_rate(
            step, shape=shape, peak=peak, final=final, warmup=warmup, steps=steps
        )

    assert at(warmup) == peak
    end = peak if shape == "constant" else final
    assert at(steps - 1) == at(steps + 50) == end
    climb = [at(step) for step in range(warmup + 1)]
    assert all(a < b for a, b in pairwise(climb)) and climb[0] > 0
    descent = [at(step) for step in range(warmup, steps)]
    assert all(a >= b - 1e-12 for a, b in pairwise(descent))


def test_warm_up_climbs_in_equal_steps():
    rates = [
        learning_rate(s, shape="linear", peak=1.0, final=0.0, warmup=3, steps=8)
        for s in range(8)
    ]
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25, 0.0])


def test_a_run_of_one_step_is_at_the_peak():
    assert TrainConfig(steps=1, lr=0.5).lr_at(0) == 0.5


def test_cosine_and_linear_are_those_of_torch():
    def torch_rates(make, count):
        weight = nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([weight], lr=0.02)
        schedule, rates = make(optimizer), []
        for _ in range(count):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return rates

    def ours(shape):
        common = {"peak": 0.02, "final": 0.002, "warmup": 0, "steps": 21}
        return [learning_rate(s, shape=shape, **common) for s in range(21)]

    lr = torch.optim.lr_scheduler
    cosine = torch_rates(lambda o: lr.CosineAnnealingLR(o, 20, eta_min=0.002), 21)
    linear = torch_rates(
        lambda o: lr.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=20), 21
    )
    assert ours("cosine") == pytest.approx(cosine)
    assert ours("linear") == pytest.approx(linear)
    assert ours("constant") == [0.02] * 21


# --- what decays --------------------------------------------------------------------


def test_the_groups_of_gpt2_by_name():
    model = small(n_layer=1)
    names = {p: name for name, p in model.named_parameters()}
    decays, stays = (
        {names[p] for p in group["params"]} for group in param_groups(model, 0.1)
    )
    layers = ("attn.query", "attn.key", "attn.value", "attn.out", "mlp.up", "mlp.down")
    embeddings = {"token_embedding.weight", "position_embedding.weight"}
    assert decays == {f"blocks.0.{x}.weight" for x in layers} | embeddings
    assert stays == {f"blocks.0.{x}.bias" for x in layers} | {
        f"{norm}.{part}"
        for norm in ("blocks.0.norm1", "blocks.0.norm2", "norm_final")
        for part in ("weight", "bias")
    }


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"gpt2"}))
def test_the_groups_partition_the_parameters(name):
    shrink = {"n_embd": 24, "n_hidden": None, "vocab_size": 50, "n_layer": 1}
    model = GPT(GPTConfig.preset(name, **shrink))
    grouped = [p for group in param_groups(model, 0.1) for p in group["params"]]
    assert len({id(p) for p in grouped}) == len(grouped)
    assert {id(p) for p in grouped} == {id(p) for p in model.parameters()}
    assert sum(p.numel() for p in grouped) == model.num_params()


def test_a_frozen_parameter_is_in_no_group():
    model = small()
    model.token_embedding.requires_grad_(False)
    grouped = {id(p) for g in param_groups(model, 0.1) for p in g["params"]}
    assert id(model.token_embedding.weight) not in grouped
    assert len(grouped) == len(list(model.parameters())) - 1


@pytest.mark.parametrize("preset", ["gpt2", "modern"])
def test_decay_shrinks_matrices_and_never_touches_vectors(preset):
    model = small(preset)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = adamw(model, lr=0.1, weight_decay=0.5)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)  # so that decay alone acts
    optimizer.step()
    for name, p in model.named_parameters():
        expected = before[name] * (1 - 0.1 * 0.5) if p.dim() == 2 else before[name]
        torch.testing.assert_close(p.detach(), expected, rtol=1e-6, atol=0)


# --- AdamW --------------------------------------------------------------------------


def by_hand(p, gradients, *, lr, decay, betas, eps=1e-8):
    """arXiv:1711.05101, algorithm 2, in float64, without any of torch.optim."""
    p, mean, square = p.double(), torch.zeros(()), torch.zeros(())
    for t, g in enumerate((g.double() for g in gradients), start=1):
        mean = betas[0] * mean + (1 - betas[0]) * g
        square = betas[1] * square + (1 - betas[1]) * g * g
        unbiased = mean / (1 - betas[0] ** t)
        spread = (square / (1 - betas[1] ** t)).sqrt()
        p = p - lr[t - 1] * (unbiased / (spread + eps) + decay * p)
    return p


@pytest.mark.parametrize("preset", ["gpt2", "modern"])
def test_five_steps_equal_adamw_written_by_hand(preset):
    model = small(preset)
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    gradients = {name: [] for name in start}
    rates = [0.01, 0.02, 0.03, 0.02, 0.01]
    optimizer = adamw(model, lr=1.0, weight_decay=0.3, betas=(0.8, 0.9))
    ids = torch.randint(11, (3, 7), generator=torch.Generator().manual_seed(1))
    for rate in rates:
        for group in optimizer.param_groups:
            group["lr"] = rate
        model.zero_grad()
        model.loss(ids[:, :-1], ids[:, 1:]).backward()
        for name, p in model.named_parameters():
            assert p.grad is not None
            gradients[name].append(p.grad.clone())
        optimizer.step()
    for name, p in model.named_parameters():
        decay = 0.3 if p.dim() == 2 else 0.0
        expected = by_hand(
            start[name], gradients[name], lr=rates, decay=decay, betas=(0.8, 0.9)
        )
        torch.testing.assert_close(p.detach().double(), expected, rtol=1e-5, atol=1e-6)


def test_a_model_without_vectors_trains_too():
    model = small(norm="rms", norm_gain=False, bias=False)
    assert param_groups(model, 0.1)[1]["params"] == []
    optimizer = adamw(model, lr=0.1)
    model.loss(torch.tensor([[1, 2]]), torch.tensor([[2, 3]])).backward()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())


def test_the_fused_loop_is_used_on_the_cpu():
    assert all(group["fused"] for group in adamw(small(), lr=0.1).param_groups)


# --- its memory ---------------------------------------------------------------------


def one_step(model, optimizer):
    model.zero_grad()
    model.loss(torch.tensor([[1, 2, 3]]), torch.tensor([[2, 3, 4]])).backward()
    optimizer.step()


def test_the_memory_is_kept_by_name_and_put_back_exactly():
    model, twin = small(), small()
    optimizer, other = adamw(model, lr=0.1), adamw(twin, lr=0.1)
    one_step(model, optimizer)
    saved = {k: v.clone() for k, v in named_state(optimizer, model).items()}
    assert {k.partition(":")[0] for k in saved} == {"step", "exp_avg", "exp_avg_sq"}
    twin.load_state_dict(model.state_dict())
    load_named_state(other, twin, saved)
    one_step(model, optimizer), one_step(twin, other)
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


def test_nothing_saved_is_a_fresh_optimizer():
    model = small()
    optimizer = adamw(model, lr=0.1)
    load_named_state(optimizer, model, named_state(optimizer, model))
    assert not optimizer.state


def test_memory_of_another_model_is_refused():
    model, other = small(n_layer=1), small(n_layer=2)
    optimizer = adamw(model, lr=0.1)
    one_step(model, optimizer)
    saved = named_state(optimizer, model)
    with pytest.raises(ValueError, match=r"knows 20 parameters.*trains 36.*blocks\.1"):
        load_named_state(adamw(other, lr=0.1), other, saved)

"""The training loop learns, repeats itself exactly, and stops before it does harm."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from itertools import count

import numpy as np
import pytest
import torch

from minigpt_edu.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.text import CharTokenizer
from minigpt_edu.training import (
    DivergedError,
    StepRecord,
    TokenBatches,
    TrainConfig,
    Trainer,
    total_loss,
    trainer,
)

V, T = 13, 8
IDS = np.random.default_rng(0).integers(0, V, 400)
CPU = {"device": "cpu", "dtype": "float32"}


def tiny(preset="modern", **changes) -> GPT:
    shape = {"vocab_size": V, "block_size": T, "n_layer": 2, "n_head": 2, "n_embd": 16}
    make = GPTConfig.gpt2 if preset == "gpt2" else GPTConfig.modern
    torch.manual_seed(0)
    return GPT(make(**{**shape, **changes}))


def batches(rows=4, seed=0, **changes) -> TokenBatches:
    return TokenBatches(IDS, T, rows, seed=seed, **changes)


def train(model=None, data=None, val=None, **config) -> Trainer:
    model = tiny() if model is None else model
    data = batches() if data is None else data
    return Trainer(model, data, val, TrainConfig(**{"steps": 6, **CPU, **config}))


def weights(model) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def same(one, other) -> bool:
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


def untimed(records) -> list[StepRecord]:
    return [replace(record, tokens_per_second=0.0) for record in records]


# --- it learns ---------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["gpt2", "modern"])
def test_one_batch_is_learned_by_heart(preset):
    ids = np.random.default_rng(3).permutation(V)[: T + 1]  # one window, no repeats
    one = TokenBatches(ids, T, 1)
    run = train(tiny(preset, n_embd=32), one, steps=100, lr=1e-2, warmup=5)
    losses = [record.loss for record in run.steps()]
    assert losses[0] == pytest.approx(math.log(V), rel=0.05)
    assert losses[-1] < 0.1


@pytest.mark.parametrize("preset", ["gpt2", "modern"])
def test_one_step_moves_every_parameter(preset):
    model = tiny(preset, n_kv_head=1)
    before = weights(model)
    # Without decay, only a gradient can move a weight.
    next(train(model, weight_decay=0.0, warmup=0).steps())
    for name, p in model.named_parameters():
        if name.endswith("key.bias"):
            # It adds the same number to all scores of a query: softmax cannot see it.
            assert p.grad is not None and p.grad.abs().max() < 1e-6
        else:
            moved = (p != before[name]).float().mean()
            assert moved > 0.9, f"{name}: only {moved:.0%} of it moved"


def test_every_position_and_not_only_the_last_teaches():
    model = tiny("gpt2")
    next(train(model).steps())
    positions = model.position_embedding.weight.grad
    assert (positions.abs().amax(dim=1) > 0).all()


def test_records_count_and_tell():
    records = list(train(steps=3, accumulate=2, lr=0.3, schedule="linear").steps())
    assert [record.step for record in records] == [1, 2, 3]
    assert [record.tokens for record in records] == [2 * 4 * T] * 3
    assert [record.lr for record in records] == pytest.approx([0.3, 0.165, 0.03])
    record = records[1]
    said = record.explain()
    assert said.startswith("step 2: ") and "\n" not in said
    assert f"loss {record.loss:.3f}" in said
    assert f"{math.exp(record.loss):,.1f} tokens" in said
    assert f"{record.tokens_per_second:,.0f} tokens/s" in said
    assert "never trains on" not in said
    with pytest.raises(FrozenInstanceError):
        record.loss = 0.0


def test_the_learning_rate_is_how_far_the_weights_move():
    # AdamW divides the gradient by its own size, so its first step is lr long in every
    # weight; the schedule climbs from a third of 0.03 here.
    model = tiny()
    before = weights(model)
    record = next(train(model, lr=0.03, warmup=2, weight_decay=0.0).steps())
    assert record.lr == pytest.approx(0.01)
    for name, p in model.named_parameters():
        moved = (p.detach() - before[name]).abs()
        assert float(moved.median()) == pytest.approx(0.01, rel=0.01), name


def test_a_record_says_what_is_special():
    plain = StepRecord(
        step=1, loss=800.0, lr=0.1, grad_norm=2.0, clipped=False, tokens=8,
        tokens_per_second=5.0,
    )  # fmt: skip
    assert "shortened" not in plain.explain()  # and e^800 is no error
    assert "shortened" in replace(plain, clipped=True).explain()
    assert "never trains on, 1.500;" in replace(plain, val_loss=1.5).explain()
    best = replace(plain, val_loss=1.5, best=True)
    assert "1.500 (the best so far)" in best.explain()
    assert "changed nothing" in replace(plain, grad_norm=math.inf).explain()


def test_tokens_per_second_are_tokens_over_time_without_validation(monkeypatch):
    ticks = count(step=0.25)
    monkeypatch.setattr(trainer, "perf_counter", lambda: next(ticks))
    run = train(val=batches(), steps=2, accumulate=3, eval_every=1)
    run.evaluate = lambda: next(ticks)  # a validation that takes its time too
    for record in run.steps():
        assert record.tokens_per_second == record.tokens / 0.25 == 3 * 4 * T / 0.25


ACTS = {
    "steps": 5, "accumulate": 2, "lr": 0.01, "final_lr": 0.0, "warmup": 3,
    "schedule": "linear", "weight_decay": 0.5, "betas": (0.5, 0.6), "clip": 0.1,
    "eval_every": 2, "eval_batches": 1, "dtype": "bfloat16", "seed": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
def test_every_field_of_the_recipe_acts(name):
    def run(**changes):
        made = train(tiny(dropout=0.1), val=batches(seed=1), **changes)
        return untimed(made.steps()), weights(made.model)

    (plain, before), (changed, after) = run(), run(**{name: ACTS[name]})
    assert plain != changed
    if not name.startswith("eval_"):
        assert not same(before, after)


def test_no_field_of_the_recipe_was_forgotten():
    elsewhere = {"recompute", "device"}  # have tests of their own
    assert {f.name for f in fields(TrainConfig)} == ACTS.keys() | elsewhere


# --- accumulation ------------------------------------------------------------------


@pytest.mark.parametrize("masked", [False, True])
def test_k_micro_batches_are_one_batch_k_times_as_large(masked):
    mask = np.random.default_rng(5).random(len(IDS)) < 0.3 if masked else None
    small, large = batches(4, mask=mask), batches(12, mask=mask)
    if masked:  # else equal weights would pass this test too
        assert len({int((small[i][1] != -1).sum()) for i in range(3)}) > 1
    one = train(tiny(), large, clip=None)
    parts = train(tiny(), small, accumulate=3, clip=None)
    for whole, sum_of_parts in zip(one.steps(), parts.steps(), strict=True):
        assert sum_of_parts.tokens == whole.tokens
        assert sum_of_parts.loss == pytest.approx(whole.loss, rel=1e-5)
        assert sum_of_parts.grad_norm == pytest.approx(whole.grad_norm, rel=1e-4)
        grads = [[p.grad for p in run.model.parameters()] for run in (one, parts)]
        for a, b in zip(*grads, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


def test_the_step_loss_is_the_mean_over_counted_targets():
    mask = np.random.default_rng(6).random(len(IDS)) < 0.3
    data, model = batches(2, mask=mask), tiny()
    both = [data[0], data[1]]
    ids = torch.cat([ids for ids, _ in both])
    targets = torch.cat([targets for _, targets in both])
    logp = model(ids).log_softmax(-1).detach()
    counted = targets != -1
    picked = logp[counted].gather(1, targets[counted][:, None])
    record = next(train(model, data, accumulate=2).steps())
    assert record.loss == pytest.approx(-float(picked.mean()), rel=1e-5)


# --- clipping ----------------------------------------------------------------------


def spike(run: Trainer, at_step: int, factor: float) -> None:
    """Make the loss of one step, and so its gradient, ``factor`` times as large."""
    true_loss = run.model.loss

    def loss(ids, targets):
        return true_loss(ids, targets) * (factor if run.step == at_step - 1 else 1.0)

    run.model.loss = loss


def grad_length(model) -> float:
    squares = [float((p.grad.double() ** 2).sum()) for p in model.parameters()]
    return math.sqrt(math.fsum(squares))


def test_only_the_spike_is_clipped_and_it_is_clipped_to_the_limit():
    run = train(clip=5.0)
    spike(run, at_step=3, factor=1000.0)
    for record in run.steps():
        assert record.clipped == (record.step == 3)
        assert (record.grad_norm > 5.0) == record.clipped
        length = 5.0 if record.clipped else record.grad_norm
        assert grad_length(run.model) == pytest.approx(length, rel=1e-4)


def test_without_a_limit_nothing_is_clipped():
    run = train(clip=None)
    spike(run, at_step=2, factor=1000.0)
    records = list(run.steps())
    assert not any(record.clipped for record in records)
    assert records[1].grad_norm > 100


# --- validation --------------------------------------------------------------------


def test_looking_changes_nothing():
    state = torch.get_rng_state()
    never = train(tiny(dropout=0.2), val=batches(seed=1), eval_every=None)
    blind = list(never.steps())
    always = train(tiny(dropout=0.2), val=batches(seed=1), eval_every=1)
    torch.manual_seed(99)
    watched = list(always.steps())
    assert all(record.val_loss is None for record in blind)
    assert all(record.val_loss is not None for record in watched)
    assert [r.loss for r in blind] == [r.loss for r in watched]  # bit for bit
    assert same(weights(never.model), weights(always.model))
    torch.set_rng_state(state)


def test_the_validation_loss_is_looked_at_when_asked_and_at_the_end():
    run = train(val=batches(seed=1), steps=7, eval_every=3)
    looked = {r.step: r.val_loss for r in run.steps() if r.val_loss is not None}
    assert list(looked) == [3, 6, 7]
    assert looked[7] == run.evaluate()
    assert run.best_val_loss == min(looked.values())


def test_the_best_is_flagged():
    run = train(val=batches(seed=1), steps=4, eval_every=1)
    losses = iter([2.0, 3.0, 1.0, 1.0])
    run.evaluate = lambda: next(losses)
    assert [record.best for record in run.steps()] == [True, False, True, False]


def test_a_long_split_is_sampled_and_a_short_one_read_whole():
    whole = train(val=batches(), eval_batches=None).evaluate()
    assert train(val=batches(), eval_batches=1000).evaluate() == whole
    assert train(val=batches(), eval_batches=2).evaluate() != whole
    with pytest.raises(ValueError, match="no validation split"):
        train().evaluate()


# --- the same again ----------------------------------------------------------------


def test_the_seed_and_nothing_else_decides_dropout():
    def run(seed, ambient):
        model = tiny(dropout=0.3)
        torch.manual_seed(ambient)
        state = torch.get_rng_state()
        result = [record.loss for record in train(model, seed=seed).steps()]
        assert torch.equal(torch.get_rng_state(), state), "the caller's state was used"
        return result

    assert run(0, ambient=1) == run(0, ambient=2)
    assert run(0, ambient=1) != run(1, ambient=1)


def test_dropout_differs_from_step_to_step_and_between_micro_batches():
    ids = np.arange(T + 1) % V  # a single window: every batch is the same
    run = train(tiny(dropout=0.3), TokenBatches(ids, T, 1), accumulate=2, lr=1e-9)
    true_loss, seen = run.model.loss, []

    def loss(ids, targets):
        seen.append(float((value := true_loss(ids, targets)).detach()))
        return value

    run.model.loss = loss
    list(run.steps())
    assert len(seen) == 12 == len(set(seen))


RESUMED = {"accumulate": 2, "eval_every": 2, "seed": 7}


def whole_run():
    run = train(tiny(dropout=0.1), val=batches(seed=1), **RESUMED)
    return untimed(run.steps()), run


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_resumed_run_is_the_uninterrupted_run_bit_for_bit(tmp_path, stop):
    records, run = whole_run()
    first = train(tiny(dropout=0.1), val=batches(seed=1), **RESUMED)
    before = []
    for record in first.steps():
        before.append(record)
        if record.step == stop:
            break
    path = tmp_path / "run.safetensors"
    info = first.save(path, description="half way")
    assert (info.meta["step"], info.meta["description"]) == (stop, "half way")
    torch.manual_seed(12345)
    second = Trainer.resume(path, batches(), batches(seed=1))
    assert second.best_val_loss == first.best_val_loss
    assert math.isfinite(second.best_val_loss) == (stop >= 2)
    torch.rand(stop)  # the caller may draw what it likes
    after = list(second.steps())
    assert untimed(before) + untimed(after) == records
    assert same(weights(second.model), weights(run.model))
    assert second.best_val_loss == run.best_val_loss
    for p, q in zip(second.model.parameters(), run.model.parameters(), strict=True):
        assert same(second.optimizer.state[p], run.optimizer.state[q])


FRESH = """
import sys, numpy as np
from minigpt_edu.training import TokenBatches, Trainer
ids = np.random.default_rng(0).integers(0, 13, 400)
train, val = TokenBatches(ids, 8, 4), TokenBatches(ids, 8, 4, seed=1)
run = Trainer.resume(sys.argv[1], train, val)
list(run.steps())
run.save(sys.argv[2])
"""


def test_a_fresh_process_resumes_bit_for_bit(tmp_path):
    _, run = whole_run()
    first = train(tiny(dropout=0.1), val=batches(seed=1), **RESUMED)
    for record in first.steps():
        if record.step == 3:
            break
    half, end = tmp_path / "half.safetensors", tmp_path / "end.safetensors"
    first.save(half)
    threads = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, "-c", FRESH, str(half), str(end)]
    done = subprocess.run(command, env=threads, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert same(weights(load_checkpoint(end, "cpu").model), weights(run.model))


def test_a_resumed_run_can_go_on_for_longer(tmp_path):
    run = train(steps=4)
    list(run.steps())
    run.save(tmp_path / "run.safetensors")
    assert list(Trainer.resume(tmp_path / "run.safetensors", batches()).steps()) == []
    longer = Trainer.resume(tmp_path / "run.safetensors", batches(), steps=6)
    assert [record.step for record in longer.steps()] == [5, 6]


def test_saving_before_the_first_step_is_saving_the_start(tmp_path):
    run = train()
    info = run.save(tmp_path / "start.safetensors")
    assert info.meta["step"] == 0 and info.meta["val_loss"] is None
    again = Trainer.resume(tmp_path / "start.safetensors", batches())
    assert untimed(again.steps()) == untimed(run.steps())


def test_the_header_tells_the_losses_of_its_own_step(tmp_path):
    run = train(val=batches(seed=1), steps=3, eval_every=2)
    infos = [run.save(tmp_path / f"{r.step}.safetensors") for r in run.steps()]
    assert infos[0].meta["val_loss"] is None and infos[0].meta["best_val_loss"] is None
    assert infos[1].meta["val_loss"] == infos[1].meta["best_val_loss"]
    assert infos[2].meta["train_loss"] == run.last.loss
    assert TrainConfig.from_dict(infos[2].meta["train"]) == run.config


def test_an_interrupted_validation_can_still_be_saved_and_resumed(tmp_path):
    run = train(val=batches(seed=1), eval_every=2)
    steps = run.steps()
    next(steps)

    def interrupted():  # a real SIGINT would depend on what the shell lets through
        raise KeyboardInterrupt

    evaluate, run.evaluate = run.evaluate, interrupted
    with pytest.raises(KeyboardInterrupt):
        next(steps)
    info = run.save(tmp_path / "run.safetensors")
    assert (info.meta["step"], info.meta["train_loss"]) == (2, None)
    again = Trainer.resume(tmp_path / "run.safetensors", batches(), batches(seed=1))
    run.evaluate = evaluate
    assert untimed(again.steps()) == untimed(run.steps())


def test_the_tokenizer_travels_with_the_run(tmp_path):
    tokenizer = CharTokenizer.train("era uma vez")
    train().save(tmp_path / "run.safetensors", tokenizer=tokenizer)
    loaded = load_checkpoint(tmp_path / "run.safetensors", "cpu").tokenizer
    assert loaded.encode("uma") == tokenizer.encode("uma")


def test_another_run_is_not_taken_for_this_one(tmp_path):
    path = tmp_path / "run.safetensors"
    train().save(path)
    with pytest.raises(ValueError, match="seed 0, but these have 5"):
        Trainer.resume(path, batches(seed=5))
    with pytest.raises(ValueError, match="batch_size 4, but these have 2"):
        Trainer.resume(path, batches(2))
    other = TokenBatches((IDS + 1) % V, T, 4)
    with pytest.raises(ValueError, match=r"checksum .* start a new run"):
        Trainer.resume(path, other)
    with pytest.raises(ValueError, match=r"lr was 0\.004 in this run"):
        Trainer.resume(path, batches(), lr=1.0)
    bare = tmp_path / "bare.safetensors"
    save_checkpoint(bare, tiny())
    with pytest.raises(CheckpointError, match="not the state of its training"):
        Trainer.resume(bare, batches())


def test_batches_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"9 tokens do not fit.*block_size=8"):
        train(data=TokenBatches(IDS, 9, 4))
    with pytest.raises(ValueError, match=r"training.*id 12 but.*vocab_size=12"):
        train(tiny(vocab_size=12))
    with pytest.raises(ValueError, match="validation split has token id 99"):
        train(val=TokenBatches([0, 99, 3], 2, 1))


# --- it stops before it does harm --------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_before_the_weights_change(bad):
    run = train()
    spike(run, at_step=3, factor=bad)
    steps = run.steps()
    next(steps), next(steps)
    before = weights(run.model)
    with pytest.raises(
        DivergedError, match=rf"step 3: the loss is {bad}.*after step 2"
    ):
        next(steps)
    assert run.step == 2 and same(weights(run.model), before)
    del run.model.loss  # healed: the class's own loss again
    reference = list(train().steps())
    assert untimed(run.steps()) == untimed(reference)[2:]


def test_a_gradient_that_is_no_number_stops_before_the_weights_change():
    run = train()
    next(run.steps())
    before = weights(run.model)
    run.model.token_embedding.weight.register_hook(lambda g: g * math.inf)
    with pytest.raises(DivergedError, match="step 2: the gradient's length is"):
        next(run.steps())
    assert run.step == 1 and same(weights(run.model), before)


# --- precision and memory ----------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_mixed_precision_keeps_float32_weights_and_stays_near(dtype):
    def run(dtype):
        made = train(val=batches(), dtype=dtype, eval_every=6)
        return list(made.steps()), made

    (full, _), (half, made) = run("float32"), run(dtype)
    assert all(p.dtype == torch.float32 for p in made.model.parameters())
    for exact, rough in zip(full, half, strict=True):
        assert rough.loss == pytest.approx(exact.loss, rel=0.01)
        assert rough.grad_norm == pytest.approx(exact.grad_norm, rel=0.05)
    assert half[-1].val_loss == pytest.approx(full[-1].val_loss, rel=0.01)
    assert [r.loss for r in full] != [r.loss for r in half], "autocast did nothing"
    nats, targets = total_loss(made.model, batches().windows())
    assert half[-1].val_loss != nats / targets, "validation was in float32"


def test_an_overflow_in_float16_skips_the_step_and_halves_the_scale():
    run = train(dtype="float16", steps=4)
    next(run.steps())
    before, scale = weights(run.model), run.scaler.get_scale()
    weight = run.model.token_embedding.weight
    handle = weight.register_hook(lambda g: g * math.inf)
    record = next(run.steps())
    assert not math.isfinite(record.grad_norm) and not record.clipped
    assert same(weights(run.model), before)
    assert run.scaler.get_scale() == scale / 2
    handle.remove()
    assert math.isfinite(next(run.steps()).grad_norm)
    assert not same(weights(run.model), before)


def test_float16_gives_up_when_no_scale_helps():
    run = train(dtype="float16", steps=50)
    run.model.token_embedding.weight.register_hook(lambda g: g * math.nan)
    with pytest.raises(DivergedError, match="step 17: the gradient's length is nan"):
        list(run.steps())


def test_the_float16_scale_is_saved_and_resumed(tmp_path):
    run = train(dtype="float16", steps=8)
    handle = run.model.token_embedding.weight.register_hook(lambda g: g * math.inf)
    next(run.steps())
    handle.remove()
    next(run.steps())
    run.save(tmp_path / "half.safetensors")
    again = Trainer.resume(tmp_path / "half.safetensors", batches())
    assert again.scaler.state_dict() == run.scaler.state_dict()
    assert untimed(again.steps()) == untimed(run.steps())


def saved_bytes(run: Trainer) -> int:
    kept = []

    def pack(tensor):
        kept.append(tensor.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        next(run.steps())
    return sum(kept)


def test_recomputing_gives_the_same_gradients_from_less_memory():
    plain = train(tiny(dropout=0.1, n_layer=4))
    thrifty = train(tiny(dropout=0.1, n_layer=4), recompute=True)
    assert saved_bytes(thrifty) < saved_bytes(plain) / 3
    for (name, p), q in zip(
        plain.model.named_parameters(), thrifty.model.parameters(), strict=True
    ):
        assert p.grad is not None and q.grad is not None
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-5, atol=1e-7, msg=name)

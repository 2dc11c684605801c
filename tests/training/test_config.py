"""A recipe: nothing in it is ignored, nothing nonsensical passes."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from minigpt_edu.training import TrainConfig


def test_through_json_and_back():
    config = TrainConfig(
        steps=70, accumulate=3, lr=0.01, final_lr=0.0, warmup=5, schedule="linear",
        weight_decay=0.0, betas=(0.8, 0.9), clip=None, eval_every=None,
        eval_batches=None, recompute=True, device="cpu", dtype="bfloat16", seed=9,
    )  # fmt: skip
    plain = TrainConfig()
    assert all(getattr(config, f.name) != getattr(plain, f.name) for f in fields(plain))
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_it_cannot_change():
    with pytest.raises(FrozenInstanceError):
        TrainConfig().lr = 1.0  # type: ignore[misc]


def test_what_is_left_out_follows_from_the_rest():
    assert TrainConfig(steps=20).warmup_steps == 2
    assert TrainConfig(steps=90_000).warmup_steps == 100
    assert TrainConfig(steps=5, warmup=0).warmup_steps == 0
    assert TrainConfig(lr=0.5).last_lr == pytest.approx(0.05)
    assert TrainConfig(lr=0.5, final_lr=0.0).last_lr == 0.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": 0}, "steps=0.*at least 1"),
        ({"steps": 1.5}, "steps=1.5.*whole number"),
        ({"steps": True}, "steps=True.*whole number"),
        ({"accumulate": 0}, "accumulate=0"),
        ({"eval_every": 0}, "eval_every=0.*or None"),
        ({"eval_batches": -1}, "eval_batches=-1.*or None"),
        ({"warmup": -1}, "warmup=-1"),
        ({"steps": 50, "warmup": 50}, "warmup=50 must be smaller than steps=50"),
        ({"seed": 0.5}, "seed=0.5"),
        ({"lr": 0.0}, "lr=0.0"),
        ({"lr": float("nan")}, "lr=nan"),
        ({"lr": float("inf")}, "lr=inf"),
        ({"lr": 0.1, "final_lr": 0.2}, "final_lr=0.2.*lr=0.1"),
        ({"final_lr": -1.0}, "final_lr=-1.0"),
        ({"schedule": "cosin"}, "schedule='cosin'.*constant.*linear.*cosine"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1"),
        ({"betas": (0.9, 1.0)}, r"betas=\(0.9, 1.0\)"),
        ({"betas": (0.9,)}, "two numbers"),
        ({"betas": 0.9}, "betas=0.9 .*two numbers"),
        ({"betas": None}, "betas=None .*two numbers"),
        ({"betas": (0.9, "0.95")}, "betas=.*two numbers"),
        ({"lr": None}, "lr=None must be a number$"),
        ({"lr": "1e-3"}, "lr='1e-3' must be a number$"),
        ({"lr": True}, "lr=True"),
        ({"final_lr": "0"}, "final_lr='0' .*or None"),
        ({"weight_decay": None}, "weight_decay=None must be a number$"),
        ({"weight_decay": float("nan")}, "weight_decay=nan"),
        ({"clip": "1"}, "clip='1' .*or None"),
        ({"steps": None}, "steps=None"),
        ({"warmup": "3"}, "warmup='3'"),
        ({"seed": None}, "seed=None"),
        ({"clip": 0.0}, "clip=0.0.*or None"),
        ({"clip": float("nan")}, "clip=nan"),
    ],
)
def test_nonsense_is_refused_with_its_number(changes, words):
    with pytest.raises(ValueError, match=words):
        TrainConfig(**changes)
    with pytest.raises(ValueError, match=words):
        TrainConfig.from_dict(changes)


def test_an_unknown_key_is_refused_and_the_near_one_named():
    with pytest.raises(ValueError, match="no field 'warm_up': did you mean 'warmup'"):
        TrainConfig.from_dict({"warm_up": 3})
    with pytest.raises(ValueError, match=r"no field 'zzz': known: steps,"):
        TrainConfig.from_dict({"zzz": 3})


def test_only_length_place_and_watching_may_change_halfway():
    config = TrainConfig(steps=50, lr=0.1)
    free = {
        "steps": 80, "eval_every": 7, "eval_batches": None, "recompute": True,
        "device": "cpu",
    }  # fmt: skip
    longer = config.resumed(**free)
    assert longer == replace(config, **free, warmup=5)
    assert longer.warmup_steps == 5, "warm-up keeps the length it had"
    assert config.resumed(lr=0.1).lr == 0.1  # saying it again changes nothing
    for name in {f.name for f in fields(config)} - set(free):
        with pytest.raises(ValueError, match=f"{name} was .* cannot become"):
            config.resumed(**{name: "other"})
    with pytest.raises(ValueError, match="steps='80' must be a whole number"):
        config.resumed(steps="80")
    with pytest.raises(ValueError, match="no field 'step': did you mean 'steps'"):
        config.resumed(step=3)


def test_a_run_may_be_shortened_below_its_warm_up():
    config = TrainConfig(steps=1000, warmup=50)
    assert config.resumed(steps=20).warmup_steps == 19
    assert config.resumed(steps=2000).warmup_steps == 50

"""Edits as data: each changes what it names and nothing else, and refuses the rest."""

from __future__ import annotations

import json
import math

import pytest
import torch

from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.model.edits import OPS, edits_of
from minigpt_edu.model.hook_table import HOOKS

T = 9
EDITABLE = ("tokens", "loss")  # ids, and what no logits come after
PLACES = [{}, {"position": 4}, {"head": 0}, {"neuron": 0}, {"head": 0, "position": 8}]


@pytest.fixture
def small() -> GPT:
    torch.manual_seed(0)
    config = GPTConfig.modern(
        vocab_size=31, block_size=16, n_layer=2, n_head=4, n_kv_head=2, n_embd=24
    )
    return GPT(config).eval()


def after(model: GPT, ids: torch.Tensor, *specs: dict) -> tuple[dict, dict]:
    """Every value of the plain run, and of the run with these edits."""
    keep = ["*", "*.head_out"] if model.config.attn_output else "*"
    _, plain = model.run_with_cache(ids, keep)
    changes = edits_of(model, specs)
    with torch.no_grad(), model.listening(keep=keep, edits=changes) as cache:
        model(ids)
    return dict(plain), dict(cache)


def block_of(name: str, value: torch.Tensor) -> torch.Tensor:
    """A value as (heads or 1, positions, numbers), as an edit's place counts."""
    first = name.split(".")[0]
    table = (
        ".".join(["blocks", "{i}", *name.split(".")[2:]]) if first == "blocks" else name
    )
    axes = next(hook.axes for hook in HOOKS if hook.name == table)
    value = value[0]
    return value if "head," in axes else value[None]


def has(name: str, place: dict) -> bool:
    heads = any(f".attn.{part}" in name for part in ("q", "k", "v", "norm", "s", "p"))
    heads = heads or name.endswith((".z", ".head_out"))
    return "head" not in place or heads


@pytest.mark.parametrize("turn", range(len(OPS)), ids=list(OPS))
def test_an_edit_changes_its_place_and_nothing_else(model, make_ids, turn):
    op, ids, other = list(OPS)[turn], make_ids(1, T), make_ids(1, T, seed=2)
    more = {"scale": {"factor": -2.5}, "patch": {"ids": other[0].tolist()}}
    everything = ["*", "*.head_out"] if model.config.attn_output else "*"
    _, theirs = model.run_with_cache(other, everything)
    names = [n for n in model.hook_names() if n not in EDITABLE]
    for count, name in enumerate(n for n in names if "blocks.0" not in n):
        place = PLACES[(count + turn) % len(PLACES)]
        place = place if has(name, place) else {"position": 8}
        plain, found = after(
            model, ids, {"hook": name, "op": op, **place, **more.get(op, {})}
        )
        was, now = block_of(name, plain[name]), block_of(name, found[name])
        wanted = was.clone()
        at = tuple(
            slice(place[key], place[key] + 1) if key in place else slice(None)
            for key in ("head", "position", "neuron")
        )
        wanted[at] = {
            "zero": torch.zeros_like(was),
            "mean": was.mean(1, keepdim=True).expand_as(was),
            "scale": -2.5 * was,
            "patch": block_of(name, theirs[name]),
        }[op][at]
        torch.testing.assert_close(now, wanted, atol=1e-5, rtol=1e-5, msg=name)
        earlier = list(plain)[: list(plain).index(name)]
        assert all(torch.equal(plain[n], found[n]) for n in earlier), name


def test_edits_of_one_hook_come_in_order(small, make_ids):
    ids = make_ids(1, T, vocab=31)
    zero = {"hook": "embed", "op": "zero", "position": 2}
    double = {"hook": "embed", "op": "scale", "factor": 2}
    mean = {"hook": "embed", "op": "mean", "position": 2}
    plain, found = after(small, ids, zero, double, mean)
    wanted = 2 * plain["embed"]
    wanted[0, 2] = 0
    wanted[0, 2] = wanted[0].mean(0)
    torch.testing.assert_close(found["embed"], wanted)
    assert not torch.allclose(after(small, ids, mean, zero)[1]["embed"], wanted)


def test_a_pattern_means_every_hook_it_matches(small, make_ids):
    ids = make_ids(1, T, vocab=31)
    _, found = after(small, ids, {"hook": "blocks.*.attn.z", "op": "zero", "head": 1})
    assert all(found[f"blocks.{i}.attn.z"][0, 1].abs().max() == 0 for i in range(2))
    assert all(found[f"blocks.{i}.attn.z"][0, 0].abs().max() > 0 for i in range(2))


def test_a_patched_stream_brings_the_other_texts_prediction(model, make_ids):
    """After the last block each position is alone: its logits come along."""
    ids, other = make_ids(1, T), make_ids(1, 5, seed=2)
    last = f"blocks.{model.config.n_layer - 1}.resid_post"
    spec = {"hook": last, "op": "patch", "ids": other[0].tolist(), "position": 7}
    logits = model.run_with_hooks(ids, edits_of(model, [{**spec, "from": 3}]))
    with torch.no_grad():
        torch.testing.assert_close(logits[0, 7], model(other)[0, 3])
        torch.testing.assert_close(logits[0, :7], model(ids)[0, :7])


def test_what_changes_nothing_changes_nothing(model, make_ids):
    ids = make_ids(1, T)
    keep = [n for n in model.hook_names() if n not in EDITABLE]
    same = {"op": "patch", "ids": ids[0].tolist()}
    specs = [{"hook": n, "op": "scale", "factor": 1} for n in keep]
    specs += [{"hook": n, **same} for n in keep]
    plain, found = after(model, ids, *specs)
    for name, value in plain.items():
        torch.testing.assert_close(found[name], value, atol=1e-4, rtol=1e-4, msg=name)
    assert edits_of(model, []) == {}


def test_specs_come_from_json_and_stay_as_they_are(small, make_ids):
    text = '{"hook": "blocks.0.mlp.post", "op": "zero", "neuron": 3, "head": null}'
    spec = json.loads(text)
    _, found = after(small, make_ids(1, T, vocab=31), spec)
    assert found["blocks.0.mlp.post"][..., 3].abs().max() == 0
    assert spec == json.loads(text)


Z = "blocks.0.attn.z"
PATCH = {"hook": Z, "op": "patch", "ids": [1, 2, 3]}
REFUSED = {
    "no hook": ({"op": "zero"}, "an edit needs a hook"),
    "unknown hook": ({"hook": "blocks.9.attn.z", "op": "zero"}, "no hook matches"),
    "no op": ({"hook": Z}, "no op None: known: zero, mean, scale, patch"),
    "unknown op": ({"hook": Z, "op": "patsch"}, "did you mean 'patch'"),
    "unknown key": ({"hook": Z, "op": "zero", "heads": 1}, "did you mean 'head'"),
    "foreign key": ({"hook": Z, "op": "zero", "factor": 1}, "no field 'factor'"),
    "negative": ({"hook": Z, "op": "zero", "head": -1}, "head=-1 of an edit"),
    "no index": ({"hook": Z, "op": "zero", "head": True}, "head=True of an edit"),
    "half": ({"hook": Z, "op": "zero", "position": 1.5}, "position=1.5 of an edit"),
    "no factor": ({"hook": Z, "op": "scale"}, "scale needs a factor"),
    "nan": ({"hook": Z, "op": "scale", "factor": math.nan}, "scale needs a factor"),
    "true": ({"hook": Z, "op": "scale", "factor": True}, "scale needs a factor"),
    "no ids": ({"hook": Z, "op": "patch"}, "patch needs ids"),
    "a text": ({"hook": Z, "op": "patch", "ids": "abc"}, "patch needs ids"),
    "no tokens": ({**PATCH, "ids": []}, "patch needs ids"),
    "no token": (
        {**PATCH, "ids": [31]},
        "31 of the other text is no token: .* 0 to 30",
    ),
    "long": ({**PATCH, "ids": [1] * 17}, "17 tokens of the other text .* 16"),
    "from nowhere": ({**PATCH, "from": 1}, "from=1 is a position of the other text"),
    "tokens": ({"hook": "tokens", "op": "zero"}, "tokens are ids"),
    "head": (
        {"hook": Z, "op": "zero", "head": 4},
        "head 4 is outside .*: it has 4, fr",
    ),
    "kv head": ({"hook": "blocks.0.attn.k", "op": "zero", "head": 2}, "it has 2, from"),
    "neuron": ({"hook": Z, "op": "zero", "neuron": 6}, "neuron 6 .* from 0 to 5"),
    "position": ({"hook": Z, "op": "zero", "position": 9}, "position 9 .* 0 to 8"),
    "no heads": ({"hook": "embed", "op": "zero", "head": 0}, "embed has no head"),
    "lengths": (PATCH, "3 tokens and this one 9: .* or choose a position"),
    "their end": (
        {**PATCH, "position": 0, "from": 3},
        "position 3 is outside .* 0 to 2",
    ),
    "rows": (
        {**PATCH, "hook": "blocks.0.attn.pattern", "position": 1},
        "make them equally long$",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_meant_is_refused(small, make_ids, why):
    spec, message = REFUSED[why]
    with pytest.raises(ValueError, match=message):
        small.run_with_hooks(make_ids(1, T, vocab=31), edits_of(small, [spec]))
    assert small._listener is None


def test_a_loss_has_no_neurons(small, make_ids):
    edit = edits_of(small, [{"hook": "loss", "op": "zero", "neuron": 0}])["loss"]
    with pytest.raises(ValueError, match="loss has no neuron"):
        edit(torch.ones(1, T), "loss")


def test_the_given_value_is_left_alone(small):
    value = torch.randn(1, T, 24)
    before = value.clone()
    edit = edits_of(small, [{"hook": "embed", "op": "zero"}])["embed"]
    assert edit(value, "embed").abs().max() == 0
    assert torch.equal(value, before)


def test_every_op_is_known():
    assert set(OPS) == {"zero", "mean", "scale", "patch"}

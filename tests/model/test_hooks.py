import json

import pytest
import torch
from torch.nn import functional as F

from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.model.hook_table import CONDITIONS, HOOKS, hooks_json

ON_DEMAND = "head_out"


def test_looking_changes_nothing(model, make_ids):
    ids = make_ids(2, 20)
    with torch.no_grad():
        plain = model(ids)
    seen, _cache = model.run_with_cache(ids)
    torch.testing.assert_close(seen, plain, atol=1e-4, rtol=1e-4)
    with torch.no_grad():
        assert torch.equal(model(ids), plain)  # and nothing is left behind


def test_the_table_is_what_the_model_does(model, make_ids):
    """Every name, in the order of computation; axes as long as the table says."""
    with model.listening(keep=["*", "*.head_out"] if model.config.attn_output else "*"):
        model.loss(make_ids(2, 20), make_ids(2, 20))
        kept = list(model._listener.values)
        values = dict(model._listener.values)
    assert kept == model.hook_names()
    by_name = {hook.name: hook for hook in HOOKS}
    for name, value in values.items():
        parts = name.split(".")
        table = (
            ".".join(["blocks", "{i}", *parts[2:]]) if parts[0] == "blocks" else name
        )
        assert len(by_name[table].axes.split(", ")) == value.dim(), name
        assert by_name[table].meaning in by_name[table].explain()


def test_the_table_is_json():
    rows = json.loads(hooks_json())
    assert len(rows) == len(HOOKS) and rows[0]["name"] == "tokens"
    assert {row["when"] for row in rows} <= set(CONDITIONS)


def test_identities_of_the_stream(model, make_ids):
    keep = ["*", "*.head_out"] if model.config.attn_output else "*"
    _, cache = model.run_with_cache(make_ids(2, 20), keep)
    close = {"atol": 1e-4, "rtol": 1e-4}
    for i in range(model.config.n_layer):
        at = f"blocks.{i}."
        pattern = cache[at + "attn.pattern"]
        torch.testing.assert_close(pattern.sum(-1), torch.ones(2, 4, 20))
        assert pattern.triu(1).abs().max() == 0
        if model.config.attn_output:
            out = cache[at + "attn.head_out"].sum(1)
            bias = model.blocks[i].attn.out.bias
            out = out if bias is None else out + bias
            torch.testing.assert_close(out, cache[at + "attn.out"], **close)
        if model.config.norm_position == "post":
            continue
        mid = cache[at + "resid_pre"] + cache[at + "attn.out"]
        torch.testing.assert_close(mid, cache[at + "resid_mid"], **close)
        post = cache[at + "resid_mid"] + cache[at + "mlp.out"]
        torch.testing.assert_close(post, cache[at + "resid_post"], **close)


def test_every_edit_reaches_the_logits(model, make_ids):
    """Each hook is on the path: scaling its value changes what comes out."""
    ids = make_ids(1, 9)
    with torch.no_grad():
        plain = model(ids)
    scale_free = ("tokens", "loss")
    for name in model.hook_names():
        if name in scale_free:
            continue
        edited = model.run_with_hooks(ids, {name: lambda x, name: 0.3 * x + 0.2})
        assert not torch.allclose(edited, plain, atol=1e-6), name
        untouched = model.run_with_hooks(ids, {name: lambda x, name: None})
        torch.testing.assert_close(untouched, plain, atol=1e-4, rtol=1e-4)


def test_edited_tokens_are_the_ones_that_are_read(make_ids):
    model = GPT(GPTConfig(vocab_size=97, n_layer=1, n_embd=32)).eval()
    ids = make_ids(1, 9)
    edited = model.run_with_hooks(ids, {"tokens": lambda x, name: (x + 1) % 97})
    with torch.no_grad():
        torch.testing.assert_close(edited, model((ids + 1) % 97))


def test_zeroing_a_head_removes_what_it_writes(make_ids):
    torch.manual_seed(0)
    model = GPT(
        GPTConfig.gpt2(vocab_size=97, block_size=32, n_layer=1, n_head=4, n_embd=32)
    )

    def knock_out(z, name):
        z = z.clone()
        z[:, 2] = 0
        return z

    with model.listening(edits={"*.attn.z": knock_out}, keep="*.attn.out") as edited:
        model(make_ids(1, 10))
    _, cache = model.run_with_cache(make_ids(1, 10), ["*.head_out", "*.attn.out"])
    without = cache["attn.out", 0] - cache["attn.head_out", 0][:, 2]
    torch.testing.assert_close(edited["attn.out", 0], without)


def test_fused_unless_asked(make_ids):
    model = GPT(GPTConfig.modern(vocab_size=97, n_layer=1, n_embd=32, n_head=4)).eval()
    attn = model.blocks[0].attn
    for keep, path in [("*.z", "fused"), ("*.pattern", "explicit"), ("*.q", "fused")]:
        model.run_with_cache(make_ids(1, 5), keep)
        assert attn.path_used == path
    model(make_ids(1, 5))
    assert attn.path_used == "fused"
    capped = GPT(model.config.replace(attn_softcap=5.0))
    capped(make_ids(1, 5))
    assert capped.blocks[0].attn.path_used == "explicit"


def test_listeners_nest_and_always_leave(make_ids):
    model = GPT(GPTConfig(vocab_size=97, n_layer=1, n_embd=32)).eval()
    ids = make_ids(1, 5)
    with torch.no_grad(), model.listening(keep="*.mlp.out") as outer:
        with model.listening(edits={"*.mlp.out": lambda x, name: x + 1}) as inner:
            model(ids)
            edited = outer["mlp.out", 0].clone()
        model(ids)
    torch.testing.assert_close(edited, outer["mlp.out", 0] + 1)
    assert len(inner) == 0
    with pytest.raises(RuntimeError, match="on purpose"):

        def stumble(x, name):
            raise RuntimeError("on purpose")

        model.run_with_hooks(ids, {"*.q": stumble})
    assert all(getattr(m, "_listener", None) is None for m in model.modules())


def test_mistakes_are_named(make_ids):
    model = GPT(GPTConfig(vocab_size=97, n_layer=1, n_embd=32))
    with pytest.raises(ValueError, match=r"atn\.pattern.*blocks\.0\.attn\.pattern"):
        model.run_with_cache(make_ids(1, 5), "blocks.0.atn.pattern")
    with pytest.raises(ValueError, match=r"returned \(1, 5\).*must keep"):
        model.run_with_hooks(make_ids(1, 5), {"*.mlp.out": lambda x, name: x[..., 0]})
    with pytest.raises(ValueError, match="returned int"):
        model.run_with_hooks(make_ids(1, 5), {"*.mlp.out": lambda x, name: 3})
    _, cache = model.run_with_cache(make_ids(1, 5), "*.attn.*")
    with pytest.raises(KeyError, match="was not kept"):
        cache["resid_post", 0]
    with pytest.raises(KeyError, match="use the full name"):
        model.run_with_cache(make_ids(1, 5))[1]["out", 0]


def test_shorthand_stack_and_explain(make_ids):
    model = GPT(GPTConfig(vocab_size=97, n_layer=3, n_embd=32))
    _, cache = model.run_with_cache(make_ids(2, 5), "*.resid_post")
    assert torch.equal(cache["resid_post", -1], cache["blocks.2.resid_post"])
    assert cache.stack("resid_post").shape == (3, 2, 5, 32)
    assert cache.nbytes == 3 * 2 * 5 * 32 * 4
    assert "blocks.1.resid_post  (2, 5, 32)" in cache.explain()


def test_gradients_of_what_was_kept(make_ids):
    model = GPT(GPTConfig(vocab_size=97, n_layer=1, n_embd=32)).eval()
    ids, targets = make_ids(1, 5), make_ids(1, 5, seed=3)
    logits, cache = model.run_with_cache(ids, ["*.pattern", "logits"], grads=True)
    F.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
    want = (logits.softmax(-1) - F.one_hot(targets, 97)) / targets.numel()
    torch.testing.assert_close(cache.grad["logits"], want.detach())
    assert cache.grad["blocks.0.attn.pattern"].abs().max() > 0


def test_the_lens_on_the_last_stream_is_the_output(model, make_ids):
    logits, cache = model.run_with_cache(make_ids(1, 7), "*.resid_post")
    with torch.no_grad():
        lens = model.unembed(cache["resid_post", -1])
    torch.testing.assert_close(lens, logits, atol=1e-5, rtol=1e-5)


def test_the_cache_is_a_copy(make_ids):
    model = GPT(GPTConfig(vocab_size=97, n_layer=1, n_embd=32))
    ids = make_ids(1, 5)
    before = ids.clone()
    _, cache = model.run_with_cache(ids)
    cache["tokens"].zero_()
    assert torch.equal(ids, before)

"""ledger(): every closed form equals torch's count, every shape that of the hook."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from minigpt_edu.learn.catalogue.attention_costs import flops
from minigpt_edu.learn.ledger import attention_ledger, evaluate, ledger
from minigpt_edu.model import GPT, GPTConfig


@st.composite
def configs(draw: st.DrawFn) -> GPTConfig:
    groups, kv_heads = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    heads = groups * kv_heads
    size = 2 * draw(st.integers(1, 4))
    mixed = draw(st.booleans())
    return GPTConfig(
        vocab_size=draw(st.integers(1, 40)),
        block_size=16,
        n_layer=draw(st.integers(1, 3)),
        n_head=heads,
        n_kv_head=kv_heads,
        n_embd=2 * draw(st.integers(1, 9)) if mixed else heads * size,
        head_dim=size,
        n_hidden=draw(st.none() | st.integers(1, 30)),
        position=draw(st.sampled_from(["learned", "rope", "sinusoidal", "none"])),
        norm=draw(st.sampled_from(["layer", "rms"])),
        norm_position=draw(st.sampled_from(["pre", "post"])),
        mlp=draw(st.sampled_from(["gelu", "relu", "relu2", "swiglu"])),
        bias=draw(st.booleans()),
        attn_output=True if mixed else draw(st.booleans()),
        tie_weights=draw(st.booleans()),
        qk_norm=draw(st.booleans()),
        attn_softcap=draw(st.none() | st.just(5.0)),
        logit_softcap=draw(st.none() | st.just(5.0)),
    )


@settings(max_examples=60)
@given(configs(), st.integers(1, 3), st.integers(1, 16))
def test_closed_forms_equal_counts_and_shapes_those_of_the_hooks(
    config: GPTConfig, B: int, T: int
) -> None:
    model = GPT(config).eval()
    ids = torch.zeros(B, T, dtype=torch.long)
    found = ledger(model, ids)
    for row in found.rows:
        assert row.flops == row.formula_flops, row.explain()
        assert row.shape == tuple(
            evaluate(axis, found.sizes) for axis in row.axes.split()
        )
    assert found.agrees
    assert found.flops == found.formula_flops

    with FlopCounterMode(display=False) as counter:
        _, cache = model.run_with_cache(ids)
    assert found.flops == counter.get_total_flops()
    assert found.bytes == cache.nbytes
    layers = [row.times for row in found.rows]
    assert sum(layers) == len(cache)
    assert set(layers) <= {1, config.n_layer}


@given(st.integers(1, 3), st.integers(1, 20), st.integers(1, 3), st.integers(1, 3))
def test_one_attention_layer_of_any_size(B: int, T: int, H: int, D: int) -> None:
    found = attention_ledger(B=B, T=T, C=H * D, H=H)
    assert found.agrees
    assert found.flops == B * flops(T, H * D, H)
    assert found["attn.pattern"].shape == (B, H, T, T)


def test_sizes_may_be_larger_than_any_memory() -> None:
    found = attention_ledger(T=1_000_000, C=768, H=12, K=4)
    assert found.agrees
    assert found["attn.pattern"].bytes == 4 * 12 * 10**12
    assert found["attn.k"].shape == (1, 4, 1_000_000, 64)


@pytest.fixture
def small() -> GPT:
    torch.manual_seed(0)
    return GPT(
        GPTConfig.modern(vocab_size=9, block_size=8, n_layer=2, n_head=2, n_embd=8)
    )


IDS = torch.zeros(1, 3, dtype=torch.long)


def test_looking_changes_nothing(small: GPT) -> None:
    before = small(IDS)
    ledger(small, IDS)
    assert torch.equal(small(IDS), before)
    assert small._listener is None


def test_rows_can_be_chosen(small: GPT) -> None:
    found = ledger(small, IDS)
    attention = found.select("attn")
    assert {row.name.split(".")[0] for row in attention.rows} == {"attn"}
    assert all(row.flops for row in found.products().rows)
    assert found.products().flops == found.flops
    assert found["logits"].explain() == (
        "logits (B T V) = (1, 3, 9), 108 bytes, 432 operations = 2 B T C V"
    )
    assert found["attn.q"].explain().endswith("operations = 2 B T C H D, 2 times")
    with pytest.raises(ValueError, match=r"no row begins with atn; there are: tokens"):
        found.select("atn")


def test_a_wrong_closed_form_is_reported(
    small: GPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = __import__("sys").modules["minigpt_edu.learn.ledger"]
    monkeypatch.setitem(module._PRODUCTS, "attn.z", "2 B H T S")
    found = ledger(small, IDS)
    assert not found.agrees
    assert "does not equal the count of attn.z." in found.explain()


def test_it_reads_alike_as_text_and_as_a_table(small: GPT) -> None:
    found = ledger(small, IDS).select("attn").products()
    text, markdown = repr(found), found._repr_markdown_()
    row = " ".join(text.splitlines()[1].split())
    assert row == "attn.q x2 B H T D 1 x 2 x 3 x 4 float32 192 768 2 x 2 B T C H D"
    assert "| `attn.q x2` | B H T D | 1 x 2 x 3 x 4 | float32 | 192 | 768 |" in markdown
    assert text.splitlines()[-1] == markdown.splitlines()[-1] == found.explain()
    assert "V=" not in text
    assert repr(ledger(small, IDS)) == repr(ledger(small, IDS))


@pytest.mark.parametrize("begins", ["attn", ""])
def test_the_rows_of_the_table_add_up_to_its_last_one(small: GPT, begins: str) -> None:
    found = ledger(small, IDS)
    found = found.select(begins) if begins else found
    _, *rows, last = found._table()
    for column in (4, 5):
        numbers = [int(row[column].replace(",", "") or 0) for row in [*rows, last]]
        assert sum(numbers[:-1]) == numbers[-1] > 0
    assert last[4:6] == (f"{found.bytes:,}", f"{found.flops:,}")


def test_a_formula_is_a_product() -> None:
    assert evaluate("2 B T C", {"B": 2, "T": 3, "C": 5}) == 60
    assert evaluate("", {}) == 0


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"n_embd=10 must be a multiple of n_head=4"):
        attention_ledger(T=3, C=10, H=4)

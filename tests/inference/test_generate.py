"""Generation: a cache changes nothing, tokens come one by one, text stays whole."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from minigpt_edu.inference import (
    Sampler,
    TokenStep,
    complete,
    generate,
    stream,
    stream_text,
)
from minigpt_edu.model import GPT, GPTConfig, KVCache
from minigpt_edu.text import ByteBPE, ByteTokenizer, CharTokenizer

SHAPE = {"vocab_size": 97, "block_size": 64, "n_layer": 2, "n_head": 4, "n_embd": 32}
CONFIGS = {
    "gpt2": GPTConfig.gpt2(**SHAPE),
    "modern": GPTConfig.modern(**SHAPE, n_kv_head=2, tie_weights=False),
    "one key head": GPTConfig.modern(**SHAPE, n_kv_head=1, tie_weights=False),
    "sinusoidal, post norm": GPTConfig.gpt2(
        **SHAPE, position="sinusoidal", norm_position="post", final_norm=False
    ),
    "no positions, parallel": GPTConfig.gpt2(
        **SHAPE, position="none", parallel_block=True, tie_weights=False
    ),
    "capped": GPTConfig.modern(
        **SHAPE, qk_norm=True, attn_softcap=5.0, logit_softcap=9.0, tie_weights=False
    ),
}
PROMPT = [5, 17, 3, 88]


def make(config: GPTConfig, seed: int = 0, sharpen: float = 8.0) -> GPT:
    """Random weights, enlarged so that tokens differ clearly."""
    torch.manual_seed(seed)
    model = GPT(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(sharpen)
    return model


@pytest.fixture(scope="module")
def model() -> GPT:
    return make(CONFIGS["modern"])


@torch.no_grad()
def without_cache(
    model: GPT, ids: Sequence[int], new: int, sampler: Sampler | None = None
) -> list[int]:
    """The plainest way: read everything again for each token, take the best."""
    ids = list(ids)
    for _ in range(new):
        logits = model(torch.tensor([ids]))[:, -1]
        ids.append(int(logits.argmax() if sampler is None else sampler(logits)))
    return ids[-new:]


# --- the loop -------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONFIGS)
def test_sixty_tokens_equal_those_without_a_cache(name: str):
    model = make(CONFIGS[name])
    expected = without_cache(model, PROMPT, 60)
    assert generate(model, PROMPT, max_new=60) == expected
    # greedy texts of random weights go in circles; drawn ones do not
    drawn = without_cache(model, PROMPT, 60, Sampler.of(temperature=4, seed=1))
    assert len(set(drawn)) > 20
    sampler = Sampler.of(temperature=4, seed=1)
    assert generate(model, PROMPT, max_new=60, sampler=sampler) == drawn


def watched(model: GPT, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of tokens of each pass through the model, as they happen."""
    lengths: list[int] = []
    original = model.residual

    def residual(ids: Tensor, *args: object, **kwargs: object) -> Tensor:
        lengths.append(ids.shape[1])
        return original(ids, *args, **kwargs)

    monkeypatch.setattr(model, "residual", residual)
    return lengths


def test_each_token_arrives_before_the_next_is_computed(model: GPT, monkeypatch):
    passes = watched(model, monkeypatch)
    steps = stream(model, PROMPT, max_new=5)
    assert passes == []
    for count in range(1, 6):
        next(steps)
        # the whole prompt once, then one token at a time: the cache is used
        assert passes == [4, 1, 1, 1, 1][:count]
    assert next(steps, None) is None
    assert len(passes) == 5


@torch.no_grad()
def test_the_records_say_what_happened(model: GPT):
    steps = list(stream(model, PROMPT, max_new=6, candidates=4))
    ids = list(PROMPT)
    for count, step in enumerate(steps):
        logprobs = model(torch.tensor([ids]))[0, -1].log_softmax(dim=-1)
        assert step.cached == len(PROMPT) + count
        assert step.logprob == pytest.approx(float(logprobs[step.id]), abs=1e-5)
        best = logprobs.exp().topk(4)
        assert [id for id, _ in step.candidates] == best.indices.tolist()
        assert [p for _, p in step.candidates] == pytest.approx(best.values.tolist())
        assert step.candidates[0][0] == step.id  # greedy
        ids.append(step.id)
    assert [step.ending for step in steps] == [""] * 5 + ["length"]
    assert all(stream_step.candidates == () for stream_step in stream(model, PROMPT))


def test_explain_is_one_sentence_with_the_probabilities():
    step = TokenStep(7, math.log(0.25), ((9, 0.5), (7, 0.25)), 12, "context")
    assert step.explain() == (
        "token 7 after 12 others: the model gave it 25.0%, and 50.0% to its favourite, "
        "token 9; there is no room for another"
    )
    assert "favourite" not in TokenStep(9, math.log(0.5), ((9, 0.5),), 12).explain()


def test_zero_tokens_are_no_work(model: GPT, monkeypatch):
    passes = watched(model, monkeypatch)
    assert generate(model, PROMPT, max_new=0) == []
    assert passes == []


def test_a_stop_token_is_the_last_one(model: GPT):
    whole = generate(model, PROMPT, max_new=30)
    stop = whole[12]
    steps = list(stream(model, PROMPT, max_new=30, stop=[stop, 96]))
    first = whole.index(stop)
    assert [step.id for step in steps] == whole[: first + 1]
    assert steps[-1].ending == "stop"
    assert generate(model, PROMPT, max_new=30, stop=[stop, 96]) == whole[: first + 1]


def test_the_end_of_the_context_ends_the_text(model: GPT):
    """64 places: the token after the 64th is known, but cannot be read any more."""
    prompt = PROMPT * 15
    steps = list(stream(model, prompt, max_new=100))
    assert len(steps) == 5
    assert [step.cached for step in steps] == [60, 61, 62, 63, 64]
    assert [step.ending for step in steps] == ["", "", "", "", "context"]
    full = list(stream(model, PROMPT * 16, max_new=100))
    assert [step.ending for step in full] == ["context"]


def test_a_text_goes_on_in_the_cache_it_left(model: GPT, monkeypatch):
    expected = generate(model, PROMPT, max_new=20)
    passes = watched(model, monkeypatch)
    cache = KVCache(model.config)
    ids = [step.id for step in stream(model, PROMPT, max_new=8, cache=cache)]
    ids += [step.id for step in stream(model, ids[-1:], max_new=12, cache=cache)]
    assert ids == expected
    assert passes == [4] + [1] * 19
    assert cache.lengths == [4 + 19]


def test_a_row_of_a_larger_cache_will_do(model: GPT):
    cache = KVCache(model.config, rows=3)
    steps = stream(model, PROMPT, max_new=20, cache=cache.row(1))
    assert [step.id for step in steps] == generate(model, PROMPT, max_new=20)
    assert cache.lengths == [0, 23, 0]


def test_the_sampler_sees_the_prompt_and_what_followed():
    """With a huge penalty no token comes twice, and none of the prompt's."""
    model = make(CONFIGS["gpt2"], sharpen=3.0)
    sampler = Sampler.of(temperature=0, repetition_penalty=1e9)
    ids = generate(model, PROMPT, max_new=40, sampler=sampler)
    negative = model(torch.tensor([PROMPT]))[0, -1].min() < 0
    assert negative and len({*PROMPT, *ids}) == 44


def test_seeds_repeat_and_differ(model: GPT):
    def ids(seed: int) -> list[int]:
        sampler = Sampler.of(temperature=1.5, top_k=40, seed=seed)
        return generate(model, PROMPT, max_new=30, sampler=sampler)

    torch.manual_seed(1)
    before = torch.get_rng_state()
    assert ids(7) == ids(7) != ids(8)
    assert torch.equal(torch.get_rng_state(), before)


# --- what it leaves behind ------------------------------------------------------------


def test_dropout_is_off_and_every_module_is_left_as_found():
    model = make(CONFIGS["gpt2"].replace(dropout=0.5))
    expected = generate(model, PROMPT, max_new=20)
    model.train()
    model.blocks[0].eval()  # somebody froze a part
    modes = {name: module.training for name, module in model.named_modules()}
    ids = []
    for step in stream(model, PROMPT, max_new=20):
        ids.append(step.id)
        assert {n: m.training for n, m in model.named_modules()} == modes
    assert ids == expected


def test_modes_are_restored_after_an_error():
    model = make(CONFIGS["gpt2"].replace(dropout=0.5)).train()
    with torch.no_grad():
        model.token_embedding.weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="NaN"):
        generate(model, PROMPT, sampler=Sampler.of(seed=0))
    assert model.training and all(m.training for m in model.modules())


def test_no_gradients_and_training_goes_on_afterwards():
    model = make(CONFIGS["modern"])
    cache = KVCache(model.config)
    list(stream(model, PROMPT, max_new=3, cache=cache))
    assert all(p.grad is None for p in model.parameters())
    ids = torch.tensor([PROMPT])
    model.loss(ids, ids).backward()
    assert all(p.grad is not None for p in model.parameters())
    assert model(ids, cache).requires_grad  # the cache itself is an ordinary tensor


class NoDoubles(TorchDispatchMode):
    """Fails at the first float64 tensor: Apple's GPUs have none."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in [*args, result]:
            if isinstance(tensor, Tensor):
                assert tensor.dtype != torch.float64, func
        return result


@pytest.mark.parametrize("temperature", [0, 0.8])
def test_no_double_precision_tensor_is_made(model: GPT, temperature: float):
    sampler = Sampler.of(
        temperature=temperature,
        top_k=20,
        top_p=0.9,
        min_p=0.01,
        repetition_penalty=1.1,
        seed=0,
    )
    with NoDoubles():
        list(stream(model, PROMPT, max_new=5, sampler=sampler, candidates=3))


# --- what is refused, before any work -------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "options", "says"),
    [
        ([], {}, "empty prompt"),
        ([1] * 65, {}, "65 tokens.*room for 64"),
        ([5, 97], {}, "id 97 .*vocabulary of 97"),
        ([-1], {}, "id -1 "),
        ([1.5], {}, r"ids \[1.5\] are not a flat sequence of whole numbers"),
        ([[5, 17]], {}, "not a flat sequence"),
        ("abc", {}, "'abc' are not a flat sequence"),
        (5, {}, "ids 5 are not a flat sequence"),
        (torch.tensor([[5], [17]]), {}, r"of shape \(2, 1\) are not a flat"),
        (torch.tensor([5.0]), {}, "not a flat sequence"),
        ([5], {"max_new": -1}, "max_new=-1"),
        ([5], {"candidates": -1}, "candidates=-1"),
        ([5], {"candidates": 98}, "candidates=98 .*97"),
        ([5], {"cache": KVCache(CONFIGS["modern"], rows=2)}, "2 rows"),
        ([5] * 9, {"cache": KVCache(CONFIGS["modern"], slots=8)}, "9 tokens.*for 8"),
    ],
)
def test_bad_input_is_refused_at_the_call(model, monkeypatch, ids, options, says):
    passes = watched(model, monkeypatch)
    with pytest.raises(ValueError, match=says):
        stream(model, ids, **options)  # before the first token is asked for
    assert passes == []


@pytest.mark.parametrize("kind", [tuple, torch.tensor, np.array])
def test_any_flat_container_of_ids_gives_the_same_text(model: GPT, kind):
    assert generate(model, kind(PROMPT), max_new=5) == generate(
        model, PROMPT, max_new=5
    )


def test_what_is_in_the_cache_takes_room(model: GPT):
    cache = KVCache(model.config, slots=10)
    list(stream(model, PROMPT, max_new=3, cache=cache))  # 6 of 10 places
    with pytest.raises(ValueError, match=r"5 tokens.*room for 4"):
        stream(model, [1] * 5, cache=cache)


# --- text -----------------------------------------------------------------------------


class Scripted(GPT):
    """Says what it is told to, whatever it reads."""

    def __init__(self, vocab_size: int, script: Sequence[int]) -> None:
        super().__init__(CONFIGS["modern"].replace(vocab_size=vocab_size))
        self.script = iter(script)
        self.read: list[list[int]] = []

    def residual(self, ids: Tensor, *args, **kwargs) -> Tensor:
        self.read.append(ids[0].tolist())
        return super().residual(ids, *args, **kwargs)

    def unembed(self, x: Tensor) -> Tensor:
        logits = torch.zeros(1, self.config.vocab_size)
        logits[0, next(self.script)] = 9.0
        return logits


TEXT = "ação: 🙂👩‍🚀 fim"


@pytest.mark.parametrize(
    "tokenizer",
    [ByteTokenizer(), CharTokenizer.train(TEXT), ByteBPE.train(TEXT * 3, 280)],
    ids=repr,
)
def test_text_comes_in_whole_characters(tokenizer):
    ids = tokenizer.encode(TEXT)
    model = Scripted(tokenizer.vocab_size, ids)
    pieces = list(stream_text(model, tokenizer, "a", max_new=len(ids)))
    assert "".join(pieces) == TEXT
    assert "\ufffd" not in "".join(pieces) and all(pieces)


@pytest.mark.parametrize("cut", range(1, 4))
def test_half_a_character_at_the_end_is_not_shown(cut: int):
    tokenizer = ByteTokenizer()
    ids = tokenizer.encode("ok🙂")
    model = Scripted(tokenizer.vocab_size, ids)
    assert complete(model, tokenizer, "a", max_new=2 + cut) == "ok"


def test_text_stops_at_the_end_of_a_document_and_does_not_show_it():
    tokenizer = ByteTokenizer()
    script = tokenizer.encode("fim<|eos|>outro", allow_special=True)
    model = Scripted(tokenizer.vocab_size, script)
    assert complete(model, tokenizer, "a") == "fim"
    model = Scripted(tokenizer.vocab_size, script)
    stop = tokenizer.encode("m")
    assert complete(model, tokenizer, "a", stop=stop) == "fi"
    model = Scripted(tokenizer.vocab_size, script)
    assert complete(model, tokenizer, "a", max_new=9, stop=()) == "fim<|eos|>outro"


def test_an_empty_prompt_begins_a_document_and_prompts_are_only_text():
    tokenizer = ByteTokenizer()
    model = Scripted(tokenizer.vocab_size, tokenizer.encode("x"))
    assert complete(model, tokenizer, "", max_new=1) == "x"
    assert model.read == [[tokenizer.special["<|eos|>"]]]
    model = Scripted(tokenizer.vocab_size, tokenizer.encode("x"))
    complete(model, tokenizer, "<|eos|>", max_new=1)
    assert model.read == [tokenizer.encode("<|eos|>")]  # seven bytes, no command


def test_text_too_long_for_the_context_is_refused_at_the_call(model: GPT):
    tokenizer = CharTokenizer.train("abc")
    with pytest.raises(ValueError, match=r"100 tokens.*room for 64"):
        stream_text(model, tokenizer, "a" * 100)

"""What exists in Python and in the page gives the same: text, chance, names, shapes.

The questions are hypothesis's and our own; both sides answer, and must agree.
"""

from __future__ import annotations

import difflib
import math
import random
import re
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pytest
import regex
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_edu.corpora import SHIPPED, load_corpus
from minigpt_edu.inference import Sampler
from minigpt_edu.inference.rng import Mulberry32, draw
from minigpt_edu.model import GPTConfig
from minigpt_edu.model.hook_table import CONDITIONS, hook_names
from minigpt_edu.model.hooks import Listener
from minigpt_edu.text import ByteBPE, StreamDecoder
from minigpt_edu.text.split import split_words

HOSTILE = [
    "",
    " ",
    "\n \n\t  x\r\n",
    "It's we'll they've I'd I'm can't you're; IT'S ''s 's d'água l'été ’s",
    "A lâmpada está acesa; não há ninguém à vista. São 1.234,56 ½ Ⅷ ٣٤",
    "\u00a0no-break\u2003em\u3000wide\u2028line\u2029\u0085next\u200bzero\u180e",
    "\x00\x1c\x1d\x1e\x1f\x0b\x0c\x7f\ufeffbom \ufeff\ufffd\ufffe\uffff\U0010ffff",
    "ﬁ ǅ ª º ʰ ̈ a\u0301 가 각 \u1100\u1161 日本語 مرحبا שלום नमस्ते",
    "👩‍👩‍👧‍👦 🇧🇷 👍🏽 🙂🙂🙂 e\u20dd #️⃣",
    "<|eos|><|pad|> <| eos |> <|unk|><|bos|>x</s>",
    "a" * 500 + " " * 500 + "=" * 500 + "1" * 500,
    "__proto__ constructor toString hasOwnProperty",
    "<script>alert('\\u0041')</script> & \\n \" ` ${x}",
]


@pytest.fixture(scope="module")
def tokenizer(javascript) -> ByteBPE:
    """1,024 tokens of both languages, and one special token more; on both sides."""
    texts = [load_corpus(name).text[:40_000] for name in SHIPPED]
    learned = ByteBPE.train("\n".join(texts), 1024, special=["<|user|>"])
    known = javascript("load", learned.to_json())
    assert known["size"] == learned.vocab_size == 1024
    assert dict(known["special"]) == dict(learned.special)
    return learned


@pytest.fixture(scope="module")
def newer(javascript) -> frozenset[str]:
    """Characters that only one side's Unicode tables know: there they may differ."""
    properties = (r"\p{L}", r"\p{N}", r"\p{White_Space}")
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    found: set[str] = set()
    for name in properties:
        pattern = regex.compile(name)
        ours = {c for c in every if pattern.match(c)}
        found |= ours ^ {chr(code) for code in javascript("characters", name)}
    unknown = {chr(code) for code in javascript("characters", r"\p{Cn}")}
    unassigned = regex.compile(r"\p{Cn}")
    assert all(c in unknown or unassigned.match(c) for c in found)
    return frozenset(found)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_ids_of_a_corpus_are_equal(javascript, tokenizer, name):
    text = load_corpus(name).text
    assert javascript("encode", text, False) == tokenizer.encode(text)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("special", [False, True])
def test_the_ids_of_hostile_texts_are_equal(javascript, tokenizer, text, special):
    ids = tokenizer.encode(text, allow_special=special)
    assert javascript("encode", text, special) == ids
    assert javascript("decode", ids) == text
    assert javascript("words", text) == split_words(text)


characters = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from(" \t\n'sx\u00a0\u0085\ufeffé1½☃🙂"),
)


@settings(max_examples=400)
@given(st.text(characters), st.booleans())
def test_the_ids_of_any_text_are_equal(javascript, tokenizer, newer, text, special):
    text = "".join(character for character in text if character not in newer)
    ids = tokenizer.encode(text, allow_special=special)
    assert javascript("encode", text, special) == ids


def test_a_lone_surrogate_is_refused_alike(javascript, tokenizer):
    for text in ["\ud800", "ab\udfff", "🙂é\udc00🙂\ud800", "\udc00\ud800"]:
        with pytest.raises(ValueError) as ours:
            tokenizer.encode(text)
        with pytest.raises(javascript.error) as theirs:
            javascript("encode", text, False)
        said = re.match(r"character \d+ of \d+ is the lone surrogate", str(ours.value))
        assert said is not None
        assert str(theirs.value).startswith(said[0])


@given(st.lists(st.integers(0, 1023), max_size=30))
def test_any_ids_decode_alike(javascript, tokenizer, ids):
    stream = StreamDecoder(tokenizer)
    pieces = [*map(stream.push, ids), stream.flush()]
    assert javascript("decode", ids) == tokenizer.decode(ids) == "".join(pieces)
    assert javascript("pieces", ids) == pieces


broken = st.lists(
    st.sampled_from([0x41, 0x80, 0xBF, 0xC2, 0xE2, 0x82, 0xED, 0xF0, 0x9F, 0xF4, 0xFF])
)


@given(st.one_of(st.binary(), broken.map(bytes)))
def test_broken_bytes_become_the_same_text(javascript, data):
    assert javascript("text", list(data)) == data.decode("utf-8", errors="replace")


def test_every_token_has_the_same_bytes(javascript, tokenizer):
    for id in range(tokenizer.vocab_size):
        assert bytes(javascript("bytes", id)) == tokenizer.token_bytes(id)


@pytest.mark.parametrize("word", [" lighthouse", "não", "", "🙂", "1999"])
def test_the_steps_of_a_word_are_equal(javascript, tokenizer, word):
    assert javascript("steps", word) == list(tokenizer.steps(word))


def test_steps_take_one_word(javascript, tokenizer):
    with pytest.raises(javascript.error, match='"two words" is cut into 2: "two", '):
        javascript("steps", "two words")


@given(st.integers(0, 2**32 - 1))
def test_the_generator_gives_the_same_numbers(javascript, seed):
    source = Mulberry32(seed)
    assert javascript("uniform", seed, 20) == [source.uniform() for _ in range(20)]


parts = st.floats(0, 1, width=32).map(lambda p: 0.0 if p < 0.2 else p)


@given(st.lists(parts, min_size=1), st.floats(0, 1, exclude_max=True))
def test_a_draw_chooses_the_same_id(javascript, probs, u):
    if sum(probs) == 0:
        with pytest.raises(javascript.error, match="add up to 0"):
            javascript("draw", probs, u)
    else:
        assert javascript("draw", probs, u) == draw(probs, u)


# Quarters, so that many logits are equal; and a few that are anything.
quarters = st.integers(-40, 40).map(lambda n: n / 4)
logit = st.one_of(quarters, st.floats(-50, 50, width=32), st.just(-math.inf))
knobs = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from([0, 0.1, 0.7, 1, 1.3, 5]),
        "top_k": st.integers(1, 40),
        "top_p": st.sampled_from([0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.999, 1]),
        "min_p": st.sampled_from([0, 0.01, 0.1, 0.25, 0.5, 1]),
        "repetition_penalty": st.sampled_from([0.5, 1, 1.2, 3]),
    },
)


@settings(max_examples=500)
@given(
    st.lists(logit, min_size=1, max_size=60).filter(lambda x: max(x) > -math.inf),
    knobs,
    st.integers(0, 2**32 - 1),
    st.randoms(use_true_random=False),
)
def test_samplers_leave_the_same_and_draw_the_same(
    javascript, logits, knobs, seed, source
):
    seen = [source.randrange(len(logits)) for _ in range(source.randrange(6))]
    same_samples(javascript, logits, {**knobs, "seed": seed}, seen)


def test_samplers_agree_on_a_whole_vocabulary(javascript):
    source = np.random.default_rng(0)
    for seed in range(60):
        logits = source.normal(scale=3, size=1024).astype(np.float32).tolist()
        knobs = {
            "temperature": float(source.choice([0.5, 0.8, 1.1])),
            "top_k": int(source.integers(1, 900)),
            "top_p": float(source.uniform(0.1, 0.99)),
            "min_p": float(source.uniform(0.001, 0.1)),
            "repetition_penalty": 1.1,
        }
        kept = [name for name in knobs if source.random() < 0.5]
        chosen = {name: knobs[name] for name in kept}
        seen = source.integers(0, 1024, size=20).tolist()
        same_samples(javascript, logits, {**chosen, "seed": seed}, seen)


@pytest.mark.parametrize("size", range(2, 40))
def test_samplers_agree_where_a_sum_rounds_to_the_border(javascript, size):
    """Equal tokens, and a p that is a sum of some of them, but for the rounding."""
    for count in range(1, size):
        p = float(np.float32(count / size))
        same_samples(javascript, [0.0] * size, {"top_p": p, "seed": 0}, [])


@pytest.mark.parametrize("p", [0.01, 0.05, 0.1, 0.3, 0.7])
def test_samplers_agree_at_the_border_of_min_p(javascript, p):
    for best in np.array([-3.3, -0.1, 0.7, 1, 8.9, 20], dtype=np.float32):
        border = best + np.float32(math.log(p))
        near = [np.nextafter(border, np.float32(way)) for way in (-99, 99)]
        logits = [float(logit) for logit in (best, border, *near)]
        same_samples(javascript, logits, {"min_p": p, "seed": 0}, [])


def same_samples(
    javascript: Any, logits: list[float], knobs: dict[str, Any], seen: list[int]
) -> None:
    """Both sides leave the same sets, with the same probabilities, and draw alike."""
    sent = ["-Infinity" if math.isinf(x) else x for x in logits]
    found = javascript("sample", sent, knobs, seen, 8)
    sampler = Sampler.of(**knobs)
    rows, history = torch.tensor([logits]), torch.tensor([seen], dtype=torch.int64)
    stages = dict(sampler.stages(rows, history))
    assert [name for name, _ in found["stages"]] == list(stages)
    for name, probs in found["stages"]:
        ours = stages[name][0].numpy()
        assert np.array_equal(np.array(probs) > 0, ours > 0), name
        assert np.allclose(probs, ours, atol=1e-6), name
    assert found["ids"] == [int(sampler(rows, history)) for _ in range(8)]


@pytest.mark.parametrize("p", [0.01, 0.05, 0.125, 0.375, 0.9, 0.995, 0.5])
def test_rules_are_explained_alike(javascript, p):
    knobs = {
        "temperature": 3 * p,
        "top_k": 7,
        "top_p": p,
        "min_p": p,
        "repetition_penalty": 2 * p + 0.3,
    }
    ours = [rule.explain() for rule in Sampler.of(**knobs, seed=0).rules]
    assert javascript("explain", knobs) == ours
    assert javascript("explain", {"temperature": 0}) == [
        rule.explain() for rule in Sampler.of(temperature=0).rules
    ]


NAMES = hook_names(GPTConfig.modern(vocab_size=9, n_layer=2, qk_norm=True))


@settings(max_examples=300)
@given(st.text("*?[]!-abz.0\\^", max_size=8))
def test_patterns_mean_the_same(javascript, pattern):
    names = [*NAMES, "a", "b", "ab", "-", "!", "]", "[", "a-z", "\\", "^", "", "z.0"]
    expected = [name for name in names if fnmatchcase(name, pattern)]
    assert javascript("glob", pattern, names) == expected


@given(st.sampled_from(NAMES), st.randoms(use_true_random=False))
def test_the_nearest_names_are_the_same(javascript, name, source):
    letters = list(name)
    for _ in range(source.randrange(8)):
        letters[source.randrange(len(letters))] = source.choice("abz._")
    word = "".join(letters)
    for count, cutoff in [(3, 0.3), (1, 0.6)]:
        near = difflib.get_close_matches(word, NAMES, n=count, cutoff=cutoff)
        assert javascript("close", word, NAMES, count, cutoff) == near


@pytest.mark.parametrize("pattern", ["*", "*.z", "*head_out", "blocks.?.mlp.*", "nope"])
def test_the_same_hooks_are_chosen(javascript, pattern):
    config = GPTConfig.modern(vocab_size=9, n_layer=2)
    try:
        ours = Listener(hook_names(config), keep=pattern).kept_names
    except ValueError as error:
        near = re.findall(r"'([\w.]+)'", str(error))[1:]
        with pytest.raises(javascript.error) as theirs:
            javascript("select", pattern, config.to_dict())
        assert ", ".join(near) in str(theirs.value)
    else:
        assert set(javascript("select", pattern, config.to_dict())) == ours


def drawn_fields(source: random.Random) -> dict[str, object]:
    """Some fields of a config, sensible or not."""
    choices: dict[str, list[object]] = {
        "n_layer": [1, 2, 0],
        "n_head": [1, 2, 3, 4],
        "n_kv_head": [None, 1, 2, 3],
        "n_embd": [8, 12, 24, 127],
        "n_hidden": [None, 5],
        "head_dim": [None, 3, 4],
        "position": ["learned", "rope", "sinusoidal", "none", "alibi"],
        "norm_position": ["pre", "post"],
        "final_norm": [True, False],
        "mlp": ["gelu", "relu", "relu2", "swiglu"],
        "bias": [True, False],
        "attn_bias": [None, True, False],
        "mlp_bias": [None, True, False],
        "attn_output": [True, False],
        "parallel_block": [True, False],
        "qk_norm": [True, False],
        "attn_softcap": [None, 2.0, -1.0],
        "logit_softcap": [None, 2.0],
    }
    names = source.sample(list(choices), 8)
    return {"vocab_size": 11, **{name: source.choice(choices[name]) for name in names}}


def test_configs_are_accepted_derived_and_listed_alike(javascript):
    source, refused = random.Random(0), 0
    for _ in range(400):
        values = drawn_fields(source)
        try:
            config = GPTConfig.from_dict(values)
        except ValueError:
            refused += 1
            with pytest.raises(javascript.error):
                javascript("config", values)
            continue
        found = javascript("config", values)
        for name, value in config.to_dict().items():
            assert found[name] == value
        derived = ("head_size", "kv_heads", "hidden", "has_attn_bias", "has_mlp_bias")
        for name in derived:
            assert found[name] == getattr(config, name)
        assert javascript("hookNames", values) == hook_names(config)
    assert 100 < refused < 300


def test_every_condition_of_a_hook_is_known(javascript):
    """By `hookNames` above, but for those that are always there."""
    assert set(javascript("conditions")) == set(CONDITIONS)

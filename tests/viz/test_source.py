"""TorchSource answers what the model says, as floats that anybody can read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from minigpt_edu.inference import Sampler, stream
from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.text import ByteBPE
from minigpt_edu.viz.source import (
    METHODS,
    Answer,
    TorchSource,
    piece_text,
    shipped_source,
)

TEXT = "o barco velho voltou para casa; the old boat came home at night"


@pytest.fixture(scope="module")
def source() -> TorchSource:
    torch.manual_seed(0)
    tokenizer = ByteBPE.train(TEXT * 3, 290)
    config = GPTConfig.modern(
        vocab_size=290, block_size=48, n_layer=2, n_head=4, n_kv_head=2, n_embd=32
    )
    model = GPT(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return TorchSource(model, tokenizer, name="small", info={"step": 3})


@pytest.fixture(scope="module")
def ids(source: TorchSource) -> list[int]:
    return source.tokenizer.encode("the old boat came home")


def read(answer: Answer) -> dict[str, np.ndarray]:
    """What a figure makes of an answer: its buffers, by name and shape."""
    listed = answer.result()["arrays"]
    assert len(listed) == len(answer.buffers())
    return {
        one["name"]: np.frombuffer(raw, "<f4").reshape(one["shape"])
        for one, raw in zip(listed, answer.buffers(), strict=True)
    }


def test_run_tells_every_kept_value_of_the_model(
    source: TorchSource, ids: list[int]
) -> None:
    logits, cache = source.model.run_with_cache(torch.tensor([ids]))
    arrays = read(source.answer("run", {"ids": ids, "keep": ["*"]}))
    assert set(arrays) == set(cache)
    for name, value in cache.items():
        np.testing.assert_array_equal(arrays[name], value.float().numpy())
    np.testing.assert_array_equal(arrays["logits"], logits.numpy())


def test_run_keeps_what_was_asked_and_the_logits(
    source: TorchSource, ids: list[int]
) -> None:
    pattern = "blocks.*.attn.pattern"
    found = source.answer("run", {"ids": ids, "keep": [pattern]})
    names = [f"blocks.{i}.attn.pattern" for i in range(2)]
    assert list(found.arrays) == [*names, "logits"]
    assert list(source.answer("run", {"ids": ids, "keep": []}).arrays) == ["logits"]
    assert found.values["ids"] == ids


def test_targets_give_the_loss_of_each_token(
    source: TorchSource, ids: list[int]
) -> None:
    targets = [*ids[1:], -1]
    arrays = read(
        source.answer("run", {"ids": ids, "keep": ["loss"], "targets": targets})
    )
    logits = torch.from_numpy(arrays["logits"][0].copy())
    expected = -logits.log_softmax(-1)[range(len(ids) - 1), targets[:-1]]
    np.testing.assert_allclose(arrays["loss"][0, :-1], expected.numpy(), atol=1e-5)


def test_an_edit_changes_what_comes_after_it(
    source: TorchSource, ids: list[int]
) -> None:
    name = "blocks.0.attn.z"
    edit = {"hook": name, "op": "zero", "head": 1}
    arrays = read(source.answer("run", {"ids": ids, "keep": [name], "edits": [edit]}))

    def silence(value: torch.Tensor, _name: str) -> torch.Tensor:
        value = value.clone()
        value[:, 1] = 0
        return value

    expected = source.model.run_with_hooks(torch.tensor([ids]), {name: silence})
    np.testing.assert_array_equal(arrays["logits"], expected.numpy())
    assert not arrays[name][:, 1].any()
    assert arrays[name][:, 0].any()
    lens = read(source.answer("lens", {"ids": ids, "edits": [edit]}))
    np.testing.assert_allclose(lens["lens"][-1], arrays["logits"][0], atol=1e-5)


def test_the_lens_ends_with_the_model_s_own_logits(
    source: TorchSource, ids: list[int]
) -> None:
    arrays = read(source.answer("lens", {"ids": ids}))
    assert arrays["lens"].shape == (3, len(ids), 290)
    np.testing.assert_allclose(arrays["lens"][-1], arrays["logits"][0], atol=1e-6)
    embedded = source.model.token_embedding(torch.tensor(ids))
    first = source.model.unembed(embedded).detach().numpy()
    np.testing.assert_allclose(arrays["lens"][0], first, atol=1e-6)


def test_weights_are_those_of_the_checkpoint(source: TorchSource) -> None:
    name = "blocks.1.attn.query.weight"
    arrays = read(source.answer("weights", {"names": [name]}))
    expected = source.model.state_dict()[name].numpy()
    np.testing.assert_array_equal(arrays[name], expected)


@pytest.mark.parametrize("knobs", [None, {"temperature": 0.8, "top_k": 9, "seed": 5}])
def test_generation_is_that_of_the_package(
    source: TorchSource, ids: list[int], knobs: Any
) -> None:
    found = source.answer("generate", {"ids": ids, "n": 4, "sampler": knobs}).values
    sampler = Sampler.of(**(knobs or {"temperature": 0}))
    steps = list(stream(source.model, ids, max_new=4, sampler=sampler, candidates=10))
    assert found["ids"] == [step.id for step in steps]
    for told, step in zip(found["steps"], steps, strict=True):
        assert told["logprob"] == step.logprob
        assert [tuple(pair) for pair in told["candidates"]] == list(step.candidates)


def test_about_describes_the_model(source: TorchSource) -> None:
    about = source.answer("about", {}).values
    assert about["name"] == "small"
    assert about["params"] == source.model.num_params()
    assert about["step"] == 3
    assert about["val_bits_per_byte"] is None
    assert GPTConfig.from_dict(about["config"]) == source.model.config
    assert len(about["vocabulary"]) == 290
    assert about["vocabulary"][0] == "<|pad|>"


@pytest.mark.parametrize("text", ["the old boat", "cão à noite", "🚢 <|eos|>", "\n\t "])
def test_pieces_are_the_bytes_of_the_text(source: TorchSource, text: str) -> None:
    found = source.answer("encode", {"text": text}).values
    assert found["ids"] == source.tokenizer.encode(text)
    raw = b"".join(bytes(piece["bytes"]) for piece in found["pieces"])
    assert raw.decode() == text
    assert not any(piece["special"] for piece in found["pieces"])


def test_half_a_character_is_shown_by_its_bytes() -> None:
    assert piece_text("ã".encode()) == "ã"
    assert piece_text("ã".encode()[:1]) == "<c3>"


def test_json_and_buffers_are_all_that_travels(
    source: TorchSource, ids: list[int]
) -> None:
    import json

    questions = {
        "about": {},
        "encode": {"text": "a"},
        "run": {"ids": ids, "keep": ["embed", "tokens"]},
        "lens": {"ids": ids},
        "weights": {"names": ["token_embedding.weight"]},
        "generate": {"ids": ids, "n": 1},
    }
    assert tuple(questions) == METHODS
    for method, arguments in questions.items():
        answer = source.answer(method, arguments)
        assert json.loads(json.dumps(answer.result())) == answer.result()
        for one, raw in zip(answer.result()["arrays"], answer.buffers(), strict=True):
            assert len(raw) == 4 * int(np.prod(one["shape"]))


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("runs", {}, "did you mean 'run'"),
    ("answer", {}, "nobody answers"),
    ("run", {}, "run needs ids"),
    ("run", {"ids": [1], "kept": []}, "did you mean 'keep'"),
    ("run", {"ids": []}, "no tokens"),
    ("run", {"ids": [1] * 49}, "49 tokens do not fit .* of 48"),
    ("run", {"ids": [290]}, "290 is no token: ids run from 0 to 289"),
    ("run", {"ids": [-1]}, "no token"),
    ("run", {"ids": [1], "keep": ["blocks.9.*"]}, "no hook matches"),
    ("run", {"ids": [1, 2], "targets": [1]}, "1 targets for 2 tokens"),
    ("encode", {"text": 3}, "takes a text"),
    ("encode", {"text": "\ud800"}, "surrogate"),
    ("weights", {"names": ["embedding"]}, "no weights"),
    ("generate", {"ids": [1], "n": -1}, "max_new=-1"),
    ("generate", {"ids": [1], "n": 1, "sampler": {"topk": 1}}, "'top_k'"),
]


@pytest.mark.parametrize(("method", "arguments", "message"), REFUSED)
def test_questions_that_make_no_sense(
    source: TorchSource, method: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        source.answer(method, arguments)


def test_a_tokenizer_of_another_model_is_refused(source: TorchSource) -> None:
    other = GPT(GPTConfig.gpt2(vocab_size=10, n_layer=1, n_head=1, n_embd=4))
    with pytest.raises(ValueError, match="knows 10 tokens and the tokenizer makes 290"):
        TorchSource(other, source.tokenizer, name="other")


def test_a_shipped_model_is_loaded_once() -> None:
    assert shipped_source("reader") is shipped_source("reader")
    assert shipped_source("reader").name == "reader"

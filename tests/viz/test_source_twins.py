"""Torch and the page's engine give a figure the same answers to the same questions.

Both read the same checkpoint file. The engine's side is asked text after text, as a
reader types, so its memory of the text before is compared too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from minigpt_edu.checkpoint import load_checkpoint, save_checkpoint
from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.shipped import shipped_model
from minigpt_edu.text import ByteBPE
from minigpt_edu.viz.source import METHODS, TorchSource, shipped_source

TOLERANCE = 1e-4
TEXT = "o barco velho voltou para casa; the old boat came home at night"
SIZE = {"vocab_size": 290, "block_size": 32, "n_layer": 2, "n_head": 4, "n_embd": 24}
SHAPES = {
    "classic": GPTConfig.gpt2(**SIZE),
    "modern": GPTConfig.modern(**SIZE, n_kv_head=2),
    "everything": GPTConfig.modern(
        **SIZE,
        n_kv_head=1,
        head_dim=10,
        qk_norm=True,
        attn_softcap=2.0,
        logit_softcap=4.0,
        tie_weights=False,
        head_bias=True,
        attn_bias=True,
    ),
}
Both = Callable[..., tuple[dict[str, Any], dict[str, np.ndarray]]]


def saved(folder: Path, name: str) -> Path:
    """A small model with random weights in half precision."""
    torch.manual_seed(0)
    model = GPT(SHAPES[name]).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    path = folder / f"{name}.safetensors"
    tokenizer = ByteBPE.train(TEXT * 3, SIZE["vocab_size"])
    meta = {"step": 7, "val_bits_per_byte": 2.25}
    save_checkpoint(path, model, tokenizer=tokenizer, dtype=torch.float16, **meta)
    return path


@pytest.fixture(scope="module", params=SHAPES)
def twins(request, javascript, tmp_path_factory) -> TorchSource:
    """Torch's source of a model that the engine has loaded too."""
    path = saved(tmp_path_factory.mktemp("twins"), request.param)
    found = load_checkpoint(path, device="cpu")
    assert found.tokenizer is not None
    assert javascript("source", "small", str(path)) == "small"
    info = found.info.meta
    return TorchSource(found.model, found.tokenizer, name="small", info=info)


@pytest.fixture
def both(twins: TorchSource, javascript: Any) -> Both:
    """``both("run", ids=[1])``: the answer, after a comparison of the two."""
    return lambda method, **args: compared(twins, javascript, method, args)


def compared(
    source: TorchSource, javascript: Any, method: str, args: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    ours, theirs = source.answer(method, args), javascript("ask", method, args)
    assert without_steps(theirs["values"]) == without_steps(plain(ours.values))
    pairs = zip(
        ours.values.get("steps", []), theirs["values"].get("steps", []), strict=True
    )
    for step, other in pairs:
        assert step["id"] == other["id"]
        assert step["logprob"] == pytest.approx(other["logprob"], abs=TOLERANCE)
        told = [p for _, p in step["candidates"]]
        assert told == pytest.approx([p for _, p in other["candidates"]], abs=TOLERANCE)
    names = [name for name, _, _ in theirs["arrays"]]
    assert names == list(ours.arrays)
    for name, shape, numbers in theirs["arrays"]:
        array = ours.arrays[name]
        assert list(array.shape) == shape, name
        apart = np.abs(array.ravel() - np.array(numbers, dtype=np.float32))
        assert apart.max(initial=0) <= TOLERANCE, (name, apart.max())
    return ours.values, ours.arrays


def plain(values: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(values))


def without_steps(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "steps"}


def test_what_a_checkpoint_says_of_itself(both: Both) -> None:
    values, _ = both("about")
    assert values["step"] == 7
    assert values["val_bits_per_byte"] == 2.25
    assert len(values["vocabulary"]) == 290
    assert values["vocabulary"][:2] == ["<|pad|>", "<|unk|>"]


@pytest.mark.parametrize(
    "text",
    ["", " ", "the old boat", "não é 🙂\ufeff", "<|eos|><b>", "a\n\tb", "\x00\u2028é"],
)
def test_pieces_of_a_text(both: Both, text: str) -> None:
    values, _ = both("encode", text=text)
    assert b"".join(bytes(p["bytes"]) for p in values["pieces"]).decode() == text


def test_runs_of_a_text_as_it_is_typed(both: Both, twins: TorchSource) -> None:
    whole = twins.tokenizer.encode(TEXT)[:30]
    texts = [whole[:9], whole[:10], whole[:10], whole[:4], [*whole[:4], 9, 8, 7], whole]
    for keep in (["*"], ["*.scores"], [], ["*.pattern", "*.mlp.post"], "*.z"):
        for ids in texts:
            _, arrays = both("run", ids=ids, keep=keep)
            assert list(arrays)[-1] == "logits"
    heads = ["*head_out"]
    both("run", ids=whole, keep=heads)
    _, arrays = both("run", ids=whole, keep="loss", targets=[*whole[1:], -1])
    assert arrays["loss"].shape == (1, len(whole))


EDITS: list[list[dict[str, Any]]] = [
    [{"hook": "blocks.0.attn.z", "op": "zero", "head": 3}],
    [{"hook": "blocks.*.attn.z", "op": "mean"}],
    [{"hook": "blocks.1.mlp.post", "op": "zero", "neuron": 5}],
    [{"hook": "blocks.1.mlp.post", "op": "scale", "factor": -3, "position": 2}],
    [{"hook": "embed", "op": "mean", "position": 1, "neuron": 0}],
    [{"hook": "blocks.0.attn.pattern", "op": "mean", "head": 1}],
    [{"hook": "blocks.1.attn.scores", "op": "scale", "factor": 0.5}],
    [{"hook": "blocks.0.attn.k", "op": "zero", "head": 0, "position": 0}],
    [{"hook": "blocks.0.norm1.scale", "op": "scale", "factor": 2, "position": 3}],
    [{"hook": "blocks.1.attn.head_out", "op": "zero", "head": 2}],
    [{"hook": "logits", "op": "zero", "neuron": 4}],
    [{"hook": "blocks.0.resid_post", "op": "patch", "ids": [9, 8, 7, 6, 5, 4, 3]}],
    [
        {
            "hook": "blocks.1.resid_pre",
            "op": "patch",
            "ids": [30, 31],
            "position": 6,
            "from": 1,
        },
        {"hook": "blocks.1.resid_pre", "op": "scale", "factor": 2},
    ],
    [
        {"hook": "blocks.0.attn.q", "op": "patch", "ids": [9] * 7, "position": 4},
        {"hook": "blocks.1.attn.pattern", "op": "patch", "ids": [9] * 7, "head": 1},
    ],
]


@pytest.mark.parametrize("edits", EDITS, ids=lambda edits: edits[0]["op"])
def test_edits_have_equal_consequences(both: Both, edits: list[dict]) -> None:
    ids = [20, 100, 280, 281, 6, 40, 200]
    _, plain_run = both("run", ids=ids)
    _, arrays = both("run", ids=ids, keep=["*.attn.out", "*.mlp.out"], edits=edits)
    assert np.abs(arrays["logits"] - plain_run["logits"]).max() > 10 * TOLERANCE
    both("lens", ids=ids, edits=edits)


def test_the_lens_of_every_layer(both: Both) -> None:
    for ids in ([20, 100, 280], [20, 100, 280, 281, 6]):
        _, arrays = both("lens", ids=ids)
        assert arrays["lens"].shape == (3, len(ids), 290)
        assert np.allclose(arrays["lens"][-1], arrays["logits"][0], atol=1e-4)


def test_weights_by_torchs_names(both: Both, twins: TorchSource) -> None:
    names = list(twins.model.state_dict())
    _, arrays = both("weights", names=names)
    assert sum(array.size for array in arrays.values()) == twins.model.num_params()


KNOBS = [
    None,
    {"temperature": 0},
    {"seed": 4},
    {"temperature": 0.8, "top_k": 20, "seed": 9},
    {"top_p": 0.9, "min_p": 0.01, "repetition_penalty": 1.3, "seed": 1},
]


@pytest.mark.parametrize("knobs", KNOBS, ids=str)
def test_continuations(both: Both, knobs: dict | None) -> None:
    for ids, count in (([20, 100], 6), ([20, 100, 280, 281], 40), ([20, 100], 1)):
        values, _ = both("generate", ids=ids, n=count, sampler=knobs)
        assert len(values["ids"]) == min(count, 33 - len(ids))


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("ran", {}),
    ("run", {}),
    ("run", {"ids": [1], "kep": "*"}),
    ("run", {"ids": []}),
    ("run", {"ids": [290]}),
    ("run", {"ids": [1] * 33}),
    ("run", {"ids": [1], "keep": "*.zz"}),
    ("run", {"ids": [1], "targets": [1, 2]}),
    ("run", {"ids": [1], "edits": [{"op": "zero"}]}),
    ("run", {"ids": [1], "edits": [{"hook": "embed", "op": "zer"}]}),
    ("run", {"ids": [1], "edits": [{"hook": "embed", "op": "zero", "hed": 1}]}),
    ("run", {"ids": [1], "edits": [{"hook": "embed", "op": "zero", "factor": 1}]}),
    ("run", {"ids": [1], "edits": [{"hook": "embed", "op": "zero", "head": 0}]}),
    ("run", {"ids": [1], "edits": [{"hook": "embed", "op": "zero", "position": 1}]}),
    ("run", {"ids": [1], "edits": [{"hook": "embed", "op": "zero", "position": -1}]}),
    ("run", {"ids": [1], "edits": [{"hook": "embed", "op": "zero", "neuron": 24}]}),
    ("run", {"ids": [1], "edits": [{"hook": "*.z", "op": "zero", "head": 4}]}),
    ("run", {"ids": [1], "edits": [{"hook": "*.z", "op": "scale"}]}),
    ("run", {"ids": [1], "edits": [{"hook": "*.z", "op": "patch"}]}),
    ("run", {"ids": [1], "edits": [{"hook": "*.z", "op": "patch", "ids": [1, 2]}]}),
    ("run", {"ids": [1], "edits": [{"hook": "*.z", "op": "patch", "ids": [290]}]}),
    (
        "run",
        {"ids": [1], "edits": [{"hook": "*.z", "op": "patch", "ids": [1], "from": 0}]},
    ),
    ("run", {"ids": [1], "edits": [{"hook": "*.z", "op": "patch", "ids": [1] * 33}]}),
    ("run", {"ids": [1], "edits": [{"hook": "tokens", "op": "zero"}]}),
    ("lens", {"ids": [1], "edits": [{"hook": "nothing", "op": "zero"}]}),
    ("weights", {"names": ["head.wait"]}),
    ("encode", {"text": None}),
    ("generate", {"ids": [], "n": 1}),
    ("generate", {"ids": [1], "n": -1}),
    ("generate", {"ids": [1], "n": 1, "sampler": {"temprature": 1}}),
    ("generate", {"ids": [1], "n": 1, "sampler": {"top_k": 0}}),
]


@pytest.mark.parametrize(("method", "args"), REFUSED, ids=str)
def test_what_one_refuses_the_other_refuses(
    twins: TorchSource, javascript: Any, method: str, args: dict
) -> None:
    with pytest.raises(ValueError) as ours:
        twins.answer(method, args)
    with pytest.raises(javascript.error) as theirs:
        javascript("ask", method, args)
    if "edits" in args and "no hook matches" not in str(ours.value):
        assert worded(str(ours.value)) == worded(str(theirs.value))


def worded(message: str) -> str:
    """A sentence without what the two languages write in their own way."""
    return message.replace("'", '"').split(": {")[0].replace('op "', "op ")


def test_both_have_the_same_methods(javascript: Any) -> None:
    with pytest.raises(javascript.error, match=f"known: {', '.join(METHODS)}$"):
        javascript("ask", "zzz", {})


def test_the_shipped_model_is_the_same_in_the_page(javascript: Any) -> None:
    javascript("source", "reader", str(shipped_model("reader")))
    source = shipped_source("reader")
    text = "The old boat came home at night. A lâmpada está acesa; the sea was calm."
    values, _ = compared(source, javascript, "encode", {"text": text})
    compared(source, javascript, "about", {})
    compared(source, javascript, "run", {"ids": values["ids"], "keep": ["*"]})
    compared(source, javascript, "lens", {"ids": values["ids"]})

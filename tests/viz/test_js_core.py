"""The page's engine against torch: every hook value, in every shape of the model.

Golden values are made here, as files that the engine itself reads; Node compares and
reports, and this file checks that the report leaves nothing out.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from minigpt_edu.checkpoint import load_checkpoint, save_checkpoint
from minigpt_edu.model import GPT, PRESETS, GPTConfig
from minigpt_edu.text import ByteBPE

JS = Path(__file__).parent / "js"
TOLERANCE = 1e-4
SIZE = {"vocab_size": 61, "block_size": 40, "n_layer": 2, "n_head": 4, "n_embd": 32}
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
OPTIONS: dict[str, list[Any]] = {
    "vocab_size": [37, 61],
    "block_size": [12, 30],
    "n_layer": [1, 3],
    "n_head": [1, 2, 6],
    "n_kv_head": [None, 1, 2],
    "n_embd": [12, 18, 20],
    "n_hidden": [None, 7, 24],
    "head_dim": [None, 1, 6, 9],
    "position": ["learned", "rope", "sinusoidal", "none"],
    "norm": ["layer", "rms"],
    "norm_position": ["pre", "post"],
    "norm_gain": [True, False],
    "final_norm": [True, False],
    "mlp": ["gelu", "relu", "relu2", "swiglu"],
    "bias": [True, False],
    "attn_bias": [None, True, False],
    "mlp_bias": [None, True, False],
    "head_bias": [True, False],
    "attn_output": [True, False],
    "parallel_block": [True, False],
    "tie_weights": [True, False],
    "qk_norm": [True, False],
    "attn_softcap": [None, 1.5],
    "logit_softcap": [None, 5.0],
    "rope_base": [10_000.0, 100.0],
    "norm_eps": [1e-5, 1e-2],
}


def combinations(count: int, seed: int = 0) -> Iterator[tuple[str, GPTConfig]]:
    """Configs with every option drawn at random; those that contradict are left out."""
    source = random.Random(seed)
    while count:
        drawn = {name: source.choice(values) for name, values in OPTIONS.items()}
        try:
            config = GPTConfig(**drawn)
        except ValueError:
            continue
        yield f"combination {count}", config
        count -= 1


def some_model(config: GPTConfig, seed: int = 0) -> GPT:
    """Random weights in which biases and gains matter too."""
    torch.manual_seed(seed)
    model = GPT(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def halved(value: torch.Tensor, name: str) -> torch.Tensor:
    return value * 0.5 + 0.1


def golden(
    model: GPT, ids: list[int], targets: list[int], edited: list[str]
) -> dict[str, torch.Tensor]:
    """Every hook value of torch, and the logits after an edit of some of them."""
    keep = ["*", "*head_out"] if model.config.attn_output else ["*"]
    rows, aims = torch.tensor([ids]), torch.tensor([targets])
    with torch.no_grad(), model.listening(keep=keep) as cache:
        model.loss(rows, aims)
    values = {name: value.float().contiguous() for name, value in cache.items()}
    for name in edited:
        logits = model.run_with_hooks(rows, {name: halved})
        values[f"edited.{name}"] = logits.contiguous()
    return values


def write_case(
    folder: Path, name: str, config: GPTConfig, dtype: torch.dtype, *, edit: bool
) -> dict[str, Any]:
    """A checkpoint, torch's values for it, and how to compare them."""
    number = len(list(folder.glob("*.golden")))
    file = folder / f"{number}.safetensors"
    save_checkpoint(file, some_model(config, number), dtype=dtype)
    model = load_checkpoint(file, device="cpu").model  # what a reader's torch runs
    source = random.Random(number)
    length = min(config.block_size, 64)
    ids = [source.randrange(config.vocab_size) for _ in range(length)]
    targets = [*ids[1:], -1]
    edited = [n for n in model.hook_names() if n not in ("tokens", "loss")]
    edited = edited if edit else source.sample(edited, 3)
    values = golden(model, ids, targets, edited)
    save_file(values, folder / f"{number}.golden")
    return {
        "name": name,
        "file": file.name,
        "golden": f"{number}.golden",
        "ids": ids,
        "targets": targets,
        "edited": edited,
        "names": model.hook_names(),
        "params": model.num_params(),
    }


def cases(folder: Path) -> list[dict[str, Any]]:
    half, single = torch.float16, torch.float32
    found = []
    for name, config in SHAPES.items():
        for dtype in (half, single):
            title = f"{name} {dtype}".replace("torch.", "")
            found.append(write_case(folder, title, config, dtype, edit=True))
    reader = PRESETS["reader"]
    found.append(write_case(folder, "reader float16", reader, half, edit=False))
    everything = bool(os.environ.get("MINIGPT_ALL"))
    for number, (name, config) in enumerate(combinations(200 if everything else 20)):
        dtype = half if number % 2 else single
        found.append(write_case(folder, name, config, dtype, edit=False))
    return found


def failures(done: subprocess.CompletedProcess[str]) -> str:
    """What failed, and why, without all that passed."""
    lines = re.findall(r"^ *(not ok .*|error: .*|\(file://.*)$", done.stdout, re.M)
    return "\n".join(lines) or done.stdout + done.stderr


@pytest.fixture(scope="module")
def compared(
    node: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[dict[str, Any]], dict[str, Any], str]:
    """The cases, the engine's report on them, and what failed in Node's tests."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("golden")
    written = cases(folder)
    (folder / "cases.json").write_text(json.dumps(written))
    files = map(str, sorted(JS.glob("*.test.mjs")))
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap", *files],
        env={**os.environ, "MINIGPT_GOLDEN": str(folder)},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    path = folder / "report.json"
    report = json.loads(path.read_text()) if path.exists() else {}
    return written, report, "" if done.returncode == 0 else failures(done)


def test_the_engines_own_tests_pass(compared):
    _, _, failure = compared
    assert failure == ""


def test_every_hook_value_is_torchs(compared):
    written, report, _ = compared
    assert list(report) == [case["name"] for case in written]
    for case in written:
        found = report[case["name"]]
        assert sorted(found["hooks"]) == sorted(case["names"]), case["name"]
        assert found["params"] == case["params"]
        name, apart = max(found["hooks"].items(), key=lambda item: item[1])
        print(f"{case['name']:22} max |difference| {apart:.1e}, in {name}")
        assert apart <= TOLERANCE and found["fed"] <= TOLERANCE, (case["name"], found)


def test_edits_have_torchs_consequences(compared):
    written, report, _ = compared
    for case in written:
        found = report[case["name"]]["edits"]
        assert sorted(found) == sorted(case["edited"])
        assert max(found.values()) <= TOLERANCE, (case["name"], found)


def test_the_comparison_covers_every_option():
    seen = [config.to_dict() for _, config in combinations(20)]
    for name, values in OPTIONS.items():
        assert {config[name] for config in seen} == set(values), name
    fixed = {"dropout"}  # not a part of reading
    assert set(GPTConfig(vocab_size=1).to_dict()) == set(OPTIONS) | fixed


def test_golden_values_notice_an_edit():
    """An edit that changed nothing would prove nothing."""
    model = some_model(SHAPES["everything"])
    ids = list(range(12))
    names = [n for n in model.hook_names() if n not in ("tokens", "loss", "logits")]
    values = golden(model, ids, ids, names)
    for name in names:
        moved = (values[f"edited.{name}"] - values["logits"]).abs().max()
        assert moved > TOLERANCE * 10, name


def test_the_tokenizer_comes_with_the_model(javascript, tmp_path):
    tokenizer = ByteBPE.train("the lamp and the sea, the lamp and the goat", 270)
    model = some_model(GPTConfig.gpt2(**{**SIZE, "vocab_size": 270}))
    path = tmp_path / "model.safetensors"
    info = save_checkpoint(path, model, tokenizer=tokenizer, step=3, language="pt")
    found = javascript("checkpoint", str(path), "the lamp")
    assert found["ids"] == tokenizer.encode("the lamp")
    assert found["info"]["meta"] == dict(info.meta)
    assert found["info"]["sha256"] == info.sha256
    assert found["info"]["sizeBytes"] == info.size_bytes
    derived = {"head_size", "kv_heads", "hidden", "has_attn_bias", "has_mlp_bias"}
    config = found["info"]["config"]
    assert {k: v for k, v in config.items() if k not in derived} == (
        info.config.to_dict()
    )
    expected = {name: getattr(info.config, name) for name in derived}
    assert {name: config[name] for name in derived} == expected

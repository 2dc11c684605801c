"""What several test files share: shapes that differ in everything, samples of cases."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable

import hypothesis
import pytest
import torch

from minigpt_edu.model import GPT, GPTConfig

# The same examples in every run: a test that fails, fails for everybody.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True)
hypothesis.settings.load_profile("same")

SIZE = {"vocab_size": 97, "block_size": 48, "n_layer": 2, "n_head": 4, "n_embd": 32}
SHAPES = {
    "gpt2": GPTConfig.gpt2(**SIZE),
    "modern": GPTConfig.modern(**SIZE, n_kv_head=2),
    "everything": GPTConfig.modern(
        **SIZE,
        n_kv_head=1,
        head_dim=10,
        qk_norm=True,
        attn_softcap=5.0,
        logit_softcap=8.0,
        tie_weights=False,
        head_bias=True,
        attn_bias=True,
    ),
    "post": GPTConfig(**SIZE, norm_position="post", mlp="relu", final_norm=False),
    "parallel": GPTConfig(**SIZE, parallel_block=True, mlp="relu2", norm_gain=False),
    "sinusoidal": GPTConfig(**SIZE, position="sinusoidal", norm="rms", bias=False),
    "none": GPTConfig(**SIZE, position="none", attn_output=False, mlp_bias=False),
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=SHAPES)
def model(request: pytest.FixtureRequest) -> GPT:
    """A small model with random weights, once per shape; weights are not tiny."""
    return random_model(SHAPES[request.param])


@pytest.fixture
def models() -> dict[str, GPT]:
    """All of them at once, for tests that start a process and cannot do it often."""
    return {name: random_model(config) for name, config in SHAPES.items()}


def random_model(config: GPTConfig) -> GPT:
    torch.manual_seed(0)
    model = GPT(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # so that biases and gains matter too
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.fixture
def make_ids() -> Callable[..., torch.Tensor]:
    """``make_ids(rows, tokens)``: random ids, the same ones each time."""

    def make(rows: int, tokens: int, vocab: int = 97, seed: int = 1) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(vocab, (rows, tokens), generator=generator)

    return make


@pytest.fixture
def some_of() -> Callable[[Iterable], list]:
    """All cases when MINIGPT_ALL is set (``make test-all``), else a seeded tenth."""

    def choose(cases: Iterable) -> list:
        cases = list(cases)
        if os.environ.get("MINIGPT_ALL"):
            return cases
        return random.Random(0).sample(cases, max(1, len(cases) // 10))

    return choose

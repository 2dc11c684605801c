import pytest
import torch
from torch.nn import functional as F

from minigpt_edu.model import GPTConfig
from minigpt_edu.model.mlp import MLP, activate


def test_activations_equal_their_definitions():
    x = torch.linspace(-4, 4, 101)
    torch.testing.assert_close(activate("relu2", x), F.relu(x) ** 2)
    torch.testing.assert_close(activate("relu", x), x.clamp(min=0))
    torch.testing.assert_close(activate("swiglu", x), x * torch.sigmoid(x))
    inner = (2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)
    torch.testing.assert_close(activate("gelu", x), 0.5 * x * (1 + torch.tanh(inner)))
    with pytest.raises(ValueError, match="swish"):
        activate("swish", x)


def test_tokens_are_alone():
    config = GPTConfig.modern(vocab_size=10, n_layer=1, n_head=2, n_embd=16)
    mlp = MLP(config)
    x = torch.randn(1, 6, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mlp(x)[:, 2:4], mlp(x[:, 2:4]))


def test_swiglu_costs_what_gelu_costs():
    size = {"vocab_size": 10, "n_layer": 1, "n_head": 4, "n_embd": 384, "bias": False}
    gelu = sum(p.numel() for p in MLP(GPTConfig(**size)).parameters())
    gated = sum(p.numel() for p in MLP(GPTConfig(**size, mlp="swiglu")).parameters())
    assert abs(gated / gelu - 1) < 0.01

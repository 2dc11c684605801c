import torch

from minigpt_edu.model import GPTConfig
from minigpt_edu.model.positions import Rotary, rotate, sinusoidal_table

CONFIG = GPTConfig.modern(
    vocab_size=10, block_size=64, n_layer=1, n_head=2, n_kv_head=2, n_embd=32
)


def turned(x, positions):
    cos, sin = Rotary(CONFIG)(torch.tensor([positions]))
    return rotate(x.expand(1, 1, len(positions), -1), cos, sin)[0, 0]


def test_rope_scores_depend_on_distance_only():
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 1, 1, 1, 16, generator=generator)
    places = list(range(64))
    scores = turned(q, places) @ turned(k, places).T  # (64, 64)
    for distance in range(-20, 20):
        line = scores.diagonal(distance)
        assert (line - line[0]).abs().max() < 1e-5
    # and they do depend on it: a rotation that only scales would fail here
    assert scores[0, :8].std() > 0.1


def test_rope_keeps_lengths_and_leaves_position_zero_alone():
    x = torch.randn(1, 1, 1, 16, generator=torch.Generator().manual_seed(1))
    out = turned(x, [0, 3, 63])
    torch.testing.assert_close(out[0], x[0, 0, 0])
    torch.testing.assert_close(out.norm(dim=-1), x.norm().expand(3))


def test_rope_equals_multiplication_by_a_complex_number():
    """Oracle: pair (a, b) at position p times exp(i p speed), in complex numbers."""
    x = torch.randn(1, 1, 1, 16, generator=torch.Generator().manual_seed(2))
    out = turned(x, [0, 1, 17])
    a, b = x[0, 0, 0].chunk(2)
    for row, place in zip(out, [0, 1, 17], strict=True):
        speed = torch.tensor([10_000.0 ** (-2 * i / 16) for i in range(8)])
        z = torch.complex(a, b) * torch.exp(1j * place * speed)
        torch.testing.assert_close(row, torch.cat((z.real, z.imag)))


def test_sinusoidal_dot_products_depend_on_distance_only():
    table = sinusoidal_table(80, 32)
    products = table @ table.T
    for distance in range(40):
        line = products.diagonal(distance)
        assert (line - line[0]).abs().max() < 1e-4
    assert table.shape == (80, 32) and table[0, 0] == 0 and table[0, 1] == 1
    assert sinusoidal_table(5, 7).shape == (5, 7)

import pytest
import torch

from minigpt_edu.model import GPTConfig
from minigpt_edu.model.hooks import Listener
from minigpt_edu.model.norms import LayerNorm, RMSNorm, make_norm

PAIRS = [
    (RMSNorm(24, eps=1e-5), torch.nn.RMSNorm(24, eps=1e-5)),
    (RMSNorm(24, eps=1e-2, gain=False), torch.nn.RMSNorm(24, 1e-2, False)),
    (LayerNorm(24, eps=1e-5), torch.nn.LayerNorm(24, eps=1e-5)),
    (LayerNorm(24, eps=1e-2, bias=False), torch.nn.LayerNorm(24, 1e-2, bias=False)),
    (LayerNorm(24, eps=1e-5, gain=False), torch.nn.LayerNorm(24, 1e-5, False)),
]


@pytest.mark.parametrize(("ours", "torchs"), PAIRS)
@pytest.mark.parametrize("size", [1.0, 0.01])
def test_fused_and_explicit_equal_torch(ours, torchs, size):
    generator = torch.Generator().manual_seed(0)
    x = 0.5 + size * torch.randn(2, 5, 24, generator=generator)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.copy_(torch.randn(24, generator=generator))
        torchs.load_state_dict(ours.state_dict())
        fused = ours(x)
        names = ["scale", "normalized", "out"]
        ours._listener = listener = Listener(names, keep=names)
        explicit = ours(x)
        ours._listener = None
        torch.testing.assert_close(fused, torchs(x))
        torch.testing.assert_close(explicit, fused, atol=1e-4, rtol=1e-4)
    assert listener.values["scale"].shape == (2, 5, 1)
    centre = x.mean(-1, keepdim=True) if isinstance(ours, LayerNorm) else 0
    back = listener.values["normalized"] * listener.values["scale"]
    torch.testing.assert_close(back, x - centre, atol=1e-5, rtol=1e-4)


def test_the_config_decides():
    for norm, kind in (("rms", RMSNorm), ("layer", LayerNorm)):
        config = GPTConfig(vocab_size=10, norm=norm, norm_eps=0.5, norm_gain=False)
        made = make_norm(config)
        assert isinstance(made, kind) and made.eps == 0.5 and made.weight is None
        assert make_norm(config.replace(norm_gain=True), 7).weight.shape == (7,)

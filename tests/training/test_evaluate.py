"""The held-out loss equals a sum done by hand, and measuring changes nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.training import TokenBatches, total_loss

IDS = np.random.default_rng(0).integers(0, 11, 50)


def tiny(**changes) -> GPT:
    torch.manual_seed(0)
    shape = {"vocab_size": 11, "block_size": 8, "n_layer": 1, "n_head": 2, "n_embd": 8}
    return GPT(GPTConfig.modern(**{**shape, **changes}))


def by_hand(model, ids, T, mask=None):
    """One window at a time, one target at a time, without model.loss."""
    nats, count = 0.0, 0
    for start in range(0, len(ids) - 1, T):
        piece = torch.tensor(ids[start : start + T + 1])
        logits = model(piece[None, :-1])[0]
        for i, target in enumerate(piece[1:].tolist()):
            if mask is None or mask[start + i + 1]:
                nats -= float(F.log_softmax(logits[i], dim=-1)[target].detach())
                count += 1
    return nats, count


@pytest.mark.parametrize("T", [1, 5, 8])
@pytest.mark.parametrize("masked", [False, True])
def test_it_is_the_sum_over_every_counted_token(T, masked):
    model = tiny().eval()
    mask = IDS % 3 == 0 if masked else None
    batches = TokenBatches(IDS, T, 3, mask=mask)
    nats, count = total_loss(model, batches.windows())
    expected, targets = by_hand(model, IDS, T, mask)
    assert count == targets
    assert nats == pytest.approx(expected, rel=1e-5)


def test_dropout_is_off_and_the_mode_is_given_back():
    model = tiny(dropout=0.5)
    batches = TokenBatches(IDS, 8, 4)
    state = torch.get_rng_state()
    first = total_loss(model.train(), batches.windows())
    assert model.training and all(m.training for m in model.modules())
    assert torch.equal(torch.get_rng_state(), state)
    assert total_loss(model.eval(), batches.windows()) == first
    assert not model.training
    assert all(p.grad is None for p in model.parameters())


def test_no_activation_is_kept_for_a_backward_pass():
    kept = []

    def pack(tensor):
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        total_loss(tiny(), TokenBatches(IDS, 8, 4).windows())
    assert not kept


def test_the_mode_is_given_back_after_an_error():
    model = tiny().train()
    with pytest.raises(IndexError):
        total_loss(model, [(torch.tensor([[99]]), torch.tensor([[1]]))])
    assert model.training


def test_a_fresh_model_knows_nothing():
    model = tiny(vocab_size=50)
    ids = np.random.default_rng(1).integers(0, 50, 400)
    nats, count = total_loss(model, TokenBatches(ids, 8, 8).windows())
    assert nats / count == pytest.approx(math.log(50), rel=0.05)


def test_nothing_to_measure_is_refused():
    ignored = torch.tensor([[-1, -1]])
    with pytest.raises(ValueError, match="no target counts"):
        total_loss(tiny(), [(torch.tensor([[1, 2]]), ignored)])
    with pytest.raises(ValueError, match="no target counts"):
        total_loss(tiny(), [])

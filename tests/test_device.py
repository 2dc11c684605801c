import random

import numpy as np
import pytest
import torch

from minigpt_edu import device


def pretend(monkeypatch, cuda=False, mps=False, bf16=False):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)


@pytest.mark.parametrize(
    ("have", "best"),
    [({}, "cpu"), ({"mps": True}, "mps"), ({"cuda": True, "mps": True}, "cuda")],
)
def test_auto_picks_the_fastest(monkeypatch, have, best):
    pretend(monkeypatch, **have)
    assert device.pick_device().type == best


def test_what_is_not_there_is_refused(monkeypatch):
    pretend(monkeypatch, mps=True)
    with pytest.raises(
        ValueError, match="'cuda' is not on this machine: use auto, mps"
    ):
        device.pick_device("cuda")
    with pytest.raises(ValueError, match="'tpu'"):
        device.pick_device("tpu")
    assert device.pick_device("cpu") == torch.device("cpu")


def test_dtypes(monkeypatch):
    pretend(monkeypatch, cuda=True, bf16=True)
    assert device.pick_dtype(torch.device("cuda")) == torch.bfloat16
    assert device.pick_dtype(torch.device("cpu")) == torch.float32
    assert device.pick_dtype(torch.device("mps")) == torch.float32
    assert device.pick_dtype(torch.device("cpu"), "float16") == torch.float16
    with pytest.raises(ValueError, match="float64"):
        device.pick_dtype(torch.device("cpu"), "float64")


def test_autocast_multiplies_in_the_given_precision():
    x = torch.ones(2, 2)
    with device.autocast(torch.device("cpu"), torch.bfloat16):
        assert (x @ x).dtype == torch.bfloat16
    with device.autocast(torch.device("cpu"), torch.float32):
        assert (x @ x).dtype == torch.float32


def test_setup_repeats_every_generator():
    def draws():
        device.setup(seed=3, threads=1, device="cpu")
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draws() == draws()
    assert torch.get_num_threads() == 1
    with pytest.raises(ValueError, match="threads=0"):
        device.setup(threads=0)

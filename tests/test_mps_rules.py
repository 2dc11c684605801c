"""Would this run on a Mac's GPU? Asked here, on any machine.

PyTorch's package carries the table of its operations, with the devices each is
written for. Model, training and generation run under a mode that sees every
operation: each must have an MPS kernel, or be made of operations that have, and no
tensor may be float64, which MPS does not know.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
import torchgen
import yaml
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from minigpt_edu.inference import Sampler, generate
from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.training import TokenBatches, TrainConfig, Trainer

# On a CPU one composite operation becomes a kernel of the CPU's own; MPS has another.
FLASH = "_scaled_dot_product_flash_attention_for_cpu"
CPU_FORM_OF = {
    FLASH: "_scaled_dot_product_attention_math_for_mps",
    f"{FLASH}_backward": "softmax.int",  # there it is differentiated step by step
}


@cache
def table() -> dict[str, dict]:
    path = Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml"
    entries = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    return {entry["func"].split("(")[0]: entry for entry in entries}


def runs_on_mps(name: str) -> bool:
    """``name`` with its overload, as in the table: ``add.Tensor``."""
    entry = table()[name]
    if "structured_delegate" in entry:
        return runs_on_mps(entry["structured_delegate"])
    keys = ",".join(entry.get("dispatch", {"CompositeImplicitAutograd": ""}))
    return "MPS" in keys or "Composite" in keys


class AsOnMPS(TorchDispatchMode):
    """Refuses what a Mac's GPU would refuse, and counts what it let through."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name.removeprefix("aten::")
        if func._schema.name.startswith("aten::"):
            overload = func._schema.overload_name
            full = f"{name}.{overload}" if overload else name
            self.seen.add(full)
            if not runs_on_mps(CPU_FORM_OF.get(name, full)):
                raise AssertionError(f"MPS has no {full}")
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves((args, kwargs, out)):
            if isinstance(leaf, torch.Tensor) and leaf.dtype == torch.float64:
                raise AssertionError(f"a float64 tensor at {name}")
        return out


CONFIGS = {
    "gpt2": GPTConfig.gpt2(
        vocab_size=50, block_size=16, n_layer=2, n_head=2, n_embd=16
    ),
    "modern": GPTConfig.modern(
        vocab_size=50,
        block_size=16,
        n_layer=2,
        n_head=4,
        n_kv_head=2,
        n_embd=16,
        qk_norm=True,
        attn_softcap=5.0,
        logit_softcap=5.0,
        dropout=0.1,
    ),
    "sinusoidal": GPTConfig(
        vocab_size=50, block_size=16, n_layer=1, n_embd=16, position="sinusoidal"
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_model_training_and_generation(name):
    with AsOnMPS() as mode:
        torch.manual_seed(0)
        model = GPT(CONFIGS[name])
        model.run_with_cache(torch.zeros(1, 5, dtype=torch.long))
        batches = TokenBatches(list(range(50)) * 8, 16, 2)
        config = TrainConfig(steps=3, eval_every=2, device="cpu", accumulate=2)
        for _ in Trainer(model, batches, batches, config).steps():
            pass
        for settings in (
            {"temperature": 0.0},
            {"temperature": 0.8, "top_k": 5, "top_p": 0.9, "min_p": 0.01},
            {"repetition_penalty": 1.3, "seed": 1},
        ):
            generate(model, [1, 2, 3], max_new=6, sampler=Sampler.of(**settings))
    assert len(mode.seen) > 40


def test_the_rules_can_fail():
    with pytest.raises(AssertionError, match="float64"), AsOnMPS():
        torch.ones(2).double()
    assert not runs_on_mps("linalg_eig")  # no such kernel on MPS
    with pytest.raises(AssertionError, match="MPS has no"), AsOnMPS():
        torch.linalg.eig(torch.eye(2))

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from minigpt_edu import checkpoint
from minigpt_edu.checkpoint import (
    CheckpointError,
    CheckpointInfo,
    list_checkpoints,
    load_checkpoint,
    load_state,
    save_checkpoint,
)
from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.text import ByteBPE

READ_AND_PRINT = """
import sys, torch
from minigpt_edu.checkpoint import load_checkpoint
torch.set_num_threads(1)
for path in sys.argv[1:]:
    found = load_checkpoint(path, "cpu")
    ids = torch.tensor([found.tokenizer.encode("uma casa")]) % 97
    with torch.no_grad():
        print(found.model(ids).numpy().tobytes().hex())
"""


def test_a_fresh_process_gives_the_same_logits(models, tmp_path):
    tokenizer = ByteBPE.train("uma casa, outra casa, muitas casas", 280)
    ids, paths, want = torch.tensor([tokenizer.encode("uma casa")]) % 97, [], []
    for name, model in models.items():
        paths.append(tmp_path / "deep" / "er" / f"{name}.safetensors")
        save_checkpoint(paths[-1], model, tokenizer=tokenizer, step=7)
        with torch.no_grad():
            want.append(model(ids).numpy().tobytes().hex())
    command = [sys.executable, "-c", READ_AND_PRINT, *map(str, paths)]
    got = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert got.split() == want


def test_header_says_everything_without_the_weights(model, tmp_path):
    info = save_checkpoint(
        tmp_path / "a.safetensors", model, step=3, val_loss=1.5, description="olá"
    )
    again = CheckpointInfo.read(info.path)
    assert again == info
    assert again.config == model.config and again.meta["description"] == "olá"
    assert again.size_bytes == info.path.stat().st_size
    assert "step 3, val_loss 1.5" in info.explain()
    with safe_open(info.path, framework="pt") as file:
        names = {n.removeprefix("model.") for n in file.keys()}  # noqa: SIM118
    assert names == set(model.state_dict())


def test_state_travels_beside_the_weights(model, tmp_path):
    state = {"rng": torch.get_rng_state(), "step": torch.tensor(3.0)}
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, model, state=state)
    back = load_state(path)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], state[name]) for name in state)
    save_checkpoint(path, model)
    assert load_state(path) == {}
    assert load_checkpoint(path).tokenizer is None


def test_half_precision_halves_the_file_and_loads_as_float32(model, tmp_path):
    full = save_checkpoint(tmp_path / "full.safetensors", model)
    half = save_checkpoint(tmp_path / "half.safetensors", model, dtype=torch.float16)
    assert half.size_bytes < 0.7 * full.size_bytes
    loaded = load_checkpoint(half.path, "cpu").model
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight.half().float()), name


def test_list_filters_and_passes_over_other_files(model, tmp_path):
    for name, loss in (("b", 0.5), ("a", 1.5), ("sub/c", 2.5)):
        save_checkpoint(tmp_path / f"{name}.safetensors", model, val_loss=loss)
    save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    (tmp_path / "empty.safetensors").touch()
    assert [i.path.stem for i in list_checkpoints(tmp_path)] == ["a", "b", "c"]
    good = list_checkpoints(tmp_path, where=lambda info: info.meta["val_loss"] < 1)
    assert [info.path.stem for info in good] == ["b"]


def damage(path, how):
    data = bytearray(path.read_bytes())
    header_end = 8 + int.from_bytes(data[:8], "little")
    if how == "truncated":
        data = data[: len(data) // 2]
    elif how == "empty":
        data = bytearray()
    elif how == "weights":
        data[header_end + 100] ^= 0x10
    elif how == "last byte":
        data[-1] ^= 0x01
    elif how == "config":
        data = data.replace(b'n_layer\\": 2', b'n_layer\\": 3')
    elif how == "meta":
        data = data.replace(b'val_loss\\": 1.5', b'val_loss\\": 0.5')
    elif how == "header":
        data[20] ^= 0xFF
    elif how == "length":
        data[3] = 0x7F
    elif how == "text":
        data = bytearray(b"this is only a text, nothing more\n" * 40)
    path.write_bytes(data)


DAMAGES = [
    "truncated",
    "empty",
    "weights",
    "config",
    "meta",
    "header",
    "length",
    "text",
]


@pytest.mark.parametrize("how", [*DAMAGES, "last byte"])
def test_damage_is_one_clear_sentence(model, tmp_path, how):
    path = tmp_path / "a.safetensors"
    tokenizer = ByteBPE.train("abc abc", 262)
    save_checkpoint(path, model, tokenizer=tokenizer, val_loss=1.5)
    before = path.read_bytes()
    damage(path, how)
    assert path.read_bytes() != before
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_exchanged_tensors_are_noticed(model, tmp_path):
    """Two tensors of one size under each other's names: every byte is still there."""
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, model)
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    one, two = "model.blocks.0.mlp.up.weight", "model.blocks.1.mlp.up.weight"
    tensors[one], tensors[two] = tensors[two], tensors[one]
    save_file(tensors, path, header)
    with pytest.raises(CheckpointError, match="altered or damaged"):
        load_checkpoint(path)


def test_a_loaded_model_is_ready_for_use(tmp_path):
    path = tmp_path / "a.safetensors"
    before = os.umask(0o022)
    save_checkpoint(path, GPT(GPTConfig(vocab_size=9, n_layer=1, dropout=0.5)).train())
    os.umask(before)
    assert not load_checkpoint(path, "cpu").model.training
    assert path.stat().st_mode & 0o044 == 0o044  # others may read it


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint file"):
        load_checkpoint(tmp_path / "nothing.safetensors")
    with pytest.raises(CheckpointError, match="no checkpoint file"):
        load_checkpoint(tmp_path)
    save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="not a checkpoint of this program"):
        load_checkpoint(tmp_path / "other.safetensors")


def test_bad_meta_is_refused_before_anything_is_written(model, tmp_path):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, model, step=1)
    before = path.read_bytes()
    for meta in ({"x": object()}, {"x": float("nan")}):
        with pytest.raises(ValueError, match="cannot be written as JSON"):
            save_checkpoint(path, model, **meta)
    with pytest.raises(ValueError, match=r"ends in \.safetensors"):
        save_checkpoint(tmp_path / "a.pt", model)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_crash_while_writing_leaves_the_old_file(model, tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, model, step=1)

    def full_disk(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, model, step=2)
    assert load_checkpoint(path).info.meta["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_nothing_is_ever_unpickled():
    """torch.load runs code from the file; no module of ours calls it."""
    for source in Path(checkpoint.__file__).parent.rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        assert "torch.load(" not in text and "import pickle" not in text, source

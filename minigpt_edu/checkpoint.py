"""A model on disk: one safetensors file whose header says what it is.

The header is JSON and cheap to read, so a thousand checkpoints can be listed without
loading one weight. Nothing is ever unpickled: a checkpoint is data, not code. A file is
written beside its final name and moved there whole, so a crash leaves the old one.

    save_checkpoint("run/best.safetensors", model, tokenizer=tokenizer, val_loss=1.9)
    model = load_checkpoint("run/best.safetensors").model

Tensors: ``model.*`` the weights, ``state.*`` what a trainer needs to go on,
``tokenizer`` its JSON as bytes. Numbers are little-endian, as always in safetensors.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from .device import pick_device
from .model.config import GPTConfig
from .model.gpt import GPT
from .text.tokenizer import Tokenizer, tokenizer_from_json

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "CheckpointInfo",
    "list_checkpoints",
    "load_checkpoint",
    "load_state",
    "save_checkpoint",
]

FORMAT = "minigpt_edu/1"
SUFFIX = ".safetensors"


class CheckpointError(ValueError):
    """A file that cannot be used as a checkpoint, and what to do about it."""


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says of itself, read without its weights."""

    path: Path
    config: GPTConfig
    meta: Mapping[str, Any]  # created, step, val_loss, ... whatever the run knew
    sha256: str
    size_bytes: int

    def explain(self) -> str:
        known = ", ".join(
            f"{key} {self.meta[key]}"
            for key in ("step", "val_loss", "created")
            if self.meta.get(key) is not None
        )
        return f"{self.path} ({self.size_bytes:,} bytes): {known or 'no metadata'}"

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> CheckpointInfo:
        """Read only the header. Raises CheckpointError for any other kind of file."""
        path = Path(path)
        header, _ = _read(path, wanted=lambda name: False)
        try:
            config = GPTConfig.from_dict(json.loads(header["config"]))
            meta = json.loads(header["meta"])
            digest = header["sha256"]
        except (KeyError, ValueError, TypeError) as error:
            raise CheckpointError(
                f"{path}: the header is damaged ({error}); use another checkpoint"
            ) from error
        return cls(path, config, meta, digest, path.stat().st_size)


@dataclass(frozen=True)
class Checkpoint:
    """A model ready to use, the tokenizer it was trained with, and their origin."""

    model: GPT
    tokenizer: Tokenizer | None
    info: CheckpointInfo


def save_checkpoint(
    path: str | os.PathLike[str],
    model: GPT,
    *,
    tokenizer: Tokenizer | None = None,
    state: Mapping[str, Tensor] | None = None,
    dtype: torch.dtype | None = None,
    **meta: Any,
) -> CheckpointInfo:
    """Write weights, tokenizer and training state as one file, whole or not at all.

    ``dtype`` stores the weights in another precision (float16 halves the file);
    ``meta`` is anything JSON can hold. ``created`` (UTC) is added. Raises ValueError
    for a name without .safetensors or meta that JSON cannot hold, before anything is
    written.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise ValueError(f"{path.name}: a checkpoint's name ends in {SUFFIX}")
    weights = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    if dtype is not None:
        weights = {name: value.to(dtype) for name, value in weights.items()}
    tensors = {f"model.{name}": value.contiguous() for name, value in weights.items()}
    for name, value in (state or {}).items():
        tensors[f"state.{name}"] = value.detach().cpu().contiguous()
    if tokenizer is not None:  # a tensor, so that listing never reads it
        text = bytearray(tokenizer.to_json(), "utf-8")
        tensors["tokenizer"] = torch.frombuffer(text, dtype=torch.uint8)
    meta = {"created": datetime.now(UTC).isoformat(timespec="seconds"), **meta}
    header = {"format": FORMAT, "config": json.dumps(model.config.to_dict())}
    try:
        header["meta"] = json.dumps(meta, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the metadata cannot be written as JSON: {error}") from error
    header["sha256"] = _digest(header, tensors)
    _write(path, tensors, header)
    return CheckpointInfo.read(path)


def load_checkpoint(
    path: str | os.PathLike[str], device: torch.device | str | None = None
) -> Checkpoint:
    """The model (float32, eval mode), its tokenizer if stored, and its info.

    ``device`` None picks the best one here. Raises CheckpointError when the file is
    missing, not a checkpoint, truncated, altered, or does not fit its own config.
    """
    info = CheckpointInfo.read(path)
    header, tensors = _read(info.path)
    if _digest(header, tensors) != info.sha256:
        raise CheckpointError(
            f"{path} was altered or damaged after it was written (its sha256 does not "
            "match): use another checkpoint"
        )
    tokenizer = None
    if "tokenizer" in tensors:
        text = tensors["tokenizer"].numpy().tobytes().decode("utf-8")
        tokenizer = tokenizer_from_json(text)
    model = GPT(info.config)
    weights = _under(tensors, "model.")
    try:
        model.load_state_dict({name: w.float() for name, w in weights.items()})
    except RuntimeError as error:
        raise CheckpointError(
            f"{path}: weights and config disagree: {error}"
        ) from error
    where = pick_device() if device is None else torch.device(device)
    return Checkpoint(model.to(where).eval(), tokenizer, info)


def load_state(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The training state beside the weights; empty for a model kept only for use."""
    _, tensors = _read(Path(path), wanted=lambda name: name.startswith("state."))
    return _under(tensors, "state.")


def list_checkpoints(
    root: str | os.PathLike[str],
    where: Callable[[CheckpointInfo], bool] = lambda info: True,
) -> list[CheckpointInfo]:
    """Checkpoints under ``root`` that satisfy ``where``, sorted by path.

    Only headers are read. Files that are no checkpoints of ours are passed over.
    """
    found = []
    for path in sorted(Path(root).rglob(f"*{SUFFIX}")):
        try:
            info = CheckpointInfo.read(path)
        except CheckpointError:
            continue
        if where(info):
            found.append(info)
    return found


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _digest(header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """sha256 over the header's words and every tensor's name, shape, type and bytes."""
    digest = hashlib.sha256()
    for key in ("format", "config", "meta"):
        digest.update(header.get(key, "").encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _write(path: Path, tensors: Mapping[str, Tensor], header: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(save(dict(tensors), header))
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _read(
    path: Path, wanted: Callable[[str], bool] = lambda name: True
) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint file {path}")
    if path.stat().st_size == 0:
        raise CheckpointError(f"{path} is empty: use another checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            names = [name for name in file.keys() if wanted(name)]  # noqa: SIM118
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{path} is not a readable safetensors file, perhaps cut short ({error}): "
            "use another checkpoint"
        ) from error
    if header.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is not a checkpoint of this program "
            f"(format {header.get('format')!r}, expected {FORMAT!r})"
        )
    return header, tensors

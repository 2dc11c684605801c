"""A GPT from text to kernels: the companion package of MiniGPT, the executable book.

The names below are found when first used, so that ``import minigpt_edu`` is quick and
``minigpt_edu.text`` works where torch is not even installed.

    from minigpt_edu import GPT, GPTConfig, ByteBPE, Trainer, complete
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "text": ("ByteBPE", "ByteTokenizer", "CharTokenizer", "Tokenizer", "WordTokenizer"),
    "model": ("GPT", "ActivationCache", "GPTConfig", "KVCache"),
    "checkpoint": ("list_checkpoints", "load_checkpoint", "save_checkpoint"),
    "corpora": ("load_corpus",),
    "training": ("TokenBatches", "TrainConfig", "Trainer"),
    "inference": ("Sampler", "complete", "generate", "stream"),
    "log": ("EducationalLogger",),
    "viz": ("show",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "GPT",
    "ActivationCache",
    "ByteBPE",
    "ByteTokenizer",
    "CharTokenizer",
    "EducationalLogger",
    "GPTConfig",
    "KVCache",
    "Sampler",
    "TokenBatches",
    "Tokenizer",
    "TrainConfig",
    "Trainer",
    "WordTokenizer",
    "complete",
    "generate",
    "list_checkpoints",
    "load_checkpoint",
    "load_corpus",
    "save_checkpoint",
    "show",
    "stream",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"minigpt_edu has no name {name!r}: see minigpt_edu.__all__"
        )
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if TYPE_CHECKING:
    from .checkpoint import list_checkpoints, load_checkpoint, save_checkpoint
    from .corpora import load_corpus
    from .inference import Sampler, complete, generate, stream
    from .log import EducationalLogger
    from .model import GPT, ActivationCache, GPTConfig, KVCache
    from .text import (
        ByteBPE,
        ByteTokenizer,
        CharTokenizer,
        Tokenizer,
        WordTokenizer,
    )
    from .training import TokenBatches, TrainConfig, Trainer
    from .viz import show

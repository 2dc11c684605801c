"""Token ids to logits: the model, its shape, its memory and its hooks."""

from .config import GPTConfig
from .gpt import GPT, Block
from .hooks import HOOKS, ActivationCache, Listener
from .kv_cache import KVCache
from .presets import PRESETS

__all__ = [
    "GPT",
    "HOOKS",
    "PRESETS",
    "ActivationCache",
    "Block",
    "GPTConfig",
    "KVCache",
    "Listener",
]

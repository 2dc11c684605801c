"""Weights to text: sampling rules and the loop that adds one token after another."""

from .generate import TokenStep, complete, generate, stream, stream_text
from .rng import Mulberry32, draw
from .sampling import (
    Greedy,
    LogitsRule,
    MinP,
    RepetitionPenalty,
    Sampler,
    Temperature,
    TopK,
    TopP,
)

__all__ = [
    "Greedy",
    "LogitsRule",
    "MinP",
    "Mulberry32",
    "RepetitionPenalty",
    "Sampler",
    "Temperature",
    "TokenStep",
    "TopK",
    "TopP",
    "complete",
    "draw",
    "generate",
    "stream",
    "stream_text",
]

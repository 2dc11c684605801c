"""A figure's questions, answered by torch: the twin of the page's own engine.

A figure asks by the name of a method and its arguments, and gets plain JSON and arrays
of float32. It refuses to know who asks: there is no Jupyter here, and no drawing.

    source = shipped_source("reader")
    answer = source.answer("run", {"ids": [82, 13], "keep": ["blocks.0.attn.pattern"]})
    answer.arrays["blocks.0.attn.pattern"].shape       # (1, H, T, T)

Every method has the arguments and the result of its namesake in
``viz/js/host/engine_source.js``; a test compares the two.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..checkpoint import load_checkpoint
from ..inference import Sampler, stream
from ..model.edits import edits_of
from ..model.gpt import GPT
from ..shipped import shipped_model
from ..spelling import did_you_mean, refuse_unknown
from ..text.tokenizer import Tokenizer

__all__ = ["METHODS", "Answer", "TorchSource", "piece_text", "shipped_source"]

CANDIDATES = 10  # of the tokens that might have been generated, this many are told

#: What may be asked.
METHODS = ("about", "encode", "run", "lens", "weights", "generate")

Edits = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Answer:
    """JSON values, and arrays by name, in the order in which they travel."""

    values: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def result(self) -> dict[str, Any]:
        """The values, with the name and shape of every array."""
        listed = [
            {"name": name, "shape": list(array.shape)}
            for name, array in self.arrays.items()
        ]
        return {**self.values, "arrays": listed}

    def buffers(self) -> list[bytes]:
        """The arrays as little-endian float32, in the order of the result."""
        return [
            np.ascontiguousarray(array, dtype="<f4").tobytes()
            for array in self.arrays.values()
        ]


class TorchSource:
    """A model and its tokenizer, ready to be asked.

    `name` is what figures call the model; `info` may hold `step` and
    `val_bits_per_byte`, as a checkpoint's metadata do.
    """

    def __init__(
        self,
        model: GPT,
        tokenizer: Tokenizer,
        *,
        name: str,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        if model.config.vocab_size < tokenizer.vocab_size:
            raise ValueError(
                f"the model knows {model.config.vocab_size} tokens and the tokenizer "
                f"makes {tokenizer.vocab_size}: pass the tokenizer it was trained with"
            )
        self.model, self.tokenizer, self.name = model, tokenizer, name
        self.info = dict(info or {})

    def answer(self, method: str, arguments: Mapping[str, Any]) -> Answer:
        """What the method says; ValueError for one there is not, or wrong arguments."""
        if method not in METHODS:
            raise ValueError(
                f"nobody answers {method!r}: {did_you_mean(method, METHODS)}"
            )
        asked = getattr(self, method)
        known = inspect.signature(asked).parameters
        refuse_unknown(method, arguments, known)
        for name, one in known.items():
            if one.default is one.empty and name not in arguments:
                raise ValueError(f"{method} needs {name}")
        return asked(**arguments)

    def about(self) -> Answer:
        """What the checkpoint says of itself, and the text of every token."""
        size = self.tokenizer.vocab_size
        return Answer(
            {
                "name": self.name,
                "config": self.model.config.to_dict(),
                "params": self.model.num_params(),
                "step": self.info.get("step"),
                "val_bits_per_byte": self.info.get("val_bits_per_byte"),
                "vocabulary": [
                    piece_text(self.tokenizer.token_bytes(id)) for id in range(size)
                ],
            }
        )

    def encode(self, text: str) -> Answer:
        """The tokens of a text, each with its piece of it."""
        if not isinstance(text, str):
            raise ValueError(f"encode takes a text, not {text!r:.40}")
        ids = self.tokenizer.encode(text)
        return Answer({"ids": ids, "pieces": [self._piece(id) for id in ids]})

    def _piece(self, id: int) -> dict[str, Any]:
        raw = self.tokenizer.token_bytes(id)
        special = id in self.tokenizer.special.values()
        return {
            "id": id,
            "text": piece_text(raw),
            "bytes": list(raw),
            "special": special,
        }

    def run(
        self,
        ids: list[int],
        keep: str | Sequence[str] = (),
        edits: Edits = (),
        targets: list[int] | None = None,
    ) -> Answer:
        """One forward pass: all that matches `keep`, after `edits`, and the logits."""
        kept = [keep] if isinstance(keep, str) else list(keep)
        changes = edits_of(self.model, list(edits))
        rows = self._rows(ids)
        with (
            torch.no_grad(),
            self.model.listening(keep=[*kept, "logits"], edits=changes) as cache,
        ):
            if targets is None:
                self.model(rows)
            else:
                self.model.loss(rows, self._targets(ids, targets))
        wanted = {name: array for name, array in cache.items() if name != "logits"}
        return Answer({"ids": ids}, _floats({**wanted, "logits": cache["logits"]}))

    def lens(self, ids: list[int], edits: Edits = ()) -> Answer:
        """The logits that every layer's stream would give, and the model's own."""
        last = self.model.config.n_layer - 1
        names = [f"blocks.{i}.resid_pre" for i in range(last + 1)]
        names.append(f"blocks.{last}.resid_post")
        changes = edits_of(self.model, list(edits))
        rows = self._rows(ids)
        with torch.no_grad():
            with self.model.listening(keep=[*names, "logits"], edits=changes) as cache:
                self.model(rows)
            read = [self.model.unembed(cache[name])[0] for name in names]
        arrays = {"lens": torch.stack(read), "logits": cache["logits"]}
        return Answer({"ids": ids}, _floats(arrays))

    def weights(self, names: Sequence[str]) -> Answer:
        """Parameters by name, as in the checkpoint."""
        known = self.model.state_dict()
        for name in names:
            if name not in known:
                raise ValueError(
                    f"the model has no weights {name!r}: {did_you_mean(name, known)}"
                )
        return Answer({}, _floats({name: known[name] for name in names}))

    def generate(
        self, ids: list[int], n: int, sampler: Mapping[str, Any] | None = None
    ) -> Answer:
        """`n` tokens after `ids`; greedy unless the knobs of a sampler are given."""
        knobs = {"temperature": 0.0} if sampler is None else dict(sampler)
        refuse_unknown("sampler", knobs, inspect.signature(Sampler.of).parameters)
        chosen = Sampler.of(**{"seed": 0, **knobs})
        count = min(CANDIDATES, self.model.config.vocab_size)
        steps = [
            {
                "id": step.id,
                "logprob": step.logprob,
                "candidates": [[id, p] for id, p in step.candidates],
            }
            for step in stream(
                self.model, ids, max_new=n, sampler=chosen, candidates=count
            )
        ]
        return Answer({"ids": [step["id"] for step in steps], "steps": steps})

    def _rows(self, ids: list[int]) -> Tensor:
        """(1, T), after a look at what would otherwise fail deep inside."""
        vocabulary, block = self.model.config.vocab_size, self.model.config.block_size
        if not ids:
            raise ValueError("no tokens: give at least one id to read")
        if len(ids) > block:
            raise ValueError(
                f"{len(ids)} tokens do not fit into the model's context of {block}: "
                "shorten the text"
            )
        for id in ids:
            if not isinstance(id, int) or not 0 <= id < vocabulary:
                raise ValueError(
                    f"{id!r} is no token: ids run from 0 to {vocabulary - 1}"
                )
        return torch.tensor([ids], device=self.model.device)

    def _targets(self, ids: list[int], targets: list[int]) -> Tensor:
        if len(targets) != len(ids):
            raise ValueError(
                f"{len(targets)} targets for {len(ids)} tokens: one for each"
            )
        return torch.tensor([targets], device=self.model.device)


def _floats(values: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {
        name: value.detach().float().cpu().numpy() for name, value in values.items()
    }


def piece_text(raw: bytes) -> str:
    """Text of a token's bytes; of half a character the bytes, as ``<c3>``."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(f"<{byte:02x}>" for byte in raw)


@cache
def shipped_source(name: str) -> TorchSource:
    """The source of a shipped checkpoint, loaded once however many figures ask."""
    found = load_checkpoint(shipped_model(name), device="cpu")
    if found.tokenizer is None:
        raise ValueError(f"the checkpoint {name} has no tokenizer: figures need one")
    return TorchSource(found.model, found.tokenizer, name=name, info=found.info.meta)

"""One token after another. ``stream`` is the loop; everything else consumes it.

It knows ids and, in the two text functions, a tokenizer; it does not know where the
weights came from or who is reading.

    for step in stream(model, ids, max_new=20, candidates=5):
        print(step.explain())
    print(complete(model, tokenizer, "Era uma vez", sampler=Sampler.of(seed=7)))

The first pass reads the whole prompt, every later one a single token: the keys and
values of the rest wait in the cache. Logits are copied to the host once per token, and
chosen from there, so that a seed gives the same text on every device.

Shapes: T new tokens, C n_embd, V vocab_size, S ids seen so far.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..model.gpt import GPT
from ..model.kv_cache import KVCache
from ..text.tokenizer import StreamDecoder, Tokenizer
from .sampling import Sampler

__all__ = ["END", "TokenStep", "complete", "generate", "stream", "stream_text"]

END = "<|eos|>"  # after which a document ends and the next one begins
Ending = Literal["", "stop", "length", "context"]


@dataclass(frozen=True)
class TokenStep:
    """One generated token, and why.

    ``logprob`` is in nats and, like ``candidates`` (id and probability, likeliest
    first), comes from the model, before the sampler's rules. ``ending`` is empty until
    the last token; then ``"stop"`` (a stop token), ``"length"`` (max_new of them) or
    ``"context"`` (no room for another).
    """

    id: int
    logprob: float
    candidates: tuple[tuple[int, float], ...]
    cached: int  # tokens whose keys and values were kept when this one was chosen
    ending: Ending = ""

    def explain(self) -> str:
        """One plain sentence."""
        chance = f"the model gave it {math.exp(self.logprob):.1%}"
        if self.candidates and self.candidates[0][0] != self.id:
            best, probability = self.candidates[0]
            chance += f", and {probability:.1%} to its favourite, token {best}"
        why = {
            "stop": "; it ends the text",
            "length": "; it is the last one asked for",
            "context": "; there is no room for another",
        }.get(self.ending, "")
        return f"token {self.id} after {self.cached} others: {chance}{why}"


def stream(
    model: GPT,
    ids: Sequence[int],
    *,
    max_new: int = 64,
    sampler: Sampler | None = None,
    stop: Collection[int] = (),
    cache: KVCache | None = None,
    candidates: int = 0,
) -> Iterator[TokenStep]:
    """The continuation of ``ids``, token by token, each as soon as it is known.

    Greedy without a ``sampler``. Ends after ``max_new`` tokens, after a token of
    ``stop`` (which is yielded), or when the context is full, whichever is first;
    ``ending`` says which. To continue a text pass the ``cache`` it left: ``ids`` are
    then the tokens that are not in it yet, the last one yielded among them.

    Raises ``ValueError``, before any work, for an empty prompt, ids that are no flat
    sequence of whole numbers or that the model does not know, a prompt longer than the
    context, or numbers that make no sense.
    """
    sampler = Sampler.of(temperature=0) if sampler is None else sampler
    cache = KVCache(model.config, device=model.device) if cache is None else cache
    ids = _flat(ids)
    _check_prompt(model, ids, cache)
    vocabulary = model.config.vocab_size
    if max_new < 0:
        raise ValueError(f"max_new={max_new} must be 0 or more")
    if not 0 <= candidates <= vocabulary:
        raise ValueError(
            f"candidates={candidates} must be 0 to {vocabulary}, the vocabulary's size"
        )
    return _steps(model, ids, max_new, sampler, frozenset(stop), cache, candidates)


def _flat(ids: Sequence[int] | np.ndarray | Tensor) -> list[int]:
    """Plain ids of any flat sequence of whole numbers, or an error."""
    values = ids.tolist() if isinstance(ids, Tensor | np.ndarray) else ids
    try:
        return [operator.index(i) for i in values]
    except TypeError:
        shape = getattr(ids, "shape", None)
        what = f"{ids!r:.60}" if shape is None else f"of shape {tuple(shape)}"
        raise ValueError(
            f"ids {what} are not a flat sequence of whole numbers: give "
            "tokenizer.encode(text), or row.tolist() for one row of a tensor"
        ) from None


def _check_prompt(model: GPT, ids: Sequence[int], cache: KVCache) -> None:
    """Refuse what cannot be continued."""
    vocabulary = model.config.vocab_size
    if cache.rows != 1:
        raise ValueError(
            f"the cache has {cache.rows} rows, but stream fills one: pass cache.row(i)"
        )
    if not len(ids):
        raise ValueError("an empty prompt: give at least one id to continue from")
    if unknown := [i for i in ids if not 0 <= i < vocabulary]:
        raise ValueError(
            f"id {unknown[0]} is not in the model's vocabulary of {vocabulary}: did "
            "another tokenizer make the ids?"
        )
    room = cache.slots - cache.lengths[0]
    if len(ids) > room:
        raise ValueError(
            f"the prompt has {len(ids)} tokens, but the context has room for {room}: "
            f"shorten it, or keep its last {room}"
        )


def _steps(
    model: GPT,
    ids: list[int],
    max_new: int,
    sampler: Sampler,
    stop: frozenset[int],
    cache: KVCache,
    candidates: int,
) -> Iterator[TokenStep]:
    """The loop itself, for arguments that were checked."""
    seen, new, looks_back = list(ids), ids, sampler.looks_back
    for count in range(1, max_new + 1):
        logits = _next_logits(model, new, cache)  # (1, V), on the host
        history = torch.tensor([seen]) if looks_back else None  # (1, S)
        id = int(sampler(logits, history))
        logprobs = logits[0].log_softmax(dim=-1)  # (V,)
        ending = _ending(id in stop, count == max_new, cache)
        likeliest = _likeliest(logprobs, candidates)
        yield TokenStep(id, float(logprobs[id]), likeliest, cache.lengths[0], ending)
        if ending:
            return
        seen.append(id)
        new = [id]


def _likeliest(logprobs: Tensor, many: int) -> tuple[tuple[int, float], ...]:
    if many == 0:
        return ()
    best = logprobs.topk(many)
    ids, probabilities = best.indices.tolist(), best.values.exp().tolist()
    return tuple(zip(ids, probabilities, strict=True))


def _ending(stopped: bool, enough: bool, cache: KVCache) -> Ending:
    """Why a token is the last one, or nothing if it is not."""
    if stopped:
        return "stop"
    if enough:
        return "length"
    return "context" if cache.lengths[0] == cache.slots else ""


@torch.inference_mode()
def _next_logits(model: GPT, new: Sequence[int], cache: KVCache) -> Tensor:
    """The model's opinion after the last of the ``new`` tokens: (1, V) on the host."""
    ids = torch.tensor([new], device=model.device)  # (1, T)
    with _evaluating(model):
        last = model.residual(ids, cache)[:, -1]  # (1, C): only the last one is asked
        return model.unembed(last).cpu()


@contextmanager
def _evaluating(model: GPT) -> Iterator[None]:
    """Dropout off for a moment; then every module as it was."""
    modes = [(m, m.training) for m in model.modules()] if model.training else []
    if modes:
        model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def generate(
    model: GPT,
    ids: Sequence[int],
    *,
    max_new: int = 64,
    sampler: Sampler | None = None,
    stop: Collection[int] = (),
) -> list[int]:
    """The new ids alone, all at once; a stop token is the last of them.

    Everything else as in :func:`stream`.
    """
    steps = stream(model, ids, max_new=max_new, sampler=sampler, stop=stop)
    return [step.id for step in steps]


def stream_text(
    model: GPT,
    tokenizer: Tokenizer,
    prompt: str,
    *,
    max_new: int = 64,
    sampler: Sampler | None = None,
    stop: Collection[int] | None = None,
) -> Iterator[str]:
    """The continuation of ``prompt``, without it, in pieces of whole characters.

    Stops at ``<|eos|>``, unless ``stop`` names other ids, and does not show the token
    it stops at, nor a character that the last token leaves unfinished. An empty prompt
    begins a new document: the model is given ``<|eos|>``, after which documents begin.
    Everything else, errors too, as in :func:`stream`.
    """
    end = [id for name, id in tokenizer.special.items() if name == END]
    ids = tokenizer.encode(prompt) or end
    ends = frozenset(end if stop is None else stop)
    steps = stream(model, ids, max_new=max_new, sampler=sampler, stop=ends)
    return _pieces(steps, tokenizer)


def _pieces(steps: Iterator[TokenStep], tokenizer: Tokenizer) -> Iterator[str]:
    decoder = StreamDecoder(tokenizer)
    for step in steps:
        if step.ending != "stop" and (piece := decoder.push(step.id)):
            yield piece


def complete(
    model: GPT,
    tokenizer: Tokenizer,
    prompt: str,
    *,
    max_new: int = 64,
    sampler: Sampler | None = None,
    stop: Collection[int] | None = None,
) -> str:
    """All of :func:`stream_text` in one string; the same options."""
    return "".join(
        stream_text(
            model, tokenizer, prompt, max_new=max_new, sampler=sampler, stop=stop
        )
    )

"""``minigpt generate``: a checkpoint, a beginning, and what the model adds to it.

run_generate(GenerateOptions(prompt="Era uma vez", seed=7))
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from ..checkpoint import Checkpoint, load_checkpoint
from ..device import pick_device
from ..inference.generate import END, TokenStep, stream
from ..inference.sampling import (
    Greedy,
    LogitsRule,
    MinP,
    RepetitionPenalty,
    Sampler,
    Temperature,
    TopK,
    TopP,
)
from ..text.tokenizer import StreamDecoder, Tokenizer
from .listing import Found, best_of, find_checkpoints
from .options import CHECKPOINTS, FIRST_COMMAND, GenerateOptions

__all__ = ["choose_checkpoint", "run_generate"]


def choose_checkpoint(asked: Path | None) -> Path:
    """The file asked for; of a folder (by default ``checkpoints``) the best for
    the text that was trained on last.

    Raises ValueError, with the command that makes one, when there is none.
    """
    folder = CHECKPOINTS if asked is None else asked
    if asked is not None and not folder.is_dir():
        return asked
    found = find_checkpoints(folder) if folder.is_dir() else []
    best = best_of(found)
    if best is None:
        broken = sum(f.error is not None for f in found)
        but = f" ({broken} unreadable)" if broken else ""
        raise ValueError(
            f"no trained model in {folder}{but}: make one with  {FIRST_COMMAND}"
        )
    return best.path


def run_generate(options: GenerateOptions) -> int:
    """The command. Raises ValueError for a bad checkpoint, prompt or number."""
    sampler = Sampler.of(
        temperature=options.temperature,
        top_k=options.top_k or None,
        top_p=options.top_p,
        min_p=options.min_p,
        repetition_penalty=options.repetition_penalty,
        seed=options.seed,
    )
    path = choose_checkpoint(options.checkpoint)
    checkpoint = load_checkpoint(path, pick_device(options.device))
    tokenizer = checkpoint.tokenizer
    if tokenizer is None:
        raise ValueError(
            f"{path} holds no tokenizer, so it cannot read a prompt: use a checkpoint "
            "that minigpt train made"
        )
    end = [id for name, id in tokenizer.special.items() if name == END]
    ids = tokenizer.encode(options.prompt) or end
    steps = stream(
        checkpoint.model,
        ids,
        max_new=options.max_tokens,
        sampler=sampler,
        stop=end,
        candidates=3 if options.show_tokens else 0,
    )
    _note(_origin(checkpoint, sampler))
    _note_unknown(ids, tokenizer)
    if options.show_tokens:
        steps = _shown(steps, tokenizer)
    ending = _tell(options.prompt, steps, tokenizer)
    if ending == "context":
        size = checkpoint.model.config.block_size
        _note(f"[ended here: the model reads at most {size} tokens]")
    return 0


def _tell(prompt: str, steps: Iterator[TokenStep], tokenizer: Tokenizer) -> str:
    """Write the tokens as they come; return why the last one was the last."""
    decoder, ending = StreamDecoder(tokenizer), ""
    _write(prompt)
    for step in steps:
        ending = step.ending
        if ending != "stop":
            _write(decoder.push(step.id))
    _write("\n")
    return ending


def _shown(steps: Iterator[TokenStep], tokenizer: Tokenizer) -> Iterator[TokenStep]:
    """The same steps, after a line about each: a text needs its lines to itself."""
    kept = []
    for step in steps:
        _write(_token_line(step, tokenizer) + "\n")
        kept.append(step)
    return iter(kept)


def _write(text: str) -> None:
    """To the output at once, so that a reader sees each token as it comes."""
    sys.stdout.write(text)
    sys.stdout.flush()


def _note(text: str) -> None:
    typer.echo(typer.style(text, dim=True), err=True)


def _note_unknown(ids: list[int], tokenizer: Tokenizer) -> None:
    unknown = ids.count(tokenizer.special.get("<|unk|>", -1))
    if unknown:
        _note(
            f"[{unknown} of {len(ids)} tokens of the prompt are unknown to the model]"
        )


def _origin(checkpoint: Checkpoint, sampler: Sampler) -> str:
    info = checkpoint.info
    bits = Found(info.path, info.size_bytes, info).number("val_bits_per_byte")
    judged = "" if bits is None else f", {bits:.2f} held-out bits per byte"
    rules = ", ".join(map(_in_words, sampler.rules)) or "the model's own probabilities"
    seed = "" if sampler.greedy else f"; seed {sampler.seed}"
    return f"[{info.path}, step {info.meta.get('step')}{judged}; {rules}{seed}]"


def _in_words(rule: LogitsRule) -> str:
    """A rule as a person would say it, in the words of the options."""
    match rule:
        case Greedy():  # before TopK, of which it is one
            return "always the likeliest token"
        case Temperature(value=value):
            return f"temperature {value:g}"
        case TopK(k=k):
            return f"top-k {k}"
        case TopP(p=p):
            return f"top-p {p:g}"
        case MinP(p=p):
            return f"min-p {p:g}"
        case RepetitionPenalty(value=value):
            return f"repetition penalty {value:g}"
        case _:
            return rule.explain()


def _token_line(step: TokenStep, tokenizer: Tokenizer) -> str:
    def spell(id: int) -> str:
        text = tokenizer.token_bytes(id).decode("utf-8", "backslashreplace")
        return json.dumps(text, ensure_ascii=False)

    likeliest = "  ".join(f"{spell(id)} {p:.1%}" for id, p in step.candidates)
    probability = math.exp(step.logprob)
    return f"{step.id:>6} {spell(step.id):<16} {probability:>6.1%}   of: {likeliest}"

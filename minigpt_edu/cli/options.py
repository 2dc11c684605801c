"""What the commands can be told: one record per command, one field per flag.

A flag is written once, here: its name, type, limits and help. typer reads the fields,
the command gets the filled record. A field that is ``None`` was not given, and the
command decides. Nothing heavy is imported, so that ``--help`` is quick.

    TrainOptions(data="my.txt", steps=9)      # minigpt train --data my.txt --steps 9
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from typer import BadParameter, Option

__all__ = [
    "CHECKPOINTS",
    "FIRST_COMMAND",
    "GenerateOptions",
    "ListOptions",
    "TokenizerKind",
    "TrainOptions",
]

CHECKPOINTS = Path("checkpoints")  # where runs are kept, from where minigpt is called
FIRST_COMMAND = "minigpt train --data pt_br --steps 300"

COLDEST = 0.001  # a temperature below overflows the logits; 0 itself means greedy

TokenizerKind = Literal["bpe", "char", "word", "byte", "shipped"]


def _flag(*names: str, help: str, **more: Any) -> Any:
    return Option(*names, help=help, **more)


def _shape(help: str, **more: Any) -> Any:
    return Option(help=help, rich_help_panel="Shape of the model", **more)


def _learn(help: str, **more: Any) -> Any:
    return Option(help=help, rich_help_panel="Learning", **more)


def _save(*names: str, help: str, **more: Any) -> Any:
    return Option(*names, help=help, rich_help_panel="Saving", **more)


def _path(text: str) -> Path:
    """An empty name would silently be the folder from where minigpt is called."""
    if not text:
        raise BadParameter("it is empty; leave it out, or write . for this folder")
    return Path(text)


class _Options:
    """Refuses numbers that are too small or too large and empty names, with the flag,
    the number and the limit."""

    least: ClassVar[dict[str, float]] = {}
    most: ClassVar[dict[str, float]] = {}
    named: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in self.named:
            if getattr(self, name) == "":
                raise ValueError(f"--{name} is empty: give a name, or leave it out")
        for name, value in vars(self).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                self._check(name, value)

    def _check(self, name: str, value: float) -> None:
        low, high = self.least.get(name), self.most.get(name)
        flag = f"--{name.replace('_', '-')} {_short(value)}"
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{flag} is no number to work with: give a finite one")
        if low is not None and value < low:
            raise ValueError(f"{flag} must be at least {low}")
        if high is not None and value > high:
            raise ValueError(f"{flag} must be at most {high}")


def _short(value: float) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:20]}... ({len(text)} digits)"


@dataclass(frozen=True, kw_only=True)
class TrainOptions(_Options):
    """Teach a model to continue a text.

    The last tenth of the text is held out: the loss on it stands beside the lines that
    counting single bytes, pairs and triples of them reaches on the same text.
    """

    least: ClassVar[dict[str, float]] = {
        "steps": 1,
        "batch_size": 1,
        "accumulate": 1,
        "block_size": 1,
        "vocab_size": 1,
        "n_layer": 1,
        "n_head": 1,
        "n_kv_head": 1,
        "n_embd": 1,
        "dropout": 0,
        "seed": 0,
        "eval_every": 1,
        "save_every": 1,
    }
    most: ClassVar[dict[str, float]] = {
        "steps": 1_000_000_000,
        "batch_size": 1_000_000,
        "accumulate": 1_000_000,
        "block_size": 1_000_000,
        "vocab_size": 10_000_000,
        "n_layer": 1000,
        "n_head": 10_000,
        "n_kv_head": 10_000,
        "n_embd": 100_000,
        "seed": 2**32 - 1,  # numpy takes no larger one
        "eval_every": 1_000_000_000,
        "save_every": 1_000_000_000,
    }
    named = ("data", "device", "preset")

    data: Annotated[
        str | None,
        _flag(
            "--data",
            "-d",
            help="A text file (UTF-8), or a shipped corpus: pt_br, en, both.",
            metavar="FILE|NAME",
            show_default="pt_br",
        ),
    ] = None
    tokenizer: Annotated[
        TokenizerKind | None,
        _shape(
            "How text is cut; shipped is the book's own, of both languages.",
            show_default="bpe",
        ),
    ] = None
    vocab_size: Annotated[
        int | None,
        _shape("Tokens of a bpe or word tokenizer.", show_default="1024; word 4096"),
    ] = None
    preset: Annotated[
        str | None,
        _shape(
            "A named shape: tiny, small, reader, classic, ... (a wrong one lists all).",
            metavar="NAME",
            show_default="small",
        ),
    ] = None
    block_size: Annotated[
        int | None,
        _shape("Tokens the model reads at once.", show_default="the preset's"),
    ] = None
    n_layer: Annotated[int | None, _shape("Blocks.")] = None
    n_head: Annotated[int | None, _shape("Attention heads.")] = None
    n_kv_head: Annotated[int | None, _shape("Key and value heads.")] = None
    n_embd: Annotated[int | None, _shape("Width of the stream.")] = None
    dropout: Annotated[float | None, _shape("Part dropped while training.")] = None
    steps: Annotated[
        int | None, _learn("Changes of the weights.", show_default="1000")
    ] = None
    batch_size: Annotated[
        int | None, _learn("Windows per batch.", show_default="16")
    ] = None
    accumulate: Annotated[int | None, _learn("Batches per step.", show_default="1")] = (
        None
    )
    lr: Annotated[
        float | None, _learn("Highest learning rate.", show_default="0.006")
    ] = None
    seed: Annotated[
        int | None,
        _learn("Of weights, batches and dropout.", show_default="0"),
    ] = None
    device: Annotated[
        str | None, _learn("cuda, mps or cpu.", show_default="the best here")
    ] = None
    eval_every: Annotated[
        int | None, _learn("Steps between held-out losses.", show_default="50")
    ] = None
    out: Annotated[
        Path | None,
        _save(
            "--out",
            "-o",
            help="Folder of the run.",
            parser=_path,
            metavar="FOLDER",
            show_default="checkpoints/NAME OF THE DATA",
        ),
    ] = None
    save_every: Annotated[
        int | None,
        _save(help="Steps between checkpoints.", show_default="as --eval-every"),
    ] = None
    resume: Annotated[
        str | None,
        _save(
            help="Go on where a run stopped: FILE, or the last of --out.",
            metavar="[FILE]",
        ),
    ] = None
    overwrite: Annotated[
        bool, _save("--overwrite", help="Replace the run that is in --out.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class GenerateOptions(_Options):
    """Continue a text with a trained model.

    The text goes to the output, as it is made; everything said about it goes to the
    error stream.
    """

    least: ClassVar[dict[str, float]] = {
        "max_tokens": 1,
        "temperature": 0,
        "top_k": 0,
        "repetition_penalty": 0.01,
        "seed": 0,
    }
    most: ClassVar[dict[str, float]] = {
        "max_tokens": 1_000_000_000,
        "temperature": 1000,
        "repetition_penalty": 100,
    }
    named = ("device",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.temperature < COLDEST:
            raise ValueError(
                f"--temperature {self.temperature} is too near to 0: give 0 for always "
                f"the likeliest token, or at least {COLDEST}"
            )

    prompt: Annotated[
        str,
        _flag(
            "--prompt",
            "-p",
            help="The beginning; empty for a new document.",
            metavar="TEXT",
        ),
    ] = ""
    checkpoint: Annotated[
        Path | None,
        _flag(
            "--checkpoint",
            "-c",
            help="A .safetensors file, or a folder to take the best of.",
            parser=_path,
            metavar="PATH",
            show_default="the best in checkpoints",
        ),
    ] = None
    max_tokens: Annotated[
        int, _flag("--max-tokens", "-m", help="Tokens to add at most.")
    ] = 100
    temperature: Annotated[
        float, _flag(help="0 takes the likeliest token; above 1 is bolder.")
    ] = 0.8
    top_k: Annotated[int, _flag(help="Draw among the K likeliest; 0 for all.")] = 50
    top_p: Annotated[
        float | None, _flag(help="Draw among the likeliest that hold this much.")
    ] = None
    min_p: Annotated[
        float | None, _flag(help="Only tokens this likely beside the best.")
    ] = None
    repetition_penalty: Annotated[
        float | None, _flag(help="Above 1 makes what was said less likely.")
    ] = None
    seed: Annotated[
        int | None, _flag(help="Of the draws.", show_default="another each time")
    ] = None
    show_tokens: Annotated[
        bool, _flag("--show-tokens", help="One line per token, with probabilities.")
    ] = False
    device: Annotated[
        str, _flag(help="cuda, mps or cpu.", show_default="the best here")
    ] = "auto"


@dataclass(frozen=True, kw_only=True)
class ListOptions(_Options):
    """Show the checkpoints in a folder, and which is the best."""

    dir: Annotated[
        Path | None,
        _flag(
            "--dir",
            help="Where to look.",
            parser=_path,
            metavar="FOLDER",
            show_default="checkpoints",
        ),
    ] = None
    json: Annotated[bool, _flag("--json", help="As JSON, for programs.")] = False

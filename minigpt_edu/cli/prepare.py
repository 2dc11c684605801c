"""From options to a run that is ready to start, or to go on; nothing is written yet.

run = new_run(TrainOptions(data="pt_br"))
for record in run.trainer.steps(): ...
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checkpoint import load_checkpoint
from ..corpora import BOTH, SHIPPED, Corpus, load_corpus, split
from ..device import setup
from ..evaluation.loss import bits_per_byte
from ..evaluation.ngrams import NgramLines, ngram_lines
from ..model.config import GPTConfig
from ..model.gpt import GPT
from ..shipped import shipped_tokenizer
from ..text.bpe import ByteBPE
from ..text.simple import ByteTokenizer, CharTokenizer, WordTokenizer
from ..text.tokenizer import Tokenizer
from ..training.batches import TokenBatches
from ..training.config import TrainConfig
from ..training.trainer import Trainer
from .options import CHECKPOINTS, TrainOptions
from .run_folder import RunFolder

__all__ = ["Run", "new_run", "resumed_run"]

# What is done when nothing is said. On a 190 KB text, a small model with this recipe is
# under the bigram line after about 50 steps and under the trigram line after 100.
DEFAULTS: dict[str, Any] = {
    "data": "pt_br",
    "tokenizer": "bpe",
    "preset": "small",
    "steps": 1000,
    "batch_size": 16,
    "accumulate": 1,
    "lr": 6e-3,
    "seed": 0,
    "device": "auto",
    "eval_every": 50,
}
VOCAB_SIZE = {"bpe": 1024, "word": 4096}  # the other kinds count what is there
SHAPE = ("block_size", "n_layer", "n_head", "n_kv_head", "n_embd", "dropout")
KEPT = ("tokenizer", "vocab_size", "preset", *SHAPE, "batch_size", "accumulate", "lr")
MISSING = 0.01  # with more unknown tokens than this part, bits per byte mean nothing
SHORTEST = 8  # tokens; a model that reads fewer at once learns nothing worth seeing


@dataclass(frozen=True)
class Run:
    """Everything a training needs, checked and loaded."""

    corpus: Corpus
    tokenizer: Tokenizer
    trainer: Trainer
    folder: RunFolder
    lines: NgramLines
    meta: dict[str, Any]  # goes into each checkpoint
    unknown: int  # held-out tokens that the tokenizer has no id for
    save_every: int

    @property
    def val_tokens(self) -> int:
        """Held-out tokens to guess."""
        return len(self.trainer.val or ()) - 1

    @property
    def comparable(self) -> bool:
        """Whether bits per byte mean something: most held-out tokens are known."""
        return self.unknown <= MISSING * self.val_tokens

    def bits(self, nats_per_token: float) -> float | None:
        """A held-out loss per token as bits per byte of the held-out text; None when
        the two cannot be compared."""
        if not self.comparable:
            return None
        return bits_per_byte(nats_per_token * self.val_tokens, self.lines.val_bytes)


def new_run(options: TrainOptions) -> Run:
    """A run from the beginning. Raises ValueError for whatever cannot be trained."""
    corpus = load_corpus(options.data or DEFAULTS["data"])
    folder = RunFolder(options.out or CHECKPOINTS / corpus.name)
    folder.check_writable()
    if not options.overwrite:
        folder.check_free()
    tokenizer = _make_tokenizer(options, corpus.text)
    splits = _Splits.of(corpus, tokenizer)
    config = _make_shape(options, tokenizer, splits)
    chosen = _chosen(options, config)
    recipe = TrainConfig(
        steps=options.steps or DEFAULTS["steps"],
        lr=chosen["lr"],
        accumulate=chosen["accumulate"],
        eval_every=options.eval_every or DEFAULTS["eval_every"],
        seed=chosen["seed"],
        device=options.device or DEFAULTS["device"],
    )
    setup(seed=chosen["seed"], device=recipe.device)
    train, val = splits.batches(config.block_size, chosen)
    trainer = Trainer(GPT(config), train, val, recipe)
    return _assemble(options, corpus, tokenizer, trainer, folder, chosen, splits)


def resumed_run(options: TrainOptions) -> Run:
    """A run from its last checkpoint. Raises ValueError if it would become another."""
    path = _last_checkpoint(options)
    checkpoint = load_checkpoint(path, "cpu")
    meta, tokenizer = checkpoint.info.meta, checkpoint.tokenizer
    if tokenizer is None or "chosen" not in meta:
        raise ValueError(f"{path} was not made by minigpt train: it cannot be resumed")
    chosen = meta["chosen"]
    _refuse_changes(options, chosen)
    corpus = load_corpus(options.data or meta["corpus_source"])
    if corpus.sha256 != meta["corpus_sha256"]:
        raise ValueError(
            f"{corpus.path} is not the text this run began with (its sha256 is "
            "another): give the same text, or begin a new run with another --out"
        )
    folder = RunFolder(path.parent)
    folder.check_writable()
    splits = _Splits.of(corpus, tokenizer)
    train, val = splits.batches(checkpoint.info.config.block_size, chosen)
    asked = {name: getattr(options, name) for name in ("steps", "eval_every", "device")}
    changes = {name: value for name, value in asked.items() if value is not None}
    if options.steps and options.steps < meta.get("step", 0):
        raise ValueError(
            f"--steps {options.steps}: this run has already made {meta['step']} steps; "
            "give more to go on"
        )
    trainer = Trainer.resume(path, train, val, **changes)
    return _assemble(options, corpus, tokenizer, trainer, folder, chosen, splits)


@dataclass(frozen=True)
class _Splits:
    """The text to learn from and the text to judge with, in ids and by counting."""

    train: list[int]
    val: list[int]
    lines: NgramLines

    @classmethod
    def of(cls, corpus: Corpus, tokenizer: Tokenizer) -> _Splits:
        """Each split stands behind an end-of-document token: it spells nothing, and
        gives the first token of the text something to follow."""
        end = tokenizer.special["<|eos|>"]
        train, val = split(corpus.text)

        def encode(text: str) -> list[int]:
            return [end, *tokenizer.encode(text, allow_special=True)]

        return cls(encode(train), encode(val), ngram_lines(train, val))

    def batches(
        self, block_size: int, chosen: dict[str, Any]
    ) -> tuple[TokenBatches, TokenBatches]:
        """Windows of both."""
        size, seed = chosen["batch_size"], chosen["seed"]
        train = TokenBatches(self.train, block_size, size, seed=seed)
        return train, TokenBatches(self.val, block_size, size)


def _assemble(
    options: TrainOptions,
    corpus: Corpus,
    tokenizer: Tokenizer,
    trainer: Trainer,
    folder: RunFolder,
    chosen: dict[str, Any],
    splits: _Splits,
) -> Run:
    return Run(
        corpus=corpus,
        tokenizer=tokenizer,
        trainer=trainer,
        folder=folder,
        lines=splits.lines,
        meta=_describe(corpus, tokenizer, chosen, splits.lines),
        unknown=splits.val.count(tokenizer.special["<|unk|>"]),
        save_every=options.save_every or trainer.config.eval_every or 1,
    )


def _make_tokenizer(options: TrainOptions, text: str) -> Tokenizer:
    """Learned from the training split; the alphabet of ``char`` from the whole text, as
    knowing which letters exist is no advantage in guessing them."""
    kind = options.tokenizer or DEFAULTS["tokenizer"]
    size = options.vocab_size or VOCAB_SIZE.get(kind)
    if options.vocab_size and kind not in VOCAB_SIZE:
        raise ValueError(
            f"--vocab-size {options.vocab_size} cannot be chosen for --tokenizer "
            f"{kind}: its size is what the text has; leave it out, or take bpe or word"
        )
    train_text, _ = split(text)
    match kind:
        case "bpe":
            return ByteBPE.train(train_text, size or 0)
        case "word":
            return WordTokenizer.train(train_text, size, allow_special=True)
        case "shipped":
            return shipped_tokenizer()
        case "char":
            return CharTokenizer.train(text, allow_special=True)
        case _:
            return ByteTokenizer()


def _make_shape(
    options: TrainOptions, tokenizer: Tokenizer, splits: _Splits
) -> GPTConfig:
    """The preset with the changes asked for, no longer than the text allows."""
    asked = {name: getattr(options, name) for name in SHAPE}
    changes = {name: value for name, value in asked.items() if value is not None}
    config = GPTConfig.preset(options.preset or DEFAULTS["preset"], **changes)
    train, val = len(splits.train), len(splits.val)
    longest, block = min(train, val) - 1, config.block_size
    if block > longest:
        if options.block_size or longest < SHORTEST:
            needed = options.block_size or SHORTEST
            raise ValueError(
                f"the text is too small: {train} tokens to learn from and {val} held "
                f"out, but windows of {needed} need {needed + 1} of each; give more "
                "text, or a smaller --block-size"
            )
        block = 2 ** (longest.bit_length() - 1)
    return config.replace(vocab_size=tokenizer.vocab_size, block_size=block)


def _chosen(options: TrainOptions, config: GPTConfig) -> dict[str, Any]:
    """What makes this run this one, as it was asked for or as it was decided."""
    asked = {name: getattr(options, name) for name in (*KEPT, "seed")}
    kind = asked["tokenizer"] or DEFAULTS["tokenizer"]
    decided = {
        **DEFAULTS,
        **{name: getattr(config, name) for name in SHAPE},
        "vocab_size": VOCAB_SIZE.get(kind),
    }
    return {
        name: decided[name] if value is None or name == "block_size" else value
        for name, value in asked.items()
    }


def _describe(
    corpus: Corpus, tokenizer: Tokenizer, chosen: dict[str, Any], lines: NgramLines
) -> dict[str, Any]:
    """What every checkpoint of the run says of itself."""
    ours = corpus.name == BOTH or corpus.path.name == SHIPPED.get(corpus.name)
    return {
        "description": (
            f"{corpus.name}, {chosen['tokenizer']} {tokenizer.vocab_size}, "
            f"{chosen['preset']}"
        ),
        "corpus": corpus.name,
        "corpus_source": corpus.name if ours else str(corpus.path.resolve()),
        "corpus_sha256": corpus.sha256,
        "chosen": chosen,
        "ngram_bits_per_byte": {
            name: getattr(lines, name)
            for name in ("uniform", "unigram", "bigram", "trigram")
        },
    }


def _refuse_changes(options: TrainOptions, chosen: dict[str, Any]) -> None:
    for name, was in chosen.items():
        given = getattr(options, name)
        if given is not None and given != was:
            raise ValueError(
                f"--{name.replace('_', '-')} {given} would make this another run (it "
                f"began with {was}): leave it out, or begin anew with another --out"
            )


def _last_checkpoint(options: TrainOptions) -> Path:
    """The file to go on from: the one given, or last.safetensors of the run's
    folder."""
    if options.resume:
        path = Path(options.resume)
        if options.out is not None and options.out.resolve() != path.parent.resolve():
            raise ValueError(
                f"a run goes on in its own folder, {path.parent}: leave out --out"
            )
        return path
    if options.out is None and options.data is None:
        raise ValueError(
            "--resume needs to know which run: give a file to it, or --data or --out"
        )
    name = load_corpus(options.data).name if options.data else ""
    folder = RunFolder(options.out or CHECKPOINTS / name)
    if not folder.last.exists():
        raise ValueError(
            f"there is nothing to resume in {folder.path}: leave out --resume to begin"
        )
    return folder.last

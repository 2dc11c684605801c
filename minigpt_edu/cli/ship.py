"""Make a trained model one of those that come with the book.

Half precision, the weights alone, and a header that says which command made it, from
which text, when, on what, and what it costs on the text held out. The cost is measured
here, on the very file that is shipped.

    python -m minigpt_edu.cli.ship checkpoints/both/best.safetensors reader \\
        "minigpt train --data both --tokenizer shipped --preset reader"
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import torch

from ..checkpoint import CheckpointInfo, load_checkpoint, save_checkpoint
from ..corpora import END_OF_DOCUMENT, data_folder, load_corpus, split
from ..evaluation.loss import evaluate_loss
from ..model.gpt import GPT
from ..shipped import MODELS, SUFFIX, shipped_tokenizer
from ..text.tokenizer import Tokenizer

__all__ = ["main", "ship"]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
KEPT = ("step", "corpus", "corpus_sha256", "ngram_bits_per_byte", "created")


def ship(
    source: Path, name: str, command: str, *, device: str = "cpu"
) -> CheckpointInfo:
    """Write ``data/models/NAME.safetensors`` from a checkpoint of ``minigpt train``.

    Raises CheckpointError for a file that is none, ValueError for a name that is no
    plain word, and when the checkpoint has not learned the present text with the
    book's tokenizer, or does not say so.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a model: small letters and digits")
    found = load_checkpoint(source, "cpu")
    if found.tokenizer is None or "corpus_source" not in found.info.meta:
        raise ValueError(f"{source} does not say which text and tokenizer it is from")
    corpus = load_corpus(found.info.meta["corpus_source"])
    if corpus.sha256 != found.info.meta.get("corpus_sha256"):
        raise ValueError(f"{source} learned another text than today's {corpus.name}")
    if found.tokenizer.to_json() != shipped_tokenizer().to_json():
        raise ValueError(f"{source} has another tokenizer than the book's: train again")
    found.model.load_state_dict(
        {key: value.half().float() for key, value in found.model.state_dict().items()}
    )
    text = split(corpus.text)[1]
    nats, bits = _cost(found.model, found.tokenizer, text)
    meta = {key: found.info.meta[key] for key in KEPT if key in found.info.meta}
    return save_checkpoint(
        data_folder() / MODELS / f"{name}{SUFFIX}",
        found.model,
        tokenizer=found.tokenizer,
        dtype=torch.float16,
        description=f"the book's {name} model",
        command=command,
        device=device,
        seed=found.info.meta.get("chosen", {}).get("seed"),
        val_loss=round(nats, 4),
        val_bits_per_byte=round(bits, 4),
        **meta,
    )


def _cost(model: GPT, tokenizer: Tokenizer, text: str) -> tuple[float, float]:
    """Nats per token and bits per byte on the whole of a text."""
    end = tokenizer.special[END_OF_DOCUMENT]
    ids = [end, *tokenizer.encode(text, allow_special=True)]
    report = evaluate_loss(model, ids, n_bytes=len(text.encode()))
    return report.nats_per_token, report.bits_per_byte


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Ship a trained model with the book.")
    parser.add_argument("source", type=Path, help="a checkpoint of minigpt train")
    parser.add_argument("name", help="reader, draft, instruct, ...")
    parser.add_argument("command", help="the command that made it, as it was typed")
    parser.add_argument("--device", default="cpu", help="what it was trained on")
    given = parser.parse_args()
    try:
        info = ship(given.source, given.name, given.command, device=given.device)
    except (ValueError, OSError) as error:
        sys.exit(f"ship: {error}")
    sys.stdout.write(f"{info.explain()}\n")


if __name__ == "__main__":
    main()

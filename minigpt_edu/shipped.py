"""What comes with the book ready-made: its tokenizer and its trained models.

They lie in the data folder beside the texts they were learned from, so everybody who
opens the book sees the same tokens and the same probabilities. ``data/README.md`` says
how each was made.

    tokenizer = shipped_tokenizer()
    model = load_checkpoint(shipped_model("reader")).model
"""

from __future__ import annotations

from pathlib import Path

from .corpora import data_folder
from .spelling import did_you_mean
from .text.tokenizer import Tokenizer, tokenizer_from_json

__all__ = ["shipped_model", "shipped_models", "shipped_tokenizer"]

TOKENIZER = "tokenizer.json"
MODELS = "models"
SUFFIX = ".safetensors"


def shipped_tokenizer() -> Tokenizer:
    """The book's tokenizer: 1,024 tokens, learned from both shipped corpora.

    Raises FileNotFoundError when the data folder has none.
    """
    path = data_folder() / TOKENIZER
    if not path.is_file():
        raise FileNotFoundError(f"the book's tokenizer should be at {path}, but is not")
    return tokenizer_from_json(path.read_text(encoding="utf-8"))


def shipped_models() -> list[str]:
    """Names of the trained models in the data folder."""
    return sorted(path.stem for path in (data_folder() / MODELS).glob(f"*{SUFFIX}"))


def shipped_model(name: str) -> Path:
    """The file of a trained model. Raises ValueError for a name there is not."""
    names = shipped_models()
    if name not in names:
        raise ValueError(
            f"no model is called {name!r} in {data_folder() / MODELS}: "
            f"{did_you_mean(name, names) if names else 'there are none'}"
        )
    return data_folder() / MODELS / f"{name}{SUFFIX}"

"""Encoded texts on disk, so that a long text is encoded once.

The file's name is a hash of the text and of the tokenizer: if either changes, another
file is made, and an outdated one is never read. It knows no corpora and no batches.

    ids = cached_ids(text, tokenizer, "build/tokens")      # an array, mapped from disk
"""

from __future__ import annotations

import os
import tempfile
from hashlib import sha256
from pathlib import Path

import numpy as np

from .tokenizer import Tokenizer
from .vocabulary import utf8

__all__ = ["cached_ids"]


def cached_ids(
    text: str,
    tokenizer: Tokenizer,
    folder: str | Path,
    *,
    allow_special: bool = False,
) -> np.ndarray:
    """The ids of ``text``, shape (tokens,), read-only, kept in ``folder``.

    Two bytes an id where the vocabulary lets, else four. ``allow_special`` as in
    ``encode``. A damaged file is written anew.
    """
    parts = (utf8(text), utf8(tokenizer.to_json()), b"special" * allow_special)
    key = sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()
    path = Path(folder) / f"{key[:32]}.npy"
    dtype = np.dtype(np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32)
    if (ids := _load(path, dtype)) is None:
        encoded = tokenizer.encode(text, allow_special=allow_special)
        _save(path, np.array(encoded, dtype))
        ids = np.load(path, mmap_mode="r")
    return ids


def _load(path: Path, dtype: np.dtype) -> np.ndarray | None:
    try:
        ids = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):  # absent, cut short, or not an array
        return None
    return ids if ids.dtype == dtype and ids.ndim == 1 else None


def _save(path: Path, ids: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, ids)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise

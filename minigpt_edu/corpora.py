"""The texts to learn from: those shipped with the book, and any file of your own.

It knows files and characters, not tokens. What cannot be learned from is refused in one
sentence; what is only suspicious comes along as a note.

    corpus = load_corpus("pt_br")            # or "en", "both", load_corpus("my.txt")
    train, held_out = split(corpus.text)     # the end is kept for judging
    print(corpus.explain())
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

__all__ = [
    "BOTH",
    "END_OF_DOCUMENT",
    "SHIPPED",
    "SMALL",
    "Corpus",
    "CorpusError",
    "data_folder",
    "decode_text",
    "find_mojibake",
    "load_corpus",
    "split",
]

END_OF_DOCUMENT = "<|eos|>"
SHIPPED = {"pt_br": "corpus_pt_br.txt", "en": "corpus_en.txt"}
BOTH = "both"  # the shipped corpora, document by document in turn
SMALL = 50_000  # bytes; below, a comparison of models says little
SHARE = 0.05  # how far from the asked place a text may be cut, as a part of its length

# What UTF-8 looks like after it was read as Latin-1 or Windows-1252: accented letters
# become A-tilde or A-circumflex and a sign, quotes begin with a-circumflex and euro,
# emoji with eth and Y-diaeresis. Right text has no reason to hold these pairs.
_MOJIBAKE = re.compile(
    "[\u00c2\u00c3][\u00a0-\u00bf]|\u00e2[\u20ac\u0080]|\u00f0[\u0178\u009f]"
)


class CorpusError(ValueError):
    """A text that cannot be used, with the reason and the way out."""


@dataclass(frozen=True)
class Corpus:
    """A text and where it came from. Lines end in ``\\n``; ``notes`` are warnings."""

    name: str
    text: str
    path: Path
    notes: tuple[str, ...] = ()

    @property
    def n_bytes(self) -> int:
        """Length in UTF-8 bytes."""
        return len(self.text.encode("utf-8"))

    @property
    def sha256(self) -> str:
        """Fingerprint of the text: two runs with the same one saw the same text."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    @property
    def documents(self) -> tuple[str, ...]:
        """The parts between the ``<|eos|>`` marks, without white space around them."""
        parts = (part.strip() for part in self.text.split(END_OF_DOCUMENT))
        return tuple(part for part in parts if part)

    def explain(self) -> str:
        """One plain sentence."""
        return (
            f"{self.name}: {len(self.documents):,} documents, {len(self.text):,} "
            f"characters, {self.n_bytes:,} bytes of UTF-8"
        )


def data_folder() -> Path:
    """The folder of the shipped texts: ``$MINIGPT_DATA``, else ``data/`` beside the
    package. Raises :class:`CorpusError` when it is not there."""
    override = os.environ.get("MINIGPT_DATA")
    folder = Path(override or Path(__file__).resolve().parents[1] / "data")
    if folder.is_dir():
        return folder
    raise CorpusError(
        f"no folder {folder}: set MINIGPT_DATA to the data folder of the book's "
        "repository" + ("" if override else ", or install the package from it")
    )


def load_corpus(name_or_path: str | Path) -> Corpus:
    """A shipped corpus by name, or your own UTF-8 text file by path.

    ``both`` takes documents from the shipped corpora in turn, so that the end held out
    by :func:`split` is the end of each. A name wins over a file that is called the
    same; ``./en`` is always the file. Raises :class:`CorpusError` when there is no such
    text or it cannot be read as text.
    """
    given = str(name_or_path)
    if given == BOTH:
        return _in_turn([load_corpus(name) for name in SHIPPED])
    if given in SHIPPED:
        path = data_folder() / SHIPPED[given]
        if not path.is_file():
            raise CorpusError(f"the corpus {given} should be at {path}, but is not")
        return _read(given, path)
    path = Path(given).expanduser()
    if not path.exists():
        raise CorpusError(_not_found(given))
    if path.is_dir():
        raise CorpusError(f"{path} is a folder: name one text file in it")
    return _read(path.stem, path)


def _in_turn(corpora: list[Corpus]) -> Corpus:
    """One corpus of several: the first document of each, the second of each, ..."""
    turns = zip_longest(*(corpus.documents for corpus in corpora))
    documents = [document for turn in turns for document in turn if document]
    text = "".join(f"{document}\n{END_OF_DOCUMENT}\n" for document in documents)
    return Corpus(BOTH, text, data_folder())


def _not_found(given: str) -> str:
    names = (*SHIPPED, BOTH)
    near = difflib.get_close_matches(given.lower(), names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    return (
        f"no file and no corpus is called {given}{hint} (the corpora are "
        f"{', '.join(names)}; everything else must be a text file)"
    )


def _read(name: str, path: Path) -> Corpus:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}") from error
    text = decode_text(raw, str(path))
    return Corpus(name, text, path, tuple(_notes(path, text)))


def decode_text(raw: bytes, name: str) -> str:
    """UTF-8 bytes, with or without a byte-order mark, to text with ``\\n`` line ends.

    Raises :class:`CorpusError`, calling the bytes ``name``, if they are empty, binary
    or in another encoding (the byte that proves it, and a guess of the right one, are
    given).
    """
    body = raw.removeprefix(b"\xef\xbb\xbf")
    if not body.strip():
        raise CorpusError(f"{name} is empty: there is nothing to learn from")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CorpusError(_wrong_encoding(name, 0, "UTF-16", "utf-16"))
    start = len(raw) - len(body)
    if (zero := body.find(b"\0")) >= 0:
        if _zeros_alternate(body):
            raise CorpusError(_wrong_encoding(name, start + zero, "UTF-16", "utf-16"))
        raise CorpusError(
            f"{name} is not text: byte {start + zero} is zero (a binary file?); give a "
            "file of plain UTF-8 text"
        )
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        at = start + error.start
        raise CorpusError(_wrong_encoding(name, at, "Latin-1", "latin1")) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _zeros_alternate(body: bytes) -> bool:
    """Whether every second byte is nearly always zero, as in UTF-16 of a Latin text."""
    head = body[:4096]
    halves = [head[0::2], head[1::2]]
    return any(half.count(0) > 0.7 * len(half) for half in halves) and not all(
        half.count(0) for half in halves
    )


def _wrong_encoding(name: str, at: int, guess: str, codec: str) -> str:
    return (
        f"{name} is not UTF-8 (byte {at}); it looks like {guess}: save it as UTF-8, or "
        f"run  iconv -f {codec} -t utf-8 FILE > NEW.txt"
    )


def find_mojibake(text: str) -> tuple[int, str]:
    """How often ``text`` looks like UTF-8 that was read as Latin-1 or Windows-1252, and
    the first line where it does."""
    first = _MOJIBAKE.search(text)
    if first is None:
        return 0, ""
    start = text.rfind("\n", 0, first.start()) + 1
    end = text.find("\n", first.start())
    line = text[start : end if end >= 0 else len(text)]
    return sum(1 for _ in _MOJIBAKE.finditer(text)), line


def _notes(path: Path, text: str) -> Iterator[str]:
    """What the reader should know before trusting a result on this text."""
    size = len(text.encode("utf-8"))
    if size < SMALL:
        yield (
            f"{path.name} is {size:,} bytes: under {SMALL:,} a comparison with the "
            "n-gram lines means little"
        )
    times, line = find_mojibake(text)
    if times:
        yield (
            f"{path.name} has {times:,} places that look like UTF-8 read as Latin-1 "
            f"(first in {line.strip()[:60]!r}): the model will learn them as they are; "
            "mend the file with  iconv -f utf-8 -t latin1 FILE > NEW.txt"
        )
    if lost := text.count("\ufffd"):
        yield (
            f"{path.name} has {lost:,} replacement characters (U+FFFD): letters that "
            "an earlier conversion lost"
        )


def split(text: str, fraction: float = 0.9) -> tuple[str, str]:
    """The beginning to learn from, about ``fraction`` of the characters, and the end to
    judge with: contiguous, nothing twice, nothing lost.

    The cut is made after the nearest ``<|eos|>``, if there is one within 5 % of the
    text; else after a line; else between two characters. Raises :class:`CorpusError`
    for a text of less than two characters, ``ValueError`` for a fraction not in (0, 1).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction={fraction} must lie between 0 and 1")
    if len(text) < 2:
        raise CorpusError(f"a text of {len(text)} characters cannot be cut in two")
    ideal = min(max(round(fraction * len(text)), 1), len(text) - 1)
    for boundary in (re.escape(END_OF_DOCUMENT) + r"\s*", r"\n"):
        ends = (match.end() for match in re.finditer(boundary, text))
        inside = [end for end in ends if 0 < end < len(text)]
        nearest = min(inside, key=lambda end: abs(end - ideal), default=None)
        if nearest is not None and abs(nearest - ideal) <= SHARE * len(text):
            return text[:nearest], text[nearest:]
    return text[:ideal], text[ideal:]

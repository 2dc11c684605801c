"""What is shipped under data/: whole, clean, varied, and as its data sheet says.

The limits were set before the texts were written. A text composed by a program would
break them: the same frames, openings and long phrases would come back.
"""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections import Counter, defaultdict
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"
CORPORA = {"en": DATA / "corpus_en.txt", "pt_br": DATA / "corpus_pt_br.txt"}
END = "<|eos|>"
MINIMUM_BYTES, MINIMUM_DOCUMENTS, MINIMUM_TYPES = 500_000, 1_200, 8_000
PARALLEL = 200  # the first documents of both corpora tell the same, in the same order

FUNCTION_WORDS = {
    "en": """a an the this that these those and or but so if when while because as than
        then in on at by to from of for with without into over under about after before
        i you he she it we they me him her us them my your his its our their who which
        what where how is are was were be been being am do does did have has had will
        would can could should may might must not no there here""",
    "pt_br": """o a os as um uma uns umas este esta esse essa aquele aquela isso isto
        e ou mas se quando enquanto porque como que do da dos das no na nos nas ao aos
        à às de em por para com sem sobre sob até depois antes eu você ele ela nós eles
        elas me te lhe nos seu sua seus suas meu minha quem qual onde é são era eram foi
        foram ser estar está estava tem tinha há não já mais muito pelo pela num""",
}


@cache
def documents(name: str) -> list[str]:
    text = CORPORA[name].read_text(encoding="utf-8")
    return [part.strip("\n") for part in text.split(END)][:-1]


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", text.lower())


def shingles(text: str, size: int = 8) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + size]) for i in range(len(found) - size + 1)}


@pytest.fixture(params=CORPORA)
def name(request):
    return request.param


def test_every_document_ends_in_eos_on_its_own_line(name):
    text = CORPORA[name].read_text(encoding="utf-8")
    assert text.endswith(f"\n{END}\n")
    assert text.count(END) == len(re.findall(rf"(?m)^{re.escape(END)}$", text))
    assert all(document.strip() for document in documents(name))


def test_clean(name):
    text = CORPORA[name].read_text(encoding="utf-8")
    assert unicodedata.normalize("NFC", text) == text
    wrong = re.findall(
        "[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac|\ufffd|\r|\t|\u00a0", text
    )
    assert not wrong
    controls = {
        c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"
    }
    assert not controls
    assert not re.search(r" {2}| \n|\n{3}", text.replace(f"\n{END}\n", "\n"))


def test_size(name):
    assert CORPORA[name].stat().st_size >= MINIMUM_BYTES
    assert len(documents(name)) >= MINIMUM_DOCUMENTS
    types = {word for document in documents(name) for word in words(document)}
    assert len(types) >= MINIMUM_TYPES


def test_no_duplicates_and_few_near_duplicates(name):
    texts = documents(name)
    assert len(set(texts)) == len(texts)
    owners = defaultdict(set)
    sets = [shingles(text) for text in texts]
    for number, found in enumerate(sets):
        for shingle in found:
            owners[shingle].add(number)
    pairs = {
        p for o in owners.values() if len(o) > 1 for p in combinations(sorted(o), 2)
    }
    near = {
        number
        for a, b in pairs
        if len(sets[a] & sets[b]) / len(sets[a] | sets[b]) > 0.5
        for number in (a, b)
    }
    assert len(near) < 0.01 * len(texts)
    often = {shingle for shingle, found in owners.items() if len(found) > 3}
    assert not often


def test_no_opening_and_no_frame_comes_back(name):
    texts = documents(name)
    openings = Counter(tuple(words(text)[:4]) for text in texts)
    opening, times = openings.most_common(1)[0]
    assert times <= 0.01 * len(texts), opening

    known = set(FUNCTION_WORDS[name].split())
    frames: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        for sentence in re.split(r"(?<=[.!?…])\s+", text):
            found = words(sentence)
            if len(found) >= 5:  # shorter ones have hardly any room to differ
                frames[tuple(w if w in known else "_" for w in found)] += 1
    frame, times = frames.most_common(1)[0]
    assert times <= 0.005 * frames.total(), frame


def test_it_does_not_compress_like_a_template(name):
    raw = CORPORA[name].read_bytes()
    assert len(raw) / len(gzip.compress(raw, 9)) <= 2.9


def test_the_parallel_part_is_parallel():
    pairs = list(
        zip(documents("en")[:PARALLEL], documents("pt_br")[:PARALLEL], strict=True)
    )
    assert len(pairs) == PARALLEL
    for en, pt in pairs:
        assert en.count("\n\n") == pt.count("\n\n"), en[:60]
        assert 0.6 < len(pt) / len(en) < 1.6, en[:60]


def test_the_data_sheet_tells_the_sizes():
    sheet = (DATA / "README.md").read_text(encoding="utf-8")
    for name, path in CORPORA.items():
        row = next(
            line for line in sheet.splitlines() if line.startswith(f"| `{name}`")
        )
        numbers = [int(n.replace(",", "")) for n in re.findall(r"[\d,]{4,}", row)]
        types = {word for text in documents(name) for word in words(text)}
        assert numbers == [path.stat().st_size, len(documents(name)), len(types)]
    assert f"first {PARALLEL} documents" in sheet


def rows(file: str) -> list[dict[str, str]]:
    lines = (DATA / file).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_instructions_are_whole_and_clean(name):
    pairs = [row for row in rows("instructions.jsonl") if row["language"] == name]
    keys = ["language", "split", "topic", "user", "assistant"]
    for row in pairs:
        assert list(row) == keys and all(row[key].strip() == row[key] for key in keys)
        assert unicodedata.is_normalized("NFC", "".join(row.values()))
        assert row["user"] and row["assistant"]
    splits = Counter(row["split"] for row in pairs)
    assert set(splits) == {"train", "test"}
    assert splits["train"] >= 600 and splits["test"] >= 100
    questions = [" ".join(words(row["user"])) for row in pairs]
    assert len(set(questions)) == len(questions)
    topics = {
        split: {r["topic"] for r in pairs if r["split"] == split} for split in splits
    }
    assert topics["train"] == topics["test"] and len(topics["test"]) >= 20


def test_held_out_questions_are_unseen(name):
    seen, unseen = [], []
    for row in rows("instructions.jsonl"):
        if row["language"] == name:
            group = seen if row["split"] == "train" else unseen
            group.append(shingles(row["user"], 5))
    for question in unseen:
        for other in seen:
            union = question | other
            assert not union or len(question & other) / len(union) < 0.3


def test_no_question_is_another_with_swapped_nouns(name):
    known = set(FUNCTION_WORDS[name].split())
    frames: Counter[tuple[str, ...]] = Counter()
    for row in rows("instructions.jsonl"):
        if row["language"] == name:
            found = words(row["user"])
            frames[tuple(w if w in known else "_" for w in found)] += 1
    frame, times = frames.most_common(1)[0]
    assert times <= 0.02 * frames.total(), frame


def test_facts_are_one_sentence_each(name):
    facts = [row["text"] for row in rows("facts.jsonl") if row["language"] == name]
    assert len(facts) >= 60 and len(set(facts)) == len(facts)
    for fact in facts:
        assert fact.endswith(".") and "\n" not in fact
        assert unicodedata.is_normalized("NFC", fact)

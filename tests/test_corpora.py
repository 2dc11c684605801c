"""Corpora: what is read, what is refused, and where a text is cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigpt_edu import corpora
from minigpt_edu.corpora import (
    BOTH,
    SHIPPED,
    CorpusError,
    data_folder,
    decode_text,
    find_mojibake,
    load_corpus,
    split,
)

SENTENCE = "São João não é coração: «ação» às três, “você…” — disse o avô.\n"


def write(folder: Path, raw: bytes, name: str = "my.txt") -> Path:
    path = folder / name
    path.write_bytes(raw)
    return path


# --- what is read ---------------------------------------------------------------------


def test_a_file_of_ones_own(tmp_path: Path):
    text = SENTENCE * 1000
    corpus = load_corpus(write(tmp_path, text.encode()))
    assert corpus.name == "my"
    assert corpus.text == text
    assert corpus.n_bytes == len(text.encode()) > len(text)
    assert corpus.notes == ()
    assert (
        "1 documents" in corpus.explain() and f"{corpus.n_bytes:,}" in corpus.explain()
    )


def test_documents_are_what_lies_between_the_marks(tmp_path: Path):
    path = write(tmp_path, b"one\n<|eos|>\ntwo two\n<|eos|>\n\n<|eos|>\n")
    assert load_corpus(path).documents == ("one", "two two")


def test_byte_order_mark_and_windows_line_ends_disappear(tmp_path: Path):
    path = write(tmp_path, "\ufeffum\r\ndois\rtrês".encode())
    assert load_corpus(str(path)).text == "um\ndois\ntrês"


@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\r\0\ufeff")).filter(
        str.strip
    )
)
def test_any_text_survives_utf8(text: str):
    assert decode_text(text.encode(), "it") == text


def test_the_fingerprint_is_of_the_text(tmp_path: Path):
    unix = load_corpus(write(tmp_path, b"a\nb\n", "unix.txt"))
    windows = load_corpus(write(tmp_path, b"\xef\xbb\xbfa\r\nb\r\n", "windows.txt"))
    other = load_corpus(write(tmp_path, b"a\nc\n", "other.txt"))
    assert unix.sha256 == windows.sha256 != other.sha256


# --- the shipped ones -----------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_corpora_load_by_name_and_say_nothing_suspicious(name: str):
    corpus = load_corpus(name)
    assert corpus.name == name
    assert corpus.path == data_folder() / SHIPPED[name]
    assert corpus.notes == ()
    assert len(corpus.documents) > 50


def test_both_takes_documents_in_turn_and_loses_none():
    both, ones = load_corpus(BOTH), [load_corpus(name) for name in SHIPPED]
    assert sorted(both.documents) == sorted(d for one in ones for d in one.documents)
    first = [one.documents[i] for i in range(3) for one in ones]
    assert list(both.documents[:6]) == first
    for half in split(both.text):  # both languages on both sides, about as much of each
        shares = [
            sum(len(d) for d in one.documents if d in half) / len(half) for one in ones
        ]
        assert min(shares) > 0.4 and sum(shares) < 1.01


def test_the_data_folder_can_be_elsewhere(tmp_path: Path, monkeypatch):
    write(tmp_path, b"Era uma vez.", "corpus_pt_br.txt")
    monkeypatch.setenv("MINIGPT_DATA", str(tmp_path))
    assert load_corpus("pt_br").text == "Era uma vez."
    with pytest.raises(CorpusError, match=r"corpus_en\.txt, but is not"):
        load_corpus("en")
    monkeypatch.setenv("MINIGPT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(CorpusError, match="MINIGPT_DATA"):
        load_corpus("pt_br")


def test_without_the_repository_the_error_says_what_to_set(monkeypatch, tmp_path):
    monkeypatch.delenv("MINIGPT_DATA", raising=False)
    monkeypatch.setattr(corpora, "__file__", str(tmp_path / "site" / "corpora.py"))
    with pytest.raises(CorpusError, match="MINIGPT_DATA"):
        data_folder()


# --- what is refused ------------------------------------------------------------------

LATIN1 = b"na\xc3\xa7\xc3\xa3o e na\xe7\xe3o"  # the first right, the second Latin-1


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", ["is empty"]),
        (b" \n\t\r\n", ["is empty"]),
        (b"\xef\xbb\xbf \n", ["is empty"]),
        (b"text\0more", ["not text", "byte 4"]),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0", ["not text", "byte 8"]),
        (LATIN1, ["not UTF-8", "byte 12", "Latin-1", "iconv -f latin1"]),
        (b"\xef\xbb\xbf" + LATIN1, ["not UTF-8", "byte 15", "Latin-1"]),
        ("ação".encode("utf-16"), ["not UTF-8", "UTF-16", "iconv -f utf-16"]),
        ("ação".encode("utf-16-be"), ["not UTF-8", "UTF-16"]),
        ("uma ação boa".encode("utf-16-le"), ["not UTF-8", "UTF-16"]),
        # three of fourteen letters are above U+00FF: no zero byte in them
        ("às três… “é”\n".encode("utf-16-le") * 9, ["not UTF-8", "UTF-16"]),
        ("às três… “é”\n".encode("utf-16-be") * 9, ["not UTF-8", "UTF-16"]),
    ],
)
def test_bytes_that_are_no_text_get_one_clear_sentence(tmp_path, raw, says):
    path = write(tmp_path, raw)
    with pytest.raises(CorpusError) as caught:
        load_corpus(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    for part in says:
        assert part in message


def test_missing_files_and_folders(tmp_path: Path):
    with pytest.raises(
        CorpusError, match=r"no file and no corpus is called .*nowhere\.txt"
    ):
        load_corpus(tmp_path / "nowhere.txt")
    with pytest.raises(CorpusError, match="is a folder"):
        load_corpus(tmp_path)


@pytest.mark.parametrize(
    ("typo", "meant"), [("pt-br", "pt_br"), ("PT_BR", "pt_br"), ("eng", "en")]
)
def test_a_misspelt_name_is_guessed(typo: str, meant: str, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=f"did you mean {meant}"):
        load_corpus(typo)


def test_a_name_wins_over_a_file_and_a_path_over_a_name(tmp_path: Path, monkeypatch):
    write(tmp_path, b"a file called en", "en")
    write(tmp_path, b"the shipped one", "corpus_en.txt")
    monkeypatch.setenv("MINIGPT_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert load_corpus("en").text == "the shipped one"
    assert load_corpus("./en").text == "a file called en"


# --- what is only suspicious ----------------------------------------------------------


@pytest.mark.parametrize("codec", ["latin-1", "cp1252"])
def test_mojibake_is_found_named_and_not_refused(tmp_path: Path, codec: str):
    broken = SENTENCE.encode().decode(codec, "replace").replace("\ufffd", "?")
    text = "A first line that is right.\n" + broken
    times, line = find_mojibake(text)
    assert times >= 10
    assert line == broken.rstrip("\n").split("\n")[0]
    notes = load_corpus(write(tmp_path, text.encode())).notes
    assert any("read as Latin-1" in note and "iconv" in note for note in notes)


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE,
        "“AMANHÃ”, É… ATÉ… NÃO! VÂNIA, ÂNGELA, AMANHÃ: “ATÉ”—você…” até”— pé‘ AMANHÃ…",
        "naïve façade, Ærøskøbing, Ðúfa, þýðing, 5 €, â, ð, Ÿ",
        "日本語 русский ελληνικά emoji 🙂",
    ],
)
def test_right_text_is_not_called_mojibake(text: str):
    assert find_mojibake(text) == (0, "")


def test_small_texts_and_lost_letters_are_noted(tmp_path: Path):
    small = load_corpus(write(tmp_path, b"word " * 9_999))
    assert ["means little" in note for note in small.notes] == [True]
    assert load_corpus(write(tmp_path, b"word " * 10_000)).notes == ()
    lost = load_corpus(write(tmp_path, ("word " * 10_000 + "cora\ufffdo").encode()))
    assert ["U+FFFD" in note for note in lost.notes] == [True]


# --- where a text is cut --------------------------------------------------------------


@given(text=st.text(min_size=2), fraction=st.floats(0.01, 0.99))
def test_nothing_is_lost_and_nothing_is_twice(text: str, fraction: float):
    train, held_out = split(text, fraction)
    assert train + held_out == text
    assert train and held_out


@given(
    sizes=st.lists(st.integers(1, 40), min_size=60, max_size=200),
    fraction=st.floats(0.2, 0.8),
)
def test_documents_stay_whole(sizes: list[int], fraction: float):
    documents = ["x" * size for size in sizes]
    text = "\n<|eos|>\n".join(documents)
    train, held_out = split(text, fraction)
    assert train.endswith("<|eos|>\n")
    # the nearest boundary: moving one document over would not come closer
    ideal = round(fraction * len(text))
    ends = [i + 8 for i in range(len(text)) if text.startswith("<|eos|>\n", i)]
    assert abs(len(train) - ideal) == min(abs(end - ideal) for end in ends)
    assert held_out[0] == "x"


def test_one_long_document_is_cut_at_a_line_and_one_long_line_anywhere():
    lines = "<|eos|>\n" + "a line of text\n" * 1000
    train, held_out = split(lines)
    assert held_out.startswith("a line") and abs(len(train) / len(lines) - 0.9) < 0.001
    line = "no boundary at all " * 1000
    assert [len(part) for part in split(line)] == [17_100, 1_900]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0, 2.0])
def test_a_part_that_is_all_or_nothing_is_refused(fraction: float):
    with pytest.raises(ValueError, match=f"fraction={fraction}"):
        split("some text", fraction)


def test_a_single_character_cannot_be_cut():
    with pytest.raises(CorpusError, match="1 characters"):
        split("x")

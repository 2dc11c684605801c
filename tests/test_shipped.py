"""The tokenizer and the models that come with the book."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

from minigpt_edu import GPT, ByteBPE, GPTConfig
from minigpt_edu.checkpoint import CheckpointInfo, load_checkpoint, save_checkpoint
from minigpt_edu.cli.ship import ship
from minigpt_edu.corpora import BOTH, data_folder, load_corpus, split
from minigpt_edu.shipped import shipped_model, shipped_models, shipped_tokenizer

FROZEN_TOKENIZER = "e5b55f1f895ae41a48338b3a17fcca45fe8a280053c054a6b622031f3b5f6fd8"
LIMITS = {"reader": 2_100_000, "instruct": 2_100_000, "draft": 300_000}


def test_the_tokenizer_is_what_the_texts_give():
    learned = ByteBPE.train(split(load_corpus(BOTH).text)[0], 1024)
    shipped = shipped_tokenizer()
    assert isinstance(shipped, ByteBPE)
    assert shipped.vocab_size == 1024
    assert shipped.merges == learned.merges
    assert shipped.special == learned.special


@pytest.mark.parametrize("name", shipped_models())
def test_a_model_is_small_and_says_where_it_is_from(name: str):
    path = shipped_model(name)
    info = CheckpointInfo.read(path)
    assert path.stat().st_size <= LIMITS[name]
    assert path.stat().st_mode & 0o044 == 0o044  # everybody may read it
    meta = info.meta
    assert meta["command"].startswith("minigpt train --data both")
    assert meta["corpus_sha256"] == load_corpus(BOTH).sha256
    assert {"seed", "step", "created", "device"} <= meta.keys()
    lines = meta["ngram_bits_per_byte"]
    assert 1 < meta["val_bits_per_byte"] < lines["trigram"] < lines["bigram"]


@pytest.mark.parametrize("name", shipped_models())
def test_the_data_sheet_says_what_the_file_says(name: str):
    info = CheckpointInfo.read(shipped_model(name))
    sheet = (data_folder() / "README.md").read_text(encoding="utf-8")
    row = next(line for line in sheet.splitlines() if line.startswith(f"| `{name}` |"))
    parameters = GPT(info.config).num_params()
    for fact in (
        f"| {parameters:,} | {info.size_bytes:,} |",
        f"{info.meta['val_loss']} nats per token",
        f"{info.meta['val_bits_per_byte']} bits per byte",
        f"`{info.meta['command']}`",
    ):
        assert fact in row


@pytest.mark.parametrize("name", shipped_models())
def test_a_model_reads_with_the_books_tokenizer(name: str):
    found = load_checkpoint(shipped_model(name), "cpu")
    assert found.tokenizer is not None
    assert json.loads(found.tokenizer.to_json()) == json.loads(
        shipped_tokenizer().to_json()
    )


def test_shipping_measures_the_file_that_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    texts = {"corpus_en.txt": "A cat sat. <|eos|>\n", "corpus_pt_br.txt": "Oi.<|eos|>"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text * 40, encoding="utf-8")
    monkeypatch.setenv("MINIGPT_DATA", str(tmp_path))
    torch.manual_seed(0)
    model = GPT(GPTConfig.preset("tiny", block_size=16, vocab_size=260))
    source = tmp_path / "best.safetensors"
    (tmp_path / "tokenizer.json").write_text(ByteBPE([]).to_json(), encoding="utf-8")
    fingerprint = load_corpus(BOTH).sha256
    origin = {"corpus_source": "both", "chosen": {"seed": 5}, "step": 7}
    save_checkpoint(
        source, model, tokenizer=ByteBPE([]), corpus_sha256=fingerprint, **origin
    )
    info = ship(source, "mine", "minigpt train")
    found = load_checkpoint(shipped_model("mine"), "cpu")

    assert found.info.meta["command"] == "minigpt train"
    assert (found.info.meta["seed"], found.info.meta["step"]) == (5, 7)
    assert info.size_bytes < source.stat().st_size * 0.6
    text = split(load_corpus(BOTH).text)[1]
    ids = torch.tensor([[3, *ByteBPE([]).encode(text, allow_special=True)]])
    known, targets = ids[:, :-1], ids[:, 1:]
    surprises = [
        found.model.loss(known[:, at : at + 16], targets[:, at : at + 16]).item()
        * known[0, at : at + 16].numel()
        for at in range(0, known.shape[1], 16)
    ]
    mean = sum(surprises) / known.shape[1]
    assert found.info.meta["val_loss"] == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize(
    ("meta", "tokenizer", "name", "says"),
    [
        ({}, None, "x", "which text"),
        ({"corpus_source": "both"}, None, "x", "which text"),
        ({"corpus_source": "both", "corpus_sha256": "00"}, 1, "x", "another text"),
        ({"corpus_source": "both", "corpus_sha256": "own"}, 0, "x", "tokenizer"),
        ({"corpus_source": "both", "corpus_sha256": "own"}, 1, "../x", "no name"),
    ],
)
def test_what_is_not_of_the_book_is_not_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meta, tokenizer, name, says
):
    if meta.get("corpus_sha256") == "own":
        meta = {**meta, "corpus_sha256": load_corpus(BOTH).sha256}
    reads = None if tokenizer is None else (ByteBPE([]), shipped_tokenizer())[tokenizer]
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, GPT(GPTConfig.preset("tiny")), tokenizer=reads, **meta)
    before = sorted(data_folder().rglob("*"))
    with pytest.raises(ValueError, match=says):
        ship(path, name, "")
    assert sorted(data_folder().rglob("*")) == before


def test_the_tokenizer_is_frozen():
    """Another one means every chapter and every model anew."""
    path = data_folder() / "tokenizer.json"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == FROZEN_TOKENIZER


def test_the_reader_is_there():
    assert "reader" in shipped_models()


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'reader'"):
        shipped_model("raeder")


def test_without_the_file_the_error_says_where_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MINIGPT_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json"):
        shipped_tokenizer()
    with pytest.raises(ValueError, match="none"):
        shipped_model("reader")
    assert data_folder() == tmp_path

"""tokenizer.json: our files in their library, their files in ours."""

from __future__ import annotations

import json

import pytest
import tokenizers

from minigpt_edu.text.bpe import ByteBPE
from minigpt_edu.text.tokenizer_json import (
    BYTE_LETTERS,
    LETTER_BYTES,
    byte_text,
    read_byte_bpe,
    text_bytes,
)

BPE = ByteBPE.train("a cabra e a casa da cabra, the goat and its house " * 3, 300)


def changed(**changes: object) -> str:
    """The file of BPE with some entries replaced: ``model__vocab={}``."""
    data = json.loads(BPE.to_json())
    for path, value in changes.items():
        *parents, last = path.split("__")
        inner = data
        for parent in parents:
            inner = inner[int(parent) if parent.isdigit() else parent]
        inner[last] = value
    return json.dumps(data)


def test_the_alphabet_is_the_librarys():
    assert set(BYTE_LETTERS) == set(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    assert len(LETTER_BYTES) == 256
    assert byte_text(b" the\n") == "ĠtheĊ"
    assert text_bytes(byte_text(bytes(range(256)))) == bytes(range(256))
    decoder = tokenizers.decoders.ByteLevel()
    for byte, letter in enumerate(BYTE_LETTERS):
        assert decoder.decode([letter]) == bytes([byte]).decode("utf-8", "replace")
    # bytes above 127 are no text alone: check them in pairs
    for code in range(0x80, 0x800, 7):
        assert decoder.decode(list(byte_text(chr(code).encode()))) == chr(code)


def test_saving_again_changes_nothing():
    assert ByteBPE.from_json(BPE.to_json()).to_json() == BPE.to_json()


@pytest.mark.parametrize("pretty", [False, True])
def test_what_the_library_saves_comes_back(pretty):
    saved = tokenizers.Tokenizer.from_str(BPE.to_json()).to_str(pretty=pretty)
    assert saved != BPE.to_json()
    assert ByteBPE.from_json(saved).to_json() == BPE.to_json()


def test_special_tokens_in_the_file():
    data = json.loads(BPE.to_json())
    assert [(t["id"], t["content"]) for t in data["added_tokens"]] == [
        *enumerate(["<|pad|>", "<|unk|>", "<|bos|>", "<|eos|>"])
    ]
    assert all(token["special"] for token in data["added_tokens"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "broken JSON"),
        ("{}", "incomplete"),
        ('{"model": null}', "incomplete"),
        ('{"model": {"type": "BPE"}}', "incomplete|instead of"),
        (changed(normalizer={"type": "NFC"}), "normalizer is .*NFC"),
        (changed(pre_tokenizer=None), "pre_tokenizer is None"),
        (changed(pre_tokenizer__add_prefix_space=True), "pre_tokenizer is"),
        (changed(pre_tokenizer__use_regex=False), "pre_tokenizer is"),
        (changed(model__type="WordPiece"), "type is 'WordPiece'"),
        (changed(model__dropout=0.1), "dropout is 0.1"),
        (changed(model__unk_token="x"), "unk_token is 'x'"),
        (changed(model__ignore_merges=True), "ignore_merges is True"),
        (changed(model__merges=["a b c"]), "incomplete"),
        (changed(model__merges=[]), "in this order"),
        (changed(model__vocab={}), "in this order"),
        (changed(added_tokens=[]), "special tokens begin"),
        (changed(added_tokens=[7]), "incomplete"),
        (changed(added_tokens__0__lstrip=True), "match more than their text"),
        (changed(added_tokens__3__special=False), "not all special"),
        (changed(added_tokens__3__id=7), "other ids than its vocabulary"),
        ("[]", "found a list"),
    ],
)
def test_other_layouts_are_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        read_byte_bpe(text)


def test_files_of_older_and_other_versions_are_read():
    data = json.loads(changed(model__continuing_subword_prefix=""))
    del data["model"]["ignore_merges"]  # unknown to older versions
    data["truncation"] = {"max_length": 5}  # how much text to read is the caller's
    assert ByteBPE.from_json(json.dumps(data)).to_json() == BPE.to_json()


def test_gpt2s_own_layout_is_not_ours():
    data = json.loads(BPE.to_json())
    data["added_tokens"] = []
    with pytest.raises(ValueError, match="special tokens begin"):
        ByteBPE.from_json(json.dumps(data))

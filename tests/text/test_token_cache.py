"""Encoded texts on disk: found again, and never confused with others."""

from __future__ import annotations

import numpy as np
import pytest

from minigpt_edu.text import ByteBPE, ByteTokenizer, CharTokenizer, cached_ids

TEXT = "uma cabra<|eos|>outra cabra<|eos|>"


class Counting(ByteTokenizer):
    """Counts how often a text is really encoded."""

    calls = 0

    def encode(self, text, *, allow_special=False):
        self.calls += 1
        return super().encode(text, allow_special=allow_special)


def test_the_second_time_nothing_is_encoded(tmp_path):
    tokenizer = Counting()
    first = cached_ids(TEXT, tokenizer, tmp_path / "new")
    second = cached_ids(TEXT, tokenizer, tmp_path / "new")
    assert tokenizer.calls == 1
    assert first.tolist() == second.tolist() == ByteTokenizer().encode(TEXT)
    assert first.dtype == np.uint16 and not first.flags.writeable
    assert [path.suffix for path in (tmp_path / "new").iterdir()] == [".npy"]


def test_what_changes_the_ids_changes_the_file(tmp_path):
    words = ByteBPE.train(TEXT * 3, 270)
    for text, tokenizer, allow_special in [
        (TEXT, ByteTokenizer(), False),
        (TEXT, ByteTokenizer(), True),
        (TEXT + "!", ByteTokenizer(), False),
        (TEXT, words, False),
        (TEXT, ByteBPE(words.merges[:-1]), False),
        ("", ByteTokenizer(), False),
    ]:
        ids = cached_ids(text, tokenizer, tmp_path, allow_special=allow_special)
        assert ids.tolist() == tokenizer.encode(text, allow_special=allow_special)
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize("damage", [b"", b"garbage", b"\x93NUMPY", None])
def test_a_damaged_file_is_written_anew(tmp_path, damage):
    cached_ids(TEXT, ByteTokenizer(), tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-7] if damage is None else damage)
    ids = cached_ids(TEXT, ByteTokenizer(), tmp_path)
    assert ids.tolist() == ByteTokenizer().encode(TEXT)
    assert path.read_bytes() == whole


def test_large_vocabularies_take_four_bytes(tmp_path):
    characters = [chr(0x10000 + i) for i in range(2**16)]
    tokenizer = CharTokenizer(characters)
    ids = cached_ids(characters[-1], tokenizer, tmp_path)
    assert ids.dtype == np.uint32
    assert ids.tolist() == [2**16 + 3]


def test_a_failed_encoding_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "save", full_disk)
    with pytest.raises(OSError, match="no space"):
        cached_ids(TEXT, ByteTokenizer(), tmp_path)
    assert list(tmp_path.iterdir()) == []

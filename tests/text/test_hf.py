"""Other people's tokenizers behind our protocol, against the library itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from minigpt_edu.text.bpe import ByteBPE
from minigpt_edu.text.hf import HFTokenizer
from minigpt_edu.text.tokenizer import StreamDecoder

PROSE = "A cabra subiu a serra e a serra subiu à lua; the goat climbed, it's true! "


def gpt2_like() -> Tokenizer:
    """Byte-level BPE with the end token last, as GPT-2 has it."""
    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=290, initial_alphabet=alphabet, show_progress=False
    )
    library.train_from_iterator([PROSE * 3], trainer)
    library.add_special_tokens(["<|endoftext|>"])
    library.add_tokens(["<tool call>"])
    return library


def llama_like() -> Tokenizer:
    """SentencePiece's way: marks for spaces, and bytes for what is unknown."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces += ["\u2581", *"acbr", "\u2581a", "br", "bra"]
    merges = [("\u2581", "a"), ("b", "r"), ("br", "a")]
    vocab = {piece: id for id, piece in enumerate(pieces)}
    library = Tokenizer(
        models.BPE(vocab, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    library.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    library.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    library.add_special_tokens(["<unk>", "<s>", "</s>"])
    return library


def bert_like() -> Tokenizer:
    vocab = {"[UNK]": 0, "the": 1, "goat": 2, "##s": 3, ".": 4, "hidden": 9}
    library = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    library.decoder = decoders.WordPiece()
    library.add_special_tokens(["[UNK]"])
    return library


GPT2_LIBRARY = gpt2_like()
GPT2 = HFTokenizer(GPT2_LIBRARY)
RAW_IDS = st.lists(st.integers(0, GPT2.vocab_size - 1), max_size=30)


@given(st.text(max_size=40) | st.sampled_from([PROSE, "<|endoftext|>", "<tool call>"]))
@settings(deadline=None)
def test_byte_level_round_trips(text):
    ids = GPT2.encode(text)
    assert GPT2.decode(ids) == text
    assert b"".join(map(GPT2.token_bytes, ids)) == text.encode()
    assert GPT2.special["<|endoftext|>"] not in ids


@given(RAW_IDS)
@settings(deadline=None, max_examples=300)
def test_byte_level_decode_is_the_librarys(ids):
    assert GPT2.decode(ids) == GPT2_LIBRARY.decode(ids, skip_special_tokens=False)
    stream = StreamDecoder(GPT2)
    pieces = [stream.push(id) for id in ids]
    assert "".join(pieces) + stream.flush() == GPT2.decode(ids)


def test_byte_level_of_ours_equals_ours(samples, story):
    bpe = ByteBPE.train(story, 400)
    adapter = HFTokenizer.from_json(bpe.to_json())
    assert adapter.vocab_size == bpe.vocab_size and adapter.byte_level
    assert adapter.special == bpe.special
    for text in samples:
        for allow_special in (False, True):
            expected = bpe.encode(text, allow_special=allow_special)
            assert adapter.encode(text, allow_special=allow_special) == expected
    for id in range(bpe.vocab_size):
        assert adapter.token_bytes(id) == bpe.token_bytes(id)


def test_special_tokens_are_read_only_when_allowed():
    end = GPT2.special["<|endoftext|>"]
    text = "a<|endoftext|>b"
    assert end not in GPT2.encode(text)
    assert GPT2.decode(GPT2.encode(text)) == text
    ids = GPT2.encode(text, allow_special=True)
    assert ids == GPT2_LIBRARY.encode(text).ids and ids.count(end) == 1
    assert GPT2.special == {"<|endoftext|>": 290}
    assert GPT2.token_bytes(291) == b"<tool call>"  # added, but not special
    assert 291 in GPT2.encode("a<tool call>b")


def test_the_given_tokenizer_is_not_touched_and_text_is_not_cut():
    library = gpt2_like()
    library.enable_truncation(3)
    library.enable_padding(length=500)
    adapter = HFTokenizer(library)
    assert adapter.decode(adapter.encode(PROSE)) == PROSE
    assert library.truncation is not None and library.padding is not None
    assert not library.encode_special_tokens


def test_nothing_is_added_in_front_or_behind():
    library = gpt2_like()
    library.post_processor = processors.TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 290)]
    )
    assert library.encode("a cabra").ids[0] == 290
    for allow_special in (False, True):
        ids = HFTokenizer(library).encode("a cabra", allow_special=allow_special)
        assert ids == GPT2.encode("a cabra")


def test_sentencepiece_style():
    adapter = HFTokenizer(llama_like())
    assert not adapter.byte_level
    ids = adapter.encode("a cabra é")
    assert ids == llama_like().encode("a cabra é").ids
    assert adapter.decode(ids) == "a cabra é"
    assert b"".join(map(adapter.token_bytes, ids)) == " a cabra é".encode()
    stream = StreamDecoder(adapter)
    assert "".join(map(stream.push, ids)) + stream.flush() == " a cabra é"
    assert adapter.token_bytes(adapter.special["</s>"]) == b"</s>"
    assert adapter.special["</s>"] not in adapter.encode("</s>")
    assert adapter.special["</s>"] in adapter.encode("</s>", allow_special=True)


def test_wordpiece_style_and_unused_ids():
    adapter = HFTokenizer(bert_like())
    assert adapter.vocab_size == 10  # ids 5 to 8 are unused
    ids = adapter.encode("the goats.")
    assert ids == [1, 2, 3, 4]
    assert adapter.decode(ids) == "the goats."
    assert [adapter.token_bytes(id) for id in ids] == [b" the", b" goat", b"s", b" ."]
    assert adapter.token_bytes(7) == b""
    assert adapter.token_bytes(0) == b"[UNK]"


@pytest.mark.parametrize("id", [-1, 292])
def test_ids_out_of_range(id):
    for use in (GPT2.token_bytes, lambda id: GPT2.decode([5, id])):
        with pytest.raises(ValueError, match=f"id {id} .* of 292 tokens"):
            use(id)


def test_json_comes_back():
    for library in (gpt2_like(), llama_like(), bert_like()):
        adapter = HFTokenizer(library)
        again = HFTokenizer.from_json(adapter.to_json())
        assert again.to_json() == adapter.to_json()
        assert again.encode(PROSE) == adapter.encode(PROSE)
        assert again.special == adapter.special


def test_normalised_added_tokens_keep_their_text():
    library = gpt2_like()
    library.add_special_tokens([AddedToken("<é fim>", normalized=True)])
    adapter = HFTokenizer(library)
    id = adapter.special["<é fim>"]
    assert adapter.token_bytes(id) == "<é fim>".encode()
    assert adapter.decode([id]) == library.decode([id], skip_special_tokens=False)


def test_errors_are_plain():
    with pytest.raises(ValueError, match="library refuses this file"):
        HFTokenizer.from_json('{"model": {"type": "Magic"}}')
    with pytest.raises(ValueError, match="broken JSON"):
        HFTokenizer.from_json("{")
    with pytest.raises(ValueError, match="character 1 of 2 is the lone surrogate"):
        GPT2.encode("a\ud800")


def test_it_says_how_large_it_is():
    assert repr(GPT2) == "HFTokenizer(vocab_size=292)"

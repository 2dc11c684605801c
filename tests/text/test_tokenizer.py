"""What holds for every tokenizer: the protocol, streams, and coming back from JSON."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_edu.text import (
    SPECIAL,
    ByteBPE,
    ByteTokenizer,
    CharTokenizer,
    HFTokenizer,
    StreamDecoder,
    WordTokenizer,
    tokenizer_from_json,
)

PROSE = "Havia uma cabra, it's true: uma cabra 🐐 no farol às 3h!\n<|eos|>\n"
BPE = ByteBPE.train(PROSE * 4, 300)
EVERY = {
    "char": CharTokenizer.train(PROSE),
    "word": WordTokenizer.train(PROSE),
    "byte": ByteTokenizer(),
    "bpe": BPE,
    "hf": HFTokenizer.from_json(BPE.to_json()),
}
every_tokenizer = pytest.mark.parametrize("tokenizer", EVERY.values(), ids=EVERY)


@every_tokenizer
def test_special_tokens(tokenizer):
    assert list(tokenizer.special.items()) == list(zip(SPECIAL, range(4), strict=True))
    for name, id in tokenizer.special.items():
        assert tokenizer.token_bytes(id) == name.encode()
        assert tokenizer.decode([id]) == name
        assert tokenizer.encode(name, allow_special=True) == [id]
    assert 3 not in tokenizer.encode(PROSE)
    assert tokenizer.encode(PROSE, allow_special=True).count(3) == 1


@every_tokenizer
def test_known_text_round_trips(tokenizer):
    for text in (PROSE, "", "uma cabra", " uma cabra, uma cabra"):
        for allow_special in (False, True):
            ids = tokenizer.encode(text, allow_special=allow_special)
            if 1 not in ids:  # only the word tokenizer lacks "uma" without its space
                assert tokenizer.decode(ids) == text
            assert all(0 <= id < tokenizer.vocab_size for id in ids)
    assert 1 not in tokenizer.encode(PROSE)


@every_tokenizer
@given(text=st.text(max_size=40))
@settings(deadline=None, max_examples=60)
def test_special_ids_never_come_from_text(tokenizer, text):
    injected = {0, 2, 3} & set(tokenizer.encode(text + "<|eos|><|bos|><|pad|>"))
    assert not injected


@every_tokenizer
@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_bytes_streams_and_decode_agree(tokenizer, data):
    """For ids in any order, so also for halves of characters."""
    some_id = st.integers(0, tokenizer.vocab_size - 1)
    ids = data.draw(st.lists(some_id, max_size=40))
    joined = b"".join(map(tokenizer.token_bytes, ids))
    assert tokenizer.decode(ids) == joined.decode("utf-8", "replace")
    stream = StreamDecoder(tokenizer)
    assert "".join(map(stream.push, ids)) + stream.flush() == tokenizer.decode(ids)


@given(st.text(max_size=30))
@settings(deadline=None, max_examples=200)
def test_a_stream_never_shows_half_a_character(text):
    stream = StreamDecoder(ByteTokenizer())
    shown = [stream.push(id) for id in ByteTokenizer().encode(text)]
    assert [piece for piece in shown if piece] == list(text)
    assert stream.flush() == ""


def test_a_stream_ends_an_unfinished_character():
    stream = StreamDecoder(ByteTokenizer())
    assert stream.push(0xF0 + 4) == "" and stream.push(0x9F + 4) == ""
    assert stream.flush() == "\ufffd"
    assert stream.push(ord("a") + 4) == "a"  # and can go on


@every_tokenizer
def test_ids_out_of_range(tokenizer):
    for id in (-1, tokenizer.vocab_size):
        message = f"id {id} is outside the vocabulary of {tokenizer.vocab_size} tokens"
        for use in (
            tokenizer.token_bytes,
            StreamDecoder(tokenizer).push,
            lambda id: tokenizer.decode([id]),
        ):
            with pytest.raises(ValueError, match=message):
                use(id)


@every_tokenizer
def test_json_comes_back_byte_for_byte(tokenizer):
    saved = tokenizer.to_json()
    again = tokenizer_from_json(saved)
    assert again.to_json() == saved or type(tokenizer) is HFTokenizer
    assert again.vocab_size == tokenizer.vocab_size
    assert again.special == tokenizer.special
    text = PROSE + " and something else: ação"
    assert again.encode(text) == tokenizer.encode(text)
    assert again.encode(text, allow_special=True) == tokenizer.encode(
        text, allow_special=True
    )


def test_json_gives_the_same_kind():
    for tokenizer in list(EVERY.values())[:4]:
        assert type(tokenizer_from_json(tokenizer.to_json())) is type(tokenizer)
    # the adapter around a ByteBPE file comes back as the ByteBPE that it is
    assert type(tokenizer_from_json(EVERY["hf"].to_json())) is ByteBPE
    library = tokenizers.Tokenizer.from_str(BPE.to_json())
    library.add_special_tokens(["<|user|>"])
    assert tokenizer_from_json(library.to_str()).special["<|user|>"] == BPE.vocab_size
    library.add_special_tokens(["<ação>"])  # a name that ByteBPE does not take
    assert type(tokenizer_from_json(library.to_str())) is HFTokenizer
    foreign = json.loads(BPE.to_json())
    foreign["normalizer"] = {"type": "NFC"}
    assert type(tokenizer_from_json(json.dumps(foreign))) is HFTokenizer


def test_further_special_tokens_come_back():
    for tokenizer in (
        CharTokenizer.train("abc", special=["<|user|>"]),
        WordTokenizer.train("a b", special=["<|user|>"]),
        ByteTokenizer(["<|user|>"]),
    ):
        again = tokenizer_from_json(tokenizer.to_json())
        assert again.special == tokenizer.special
        assert again.special["<|user|>"] == tokenizer.vocab_size - 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "broken JSON"),
        (BPE.to_json()[:-100], "broken JSON"),
        ('"char"', "expected a JSON object"),
        ("{}", "unknown tokenizer kind None: expected char, word, byte"),
        ('{"kind": "unigram"}', "unknown tokenizer kind 'unigram'"),
        ('{"kind": ["char"]}', "unknown tokenizer kind"),
        ('{"kind": "char"}', "needs 'characters', a list of strings"),
        ('{"kind": "char", "characters": ["ab"], "special": []}', "has 2 characters"),
        ('{"kind": "char", "characters": ["\\ud800"], "special": []}', "surrogate"),
        ('{"kind": "word", "words": ["a", "a"], "special": []}', "2 times"),
        ('{"model": {}}', "library refuses"),
        ('{"model": null}', "library refuses"),
    ],
)
def test_json_that_is_no_tokenizer(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        tokenizer_from_json(text)
    assert type(caught.value) is ValueError


def test_text_needs_no_torch():
    code = (
        "import sys; from minigpt_edu.text import *; "
        "ByteBPE.train('abc abc', 262).encode('abc'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@every_tokenizer
def test_it_says_what_it_is(tokenizer):
    kind = type(tokenizer).__name__
    assert repr(tokenizer) == f"{kind}(vocab_size={tokenizer.vocab_size})"

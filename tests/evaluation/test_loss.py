"""Bits per byte: the same for any way of cutting the same text into tokens."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from minigpt_edu.evaluation.loss import LossReport, bits_per_byte, evaluate_loss
from minigpt_edu.model import GPT, GPTConfig

TEXT = b"Era uma vez um gato que lia livros."


def tiny(vocab_size, **changes) -> GPT:
    torch.manual_seed(0)
    shape = {"block_size": 8, "n_layer": 1, "n_head": 2, "n_embd": 8}
    return GPT(GPTConfig.modern(vocab_size=vocab_size, **{**shape, **changes}))


def uniform(vocab_size) -> GPT:
    """A model that finds every next token equally likely."""
    model = tiny(vocab_size)
    with torch.no_grad():
        model.token_embedding.weight.zero_()
    return model


def test_a_byte_that_could_be_anything_costs_eight_bits_however_it_is_cut():
    # One token for each byte, or one for each pair of bytes; both begin with a token
    # that spells nothing, so that every byte is guessed.
    even = TEXT[: len(TEXT) // 2 * 2]
    pairs = np.frombuffer(even, dtype=">u2").astype(np.int64)
    by_byte = evaluate_loss(uniform(256), [0, *even], n_bytes=len(even))
    by_pair = evaluate_loss(uniform(65536), [0, *pairs], n_bytes=len(even))
    assert by_byte.bits_per_byte == pytest.approx(8.0, rel=1e-6)
    assert by_pair.bits_per_byte == pytest.approx(8.0, rel=1e-6)
    assert by_byte.tokens == 2 * by_pair.tokens == by_byte.bytes
    assert by_pair.nats_per_token == pytest.approx(2 * by_byte.nats_per_token)
    assert by_byte.perplexity == pytest.approx(256, rel=1e-5)


@pytest.mark.parametrize("block_size", [None, 3])
@pytest.mark.parametrize("batch_size", [1, 16])
def test_it_is_the_sum_done_by_hand(block_size, batch_size):
    model = tiny(256, dropout=0.5)
    ids = list(TEXT)
    report = evaluate_loss(
        model, ids, n_bytes=len(TEXT) - 1, block_size=block_size, batch_size=batch_size
    )
    T, nats = block_size or 8, 0.0
    assert model.training, "the model's mode was changed"
    model.eval()
    for i in range(1, len(ids)):  # each token from the start of its window
        start = (i - 1) // T * T
        logits = model(torch.tensor([ids[start:i]]))[0, -1]
        nats -= float(F.log_softmax(logits, dim=-1)[ids[i]].detach())
    assert report.tokens == len(TEXT) - 1
    assert report.nats == pytest.approx(nats, rel=1e-5)
    assert report.nats_per_token == pytest.approx(nats / report.tokens, rel=1e-5)
    bits = nats / math.log(2) / (len(TEXT) - 1)
    assert report.bits_per_byte == pytest.approx(bits, rel=1e-5)


def test_bits_per_byte_of_numbers_one_can_check_in_the_head():
    # 100 tokens, each one of two: 100 bits. They spell 50 bytes: 2 bits each.
    assert bits_per_byte(100 * math.log(2), 50) == pytest.approx(2.0)


def test_the_report_says_its_numbers():
    report = LossReport(nats=200 * math.log(2), tokens=1000, bytes=2000)
    said = report.explain()
    assert "0.1386 nats per token over 1,000 tokens" in said
    assert "0.1000 bits for each of 2,000 bytes" in said and "\n" not in said


@pytest.mark.parametrize(
    ("ids", "options", "words"),
    [
        ([1], {"n_bytes": 5}, "1 tokens"),
        ([1, 2], {"n_bytes": 0}, "n_bytes=0"),
        ([1, 2], {"n_bytes": 5, "block_size": 9}, "windows of 9 .*block_size=8: use"),
        ([1, 256], {"n_bytes": 5}, "id 256 .*vocab_size=256: encode"),
        ([999, 1], {"n_bytes": 5}, "id 999 .*vocab_size=256: encode"),
        ([1, 2], {"n_bytes": 5, "batch_size": 0}, "batch_size=0"),
    ],
)
def test_bad_input_is_refused(ids, options, words):
    with pytest.raises(ValueError, match=words):
        evaluate_loss(tiny(256), ids, **options)
    with pytest.raises(ValueError, match="n_bytes=0"):
        bits_per_byte(1.0, 0)

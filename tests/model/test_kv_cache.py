import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt_edu.model import GPT, GPTConfig, KVCache

SMALL = GPTConfig.modern(
    vocab_size=97, block_size=24, n_layer=2, n_head=4, n_kv_head=2, n_embd=32
)


@pytest.fixture
def small():
    torch.manual_seed(0)
    return GPT(SMALL).eval()


@pytest.mark.parametrize("cuts", [[20], [19, 1], [1] * 20, [7, 5, 8], [1, 18, 1]])
def test_any_split_gives_the_same_logits(model, make_ids, cuts):
    ids = make_ids(2, 20)
    cache = KVCache(model.config, rows=2)
    with torch.no_grad():
        parts = [model(part, cache) for part in ids.split(cuts, dim=1)]
        whole = model(ids)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=2e-5, rtol=1e-4)
    assert cache.lengths == [20, 20]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_ragged_rows_equal_rows_alone(data):
    """Rows that grow by different amounts, some not at all, as if each were alone."""
    torch.manual_seed(0)
    small = GPT(SMALL).eval()
    rows, block = 3, SMALL.block_size
    texts = torch.randint(97, (rows, block))
    cache, done = KVCache(SMALL, rows=rows), [0] * rows
    seen = [[] for _ in range(rows)]
    for _ in range(data.draw(st.integers(1, 5))):
        room = [block - n for n in done]
        lengths = [data.draw(st.integers(0, min(9, r))) for r in room]
        if not any(lengths):
            continue
        width = max(lengths)
        ids = torch.full((rows, width), 5)
        for b, n in enumerate(lengths):
            ids[b, :n] = texts[b, done[b] : done[b] + n]
        with torch.no_grad():
            logits = small(ids, cache, lengths=lengths)
        for b, n in enumerate(lengths):
            seen[b].append(logits[b, :n])
            done[b] += n
    assert cache.lengths == done
    for b, parts in enumerate(seen):
        if done[b]:
            with torch.no_grad():
                alone = small(texts[b : b + 1, : done[b]])[0]
            torch.testing.assert_close(torch.cat(parts), alone, atol=2e-5, rtol=1e-4)


def test_bytes_are_the_formula():
    for dtype, size in ((torch.float32, 4), (torch.bfloat16, 2)):
        cache = KVCache(SMALL, rows=3, slots=10, dtype=dtype)
        formula = 2 * SMALL.n_layer * 3 * SMALL.kv_heads * 10 * SMALL.head_size * size
        assert cache.nbytes == formula


def test_half_precision_cache_stays_close(small, make_ids):
    ids = make_ids(1, 12)
    cache = KVCache(SMALL, dtype=torch.bfloat16)
    with torch.no_grad():
        parts = torch.cat([small(p, cache) for p in ids.split(4, dim=1)], dim=1)
        assert (parts - small(ids)).abs().max() < 0.05


def test_too_much_is_refused_and_nothing_is_lost(small, make_ids):
    cache = KVCache(SMALL, slots=10)
    with torch.no_grad():
        small(make_ids(1, 8), cache)
        kept = cache.k.clone()
        with pytest.raises(ValueError, match=r"8 tokens, 3 more .* 10 slots"):
            small(make_ids(1, 3), cache)
    assert cache.lengths == [8] and torch.equal(cache.k, kept)
    with pytest.raises(ValueError, match=r"slots=25 .* block_size=24"):
        KVCache(SMALL, slots=25)
    with pytest.raises(ValueError, match="rows=0"):
        KVCache(SMALL, rows=0)
    with pytest.raises(ValueError, match="lengths"):
        small(make_ids(1, 3), cache, lengths=[4])
    with pytest.raises(ValueError, match="pass one"):
        small(make_ids(1, 3), lengths=[2])
    with pytest.raises(ValueError, match="no row has a new token"):
        small(make_ids(1, 3), cache, lengths=[0])


def test_ragged_rows_in_half_precision(small, make_ids):
    cache = KVCache(SMALL, rows=2, dtype=torch.bfloat16)
    with torch.no_grad():
        small(make_ids(2, 6), cache, lengths=[6, 2])
        logits = small(make_ids(2, 1, seed=3), cache, lengths=[1, 0])
        whole = torch.cat((make_ids(2, 6)[0], make_ids(2, 1, seed=3)[0]))[None]
        assert (logits[0] - small(whole)[0, -1:]).abs().max() < 0.05
    assert cache.k.dtype == torch.bfloat16 and cache.lengths == [7, 2]


def test_a_cache_of_another_model_or_batch_is_refused(small, make_ids):
    for cache in (
        KVCache(SMALL, rows=2),
        KVCache(SMALL.replace(n_layer=3)),
        KVCache(SMALL.replace(n_kv_head=1)),
    ):
        with pytest.raises(ValueError, match="the model and the ids need"):
            small(make_ids(1, 3), cache)
    cache = KVCache(SMALL, rows=2)
    for wrong in (
        lambda: cache.row(5),
        lambda: cache.truncate(0, row=4),
        lambda: cache.reorder([0, 3]),
    ):
        with pytest.raises(ValueError, match="is not in the cache: it has rows 0 to 1"):
            wrong()


def test_a_row_is_a_view(small, make_ids):
    cache = KVCache(SMALL, rows=3)
    with torch.no_grad():
        small(make_ids(1, 6), cache.row(1))
        assert cache.lengths == [0, 6, 0] and cache.k[:, 1].any()
        assert not cache.k[:, 0].any() and not cache.k[:, 2].any()
        logits = small(make_ids(3, 1), cache, lengths=[0, 1, 0])[1]
        whole = torch.cat((make_ids(1, 6)[0], make_ids(3, 1)[1]))[None]
        torch.testing.assert_close(logits, small(whole)[0, -1:], atol=2e-5, rtol=1e-4)


def test_reorder_and_truncate(small, make_ids):
    ids = make_ids(2, 7)
    cache = KVCache(SMALL, rows=2)
    next_token = make_ids(2, 1, seed=9)
    with torch.no_grad():
        small(ids, cache)
        cache.reorder([1, 1])
        both = small(next_token[:1].expand(2, 1), cache)
        torch.testing.assert_close(both[0], both[1])
        want = small(torch.cat((ids[1:], next_token[:1]), dim=1))[0, -1:]
        torch.testing.assert_close(both[0], want, atol=2e-5, rtol=1e-4)
        cache = KVCache(SMALL)
        small(ids[:1], cache)
        cache.truncate(4)
        again = small(ids[:1, 4:], cache)
        torch.testing.assert_close(again, small(ids[:1])[:, 4:], atol=2e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="cannot keep 9 tokens"):
        cache.truncate(9)

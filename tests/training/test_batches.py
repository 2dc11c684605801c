"""A batch is a function of its step; an evaluation reads each token once."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minigpt_edu.training import TokenBatches, windows

sizes = st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(0, 40))


@given(sizes, st.integers(0, 10**6), st.integers(-5, 2**70))
def test_targets_are_the_inputs_one_token_later(shape, step, seed):
    T, B, extra = shape
    ids = torch.arange(T + 1 + extra)  # ids that say where they stand
    inputs, targets = TokenBatches(ids, T, B, seed=seed)[step]
    assert inputs.shape == targets.shape == (B, T)
    assert inputs.dtype == targets.dtype == torch.int64
    assert torch.equal(inputs + 1, targets)
    assert torch.equal(inputs - inputs[:, :1], torch.arange(T).expand(B, T))
    assert inputs.min() >= 0 and targets.max() <= T + extra


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8), st.integers(0, 99))
def test_a_batch_depends_on_its_step_and_on_nothing_asked_before(steps, seed):
    ids = np.random.default_rng(0).integers(0, 300, 500)
    one, other = (TokenBatches(ids, 8, 4, seed=seed) for _ in range(2))
    asked = [one[s] for s in steps]
    for s, (inputs, targets) in reversed(list(zip(steps, asked, strict=True))):
        assert torch.equal(other[s][0], inputs) and torch.equal(other[s][1], targets)


def test_steps_and_seeds_give_different_batches():
    ids = np.arange(10_000)
    seen = {
        tuple(TokenBatches(ids, 4, 2, seed=seed)[step][0].flatten().tolist())
        for seed in range(20)
        for step in range(20)
    }
    assert len(seen) == 400


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 50))
def test_small_batches_taken_together_are_the_large_batch(k, B, step):
    ids = np.arange(400)
    small, large = TokenBatches(ids, 6, B, seed=3), TokenBatches(ids, 6, k * B, seed=3)
    joined = torch.cat([small[step * k + i][0] for i in range(k)])
    assert torch.equal(joined, large[step][0])


def test_every_window_is_drawn_about_equally_often():
    ids = np.arange(14)  # windows of 5 tokens start at 0 ... 9
    batches = TokenBatches(ids, 4, 1000)
    starts = torch.cat([batches[step][0][:, 0] for step in range(10)])
    counts = torch.bincount(starts, minlength=10)
    assert len(counts) == 10
    # 10,000 draws in 10 boxes: 1,000 each, with a standard deviation of 30
    assert counts.min() > 1000 - 150 and counts.max() < 1000 + 150


def test_the_shortest_text_has_one_window():
    inputs, targets = TokenBatches([4, 5, 6], 2, 3)[9]
    assert inputs.tolist() == [[4, 5]] * 3 and targets.tolist() == [[5, 6]] * 3


def test_any_container_of_ids_gives_the_same_batches(tmp_path):
    ids = np.random.default_rng(1).integers(0, 60_000, 300)
    path = tmp_path / "ids.bin"
    ids.astype(np.uint16).tofile(path)
    mapped = np.memmap(path, dtype=np.uint16, mode="r")
    kinds = [ids, ids.tolist(), torch.tensor(ids), ids.astype(np.int32), mapped]
    batches = [TokenBatches(kind, 7, 3, seed=2) for kind in kinds]
    for other in batches[1:]:
        assert torch.equal(batches[0][4][0], other[4][0])
        assert torch.equal(batches[0][4][1], other[4][1])


def test_a_memory_map_stays_on_disk_and_others_are_kept_small(tmp_path):
    path = tmp_path / "ids.bin"
    np.arange(100, dtype=np.uint16).tofile(path)
    mapped = np.memmap(path, dtype=np.uint16, mode="r")
    assert TokenBatches(mapped, 8, 2).ids is mapped
    assert TokenBatches(list(range(100)), 8, 2).ids.itemsize == 2
    assert TokenBatches([0, 70_000, 1], 2, 2).ids.itemsize == 4
    assert TokenBatches([0, 2**32 - 1, 1], 2, 2).max_id == 2**32 - 1
    wide = np.memmap(tmp_path / "wide.bin", dtype=np.int64, mode="w+", shape=(9,))
    assert TokenBatches(wide, 8, 2).ids is wide
    wide[4] = 2**32
    with pytest.raises(ValueError, match=f"id {2**32} "):
        TokenBatches(wide, 8, 2)


def test_writing_into_a_batch_leaves_the_text_alone():
    ids = torch.arange(9)
    batches = TokenBatches(ids, 8, 1)
    inputs, targets = batches[0]
    inputs.zero_(), targets.zero_()
    assert torch.equal(batches[0][0], torch.arange(8)[None])


@given(st.data())
def test_masked_tokens_are_never_targets(data):
    N = data.draw(st.integers(3, 60))
    T = data.draw(st.integers(1, N - 1))
    mask = data.draw(st.lists(st.booleans(), min_size=N, max_size=N))
    mask[data.draw(st.integers(1, N - 1))] = True
    inputs, targets = TokenBatches(np.arange(N), T, 4, mask=mask)[0]
    expected = torch.where(torch.tensor(mask)[inputs + 1], inputs + 1, -1)
    assert torch.equal(targets, expected)
    assert ((targets != -1).sum(dim=1) > 0).all(), "a window that teaches nothing"


def test_windows_with_one_counted_target_are_all_reached():
    mask = np.zeros(40, dtype=bool)
    mask[20] = True  # a target of the windows of 4 that start at 16 ... 19
    inputs, _ = TokenBatches(np.arange(40), 4, 200, mask=mask)[0]
    assert set(inputs[:, 0].tolist()) == {16, 17, 18, 19}


@given(st.integers(2, 100), st.integers(1, 12), st.integers(1, 5))
def test_windows_make_every_token_but_the_first_a_target_once(N, T, B):
    seen = []
    for inputs, targets in windows(np.arange(N), T, B):
        assert inputs.shape == targets.shape and inputs.shape[1] == T
        assert 1 <= len(inputs) <= B
        counted = targets != -1
        assert torch.equal(inputs[counted] + 1, targets[counted])
        seen += targets[counted].tolist()
    assert seen == list(range(1, N))


@given(st.integers(3, 80), st.integers(1, 9), st.integers(1, 4), st.data())
def test_masked_windows_count_each_marked_token_once(N, T, B, data):
    mask = data.draw(st.lists(st.booleans(), min_size=N, max_size=N))
    mask[data.draw(st.integers(1, N - 1))] = True
    seen = []
    for inputs, targets in windows(np.arange(N), T, B, mask=mask):
        counted = targets != -1
        assert counted.any(dim=1).all(), "a window that measures nothing"
        assert torch.equal(inputs[counted] + 1, targets[counted])
        seen += targets[counted].tolist()
    assert seen == [i for i in range(1, N) if mask[i]]


def test_the_last_window_is_filled_up_with_padding():
    (inputs, targets), *rest = windows([7, 8, 9, 10, 11, 12], 4, 2)
    assert inputs.tolist() == [[7, 8, 9, 10], [11, 12, 0, 0]]
    assert targets.tolist() == [[8, 9, 10, 11], [12, -1, -1, -1]]
    assert not rest


@given(st.integers(1, 30), st.integers(1, 40))
def test_a_limit_takes_evenly_spaced_batches(total, limit):
    ids = np.arange(total * 6 + 1)  # 2 windows of 3 a batch: `total` whole batches
    firsts = [int(inputs[0, 0]) // 6 for inputs, _ in windows(ids, 3, 2, limit=limit)]
    assert len(firsts) == min(limit, total) == len(set(firsts))
    gaps = np.diff([*firsts, total])
    assert firsts[0] == 0 and gaps.max() - gaps.min() <= 1


def test_a_split_walks_its_own_windows():
    ids, mask = np.arange(50), np.arange(50) % 3 == 0
    batches = TokenBatches(ids, 4, 3, mask=mask)
    pairs = zip(batches.windows(2), windows(ids, 4, 3, mask=mask, limit=2), strict=True)
    for ours, theirs in pairs:
        assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[1], theirs[1])


def test_iterating_gives_the_steps_in_order_without_end():
    batches = TokenBatches(np.arange(99), 4, 2)
    for step, (inputs, _) in enumerate(islice(batches, 5)):
        assert torch.equal(inputs, batches[step][0])
    assert len(batches) == 99


def test_a_description_changes_with_anything_that_changes_the_batches():
    ids = np.arange(100)
    other = ids.copy()
    other[50] = 3
    mask = ids > 10
    described = [
        TokenBatches(ids, 8, 2).describe(),
        TokenBatches(other, 8, 2).describe(),
        TokenBatches(ids[:-1], 8, 2).describe(),
        TokenBatches(ids, 7, 2).describe(),
        TokenBatches(ids, 8, 3).describe(),
        TokenBatches(ids, 8, 2, seed=1).describe(),
        TokenBatches(ids, 8, 2, mask=mask).describe(),
    ]
    assert len({str(d) for d in described}) == len(described)
    assert TokenBatches(ids.tolist(), 8, 2).describe() == described[0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TokenBatches(range(8), 8, 2), "8 tokens.*= 9.*at most 7"),
        (lambda: TokenBatches([], 8, 2), "0 tokens"),
        (lambda: TokenBatches([1, -2, 3], 2, 2), "id -2 is negative"),
        (lambda: TokenBatches([2**40] * 9, 2, 2), f"id {2**40} .*{2**32}"),
        (lambda: TokenBatches(torch.tensor([0, 2**32, 1]), 2, 2), f"id {2**32} "),
        (lambda: TokenBatches([1.5, 2.0, 3.0], 2, 2), "not integers"),
        (lambda: TokenBatches(np.zeros((3, 3), int), 2, 2), "2 dimensions"),
        (lambda: TokenBatches(range(9), 0, 2), "block_size=0"),
        (lambda: TokenBatches(range(9), 2, 0), "batch_size=0"),
        (lambda: TokenBatches(range(9), 2, 2, mask=[True]), r"\(1,\).*9 tokens"),
        (lambda: TokenBatches(range(9), 2, 2, mask=[False] * 9), "none of the 9"),
        (lambda: TokenBatches([0, 1], 1, 1, mask=[True, False]), "none of the 2"),
        (lambda: windows([5], 4, 2), "1 tokens.*at least 2"),
        (lambda: windows([5, 6], 0, 2), "block_size=0"),
        (lambda: windows(np.array([2**63] * 3), 1, 2), f"id {2**63} "),
    ],
)
def test_bad_input_is_refused_with_the_numbers(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_steps_count_from_zero():
    with pytest.raises(IndexError, match="step -1"):
        TokenBatches(range(9), 2, 2)[-1]

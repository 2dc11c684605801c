"""The generator: equal to its JavaScript twin, uniform, and a fair draw."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigpt_edu.inference import rng
from minigpt_edu.inference.rng import Mulberry32, draw

SEEDS = [0, 1, 7, 1337, 2**31 - 1, 2**31, 2**32 - 1]


def find_node() -> str:
    """The machine's own, or the one that playwright carries."""
    import playwright

    carried = Path(playwright.__file__).parent / "driver" / "node"
    return shutil.which("node") or str(carried)


def javascript_of_the_docstring() -> str:
    blocks = re.findall(
        r"    const uniform.*?\n    const draw.*?\n    };", rng.__doc__, re.S
    )
    assert len(blocks) == 1
    return blocks[0]


def in_javascript(cases: list[dict]) -> list[dict]:
    script = (
        javascript_of_the_docstring()
        + """
    const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
    console.log(JSON.stringify(cases.map(({ seed, probs }) => {
      const next = uniform(seed);
      const us = Array.from({ length: 200 }, next);
      return { us, ids: us.map((u) => draw(Float32Array.from(probs), u)) };
    })));"""
    )
    done = subprocess.run(
        [find_node(), "-e", script],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_the_javascript_of_the_docstring_gives_the_same_numbers_and_ids():
    source = np.random.default_rng(0)
    cases = []
    for seed in SEEDS:
        logits = source.normal(scale=3, size=1024)
        logits[source.random(1024) < 0.5] = -np.inf
        probs = np.exp(logits - logits.max())
        probs = (probs / probs.sum()).astype(np.float32)
        cases.append({"seed": seed, "probs": probs.tolist()})
    # where single precision would drift, and where the sum is far from 1
    many = source.random(50_000).astype(np.float32)
    cases.append({"seed": 3, "probs": (many / many.sum()).tolist()})
    cases.append({"seed": 4, "probs": [0.5, 0.0, 2.5, 4.0]})
    for case, theirs in zip(cases, in_javascript(cases), strict=True):
        random = Mulberry32(case["seed"])
        us = [random.uniform() for _ in range(200)]
        assert us == theirs["us"]  # bit by bit: both print doubles exactly
        assert [draw(case["probs"], u) for u in us] == theirs["ids"]


def test_known_numbers_stay_known():
    random = Mulberry32(7)
    assert [random.uniform() * 2**32 for _ in range(3)] == [
        50_271_532,
        266_108_690,
        4_195_786_334,
    ]


def test_uniform_in_every_tenth_and_between_neighbours():
    random = Mulberry32(0)
    us = np.array([random.uniform() for _ in range(100_000)])
    assert us.min() >= 0 and us.max() < 1
    expected = len(us) / 10
    observed = np.histogram(us, bins=10, range=(0, 1))[0]
    assert ((observed - expected) ** 2 / expected).sum() < 27.9  # 9 degrees, p = 0.001
    assert abs(np.corrcoef(us[:-1], us[1:])[0, 1]) < 0.01


def test_without_a_seed_it_says_which_it_took():
    first, other = Mulberry32(), Mulberry32()
    assert first.seed != other.seed  # 32 bits from the system: equal once in 4e9
    assert Mulberry32(first.seed).uniform() == first.uniform()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_beyond_32_bits_are_refused(seed: int):
    with pytest.raises(ValueError, match=f"seed={seed}.*4294967295"):
        Mulberry32(seed)


@given(
    weights=st.lists(st.integers(0, 2**20), min_size=1, max_size=40).filter(any),
    word=st.integers(0, 2**32 - 1),
)
def test_draw_is_the_inverse_of_the_distribution_function(
    weights: list[int], word: int
):
    """The law, in exact fractions: the chosen id is where the pin u falls."""
    id = draw(weights, word / 2**32)
    pin = Fraction(word, 2**32) * sum(weights)
    assert weights[id] > 0
    assert sum(weights[:id]) <= pin < sum(weights[: id + 1])


@pytest.mark.parametrize(
    ("probs", "u", "id"),
    [
        ([0.5, 0.5], 0.5, 1),  # a pin on the border belongs to the next
        ([0.5, 0.5], 0.5 - 2**-32, 0),
        ([0.0, 1.0, 0.0], 0.0, 1),  # never one without probability
        ([0.0, 1.0, 0.0], 1 - 2**-32, 1),
    ],
)
def test_borders(probs: list[float], u: float, id: int):
    assert draw(probs, u) == id


@pytest.mark.parametrize("probs", [[], [0.0, 0.0], [0.5, float("nan")], [float("inf")]])
def test_nothing_to_draw_from_is_an_error(probs: list[float]):
    with pytest.raises(ValueError, match="add up to"):
        draw(probs, 0.5)

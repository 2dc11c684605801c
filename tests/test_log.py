"""The logger passes records on unchanged, says some, and loses none that it wrote."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigpt_edu.log import EducationalLogger, replay


@dataclass(frozen=True)
class Note:
    step: int
    loss: float = 0.5
    text: str = "olá"

    def explain(self) -> str:
        return f"note {self.step}"


@dataclass(frozen=True)
class Odd:
    value: object

    def explain(self) -> str:
        return "odd"


class Bare:
    def explain(self) -> str:
        return "bare"


def watch(count, **options) -> list[str]:
    said: list[str] = []
    logger = EducationalLogger(say=said.append, **options)
    records = [Note(i) for i in range(1, count + 1)]
    assert list(logger.watch(iter(records))) == records
    return said


# --- saying ------------------------------------------------------------------------


@given(st.integers(0, 30), st.integers(1, 12))
def test_it_says_the_first_each_nth_and_the_last(count, every):
    due = {1, count} | set(range(every, count + 1, every))
    expected = [f"note {i}" for i in sorted(due) if 1 <= i <= count]
    assert watch(count, every=every) == expected


def test_a_higher_level_says_more_and_level_0_nothing():
    said = [watch(10, every=4, level=level) for level in range(4)]
    assert [len(lines) for lines in said] == [0, 4, 8, 20]
    assert (
        said[2][0] == "note 1" and "step=1" in said[2][1] and "loss=0.5" in said[2][1]
    )


def test_it_is_lazy_and_says_before_it_passes_on():
    seen, said = [], []

    def endless():
        while True:
            seen.append(len(seen) + 1)
            yield Note(seen[-1])

    watched = EducationalLogger(say=said.append).watch(endless())
    assert seen == []
    next(watched)
    assert seen == [1] and said == ["note 1"]


def test_by_default_it_prints(capsys):
    list(EducationalLogger().watch([Note(7)]))
    assert capsys.readouterr().out == "note 7\n"


def test_an_error_in_the_work_is_passed_on(tmp_path):
    def work():
        yield Note(1)
        raise ArithmeticError("the work failed")

    logger = EducationalLogger(path=tmp_path / "log.jsonl", say=str)
    with pytest.raises(ArithmeticError, match="the work failed"):
        list(logger.watch(work()))
    assert [r["step"] for r in replay(tmp_path / "log.jsonl")] == [1]


# --- writing and reading back ------------------------------------------------------


@given(st.lists(st.builds(Note, st.integers(), st.floats(), st.text())))
def test_what_was_written_is_read_back(tmp_path_factory, notes):
    path = tmp_path_factory.mktemp("log") / "deep" / "log.jsonl"
    list(EducationalLogger(level=0, path=path).watch(notes))
    read = list(replay(path))
    assert len(read) == len(notes)
    for values, note in zip(read, notes, strict=True):
        assert values.pop("kind") == "Note"
        loss = values.pop("loss")
        if math.isfinite(note.loss):
            assert loss == note.loss
        else:
            assert loss == str(note.loss)
        assert values == {"step": note.step, "text": note.text}


def test_every_line_is_json_that_any_reader_takes(tmp_path):
    path = tmp_path / "log.jsonl"
    odd = [
        math.inf,
        Path("a"),
        np.arange(2),
        (1, None),
        {"k": {3}},
        Note(1),
        np.int64(4),
    ]
    records = [*map(Odd, odd), Bare()]
    list(EducationalLogger(level=2, path=path, say=str).watch(records))

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    lines = path.read_text(encoding="utf-8").splitlines()
    read = [json.loads(line, parse_constant=refuse) for line in lines]
    assert [r.get("value") for r in read[:-1]] == [
        "inf", "a", [0, 1], [1, None], {"k": [3]}, asdict(Note(1)), 4,
    ]  # fmt: skip
    assert read[-1] == {"kind": "Bare", "explain": "bare"}


def test_a_second_run_is_added_to_the_first(tmp_path):
    path = tmp_path / "log.jsonl"
    watch(2, path=path), watch(3, path=str(path))
    assert [r["step"] for r in replay(path)] == [1, 2, 1, 2, 3]


def test_each_record_is_in_the_file_before_it_is_passed_on(tmp_path):
    path = tmp_path / "log.jsonl"
    logger = EducationalLogger(every=100, path=path, say=str)
    for i, _ in enumerate(logger.watch([Note(1), Note(2), Note(3)]), start=1):
        assert len(list(replay(path))) == i


KILLED = """
import os, signal, sys
from dataclasses import dataclass
from minigpt_edu.log import EducationalLogger
@dataclass(frozen=True)
class Note:
    step: int
    def explain(self): return "a note"
for note in EducationalLogger(path=sys.argv[1], level=0).watch(map(Note, range(100))):
    if note.step == 41:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""


def test_a_killed_process_has_lost_nothing(tmp_path):
    path = tmp_path / "log.jsonl"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)])
    assert done.returncode != 0
    assert [r["step"] for r in replay(path)] == list(range(42))


@pytest.mark.parametrize("cut", [1, 5, 12, 30, 60])
def test_a_line_cut_short_is_left_out_and_then_written_over(tmp_path, cut):
    path = tmp_path / "log.jsonl"
    watch(3, path=path)
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    path.write_bytes(whole[: -min(cut, len(last) - 1)])
    kept = 3 if cut == 1 else 2  # without its line end a record is still whole
    assert [r["step"] for r in replay(path)] == [1, 2, 3][:kept]
    watch(1, path=path)
    assert [r["step"] for r in replay(path)] == [*[1, 2, 3][:kept], 1]


def test_a_line_that_is_no_record_is_named(tmp_path):
    path = tmp_path / "log.jsonl"
    watch(3, path=path)
    lines = path.read_text().splitlines()
    for wrong in ("{broken", '["a list"]', '{"no": "kind"}', "", "\udc80"):
        damaged = "\n".join([lines[0], wrong, lines[2]]) + "\n"
        path.write_bytes(damaged.encode(errors="surrogateescape"))
        with pytest.raises(ValueError, match=r"log\.jsonl, line 2 is not a logged"):
            list(replay(path))


@pytest.mark.parametrize("content", ["Dear diary", "[1, 2]\n", "{}\n", "Era\numa vez"])
def test_a_file_with_something_else_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "diary.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"diary\.txt holds something else"):
        watch(1, path=path)
    assert path.read_text() == content


def test_an_empty_file_is_a_log_without_records(tmp_path):
    path = tmp_path / "log.jsonl"
    path.touch()
    assert list(replay(path)) == []
    watch(1, path=path)
    assert len(list(replay(path))) == 1


@pytest.mark.parametrize(
    ("options", "words"), [({"every": 0}, "every=0"), ({"level": 4}, "level=4")]
)
def test_nonsense_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        EducationalLogger(**options)

"""The command line as it is typed: what it does, says, refuses, and survives."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch
from safetensors.torch import save_file

import minigpt_edu
from minigpt_edu.checkpoint import load_checkpoint, save_checkpoint
from minigpt_edu.cli import main
from minigpt_edu.cli import train as train_command
from minigpt_edu.cli.options import GenerateOptions, ListOptions, TrainOptions
from minigpt_edu.cli.prepare import DEFAULTS
from minigpt_edu.cli.rehearsal import rehearse
from minigpt_edu.cli.run_folder import RunFolder
from minigpt_edu.corpora import load_corpus, split
from minigpt_edu.evaluation import ngram_bits_per_byte
from minigpt_edu.evaluation.loss import evaluate_loss
from minigpt_edu.log import replay
from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.training import TokenBatches, TrainConfig, Trainer

TINY = "--preset tiny --n-layer 1 --n-embd 16 --block-size 32 --batch-size 4"
RUN = f"train --data my.txt --steps 6 --eval-every 3 {TINY} --vocab-size 300"


@pytest.fixture(scope="module")
def text() -> str:
    """20 KB of the shipped Portuguese corpus, cut at a document."""
    return split(load_corpus("pt_br").text[:22_000])[0]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    """An empty folder with my.txt in it; commands are typed there."""
    (tmp_path / "my.txt").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIGPT_TRACEBACK", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, text: str) -> Path:
    """A folder where the run above was made. Read it, do not change it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "my.txt").write_text(text, encoding="utf-8")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert main(shlex.split(RUN)) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def at_trained(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


class Typed:
    """What a command line printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def type_in(capsys: pytest.CaptureFixture[str]) -> Callable[[str], Typed]:
    def run(line: str) -> Typed:
        capsys.readouterr()
        code = main(shlex.split(line))
        return Typed(code, *capsys.readouterr())

    return run


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# --- help, version, and words misspelt ------------------------------------------------


@pytest.mark.parametrize("line", ["", "--help", "-h"])
def test_help_names_the_commands_and_a_first_one_to_type(line: str, type_in):
    typed = type_in(line)
    assert typed.code == 0
    for word in ["train", "generate", "list", "minigpt train --data pt_br --steps 300"]:
        assert word in typed.out


@pytest.mark.parametrize(
    ("command", "options"),
    [("train", TrainOptions), ("generate", GenerateOptions), ("list", ListOptions)],
)
def test_each_command_explains_each_of_its_flags(command, options, type_in):
    typed = type_in(f"{command} --help")
    assert typed.code == 0 and "Examples" in typed.out
    for field in fields(options):
        assert f"--{field.name.replace('_', '-')}" in typed.out


def test_help_tells_the_true_defaults():
    hints = get_type_hints(TrainOptions, include_extras=True)
    told = {
        name: hint.__metadata__[0].show_default
        for name, hint in hints.items()
        if name in DEFAULTS and name != "device"
    }
    assert told == {n: str(v) for n, v in DEFAULTS.items() if n != "device"}


def test_version(type_in):
    assert type_in("--version").out == f"minigpt {minigpt_edu.__version__}\n"


def in_a_process(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "minigpt_edu", *args],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=env,
        timeout=120,
        **options,
    )


def test_the_package_runs_as_a_module():
    done = in_a_process("--version")
    assert (done.returncode, done.stdout) == (0, f"minigpt {minigpt_edu.__version__}\n")


def test_help_is_quick_because_torch_is_not_loaded():
    code = (
        "import sys; from minigpt_edu.cli import main; main(['train', '--help']); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == 0


# --- bad input: one sentence, exit 2, nothing written ---------------------------------

BAD = {
    # words
    "trian": ["'trian'", "mean 'train'"],
    "train --stesp 3": ["no option --stesp", "did you mean --steps"],
    "generate --temprature 1": ["--temprature", "--temperature"],
    "list --jsn": ["--jsn", "--json"],
    "train now": ["now"],
    "train --steps": ["--steps"],
    "train --tokenizer bep": ["--tokenizer", "bep", "'bpe'"],
    # numbers
    "train --steps 0": ["--steps 0", "at least 1"],
    "train --steps -4": ["--steps -4", "at least 1"],
    "train --steps many": ["--steps"],
    "train --batch-size 0": ["--batch-size 0"],
    "train --block-size -1": ["--block-size -1"],
    "train --vocab-size 100": ["100"],
    "train --vocab-size 0": ["--vocab-size 0"],
    "train --lr 0": ["lr=0"],
    "train --lr nan": ["--lr nan", "finite"],
    "train --lr inf": ["--lr inf", "finite"],
    "train --dropout 1.5": ["dropout=1.5"],
    "train --dropout -1": ["--dropout -1"],
    "train --seed -1": ["--seed -1"],
    "train --eval-every 0": ["--eval-every 0"],
    "train --save-every 0": ["--save-every 0"],
    "generate --max-tokens 0": ["--max-tokens 0"],
    "generate --temperature -0.5": ["--temperature -0.5"],
    "generate --temperature nan": ["temperature"],
    "generate --top-k -1": ["--top-k -1"],
    "generate --top-p 0": ["top_p=0"],
    "generate --top-p 1.5": ["top_p=1.5"],
    "generate --min-p 2": ["min_p=2"],
    "generate --repetition-penalty 0": ["--repetition-penalty 0", "at least 0.01"],
    "generate --repetition-penalty 1e-300": ["--repetition-penalty 1e-300", "0.01"],
    "generate --repetition-penalty inf": ["--repetition-penalty inf", "finite"],
    "generate --temperature inf": ["--temperature inf", "finite"],
    "generate --temperature 1e-300": ["1e-300 is too near to 0", "0.001"],
    "generate --temperature 1001": ["--temperature 1001", "at most 1000"],
    "train --batch-size 1000001": ["--batch-size 1000001", "at most 1000000"],
    "train --block-size 9999999": ["--block-size 9999999", "at most 1000000"],
    "train --accumulate 9999999": ["--accumulate 9999999", "at most 1000000"],
    "train --steps 9999999999": ["--steps 9999999999", "at most 1000000000"],
    "train --n-layer 1001": ["--n-layer 1001", "at most 1000"],
    "train --n-embd 100001": ["--n-embd 100001", "at most 100000"],
    "train --n-head 10001": ["--n-head 10001", "at most 10000"],
    "train --vocab-size 10000001": ["--vocab-size 10000001", "at most 10000000"],
    "train --seed 4294967296": ["--seed 4294967296", "at most 4294967295"],
    f"train --seed {10**400}": ["0000... (401 digits) must be at most"],
    "train --data ''": ["--data is empty"],
    "train --device ''": ["--device is empty"],
    "train --out ''": ["--out", "it is empty"],
    "generate --device ''": ["--device is empty"],
    "generate --checkpoint ''": ["--checkpoint", "it is empty"],
    "list --dir ''": ["--dir", "it is empty"],
    f"train --data my.txt --out {'x' * 300}": ["(300 letters)", "name too long"],
    f"train --data {'x' * 300}": ["xxx"],
    f"generate --checkpoint {'x' * 300}": ["xxx"],
    "generate --seed 4294967296": ["seed=4294967296"],
    # shapes
    "train --data my.txt --preset smal": ["unknown preset 'smal'", "'small'"],
    "train --data my.txt --n-head 5": ["n_head=5"],
    "train --data my.txt --device abacus": ["abacus"],
    "train --data my.txt --tokenizer char --vocab-size 90": ["--vocab-size 90", "char"],
    "train --data my.txt --block-size 9000": ["too small", "9000", "--block-size"],
    # texts
    "train --data pt-br": ["pt-br", "did you mean pt_br"],
    "train --data nowhere.txt": ["nowhere.txt"],
    "train --data .": ["folder"],
    "train --data empty.txt": ["empty.txt is empty"],
    "train --data binary.bin": ["not text", "byte 3"],
    "train --data latin1.txt": ["not UTF-8", "byte 1", "Latin-1"],
    "train --data short.txt": ["too small"],
    # folders and checkpoints
    "train --data my.txt --out my.txt/run": ["my.txt is a file", "--out"],
    "train --data my.txt --resume": ["nothing to resume in checkpoints/my"],
    "train --resume": ["--resume needs to know which run"],
    "train --resume nowhere.safetensors": ["nowhere.safetensors"],
    "train --resume my.txt": ["my.txt", "not a readable safetensors file"],
    "generate": ["no trained model in checkpoints", "minigpt train --data pt_br"],
    "generate --checkpoint nowhere.safetensors": ["nowhere.safetensors"],
    "generate --checkpoint empty.txt": ["empty.txt is empty"],
    "generate --checkpoint my.txt": ["my.txt", "not a readable safetensors file"],
    "generate --checkpoint foreign.safetensors": ["not a checkpoint of this program"],
    "generate --checkpoint .": ["no trained model", "1 unreadable"],
    "list --dir nowhere": ["no folder nowhere"],
}


@pytest.mark.parametrize("line", BAD)
def test_bad_input_is_one_sentence_and_exit_2(line: str, here: Path, type_in):
    (here / "empty.txt").write_bytes(b"")
    (here / "binary.bin").write_bytes(b"abc\0def")
    (here / "latin1.txt").write_bytes("coração".encode("latin-1") * 9)
    (here / "latin1.txt").write_bytes(b"a\xe7\xe3o " * 99)
    (here / "short.txt").write_text("Era uma vez.")
    save_file({"x": torch.zeros(2)}, here / "foreign.safetensors")
    before = files_of(here)
    typed = type_in(line)
    assert typed.code == 2
    assert typed.out == ""
    assert typed.err.startswith("minigpt: ") and "Traceback" not in typed.err
    assert typed.err.count("\n") == 1 and len(typed.err) < 300
    for part in BAD[line]:
        assert part in typed.err
    assert files_of(here) == before and not (here / "checkpoints").exists()


def test_a_folder_that_is_closed_is_refused_before_any_work(here, type_in, monkeypatch):
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    typed = type_in(f"{RUN} --out closed/run")
    assert typed.code == 2 and "closed to you" in typed.err
    assert not (here / "closed").exists()


def test_an_unexpected_failure_is_exit_1_and_still_a_sentence(
    here, type_in, monkeypatch
):
    def fail(*args: object) -> None:
        raise RuntimeError("out of memory\nand many more lines")

    monkeypatch.setattr(train_command, "new_run", fail)
    typed = type_in(RUN)
    assert (typed.code, typed.err) == (1, "minigpt: failed: out of memory\n")
    monkeypatch.setenv("MINIGPT_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        type_in(RUN)


# --- train ----------------------------------------------------------------------------

EVALUATION = re.compile(
    r"step +(\d+)/6  train ([\d.]+)  held out ([\d.]+) nats = ([\d.]+) bits/byte "
    r"\(uniform 8.00, unigram ([\d.]+), bigram ([\d.]+), trigram ([\d.]+)\)"
)


def test_train_says_what_it_does_and_writes_three_files(here, type_in, text):
    typed = type_in(RUN)
    assert typed.code == 0
    for part in [
        "my: ",
        "bpe, 300 tokens",
        "1 blocks, 16 wide",
        "on ",
        "checkpoints/my",
    ]:
        assert part in typed.out
    assert "means little" in typed.err  # 20 KB
    lines = EVALUATION.findall(typed.out)
    assert [int(line[0]) for line in lines] == [3, 6]
    train_text, val_text = split(text)
    for order in (1, 2, 3):
        expected = ngram_bits_per_byte(train_text, val_text, order)
        assert float(lines[0][3 + order]) == pytest.approx(expected, abs=0.005)
    names = ["best.safetensors", "last.safetensors", "run.jsonl"]
    assert sorted(os.listdir(here / "checkpoints/my")) == names
    assert "bigram line" in typed.out
    assert "minigpt generate --checkpoint checkpoints/my/best.safetensors" in typed.out


def test_the_bits_per_byte_are_those_of_the_saved_model(trained: Path, text: str):
    """Loaded afresh and judged by another function on the held-out text as bytes."""
    best = load_checkpoint(trained / "checkpoints/my/best.safetensors", "cpu")
    held_out = split(text)[1]
    end = best.tokenizer.special["<|eos|>"]
    ids = [end, *best.tokenizer.encode(held_out, allow_special=True)]
    report = evaluate_loss(best.model, ids, n_bytes=len(held_out.encode()))
    meta = best.info.meta
    assert meta["val_bits_per_byte"] == pytest.approx(report.bits_per_byte, abs=1e-5)
    assert meta["val_loss"] == pytest.approx(report.nats_per_token, abs=1e-5)


def test_the_held_out_text_is_not_learned_from(trained: Path, text: str):
    last = load_checkpoint(trained / "checkpoints/my/last.safetensors", "cpu")
    end = last.tokenizer.special["<|eos|>"]
    ids = [end, *last.tokenizer.encode(split(text)[0], allow_special=True)]
    batches = TokenBatches(ids, 32, 4, seed=0)
    assert last.info.meta["data"] == batches.describe()  # sizes, seed and checksum


def test_the_best_is_kept_when_it_gets_worse(here, type_in, monkeypatch):
    losses = iter([3.0, 2.0, 4.0])
    monkeypatch.setattr(Trainer, "evaluate", lambda self: next(losses))
    typed = type_in(f"{BRIEF} --eval-every 1")
    best = load_checkpoint("checkpoints/my/best.safetensors", "cpu").info.meta
    assert (best["step"], best["val_loss"]) == (2, 2.0)
    assert header("checkpoints/my/last.safetensors")["val_loss"] == 4.0
    assert f"best held-out loss, {best['val_bits_per_byte']:.3f} bits" in typed.out


def test_the_log_has_every_step(trained: Path):
    steps = list(replay(trained / "checkpoints/my/run.jsonl"))
    assert [step["step"] for step in steps] == [1, 2, 3, 4, 5, 6]
    judged = [step["step"] for step in steps if step["val_loss"] is not None]
    assert judged == [3, 6]


def test_a_minute_of_training_is_under_the_bigram_line(here, type_in):
    """The shipped corpus; the promise is made for a larger model and 300 steps."""
    typed = type_in("train --data pt_br --preset tiny --steps 60 --eval-every 60")
    assert typed.code == 0
    assert "is under the bigram line" in typed.out
    meta = json.loads(type_in("list --json").out)[0]
    lines = load_checkpoint(meta["path"], "cpu").info.meta["ngram_bits_per_byte"]
    assert meta["val_bits_per_byte"] < lines["bigram"]


def test_a_model_above_the_line_is_not_praised(here, type_in):
    typed = type_in(f"{RUN} --lr 1e-9")
    assert "is not under the bigram line" in typed.out


def header(path: str) -> dict:
    info = load_checkpoint(path, "cpu").info
    return {**info.config.to_dict(), **info.meta, **info.meta["train"]}


# each flag, and how its effect is seen
EFFECT: dict[str, tuple[str, Callable[[dict], object]]] = {
    "data": ("--data my.txt", lambda h: h["corpus"] == "my"),
    "tokenizer": ("--tokenizer byte", lambda h: h["vocab_size"] == 260),
    "vocab_size": ("--vocab-size 290", lambda h: h["vocab_size"] == 290),
    "preset": ("--preset classic --n-kv-head 2", lambda h: h["norm"] == "layer"),
    "block_size": ("--block-size 24", lambda h: h["block_size"] == 24),
    "n_layer": ("--n-layer 2", lambda h: h["n_layer"] == 2),
    "n_head": ("--n-head 4 --n-kv-head 1", lambda h: h["n_head"] == 4),
    "n_kv_head": ("--n-kv-head 2", lambda h: h["n_kv_head"] == 2),
    "n_embd": ("--n-embd 24", lambda h: h["n_embd"] == 24),
    "dropout": ("--dropout 0.25", lambda h: h["dropout"] == 0.25),
    "steps": ("--steps 2", lambda h: h["step"] == 2),
    "batch_size": ("--batch-size 3", lambda h: h["data"]["batch_size"] == 3),
    "accumulate": ("--accumulate 2", lambda h: h["accumulate"] == 2),
    "lr": ("--lr 0.01", lambda h: h["lr"] == 0.01),
    "seed": ("--seed 5", lambda h: (h["seed"], h["data"]["seed"]) == (5, 5)),
    "device": ("--device cpu", lambda h: h["device"] == "cpu"),
    "eval_every": ("--eval-every 2", lambda h: h["eval_every"] == 2),
    "save_every": ("--save-every 1", lambda h: h["step"] == 3),
    "out": ("--out there", lambda h: Path("there/run.jsonl").is_file()),
    "overwrite": ("--overwrite", lambda h: h["step"] == 3),
}
BRIEF = f"train --data my.txt --steps 3 {TINY} --n-head 2 --n-kv-head 1"


@pytest.mark.parametrize("name", EFFECT)
def test_each_flag_of_train_has_its_effect(name: str, here: Path, type_in):
    flags, seen = EFFECT[name]
    typed = type_in(f"{BRIEF} {flags}")
    assert typed.code == 0, typed.err
    folder = "there" if name == "out" else "checkpoints/my"
    assert seen(header(f"{folder}/last.safetensors"))


def test_the_table_of_flags_is_complete():
    assert {field.name for field in fields(TrainOptions)} == {*EFFECT, "resume"}


def test_the_seed_decides_the_weights(here: Path, type_in):
    def weights(flags: str) -> dict[str, torch.Tensor]:
        assert type_in(f"{BRIEF} --overwrite {flags}").code == 0
        model = load_checkpoint("checkpoints/my/last.safetensors", "cpu").model
        return {name: w.clone() for name, w in model.state_dict().items()}

    first, again, other = weights("--seed 1"), weights("--seed 1"), weights("--seed 2")
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["norm_final.weight"], other["norm_final.weight"])


@pytest.mark.parametrize("kind", ["char", "word", "byte", "shipped"])
def test_other_tokenizers_train_and_talk(kind: str, here: Path, type_in):
    typed = type_in(f"{BRIEF} --tokenizer {kind}")
    assert typed.code == 0
    # a new text has new words, but neither new bytes nor, here, new letters
    missing = "cannot be compared" in typed.out and "unknown to it" in typed.out
    assert missing == (kind == "word")
    stored = [
        row["val_bits_per_byte"] for row in json.loads(type_in("list --json").out)
    ]
    assert (stored == [None, None]) == ("bits/byte" not in typed.out) == missing
    spoken = type_in("generate --prompt 'Era uma' --max-tokens 5 --seed 1")
    assert spoken.code == 0 and spoken.out.startswith("Era uma")


def test_a_small_text_gets_a_small_window(here: Path, type_in, text: str):
    (here / "small.txt").write_text(text[:400], encoding="utf-8")
    typed = type_in("train --data small.txt --preset tiny --steps 2 --vocab-size 260")
    assert typed.code == 0
    assert header("checkpoints/small/last.safetensors")["block_size"] == 32
    assert "means little" in typed.out and "means little" in typed.err


def test_a_run_is_not_overwritten_unless_asked(here, type_in, monkeypatch):
    assert type_in(f"{BRIEF} --eval-every 1").code == 0
    before = files_of(here)
    typed = type_in(BRIEF)
    assert typed.code == 2 and files_of(here) == before
    for way_out in ["--resume", "--out", "--overwrite"]:
        assert way_out in typed.err
    # a worse run leaves nothing of the better one behind
    assert type_in(f"{BRIEF} --overwrite --lr 1e-9 --steps 1").code == 0
    assert header("checkpoints/my/last.safetensors")["step"] == 1
    best = load_checkpoint("checkpoints/my/best.safetensors", "cpu").info
    assert best.meta["step"] == 1
    assert len(list(replay("checkpoints/my/run.jsonl"))) == 1
    # not even if the new run never gets as far as a held-out loss
    crash_after(1, monkeypatch)
    assert type_in(f"{BRIEF} --overwrite").code == 1
    assert [found["step"] for found in json.loads(type_in("list --json").out)] == [0]


NO_MEMORY = [
    MemoryError(),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tri"),
    torch.OutOfMemoryError("CUDA out of memory."),
]


@pytest.mark.parametrize("error", NO_MEMORY, ids=lambda error: type(error).__name__)
def test_too_little_memory_is_told_before_anything_is_lost(
    error, here, type_in, monkeypatch
):
    def fail(*args: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(GPT, "loss", fail)
        typed = type_in(BRIEF)
        assert typed.code == 2 and typed.err.count("\n") == 1
        assert not (here / "checkpoints").exists()
    assert type_in(BRIEF).code == 0
    before = files_of(here)
    monkeypatch.setattr(GPT, "loss", fail)
    for flags in ("--overwrite", "--resume --steps 9"):
        typed = type_in(f"{BRIEF} {flags}")
        assert typed.code == 2 and typed.out == ""
        for part in ("too little memory", "--batch-size 4", "--block-size 32"):
            assert part in typed.err
        assert files_of(here) == before


def test_the_rehearsal_leaves_no_trace(here, type_in, monkeypatch):
    assert type_in(f"{LONG} --out rehearsed").code == 0
    monkeypatch.setattr(train_command, "rehearse", lambda trainer: None)
    assert type_in(f"{LONG} --out plain").code == 0
    first, second = (
        weights_of(f"{name}/last.safetensors") for name in ("rehearsed", "plain")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_rehearsal_changes_nothing():
    batches = TokenBatches(list(range(50)), 8, 2)
    model = GPT(GPTConfig.preset("tiny", vocab_size=50, block_size=8, dropout=0.5))
    trainer = Trainer(model, batches, None, TrainConfig(steps=2, device="cpu"))
    weights = {name: w.clone() for name, w in model.state_dict().items()}
    random = torch.get_rng_state()
    rehearse(trainer)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(weights[n], w) for n, w in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert not trainer.optimizer.state and trainer.step == 0


def test_a_training_that_diverges_fails_and_keeps_the_checkpoint(here, type_in):
    typed = type_in(f"{RUN} --lr 1e30 --steps 60 --save-every 1")
    assert typed.code == 1
    assert "step" in typed.err and "last.safetensors" in typed.err
    assert type_in("list").code == 0
    assert header("checkpoints/my/last.safetensors")["step"] >= 0


# --- stopping and going on ------------------------------------------------------------

LONG = f"train --data my.txt --steps 12 --eval-every 4 --dropout 0.2 {TINY}"


def crash_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loop break between a step and whatever should follow it."""
    original = train_command.EducationalLogger.watch

    def watch(self, records):
        for record in original(self, records):
            if record.step == step:
                raise RuntimeError("the power is gone")
            yield record

    monkeypatch.setattr(train_command.EducationalLogger, "watch", watch)


def weights_of(path: str) -> dict[str, torch.Tensor]:
    return load_checkpoint(path, "cpu").model.state_dict()


def test_a_run_that_crashed_goes_on_to_the_same_end(here, type_in, monkeypatch):
    assert type_in(f"{LONG} --out whole").code == 0
    with monkeypatch.context() as patch:
        crash_after(7, patch)
        typed = type_in(f"{LONG} --out broken")
    assert (typed.code, typed.err[-26:]) == (1, "failed: the power is gone\n")
    assert header("broken/last.safetensors")["step"] == 4
    assert len(list(replay("broken/run.jsonl"))) == 7
    typed = type_in("train --resume broken/last.safetensors")
    assert typed.code == 0 and "going on after step 4" in typed.out
    for name in ("last.safetensors", "best.safetensors"):
        whole, resumed = weights_of(f"whole/{name}"), weights_of(f"broken/{name}")
        assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    curves = []
    for run in ("whole", "broken"):
        steps = list(replay(f"{run}/run.jsonl"))
        curves.append([(s["step"], s["loss"], s["val_loss"]) for s in steps])
    assert curves[0] == curves[1] and len(curves[0]) == 12


def test_resume_by_data_by_folder_and_for_longer(here, type_in):
    assert type_in(RUN).code == 0
    for flags in ("", "--steps 6"):
        typed = type_in(f"train --data my.txt --resume {flags}")
        assert typed.code == 0 and "has already made 6 steps" in typed.out
    typed = type_in("train --out checkpoints/my --resume --steps 9")
    assert typed.code == 0 and "going on after step 6" in typed.out
    typed = type_in("train --resume --data my.txt --steps 10 --eval-every 5")
    assert typed.code == 0 and "going on after step 9" in typed.out
    assert header("checkpoints/my/last.safetensors")["step"] == 10


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ("--lr 0.5", "--lr 0.5 would make this another run"),
        ("--seed 3", "--seed 3 would"),
        ("--batch-size 9", "--batch-size 9 would"),
        ("--n-layer 5", "--n-layer 5 would"),
        ("--tokenizer char", "--tokenizer char would"),
        ("--preset reader", "--preset reader would"),
        ("--steps 2", "--steps 2: this run has already made 6 steps; give more"),
        ("--data other.txt", "not the text this run began with"),
        ("--out elsewhere", "in its own folder"),
    ],
)
def test_a_resumed_run_stays_the_same_run(flags, says, at_trained, type_in):
    other = at_trained / "other.txt"
    other.write_text("Outro texto. " * 900, encoding="utf-8")
    before = files_of(at_trained)
    line = f"train --resume checkpoints/my/last.safetensors --steps 9 {flags}"
    typed = type_in(line)
    assert typed.code == 2 and says in typed.err
    assert files_of(at_trained) == before
    other.unlink()


def test_what_was_said_before_may_be_said_again(here, type_in):
    assert type_in(RUN).code == 0
    typed = type_in(f"{RUN.replace('--steps 6', '--steps 8')} --resume")
    assert typed.code == 0, typed.err


def test_the_best_model_alone_cannot_be_resumed(at_trained, type_in):
    typed = type_in("train --resume checkpoints/my/best.safetensors --steps 9")
    assert typed.code == 2 and "not the state of its training" in typed.err


def stop_at(
    step: int, number: int, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Send this process a signal right after the held-out loss of a step."""
    original = train_command.evaluation_line

    def line(run, record):
        if record.step == step:
            for _ in range(times):
                os.kill(os.getpid(), number)
        return original(run, record)

    monkeypatch.setattr(train_command, "evaluation_line", line)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_stopped_run_saves_first(name, here, type_in, monkeypatch):
    number = getattr(signal, name)
    handler = signal.getsignal(number)
    with monkeypatch.context() as patch:
        stop_at(5, number, patch, times=1)
        typed = type_in(f"{LONG} --eval-every 5 --save-every 100")
    assert typed.code == 130
    assert "stopped after step 5 of 12, and saved" in typed.out
    assert signal.getsignal(number) == handler
    assert header("checkpoints/my/last.safetensors")["step"] == 5
    command = typed.out.split("go on with:  minigpt ")[1]
    typed = type_in(command)
    assert typed.code == 0 and "going on after step 5" in typed.out


def test_a_signal_that_is_ignored_stays_ignored(here, type_in, monkeypatch):
    """As after nohup: the run outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop_at(5, signal.SIGHUP, monkeypatch, times=2)
        typed = type_in(f"{LONG} --eval-every 5")
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert typed.code == 0
    assert header("checkpoints/my/last.safetensors")["step"] == 12


def test_the_second_signal_stops_at_once(here, type_in, monkeypatch):
    stop_at(5, signal.SIGINT, monkeypatch, times=2)
    typed = type_in(f"{LONG} --eval-every 5 --save-every 100")
    assert (typed.code, typed.err.strip().split("\n")[-1]) == (130, "minigpt: stopped")
    assert header("checkpoints/my/last.safetensors")["step"] == 0


def start_training(folder: Path) -> subprocess.Popen[str]:
    """Another process, which saves after every second of its 900 steps."""
    line = f"train --data my.txt --steps 900 --eval-every 2 {TINY}"
    return subprocess.Popen(
        [sys.executable, "-m", "minigpt_edu", *shlex.split(line)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def wait_for_step(process: subprocess.Popen[str], step: int) -> None:
    """Read its lines, which are not held back although they go to a pipe."""
    assert process.stdout is not None and process.stderr is not None
    for line in process.stdout:
        if (found := re.match(r"step +(\d+)/", line)) and int(found[1]) >= step:
            return
    raise AssertionError(process.stderr.read())


def test_killed_at_any_moment_nothing_is_lost(here: Path, type_in, some_of):
    """Killed, listed, used, resumed: all but the steps since the last save is there."""
    for delay in some_of([i / 200 for i in range(20)]):
        process = start_training(here)
        wait_for_step(process, 4)
        time.sleep(delay)
        process.kill()
        process.communicate()
        listed = json.loads(type_in("list --json").out)
        assert [row["error"] for row in listed] == [None, None]
        step = header("checkpoints/my/last.safetensors")["step"]
        assert step >= 2 and step % 2 == 0
        assert type_in("generate --prompt Era --max-tokens 3").code == 0
        goal = max(step + 1, 91)  # after the warm-up of 90 steps
        typed = type_in(f"train --data my.txt --resume --steps {goal} --eval-every 50")
        assert typed.code == 0 and f"going on after step {step}" in typed.out
        logged = [record["step"] for record in replay("checkpoints/my/run.jsonl")]
        assert logged == list(range(1, goal + 1))
        names = sorted(path.name for path in Path("checkpoints/my").iterdir())
        assert names == ["best.safetensors", "last.safetensors", "run.jsonl"]
        shutil.rmtree("checkpoints")


def test_control_c_saves_and_says_how_to_go_on(here: Path, type_in):
    process = start_training(here)
    wait_for_step(process, 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "finishing this step, then saving" in err and "Traceback" not in err
    step = header("checkpoints/my/last.safetensors")["step"]
    assert f"stopped after step {step} of 900" in out
    command = out.split("go on with:  minigpt ")[1]
    typed = type_in(f"{command} --steps {max(step + 1, 91)} --eval-every 50")
    assert typed.code == 0 and f"going on after step {step}" in typed.out


# --- generate -------------------------------------------------------------------------


def test_generate_continues_the_prompt_and_repeats_with_a_seed(at_trained, type_in):
    line = "generate --prompt 'Era uma vez' --max-tokens 12"
    typed = type_in(f"{line} --seed 7")
    assert typed.code == 0
    assert typed.out.startswith("Era uma vez") and len(typed.out) > 14
    assert "best.safetensors, step 6" in typed.err
    for part in ["temperature 0.8", "top-k 50", "seed 7"]:
        assert part in typed.err
    assert type_in(f"{line} --seed 7").out == typed.out
    assert type_in(f"{line} --seed 8").out != typed.out
    greedy = [type_in(f"{line} --temperature 0 --seed {seed}") for seed in range(3)]
    assert len({typed.out for typed in greedy}) == 1
    assert "; always the likeliest token]" in greedy[0].err


def test_the_seed_it_took_can_be_given_back(at_trained, type_in):
    typed = type_in("generate -p Era -m 12")
    seed = re.search(r"seed (\d+)\]", typed.err)[1]
    assert type_in(f"generate -p Era -m 12 --seed {seed}").out == typed.out


def test_top_k_of_one_is_greedy_and_each_knob_is_named(at_trained, type_in):
    line = "generate -p 'Era uma vez' -m 12"
    assert (
        type_in(f"{line} --top-k 1 --seed 3").out
        == type_in(f"{line} --temperature 0").out
    )
    knobs = (
        "--top-k 0 --top-p 0.9 --min-p 0.02 --repetition-penalty 1.3 --temperature 2"
    )
    typed = type_in(f"{line} {knobs} --device cpu")
    assert typed.code == 0
    for rule in ["top-p 0.9", "min-p 0.02", "penalty 1.3", "temperature 2"]:
        assert rule in typed.err
    assert "top-k" not in typed.err


def test_show_tokens_has_a_line_for_each(at_trained, type_in):
    line = "generate -p Era -m 6 --seed 1"
    typed = type_in(f"{line} --show-tokens")
    shown = r' *\d+ (".*") +[\d.]+%   of: (?:".*" [\d.]+%  ){2}".*" [\d.]+%\n'
    about = re.match(f"({shown})+", typed.out)
    assert about
    assert typed.out[about.end() :] == type_in(line).out
    spelled = [json.loads(m[1]) for m in re.finditer(shown, about[0])]
    assert len(spelled) == 6 or spelled[-1] == "<|eos|>"
    text = "Era" + "".join(spelled).removesuffix("<|eos|>")
    assert typed.out.endswith(text + "\n")


def test_the_end_of_the_context_is_told(at_trained, type_in):
    typed = type_in("generate -p Era -m 500 --temperature 0")
    assert typed.code == 0
    assert "the model reads at most 32 tokens" in typed.err


def test_a_prompt_longer_than_the_context_is_refused(at_trained, type_in):
    typed = type_in(f"generate --prompt '{'palavra ' * 200}'")
    assert typed.code == 2 and typed.out == ""
    assert re.search(r"prompt has \d+ tokens.*room for 32", typed.err)
    assert len(typed.err) < 300


def test_the_default_is_the_best_of_all_runs(here, trained, type_in):
    good = trained / "checkpoints/my/best.safetensors"
    model = load_checkpoint(good, "cpu")
    bits = model.info.meta["val_bits_per_byte"]
    for name, value in {"a": bits + 1, "b": bits, "c": bits + 0.5}.items():
        save_checkpoint(
            here / f"checkpoints/{name}.safetensors",
            model.model,
            tokenizer=model.tokenizer,
            val_loss=bits - value,  # losses per token would choose another one
            val_bits_per_byte=value,
        )
    assert "checkpoints/b.safetensors" in type_in("generate -p Era -m 1").err
    assert (
        "c.safetensors"
        in type_in("generate -p Era -m 1 -c checkpoints/c.safetensors").err
    )
    assert "b.safetensors" in type_in("generate -p Era -m 1 -c checkpoints").err


def save_judged(path: Path, like: Path, **meta: Any) -> None:
    model = load_checkpoint(like / "checkpoints/my/best.safetensors", "cpu")
    save_checkpoint(path, model.model, tokenizer=model.tokenizer, **meta)


def test_the_best_is_chosen_within_the_text_trained_on_last(here, trained, type_in):
    files = {  # name: (text, day, bits)
        "old": ("one", 1, 1.0),
        "good": ("two", 2, 3.0),
        "new": ("two", 3, 4.0),
    }
    for name, (text, day, bits) in files.items():
        save_judged(
            here / f"checkpoints/{name}.safetensors",
            trained,
            corpus_sha256=text,
            created=f"2026-01-0{day}T00:00:00+00:00",
            val_loss=bits,
            val_bits_per_byte=bits,
        )
    assert "/good.safetensors" in type_in("generate -p Era -m 1").err
    typed = type_in("list")
    starred = re.findall(r"^\* .*/(\w+)\.safe", typed.out, re.M)
    assert starred == ["good", "old"] and "the best of its text" in typed.out


@pytest.mark.parametrize("loss", ["low", None, True, 10**400, [1]])
def test_a_loss_that_is_no_number_is_never_the_best(loss, here, trained, type_in):
    odd, good = here / "checkpoints/odd.safetensors", here / "checkpoints/b.safetensors"
    save_judged(odd, trained, val_loss=loss, val_bits_per_byte=loss, train_loss=loss)
    assert "no trained model" in type_in("generate -p Era -m 1").err
    assert type_in(f"generate -p Era -m 1 -c {odd}").code == 0
    save_judged(good, trained, val_loss=9.0, val_bits_per_byte=loss)
    typed = type_in("generate -p Era -m 1")
    assert typed.code == 0 and "/b.safetensors" in typed.err
    typed = type_in("list")
    assert typed.code == 0 and re.search(r"^\* .*/b\.safe", typed.out, re.M)
    assert [row["best"] for row in json.loads(type_in("list --json").out)] == [
        True,
        False,
    ]


def test_a_checkpoint_without_a_tokenizer_cannot_read(here, type_in):
    model = GPT(GPTConfig.preset("tiny", vocab_size=50))
    save_checkpoint(here / "mute.safetensors", model)
    typed = type_in("generate -c mute.safetensors -p Era")
    assert typed.code == 2 and "holds no tokenizer" in typed.err


def test_letters_the_model_has_never_seen_are_told(here, type_in):
    assert type_in(f"{BRIEF} --tokenizer char").code == 0
    typed = type_in("generate -p 'Era 日本' -m 2")
    assert typed.code == 0 and "2 of 6 tokens of the prompt are unknown" in typed.err


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_checkpoint_is_refused(seed: int, here, trained, type_in):
    """Bits flipped in the header and in the weights; the end cut off."""
    good = (trained / "checkpoints/my/best.safetensors").read_bytes()
    random = torch.Generator().manual_seed(seed)
    where = int(torch.randint(len(good), (1,), generator=random))
    if seed % 3 == 0:
        where %= 2000  # in the header
    damaged = bytearray(good)
    damaged[where] ^= 1 << (seed % 8)
    if seed % 3 == 2:
        damaged = damaged[: where + 1]
    Path("damaged.safetensors").write_bytes(damaged)
    typed = type_in("generate -c damaged.safetensors -p Era")
    assert typed.code == 2 and typed.out == ""
    assert "damaged.safetensors" in typed.err and "Traceback" not in typed.err
    assert type_in("list --dir .").code == 0


def test_a_reader_that_leaves_early_is_no_error(at_trained):
    python = shlex.quote(sys.executable)
    line = f"{python} -m minigpt_edu generate -p Era -m 20 | head -c 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, b"E")
    assert b"Broken" not in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize("line", ["--help", "train --help", "list --dir ."])
def test_help_and_list_to_a_closed_pipe(line: str, at_trained):
    done = to_a_closed_pipe(line)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("both", ["", "2>&1"])
def test_training_goes_on_when_its_reader_leaves(both: str, here: Path):
    done = to_a_closed_pipe(RUN, both)
    assert done.returncode == 0 and "Broken" not in done.stderr
    assert header("checkpoints/my/last.safetensors")["step"] == 6
    assert len(list(replay("checkpoints/my/run.jsonl"))) == 6


def to_a_closed_pipe(line: str, both: str = "") -> subprocess.CompletedProcess[str]:
    python = shlex.quote(sys.executable)
    piped = f"{python} -m minigpt_edu {line} {both} | true"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", piped],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=60,
    )


def test_an_output_that_lacks_letters_gets_question_marks(at_trained, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert main(["generate", "--prompt", "coração", "--max-tokens", "2"]) == 0
    assert raw.getvalue().startswith(b"cora??o")


# --- list -----------------------------------------------------------------------------


def test_list_as_json(at_trained, type_in):
    rows = json.loads(type_in("list --json").out)
    assert [Path(row["path"]).name for row in rows] == [
        "best.safetensors",
        "last.safetensors",
    ]
    best = rows[0]
    assert best["step"] == 6 and best["best"] and not rows[1]["best"]
    assert best["size_bytes"] == Path(best["path"]).stat().st_size
    assert best["description"] == "my, bpe 300, tiny"
    for name in ("val_loss", "train_loss", "val_bits_per_byte"):
        assert 0 < best[name] < 8
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*", best["created"])


def test_list_marks_the_best_and_names_the_broken(here, trained, type_in):
    folder = here / "runs"
    folder.mkdir()
    good = (trained / "checkpoints/my/best.safetensors").read_bytes()
    (folder / "a.safetensors").write_bytes(good)
    (folder / "b.safetensors").write_bytes(good[:999])
    (folder / "c.safetensors").write_bytes(b"")
    save_file({"x": torch.zeros(2)}, folder / "d.safetensors")
    typed = type_in("list --dir runs")
    assert typed.code == 0
    marks = {m[2]: m[1] for m in re.finditer(r"^(.) .*/([a-d])\.safe", typed.out, re.M)}
    assert marks == {"a": "*", "b": " ", "c": " ", "d": " "}
    assert typed.out.count("unreadable: ") == 3
    rows = json.loads(type_in("list --dir runs --json").out)
    assert [row["error"] is None for row in rows] == [True, False, False, False]
    assert [row["step"] for row in rows] == [6, None, None, None]


def test_nothing_to_list_says_how_to_begin(here, type_in):
    typed = type_in("list")
    assert typed.code == 0 and "minigpt train --data pt_br --steps 300" in typed.out
    assert json.loads(type_in("list --json").out) == []


# --- how it looks ---------------------------------------------------------------------


def test_no_colours_and_no_bar_in_a_pipe(here, type_in):
    for line in [BRIEF, "list", "generate -p Era -m 2", "train --help", "generate -x"]:
        typed = type_in(line)
        assert "\x1b" not in typed.out + typed.err and "\r" not in typed.out


def test_a_terminal_gets_a_bar(here, type_in, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    typed = type_in(BRIEF)
    assert typed.code == 0 and "\x1b[" in typed.out and "tokens/s" in typed.out


# --- the folder of a run --------------------------------------------------------------


def test_the_log_is_rewound_to_the_checkpoint(tmp_path: Path):
    folder = RunFolder(tmp_path)
    folder.rewind_log(3)  # nothing there: nothing to do
    lines = [f'{{"kind": "StepRecord", "step": {i}}}\n' for i in range(1, 6)]
    folder.log.write_text("".join(lines) + '{"kind": "Step')
    (tmp_path / ".last.safetensors.123.partial").write_bytes(b"half")
    folder.rewind_log(3)
    assert folder.log.read_text() == "".join(lines[:3])
    assert [path.name for path in tmp_path.iterdir()] == ["run.jsonl"]

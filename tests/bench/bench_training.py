"""Our training step against the same model in plain PyTorch, in one run on one machine.

    python tests/bench/bench_training.py --quick

Whole steps are timed: drawing the batch, forward, backward, clipping, AdamW. The
runners take turns, so that a slow minute of the machine is shared by all; the first
steps of each are not counted; the median is reported with the middle half of the times
around it. The reference is what a tutorial does; its other rows differ in one thing, so
that a gain can be traced to its cause, and each precision is compared with its like.

Work is counted, not measured: 6 floating-point operations per token and weight that
multiplies (2 forward, 4 backward), and 6 L T C per token for causal attention, where a
query sees T/2 keys on average. Embedding look-ups, norms and activations count as
nothing. The ceiling is the best float32 matrix product timed beside it.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))  # this folder is no package

from reference_gpt import ReferenceGPT, reference_loop

from minigpt_edu.device import pick_device
from minigpt_edu.model import GPT, GPTConfig
from minigpt_edu.training import TokenBatches, TrainConfig, Trainer

__all__ = ["main"]


@dataclass(frozen=True)
class Shape:
    """A model and a batch."""

    name: str
    n_embd: int
    n_layer: int
    n_head: int
    block_size: int
    batch_size: int
    vocab_size: int = 65

    @property
    def model(self) -> dict[str, int]:
        names = ("vocab_size", "block_size", "n_layer", "n_head", "n_embd")
        return {name: getattr(self, name) for name in names}

    @property
    def tokens(self) -> int:
        return self.block_size * self.batch_size


SHAPES = (
    Shape("128 wide", 128, 4, 8, 64, 32),
    Shape("192 wide", 192, 6, 6, 256, 16),
)

REFERENCES = {  # fused AdamW, precision of the products
    "reference": (False, torch.float32),
    "reference, fused AdamW": (True, torch.float32),
    "reference, bfloat16": (False, torch.bfloat16),
}
PRESETS = {"gpt2": GPTConfig.gpt2, "modern": GPTConfig.modern}

Step = Callable[[], object]


def flops_per_step(shape: Shape, multiplying: int) -> int:
    """Forward and backward of one step, by the formula above."""
    attention = 6 * shape.n_layer * shape.block_size * shape.n_embd
    return shape.tokens * (6 * multiplying + attention)


def multiplying_weights(model: torch.nn.Module) -> int:
    """Weights that take part in a matrix product; a tied embedding is the head."""
    position = ("position_embedding.weight", "wpe.weight")
    return sum(
        p.numel()
        for name, p in model.named_parameters()
        if p.dim() == 2 and name not in position
    )


def difference(shape: Shape) -> float:
    """How far our loss is from the reference's with the reference's weights.

    The comparison is fair only if both compute the same thing.
    """
    torch.manual_seed(0)
    reference, ours = ReferenceGPT(**shape.model), GPT(GPTConfig.gpt2(**shape.model))
    words = {
        "wte": "token_embedding", "wpe": "position_embedding", "ln_f": "norm_final",
        "ln_1": "norm1", "ln_2": "norm2", "proj": "out", "mlp.0": "mlp.up",
        "mlp.2": "mlp.down",
    }  # fmt: skip
    weights = {}
    for name, value in reference.state_dict().items():
        for theirs, our_word in words.items():
            name = name.replace(theirs, our_word)
        parts = ("query", "key", "value") if "qkv" in name else ("qkv",)
        for part, piece in zip(parts, value.chunk(len(parts)), strict=True):
            weights[name.replace("qkv", part)] = piece
    ours.load_state_dict(weights)
    ids = torch.randint(shape.vocab_size, (4, shape.block_size + 1))
    inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
    with torch.no_grad():
        return abs(float(reference(inputs, targets) - ours.loss(inputs, targets)))


def runners(shape: Shape, device: torch.device) -> dict[str, tuple[Step, int]]:
    """The steps to compare, each with the operations it makes."""
    random = torch.Generator().manual_seed(0)
    ids = torch.randint(shape.vocab_size, (200_000,), generator=random)
    made: dict[str, tuple[Step, int]] = {}
    for name, (fused, dtype) in REFERENCES.items():
        torch.manual_seed(0)
        model = ReferenceGPT(**shape.model).to(device)
        step = reference_loop(
            model,
            ids,
            block_size=shape.block_size,
            batch_size=shape.batch_size,
            fused=fused,
            dtype=dtype,
        )
        made[name] = step, flops_per_step(shape, multiplying_weights(model))
    for preset, dtype in product(PRESETS, ("float32", "bfloat16")):
        torch.manual_seed(0)
        model = GPT(PRESETS[preset](**shape.model))
        data = TokenBatches(ids, shape.block_size, shape.batch_size)
        config = TrainConfig(steps=10**9, lr=1e-3, device=str(device), dtype=dtype)
        steps = Trainer(model, data, None, config).steps()
        work = flops_per_step(shape, multiplying_weights(model))
        name = f"ours, {preset}" + (", bfloat16" if dtype == "bfloat16" else "")
        made[name] = steps.__next__, work
    return made


def ceilings(shape: Shape, device: torch.device) -> dict[str, Step]:
    """Plain matrix products: the model's own shapes, and a large square one."""
    C, rows = shape.n_embd, shape.tokens

    def multiply(m: int, k: int, n: int) -> Step:
        a, b = torch.randn(m, k, device=device), torch.randn(k, n, device=device)
        out = torch.empty(m, n, device=device)
        return lambda: torch.mm(a, b, out=out)

    sizes = ((rows, C, 4 * C), (rows, 4 * C, C), (1024, 1024, 1024))
    return {f"{m} x {k} x {n}": multiply(m, k, n) for m, k, n in sizes}


def timed(step: Step, calls: int, device: torch.device) -> float:
    """Seconds of one call, averaged over ``calls`` of them."""
    started = perf_counter()
    for _ in range(calls):
        step()
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return (perf_counter() - started) / calls


def quartiles(seconds: list[float]) -> tuple[float, float, float]:
    low, middle, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return low, middle, high


def take_turns(
    steps: dict[str, Step], *, rounds: int, calls: int, device: torch.device
) -> dict[str, list[float]]:
    """Time all steps ``rounds`` times, one after the other, after a warm-up of each."""
    for step in steps.values():
        timed(step, 2, device)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(timed(step, calls, device))
    return times


def bench_shape(
    shape: Shape, *, rounds: int, calls: int, device: torch.device
) -> dict[str, Any]:
    apart = difference(shape)
    if apart > 1e-5:
        raise AssertionError(f"not the same model: the losses differ by {apart}")
    made = runners(shape, device)
    products = ceilings(shape, device)
    steps = {name: step for name, (step, _) in made.items()}
    times = take_turns({**steps, **products}, rounds=rounds, calls=calls, device=device)
    best, ceiling = "", 0.0
    for name in products:
        m, k, n = map(int, name.split(" x "))
        rate = 2 * m * k * n / statistics.median(times[name])
        best, ceiling = max((best, ceiling), (name, rate), key=lambda pair: pair[1])
    base = statistics.median(times["reference"])
    rows = {}
    for name, (_, work) in made.items():
        low, middle, high = quartiles(times[name])
        rows[name] = {
            "ms_per_step": 1e3 * middle,
            "ms_quartiles": [1e3 * low, 1e3 * high],
            "tokens_per_second": shape.tokens / middle,
            "gflop_per_step": work / 1e9,
            "gflops": work / middle / 1e9,
            "share_of_ceiling": work / middle / ceiling,
            "times_reference": base / middle,
        }
    return {
        "shape": {**shape.model, "batch_size": shape.batch_size},
        "losses_differ_by": apart,
        "ceiling_gflops": ceiling / 1e9,
        "ceiling_product": best,
        "runs": rows,
    }


def table(name: str, result: dict[str, Any]) -> str:
    lines = [
        f"{name}: {result['shape']}",
        f"  same weights, same loss: they differ by {result['losses_differ_by']:.1e}",
        f"  ceiling {result['ceiling_gflops']:.1f} GFLOP/s "
        f"(matrix product {result['ceiling_product']})",
        f"  {'':24}{'ms/step':>9}{'middle half':>18}{'tokens/s':>11}"
        f"{'GFLOP/s':>9}{'of ceiling':>12}{'x reference':>13}",
    ]
    for run, row in result["runs"].items():
        low, high = row["ms_quartiles"]
        lines.append(
            f"  {run:24}{row['ms_per_step']:9.1f}{f'{low:.1f} ... {high:.1f}':>18}"
            f"{row['tokens_per_second']:11,.0f}{row['gflops']:9.1f}"
            f"{row['share_of_ceiling']:12.0%}{row['times_reference']:13.2f}"
        )
    return "\n".join(lines)


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def main(argv: list[str] | None = None) -> dict[str, Any]:
    """Print the comparison and return its numbers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under two minutes")
    parser.add_argument("--rounds", type=int, help="turns of each runner")
    parser.add_argument(
        "--threads", type=int, help="CPU threads; torch's choice if out"
    )
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(argv)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = pick_device(options.device)
    rounds = options.rounds or (5 if options.quick else 25)
    machine = {
        "device": str(device),
        "threads": torch.get_num_threads(),
        "processor": processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "rounds": rounds,
    }
    print("  ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    results = {}
    for shape in SHAPES:
        calls = 3 if shape.tokens < 4096 else 1
        result = bench_shape(shape, rounds=rounds, calls=calls, device=device)
        results[shape.name] = result
        print("\n" + table(shape.name, result), flush=True)
    return {"machine": machine, "training": results}


if __name__ == "__main__":
    main()

"""``minigpt train``: runs the steps, says what they mean, and saves so that a process
killed at any moment loses only the steps since its last checkpoint.

    run_train(TrainOptions(data="pt_br", steps=300))
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from ..checkpoint import save_checkpoint
from ..log import EducationalLogger
from ..training.trainer import DivergedError, StepRecord
from .interrupt import StopSignal
from .options import TrainOptions
from .outlet import Outlet
from .prepare import Run, new_run, resumed_run
from .rehearsal import enough_memory, rehearse
from .story import evaluation_line, introduction, verdict

__all__ = ["run_train"]

Say = Callable[[str], None]


def run_train(options: TrainOptions) -> int:
    """The command; returns its exit code. Raises ValueError before anything is written
    if the options, the text or the folder will not do."""
    going_on = options.resume is not None
    with enough_memory(options):
        run = resumed_run(options) if going_on else new_run(options)
        if run.trainer.step < run.trainer.config.steps:
            rehearse(run.trainer)
    console = _introduce(run)
    if run.trainer.step >= run.trainer.config.steps:
        console.print(
            f"nothing to do: this run has already made {run.trainer.step} steps; give "
            "more with --steps to go on"
        )
        return 0
    if going_on:
        run.folder.rewind_log(run.trainer.step)
    else:
        run.folder.begin()
        _save_last(run)  # a run can go on from its very first moment
    with StopSignal() as stop, _progress(console, run) as advance:
        try:
            finished = _train(run, stop, advance, console.print)
        except DivergedError as error:
            return _diverged(run, error)
    return _end(run, console.print) if finished else _stopped(run, console.print)


def _introduce(run: Run) -> Console:
    """Say what is about to happen; return where to say the rest."""
    for note in run.corpus.notes:
        _complain(typer.style(f"note: {note}", fg="yellow"))
    output = cast(TextIO, Outlet(sys.stdout))
    console = Console(file=output, highlight=False, soft_wrap=True, markup=False)
    for line in introduction(run):
        console.print(line)
    return console


def _complain(text: str) -> None:
    typer.echo(text, file=cast(TextIO, Outlet(sys.stderr)))


def _train(
    run: Run, stop: StopSignal, advance: Callable[[StepRecord], None], say: Say
) -> bool:
    """All steps, watched and saved; False if somebody asked to stop before the end."""
    trainer = run.trainer
    logger = EducationalLogger(level=0, path=run.folder.log)
    for record in logger.watch(trainer.steps()):
        advance(record)
        if record.best:
            _save_best(run, record)
        if record.val_loss is not None:
            say(evaluation_line(run, record))
        done = record.step == trainer.config.steps
        if done or stop.asked or record.step % run.save_every == 0:
            _save_last(run)
        if stop.asked and not done:
            return False
    return True


@contextmanager
def _progress(console: Console, run: Run) -> Iterator[Callable[[StepRecord], None]]:
    """A bar on a terminal, nothing in a pipe."""
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        "{task.fields[now]}",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    total, done = run.trainer.config.steps, run.trainer.step
    with bar:
        task = bar.add_task("", total=total, completed=done, now="")

        def advance(record: StepRecord) -> None:
            now = f"loss {record.loss:.2f}, {record.tokens_per_second:,.0f} tokens/s"
            bar.update(task, completed=record.step, now=now)

        yield advance


def _save_last(run: Run) -> None:
    last = run.trainer.last
    val_loss = None if last is None else last.val_loss
    bits = None if val_loss is None else run.bits(val_loss)
    run.trainer.save(
        run.folder.last, tokenizer=run.tokenizer, val_bits_per_byte=bits, **run.meta
    )


def _save_best(run: Run, record: StepRecord) -> None:
    """Weights alone: a third of the size, for use and for sharing."""
    assert record.val_loss is not None
    save_checkpoint(
        run.folder.best,
        run.trainer.model,
        tokenizer=run.tokenizer,
        step=record.step,
        train_loss=record.loss,
        val_loss=record.val_loss,
        val_bits_per_byte=run.bits(record.val_loss),
        **run.meta,
    )


def _end(run: Run, say: Say) -> int:
    say(verdict(run))
    say(f"try it:  minigpt generate --checkpoint {_quoted(run.folder.best)}")
    return 0


def _stopped(run: Run, say: Say) -> int:
    trainer = run.trainer
    say(f"stopped after step {trainer.step} of {trainer.config.steps}, and saved")
    say(f"go on with:  minigpt train --resume {_quoted(run.folder.last)}")
    return 130


def _diverged(run: Run, error: DivergedError) -> int:
    _complain(f"minigpt: {error}")
    _complain(f"the last checkpoint is {run.folder.last}")
    return 1


def _quoted(path: object) -> str:
    return shlex.quote(str(path))

"""``minigpt``: reads the command line, calls the command, turns errors into sentences.

It decides nothing about models. Exit codes: 0 done, 1 failed, 2 wrong use or bad input,
130 stopped by Ctrl-C. Results go to the output, complaints to the error stream, one
sentence each and never a traceback (``MINIGPT_TRACEBACK=1`` shows it, for developers).

    main(["train", "--data", "pt_br", "--steps", "300"])      # returns the exit code
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from .. import __version__
from .options import FIRST_COMMAND, GenerateOptions, ListOptions, TrainOptions
from .outlet import discard

__all__ = ["app", "main"]

DONE, FAILED, WRONG, STOPPED = 0, 1, 2, 130
BAD_PATH = {
    errno.ENOENT,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
}

app = typer.Typer(
    name="minigpt",
    help="A small GPT to train, read and talk to.",
    epilog=f"First:  {FIRST_COMMAND}\n\nThen:  minigpt generate -p 'Era uma vez'",
    add_completion=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"minigpt {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="The version."
        ),
    ] = False,
) -> None:
    pass


def _command(name: str, options: type, *examples: str) -> None:
    """Let a record of options be a command: its fields are the flags."""
    help = " ".join((options.__doc__ or "").split())
    epilog = "\n\n".join(["Examples:", *examples])
    app.command(name, help=help, epilog=epilog)(options)


_command(
    "train",
    TrainOptions,
    FIRST_COMMAND,
    "minigpt train --data my.txt --tokenizer char --preset tiny",
    "minigpt train --data pt_br --resume --steps 1000",
)
_command(
    "generate",
    GenerateOptions,
    "minigpt generate --prompt 'Era uma vez' --seed 7",
    "minigpt generate -p 'Era uma vez' --temperature 0 --show-tokens",
)
_command("list", ListOptions, "minigpt list", "minigpt list --dir runs --json")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (the process's own by default); return its exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    for output in (sys.stdout, sys.stderr):  # a terminal without some letters gets "?"
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="replace")
    try:
        asked = get_command(app).main(
            _spell_resume(args) or ["--help"],
            prog_name="minigpt",
            standalone_mode=False,
        )
        return asked if isinstance(asked, int) else _do(asked)
    except (BrokenPipeError, SystemExit):  # whoever read our output has seen enough
        discard(sys.stdout)  # (rich makes the first of the two the second)
        return DONE
    except KeyboardInterrupt:
        return _complain("stopped", STOPPED)
    except Exception as error:
        if os.environ.get("MINIGPT_TRACEBACK"):
            raise
        return _complain(*_sentence(error))


def _do(options: object) -> int:
    """Call the command, which is imported only now: torch takes a second or two.

    Threads that wait for each other by spinning are fine on an idle machine and a
    disaster on a busy one: 40 steps took 106 s beside other work, and 12 s when the
    threads slept instead. OpenMP reads this wish once, when torch is loaded.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if isinstance(options, TrainOptions):
        from .train import run_train

        return run_train(options)
    if isinstance(options, GenerateOptions):
        from .generate import run_generate

        return run_generate(options)
    if isinstance(options, ListOptions):
        from .listing import run_list

        return run_list(options)
    return DONE


def _spell_resume(args: list[str]) -> list[str]:
    """``--resume`` may stand alone; typer's options cannot: give it an empty value."""
    spelled = []
    for i, arg in enumerate(args):
        alone = i + 1 == len(args) or args[i + 1].startswith("-")
        spelled.append("--resume=" if arg == "--resume" and alone else arg)
    return spelled


def _sentence(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit code it means."""
    if isinstance(error, TyperException):
        return _usage(error), WRONG
    if isinstance(error, ValueError):
        return str(error), WRONG
    if isinstance(error, OSError) and error.errno in BAD_PATH:
        name = str(error.filename)
        if len(name) > 100:
            name = f"{name[:60]}... ({len(name)} letters)"
        return f"{name}: {error.strerror}", WRONG
    said = str(error).strip().split("\n")[0]
    return f"failed: {said or type(error).__name__}", FAILED


def _usage(error: Any) -> str:
    """A misuse of the flags, with the nearest right one and where to read more."""
    context = getattr(error, "ctx", None)
    more = f"see {context.command_path if context else 'minigpt'} --help"
    if near := getattr(error, "possibilities", None):
        return f"no option {error.option_name}; did you mean {near[0]}? ({more})"
    said = error.format_message().replace("Value error, ", "").rstrip(".")
    return f"{said} ({more})"


def _complain(sentence: str, code: int) -> int:
    typer.echo(f"{typer.style('minigpt:', fg='red', bold=True)} {sentence}", err=True)
    return code

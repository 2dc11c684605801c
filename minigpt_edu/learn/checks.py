"""Compare a reader's function with the right one, and say what is wrong with it.

`check` calls the function with fresh random inputs of several shapes. An answer that
equals a known wrong variant is named; any other is described by its first difference.
It never raises, and leaves the global random generators as they were.

    check("attention.causal", my_causal)    # the last line of a cell shows the report
    variants("attention.causal")            # the known mistakes, by name
    check_names("attention")                # what can be checked

Diagnosing by known mistakes: Brown and Burton, "Diagnostic Models for Procedural Bugs
in Basic Mathematical Skills" (1978)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigpt_edu.spelling import did_you_mean

from .calling import Outcome, call
from .catalogue import Check, Draw, Inputs, Variant, describe, find, names
from .comparing import difference, same
from .report import Report

__all__ = ["check", "check_names", "variants"]


def check(name: str, fn: Callable[..., Any], *, seed: int = 0) -> Report:
    """Judge `fn` as an answer to the check `name`; another `seed` draws other
    inputs."""
    spec = find(name) if isinstance(name, str) else None
    if spec is None:
        near = did_you_mean(str(name), names())
        return Report(str(name), "unknown", f"There is no check of this name: {near}")
    if not callable(fn):
        kind = type(fn).__name__
        text = f"The second argument is a value of type {kind}, not a function."
        thing = spec.name.rsplit(".", 1)[-1]
        return Report(name, "type", text, f"Write check({name!r}, {thing}), uncalled.")
    cases = spec.cases(Draw(seed))
    outcomes = [call(fn, case) for case in cases]
    if any(outcome.still_to_do for outcome in outcomes):
        return Report(name, "still to do", spec.task)
    wants = [call(spec.reference, case) for case in cases]
    wrongs = [
        i for i, case in enumerate(cases) if _wrong(spec, case, outcomes[i], wants[i])
    ]
    if not wrongs:
        return _passed(spec, cases, outcomes)
    unsteady = _unsteady(spec, fn, cases, outcomes, wants, wrongs)
    if unsteady is not None:
        return unsteady
    known = [variant for variant in spec.variants if not variant.random]
    for counted in (False, True):  # first the whole answer, then the part that counts
        for variant in known:
            if _is_variant(spec, variant, cases, outcomes, wants, counted=counted):
                return _recognised(spec, variant, cases, wants)
    return _described(spec, cases, outcomes, wants, wrongs)


def check_names(chapter: str | None = None) -> list[str]:
    """What can be checked, in the order of the course; of one chapter if named."""
    return names(chapter)


def variants(name: str) -> dict[str, Variant]:
    """The known mistakes of a check, by name, with their code in `.fn`.

    Raises ValueError for an unknown name.
    """
    spec = find(name)
    if spec is None:
        raise ValueError(f"there is no check {name!r}: {did_you_mean(name, names())}")
    return {variant.name: variant for variant in spec.variants}


def _wrong(spec: Check, case: Inputs, got: Outcome, want: Outcome) -> bool:
    if got.failed:
        return True
    answers = (spec.counted(case, outcome.value) for outcome in (got, want))
    return difference(*answers) is not None


def _is_variant(
    spec: Check,
    variant: Variant,
    cases: list[Inputs],
    outcomes: list[Outcome],
    wants: list[Outcome],
    *,
    counted: bool,
) -> bool:
    """Whether the answers are this variant's wherever there are answers."""
    told_apart = False
    for case, got, want in zip(cases, outcomes, wants, strict=True):
        wrong = call(variant.fn, case)
        if got.failed:
            continue
        if wrong.failed or not _alike(spec, case, got.value, wrong.value, counted):
            return False
        told_apart |= _wrong(spec, case, got, want)
    return told_apart


def _alike(spec: Check, case: Inputs, got: Any, other: Any, counted: bool) -> bool:
    if not counted:
        return same(got, other)
    return same(spec.counted(case, got), spec.counted(case, other))


def _passed(spec: Check, cases: list[Inputs], outcomes: list[Outcome]) -> Report:
    changed = next((outcome.changed for outcome in outcomes if outcome.changed), ())
    if changed:
        inputs = " and ".join(f"`{name}`" for name in changed)
        text = f"The answers are right, but the function changes its input {inputs}."
        advice = "Whoever called it still needs that: work on a copy, x.clone()."
        return Report(spec.name, "changed", text, advice)
    text = f"Equal to the reference on {len(cases)} random inputs"
    known = len(spec.variants)
    end = f", and unlike all {known} known mistakes." if known else "."
    return Report(spec.name, "passed", text + end)


def _unsteady(
    spec: Check,
    fn: Callable[..., Any],
    cases: list[Inputs],
    outcomes: list[Outcome],
    wants: list[Outcome],
    wrongs: list[int],
) -> Report | None:
    """What to say of an answer that changes from call to call, or None."""
    first = next((i for i in wrongs if not outcomes[i].failed), None)
    if first is None:
        return None
    value = outcomes[first].value
    pair = (spec.counted(cases[first], x) for x in (value, wants[first].value))
    found = difference(*pair)
    if found is None or found.kind not in ("value", "nan"):
        return None  # of the wrong type or shape: that comes first
    if not same(call(fn, cases[first]).value, value):
        text = "Two calls with the same input and the same random numbers differ."
        where = "a variable outside the function, or memory that was never set"
        advice = f"Something lasts from call to call: {where} (torch.empty)."
        return Report(spec.name, "random", text, advice)
    others = (call(fn, cases[first], seed=seed).value for seed in (1, 2, 3))
    if spec.draws or all(same(other, value) for other in others):
        return None
    return _random(spec)


def _random(spec: Check) -> Report:
    known = next((variant for variant in spec.variants if variant.random), None)
    if known is not None:
        text = f'This is the known mistake "{known.name}".'
        return Report(spec.name, "variant", text, known.where, known.name)
    text = "Two calls with the same input gave two answers."
    return Report(spec.name, "random", text, "Something random is still on.")


def _recognised(
    spec: Check, variant: Variant, cases: list[Inputs], wants: list[Outcome]
) -> Report:
    text = f'This is the known mistake "{variant.name}"'
    if variant.evidence is not None:
        told = next(
            case
            for case, want in zip(cases, wants, strict=True)
            if _wrong(spec, case, call(variant.fn, case), want)
            and not call(variant.fn, case).failed
        )
        text += f": {variant.evidence(*told.values())}"
    return Report(spec.name, "variant", f"{text}.", variant.where, variant.name)


def _described(
    spec: Check,
    cases: list[Inputs],
    outcomes: list[Outcome],
    wants: list[Outcome],
    wrongs: list[int],
) -> Report:
    """An unknown mistake: the first difference, and where it is not."""
    first = wrongs[0]
    case, got, want = cases[first], outcomes[first], wants[first]
    on = f"With {describe(case)}, "
    right = [describe(case) for i, case in enumerate(cases) if i not in wrongs]
    also = f"It is right with {right[0]}." if right else ""
    if got.failed:
        advice = also or f"It is called as `{spec.call}`."
        return Report(spec.name, "error", f"{on}it stops: {got.explain()}.", advice)
    found = difference(spec.counted(case, got.value), spec.counted(case, want.value))
    if found is None:  # cannot be: the case was found to be wrong
        raise AssertionError(f"{spec.name}: case {first} is right")
    return Report(spec.name, found.kind, f"{on}{found.text}.", also)

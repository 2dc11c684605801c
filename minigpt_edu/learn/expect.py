"""Shapes that are checked instead of believed.

`expect` takes anything with a `.shape` (a tensor, an array) and refuses to know what
its numbers mean. It returns what it was given, so it can stand inside an expression.

    q = expect(q, "B H T D")                  # four axes, of any size
    scores = expect(q @ k.mT, "B H T T")      # a letter that comes back: the same size
    shapes = Shapes(B=2)                      # remembers sizes from call to call
    shapes(q, "B H T D"); shapes(k, "B K S D")

Letters as in the book's notation. The idea of shapes as part of what a function says:
Alexander Rush, "Named Tensor Notation" and the `jaxtyping` library.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any, TypeVar

__all__ = ["ShapeError", "Shapes", "expect"]

Array = TypeVar("Array")

_MANY_AXES = 5  # more axes than this are not searched for a way to reorder them


class ShapeError(ValueError):
    """A shape that is not the expected one: the axis, both numbers, and the way out."""


def expect(x: Array, axes: str, /, **sizes: int) -> Array:
    """Return `x` if it has these axes, else raise ShapeError.

    `axes` names them in order: letters or words (`"B T C"`), numbers (`"T 3"`), and at
    most one `...` for any number of axes. A name may have its size given (`T=5`); a
    name that stands twice must have one size.
    """
    return Shapes(**sizes)(x, axes)


class Shapes:
    """`expect` with a memory: a size seen once must be the same in every later call."""

    def __init__(self, **sizes: int) -> None:
        self.sizes: dict[str, int] = {}
        for name, size in sizes.items():
            if isinstance(size, bool) or not isinstance(size, int) or size < 0:
                raise ValueError(
                    f"{name}={size!r}: a size is a whole number, 0 or more"
                )
            self.sizes[name] = size

    def __call__(self, x: Array, axes: str, /) -> Array:
        """Return `x` if it fits `axes` and what was seen before; else ShapeError."""
        shape = _shape_of(x)
        names = _named(axes, shape)
        known = dict(self.sizes)
        for place, (name, size) in enumerate(zip(names, shape, strict=True)):
            wanted = int(name) if name.isdigit() else known.setdefault(name, size)
            if wanted != size and name != "...":
                raise ShapeError(_wrong_size(place, names, shape, wanted, self.sizes))
        known.pop("...", None)
        self.sizes = known
        return x

    def __getitem__(self, name: str) -> int:
        """The size of an axis that was seen."""
        if name not in self.sizes:
            raise KeyError(f"no axis {name!r} was seen; there are: {self!r}")
        return self.sizes[name]

    def __repr__(self) -> str:
        return f"Shapes({_sizes_text(self.sizes)})"

    def explain(self) -> str:
        """The sizes seen so far, in words."""
        return f"Seen so far: {_sizes_text(self.sizes) or 'no axis'}."


def _sizes_text(sizes: dict[str, int]) -> str:
    return ", ".join(f"{name}={size}" for name, size in sizes.items())


def _shape_of(x: Any) -> tuple[int, ...]:
    shape = getattr(x, "shape", None)
    if shape is None:
        raise ShapeError(
            f"a {type(x).__name__} has no shape: give a tensor or an array, "
            "for example torch.tensor(x)"
        )
    return tuple(int(size) for size in shape)


def _named(axes: str, shape: tuple[int, ...]) -> list[str]:
    """One name per axis of `shape`; axes covered by `...` keep that as their name."""
    names = axes.split()
    for name in names:
        if name != "..." and not name.isidentifier() and not name.isdigit():
            raise ValueError(f"{name!r} in {axes!r} is no name of an axis: write B T C")
    if names.count("...") > 1:
        raise ValueError(f"{axes!r} has more than one '...': keep one")
    if "..." in names:
        at = names.index("...")
        names[at : at + 1] = ["..."] * max(0, len(shape) - len(names) + 1)
    if len(names) != len(shape):
        raise ShapeError(
            f"{_axes(len(shape))} {shape}, but {axes!r} "
            f"{'asks for' if '...' not in axes else 'needs at least'} {len(names)}: "
            + _way_to(len(names), len(shape))
        )
    return names


def _axes(count: int) -> str:
    return f"{count} axis" if count == 1 else f"{count} axes"


def _way_to(wanted: int, there: int) -> str:
    if there < wanted:
        return "add one with x[None], or split one with x.unflatten(-1, (H, D))"
    return "select one with x[0], or join two with x.flatten(-2)"


def _wrong_size(
    place: int,
    names: Sequence[str],
    shape: tuple[int, ...],
    wanted: int,
    known: dict[str, int],
) -> str:
    seen = ", ".join(f"{n}={s}" for n, s in zip(names, shape, strict=True))
    name = names[place]
    what = f"axis {place} is {shape[place]}, but {wanted} is asked for"
    if not name.isdigit():
        what = f"axis {name} (number {place}) is {shape[place]}, but {name}={wanted}"
    return f"{what}: the shape is ({seen}). {_advice(names, shape, known)}"


def _advice(names: Sequence[str], shape: tuple[int, ...], known: dict[str, int]) -> str:
    """Whether another order of the axes would fit."""
    if len(shape) <= _MANY_AXES and "..." not in names:
        for order in permutations(range(len(shape))):
            if _fits(names, [shape[axis] for axis in order], known):
                moved = [i for i, axis in enumerate(order) if i != axis]
                if len(moved) == 2:
                    first, second = moved
                    return f"x.transpose({first}, {second}) would have this shape"
                return f"x.permute{order} would have this shape"
    return "Look at the line that made it: which axis went missing or was joined?"


def _fits(names: Sequence[str], shape: Sequence[int], known: dict[str, int]) -> bool:
    sizes = dict(known)
    return all(
        (int(name) if name.isdigit() else sizes.setdefault(name, size)) == size
        for name, size in zip(names, shape, strict=True)
    )

"""Looking inside a model, and changing what is there, without changing its code.

The model calls ``self.hook("q", q)`` where something worth seeing has just been made.
While nobody listens, that is one comparison with None. A :class:`Listener` keeps
values, replaces them, or both. Hooks never print, plot or log.

    logits, cache = model.run_with_cache(ids, keep="blocks.*.attn.pattern")
    cache["pattern", 0]                                      # (B, H, T, S)
    model.run_with_hooks(ids, {"blocks.1.attn.z": lambda z, name: 0 * z})

The idea, and most of the names, are those of TransformerLens (Nanda and Bloom 2022); a
call in the code, where it has a module per hook, keeps the cost of silence low.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from .config import GPTConfig
from .hook_table import HOOKS, hook_names

__all__ = [
    "HOOKS",
    "ActivationCache",
    "Edit",
    "Hooked",
    "HookedModel",
    "Listener",
    "hook_names",
]

Edit = Callable[[Tensor, str], Tensor | None]  # (value, name); None leaves it as it is


class Hooked(nn.Module):
    """A module whose inner values can be seen by name."""

    path = ""  # "blocks.0.attn.", given once by the model
    _listener: Listener | None = None  # free while nobody listens

    def hook(self, name: str, value: Tensor) -> Tensor:
        """Show ``value`` to the listener, who may return another in its place."""
        if self._listener is None:
            return value
        return self._listener(self.path + name, value)

    def wants(self, *names: str) -> bool:
        """Whether anybody listens to one of these: if not, it need not be computed."""
        listener = self._listener
        return listener is not None and any(
            listener.wants(self.path + name) for name in names
        )


def _select(pattern: str, names: Iterable[str]) -> list[str]:
    """The names a glob pattern means; ``head_out`` only when asked for by name."""
    found = [name for name in names if fnmatchcase(name, pattern)]
    if not pattern.endswith("head_out"):
        found = [name for name in found if not name.endswith("head_out")]
    if not found:
        everything = list(names)
        near = difflib.get_close_matches(pattern, everything, n=3, cutoff=0.3)
        raise ValueError(
            f"no hook matches {pattern!r}; the nearest are {near or everything[:3]}. "
            "model.hook_names() lists them all"
        )
    return found


class Listener:
    """What somebody wants from a forward pass: values to keep, edits to make.

    ``keep`` is a glob pattern or several; ``edits`` maps patterns to functions of
    ``(value, name)``. An edit must return the same shape and dtype, or None to leave
    the value alone. Edits happen first, so what is kept is what the model went on with.
    With ``grads=True`` kept values stay in the graph and their gradients are kept too.
    """

    def __init__(
        self,
        names: Iterable[str],
        *,
        keep: str | Iterable[str] = (),
        edits: Mapping[str, Edit] | None = None,
        grads: bool = False,
    ) -> None:
        names = list(names)
        patterns = (keep,) if isinstance(keep, str) else tuple(keep)
        self.kept_names = {name for p in patterns for name in _select(p, names)}
        self.edits: dict[str, list[Edit]] = {}
        for pattern, edit in (edits or {}).items():
            for name in _select(pattern, names):
                self.edits.setdefault(name, []).append(edit)
        self.grads = grads
        self.outer: Listener | None = None  # whoever was listening before
        self.values: dict[str, Tensor] = {}
        self.gradients: dict[str, Tensor] = {}

    def wants(self, name: str) -> bool:
        if name in self.kept_names or name in self.edits:
            return True
        return self.outer is not None and self.outer.wants(name)

    def __call__(self, name: str, value: Tensor) -> Tensor:
        for edit in self.edits.get(name, ()):
            value = self._edited(edit, name, value)
        if name in self.kept_names:
            self._keep(name, value)
        return value if self.outer is None else self.outer(name, value)

    def _edited(self, edit: Edit, name: str, value: Tensor) -> Tensor:
        new = edit(value, name)
        if new is None:
            return value
        if not isinstance(new, Tensor):
            raise ValueError(
                f"the edit of {name} returned {type(new).__name__}: return a tensor, "
                "or None to leave the value"
            )
        if new.shape != value.shape or new.dtype != value.dtype:
            raise ValueError(
                f"the edit of {name} returned {tuple(new.shape)} {new.dtype}; it must "
                f"keep {tuple(value.shape)} {value.dtype}"
            )
        return new

    def _keep(self, name: str, value: Tensor) -> None:
        if not self.grads:
            self.values[name] = value.detach().clone()
            return
        self.values[name] = value
        if value.requires_grad:
            value.register_hook(lambda g: self.gradients.__setitem__(name, g.detach()))


class ActivationCache(Mapping[str, Tensor]):
    """What one forward pass computed, by hook name, in the order it was computed.

    ``cache["blocks.0.attn.q"]`` and its shorthand ``cache["q", 0]`` are one tensor;
    negative layers count from the end. ``cache.grad`` holds gradients when they were
    asked for. The cache keeps no reference to the model.
    """

    def __init__(
        self, values: Mapping[str, Tensor], grad: Mapping[str, Tensor] | None = None
    ) -> None:
        self._values = values
        self.grad: Mapping[str, Tensor] = {} if grad is None else grad

    def __getitem__(self, key: str | tuple[str, int]) -> Tensor:
        name = key if isinstance(key, str) else self._full_name(*key)
        if name not in self._values:
            near = difflib.get_close_matches(name, self._values, n=3, cutoff=0.3)
            raise KeyError(f"{name!r} was not kept; the nearest are {near}")
        return self._values[name]

    def _full_name(self, short: str, layer: int) -> str:
        wanted = layer if layer >= 0 else self.n_layer + layer
        start, end = f"blocks.{wanted}.", f".{short}"
        found = [n for n in self._values if n.startswith(start) and n.endswith(end)]
        if len(found) != 1:
            problem = f"means all of {found}" if found else "was not kept"
            raise KeyError(f"{short!r} of layer {layer} {problem}: use the full name")
        return found[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def n_layer(self) -> int:
        """Layers seen: one more than the highest block number kept."""
        seen = [int(n.split(".")[1]) for n in self._values if n.startswith("blocks.")]
        return 1 + max(seen, default=-1)

    def stack(self, short: str) -> Tensor:
        """The same activation of every layer, (L, ...)."""
        return torch.stack([self[short, layer] for layer in range(self.n_layer)])

    @property
    def nbytes(self) -> int:
        return sum(value.nbytes for value in self._values.values())

    def explain(self) -> str:
        """One line per activation: name and shape."""
        width = max(map(len, self._values), default=0)
        return "\n".join(f"{n:{width}}  {tuple(v.shape)}" for n, v in self.items())


class HookedModel(Hooked):
    """A whole model whose parts can be listened to."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config

    def _name_hooks(self) -> None:
        """Tell every part its place, once all are there."""
        for name, module in self.named_modules():
            if isinstance(module, Hooked) and name:
                module.path = name + "."

    def hook_names(self) -> list[str]:
        """Everything there is to look at, in the order of computation."""
        return hook_names(self.config)

    @contextmanager
    def listening(
        self,
        *,
        keep: str | Iterable[str] = (),
        edits: Mapping[str, Edit] | None = None,
        grads: bool = False,
    ) -> Iterator[ActivationCache]:
        """Listen for the length of a ``with`` block; inner blocks are heard first."""
        listener = Listener(self.hook_names(), keep=keep, edits=edits, grads=grads)
        outer = listener.outer = self._listener
        hooked = [module for module in self.modules() if isinstance(module, Hooked)]
        try:
            for module in hooked:
                module._listener = listener
            yield ActivationCache(listener.values, listener.gradients)
        finally:
            for module in hooked:
                module._listener = outer

    def run_with_cache(
        self, ids: Tensor, keep: str | Iterable[str] = "*", *, grads: bool = False
    ) -> tuple[Tensor, ActivationCache]:
        """Logits, and every activation whose name matches ``keep``."""
        quiet = nullcontext() if grads else torch.no_grad()
        with quiet, self.listening(keep=keep, grads=grads) as cache:
            return self.forward(ids), cache

    def run_with_hooks(self, ids: Tensor, edits: Mapping[str, Edit]) -> Tensor:
        """Logits of a run in which each matching activation is edited on the way."""
        with torch.no_grad(), self.listening(edits=edits):
            return self.forward(ids)

"""From logits to one token: small rules that forbid tokens, then one draw.

A rule is a value: you can print it, compare it, chain it and plot what it does. None of
them knows the model or the text; all they see is one row of logits per sequence.

    sampler = Sampler.of(temperature=0.8, top_k=50, seed=7)
    ids = sampler(logits)                        # (B,), the same for the same seed
    for name, probs in sampler.stages(logits):   # what each rule leaves
        print(name, probs.max())

Shapes: B rows, V vocab_size, S ids seen so far.

Sources: top-k arXiv:1805.04833; top-p arXiv:1904.09751; min-p arXiv:2407.01082;
repetition penalty arXiv:1909.05858.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from .rng import Mulberry32, draw

__all__ = [
    "Greedy",
    "LogitsRule",
    "MinP",
    "RepetitionPenalty",
    "Sampler",
    "Temperature",
    "TopK",
    "TopP",
]


class LogitsRule(Protocol):
    """Changes logits (B, V); -inf forbids a token.

    ``seen`` (B, S) holds the ids before the one to choose, -1 where a row has fewer;
    it is ``None`` where nobody kept them. A rule that needs it says so with a class
    attribute ``looks_back = True``; for the others nobody has to keep it.
    """

    def __call__(self, logits: Tensor, seen: Tensor | None = None) -> Tensor:
        """Logits (B, V) in, logits (B, V) out; the input is left as it was."""
        ...

    def explain(self) -> str:
        """One plain sentence."""
        ...


@dataclass(frozen=True)
class Temperature:
    """Divides the logits: below 1 the rich get richer, above 1 all have a chance."""

    value: float

    def __post_init__(self) -> None:
        if not 0 < self.value < math.inf:
            raise ValueError(
                f"temperature={self.value} must be above 0; to take the best token "
                "each time use Greedy() or Sampler.of(temperature=0)"
            )

    def __call__(self, logits: Tensor, seen: Tensor | None = None) -> Tensor:
        """Softmax of the result is p ** (1 / value), made to add up to 1 again."""
        return logits / self.value

    def explain(self) -> str:
        """One plain sentence."""
        effect = "sharper" if self.value < 1 else "flatter"
        return f"logits divided by {self.value:g}: the distribution becomes {effect}"


@dataclass(frozen=True)
class TopK:
    """Keeps exactly the k best tokens; of equal ones the lower id (Fan et al. 2018,
    arXiv:1805.04833). A vocabulary smaller than k is kept whole."""

    k: int

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(
                f"top_k={self.k} must be at least 1; leave it out to keep every token"
            )

    def __call__(self, logits: Tensor, seen: Tensor | None = None) -> Tensor:
        """-inf for all but k tokens of each row."""
        if self.k >= logits.shape[-1]:
            return logits
        last = logits.topk(self.k, dim=-1).values[..., -1:]  # (B, 1), the worst kept
        better, equal = logits > last, logits == last  # (B, V)
        places = self.k - better.sum(dim=-1, keepdim=True)  # (B, 1), left for the equal
        keep = better | (equal & (equal.cumsum(dim=-1) <= places))
        return logits.masked_fill(~keep, -torch.inf)

    def explain(self) -> str:
        """One plain sentence."""
        return f"only the {self.k} likeliest tokens may be drawn"


class Greedy(TopK):
    """Keeps the best token alone; of equal ones the lower id. No chance is left."""

    def __init__(self) -> None:
        super().__init__(1)

    def __repr__(self) -> str:
        return "Greedy()"

    def explain(self) -> str:
        """One plain sentence."""
        return "always the likeliest token: no chance at all"


@dataclass(frozen=True)
class TopP:
    """Keeps the smallest set of tokens that together hold probability p (Holtzman et
    al. 2019, arXiv:1904.09751).

    The token that crosses p is in the set, so there is always one; of equal tokens the
    lower id comes first. The whole vocabulary is ranked: nothing is cut off before.
    """

    p: float

    def __post_init__(self) -> None:
        if not 0 < self.p <= 1:
            raise ValueError(
                f"top_p={self.p} must be above 0 and at most 1 (1 keeps every token)"
            )

    def __call__(self, logits: Tensor, seen: Tensor | None = None) -> Tensor:
        """-inf for the tail of each row."""
        if self.p == 1:  # a float32 sum may reach 1 before the last token does
            return logits
        ranked, at = logits.sort(dim=-1, descending=True, stable=True)  # (B, V)
        mass = ranked.softmax(dim=-1).cumsum(dim=-1)
        before = F.pad(mass[..., :-1], (1, 0))  # what the better tokens already hold
        ranked = ranked.masked_fill(before >= self.p, -torch.inf)
        return torch.empty_like(logits).scatter(-1, at, ranked)  # back in id order

    def explain(self) -> str:
        """One plain sentence."""
        return f"only the likeliest tokens that together hold {self.p:.0%} may be drawn"


@dataclass(frozen=True)
class MinP:
    """Keeps the tokens at least p times as likely as the best one (Nguyen et al. 2024,
    arXiv:2407.01082): strict when the model is sure, generous when it is not."""

    p: float

    def __post_init__(self) -> None:
        if not 0 < self.p <= 1:
            raise ValueError(
                f"min_p={self.p} must be above 0 and at most 1; leave it out to keep "
                "every token"
            )

    def __call__(self, logits: Tensor, seen: Tensor | None = None) -> Tensor:
        """-inf for tokens too far below the best: a ratio p is a distance of log p."""
        best = logits.amax(dim=-1, keepdim=True)  # (B, 1)
        return logits.masked_fill(logits < best + math.log(self.p), -torch.inf)

    def explain(self) -> str:
        """One plain sentence."""
        return (
            f"only tokens at least {self.p:g} times as likely as the best may be drawn"
        )


@dataclass(frozen=True)
class RepetitionPenalty:
    """Makes the tokens already seen less likely: positive logits are divided by the
    value, negative ones multiplied (Keskar et al. 2019, arXiv:1909.05858).

    A token seen ten times is penalized like one seen once. A value below 1 is a reward.
    Raises ``ValueError`` when ``seen`` is missing: it cannot work without.
    """

    value: float
    looks_back: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.value < math.inf:
            raise ValueError(
                f"repetition_penalty={self.value} must be above 0 (1 changes nothing)"
            )

    def __call__(self, logits: Tensor, seen: Tensor | None = None) -> Tensor:
        """The logits of the ids in ``seen`` moved down; -1 in ``seen`` is no id."""
        if seen is None:
            raise ValueError(
                "a repetition penalty needs the ids seen so far: call "
                "sampler(logits, seen) with seen of shape (B, S)"
            )
        nobody = logits.shape[-1]  # one column more, where the -1 of shorter rows go
        at = seen.masked_fill(seen < 0, nobody)
        was_seen = torch.zeros_like(F.pad(logits, (0, 1)), dtype=torch.bool)
        was_seen = was_seen.scatter(-1, at, True)[..., :nobody]  # (B, V)
        lower = torch.where(logits > 0, logits / self.value, logits * self.value)
        return torch.where(was_seen, lower, logits)

    def explain(self) -> str:
        """One plain sentence."""
        change = "less" if self.value > 1 else "more"
        return f"tokens already seen become {change} likely (penalty {self.value:g})"


class Sampler:
    """Applies the rules in order, then draws one token per row.

    A sampler is also a sequence of chances: each draw takes the next number of its
    generator, one per row. For the same tokens again make a new one with the same seed.
    """

    def __init__(
        self, rules: Sequence[LogitsRule] = (), *, seed: int | None = None
    ) -> None:
        self.rules = tuple(rules)
        self._random = Mulberry32(seed)

    @classmethod
    def of(
        cls,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        repetition_penalty: float | None = None,
        seed: int | None = None,
    ) -> Sampler:
        """The usual knobs, applied in this order: repetition penalty, temperature,
        top-k, top-p, min-p.

        Temperature 0 is greedy. Values that change nothing (temperature 1, top-p 1,
        min-p 0, penalty 1) add no rule; values that mean nothing raise ``ValueError``.
        """
        penalty = 1.0 if repetition_penalty is None else repetition_penalty
        rules: list[LogitsRule] = []
        if penalty != 1:
            rules.append(RepetitionPenalty(penalty))
        if temperature not in (0, 1):
            rules.append(Temperature(temperature))
        if top_k is not None:
            rules.append(TopK(top_k))
        if top_p not in (None, 1):
            rules.append(TopP(top_p))
        if min_p not in (None, 0):
            rules.append(MinP(min_p))
        if temperature == 0:  # the best token survives all of the others: they are idle
            rules = [rule for rule in rules if isinstance(rule, RepetitionPenalty)]
            rules.append(Greedy())
        return cls(rules, seed=seed)

    def __repr__(self) -> str:
        rules = ", ".join(map(repr, self.rules))
        return f"Sampler([{rules}], seed={self.seed})"

    @property
    def seed(self) -> int:
        """The seed of the draws; when none was given, the one that was taken."""
        return self._random.seed

    @property
    def greedy(self) -> bool:
        """Whether a rule leaves nothing to chance."""
        return any(isinstance(rule, Greedy) for rule in self.rules)

    @property
    def looks_back(self) -> bool:
        """Whether a rule needs the ids seen so far."""
        return any(getattr(rule, "looks_back", False) for rule in self.rules)

    def stages(
        self, logits: Tensor, seen: Tensor | None = None
    ) -> Iterator[tuple[str, Tensor]]:
        """``("model", probs)``, then each rule and the probabilities (B, V) it leaves:
        always of the same logits, so that the effect of one rule can be seen."""
        _check_shape(logits)
        yield "model", logits.softmax(dim=-1)
        for rule in self.rules:
            logits = rule(logits, seen)
            yield repr(rule), logits.softmax(dim=-1)

    def probs(self, logits: Tensor, seen: Tensor | None = None) -> Tensor:
        """What is drawn from: float32 probabilities (B, V) after all rules."""
        _check_shape(logits)
        logits = logits.float()
        for rule in self.rules:
            logits = rule(logits, seen)
        return logits.softmax(dim=-1)

    def __call__(self, logits: Tensor, seen: Tensor | None = None) -> Tensor:
        """Logits (B, V), and seen ids (B, S) if a rule looks back -> chosen ids (B,).

        Greedy takes no random number. Raises ``ValueError`` if the logits hold NaN or
        are not of shape (B, V).
        """
        _check_shape(logits)
        logits = logits.float()
        for rule in self.rules:
            if isinstance(rule, Greedy):
                return _best(logits)
            logits = rule(logits, seen)
        rows = logits.softmax(dim=-1).numpy(force=True)
        ids = [draw(row, self._random.uniform()) for row in rows]
        return torch.tensor(ids, device=logits.device)


def _check_shape(logits: Tensor) -> None:
    if logits.dim() != 2:
        raise ValueError(
            f"logits of shape {tuple(logits.shape)} are not (B, V), one row per text: "
            "give logits[None] for one row, logits[:, -1] for the last place of each"
        )


def _best(logits: Tensor) -> Tensor:
    """The best id of each row, of equal ones the lower: (B, V) -> (B,)."""
    best = logits.max(dim=-1)
    if not best.values.isfinite().all():
        raise ValueError(
            "the logits hold NaN or infinity (training diverged?), so use an earlier "
            "checkpoint"
        )
    return best.indices

"""The counts of a check: for each rule, how often it was applied, and its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

from slicegraph.certificate.budget import Budget


@dataclass(frozen=True, slots=True)
class Applied:
    """How often a rule is applied, and the steps of it."""

    entries: int
    steps: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What ``slicegraph-checker`` reads, and what it then proves.

    Attributes
    ----------
    problem, log
        Bytes, as ``rust/checker/src/problem.rs`` and ``log.rs`` say.
    threshold
        Ticks below which no partition has its bottleneck.
    """

    problem: bytes
    log: bytes
    threshold: int


@final
class Tally:
    """Counts what is proved again, by rule, and keeps the compiled proof of most.

    Attributes
    ----------
    best
        That proof; None: the compiled checker has proved no threshold.
    """

    def __init__(self) -> None:
        self._rules: dict[str, Applied] = {}
        self._reductions: list[Mapping[str, Any]] = []
        self.best: Proof | None = None

    @property
    def rules(self) -> dict[str, Applied]:
        """Each rule that is applied, the first first."""
        return dict(self._rules)

    def add(self, rule: str, entries: int, steps: int) -> None:
        """Count entries of a rule, and steps."""
        if not (entries or steps):
            return
        known = self._rules.get(rule, Applied(0, 0))
        self._rules[rule] = Applied(known.entries + entries, known.steps + steps)

    @contextmanager
    def counted(self, rule: str, entries: int, budget: Budget) -> Iterator[None]:
        """Count entries of a rule, and the steps that are used up inside; nothing where it is not proved."""
        before = budget.left
        yield
        # Without a limit, no steps are counted.
        self.add(rule, entries, int(before - budget.left) if budget.is_limited else 0)

    def keep(self, proof: Proof) -> None:
        """Keep a proof that says more than those before."""
        if self.best is None or proof.threshold > self.best.threshold:
            self.best = proof

    def is_new(self, reduction: Mapping[str, Any]) -> bool:
        """Whether the merges of a reduction were not counted before; several bounds may have the same."""
        is_new = reduction not in self._reductions
        if is_new:
            self._reductions.append(reduction)
        return is_new

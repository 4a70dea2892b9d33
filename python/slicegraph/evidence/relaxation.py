"""Relaxations: what adding up their rows proves, and what a solver says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A weighted sum of rows of the relaxation, in integers: the checker computes it again.

    Attributes
    ----------
    unit
        By what the rows without costs are multiplied, in ticks.
    rows
        ``(kind, *arguments, multiplier)``, sorted.
    lower_bound
        Ticks that the sum proves.
    """

    unit: int
    rows: tuple[tuple[str | int, ...], ...]
    lower_bound: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Testimony:
    """What a solver said.

    Attributes
    ----------
    status
        How it ended.
    dual_bound
        Its bound, in its own scale.
    lower_bound
        Ticks, rounded to the safe side.
    """

    status: str
    dual_bound: float
    lower_bound: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Relaxation:
    """One relaxation and what is known of its least bottleneck.

    Attributes
    ----------
    spans, demand
        Blocks per superblock, and which superblock must hold the mean work; see `slicegraph.bounds.model`.
    threshold
        Ticks: partitions of a larger bottleneck are left out.
    proof, solver
        What is known.
    kind
        Where stages are unlike, the kind of the block that must hold its part of the work, when it is any of that kind.
    """

    spans: tuple[int | None, ...]
    demand: int | None
    threshold: int | None
    proof: Proof | None
    solver: Testimony | None
    kind: int | None = None

    @property
    def proven(self) -> int:
        """Ticks that the proof gives."""
        return self.proof.lower_bound if self.proof else 0

    @property
    def lower_bound(self) -> int:
        """Ticks, the solver believed."""
        return max(self.proven, self.solver.lower_bound if self.solver else 0)

    @property
    def first_block(self) -> int | None:
        """The index of the block that must hold the mean work, when it is a certain one."""
        before = self.spans[: self.demand or 0]
        return None if self.demand is None or None in self.spans else sum(span or 0 for span in before)

    @property
    def bounds_all(self) -> bool:
        """Whether it bounds every partition, and not only those whose fullest block is a certain one or of a kind."""
        return self.first_block is None and self.kind is None


def combine(relaxations: Iterable[Relaxation], kind_of: Sequence[int], value: Callable[[Relaxation], int]) -> int:
    """Give the bound that relaxations prove together, in ticks.

    Some block is the fullest of a partition and holds at least the mean work. A relaxation that demands this of one
    certain block, or of a block of a certain kind, bounds only the partitions in which that is the fullest, so the
    least over all blocks counts; any other relaxation bounds every partition. ``kind_of`` has the kind of each block.
    """
    every, of_block = 0, [0] * len(kind_of)
    for relaxation in relaxations:
        ticks = value(relaxation)
        if relaxation.bounds_all:
            every = max(every, ticks)
            continue
        blocks = [block for block, kind in enumerate(kind_of) if kind == relaxation.kind]
        if relaxation.first_block is not None:
            blocks = [relaxation.first_block]
        for block in blocks:
            of_block[block] = max(of_block[block], ticks)
    return max(every, min(of_block))

"""What a bound rests on besides relaxations: merges, a search of downsets, an expensive node, a chain."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeLog:
    """Merges that keep a partition better than a threshold, if there is one; the rest of a bound is about the quotient.

    Attributes
    ----------
    threshold
        Ticks.
    merges
        ``(rule, node, node)`` in order; the rules are those of `slicegraph.certificate.reduction`.
    """

    threshold: int
    merges: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DownsetSearch:
    """The threshold DP over downsets: no partition has a bottleneck below the threshold.

    Attributes
    ----------
    threshold
        Ticks.
    downsets, transitions
        The work that it took: states and steps. It is in no certificate: how far a check goes is not for it to say.
    hints
        How it was closed, as sections of a log of the compiled checker; empty: not known.
    """

    threshold: int
    downsets: int
    transitions: int
    hints: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpensiveNode:
    """Every block that holds the node costs at least the lower bound, by a minimum cut.

    Attributes
    ----------
    node
        Its index.
    lower_bound
        Ticks.
    """

    node: int
    lower_bound: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """No partition has a bottleneck below the threshold, as its blocks together could not hold all work.

    A certificate names the threshold alone: the rest cannot be proved again.

    Attributes
    ----------
    threshold
        Ticks.
    reach
        Ticks of work that the first 1, 2, ... blocks hold at most when each costs less than the threshold.
    status
        How the solver ended.
    """

    threshold: int
    reach: tuple[int, ...]
    status: str

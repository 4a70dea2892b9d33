"""The numbers of the chain's policy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainParams:
    """How close the chain gets, and in how much time. None of them was measured by itself.

    Attributes
    ----------
    precision
        A part in so many of a threshold is left to the solver's tolerances.
    roughly, finely
        Parts of the best bottleneck: how close thresholds get, by linear relaxations and by whole models.
    share_of_relaxed, share_of_threshold
        Of the time left: for linear relaxations, of the first threshold and then of others, and for each threshold.
    close, very_close
        When this part of the first threshold is proven, whole models may do, and then all of it may be within reach.
    narrow
        When no more than this part of what the first blocks may hold is left open, likewise.
    share_of_last
        Likewise, for the last part that is too small for a proof.
    seconds_of_move, more
        For each move at first; those that take longer wait for the others, and then have so many times as much.
    worthwhile
        Another round when the last one has narrowed the bounds on the work to less than this.
    heuristic_effort, rough_gap
        Of the solver: how much it looks for solutions, and the gap at which a first look at a model ends, in parts of
        100 of about a block.
    """

    precision: int = 10**6
    roughly: int = 50
    finely: int = 10**5
    share_of_relaxed: float = 0.5
    share_of_threshold: float = 0.4
    close: float = 0.9
    very_close: float = 0.97
    narrow: float = 0.25
    share_of_last: float = 0.5
    seconds_of_move: float = 0.2
    more: int = 4
    worthwhile: float = 0.98
    heuristic_effort: float = 0.05
    rough_gap: float = 0.05

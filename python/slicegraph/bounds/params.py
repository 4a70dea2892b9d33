"""The tuned numbers of the bounds that the MIP solver takes part in, with what justifies each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainParams:
    """The precision of the chain, and its time. None of the numbers was measured by itself.

    Attributes
    ----------
    precision
        A threshold over this number is left to the solver's tolerances.
    roughly, finely
        The smallest step of thresholds as a part of the best bottleneck: by linear relaxations, and by whole models.
    share_of_relaxed, share_of_threshold
        Shares of the time left: for linear relaxations of the first threshold and of the others; for each threshold.
    close, very_close
        Parts of the first threshold: when this much is proven, whole models are solved, and then for all of the gap.
    narrow
        The same condition on the bounds: at most this part of the weight of the first blocks is open.
    share_of_last
        The share of the time left for the last gap, which is too small for the solver's tolerances.
    seconds_of_move, more
        Seconds for each move at first; moves that take longer wait for the others, and then have ``more`` times these.
    worthwhile
        Another round of moves when the last one has narrowed the bounds on weights to less than this part.
    heuristic_effort, rough_gap
        Options of HiGHS: the effort of its primal heuristics, and the gap at which the first solution of a model ends,
        in hundredths of about a block.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class PackingParams:
    """The numbers of column generation for packing weights. Record of 2026-12-01, packing; few were measured alone.

    Rounds *collect* blocks that weigh too much, which become rows of the linear program. When few are found, or after
    enough rounds, the search tries to *prove* that there are no others.

    Attributes
    ----------
    collecting_cases, proving_cases, growth, most_cases
        Cases of a seed in a collecting round, and in a proof: at first, the factor by which they grow while seeds stay
        open, and when they grow no more.
    margin
        A block is collected that weighs this part more than it should.
    collecting_rounds, more_rounds
        Rounds before the first proof is tried, and after a proof that has failed.
    collecting_heavy, proving_heavy
        A round, and a try of a proof, ends when so many seeds have a block that weighs too much. The second: record of
        2026-12-01, packing smoothing.
    first_seeds
        Seeds that are priced first, since they were heavy or open when they were priced the last time.
    orders
        Random orders, of which slices are the first blocks of a threshold.
    smoothing
        The weights of a round are this part of the way from those of the last round to the program's. Record of
        2026-12-01, packing smoothing.
    reserve, mixtures
        Weights are mixed with the costs of nodes: as much of the costs, in so many steps, as leaves this part of what
        the program's weights have beyond the number of blocks. Record of 2026-12-01, packing speed.
    max_iterations
        Of the simplex method, each time that the program gets rows: of 600 nodes it takes 990 at most. Record of
        2026-12-01, dense schedule.
    new_rows
        Blocks that weigh too much and become rows at a time, at most. Not measured.
    """

    collecting_cases: int = 4
    proving_cases: int = 24
    growth: int = 4
    most_cases: int = 2**16
    margin: float = 0.04
    collecting_rounds: int = 60
    more_rounds: int = 10
    collecting_heavy: int = 16
    proving_heavy: int = 16
    first_seeds: int = 40
    orders: int = 24
    smoothing: float = 0.15
    reserve: float = 0.5
    mixtures: int = 8
    max_iterations: int = 10_000
    new_rows: int = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class SolverParams:
    """How HiGHS is run. Not measured.

    Attributes
    ----------
    interior_from
        Rows from which the interior point method is faster; its multipliers need no vertex.
    few_superblocks
        With no more superblocks than these a model is not restarted: its root is most of the work, and a restart begins
        with another.
    """

    interior_from: int = 5_000
    few_superblocks: int = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class GuessParams:
    """How the time of `bottleneck_guess` is divided. Not measured.

    Attributes
    ----------
    share_of_any
        For the one model without a guess.
    share_of_demand
        Of the time then left, for the least ``D(b)``: it takes every block, the largest ``F(b)`` only one.
    """

    share_of_any: float = 0.3
    share_of_demand: float = 0.6


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitParams:
    """How the time limit of `lower_bound` is divided. Not measured.

    Attributes
    ----------
    evaluations, share_of_search
        Of the search for a partition where none is given, whichever ends it first: candidates, and a part of the limit.
    share_of_proof
        Of the time that is left, at least: for the proof of what the MIP solver says.
    """

    evaluations: int = 300
    share_of_search: float = 0.1
    share_of_proof: float = 0.25

"""The tuned numbers of `solve`, with what justifies each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleParams:
    """The tuned numbers of the schedule: which task runs when, and for how long.

    Attributes
    ----------
    first_rounds, head_start
        Rounds of search, or seconds, before anything is proven: proofs need a good partition. Not measured.
    first_seconds, growth
        Seconds of a worker's first turn, and the factor by which turns grow: work that each turn repeats from the start
        costs at most a third of all. Not measured.
    close
        Part of the best bottleneck that has to be proven before the exact model is begun while the chain goes on, and
        before a better partition ends a turn of the exact solver that has not swept yet. Record of 2026-11-29, "In the
        morning": a rule without it cost open cases .2 % of their bounds.
    hardly_better
        A partition that is better by less than the rest of this part does not begin the chain anew. Not measured.
    beaten_before_sweep, beaten_after_sweep
        A better partition ends the turn of the exact solver early if it closes more than the gap over this number.
        Record of 2026-11-29, "In the morning": rwkv, k = 4, seed 0, is proven in 2.5 s and was open.
    lead
        Seconds in which the exact solver continues without the chain after its sweep, unless there are too many
        frontiers for it. Not measured.
    dense
        Reads per node from which a graph is dense: if the exact solver's first turn does not decide it, there are too
        many downsets, and models do not wait for its sweep. Random graphs have 1.6 to 5.4; of 481 networks seven have
        more, which the first turn decides, and those that stay open have 1.67 at most. Record of 2026-12-01, REGAL.
    packed_blocks, packed_nodes
        The fewest blocks and the most nodes of instances for which packings are tried: the exact solver decides two
        blocks by bisection. Not measured.
    brief
        Nodes from which the exact solver has its first turn only if packings are tried. On one graph of 32 nodes it
        proves .997 of the bottleneck, and on those of 146 nothing beyond minimum cuts. Record of 2026-12-01, packing
        speed.
    brief_seconds
        Seconds of that turn. The networks that are so dense are solved at once, or within .2 s. Record of 2026-12-01,
        dense schedule.
    patience
        Seconds that a method has, when it is told to stop, to return its bound. Not measured.
    first_work, threshold_share
        Steps of the exact solver's first turn in a run by counted work, and the part of a turn that each threshold's
        first attempt may take. Not measured.
    share_of_chain
        Of the chain's turn, for the chain; the rest is for the proof of what it has found. Not measured.
    share_of_packing
        Of the chain's turn on a dense graph, for packings, at least, before that. Record of 2026-12-01, packing.
    candidate
        Steps of the exact solver that take as long as a candidate of the search. Not measured.
    first_steps, more_steps
        Steps of each threshold's first attempt. The first number is enough for most; the second one is for turns after
        the sweep, and for queries of the chain. Record of 2026-11-24, frontiers and steps.
    warm_steps
        In place of ``first_steps`` when the caller has given a partition: a threshold near the optimum takes more
        steps, and the sweep comes after it. Record of 2026-12-01, warm.
    """

    first_rounds: int = 1
    head_start: float = 1.0
    first_seconds: float = 1.0
    growth: float = 4.0
    close: float = 0.95
    hardly_better: float = 0.998
    beaten_before_sweep: int = 8
    beaten_after_sweep: int = 32
    lead: float = 8.0
    dense: float = 1.8
    packed_blocks: int = 3
    packed_nodes: int = 600
    brief: int = 64
    brief_seconds: float = 0.25
    patience: float = 0.5
    first_steps: int = 2**27
    warm_steps: int = 2**24
    more_steps: int = 2**29
    first_work: int = 2**28
    threshold_share: int = 4
    share_of_chain: float = 0.5
    share_of_packing: float = 0.8
    candidate: int = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class LadderParams:
    """The thresholds that packings try, and their work. Record of 2026-12-01, dense schedule.

    Attributes
    ----------
    first
        The first threshold as a part of the bottleneck, if the lower bound is less.
    step, limited_step
        A step is the gap over this number; the second one if a threshold is refuted.
    too_high
        A threshold is abandoned when, after a better partition, it is above the one that would begin now by more than
        the bottleneck over this number.
    least_work, more_work
        The work of a threshold: the least, and as a multiple of all work before. When it runs out, the step is halved.
    finely
        No threshold is tried when the gap is less than the bottleneck over this number.
    """

    first: float = 0.65
    step: int = 5
    limited_step: int = 2
    too_high: int = 32
    least_work: int = 2**26
    more_work: int = 4
    finely: int = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class TreesParams:
    """Which thresholds trees try, and for how long. Not measured.

    Attributes
    ----------
    share
        Of the time left, for each threshold.
    finely
        What is closer to a threshold that is proven than it is itself over this is not tried.
    """

    share: float = 0.5
    finely: int = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrangementParams:
    """How devices in any order are tried. Not measured.

    Attributes
    ----------
    most_tried, most_kept
        Where there are too many orders to solve all: so many are tried, and the best of those have runs of their own.
    quick_seconds, quick_work
        Of the exact solver's first turn on each order: seconds, or steps where work is counted.
    share
        Of the work that is left, for one round of runs on all orders that are open.
    """

    most_tried: int = 128
    most_kept: int = 8
    quick_seconds: float = 0.25
    quick_work: int = 2**26
    share: float = 0.5

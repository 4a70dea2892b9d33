"""What tuning a plan has found: rounds of predictions and measurements, and the plan that was measured best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slicegraph.graph import Graph
from slicegraph.plan import Plan
from slicegraph.result import Result


@dataclass(frozen=True, kw_only=True, slots=True)
class StageTime:
    """One stage of a round, in seconds.

    Attributes
    ----------
    predicted
        What the costs of the round said before it was measured.
    measured
        Of the processor: the lower quartile over its runs, with its copies.
    wall
        On the wall: the median.
    """

    predicted: float
    measured: float
    wall: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """A plan that was measured.

    Attributes
    ----------
    start
        ``"kernels"`` or ``"nodes"``: the profile whose work, corrected by the rounds before, gave the plan.
    predicted, measured
        Seconds of the most expensive stage, each by itself.
    seconds
        That the round took: to solve, split and measure.
    stages
        Those that are not empty, in order.
    """

    start: str
    predicted: float
    measured: float
    seconds: float
    stages: tuple[StageTime, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """A tuned plan.

    Attributes
    ----------
    rounds
        In order.
    best
        The index of the round with the least measured bottleneck; None: none was measured.
    result
        The plan of that round, with costs and bounds by the work that all rounds together have corrected.
    graph
        The graph with this work.
    first
        The plan that the profile of kernels gave before anything was measured, with its costs.
    is_interrupted
        Whether Ctrl-C ended it.
    """

    rounds: tuple[Round, ...]
    best: int | None
    result: Result
    graph: Graph
    first: Result
    is_interrupted: bool = False

    @property
    def plan(self) -> Plan:
        """The plan as the document that every verb takes."""
        return self.result.plan

    @property
    def document(self) -> dict[str, Any]:
        """What ``slicegraph tune --json`` prints."""
        rounds = [
            {
                "start": one.start,
                "predicted": one.predicted,
                "measured": one.measured,
                "seconds": one.seconds,
                "stages": [
                    {"predicted": stage.predicted, "measured": stage.measured, "wall": stage.wall}
                    for stage in one.stages
                ],
            }
            for one in self.rounds
        ]
        return {"rounds": rounds, "best": self.best, "interrupted": self.is_interrupted, "plan": self.plan.document}

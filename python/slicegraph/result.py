"""What a run gives: a partition, and how far from the best possible it can be."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slicegraph import checks
from slicegraph.block import BlockCost
from slicegraph.certificate.model import Certificate
from slicegraph.cost import Instance
from slicegraph.crossings import Crossings, CutTensor, Stage, cut_tensors, find_crossings, stages
from slicegraph.evidence.arrangement import ARRANGEMENTS, Arrangement
from slicegraph.evidence.bound import Bound
from slicegraph.feasibility import shortage
from slicegraph.history import Row, settled
from slicegraph.moves import Stay
from slicegraph.plan import Plan, make_plan
from slicegraph.stop import Stop, relative_gap

NEGLIGIBLE_GAP = 2e-6
"""A gap that is as good as none: measured costs are not known so precisely."""
_PARTS = ("work", "io_in", "io_out", "overflow", "cost")


class Status(StrEnum):
    """How a run ended."""

    OPTIMAL = "optimal"
    """The bottleneck equals the lower bound, in ticks: no partition is better."""
    WITHIN_GAP = "within_gap"
    """The gap that was asked for is proven, or one of 1e-6."""
    TIME_LIMIT = "time_limit"
    """The stop or the callback has ended the run: the time or the work that was allowed is used up."""
    SUBOPTIMAL = "suboptimal"
    """The optimum is known, and the partition is worse: one that was given, or that stays near a plan."""
    INFEASIBLE = "infeasible"
    """No partition fits the memory limit, which is proven."""
    INTERRUPTED = "interrupted"
    """Ctrl-C."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Believed:
    """A bound without evidence that can be checked: it enters no gap, status or certificate.

    Attributes
    ----------
    bound
        Seconds; infinite when it says that no partition fits the memory limit.
    by
        The solver that reports it.
    why_not
        Why it is not proven.
    """

    bound: float
    by: str = "HiGHS"
    why_not: str = "its branch and bound leaves no evidence that can be checked"

    @property
    def document(self) -> dict[str, Any]:
        """As a plan has it; without a bound where HiGHS says that no partition fits the memory limit."""
        return {**dataclasses.asdict(self), "bound": None if math.isinf(self.bound) else self.bound}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Result:
    """A partition and its guarantee: ``lower_bound <= optimum <= bottleneck``.

    Attributes
    ----------
    instance
        The problem.
    status
        How the run ended.
    block_of
        int32, shape (num_nodes,), read-only: the block of each node, from 0. Shape (0,) when no partition within the
        memory limit was found.
    block_costs
        What each block pays, up to the last one that is not empty.
    bottleneck
        Seconds of the most expensive block; infinite when no partition within the memory limit was found.
    lower_bound
        Seconds that no partition beats; infinite when it is proven that none fits the memory limit.
    bounds
        The lower bounds that were computed.
    evaluations
        Orders that the search looked at.
    seconds
        Wall-clock time of the run.
    history
        Whenever the bottleneck or the lower bound got better: the seconds since the run began, and both by then. The
        last one has the result's.
    seed, method
        What it ran with; the method of an audit is ``audit``.
    problem
        The problem that was given: with its devices in any order, of which ``instance`` has the one that is best; else
        ``instance`` itself.
    arrangements
        Where any order is asked for, what is proven of each; () when nothing but the combinatorial bound is.
    stay
        What staying near a plan has cost, and what moves; None when it was not asked for.
    """

    instance: Instance
    status: Status
    block_of: NDArray[np.int32]
    block_costs: tuple[BlockCost, ...]
    bottleneck: float
    lower_bound: float
    bounds: tuple[Bound, ...]
    evaluations: int
    seconds: float
    history: tuple[Row, ...]
    seed: int
    method: str
    stay: Stay | None = None
    problem: Instance
    arrangements: tuple[Arrangement, ...] = ()

    @property
    def gap(self) -> float:
        """(bottleneck - lower bound) / bottleneck: how far from optimal the partition can be."""
        return relative_gap(self.bottleneck, self.lower_bound)

    @property
    def ratio(self) -> float:
        """The lower bound over the bottleneck; at most 1, which it is when both are 0, and 0 without a partition."""
        if math.isinf(self.bottleneck):
            return 0.0
        return 1.0 if self.bottleneck <= self.lower_bound else self.lower_bound / self.bottleneck

    @property
    def shortage(self) -> str:
        """What is short of how many bytes when it is proven that no partition fits the memory limit; else empty."""
        return shortage(self.problem) if self.status is Status.INFEASIBLE else ""

    @property
    def verified_lower_bound(self) -> float:
        """Seconds that rest on no merges and no search."""
        return max(bound.verified_lower_bound for bound in self.bounds)

    @property
    def believed(self) -> Believed | None:
        """What HiGHS says beyond the lower bound, without evidence; None when it says no more."""
        most = max(bound.believed_lower_bound for bound in self.bounds)
        if most <= self.lower_bound:
            return None
        return Believed(bound=min(most, self.bottleneck))

    @functools.cached_property
    def stages(self) -> tuple[Stage, ...]:
        """Every stage up to the last one that is not empty: its nodes, tensors and costs; () without a partition.

        Notes
        -----
        Found when first asked for, O(nodes log nodes + reads log reads).
        """
        return stages(self.block_of, self.block_costs, self._crossings) if self.block_of.size else ()

    @functools.cached_property
    def cut_tensors(self) -> tuple[CutTensor, ...]:
        """The tensors that cross between stages, by the stage that makes them and then by index.

        Notes
        -----
        Found when first asked for, O(tensors + reads log reads).
        """
        return cut_tensors(self.instance, self._crossings) if self.block_of.size else ()

    @functools.cached_property
    def _crossings(self) -> Crossings:
        return find_crossings(self.instance, self.block_of)

    @property
    def plan(self) -> Plan:
        """The partition and its guarantee as the document that ``slicegraph solve --json`` prints, made anew each time.

        Examples
        --------
        >>> import slicegraph as sg
        >>> graph = sg.Graph(work=[2, 2], producer=[0], size=[64], consumers=[1], consumer_offsets=[0, 1])
        >>> result = sg.solve(sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2))
        >>> result.plan.document["cut_tensors"]
        [{'name': 'tensor 0', 'bytes': 64, 'from': 0, 'to': [1]}]
        """
        answer = {
            "status": str(self.status),
            "bottleneck": self.bottleneck,
            "lower_bound": self.lower_bound,
            "gap": self.gap,
            "ratio": self.ratio,
            "seconds": self.seconds,
            "seed": self.seed,
            "method": self.method,
            **({} if self.believed is None else {"believed": self.believed.document}),
            **({} if self.stay is None else {"stay_near": self.stay.document}),
        }
        return make_plan(
            self.instance,
            answer=answer,
            block_of=self.block_of,
            block_costs=self.block_costs,
            bounds=self.bounds,
            history=self.history,
            cuts=self.cut_tensors,
        )

    @property
    def certificate(self) -> Certificate:
        """The guarantee as a document that can be checked without any code of the solver.

        Notes
        -----
        Made anew at each call, O(nodes + tensors + reads + rows of all proofs).
        """
        instance = self.problem
        graph = instance.graph
        return Certificate.of(
            {
                **instance.question,
                "graph": {
                    "name": graph.name,
                    "num_nodes": graph.num_nodes,
                    "num_tensors": graph.num_tensors,
                    "digest": graph.structure_digest,
                },
                "boundary_io": instance.boundary_io,
                "num_blocks": instance.num_blocks,
                "tick": instance.tick,
                "instance": instance.digest,
                "witness": None if math.isinf(self.bottleneck) else self._witness(),
                "lower_bound": max(bound.ticks for bound in self.bounds),
                "bounds": [bound.document for bound in self.bounds if bound.method != ARRANGEMENTS],
                "solver": None,
                **self._of_orders,
            }
        )

    @property
    def _of_orders(self) -> dict[str, Any]:
        """What a certificate says of each order of the devices."""
        if self.problem.order == "given":
            return {}
        return {"arrangements": [each.document for each in self.arrangements]}

    def __repr__(self) -> str:
        from slicegraph.report.notebook import result_to_line  # noqa: PLC0415 - an answer shows itself through a report

        return f"<Result of {result_to_line(self)}>"

    def _repr_html_(self) -> str:
        """Give what a notebook shows: a row per stage."""
        from slicegraph.report.notebook import result_to_html  # noqa: PLC0415 - see above

        return result_to_html(self)

    def _witness(self) -> dict[str, Any]:
        tick = self.instance.tick
        return {
            "block_of": self.block_of.tolist(),
            "block_costs": [{name: int(getattr(block, name) / tick) for name in _PARTS} for block in self.block_costs],
            "bottleneck": int(self.bottleneck / tick),
            **({} if self.problem.order == "given" else {"kind_of": self._kind_of}),
        }

    @property
    def _kind_of(self) -> list[int]:
        """The kind of each stage, as the given problem numbers them."""
        return [self.problem.machine.kinds.index(device) for device in self.instance.devices]


def make_result(
    instance: Instance,
    *,
    block_of: NDArray[np.int32] | None,
    bounds: tuple[Bound, ...],
    evaluations: int,
    seconds: float,
    stop: Stop,
    is_interrupted: bool,
    seed: int,
    method: str,
    is_optimum_known: bool = False,
    history: Iterable[Row] = (),
    stay: Stay | None = None,
) -> Result:
    """Cost a partition from the definition, if there is one, and name the status that its gap has earned."""
    block_costs = () if block_of is None else instance.block_costs(block_of)
    bottleneck = max((block.cost for block in block_costs), default=math.inf)
    lower_bound = max(bound.lower_bound for bound in bounds)
    gap = relative_gap(bottleneck, lower_bound)
    is_optimum_known |= stay is not None and stay.best <= lower_bound
    if math.isinf(lower_bound):
        status = Status.INFEASIBLE
    elif bottleneck <= lower_bound:
        status = Status.OPTIMAL
    elif is_optimum_known and not gap <= stop.gap:
        status = Status.SUBOPTIMAL
    elif gap <= max(stop.gap, NEGLIGIBLE_GAP):
        status = Status.WITHIN_GAP
    else:
        status = Status.INTERRUPTED if is_interrupted else Status.TIME_LIMIT
    return Result(
        instance=instance,
        status=status,
        block_of=checks.read_only(np.empty(0, np.int32) if block_of is None else block_of.copy()),
        block_costs=block_costs,
        bottleneck=bottleneck,
        lower_bound=lower_bound,
        bounds=bounds,
        evaluations=evaluations,
        seconds=seconds,
        history=settled(history, seconds, bottleneck, lower_bound),
        seed=seed,
        method=method,
        stay=stay,
        problem=instance,
    )

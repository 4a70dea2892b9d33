"""All that a report tells of a partition, computed from the problem; and what others claim of it, marked as such."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slicegraph.block import BlockCost
from slicegraph.cost import Instance
from slicegraph.crossings import CutTensor, cut_tensors, find_crossings
from slicegraph.errors import printable
from slicegraph.formats.answers import Claims, MeasuredStage, SweepRow
from slicegraph.stop import relative_gap


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Answer:
    """A partition of a problem, and what is known of it.

    Attributes
    ----------
    instance
        The problem.
    block_of
        int32, shape (num_nodes,): the stage of each node.
    costs
        What each stage pays, up to the last one with a node.
    claims
        What the plan says of its bound; None: nothing, or it speaks of other costs than these.
    sweep, measured
        Rows of other commands; none: not given.
    """

    instance: Instance
    block_of: NDArray[np.int32]
    costs: tuple[BlockCost, ...]
    claims: Claims | None = None
    sweep: tuple[SweepRow, ...] = ()
    measured: tuple[MeasuredStage, ...] = ()

    @property
    def title(self) -> str:
        """The name of the graph."""
        return printable(self.instance.graph.name) or "graph"

    @property
    def bottleneck(self) -> float:
        """Seconds of the most expensive stage; 0 without any."""
        return max((cost.cost for cost in self.costs), default=0.0)

    @property
    def gap(self) -> float:
        """The gap that the plan claims; 1 when it claims none."""
        return relative_gap(self.bottleneck, self.claims.lower_bound) if self.claims else 1.0

    @property
    def num_nodes(self) -> list[int]:
        """Nodes of each stage."""
        counts: list[int] = np.bincount(self.block_of, minlength=len(self.costs)).tolist()
        return counts

    @property
    def used(self) -> list[int]:
        """The stages that have a node, in order."""
        return [stage for stage, count in enumerate(self.num_nodes) if count]

    @property
    def cut_tensors(self) -> tuple[CutTensor, ...]:
        """The tensors that stages pay for, the largest first."""
        found = cut_tensors(self.instance, find_crossings(self.instance, self.block_of))
        return tuple(sorted(found, key=lambda cut: -cut.bytes))

    @property
    def memory(self) -> int | None:
        """Bytes of parameters that stay resident, of one kind of device; None: all, or stages are unlike."""
        kinds = self.instance.machine.kinds
        return kinds[0].memory if len(kinds) == 1 else None

    def op(self, node: int) -> str:
        """Give the operator of a node, or a dash."""
        return printable(self.instance.graph.arrays.op[node]) or "-"


def make_answer(instance: Instance, block_of: list[int], *, claims: Claims | None = None) -> Answer:
    """Cost a partition, and keep claims only when they are about these costs.

    Raises
    ------
    InputError
        When the partition breaks a rule.

    Notes
    -----
    O(nodes + tensors + reads).
    """
    answer = Answer(
        instance=instance,
        block_of=np.asarray(block_of, np.int32),
        costs=instance.block_costs(np.asarray(block_of, np.int32)),
        claims=claims,
    )
    # A bound is about the costs that it was computed for: other ones give another bottleneck.
    is_same = claims is not None and claims.bottleneck == answer.bottleneck
    return answer if is_same else dataclasses.replace(answer, claims=None)

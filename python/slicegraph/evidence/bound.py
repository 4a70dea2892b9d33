"""One lower bound and what it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from slicegraph.cost import ALL_TICKS
from slicegraph.evidence.claims import Chain, DownsetSearch, ExpensiveNode, MergeLog
from slicegraph.evidence.relaxation import Relaxation


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """One lower bound on the bottleneck of every partition.

    Attributes
    ----------
    method
        How it was found.
    ticks
        The lower bound in ticks.
    tick
        Seconds of a tick.
    seconds
        How long it took.
    status
        ``"optimal"`` when the method gave all it can, ``"time_limit"`` when it was cut short (still a bound),
        ``"too_large"`` when the graph is more than the method can take, ``"failed"`` when the solver gave up, which is
        logged.
    verified
        Ticks of what rests on no merges, no search and no solver's word: on arithmetic, a minimum cut of the graph
        as it is, or dual multipliers that anybody can add up.
    relaxations, reduction, downsets, node, chain
        What it rests on.
    num_groups
        Nodes of the quotient, after reductions. None: there were none.
    num_nodes
        Nodes of branch and bound.
    solver
        Whose word part of it is: name, version, and the sets of options that it ran with. None: nobody's.
    """

    method: str
    ticks: int
    tick: float
    seconds: float
    status: str
    verified: int
    relaxations: tuple[Relaxation, ...] = ()
    reduction: MergeLog | None = None
    downsets: DownsetSearch | None = None
    node: ExpensiveNode | None = None
    chain: Chain | None = None
    num_groups: int | None = None
    num_nodes: int = 0
    solver: Mapping[str, Any] | None = None

    @property
    def lower_bound(self) -> float:
        """Seconds that no partition beats; infinite when none fits the memory limit."""
        return _seconds(self.ticks, self.tick)

    @property
    def verified_lower_bound(self) -> float:
        """Seconds of ``verified``."""
        return _seconds(self.verified, self.tick)

    @property
    def document(self) -> dict[str, Any]:
        """The bound as its certificate writes it."""
        return {
            "method": self.method,
            "lower_bound": self.ticks,
            "relaxations": [_relaxation(relaxation) for relaxation in self.relaxations],
            "reduction": self.reduction and asdict(self.reduction),
            "downsets": self.downsets and {"threshold": self.downsets.threshold},
            "node": self.node and asdict(self.node),
            "chain": self.chain and {"threshold": self.chain.threshold},
        }


def _seconds(ticks: int, tick: float) -> float:
    return ticks * tick if ticks < ALL_TICKS else math.inf


def _relaxation(relaxation: Relaxation) -> dict[str, Any]:
    document = asdict(relaxation)
    if relaxation.kind is None:
        del document["kind"]
    if relaxation.solver is not None:
        # The document has the options of all in one place.
        del document["solver"]["options"]
    return document

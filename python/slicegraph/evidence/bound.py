"""One lower bound and what it rests on."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from slicegraph.certificate import codec
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
        The lower bound in ticks, as far as there is evidence of it.
    tick
        Seconds of a tick.
    seconds
        How long it took.
    status
        ``"optimal"`` when the method has finished, ``"time_limit"`` when the method, or the proof of its value, was
        cut short (still a bound), ``"too_large"`` when the graph is too large for the method, ``"failed"`` when the
        solver failed, which is logged.
    verified
        Ticks of the part that needs no merges and no search: arithmetic, a minimum cut of the whole graph, or a sum
        of rows with dual multipliers.
    believed
        The lower bound in ticks that HiGHS reports without evidence; it counts where it is more than `ticks`.
    relaxations, reduction, downsets, node, chain
        What it rests on.
    num_groups
        Nodes of the quotient, after reductions. None: there were none.
    num_nodes
        Nodes of branch and bound.
    """

    method: str
    ticks: int
    tick: float
    seconds: float
    status: str
    verified: int
    believed: int = 0
    relaxations: tuple[Relaxation, ...] = ()
    reduction: MergeLog | None = None
    downsets: DownsetSearch | None = None
    node: ExpensiveNode | None = None
    chain: Chain | None = None
    num_groups: int | None = None
    num_nodes: int = 0

    @property
    def lower_bound(self) -> float:
        """Seconds that no partition beats; infinite when none fits the memory limit."""
        return _seconds(self.ticks, self.tick)

    @property
    def verified_lower_bound(self) -> float:
        """Seconds of ``verified``."""
        return _seconds(self.verified, self.tick)

    @property
    def believed_lower_bound(self) -> float:
        """The lower bound in seconds that HiGHS reports without evidence; at least `lower_bound`."""
        return _seconds(max(self.believed, self.ticks), self.tick)

    @property
    def document(self) -> dict[str, Any]:
        """The bound as its certificate writes it."""
        return {
            "method": self.method,
            "lower_bound": self.ticks,
            "relaxations": [_relaxation(relaxation) for relaxation in self.relaxations if relaxation.proof],
            "reduction": self.reduction and asdict(self.reduction),
            "downsets": self.downsets and _downsets(self.downsets),
            "node": self.node and asdict(self.node),
            "chain": None,
        }


def _seconds(ticks: int, tick: float) -> float:
    return ticks * tick if ticks < ALL_TICKS else math.inf


def _downsets(downsets: DownsetSearch) -> dict[str, Any]:
    hints = {"hints": codec.pack(downsets.hints)} if downsets.hints else {}
    return {"threshold": downsets.threshold, **hints}


def _relaxation(relaxation: Relaxation) -> dict[str, Any]:
    document = asdict(relaxation)
    if relaxation.kind is None:
        del document["kind"]
    # A claim alone is no evidence.
    document["solver"] = None
    return document

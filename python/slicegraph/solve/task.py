"""The options of a run of `solve`, and its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slicegraph.cost import Instance
from slicegraph.evidence.arrangement import Arrangement
from slicegraph.evidence.bound import Bound
from slicegraph.history import Row
from slicegraph.search import BrkgaParams
from slicegraph.solve.earlier import Earlier
from slicegraph.stop import Progress, Stop


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """The options of a run.

    Attributes
    ----------
    method, seed, threads, params
        The arguments of `slicegraph.solve`, with the default number of threads resolved.
    stop
        The condition that ends the run.
    show
        Called with the progress before each evaluation of the stop; returns whether to end.
    earlier
        An earlier answer to the same question. None: there is none.
    is_warm
        Whether the caller has given the initial partition.
    """

    method: str
    seed: int
    threads: int
    params: BrkgaParams | None
    stop: Stop
    show: Callable[[Progress], bool]
    earlier: Earlier | None = None
    is_warm: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The result of a run.

    Attributes
    ----------
    instance
        The problem of the partition, with its devices in one order.
    block_of
        int32, shape (num_nodes,): the best partition. None: none was found.
    is_settled
        Whether ties are broken already: the partition is final.
    bounds, arrangements
        The proven bounds; and those of each order of the devices, if the order is free.
    evaluations, work
        Candidates of the search; and their number with the counted steps of the exact solver.
    seconds, history
        The duration, and the improvements of the bottleneck and the lower bound over time.
    is_interrupted
        Whether Ctrl-C ended it.
    """

    instance: Instance
    block_of: NDArray[np.int32] | None
    is_settled: bool = False
    bounds: tuple[Bound, ...]
    arrangements: tuple[Arrangement, ...] = ()
    evaluations: int
    work: int
    seconds: float
    history: tuple[Row, ...]
    is_interrupted: bool

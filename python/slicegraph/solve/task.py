"""What a run of `solve` is asked to do, and what it ends with."""

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
    """What is asked of a run.

    Attributes
    ----------
    method, seed, threads, params
        As `slicegraph.solve` takes them; threads are counted.
    stop
        What ends it.
    show
        Told the progress as often as the stop is asked; says whether to end.
    earlier
        An earlier answer to the same question; None: there is none.
    is_warm
        Whether the partition that it begins with was given.
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
    """What a run ends with.

    Attributes
    ----------
    instance
        The problem that the partition is of: of one order of the devices.
    block_of
        int32, shape (num_nodes,): the best partition. None: none was found.
    is_settled
        Whether it is the one that is given, of all of its bottleneck.
    bounds, arrangements
        What is proven; and of each order of the devices, where any is asked for.
    evaluations, work
        Candidates of the search, and those with the steps of the exact solver where these are counted.
    seconds, history
        How long it took, and how bottleneck and bound came nearer to each other.
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

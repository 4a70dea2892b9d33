"""The main job: the best partition that can be found, and a proof of how good it is."""

from __future__ import annotations

from slicegraph.cost import Instance
from slicegraph.report.progress import ProgressLine
from slicegraph.result import Result
from slicegraph.search import BrkgaParams, search
from slicegraph.stop import DEFAULT_STOP, Stop


def solve(
    instance: Instance,
    *,
    stop: Stop = DEFAULT_STOP,
    seed: int = 0,
    threads: int | None = None,
    params: BrkgaParams | None = None,
    display: bool = False,
) -> Result:
    """Partition a graph, and bound from below what any partition costs.

    Parameters
    ----------
    instance
        The problem.
    stop
        When to stop, for example ``MaxRuntime(60) | TargetGap(0.01)``; an optimum that is proven ends the run anyway.
    seed
        From 0 to 2^64 - 1.
    threads
        Worker threads. None: one per processor.
    params
        Of the genetic search.
    display
        Whether to show a line with the best, the proven and the gap on standard error while it runs. It is shown only
        on a terminal.

    Returns
    -------
    Result
        With status ``optimal`` only when its bottleneck and its lower bound are equal.

    Raises
    ------
    InputError
        When a parameter is out of range.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[2, 2], producer=[0], size=[0], consumers=[1], consumer_offsets=[0, 1])
    >>> result = sg.solve(sg.Instance(graph, device=sg.Device(bandwidth=64), num_blocks=2))
    >>> str(result.status), result.bottleneck, result.gap
    ('optimal', 2.0, 0.0)
    """
    with ProgressLine(is_wanted=display) as line:
        return search(instance, stop=stop, seed=seed, threads=threads, params=params, callback=line.update)

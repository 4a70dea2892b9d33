"""One lower bound, by name."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import replace

from slicegraph import checks
from slicegraph.bounds import LINKED
from slicegraph.bounds.bottleneck import bottleneck
from slicegraph.bounds.bottleneck_guess import bottleneck_guess
from slicegraph.bounds.chain import chain
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.downsets import close_in, downsets
from slicegraph.bounds.exact import exact
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.node import node
from slicegraph.bounds.params import LimitParams
from slicegraph.bounds.tasks import Budget
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.evidence.bound import Bound
from slicegraph.requirements import check_links, given_order
from slicegraph.search import check_method, search
from slicegraph.stop import MaxEvaluations, MaxRuntime

SOLVED: Mapping[str, Callable[[Formulation, Budget], Bound]] = {
    "node": node,
    "downsets": downsets,
    "chain": chain,
    "exact": exact,
    "bottleneck": bottleneck,
    "bottleneck_guess": bottleneck_guess,
}
"""The bounds that take more than a formula, by name."""
WITH_MIP = ("chain", "exact", "bottleneck", "bottleneck_guess")
"""The bounds that take the MIP solver."""
METHODS = ("combinatorial", *SOLVED)
"""All bounds, by name."""
_FOREVER = 1e9
"""Seconds in place of no limit."""


def lower_bound(
    instance: Instance,
    *,
    method: str = "bottleneck_guess",
    time_limit: float = 60.0,
    upper_bound: float | None = None,
    executor: Executor | None = None,
) -> Bound:
    """Prove that no partition beats some bottleneck.

    Parameters
    ----------
    instance
        The problem.
    method
        ``"combinatorial"``, ``"exact"``, ``"bottleneck"`` or ``"bottleneck_guess"``, as in the paper; ``"node"``,
        ``"downsets"`` or ``"chain"``, past it; each has a module of its name in `slicegraph.bounds`, with its proof.
    time_limit
        Seconds, kept whatever the solver does; the best bound so far counts.
    upper_bound
        Seconds of a partition that is known: the smaller, the tighter the model. None: from a short search.
    executor
        Where models are solved, several at once where the method has several: any `concurrent.futures.Executor`, such
        as a thread or process pool, or a dask client's ``get_executor()``. None: one after the other in a process of
        their own. The proof of what the MIP solver reports runs in this process.

    Returns
    -------
    Bound
        At least the combinatorial bound; infinite when it is proven that no partition fits the memory limit.

    Raises
    ------
    InputError
        When a parameter is out of range, or the method does not count what stages hand on, where constraints say so.

    Notes
    -----
    ``lower_bound`` rests on evidence alone. The MIP solver, HiGHS, of the methods ``"exact"``, ``"bottleneck"``,
    ``"bottleneck_guess"`` and ``"chain"`` may report a higher bound without evidence. The exact solver of
    ``"downsets"`` then tries to prove it, in a quarter of the time and in what time the method leaves. If it succeeds,
    the bound is the method's value, with the evidence of ``"downsets"``; it may be below the optimum. Otherwise the
    bound is what is proven by then, its status is not ``"optimal"``, and the value that the solver reports is its
    ``believed_lower_bound``.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[2, 2, 2], producer=[0, 1], size=[8, 8], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> instance = sg.Instance(graph, device=sg.Device(bandwidth=8), num_blocks=2)
    >>> sg.lower_bound(instance, method="combinatorial").lower_bound
    3.0
    >>> sg.lower_bound(instance, method="exact").lower_bound
    5.0
    """
    given_order(instance, "lower_bound")
    check_method(method, METHODS)
    check_links(instance, method, ("combinatorial", *LINKED))
    time_limit = checks.number(f"time_limit = {time_limit!r:.80}", time_limit, "seconds are not negative")
    if upper_bound is not None:
        upper_bound = checks.number(f"upper_bound = {upper_bound!r:.80}", upper_bound, "seconds are not negative")
    if executor is not None:
        checks.instance_of("executor", executor, Executor)
    begin, params = time.monotonic(), LimitParams()
    ordinary = combinatorial(instance)
    if method == "combinatorial" or ordinary.ticks >= ALL_TICKS:
        return replace(ordinary, method=method)
    if upper_bound is None:
        stop = MaxEvaluations(params.evaluations) | MaxRuntime(params.share_of_search * time_limit)
        upper_bound = search(instance, stop=stop).bottleneck
    # A bottleneck is whole in ticks; what was measured is rounded to the safe side. No partition costs 2^52 ticks.
    ticks = upper_bound / instance.tick
    threshold = math.ceil(ticks) if ticks < ALL_TICKS else None
    end = begin + min(time_limit, _FOREVER)
    seconds = max(0.0, end - time.monotonic())
    if method in WITH_MIP:
        seconds *= 1 - params.share_of_proof
    bound = SOLVED[method](Formulation(instance), Budget(threshold=threshold, seconds=seconds, executor=executor))
    return _proven(instance, bound, begin=begin, end=end) if bound.believed > bound.ticks else bound


def _proven(instance: Instance, bound: Bound, *, begin: float, end: float) -> Bound:
    """Prove what is only believed of a bound, or as much of it as there is time for."""
    closing = close_in(
        instance,
        lower_bound=bound.ticks,
        bottleneck=bound.believed if bound.believed < ALL_TICKS else None,
        poll=lambda _lower_bound, _bottleneck: time.monotonic() >= end,
    )
    if closing.is_interrupted:
        raise KeyboardInterrupt
    proof, seconds = closing.bound, time.monotonic() - begin
    is_short = proof.ticks < bound.believed and bound.status == "optimal"
    status = "time_limit" if is_short else bound.status
    if proof.ticks <= bound.ticks:
        return replace(bound, seconds=seconds, status=status)
    # Relaxations are about the graph as it is, not about a quotient.
    is_plain = proof.reduction is None
    return replace(
        proof,
        method=bound.method,
        seconds=seconds,
        status=status,
        verified=max(proof.verified, bound.verified) if is_plain else proof.verified,
        believed=bound.believed,
        relaxations=bound.relaxations if is_plain else (),
        chain=bound.chain,
        num_nodes=bound.num_nodes,
    )

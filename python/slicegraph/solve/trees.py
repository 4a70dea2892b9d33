"""Case trees for thresholds of the chain: evidence that can be checked, in place of the MIP solver's own claim."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import final

from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.outcome import Outcome
from slicegraph.bounds.tree import TreeParams, TreeSearch
from slicegraph.bounds.worker import Request, solve_model
from slicegraph.certificate.compiled import Compiled
from slicegraph.certificate.question import Question
from slicegraph.certificate.ticks import snap
from slicegraph.cost import Instance
from slicegraph.evidence.claims import DownsetSearch
from slicegraph.evidence.tree import as_hints
from slicegraph.reduce import Reduction
from slicegraph.solve.params import TreesParams

_MOST_BYTES = 2**24
"""Of a tree; a certificate with more is refused."""


@final
class Trees:
    """The case trees of an instance's quotient.

    Parameters
    ----------
    instance
        The problem.
    reduction, formulation
        Its quotient, and the quotient's MIP formulation.
    """

    def __init__(self, instance: Instance, reduction: Reduction, formulation: Formulation) -> None:
        self._reduction, self._formulation = reduction, formulation
        question = {**instance.question, "num_blocks": instance.num_blocks, "boundary_io": instance.boundary_io}
        is_taken = instance.is_plain and instance.num_blocks <= formulation.num_nodes
        self.compiled = Compiled(snap(instance.graph.arrays, Question.of(question))) if is_taken else None
        """The checker of the instance; None: trees are not for it."""
        self._params = TreesParams()
        self._failed: int | None = None
        self.search: DownsetSearch | None = None
        """The largest threshold that is proven, and how."""

    @property
    def proven(self) -> int:
        """The largest proven threshold in ticks."""
        return self.search.threshold if self.search else 0

    def prove(self, threshold: int, *, floor: int, seconds: float, has_to_stop: Callable[[], bool]) -> None:
        """Try to prove a threshold within ``seconds``, if it is more than ``floor``; an open tree is kept."""
        end, params = time.monotonic() + seconds, self._params
        floor = max(floor, self.proven)
        ceiling = threshold if self._failed is None else min(threshold, (floor + self._failed) // 2)
        while ceiling > floor and (self._failed is None or self._failed - floor > threshold // params.finely):
            left = end - time.monotonic()
            if left <= 0 or has_to_stop():
                return
            search = self._prove(ceiling, params.share * left, has_to_stop)
            if search is not None:
                self.search, floor = search, ceiling
            else:
                self._failed = ceiling
            ceiling = threshold if self._failed is None else min(threshold, (floor + self._failed) // 2)

    def _prove(self, threshold: int, seconds: float, has_to_stop: Callable[[], bool]) -> DownsetSearch | None:
        end, params = time.monotonic() + seconds, TreeParams()
        if self.compiled is None:
            return None
        proving = self.compiled.begin(asdict(self._reduction.evidence), threshold, params.steps)
        if proving is None:
            return None

        def has_time() -> bool:
            return time.monotonic() < end and not has_to_stop()

        def solve(request: Request) -> Outcome:
            return solve_model(request, watch=lambda _: not has_time())

        steps = TreeSearch(proving, self._formulation, threshold, solve=solve, has_time=has_time, params=params).run()
        if steps is None or len(steps) >= _MOST_BYTES:
            return None
        return DownsetSearch(threshold=threshold, downsets=0, transitions=0, hints=as_hints(steps))

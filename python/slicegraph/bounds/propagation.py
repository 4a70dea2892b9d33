"""The facts of the chain about all partitions below a threshold, and their propagation by minimum cuts and windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import final

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import ProofState, find_domains
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Domains, Integers, Move


class Effort(Enum):
    """The levels of effort for a threshold and its moves, in order."""

    WINDOWS = auto()
    RELAXED = auto()
    ROUGH = auto()
    EXACT = auto()


@final
class Known:
    """Facts that hold when every block costs less than a threshold; ``above`` are the windows of a higher one."""

    def __init__(
        self,
        formulation: Formulation,
        threshold: int,
        poll: Callable[[], bool],
        cuts: tuple[ProofState, NDArray[np.int32]],
        above: Known | None = None,
    ) -> None:
        self.threshold = threshold
        self.solved: dict[tuple[Move, Effort], tuple[int, ...]] = {}
        self._work, self._poll = formulation.work, poll
        num_nodes, num_blocks = len(formulation.work), formulation.num_blocks
        self.least, self.most = [0] * (num_blocks + 1), [0] * (num_blocks + 1)
        self.windows: tuple[Integers, Integers] = np.ones(num_nodes, np.int64), np.full(num_nodes, num_blocks)
        self.weights: Integers = formulation.work
        self.has_cuts: bool = above is None or above.has_cuts
        """Whether minimum cuts are worth their time."""
        state, group_of = cuts
        core = find_domains(
            formulation.instance.core,
            group_of,
            threshold - formulation.step + 1,
            state=state,
            is_patient=above is not None,
            poll=poll if self.has_cuts else None,
        )
        self.is_contradiction = core is None
        """Whether there is no such partition."""
        if core is None:
            return
        self._core, self.weights, self._incompatible = core, core.weights, core.incompatible
        narrowed = core.narrowed
        self.least, self.most, self.windows = narrowed.least, narrowed.most, narrowed.windows
        if above is None:
            self.has_cuts = core.are_of_use
        else:
            (earliest, latest), (first, last) = above.windows, self.windows
            self.windows = np.maximum(first, earliest), np.minimum(last, latest)
            self.narrow()

    def most_work(self, total: int) -> tuple[int, ...]:
        """Upper bounds on the work of the first 1, 2, ..., all blocks."""
        # If there is no partition, any bound holds.
        sums = [int(self._work[self.windows[0] <= end].sum()) for end in range(1, len(self.most))]
        return tuple(min(sum_, total - 1) for sum_ in sums)

    @property
    def domains(self) -> Domains:
        """The facts as `Domains`, for models and for the decider."""
        return self._domains(self.least, self.most, self.windows)

    def _domains(self, least: Sequence[int], most: Sequence[int], windows: tuple[Integers, Integers]) -> Domains:
        return Domains(
            threshold=self.threshold,
            earliest=windows[0],
            latest=windows[1],
            incompatible=self._incompatible,
            weights=self.weights,
            least=tuple(least),
            most=tuple(most),
        )

    @property
    def width(self) -> int:
        """The sum of the differences between the upper and the lower bounds."""
        return sum(self.most) - sum(self.least)

    def _take(self, least: Sequence[int], most: Sequence[int]) -> None:
        self.least = list(map(max, self.least, least))
        self.most = list(map(min, self.most, most))
        self.narrow()

    def narrow(self, *, by_cuts: bool = False) -> None:
        """Propagate: narrow windows and bounds, with ``by_cuts`` by minimum cuts, too."""
        if self.is_contradiction:
            return
        poll = self._poll if by_cuts and self.has_cuts else None
        narrowed = self._core.narrow(self.least, self.most, self.windows, poll)
        if narrowed is None:
            self.is_contradiction = True
        else:
            self.least, self.most, self.windows = narrowed.least, narrowed.most, narrowed.windows

    def around(self, move: Move) -> tuple[int, ...]:
        """Give the bounds that the result of a move depends on."""
        b = move.block
        return self.least[b], self.most[b], self.least[b + 1], self.most[b + 1]

    def is_idle(self, move: Move, effort: Effort) -> bool:
        """Whether a move cannot tighten a bound, or would repeat an earlier result."""
        around = least, most, next_least, next_most = self.around(move)
        can_all_be_done = most == next_most if move.is_forward else least == next_least
        is_only = len(self.most) - 1 == 1
        return (can_all_be_done and not is_only) or self.solved.get((move, effort)) == around

    def question(self, move: Move) -> Domains | None:
        """Give the domains of a move's model, restricted to values that would tighten the bound. None: no values."""
        b, least, most = move.block, self.least.copy(), self.most.copy()
        if move.is_forward:
            least[b + 1] = max(least[b + 1], most[b])
        else:
            most[b] = min(most[b], least[b + 1])
        narrowed = self._core.narrow(least, most, self.windows)
        if narrowed is None:
            return None
        return self._domains(narrowed.least, narrowed.most, narrowed.windows)

    def learn(self, move: Move, work: int | None) -> None:
        """Record the result of a move: the new bound; None: the model of the move is infeasible."""
        b, least, most = move.block, self.least.copy(), self.most.copy()
        if move.is_forward:
            most[b + 1] = max(least[b + 1], most[b]) - 1 if work is None else work
        else:
            least[b] = min(most[b], least[b + 1]) + 1 if work is None else work
        self._take(least, most)

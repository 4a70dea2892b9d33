"""Branch and bound of our own: a tree of cases that the checker closes one by one, as it is written.

The chain (`slicegraph.bounds.chain`) goes as far as the MIP solver says. Here a threshold is proven without that: HiGHS
solves linear relaxations only, whose dual values are rounded to integer weights of rows. Every step goes through the
checker's own crate (`slicegraph._core.Proving`), which says what is then known of the case that is next; a step that it
does not take is not written. So the tree that comes out is evidence, whatever the solver has said.

A case is narrowed by moves: a linear relaxation says that the first blocks weigh no more than some amount; then there
are two cases, of which the one, that they weigh more, is closed by the rows. What no move narrows is closed by levels
of downsets or labels, or divided where least is known of what the first blocks weigh, and then at a node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from slicegraph._core import Proving
from slicegraph.bounds.builder import build_move
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Domains, Integers, Model, Move
from slicegraph.bounds.outcome import Outcome
from slicegraph.bounds.worker import Request
from slicegraph.evidence import tree
from slicegraph.evidence.relaxation import Proof


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeParams:
    """The numbers of the tree's policy. None of them was measured by itself.

    Attributes
    ----------
    steps, few_steps
        Of the checker: for cuts and node weights in the beginning, and for each search and each cut in a case.
    worthwhile
        Another round of moves when the last one has narrowed the sums to less than this.
    narrow
        Where the first blocks' weight is known to this part of what a block costs at most, a node is divided instead.
    slack
        Parts of what a block costs at most by which less is claimed than a linear relaxation says, at first; four times
        as much, so often, where the rounded rows show less.
    tries
        How often.
    """

    steps: int = 400_000_000
    few_steps: int = 4_000_000
    worthwhile: float = 0.98
    narrow: float = 0.02
    slack: float = 1e-7
    tries: int = 6


@final
class TreeSearch:
    """Writes the tree of one threshold.

    Parameters
    ----------
    proving
        The checker's cases.
    formulation
        Of the quotient that they are about.
    threshold
        Ticks that are to be proven.
    solve
        Solves a linear relaxation.
    has_time
        Whether to go on.
    params
        The numbers of the policy. None: the defaults.
    """

    def __init__(
        self,
        proving: Proving,
        formulation: Formulation,
        threshold: int,
        *,
        solve: Callable[[Request], Outcome],
        has_time: Callable[[], bool],
        params: TreeParams | None = None,
    ) -> None:
        self._proving, self._formulation, self._threshold = proving, formulation, threshold
        self._solve, self._has_time, self._params = solve, has_time, params or TreeParams()
        self._incompatible: tuple[Integers, Integers] = (np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._steps: list[bytes] = []

    def run(self) -> bytes | None:
        """Write the steps of a proof; None when there was not enough time, or a case can not be closed."""
        params = self._params
        for step in (tree.CUT, tree.WEIGH, tree.CUT):
            if self._proving.num_cases:
                self._take(step, params.steps)
        while self._proving.num_cases:
            if not self._has_time():
                return None
            if not self._close():
                return None
        return b"".join(self._steps)

    def _take(self, step: bytes, steps: int) -> bool:
        """Take a step, if the checker does."""
        if not self._proving.apply(step, steps):
            return False
        self._steps.append(step)
        return True

    def _close(self) -> bool:
        """Narrow the next case; close it or divide it; whether that can be done."""
        count = self._proving.num_cases
        self._narrow()
        if self._proving.num_cases < count:
            return True
        if any(self._take(step, self._params.few_steps) for step in (tree.LEVELS, tree.LABELS)):
            return True
        return self._divide()

    def _divide(self) -> bool:
        case = self._case()
        if case is None:
            return True
        widths = np.subtract(case.most, case.least)
        blocks = int(widths.argmax())
        if widths[blocks] > self._params.narrow * self._threshold:
            return self._take(tree.by_weight(blocks, (case.least[blocks] + case.most[blocks]) // 2), self._params.steps)
        length = (case.latest - case.earliest) * np.maximum(1, case.weights)
        node = int(length.argmax())
        if not length[node]:
            return False
        middle = int(case.earliest[node] + case.latest[node]) // 2
        return self._take(tree.by_node(node, middle), self._params.steps)

    def _case(self, proving: Proving | None = None) -> Domains | None:
        """Give what is known of the next case; None: there is none."""
        known = (proving or self._proving).next()
        if known is None:
            return None
        first, last, weights, least, most = known
        return Domains(
            threshold=self._threshold + self._formulation.step - 1,
            earliest=first,
            latest=last,
            incompatible=self._incompatible,
            weights=weights,
            least=tuple(least),
            most=tuple(most),
        )

    def _narrow(self) -> None:
        """Make all moves, as long as that narrows what is known of sums, or until the case is closed."""
        count, width = self._proving.num_cases, float("inf")
        while self._proving.num_cases == count and self._has_time():
            case = self._case()
            if case is None:
                return
            new = sum(case.most) - sum(case.least)
            if new >= self._params.worthwhile * width:
                return
            width = new
            for move in self._moves():
                if not self._has_time():
                    return
                self._move(move)
                if self._proving.num_cases < count:
                    return
            self._take(tree.CUT, self._params.few_steps)

    def _moves(self) -> Iterator[Move]:
        blocks = range(self._formulation.num_blocks)
        yield from (Move(block=block, is_forward=True) for block in blocks)
        yield from (Move(block=block, is_forward=False) for block in reversed(blocks))

    def _move(self, move: Move) -> None:
        """Tighten the sum of the first blocks, from above or from below, by a linear relaxation."""
        case, block = self._case(), move.block
        if case is None:
            return
        end = block + move.is_forward
        least, most = case.least[end], case.most[end]
        # From here on an answer tells more than the other case, which states how much the first blocks weigh.
        bound = max(least, case.most[block]) if move.is_forward else min(most, case.least[block + 1])
        if not least <= bound <= most:
            return
        ticks = bound - 1 if move.is_forward else bound
        if ticks < 0:
            return
        fork = self._proving.fork()
        if self._divided(fork, move, ticks) is None:
            return
        asked = self._case(fork) if self._is_open(fork, move, ticks) else None
        if asked is None:
            self._try(move, ticks, None, None)
            return
        model = build_move(self._formulation, move, asked)
        proof = self._solve(Request(model=model, step=1, seconds=60.0, target=0)).proof
        if proof is None:
            return
        by = max(0, proof.lower_bound - (asked.threshold - self._formulation.step))
        is_nowhere = proof.lower_bound >= (model.threshold or 0)
        if move.is_forward:
            to = ticks if is_nowhere else asked.most[end] - by
        else:
            to = ticks if is_nowhere else asked.least[end] + by - 1
        if to < most if move.is_forward else to >= least:
            self._claim(move, to, proof, model, is_nowhere=is_nowhere)

    def _divided(self, fork: Proving, move: Move, ticks: int) -> list[bytes] | None:
        """Divide at so many ticks of the first blocks; what a move asks about comes next. None: that took too long."""
        count = fork.num_cases
        steps = [tree.by_weight(move.block + move.is_forward, ticks)]
        if not fork.apply(steps[0], self._params.steps):
            return None
        if not move.is_forward and fork.num_cases > count:
            steps.append(tree.SWAP)
            fork.apply(tree.SWAP, self._params.steps)
        return steps

    def _is_open(self, fork: Proving, move: Move, ticks: int) -> bool:
        """Whether the next case is what a move asks about, and not what is left when nothing is there."""
        case, end = self._case(fork), move.block + move.is_forward
        if fork.num_cases < self._proving.num_cases or case is None:
            return False
        return case.least[end] > ticks if move.is_forward else case.most[end] <= ticks

    def _claim(self, move: Move, to: int, proof: Proof, model: Model, *, is_nowhere: bool) -> None:
        """Divide at what is claimed of the first blocks, or a little less, and close the other case by the rows."""
        case, end = self._case(), move.block + move.is_forward
        least = int(self._params.slack * self._threshold)
        for attempt in range(self._params.tries):
            # Where nothing is there, rows say so, or not at all.
            slack = 0 if is_nowhere else least * 4**attempt
            ticks = to + slack if move.is_forward else to - slack
            is_news = case is not None and (ticks < case.most[end] if move.is_forward else ticks >= case.least[end])
            if ticks < 0 or not is_news or self._try(move, ticks, proof, model) or is_nowhere:
                return

    def _try(self, move: Move, ticks: int, proof: Proof | None, model: Model | None) -> bool:
        """Divide and close, or do nothing."""
        fork = self._proving.fork()
        steps = self._divided(fork, move, ticks)
        if steps is None:
            return False
        if self._is_open(fork, move, ticks):
            if proof is None or model is None:
                return False
            spans = [span for span in model.superblocks.spans if span is not None]
            steps.append(tree.by_rows(spans, proof.unit, _rows(proof, spans, move)))
            if not fork.apply(steps[-1], self._params.steps):
                return False
        self._proving = fork
        self._steps += steps
        return True


def _rows(proof: Proof, spans: list[int], move: Move) -> list[tuple[str | int, ...]]:
    """Give the rows that show that a claim holds: the move's own is what the other case says of the first blocks."""
    end = move.block + move.is_forward
    place = np.cumsum([0, *spans]).tolist().index(end)
    own = ("least" if move.is_forward else "most", place)
    rows: dict[tuple[str | int, ...], int] = {}
    for *names, multiplier in proof.rows:
        key = own if names[0] == "move" else tuple(names)
        if key[0] in tree.ROWS:
            rows[key] = rows.get(key, 0) + int(multiplier)
    return [(*key, multiplier) for key, multiplier in rows.items()]

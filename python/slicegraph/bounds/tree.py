"""A branch and bound whose tree of cases is a proof: the checker closes each case while the tree is written.

The chain (`slicegraph.bounds.chain`) depends on bounds of the MIP solver that are only believed. Here a threshold is
proven without them: HiGHS solves linear relaxations only, whose dual values are rounded to integer weights of rows.
Every step is checked by the checker's own crate (`slicegraph._core.Proving`), which then gives the domains of the next
case; a step that it rejects is not written. So the tree is evidence, independently of the solver.

A case is narrowed by moves: a linear relaxation gives an upper bound on the weight of the first blocks, and the case is
divided there; the case above the bound is closed by the rows. A case that no move narrows is closed by levels of
downsets or by labels, or divided: at the prefix weight with the widest bounds, and then at a node.
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
    """The tuned numbers of the tree. None of them was measured by itself.

    Attributes
    ----------
    steps, few_steps
        Steps of the checker: for cuts and node weights in the beginning, and for each search and each cut in a case.
    worthwhile
        Another round of moves when the last one has narrowed the bounds to less than this part.
    narrow
        A case is divided at a node when its bounds on prefix weights are within this part of the largest block cost.
    slack
        Parts of the largest block cost by which a claim is weaker than the linear relaxation's bound at first; four
        times as much at each further try, when the rounded rows do not prove it.
    tries
        The number of tries.
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
        The formulation of their quotient.
    threshold
        The threshold to prove, in ticks.
    solve
        Solves a linear relaxation.
    has_time
        Returns whether to continue.
    params
        The tuned numbers. None: the defaults.
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
        """Write the steps of a proof; None if time has run out, or a case cannot be closed."""
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
        """Write a step, if the checker accepts it; say whether it does."""
        if not self._proving.apply(step, steps):
            return False
        self._steps.append(step)
        return True

    def _close(self) -> bool:
        """Narrow the next case, and close or divide it; say whether that was possible."""
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
        """Give the domains of the next case. None: there is none."""
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
        """Make all moves, as long as that narrows the bounds on prefix weights, or until the case is closed."""
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
        """Tighten a bound on a prefix weight, from above or from below, by a linear relaxation."""
        case, block = self._case(), move.block
        if case is None:
            return
        end = block + move.is_forward
        least, most = case.least[end], case.most[end]
        # Only an answer from here on tightens the bound beyond the value that the other case states.
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
        """Divide at a prefix weight of ``ticks``; the case of the move comes next. None: that took too long."""
        count = fork.num_cases
        steps = [tree.by_weight(move.block + move.is_forward, ticks)]
        if not fork.apply(steps[0], self._params.steps):
            return None
        if not move.is_forward and fork.num_cases > count:
            steps.append(tree.SWAP)
            fork.apply(tree.SWAP, self._params.steps)
        return steps

    def _is_open(self, fork: Proving, move: Move, ticks: int) -> bool:
        """Whether the next case is that of the move; if not, it was closed at once, and the other case is next."""
        case, end = self._case(fork), move.block + move.is_forward
        if fork.num_cases < self._proving.num_cases or case is None:
            return False
        return case.least[end] > ticks if move.is_forward else case.most[end] <= ticks

    def _claim(self, move: Move, to: int, proof: Proof, model: Model, *, is_nowhere: bool) -> None:
        """Divide at the claimed bound on a prefix weight, or at a weaker one, and close the other case by the rows."""
        case, end = self._case(), move.block + move.is_forward
        least = int(self._params.slack * self._threshold)
        for attempt in range(self._params.tries):
            # The claim is that the case is empty: rows prove it or not, and a weaker claim would not help.
            slack = 0 if is_nowhere else least * 4**attempt
            ticks = to + slack if move.is_forward else to - slack
            is_news = case is not None and (ticks < case.most[end] if move.is_forward else ticks >= case.least[end])
            if ticks < 0 or not is_news or self._try(move, ticks, proof, model) or is_nowhere:
                return

    def _try(self, move: Move, ticks: int, proof: Proof | None, model: Model | None) -> bool:
        """Divide, and close the other case; do nothing if that is not possible."""
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
    """Give the rows that prove a claim; the move's own row is the bound on the prefix weight in the other case."""
    end = move.block + move.is_forward
    place = np.cumsum([0, *spans]).tolist().index(end)
    own = ("least" if move.is_forward else "most", place)
    rows: dict[tuple[str | int, ...], int] = {}
    for *names, multiplier in proof.rows:
        key = own if names[0] == "move" else tuple(names)
        if key[0] in tree.ROWS:
            rows[key] = rows.get(key, 0) + int(multiplier)
    return [(*key, multiplier) for key, multiplier in rows.items()]

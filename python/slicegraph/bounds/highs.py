"""The only place that calls HiGHS, and the only place where a float becomes a bound.

A model is solved twice. Its linear relaxation gives dual multipliers; rounded to integers, these are a proof that needs
no solver (`slicegraph.bounds.multipliers`). Then branch and bound gives a larger bound, which is only *believed*.

How a dual bound of HiGHS becomes ticks
    Costs are scaled so that the threshold is 100. Coefficients too small for HiGHS's tolerances are removed from the
    rows, and huge ones made smaller, on the safe side, and every row of costs is relaxed by 1e-6. Then the model is a
    relaxation of the exact one, up to the solver's own tolerances; for those, the bound is reduced by a millionth
    before it is rounded up to the next multiple of the costs' common divisor. A model counts as infeasible only when
    HiGHS reports that without presolve, too.

Only the processes of `slicegraph.bounds.worker` import this module; they enforce time limits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

import numpy as np
from highspy import Highs, HighsLp, HighsModelStatus, HighsStatus, HighsVarType, MatrixFormat, cb
from numpy.typing import NDArray

from slicegraph.bounds.model import BYTES, KINDS, PURE, Model
from slicegraph.bounds.multipliers import prove
from slicegraph.bounds.outcome import Outcome
from slicegraph.bounds.params import PackingParams, SolverParams
from slicegraph.bounds.worker import Request
from slicegraph.cost import ALL_TICKS
from slicegraph.evidence.relaxation import Proof, Testimony

_SCALE = 100.0
"""What the threshold is to the solver."""
_MARGIN = 1e-6
"""By how much rows of costs are relaxed, in that scale: ten times what the solver takes for nothing."""
_CREDIT = 1 - Fraction(1, 10**6)
"""How much of a dual bound is believed."""
_SMALLEST = 1e-6
"""Coefficients up to this are dropped: HiGHS's presolve has called a model infeasible over one of 7e-8."""
_LARGEST = 1e6
"""Larger ones say no more, since what they belong to is far above the threshold, but HiGHS could not be exact."""
_TOLERANCE = 1e-6
"""Part of a block's weight that is not too much."""


def solve(request: Request, *, report: Callable[[Outcome], None]) -> None:
    """Bound the least bottleneck of a model from below, and report whenever more is known.

    HiGHS is given the request's seconds, and may take a little longer; see `slicegraph.bounds.worker`.
    """
    _Run(request, report).run()


@final
class _Run:
    """One model."""

    def __init__(self, request: Request, report: Callable[[Outcome], None]) -> None:
        self._model, self._step, self._options, self._report = request.model, request.step, request.options, report
        self._deadline = time.monotonic() + request.seconds
        wanted = (request.model.threshold, request.target)
        self._target = min((ticks for ticks in wanted if ticks is not None), default=None)
        self._scaled, self._params = _Scaled.of(request.model), SolverParams()
        self._known = Outcome(proof=request.known)

    def run(self) -> None:
        if self._known.proof is None:
            self._learn(Outcome(proof=self._relax()))
        if self._is_enough():
            self._learn(Outcome(is_final=True))
        elif time.monotonic() < self._deadline:
            self._branch()

    def _learn(self, news: Outcome) -> None:
        known = self._known.or_better(news)
        if known != self._known:
            self._known = known
            self._report(known)

    def _is_enough(self) -> bool:
        return self._target is not None and self._known.lower_bound >= self._target

    def _solver(self, **options: bool | float | str) -> Highs:
        highs = Highs()  # type: ignore[no-untyped-call] # its stubs are partial
        # It registers itself as a callback, and the cycle would never be freed.
        highs.disableCallbacks()  # type: ignore[no-untyped-call] # likewise
        settings = {**self._options, **options}
        is_told = {"output_flag": False, "time_limit": max(0.0, self._deadline - time.monotonic())}
        for name, value in {**settings, **is_told}.items():
            _check(highs.setOptionValue(name, value), name)
        return highs

    def _relax(self) -> Proof | None:
        """Prove the bound of the linear relaxation; any multipliers give a valid bound, so it may end early."""
        is_nowhere = self._model.kind == KINDS.index("nowhere")
        if is_nowhere.any() and self._model.threshold is not None:
            # The solver rejects a row that no value satisfies.
            return prove(self._model, is_nowhere.astype(np.float64), self._scaled.unit, self._step)
        is_interior = self._model.num_rows >= self._params.interior_from
        # Presolve pays for larger models only.
        presolve = "choose" if is_interior else "off"
        highs = self._solver(
            solver="ipm" if is_interior else "simplex",
            run_crossover="off" if is_interior else "on",
            presolve=presolve,
        )
        _check(highs.passModel(self._scaled.lp(is_integer=False)), "passModel")
        highs.run()
        weights = highs.getSolution().row_dual
        if highs.getModelStatus() == HighsModelStatus.kInfeasible:
            # The multipliers of a contradiction (a dual ray), which presolve would not return.
            if is_interior:
                highs = self._solver(solver="simplex", presolve="off")
                _check(highs.passModel(self._scaled.lp(is_integer=False)), "passModel")
                highs.run()
            _, has_ray, weights = highs.getDualRay()  # type: ignore[attr-defined] # the stubs leave it out
            if not has_ray:
                return None
        return prove(self._model, np.array(weights), self._scaled.unit, self._step)

    def _branch(self) -> None:
        """Run branch and bound; again without presolve when it ends as infeasible or in an error of HiGHS."""
        if self._branch_once("choose") in (HighsModelStatus.kInfeasible, HighsModelStatus.kSolveError):
            ended = self._branch_once("off")
            if ended == HighsModelStatus.kInfeasible:
                # t was bounded by the threshold, and there is no solution below it.
                if self._model.is_strict and not self._model.threshold:
                    word = Testimony(status="infeasible", dual_bound=_SCALE, lower_bound=ALL_TICKS)
                    self._learn(Outcome(testimony=word))
                else:
                    self._on_dual_bound("infeasible", _SCALE if self._model.threshold else 0.0, 0)
                self._learn(Outcome(is_final=True))

    def _branch_once(self, presolve: str) -> HighsModelStatus:
        """Run branch and bound, and report its dual bounds while it runs; give the final status."""
        has_restarts = len(self._model.superblocks.spans) > self._params.few_superblocks
        highs = self._solver(mip_allow_restart=has_restarts, presolve=presolve)
        _check(highs.passModel(self._scaled.lp(is_integer=True)), "passModel")

        def on_check(_kind: object, _text: str, out: Any, into: Any, _data: object) -> None:  # noqa: ANN401 - HiGHS's own
            self._on_dual_bound("running", out.mip_dual_bound, out.mip_node_count)
            into.user_interrupt = self._is_enough()

        _check(highs.setCallback(on_check, None), "setCallback")
        _check(highs.startCallback(cb.HighsCallbackType.kCallbackMipInterrupt), "startCallback")
        highs.run()
        # The status comes first: the dual bound of an infeasible model is inf, and without a root it is -inf.
        ended, info = highs.getModelStatus(), highs.getInfo()
        if ended == HighsModelStatus.kOptimal:
            self._on_dual_bound("optimal", info.mip_dual_bound, info.mip_node_count)
            self._learn(Outcome(is_final=True))
        elif ended in (HighsModelStatus.kTimeLimit, HighsModelStatus.kInterrupt):
            self._on_dual_bound("time_limit", info.mip_dual_bound, info.mip_node_count)
            self._learn(Outcome(is_final=self._is_enough()))
        return ended

    def _on_dual_bound(self, status: str, dual_bound: float, num_nodes: int) -> None:
        """Report a dual bound of the solver as believed, rounded to the safe side."""
        if not np.isfinite(dual_bound):
            return
        ticks = self._scaled.ticks(dual_bound, self._step)
        if self._model.threshold is not None:
            ticks = min(ticks, self._model.threshold)
        testimony = Testimony(status=status, dual_bound=dual_bound, lower_bound=ticks)
        self._learn(Outcome(testimony=testimony, num_nodes=max(0, num_nodes)))


@final
@dataclass(frozen=True, slots=True)
class _Scaled:
    """A model in floats: costs scaled so that the threshold is 100, every rounding on the safe side."""

    model: Model
    ticks_per_unit: float
    value: NDArray[np.float64]
    bound: NDArray[np.float64]
    upper: NDArray[np.float64]

    @classmethod
    def of(cls, model: Model) -> _Scaled:
        kind = model.kind
        is_pure = np.isin(kind, [KINDS.index(name) for name in PURE])
        is_bytes = np.isin(kind, [KINDS.index(name) for name in BYTES])
        length = np.diff(model.start)
        row = np.repeat(np.arange(model.num_rows), length)
        ticks = (model.threshold or _largest(model, ~is_pure & ~is_bytes)) / _SCALE
        size = _largest(model, is_bytes) / _SCALE
        of_row = np.where(is_pure, 1.0, ticks * model.parts)
        of_row[is_bytes] = size
        of_column = np.where(model.is_integer, 1.0, np.where(model.is_bytes, size, ticks))
        value = model.value / of_row[row] * of_column[model.column]
        bound = np.where(is_pure, model.bound, model.bound / of_row - _MARGIN)
        upper = model.upper / of_column
        # The right side is lowered by the most that the left side loses; if that is a part of t, the row has no effect.
        kept = np.where(np.abs(value) <= _SMALLEST, 0.0, np.clip(value, -_LARGEST, _LARGEST))
        lost = np.flatnonzero(value > kept)
        np.subtract.at(bound, row[lost], (value[lost] - kept[lost]) * upper[model.column[lost]])
        value = kept
        upper[0] = np.inf
        return cls(model=model, ticks_per_unit=ticks, value=value, bound=bound, upper=upper)

    @property
    def unit(self) -> int:
        """Ticks of 1, for the rows without costs."""
        return max(1, round(self.ticks_per_unit))

    def ticks(self, dual_bound: float, step: int) -> int:
        """Give a dual bound in ticks, rounded so that it is certainly valid."""
        believed = Fraction(dual_bound) * Fraction(self.ticks_per_unit) * _CREDIT
        return max(0, -(-believed // step) * step)

    def lp(self, *, is_integer: bool) -> HighsLp:
        """Give the model as HiGHS takes it, in one piece."""
        model, upper = self.model, self.upper.copy()
        if is_integer and model.threshold:
            # A cut-off; the partition that gave the threshold stays inside.
            upper[0] = _SCALE * (1 + 1e-6)
        lp = HighsLp()
        lp.num_col_, lp.num_row_ = model.num_columns, model.num_rows
        cost = np.zeros(model.num_columns)
        cost[0] = 1.0
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(model.num_columns), upper
        lp.row_lower_, lp.row_upper_ = self.bound, np.full(model.num_rows, np.inf)
        lp.a_matrix_.format_ = MatrixFormat.kRowwise
        lp.a_matrix_.start_ = model.start.astype(np.int32)
        lp.a_matrix_.index_ = model.column.astype(np.int32)
        lp.a_matrix_.value_ = self.value
        if is_integer:
            kinds = (HighsVarType.kContinuous, HighsVarType.kInteger)
            lp.integrality_ = [kinds[flag] for flag in model.is_integer.tolist()]
        return lp


def _largest(model: Model, rows: NDArray[np.bool_]) -> float:
    """Give the largest number in some rows, at least 1."""
    kept = np.repeat(rows, np.diff(model.start))
    largest = np.abs(model.value[kept]).max(initial=1)
    return float(max(largest, np.abs(model.bound[rows]).max(initial=1)))


def _check(status: HighsStatus, call: str) -> None:
    """Raise on an error status of HiGHS: that is an error of this package, never of the user."""
    if status == HighsStatus.kError:
        raise RuntimeError(f"HiGHS refused {call}")


@final
class PackingProgram:
    """The linear program of packings: node weights in [0, 1] of largest sum such that no block weighs more than 1.

    Blocks become rows when they have weighed too much: of a thousand, some dozens. It takes milliseconds, in the
    process of the caller.

    Parameters
    ----------
    num_nodes
        The number of nodes.
    params
        Limits of the solver.
    """

    def __init__(self, num_nodes: int, params: PackingParams) -> None:
        self._new_rows = params.new_rows
        self._highs = Highs()  # type: ignore[no-untyped-call] # its stubs are partial
        self._highs.disableCallbacks()  # type: ignore[no-untyped-call] # likewise
        options = {"output_flag": False, "threads": 1, "simplex_iteration_limit": params.max_iterations}
        for name, value in options.items():
            _check(self._highs.setOptionValue(name, value), name)
        lp = HighsLp()
        lp.num_col_, lp.num_row_ = num_nodes, 0
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = -np.ones(num_nodes), np.zeros(num_nodes), np.ones(num_nodes)
        _check(self._highs.passModel(lp), "passModel")
        self._nodes: NDArray[np.int64] = np.zeros(0, np.int64)
        self._starts: NDArray[np.int64] = np.zeros(0, np.int64)
        self._is_row: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.size = 0
        """How many nodes all rows have together."""

    def add(self, blocks: Sequence[Sequence[int]]) -> None:
        """Add blocks that are not empty."""
        if not blocks:
            return
        nodes = np.array([node for block in blocks for node in block], np.int64)
        starts = np.cumsum([0, *(len(block) for block in blocks[:-1])], dtype=np.int64)
        self._starts = np.concatenate([self._starts, starts + len(self._nodes)])
        self._nodes = np.concatenate([self._nodes, nodes])
        self._is_row = np.concatenate([self._is_row, np.zeros(len(blocks), np.bool_)])

    def solve(self) -> NDArray[np.float64] | None:
        """Give the weights; None if the solver failed."""
        while True:
            self._highs.run()
            if self._highs.getModelStatus() != HighsModelStatus.kOptimal:
                return None
            weights: NDArray[np.float64] = np.clip(np.array(self._highs.getSolution().col_value), 0.0, 1.0)
            excess = np.where(self._is_row, 0.0, self._sums(weights) - 1.0)
            heaviest = np.argsort(-excess, kind="stable")[: self._new_rows]
            heaviest = heaviest[excess[heaviest] > _TOLERANCE]
            if not len(heaviest):
                return weights
            self._take(np.sort(heaviest))

    def _take(self, places: NDArray[np.int64]) -> None:
        ends = np.append(self._starts, len(self._nodes))
        rows = [self._nodes[ends[place] : ends[place + 1]] for place in places]
        nodes, starts = np.concatenate(rows), np.cumsum([0, *(len(row) for row in rows[:-1])])
        least, most, ones = np.full(len(rows), -np.inf), np.ones(len(rows)), np.ones(len(nodes))
        arrays = (len(nodes), starts.astype(np.int32), nodes.astype(np.int32), ones)
        _check(self._highs.addRows(len(rows), least, most, *arrays), "addRows")
        self._is_row[places] = True
        self.size += len(nodes)

    def _sums(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.add.reduceat(weights[self._nodes], self._starts) if len(self._starts) else np.zeros(0)

    def largest(self, weights: NDArray[np.float64]) -> float:
        """Give the weight of the heaviest block that was added, or of the heaviest node."""
        return float(max(weights.max(), self._sums(weights).max(initial=0.0)))

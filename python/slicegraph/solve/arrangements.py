"""A run that also chooses the order of the devices: all orders share one incumbent, the most promising order first.

An order is closed when no partition on it is better than the incumbent. Each order has a short turn of the exact
solver first, which closes most; the open ones then have runs of their own, in rounds of equal and growing shares of the
time. The lower bound is the least over all orders. When there are too many orders, a local search exchanges two devices
at a time, and the bound is the combinatorial one, which holds for any order.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import ProofState
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.downsets import close_in
from slicegraph.constraints import UnmetError
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.evidence.arrangement import ARRANGEMENTS, Arrangement
from slicegraph.evidence.bound import Bound
from slicegraph.evidence.claims import DownsetSearch, MergeLog
from slicegraph.history import Row, add_row
from slicegraph.machine import Machine, make_machine
from slicegraph.solve.given import METHODS, solve_given
from slicegraph.solve.params import ArrangementParams
from slicegraph.solve.start import first_partition
from slicegraph.solve.task import Ended, Task
from slicegraph.stop import Progress, Stop

MOST_ARRANGEMENTS = 512
"""Orders of devices that are all solved; of more, only some are looked at."""


def solve_any(question: Instance, task: Task) -> Ended:
    """Solve a problem with its devices in any order.

    Parameters
    ----------
    question
        The problem.
    task
        What is asked.
    """
    board = _Board(question, task)
    try:
        board.run()
    except KeyboardInterrupt:
        board.is_interrupted = True
    return board.ended()


@dataclass(kw_only=True, slots=True, eq=False)
class _Order:
    """One order of the devices, with its bounds and its best partition."""

    instance: Instance
    bounds: dict[str, Bound]
    start: NDArray[np.int32] | None = None
    start_ticks: int = ALL_TICKS
    known: ProofState = dataclasses.field(default_factory=ProofState)

    @property
    def lower_bound(self) -> int:
        return max(bound.ticks for bound in self.bounds.values())

    def keep(self, bound: Bound) -> None:
        """Take a bound if it is the best of its method."""
        best = self.bounds.get(bound.method)
        if best is None or bound.ticks > best.ticks:
            self.bounds[bound.method] = bound


@dataclass(frozen=True, slots=True)
class _Share(Stop):
    """The stop of a run on one order: that of the whole run, or the end of its share of time or work."""

    ends: Callable[[Progress], bool]
    seconds: float
    most: int | None

    @property
    def work(self) -> int | None:
        return self.most

    def __call__(self, progress: Progress) -> bool:
        is_used = progress.seconds >= self.seconds or (self.most is not None and progress.work >= self.most)
        return self.ends(progress) or is_used


@final
class _Board:
    """All orders, the incumbent, and the progress that is reported."""

    def __init__(self, question: Instance, task: Task) -> None:
        self._question, self._task, self._begin = question, task, time.monotonic()
        self._params = ArrangementParams()
        self._ordinary = combinatorial(question)
        self._is_complete = question.num_arrangements <= MOST_ARRANGEMENTS
        self.orders: list[_Order] = []
        self.unmet: list[Machine] = []
        self.best: tuple[int, NDArray[np.int32] | None] = ALL_TICKS, None
        self.instance = question
        self.evaluations = self.work = 0
        self.rows: list[Row] = []
        self.is_interrupted = self.is_over = False

    def run(self) -> None:
        """Run until the stop holds, or all orders are closed."""
        for machine in self._question.machine.orders() if self._is_complete else self._some():
            self._add(machine)
            if self._ends(self._progress()):
                return
        # The most promising first: its partition is a threshold for the others.
        self.orders.sort(key=lambda order: order.start_ticks)
        if not self._is_complete:
            del self.orders[self._params.most_kept :]
        if "downsets" in METHODS[self._task.method]:
            for order in self._open():
                self._close_in(order)
                if self._ends(self._progress()):
                    return
        seconds = 1.0
        while open_orders := list(self._open()):
            for order in open_orders:
                self._run(order, seconds)
                if self._ends(self._progress()):
                    return
            seconds *= 2

    def ended(self) -> Ended:
        """Give the result."""
        lower_bound = self._lower_bound()
        seconds = time.monotonic() - self._begin
        bounds: tuple[Bound, ...] = (self._ordinary,)
        arrangements: tuple[Arrangement, ...] = ()
        if self._is_complete and lower_bound > self._ordinary.ticks:
            kinds = self._question.machine.kinds
            of_orders = [(order.instance.devices, tuple(order.bounds.values())) for order in self.orders]
            of_orders += [(machine.devices, (self._ordinary, self._unmet())) for machine in self.unmet]
            arrangements = tuple(
                Arrangement(kind_of=tuple(map(kinds.index, devices)), bounds=each) for devices, each in of_orders
            )
            bounds += (self._least(lower_bound, seconds),)
        tick = self._question.tick
        return Ended(
            instance=self.instance,
            block_of=self.best[1],
            bounds=bounds,
            arrangements=arrangements,
            evaluations=self.evaluations,
            work=self.work,
            seconds=seconds,
            history=tuple((when, best * tick, bound * tick) for when, best, bound in self.rows),
            is_interrupted=self.is_interrupted,
        )

    def _least(self, lower_bound: int, seconds: float) -> Bound:
        """Give the bound that all orders have in common."""
        is_final = lower_bound >= self.best[0]
        return Bound(
            method=ARRANGEMENTS,
            ticks=lower_bound,
            tick=self._question.tick,
            seconds=seconds,
            status="optimal" if is_final else "time_limit",
            verified=self._ordinary.ticks,
        )

    def _lower_bound(self) -> int:
        """Give the lower bound over all orders, up to the incumbent's bottleneck."""
        if not self._is_complete or len(self.orders) + len(self.unmet) < self._question.num_arrangements:
            return self._ordinary.ticks
        least = min((order.lower_bound for order in self.orders), default=ALL_TICKS)
        return min(least, self.best[0])

    def _progress(self, order: _Order | None = None, progress: Progress | None = None) -> Progress:
        """Give the progress of the whole run, given that of one order."""
        lower_bound, best = self._lower_bound(), self.best[0]
        evaluations, work = self.evaluations, self.work
        if order is not None and progress is not None:
            evaluations, work = evaluations + progress.evaluations, work + progress.work
            if not math.isinf(progress.bottleneck):
                best = min(best, round(progress.bottleneck / self._question.tick))
        add_row(self.rows, time.monotonic() - self._begin, best, lower_bound)
        return Progress(
            seconds=time.monotonic() - self._begin,
            bottleneck=self._question.seconds(best),
            lower_bound=self._question.seconds(lower_bound),
            evaluations=evaluations,
            work=work,
        )

    def _ends(self, progress: Progress) -> bool:
        is_met = progress.bottleneck <= progress.lower_bound and self._is_complete
        self.is_over |= self._task.show(progress) or bool(self._task.stop(progress)) or is_met
        return self.is_over

    def _open(self) -> Iterator[_Order]:
        """Give the open orders: those on which there may be a better partition."""
        return (order for order in self.orders if order.lower_bound < self.best[0])

    def _improve(self, order: _Order, block_of: NDArray[np.int32] | None, ticks: int | None) -> None:
        if block_of is not None and ticks is not None and ticks < self.best[0]:
            self.best, self.instance = (ticks, block_of), order.instance

    def _add(self, machine: Machine) -> int:
        """Add an order of the devices, with a first partition; give its bottleneck in ticks."""
        try:
            instance = self._question.in_order(machine)
        except UnmetError:
            self.unmet.append(machine)
            return ALL_TICKS
        order = _Order(instance=instance, bounds={"combinatorial": self._ordinary})
        self.orders.append(order)
        found = first_partition(instance)
        if found is not None:
            order.start, order.start_ticks = found
            self._improve(order, *found)
        return order.start_ticks

    def _close_in(self, order: _Order) -> None:
        """Run a short turn of the exact solver on an order."""
        begin, task = time.monotonic(), self._task

        def poll(lower_bound: int, best: int) -> bool:
            seconds = self._question.seconds
            progress = Progress(
                seconds=0.0, bottleneck=seconds(best), lower_bound=seconds(lower_bound), evaluations=0, work=0
            )
            is_used = task.stop.work is None and time.monotonic() >= begin + self._params.quick_seconds
            return is_used or self._ends(self._progress(order, progress))

        closing = close_in(
            order.instance,
            lower_bound=order.lower_bound,
            bottleneck=None if self.best[1] is None else self.best[0],
            threads=task.threads,
            work=self._params.quick_work,
            state=order.known,
            poll=poll,
        )
        self.work += closing.work
        order.keep(closing.bound)
        self._improve(order, closing.block_of, closing.bottleneck)
        if closing.is_interrupted:
            raise KeyboardInterrupt

    def _run(self, order: _Order, seconds: float) -> None:
        """Run search and proofs on one order for some seconds."""
        task, known = self._task, None if self.best[1] is None else self.best[0]
        most = None
        if task.stop.work is not None:
            left = max(1, task.stop.work - self.work)
            most = max(1, int(self._params.share * left) // max(1, sum(1 for _ in self._open())))
        share = _Share(lambda progress: self._ends(self._progress(order, progress)), seconds, most)
        own = dataclasses.replace(task, stop=share, show=lambda _: False)
        ended = solve_given(order.instance, own, order.start, known)
        self.evaluations, self.work = self.evaluations + ended.evaluations, self.work + ended.work
        for bound in ended.bounds:
            order.keep(bound)
        if ended.block_of is not None:
            costs = order.instance.block_costs(ended.block_of)
            self._improve(order, ended.block_of, round(max(block.cost for block in costs) / self._question.tick))
        self.is_interrupted |= ended.is_interrupted
        self.is_over |= ended.is_interrupted

    def _unmet(self) -> Bound:
        """Give the bound of an order in which constraints and devices leave no partition."""
        together = self._question.resolved.together
        merges = tuple(("given", group[0], node) for group in together for node in group[1:])
        return Bound(
            method="downsets",
            ticks=ALL_TICKS,
            tick=self._question.tick,
            seconds=0.0,
            status="optimal",
            verified=self._ordinary.ticks,
            reduction=MergeLog(threshold=ALL_TICKS, merges=merges) if merges else None,
            downsets=DownsetSearch(threshold=ALL_TICKS, downsets=0, transitions=0),
        )

    def _some(self) -> Iterator[Machine]:
        """Give some orders of many: each exchanges two devices of the best so far, by its first partition."""
        machine = next(self._question.machine.orders())
        random = np.random.default_rng(self._task.seed)
        best, best_ticks = machine, ALL_TICKS
        for _ in range(self._params.most_tried):
            yield machine
            if not self.orders or self.orders[-1].start_ticks <= best_ticks:
                best, best_ticks = machine, self.orders[-1].start_ticks if self.orders else ALL_TICKS
            devices = list(best.devices)
            one, other = random.choice(len(devices), 2, replace=False)
            devices[one], devices[other] = devices[other], devices[one]
            machine = make_machine(devices)

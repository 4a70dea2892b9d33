"""How many stages? The answers for several numbers of them, each with its proof, at little more than one's cost."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from slicegraph import checks
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.curve import Curve, Partition, Sweep, SweepRow, check_target, left_out, next_blocks, status_of
from slicegraph.device import Device
from slicegraph.errors import InputError
from slicegraph.graph import Graph
from slicegraph.machine import MAX_BLOCKS
from slicegraph.result import NEGLIGIBLE_GAP, Status
from slicegraph.search import thread_count
from slicegraph.solve.solve import solve
from slicegraph.stop import Progress, Stop, relative_gap

_GROWTH = 4
"""Factor by which the time for one number of stages grows when all have had theirs, as the turns of `solve`."""
_PATIENCE = 2.0
"""Seconds that answers which an executor has begun may come after the time is over."""
_NOTHING = np.empty(0, np.int32)
_NOTHING.flags.writeable = False


def sweep(
    graph: Graph,
    *,
    device: Device | None = None,
    num_blocks: Iterable[int] = range(1, 65),
    boundary_io: bool = False,
    target: float | None = None,
    time_limit: float = 60.0,
    max_gap: float = 0.0,
    seed: int = 0,
    threads: int | None = None,
    executor: Executor | None = None,
    known: Sweep | None = None,
    callback: Callable[[Sweep], object] | None = None,
    display: bool = False,
) -> Sweep:
    """Partition a graph into several numbers of stages, and bound from below what any partition costs.

    A partition into fewer stages is one into more, and a bound on partitions into more stages holds for fewer; so each
    number is solved with the news of all others, and those between two with the same answer are not solved at all. The
    largest number comes first, then the middle of the longest run without an answer.

    Parameters
    ----------
    graph
        What to cut.
    device
        What runs each stage. None: the device that the graph's file names.
    num_blocks
        Whole numbers of stages; each is a row, in ascending order.
    boundary_io
        As of an `Instance`.
    target
        Seconds that the slowest stage may take. When the rows are done, what time is left goes to numbers between rows,
        until it is proven how many stages reach it: see `Sweep.fewest`.
    time_limit
        Seconds of the whole call. Each number without an answer has an equal share of what is left.
    max_gap
        A row is done when its gap is proven to be within it; 0 asks for the optimum.
    seed, threads
        As of `solve`.
    executor
        Where numbers are solved, several at once: any `concurrent.futures.Executor`, such as a thread or process pool,
        or a dask client's ``get_executor()``. What it runs when the time is over ends there by itself, also after
        Ctrl-C. None: one after the other, here.
    known
        An earlier sweep of the same problem; what it knows is not computed again.
    callback
        Called with the sweep so far after each number that was solved.
    display
        As of `solve`.

    Returns
    -------
    Sweep
        Also after Ctrl-C, with the rows as far as they are known.

    Raises
    ------
    InputError
        When a parameter is out of range.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[2, 2, 2], producer=[0, 1], size=[0, 0], consumers=[1, 2], consumer_offsets=[0, 1, 2])
    >>> result = sg.sweep(graph, device=sg.Device(bandwidth=64), num_blocks=range(1, 9))
    >>> [row.bottleneck for row in result.rows]
    [6.0, 4.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    >>> result.rows[-1].stages_used, result.fewest(4.0).fewest, result.fewest(4.0).is_proven
    (3, 2, True)
    """
    checks.instance_of("graph", graph, Graph)
    numbers = _numbers(num_blocks)
    single = Instance(graph, device=device, num_blocks=1, boundary_io=boundary_io)
    limit = checks.number(f"time_limit = {time_limit!r:.80}", time_limit, "seconds are not negative")
    gap = checks.number(f"max_gap = {max_gap!r:.80}", max_gap, "a gap is from 0 to 1", most=1.0)
    checks.whole("seed", seed, 0, 2**64 - 1)
    thread_count(threads)
    checks.flag("display", display)
    if executor is not None:
        checks.instance_of("executor", executor, Executor)
    if callback is not None and not callable(callback):
        raise InputError(f"callback = {callback!r:.80}, but it is called with the sweep so far")
    run = _Run(
        single=single,
        numbers=numbers,
        target=None if target is None else check_target(target),
        time_limit=limit,
        max_gap=gap,
        options={"seed": seed, "threads": threads, "display": display},
        callback=callback,
    )
    if known is not None:
        run.learn(checks.instance_of("known", known, Sweep))
    try:
        run.solve_all(executor)
    except KeyboardInterrupt:
        run.is_interrupted = True
    return run.result()


def _numbers(num_blocks: Iterable[int]) -> tuple[int, ...]:
    """Give the numbers of stages that are asked for, in ascending order and each once."""
    try:
        some = list(itertools.islice(iter(num_blocks), MAX_BLOCKS + 1))
    except TypeError:
        some = []
    if not some:
        raise InputError(f"num_blocks = {num_blocks!r:.80}, but it is one or more numbers of stages")
    return tuple(sorted({checks.whole("num_blocks", number, 1, MAX_BLOCKS) for number in some}))


@dataclass(frozen=True, kw_only=True, slots=True)
class _News(Stop):
    """Ends a run by what is known elsewhere together with its own progress; costs are in seconds."""

    bottleneck: float
    lower_bound: float
    seconds: float
    until: float
    max_gap: float
    target: float | None

    def __call__(self, progress: Progress) -> bool:
        # What an executor begins late ends early: by the clock on the wall, which other processes have, too.
        if progress.seconds >= self.seconds or time.time() >= self.until:
            return True
        bottleneck = min(progress.bottleneck, self.bottleneck)
        lower_bound = max(progress.lower_bound, self.lower_bound)
        if self.target is not None:
            return bottleneck <= self.target or lower_bound > self.target
        return relative_gap(bottleneck, lower_bound) <= self.max_gap


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """What solving one number of blocks has given; its bottleneck and bound are in ticks."""

    num_blocks: int
    block_of: NDArray[np.int32]
    bottleneck: int
    lower_bound: int
    seconds: float
    is_interrupted: bool


def _is_full(running: Iterable[Future[_Answer]]) -> bool:
    """Whether more wait than run, of an executor that says what runs: news would come too late for those."""
    num_running = sum(future.running() for future in running)
    return 0 < num_running < sum(not future.running() and not future.done() for future in running)


def _answer(instance: Instance, stop: Stop, options: dict[str, Any]) -> _Answer:
    """Solve one number of blocks: what an executor runs."""
    begin = time.perf_counter()
    result = solve(instance, stop=stop, **options)
    return _Answer(
        num_blocks=instance.num_blocks,
        block_of=result.block_of,
        bottleneck=round(result.bottleneck / instance.tick) if result.block_of.size else ALL_TICKS,
        lower_bound=max(bound.ticks for bound in result.bounds),
        seconds=time.perf_counter() - begin,
        is_interrupted=result.status is Status.INTERRUPTED,
    )


@final
class _Run:
    """What is known, what is asked for next, and for how long."""

    def __init__(
        self,
        *,
        single: Instance,
        numbers: tuple[int, ...],
        target: float | None,
        time_limit: float,
        max_gap: float,
        options: dict[str, Any],
        callback: Callable[[Sweep], object] | None,
    ) -> None:
        self._single, self._numbers, self._target, self._max_gap = single, numbers, target, max_gap
        self._options, self._callback = options, callback
        self._begin = time.monotonic()
        self._end = self._begin + time_limit
        self._curve = Curve(single.graph.num_nodes)
        self._taken: set[int] = set()
        self._done: set[int] = set()
        self._round = 0
        self.is_interrupted = False
        (whole,) = single.block_costs(np.zeros(single.graph.num_nodes, np.int64))
        self._one_stage = whole.cost
        ticks = ALL_TICKS if math.isinf(whole.cost) else round(whole.cost / single.tick)
        self._curve.add_bound(1, ticks)
        self._add_partition(np.zeros(single.graph.num_nodes, np.int32), ticks)

    def learn(self, known: Sweep) -> None:
        """Take what an earlier sweep knows."""
        mine = self._single.graph.digest, self._single.device, self._single.boundary_io
        if mine != (known.graph.digest, known.device, known.boundary_io):
            raise InputError("known: a sweep of another graph, another device or another boundary_io")
        self._curve.learn(known.curve)
        self._curve.check()

    def solve_all(self, executor: Executor | None) -> None:
        """Solve until all is known or the time is over."""
        if executor is not None:
            self._solve_on(executor)
            return
        while not self.is_interrupted and (number := self._next()) is not None:
            self._on_answer(_answer(*self._task(number)))

    def _solve_on(self, executor: Executor) -> None:
        """Solve several numbers at once: one first, as many are often known with it, and one more after each answer."""
        running: dict[Future[_Answer], int] = {}
        num_heard = 0
        try:
            while not self.is_interrupted:
                while len(running) <= num_heard and not _is_full(running):
                    number = self._next(is_waiting=bool(running))
                    if number is None:
                        break
                    running[executor.submit(_answer, *self._task(number))] = number
                ended, _ = wait(running, timeout=max(0.0, self._left) + _PATIENCE, return_when=FIRST_COMPLETED)
                if not ended:
                    return
                for future in ended:
                    del running[future]
                    self._on_answer(future.result())
                num_heard += len(ended)
                for future in [future for future, number in running.items() if self._is_needless(number)]:
                    if future.cancel():
                        del running[future]
        finally:
            for future in running:
                future.cancel()

    @property
    def _left(self) -> float:
        return self._end - time.monotonic()

    def _is_done(self, number: int) -> bool:
        """Whether there is nothing more to ask about a row; a gap as good as none is asked for once."""
        if number in self._done:
            return True
        negligible = NEGLIGIBLE_GAP if number in self._curve.seconds else 0.0
        is_done = self._curve.gap(number) <= max(self._max_gap, negligible)
        if is_done:
            # News makes no gap larger.
            self._done.add(number)
        return is_done

    def _is_needless(self, number: int) -> bool:
        """Whether the news of others has answered what is asked of a number, or the time is over."""
        if self._left <= 0:
            return True
        return number not in self._undecided() and (number not in self._numbers or self._is_done(number))

    def _next(self, *, is_waiting: bool = False) -> int | None:
        """Give the number to solve next; None: there is none, until what is awaited is heard or for good."""
        while self._left > 0:
            number = next_blocks(self._numbers, self._open())
            if number is None and all(self._is_done(each) for each in self._numbers):
                number = self._next_for_target()
                if number is None and not self._undecided():
                    return None
            if number is not None:
                self._taken.add(number)
                return number
            if is_waiting:
                return None
            self._taken.clear()
            self._round += 1
        return None

    def _open(self) -> list[bool]:
        """Say of each row whether it is to be asked for in this round; every other one leaves some out."""
        some = [number for number in self._numbers if number in self._taken or not self._is_done(number)]
        if self._round % 2 == 0:
            partitions = [self._curve.partition(number) for number in some]
            is_left_out = left_out(partitions, [number in self._taken for number in some])
        else:
            is_left_out = [False] * len(some)
        is_open = {
            number for number, left in zip(some, is_left_out, strict=True) if not (left or number in self._taken)
        }
        return [number in is_open and number not in self._done for number in self._numbers]

    def _undecided(self) -> range:
        """Give the numbers of which it is not known whether they reach the target, and that matter."""
        if self._target is None:
            return range(0)
        too_few, enough = self._curve.window(self._target / self._single.tick, self._numbers[-1])
        return range(too_few + 1, enough)

    def _next_for_target(self) -> int | None:
        undecided = self._undecided()
        middle = undecided.start + len(undecided) // 2
        rest = (number for number in undecided if number not in self._taken)
        return min(rest, key=lambda number: abs(number - middle), default=None)

    def _task(self, number: int) -> tuple[Instance, Stop, dict[str, Any]]:
        """Give what `_answer` takes, with an equal share of the time that is left."""
        single, curve = self._single, self._curve
        instance = Instance(single.graph, device=single.device, num_blocks=number, boundary_io=single.boundary_io)
        partition = curve.partition(number)
        num_open = sum(each not in self._taken and not self._is_done(each) for each in self._numbers)
        num_shares = num_open + 1 + (self._target is not None and bool(num_open))
        left = max(0.0, self._left)
        is_for_target = self._target is not None and all(self._is_done(each) for each in self._numbers)
        stop = _News(
            bottleneck=instance.seconds(None if partition is None else partition.ticks),
            lower_bound=instance.seconds(curve.bound(number)[1]),
            seconds=min(left, _GROWTH**self._round * left / num_shares),
            until=time.time() + left,
            max_gap=self._max_gap,
            target=self._target if is_for_target else None,
        )
        warm_start = None if partition is None else partition.block_of
        return instance, stop, {**self._options, "warm_start": warm_start}

    def _on_answer(self, answer: _Answer) -> None:
        """Take an answer."""
        self._add_partition(answer.block_of, answer.bottleneck)
        self._curve.add_bound(answer.num_blocks, answer.lower_bound)
        self._curve.check()
        seconds = self._curve.seconds
        seconds[answer.num_blocks] = seconds.get(answer.num_blocks, 0.0) + answer.seconds
        self.is_interrupted = self.is_interrupted or answer.is_interrupted
        if self._callback is not None:
            self._callback(self.result())

    def _add_partition(self, block_of: NDArray[np.int32], ticks: int) -> None:
        if ticks < ALL_TICKS:
            block_of = checks.read_only(block_of.copy())
            self._curve.add_partition(Partition(block_of=block_of, stages=int(block_of.max()) + 1, ticks=ticks))

    def result(self) -> Sweep:
        """Give the sweep as far as it is known."""
        single = self._single
        return Sweep(
            graph=single.graph,
            device=single.device,
            boundary_io=single.boundary_io,
            rows=tuple(self._row(number) for number in self._numbers),
            one_stage=self._one_stage,
            seconds=time.monotonic() - self._begin,
            is_interrupted=self.is_interrupted,
            tick=single.tick,
            curve=self._curve,
        )

    def _row(self, number: int) -> SweepRow:
        partition, (bound_of, ticks) = self._curve.partition(number), self._curve.bound(number)
        return SweepRow(
            num_blocks=number,
            status=status_of(self._curve, number, max_gap=self._max_gap, is_interrupted=self.is_interrupted),
            block_of=_NOTHING if partition is None else partition.block_of,
            stages_used=0 if partition is None else partition.stages,
            bottleneck=self._single.seconds(None if partition is None else partition.ticks),
            lower_bound=self._single.seconds(ticks),
            bound_of=bound_of,
            seconds=self._curve.seconds.get(number, 0.0),
        )

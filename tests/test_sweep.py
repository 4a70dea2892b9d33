"""Answers for several numbers of stages, against brute force for each."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import onnx
import pytest
from hypothesis import given, settings

import slicegraph as sg
from questions import Question, light_questions, questions
from strategies import CHAIN, grid, to_graph

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def chain(works: list[float]) -> sg.Graph:
    """Nodes in a row with nothing to communicate."""
    last = len(works) - 1
    return sg.Graph(
        work=works,
        producer=range(last),
        size=[0] * last,
        consumers=range(1, last + 1),
        consumer_offsets=range(last + 1),
    )


class Counting(Executor):
    """Runs what is submitted at once, and counts it."""

    def __init__(self) -> None:
        self.num_run = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        self.num_run += 1
        return future


@given(light_questions(max_nodes=5) | questions())
@settings(max_examples=120)
def test_every_row_is_the_optimum_of_its_number_of_stages(question: Question) -> None:
    """Brute force over all partitions of each number; the fewest stages that reach a target are its own, proven."""
    most = len(question.ticks.work) + 1
    optima = [dataclasses.replace(question, num_blocks=number).optimum() for number in range(1, most + 1)]
    graph, device = question.instance.graph, question.instance.device
    result = sg.sweep(graph, device=device, boundary_io=question.boundary_io, num_blocks=range(1, most + 1), threads=1)
    seconds = [optimum * question.ticks.tick for optimum in optima]
    assert [row.bottleneck for row in result.rows] == seconds
    assert [row.lower_bound for row in result.rows] == seconds
    for row, optimum in zip(result.rows, optima, strict=True):
        assert row.status is (sg.Status.INFEASIBLE if math.isinf(optimum) else sg.Status.OPTIMAL)
        assert row.stages_used == (0 if math.isinf(optimum) else optima.index(optimum) + 1)
        if row.stages_used:
            instance = sg.Instance(graph, device=device, num_blocks=row.num_blocks, boundary_io=question.boundary_io)
            assert max(block.cost for block in instance.block_costs(row.block_of)) == row.bottleneck
    finite = sorted({value for value in seconds if 0 < value < math.inf})
    for target in [*finite, *(0.999 * value for value in finite), *(1.001 * value for value in finite)]:
        found = result.fewest(target)
        expected = next((number for number, value in enumerate(seconds, start=1) if value <= target), None)
        assert (found.fewest, found.is_proven) == (expected, True)


@given(light_questions(max_nodes=5))
@settings(max_examples=60)
def test_a_target_is_settled_between_rows(question: Question) -> None:
    """Two rows alone; the numbers between them are solved as far as the target asks for it."""
    most = len(question.ticks.work) + 1
    optima = [dataclasses.replace(question, num_blocks=number).optimum() for number in range(1, most + 1)]
    graph, device = question.instance.graph, question.instance.device
    for optimum in {optimum for optimum in optima if 0 < optimum < math.inf}:
        target = optimum * question.ticks.tick
        result = sg.sweep(
            graph, device=device, boundary_io=question.boundary_io, num_blocks=[1, most], target=target, threads=1
        )
        assert [row.num_blocks for row in result.rows] == [1, most]
        found = result.fewest(target)
        assert (found.fewest, found.is_proven) == (optima.index(optimum) + 1, True)


@pytest.mark.parametrize("model", sorted(LIGHT.glob("*.onnx")), ids=lambda path: path.stem)
def test_every_row_of_a_real_network_is_proven(model: Path) -> None:
    """From 1 to 64 stages; only numbers of stages that are all used, and the largest, have been solved."""
    result = sg.sweep(sg.read(model), device=sg.Device.preset("testbed"), num_blocks=range(1, 65), time_limit=300)
    assert {row.status for row in result.rows} == {sg.Status.OPTIMAL}
    for row, after in itertools.pairwise(result.rows):
        assert after.bottleneck <= row.bottleneck
        assert after.stages_used >= row.stages_used
    solved = [row.num_blocks for row in result.rows if row.seconds]
    assert solved[:-1] == [number for number in solved[:-1] if number <= result.rows[-1].stages_used]
    assert solved[-1] == 64


def test_numbers_between_two_with_the_same_answer_are_not_solved() -> None:
    """Two nodes are two stages at most, so that one solve answers for all numbers."""
    calls = list[sg.Sweep]()
    result = sg.sweep(
        chain([2, 2]), device=sg.Device(bandwidth=1), num_blocks=range(1, 1000), callback=calls.append, threads=1
    )
    assert len(calls) == 1
    assert [row.bottleneck for row in result.rows] == [4.0] + [2.0] * 998
    assert (result.rows[5].bound_of, result.rows[5].stages_used) == (999, 2)
    assert (result.speedup(result.rows[5]), result.efficiency(result.rows[5])) == (2.0, 1.0)


def test_the_same_rows_come_from_any_executor() -> None:
    graph, device = sg.read(LIGHT / "light_squeezenet.onnx"), sg.Device.preset("testbed")
    expected = [(row.bottleneck, row.lower_bound) for row in sg.sweep(graph, device=device).rows]
    counting = Counting()
    processes = ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    with counting, ThreadPoolExecutor(2) as threads, processes:
        for executor in (counting, threads, processes):
            result = sg.sweep(graph, device=device, executor=executor, threads=1)
            assert [(row.bottleneck, row.lower_bound) for row in result.rows] == expected
    assert counting.num_run <= 8


class Idle(Executor):
    """Keeps what is submitted, and runs nothing."""

    def __init__(self) -> None:
        self.futures = list[Future[Any]]()

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


def test_an_executor_that_runs_nothing_is_not_waited_for() -> None:
    """When the time is over, what it has not begun is cancelled."""
    idle = Idle()
    graph, device = chain([2, 2]), sg.Device(bandwidth=1)
    result = sg.sweep(graph, device=device, num_blocks=[1, 2], time_limit=0.1, executor=idle)
    assert [str(row.status) for row in result.rows] == ["optimal", "time_limit"]
    assert [future.cancelled() for future in idle.futures] == [True]


def test_what_is_known_is_not_computed_again() -> None:
    """Rows and seconds are the earlier ones; other numbers of stages have the news of all."""
    graph, device = chain([5, 1, 4, 2, 3, 1]), sg.Device(bandwidth=1)
    first = sg.sweep(graph, device=device, num_blocks=range(1, 7), threads=1)
    calls = list[sg.Sweep]()
    again = sg.sweep(graph, device=device, num_blocks=range(1, 9), known=first, callback=calls.append, threads=1)
    assert not calls
    assert [row.seconds for row in again.rows[:6]] == [row.seconds for row in first.rows]
    assert [row.bottleneck for row in again.rows] == [16.0, 10.0, 6.0, 5.0, 5.0, 5.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("device", "boundary_io"), [(sg.Device(bandwidth=2.0), False), (sg.Device(bandwidth=1.0), True)]
)
def test_what_is_known_of_another_problem_is_refused(device: sg.Device, boundary_io: bool) -> None:
    known = sg.sweep(chain([1, 2]), device=sg.Device(bandwidth=1.0), num_blocks=[2], threads=1)
    with pytest.raises(sg.InputError, match="known: a sweep of another graph, another device or another boundary_io"):
        sg.sweep(chain([1, 2]), device=device, boundary_io=boundary_io, num_blocks=[2], known=known)
    with pytest.raises(sg.InputError, match="known: a sweep of another graph"):
        sg.sweep(chain([1, 3]), device=sg.Device(bandwidth=1.0), num_blocks=[2], known=known)


def test_ctrl_c_gives_the_rows_so_far() -> None:
    """The largest number is known, and with it a bound for all."""

    def interrupt(_: sg.Sweep) -> None:
        raise KeyboardInterrupt

    result = sg.sweep(
        chain([5, 1, 4, 2, 3, 1]), device=sg.Device(bandwidth=1), num_blocks=range(1, 5), callback=interrupt, threads=1
    )
    assert result.is_interrupted
    assert [str(row.status) for row in result.rows] == ["optimal", "interrupted", "interrupted", "optimal"]
    assert [row.bottleneck for row in result.rows] == [16.0, 16.0, 16.0, 5.0]
    assert [row.lower_bound for row in result.rows] == [16.0, 5.0, 5.0, 5.0]


def test_time_is_shared_and_kept() -> None:
    """A graph too wide to be solved in a second: the largest row is begun, and none is worse than one before it."""
    graph, device = to_graph(grid(24)), sg.Device(bandwidth=3)
    result = sg.sweep(graph, device=device, num_blocks=range(1, 7), time_limit=1, threads=1)
    assert result.rows[-1].seconds > 0
    assert result.rows[-1].status is sg.Status.TIME_LIMIT
    for row, after in itertools.pairwise(result.rows):
        assert after.bottleneck <= row.bottleneck
        assert after.lower_bound <= row.lower_bound
    nothing = sg.sweep(graph, device=device, num_blocks=[1, 4], time_limit=0)
    assert [row.bottleneck for row in nothing.rows] == [576.0, 576.0]
    assert [str(row.status) for row in nothing.rows] == ["optimal", "time_limit"]


def test_a_gap_that_is_asked_for_ends_a_row() -> None:
    """One stage takes 6 s and three 2 s, so that two are within 67 % without being solved."""
    graph, device, calls = chain([2, 2, 2]), sg.Device(bandwidth=1), list[sg.Sweep]()
    known = sg.sweep(graph, device=device, num_blocks=[3], threads=1)
    result = sg.sweep(graph, device=device, num_blocks=[1, 2, 3], max_gap=0.67, known=known, callback=calls.append)
    assert not calls
    assert [str(row.status) for row in result.rows] == ["optimal", "within_gap", "optimal"]
    assert (result.rows[1].bottleneck, result.rows[1].lower_bound, result.rows[1].bound_of) == (6.0, 2.0, 3)


def test_a_sweep_is_shown_in_a_line() -> None:
    """However many rows and nodes it has."""
    result = sg.sweep(to_graph(CHAIN), device=sg.Device(bandwidth=64), num_blocks=range(1, 65), threads=1)
    assert repr(result) == "<Sweep of 'chain': 1 to 64 stages, 64 of 64 rows are proven>"


def test_a_target_that_no_number_reaches_is_proven_so() -> None:
    result = sg.sweep(to_graph(CHAIN), device=sg.Device(bandwidth=64), num_blocks=[1, 2], target=3.0, threads=1)
    found = result.fewest(3.0)
    assert (found.fewest, found.is_proven, found.too_few) == (None, True, 2)


def test_a_target_is_open_where_nothing_is_known() -> None:
    """Without time, one stage is all that there is."""
    graph = to_graph(grid(24))
    result = sg.sweep(graph, device=sg.Device(bandwidth=3), num_blocks=[1, 4], target=200.0, time_limit=0)
    found = result.fewest(200.0)
    assert (found.fewest, found.is_proven, found.too_few) == (None, False, 1)


@pytest.mark.parametrize("numbers", [[], [0], [2**20 + 1], [1.0], "12", 5, [True]])
def test_numbers_of_stages_that_are_none_are_refused(numbers: Any) -> None:
    with pytest.raises(sg.InputError, match="num_blocks = "):
        sg.sweep(to_graph(CHAIN), device=sg.Device(bandwidth=64), num_blocks=numbers)

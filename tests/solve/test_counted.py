"""Runs whose turns are decided by work: the same answer each time, whatever the clock says."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
import slicegraph as sg
from slicegraph.cli import main
from slicegraph.solve.counted import Work, after_turn, next_turn
from slicegraph.solve.params import ScheduleParams
from strategies import CHAIN, MANY, grid, shaped_graphs, to_instance

PARAMS = ScheduleParams(first_rounds=1, candidate=8, growth=4.0)


def told(result: sg.Result) -> tuple[Any, ...]:
    """Give all that a run says, but for its times."""
    document = result.certificate.document
    return result.status, result.block_of.tolist(), json.dumps(document, sort_keys=True), result.evaluations


@pytest.mark.parametrize(
    ("work", "rounds", "most", "steps"),
    [
        (Work(turn=100), 0, 1000, 0),  # a proof needs a partition that is not the worst
        (Work(turn=100), 1, 1000, 100),
        (Work(turn=100, candidates=900), 1, 1000, 50),  # no more than half of what is left
        (Work(turn=100, candidates=999), 1, 1000, 1),
        (Work(turn=100, candidates=1000), 1, 1000, 100),  # another stop allows more
        (Work(turn=100, candidates=10, steps=80), 1, 1000, 100),  # both have had as much time
        (Work(turn=100, candidates=10, steps=81), 1, 1000, 0),
        (Work(turn=100, candidates=99, is_done=True), 1, 1000, 0),
    ],
)
def test_the_exact_solver_has_its_turn_when_the_search_has_had_as_much_time(
    work: Work, rounds: int, most: int, steps: int
) -> None:
    assert next_turn(work, rounds, most, PARAMS) == steps


def test_turns_grow_until_nothing_more_comes_of_them() -> None:
    after = after_turn(Work(turn=100, candidates=5), 130, "time_limit", PARAMS)
    assert after == Work(turn=400, candidates=5, steps=130)
    assert after.total == 135
    assert after_turn(after, 1, "too_large", PARAMS).is_done


@pytest.mark.parametrize(
    ("data", "device", "num_blocks"),
    [
        (grid(6), {"bandwidth": 16.0, "memory": 3}, 4),
        (grid(9), {"bandwidth": 8.0}, 3),
        (grid(16), {"bandwidth": 8.0}, 6),
        (CHAIN, {"bandwidth": 64.0}, 2),
    ],
)
@pytest.mark.parametrize("steps", [0, 20_000, 400_000, 3_000_000])
def test_work_decides_an_answer_and_nothing_else_does(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, steps: int
) -> None:
    """Neither threads nor a caller that is slow, whose stop is asked again and again between two reports."""
    instance = to_instance(data, device, num_blocks)
    calls = 0

    def dawdle(_: sg.Progress) -> None:
        nonlocal calls
        calls += 1
        time.sleep(0.03 if calls % 4 == 0 else 0)

    first = told(sg.solve(instance, stop=sg.MaxWork(steps), seed=3, threads=1))
    assert told(sg.solve(instance, stop=sg.MaxWork(steps), seed=3, threads=2)) == first
    assert told(sg.solve(instance, stop=sg.MaxWork(steps), seed=3, threads=1, callback=dawdle)) == first


@given(shaped_graphs(max_nodes=7), st.integers(1, 4), st.sampled_from([1, 1000, 1_000_000]))
@settings(max_examples=MANY // 20, deadline=None)
def test_what_limited_work_says_is_true(data: dict[str, Any], num_blocks: int, steps: int) -> None:
    """Bound, optimum and bottleneck are in this order, and the certificate holds."""
    instance = to_instance(data, {"bandwidth": 2.0}, num_blocks)
    best = min(
        max(block.cost for block in instance.block_costs(partition))
        for partition in oracle.partitions(data, num_blocks)
    )
    result = sg.solve(instance, stop=sg.MaxWork(steps), threads=1)
    assert result.lower_bound <= best <= result.bottleneck
    assert steps < 1_000_000 or result.status is sg.Status.OPTIMAL
    assert sg.check(instance.graph, result.certificate).claimed_lower_bound == result.lower_bound


def test_more_work_proves_more() -> None:
    """The exact solver has turns: of a mesh it proves more than arithmetic does, and in the end the optimum."""
    instance = to_instance(grid(6), {"bandwidth": 16.0, "memory": 3}, 4)
    ordinary = sg.lower_bound(instance, method="combinatorial").lower_bound
    result = sg.solve(instance, stop=sg.MaxWork(10**10))
    assert result.status is sg.Status.OPTIMAL
    assert result.lower_bound > ordinary


def test_work_is_counted_and_ends_a_run() -> None:
    """It only grows, and no more than a round or a step is done once it is used up."""
    instance, seen = to_instance(grid(16), {"bandwidth": 8.0}, 6), list[sg.Progress]()
    result = sg.solve(instance, stop=sg.MaxWork(2_000_000), callback=seen.append)
    work = [progress.work for progress in seen]
    assert work == sorted(work)
    assert all(progress.work >= progress.evaluations for progress in seen)
    assert work[-1] >= 2_000_000 > seen[-1].evaluations
    assert result.status is sg.Status.TIME_LIMIT


def test_other_stops_end_a_run_of_limited_work_earlier_or_later() -> None:
    instance = to_instance(grid(16), {"bandwidth": 8.0}, 6)
    early = sg.solve(instance, stop=sg.MaxWork(10**15) | sg.MaxRuntime(0.3))
    assert early.status is sg.Status.TIME_LIMIT
    assert early.lower_bound < early.bottleneck
    seen: list[sg.Progress] = []
    sg.solve(instance, stop=sg.MaxWork(1000) & sg.MaxRuntime(0.3), callback=seen.append)
    assert (seen[-1].work >= 1000, seen[-1].seconds >= 0.3) == (True, True)


def test_a_warm_start_is_the_best_before_any_work() -> None:
    instance = to_instance(grid(16), {"bandwidth": 8.0}, 6)
    known = sg.solve(instance, stop=sg.MaxWork(5_000_000))
    result = sg.solve(instance, stop=sg.MaxWork(0), warm_start=known.block_of)
    assert result.bottleneck <= known.bottleneck
    again = sg.solve(instance, stop=sg.MaxWork(400_000), warm_start=known.block_of, threads=1)
    assert told(again) == told(sg.solve(instance, stop=sg.MaxWork(400_000), warm_start=known.block_of, threads=2))


@pytest.mark.parametrize("method", ["hybrid", "anneal", "brkga", "downsets"])
def test_searches_and_the_exact_solver_by_name_take_limited_work(method: str) -> None:
    instance = to_instance(grid(6), {"bandwidth": 16.0}, 3)
    one, two = (sg.solve(instance, stop=sg.MaxWork(300_000), method=method, threads=threads) for threads in (1, 2))
    assert told(one) == told(two)


@pytest.mark.parametrize("method", ["chain", "exact", "bottleneck"])
def test_what_counts_no_work_is_refused(method: str) -> None:
    with pytest.raises(sg.InputError, match=f"method '{method}': no work of it is counted"):
        sg.solve(to_instance(CHAIN, {"bandwidth": 64.0}, 2), stop=sg.MaxWork(10), method=method)


def test_an_audit_takes_limited_work_too() -> None:
    instance = to_instance(grid(6), {"bandwidth": 16.0}, 3)
    results = [sg.audit(instance, [0] * 36, stop=sg.MaxWork(100_000), threads=threads) for threads in (1, 2)]
    assert results[0].status is results[1].status
    assert results[0].certificate.document == results[1].certificate.document


def test_limited_work_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No time limit goes with it unless one is typed; what is wrong is named by its option."""
    path = tmp_path / "grid.json"
    path.write_text(json.dumps(grid(9)))
    begin = ["solve", str(path), "-k", "4", "--bandwidth", "8", "-q", "--json"]
    plans = []
    for threads in ("1", "2"):
        certificate = tmp_path / f"{threads}.json"
        options = ["--work-limit", "300000", "--threads", threads, "--certificate", str(certificate)]
        assert main([*begin, *options]) == 0
        plan = json.loads(capsys.readouterr().out)
        plans.append((plan["block_of"], plan["lower_bound"], plan["status"], certificate.read_bytes()))
    assert plans[0] == plans[1]
    assert main([*begin, "--work-limit", "-1"]) == 2
    assert capsys.readouterr().err == "slicegraph: --work-limit -1: a count is not negative\n"
    assert main([*begin, "--work-limit", "1", "--method", "chain"]) == 2
    assert capsys.readouterr().err.startswith("slicegraph: --method 'chain': no work of it is counted")

"""Who runs `solve` holds it in hand: told of its progress, able to end it, and to begin it with what is known."""

from __future__ import annotations

import itertools
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
import slicegraph as sg
from slicegraph.cli import main
from strategies import CHAIN, MANY, grid, shaped_graphs, to_instance

WIDE = to_instance(grid(16), {"bandwidth": 8.0}, 6)
"""It takes minutes to solve."""


def provers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "slicegraph-prover"]


def wait_for_workers() -> None:
    """Workers are told to end, and look up every few milliseconds."""
    end = time.monotonic() + 60
    while provers() and time.monotonic() < end:
        time.sleep(0.02)
    assert provers() == []


def test_the_callback_sees_the_run_come_to_what_the_result_says() -> None:
    """On the caller's thread; bottleneck and bound only get better, and the last call has those of the result."""
    seen: list[sg.Progress] = []
    threads = set()

    def watch(progress: sg.Progress) -> None:
        seen.append(progress)
        threads.add(threading.get_ident())

    result = sg.solve(WIDE, stop=sg.MaxRuntime(1.5), threads=2, callback=watch)
    assert threads == {threading.get_ident()}
    best, bounds = [each.bottleneck for each in seen], [each.lower_bound for each in seen[:-1]]
    assert best == sorted(best, reverse=True)
    assert bounds == sorted(bounds)
    last = seen[-1]
    assert (last.bottleneck, last.lower_bound) == (result.bottleneck, result.lower_bound)
    assert last.seconds == result.seconds


@pytest.mark.parametrize("answer", [True, np.True_])
@pytest.mark.parametrize("call", [sg.solve, sg.search])
def test_a_callback_that_returns_true_ends_the_run(call: object, answer: object) -> None:
    """Whatever its stop says; the partition and the bound so far are given."""
    result = call(WIDE, stop=sg.MaxRuntime(600), callback=lambda _: answer)  # type: ignore[operator]
    assert result.status is sg.Status.TIME_LIMIT
    assert result.seconds < 300
    assert 0 < result.lower_bound <= result.bottleneck < np.inf


@pytest.mark.parametrize("answer", [None, 1, "yes", False, np.False_])
def test_a_callback_that_returns_anything_else_ends_nothing(answer: object) -> None:
    """What ``list.append`` or a progress bar returns is no wish to end."""
    result = sg.solve(to_instance(CHAIN, {"bandwidth": 64.0}, 2), callback=lambda _: answer)
    assert result.status is sg.Status.OPTIMAL


def test_an_exception_of_the_callback_is_passed_on_and_no_worker_stays() -> None:
    """At the first call, and when workers have begun to prove."""
    for waits_for in (False, True):

        def fail(_: sg.Progress, *, waits_for: bool = waits_for) -> None:
            if not waits_for or provers():
                raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            sg.solve(WIDE, stop=sg.MaxRuntime(600), callback=fail)
        wait_for_workers()


def test_another_thread_cancels_a_run() -> None:
    """A stop is any callable of the progress, alone or combined."""
    for combine in (lambda each: each, lambda each: sg.MaxRuntime(600) | each, lambda each: each | sg.MaxRuntime(600)):
        cancelled = threading.Event()
        timer = threading.Timer(0.3, cancelled.set)
        timer.start()
        result = sg.solve(WIDE, stop=combine(lambda _, event=cancelled: event.is_set()))  # type: ignore[no-untyped-call]
        timer.join()
        assert result.status is sg.Status.TIME_LIMIT
        assert 0.3 <= result.seconds < 300
        wait_for_workers()


def test_the_history_leads_to_the_result() -> None:
    """Each row betters the one before it in one way at least, and neither is ever beyond the result."""
    result = sg.solve(WIDE, stop=sg.MaxRuntime(1.5), threads=2)
    rows = result.history
    assert len(rows) > 1
    assert rows[-1][1:] == (result.bottleneck, result.lower_bound)
    for (before, worse, lower), (after, better, higher) in itertools.pairwise(rows):
        assert 0 <= before <= after <= result.seconds
        assert better <= worse
        assert higher >= lower
        assert (better, higher) != (worse, lower)


def test_search_and_audit_have_a_history_too() -> None:
    """That of a given partition is of the bound alone."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    searched = sg.search(instance, stop=sg.MaxEvaluations(100))
    assert searched.history[-1][1:] == (3.125, 3.0)
    audited = sg.audit(instance, [0, 0, 0])
    assert {best for _, best, _ in audited.history} == {6.0}
    assert audited.history[-1][2] == 3.125


def test_the_history_is_in_the_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An infinite bottleneck is null: nothing is known to fit the memory limit by then, or nothing does."""
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(CHAIN))
    assert main(["solve", str(path), "-k", "2", "--bandwidth", "64", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["history"][-1][1:] == [plan["bottleneck"], plan["lower_bound"]]
    heavy = {**CHAIN, "nodes": {**CHAIN["nodes"], "param_bytes": [50, 50, 50]}}
    path.write_text(json.dumps(heavy))
    assert main(["solve", str(path), "-k", "2", "--bandwidth", "64", "--memory-limit", "70", "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)["history"]
    assert row[1:] == [None, None]


@given(shaped_graphs(max_nodes=7), st.integers(1, 4), st.integers(0, 2**32))
@settings(max_examples=MANY // 20, deadline=None)
def test_an_answer_is_never_worse_than_its_warm_start(data: dict[str, object], num_blocks: int, draw: int) -> None:
    """Even when nothing has time to run: any partition is the best until there is a better one."""
    instance = to_instance(data, {"bandwidth": 2.0}, num_blocks)
    partitions = list(oracle.partitions(data, num_blocks))
    warm = partitions[draw % len(partitions)]
    known = max(block.cost for block in instance.block_costs(warm))
    for stop in (sg.MaxRuntime(0), sg.MaxRuntime(60)):
        result = sg.solve(instance, stop=stop, threads=1, warm_start=warm)
        assert result.bottleneck <= known
        assert result.history[0][1] <= known


def test_a_warm_start_is_the_best_before_anything_has_run() -> None:
    """The first thing that a callback is told, and the answer of a run without time."""
    known = sg.solve(WIDE, stop=sg.MaxRuntime(1.5))
    seen: list[float] = []
    result = sg.solve(
        WIDE,
        stop=sg.MaxRuntime(0),
        warm_start=known.block_of,
        callback=lambda progress: seen.append(progress.bottleneck),
    )
    assert seen[0] <= known.bottleneck
    assert result.bottleneck <= known.bottleneck
    assert len(result.block_costs) <= len(known.block_costs)


def test_empty_blocks_of_a_warm_start_do_no_harm() -> None:
    """Numbers of blocks may be far beyond the number of nodes."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 1000)
    result = sg.solve(instance, warm_start=[3, 500, 999])
    assert result.status is sg.Status.OPTIMAL
    assert sorted(set(result.block_of.tolist())) == list(range(len(result.block_costs)))


@pytest.mark.parametrize(
    ("warm_start", "message"),
    [
        ([0, 1], "warm_start: .*2.*3"),
        ([0, 1, 2], "warm_start: node 2.* is in stage 2, but stages are 0 to 1"),
        ([0, -1, 1], "warm_start: node 1.* is in stage -1"),
        ([1, 0, 0], "warm_start: tensor 0.* runs from stage 1 back to stage 0"),
        ("abc", "warm_start: "),
        ([0.5, 0, 0], "warm_start: "),
    ],
)
def test_a_warm_start_that_is_no_partition_is_refused(warm_start: object, message: str) -> None:
    """Naming the node or the tensor."""
    with pytest.raises(sg.InputError, match=message):
        sg.solve(to_instance(CHAIN, {"bandwidth": 64.0}, 2), warm_start=warm_start)  # type: ignore[arg-type]


def test_a_warm_start_above_the_memory_limit_is_refused() -> None:
    """It is no partition that can be run; the stage and the limit are named."""
    heavy = {**CHAIN, "nodes": {**CHAIN["nodes"], "param_bytes": [50, 50, 50]}}
    instance = to_instance(heavy, {"bandwidth": 64.0, "memory_limit": 100}, 2)
    with pytest.raises(
        sg.InputError, match="warm_start: stage 0 holds 150 bytes of parameters, but memory_limit is 100"
    ):
        sg.solve(instance, warm_start=[0, 0, 0])


def test_a_plan_is_a_warm_start_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of another graph is refused by its digest, unless it is forced; an error names the option and the file."""
    path, plan = tmp_path / "grid.json", tmp_path / "plan.json"
    path.write_text(json.dumps(grid(16)))
    begin = ["solve", str(path), "-k", "6", "--bandwidth", "8", "-q", "--json"]
    assert main([*begin, "--time-limit", "1.5"]) == 0
    plan.write_text(capsys.readouterr().out)
    known = json.loads(plan.read_text())
    assert main([*begin, "--time-limit", "0", "--warm-start", str(plan)]) == 0
    assert json.loads(capsys.readouterr().out)["bottleneck"] <= known["bottleneck"]

    known["graph"]["digest"] = "0" * 64
    plan.write_text(json.dumps(known))
    assert main([*begin, "--time-limit", "0", "--warm-start", str(plan)]) == 2
    assert "a plan of another graph" in capsys.readouterr().err
    assert main([*begin, "--time-limit", "0", "--warm-start", str(plan), "--force"]) == 0
    assert json.loads(capsys.readouterr().out)["bottleneck"] <= known["bottleneck"]

    plan.write_text(json.dumps([1] + [0] * 255))
    assert main([*begin, "--warm-start", str(plan)]) == 2
    assert capsys.readouterr().err.startswith(f"slicegraph: --warm-start {plan}: tensor 0 runs from stage 1 back")

"""The main job, as a library call."""

from __future__ import annotations

import copy
import logging
import math
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import slicegraph as sg
from merges import RULES
from questions import Question, light_questions, questions, shaped_questions
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.lower_bound import SOLVED
from slicegraph.solve.given import METHODS
from strategies import CHAIN, devices, graphs, grid, to_instance
from test_search import wide_instance

BOUNDS = tuple(SOLVED)


@given(graphs(max_nodes=5), devices())
@settings(max_examples=100)
def test_one_block_is_solved_to_the_optimum_at_once(data: dict[str, Any], device: dict[str, Any]) -> None:
    """The combinatorial bound is exact for one block, and the run ends with it."""
    result = sg.solve(to_instance(data, device, 1), stop=sg.MaxEvaluations(10**9))
    if sum(data["nodes"]["param_bytes"]) > device.get("memory_limit", math.inf):
        assert result.status is sg.Status.INFEASIBLE
        return
    assert result.status is sg.Status.OPTIMAL
    assert (result.gap, result.ratio) == (0.0, 1.0)


def test_a_gap_that_is_asked_for_ends_the_run() -> None:
    """Cutting the chain costs 3.125 where 3 is proven: 4 % is met, so the run ends without a time limit."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    result = sg.solve(instance, stop=sg.TargetGap(0.04))
    assert result.status is sg.Status.WITHIN_GAP
    assert (result.bottleneck, result.lower_bound, result.gap) == (3.125, 3.0, 0.04)
    stop = sg.TargetGap(0.03) | sg.MaxEvaluations(500)
    assert sg.solve(instance, stop=stop, method="brkga").status is sg.Status.TIME_LIMIT


@given(st.one_of(light_questions(), shaped_questions(), questions()), st.integers(0, 2**64 - 1), st.integers(1, 2))
def test_a_small_graph_is_solved_to_the_optimum_with_a_proof(question: Question, seed: int, threads: int) -> None:
    """Brute force finds none better, and a check proves it again."""
    optimum = question.optimum()
    instance = question.instance
    assume(optimum < math.inf)
    result = sg.solve(instance, seed=seed, threads=threads)
    assert (result.status, result.gap) == (sg.Status.OPTIMAL, 0.0)
    assert result.bottleneck == result.lower_bound == instance.seconds(int(optimum))
    verdict = sg.check(instance.graph, result.certificate)
    assert verdict.bottleneck == verdict.lower_bound == result.bottleneck
    assert (verdict.status, verdict.gap, verdict.is_cut_short) == ("optimal", 0.0, False)


@given(st.one_of(light_questions(), shaped_questions(max_nodes=5)), st.sampled_from(BOUNDS))
@settings(max_examples=settings().max_examples // 2)
def test_what_any_method_proves_is_true_and_can_be_checked(question: Question, method: str) -> None:
    """Also of a quotient; those that are exact prove the optimum."""
    optimum = question.optimum()
    instance = question.instance
    assume(optimum < math.inf)
    result = sg.solve(instance, stop=sg.MaxEvaluations(5_000), method=method)
    assert result.lower_bound <= instance.seconds(int(optimum)) <= result.bottleneck
    assert method != "downsets" or result.gap == 0
    assert (result.status is sg.Status.OPTIMAL) == (result.lower_bound == result.bottleneck)
    verdict = sg.check(instance.graph, result.certificate)
    assert (verdict.bottleneck, verdict.claimed_lower_bound) == (result.bottleneck, result.lower_bound)
    assert result.verified_lower_bound <= verdict.lower_bound <= instance.seconds(int(optimum))


@pytest.mark.parametrize("method", BOUNDS)
def test_a_group_that_is_dear_by_itself_is_evidence(method: str) -> None:
    """The two nodes are one, whose 9 s are above the bound of either."""
    tensors = {"producer": [0], "size": [10], "consumers": [[1]]}
    data = CHAIN | {"nodes": {"op": ["a", "b"], "work": [1.0, 8.0]}, "tensors": tensors}
    instance = to_instance(data, {"bandwidth": 1.0}, 4)
    result = sg.solve(instance, stop=sg.MaxRuntime(5), method=method)
    assert (result.status, result.lower_bound) == (sg.Status.OPTIMAL, 9.0)
    assert sg.check(instance.graph, result.certificate).lower_bound == 9.0


def test_without_a_partition_within_the_memory_limit_the_run_ends_once_that_is_proven() -> None:
    """Parameters of 3 and 3 and 2 bytes fit no two stages of 4."""
    data = CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": [3, 3, 2]}}
    instance = to_instance(data, {"bandwidth": 64.0, "memory_limit": 4}, 2)
    result = sg.solve(instance, stop=sg.MaxRuntime(60))
    assert result.seconds < 30
    assert result.bottleneck == math.inf
    assert sg.check(instance.graph, result.certificate).claimed_gap == 1.0


def other_logs(merges: list[list[Any]], nodes: range, random: Random) -> Iterator[list[list[Any]]]:
    """Logs with a merge less, another in its place, in another order, or one twice."""
    for place, (rule, u, v) in enumerate(merges):
        other = [random.choice(RULES), random.choice(nodes), random.choice(nodes)]
        for put in ([], [other], [[other[0], u, v]], [[rule, *other[1:]]], [[rule, v, u]], [[rule, u, v]] * 2):
            yield merges[:place] + put + merges[place + 1 :]
    yield random.sample(merges, len(merges))


@given(st.one_of(light_questions(), shaped_questions(max_nodes=5)), st.randoms(use_true_random=False))
def test_evidence_that_is_changed_is_refused_or_harmless(question: Question, random: Random) -> None:
    """Merges dropped or changed; and what claims a tick more is refused though no partition contradicts it."""
    optimum, instance = question.optimum(), question.instance
    assume(optimum < math.inf)
    document = sg.solve(instance).certificate.document
    for index, bound in enumerate(document["bounds"]):
        if bound["reduction"] is None:
            continue
        for log in other_logs(bound["reduction"]["merges"], range(question.num_nodes), random):
            forged = copy.deepcopy(document)
            forged["bounds"][index]["reduction"]["merges"] = log
            try:
                verdict = sg.check(instance.graph, sg.Certificate.of(forged))
            except sg.CertificateError:
                continue
            assert verdict.lower_bound <= instance.seconds(int(optimum))
        forged = copy.deepcopy(document) | {"witness": None, "lower_bound": int(optimum) + 1}
        claim = forged["bounds"][index]
        claim["lower_bound"] += 1
        claim["reduction"]["threshold"] += 1
        for part, key in (("downsets", "threshold"), ("node", "lower_bound")):
            if claim[part] is not None:
                claim[part][key] += 1
        certificate = sg.Certificate.of(forged)
        assert sg.check(instance.graph, certificate, budget=0).lower_bound <= instance.seconds(int(optimum))
        with pytest.raises(sg.CertificateError, match=r"bounds\[1\]\.(reduction\.merges|downsets|node)"):
            sg.check(instance.graph, certificate)


@given(shaped_questions(max_nodes=9), st.integers(0, 2**64 - 1))
@settings(max_examples=100)
def test_a_run_that_ends_optimal_is_the_same_on_any_number_of_threads(question: Question, seed: int) -> None:
    one, two = (sg.solve(question.instance, stop=_SOON, seed=seed, threads=threads) for threads in (1, 2))
    assert (one.status is sg.Status.OPTIMAL) == (two.status is sg.Status.OPTIMAL)
    if one.status is sg.Status.OPTIMAL:
        assert one.block_of.tolist() == two.block_of.tolist()
        assert one.bottleneck == two.bottleneck
        assert [bound.document for bound in one.bounds] == [bound.document for bound in two.bounds]


_SOON = sg.MaxEvaluations(10_000)


@pytest.mark.parametrize("method", ["auto", "downsets", "chain", "exact"])
def test_a_time_limit_is_kept_and_leaves_a_partition_and_a_bound(method: str) -> None:
    """However wide the graph."""
    for instance in (to_instance(grid(30), {"bandwidth": 8.0}, 8), wide_instance(2000)):
        begin = time.monotonic()
        result = sg.solve(instance, stop=sg.MaxRuntime(0.05), method=method)
        assert time.monotonic() - begin < 2
        assert result.status is sg.Status.TIME_LIMIT
        assert combinatorial(instance).lower_bound <= result.lower_bound <= result.bottleneck < math.inf
        verdict = sg.check(instance.graph, result.certificate)
        assert (verdict.claimed_lower_bound, verdict.bottleneck) == (result.lower_bound, result.bottleneck)


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process")
@pytest.mark.parametrize(("delay", "methods"), [(0.0, {"combinatorial", "downsets"}), (0.3, {"downsets"})])
def test_ctrl_c_while_downsets_are_tried_leaves_the_partition(delay: float, methods: set[str]) -> None:
    """With what is proven by then, which may be nothing at once; no traceback."""
    program = textwrap.dedent("""
        import os, signal, sys, threading, time
        import slicegraph as sg
        from strategies import grid, to_instance
        instance = to_instance(grid(30), {"bandwidth": 8.0}, 8)
        sent = []
        def send():
            while not any(thread.name == "slicegraph-prover" for thread in threading.enumerate()):
                time.sleep(0.001)
            time.sleep(float(sys.argv[1]))
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=send, daemon=True).start()
        result = sg.solve(instance, stop=sg.MaxRuntime(60), method="downsets")
        print(result.status, result.bounds[-1].method, time.perf_counter() - sent[0])
        assert sg.check(instance.graph, result.certificate).bottleneck == result.bottleneck < float("inf")
    """)
    run = subprocess.run(
        [sys.executable, "-c", program, str(delay)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    status, method, seconds = run.stdout.split()
    assert (status, run.stderr) == ("interrupted", "")
    assert method in methods
    assert float(seconds) < 5


def test_every_method_gives_a_result_that_can_be_checked() -> None:
    instance = to_instance(grid(4), {"bandwidth": 8.0}, 3)
    for method in METHODS:
        result = sg.solve(instance, stop=sg.MaxRuntime(1) | sg.TargetGap(0.0), method=method)
        verdict = sg.check(instance.graph, result.certificate)
        assert (verdict.claimed_lower_bound, verdict.bottleneck) == (result.lower_bound, result.bottleneck)
    with pytest.raises(sg.InputError, match=f"method 'magic': there is none, but {', '.join(METHODS)}"):
        sg.solve(instance, method="magic")


def test_the_library_neither_prints_nor_configures(capfd: pytest.CaptureFixture[str]) -> None:
    handlers = list(logging.getLogger().handlers)
    sg.solve(to_instance(CHAIN, {"bandwidth": 64.0}, 2), stop=sg.MaxEvaluations(100), display=True)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == handlers

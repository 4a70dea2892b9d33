"""What is said of a problem that has no partition."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import slicegraph as sg
from questions import Question, questions
from slicegraph.cli import main
from slicegraph.feasibility import shortage
from strategies import CHAIN, MANY, shared, to_graph


def chain_of(param_bytes: list[int], limit: int, num_blocks: int, **options: Any) -> sg.Instance:
    count = len(param_bytes)
    graph = sg.Graph(
        work=[1] * count,
        producer=list(range(count - 1)),
        size=[1] * (count - 1),
        consumers=list(range(1, count)),
        consumer_offsets=list(range(count)),
        param_bytes=param_bytes,
        **options,
    )
    return sg.Instance(graph, device=sg.Device(bandwidth=1.0, memory_limit=limit), num_blocks=num_blocks)


@pytest.mark.parametrize(
    ("param_bytes", "limit", "num_blocks", "sentence"),
    [
        ([5, 100, 5], 70, 3, r"node 1 needs 100 B of parameters, but a device holds 70 B: .* short of 30 B$"),
        ([80, 100, 90], 70, 3, r"node 1 needs 100 B .* short of 30 B \(and 2 more such nodes\)"),
        (
            [50] * 30,
            100,
            4,
            r"all nodes together need 1500 B .* but 4 stages hold 400 B, .* short of 1100 B",
        ),
        ([3, 3, 3], 5, 2, r"any two of the 3 largest nodes need at least 6 B .* short of 1 B at least"),
        ([4, 1, 4, 1, 2], 6, 2, r"all nodes together need 12 B .* 2 stages hold 12 B, .* short of 1 B or more"),
    ],
)
def test_what_is_short_is_named_with_its_bytes(
    param_bytes: list[int], limit: int, num_blocks: int, sentence: str
) -> None:
    """By the simplest reason that there is, and at once: no time limit is waited for."""
    instance = chain_of(param_bytes, limit, num_blocks)
    result = sg.solve(instance, stop=sg.MaxRuntime(3600), threads=1)
    assert (result.status, result.bottleneck, result.lower_bound) == (sg.Status.INFEASIBLE, math.inf, math.inf)
    assert (result.block_of.shape, result.block_costs, result.gap, result.ratio) == ((0,), (), 1.0, 0.0)
    assert re.search(sentence, result.shortage), result.shortage
    verdict = sg.check(instance.graph, result.certificate)
    assert verdict.bottleneck == math.inf
    audited = sg.audit(instance, [0] * len(param_bytes), stop=sg.MaxRuntime(3600), threads=1)
    assert (audited.status, audited.shortage) == (sg.Status.INFEASIBLE, result.shortage)


@pytest.mark.parametrize(
    ("stored", "limit", "sentence"),
    [
        (
            shared([90], [[0, 2]]),
            90,
            r"node 0 needs 95 B of parameters, .* short of 5 B \(and 1 more such node\)$",
        ),
        (shared([90], [[0, 2]]) | {"state_bytes": [0, 0, 2]}, 95, r"node 2 needs 97 B of memory, but .* short of 2 B$"),
        ({"live_bytes": [0, 9, 0]}, 13, r"node 1 needs 14 B of memory, but a device holds 13 B"),
        (shared([1, 2], [[0, 2], [1, 2]]), 8, r"all nodes together need 18 B of parameters, but 2 stages hold 16 B"),
    ],
)
def test_what_else_takes_memory_counts(stored: dict[str, Any], limit: int, sentence: str) -> None:
    """A parameter that several nodes read is with each of them, and in the sum once."""
    assert re.search(sentence, shortage(chain_of([5, 5, 5], limit, 2, **stored)))


def test_a_node_goes_by_its_name() -> None:
    instance = chain_of([5, 9], 7, 2, node_name=["a", "dense"])
    assert shortage(instance).startswith("node 1 ('dense') needs 9 B")


@given(questions())
@settings(max_examples=MANY)
def test_infeasible_is_said_of_what_has_no_partition_and_of_nothing_else(question: Question) -> None:
    """Against every partition; every method says so where a node or the sum is too large."""
    result = sg.solve(question.instance, threads=1)
    assert (result.status is sg.Status.INFEASIBLE) == math.isinf(question.optimum())
    assert bool(result.shortage) == math.isinf(question.optimum())
    if math.isinf(sg.lower_bound(question.instance, method="combinatorial").lower_bound):
        assert math.isinf(question.optimum())
        assert math.isinf(sg.search(question.instance, stop=sg.MaxEvaluations(10)).lower_bound)
        assert math.isinf(sg.lower_bound(question.instance, method="exact").believed_lower_bound)


def test_what_is_not_proven_is_not_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A search finds nothing that fits, and proves nothing: no partition is presented as if it were one."""
    instance = chain_of([3, 3, 3], 5, 2)
    result = sg.search(instance, stop=sg.MaxEvaluations(100))
    assert (result.status, result.shortage, result.block_of.size) == (sg.Status.TIME_LIMIT, "", 0)
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(CHAIN | {"nodes": CHAIN["nodes"] | {"param_bytes": [3, 3, 3]}}))
    arguments = ["solve", str(path), "-k", "2", "--memory-limit", "5", "--method", "hybrid", "-q"]
    arguments += ["--time-limit", "0.1"]
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert "no guarantee: no partition was found that fits" in captured.out
    assert "that there is none is not proven" in captured.err
    assert main([*arguments, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["status"], answer["bottleneck"], answer["block_of"]) == ("time_limit", None, [])


def test_a_plan_that_is_worse_than_a_known_optimum_is_suboptimal() -> None:
    """Unless it is within the gap that was asked for; the optimum itself is optimal."""
    instance = sg.Instance(to_graph(CHAIN), device=sg.Device(bandwidth=64.0), num_blocks=2)
    stop = sg.MaxRuntime(60)
    for plan, status, gap in [
        ([0, 0, 0], sg.Status.SUBOPTIMAL, 2.875 / 6),
        ([0, 0, 1], sg.Status.OPTIMAL, 0.0),
    ]:
        result = sg.audit(instance, np.array(plan), stop=stop, threads=1)
        assert result.status is status
        assert result.gap == pytest.approx(gap)
    assert sg.audit(instance, [0, 1, 1], stop=stop | sg.TargetGap(0.5), threads=1).status == "within_gap"

"""The timeline of a pipeline, as a trace."""

from __future__ import annotations

import dataclasses
import graphlib
import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import slicegraph as sg
from explained import hostile, make
from slicegraph.formats.answers import MeasuredStage
from slicegraph.report.answer import Answer
from slicegraph.report.timeline import to_trace
from strategies import CHAIN, graphs, to_graph


def spans(answer: Answer) -> dict[tuple[int, int], dict[int, list[dict[str, Any]]]]:
    """The spans of each process and thread, by request."""
    found: dict[tuple[int, int], dict[int, list[dict[str, Any]]]] = {}
    for event in json.loads(to_trace(answer))["traceEvents"]:
        if event["ph"] == "X":
            thread = found.setdefault((event["pid"], event["tid"]), {})
            thread.setdefault(event["args"]["request"], []).append(event)
    return found


def test_every_event_has_what_the_format_asks_for() -> None:
    """Names of processes and threads first, then complete events with numbers; a hostile name is nowhere."""
    document = json.loads(to_trace(hostile()))
    assert document["displayTimeUnit"] == "ms"
    for event in document["traceEvents"]:
        assert {"name", "ph", "pid", "tid"} <= event.keys()
        assert event["ph"] in {"M", "X"}
        if event["ph"] == "X":
            assert event["ts"] >= 0
            assert event["dur"] > 0
    names = [event["args"]["name"] for event in document["traceEvents"] if event["ph"] == "M"]
    assert names == ["predicted", *(f"stage {stage}" for stage in range(8))]


def test_a_stage_takes_what_it_costs_and_the_pipeline_gives_a_request_per_bottleneck() -> None:
    """The chain by hand: 1.125 s, then 5.125 s, of which 1/8 s reads; once full, a request leaves every 5.125 s."""
    found = spans(make(to_graph(CHAIN), [0, 1, 1]))
    first, second = found[1, 1], found[1, 2]
    assert [(span["name"], span["ts"], span["dur"]) for span in first[0]] == [
        ("work", 0, 1e6),
        ("out", 1e6, 125e3),
    ]
    assert [(span["name"], span["ts"], span["dur"]) for span in second[0]] == [
        ("in", 1.125e6, 125e3),
        ("work", 1.25e6, 5e6),
    ]
    ends = [request[-1]["ts"] + request[-1]["dur"] for request in second.values()]
    assert [later - earlier for earlier, later in pairwise(ends)] == [5.125e6] * (len(ends) - 1)


@given(graphs(), st.randoms(use_true_random=False))
def test_spans_of_a_stage_do_not_overlap_and_requests_pass_in_order(data: dict[str, Any], source: Any) -> None:
    """To the nanosecond, which is as exact as Perfetto keeps times."""
    graph = to_graph(data)
    block_of = [0] * graph.num_nodes
    reads: dict[int, set[int]] = {node: set() for node in range(graph.num_nodes)}
    for producer, readers in zip(data["tensors"]["producer"], data["tensors"]["consumers"], strict=True):
        for reader in readers if producer >= 0 else ():
            reads[reader].add(producer)
    stages = sorted(source.randrange(3) for _ in block_of)
    for node, stage in zip(graphlib.TopologicalSorter(reads).static_order(), stages, strict=True):
        block_of[node] = stage
    device = sg.Device(bandwidth=2.0**30, flops=1.0, memory_bandwidth=1.0)
    found = spans(make(graph, block_of, device=device))
    nanoseconds = {
        thread: {
            request: [(round(span["ts"] * 1000), round((span["ts"] + span["dur"]) * 1000)) for span in rows]
            for request, rows in requests.items()
        }
        for thread, requests in found.items()
    }
    largest = max((row[-1][1] for rows in nanoseconds.values() for row in rows.values()), default=0)
    slack = 1 + largest * 1e-12
    for requests in nanoseconds.values():
        rows = [span for request in sorted(requests) for span in requests[request]]
        assert all(end <= start + slack for (_, end), (start, _) in pairwise(rows))
    for (process, thread), requests in nanoseconds.items():
        for request, rows in nanoseconds.get((process, thread + 1), {}).items():
            assert request not in requests or requests[request][-1][1] <= rows[0][0] + slack


def test_a_measured_run_is_a_process_of_its_own() -> None:
    answer = make(to_graph(CHAIN), [0, 1, 1])
    measured = (MeasuredStage(block=0, run=2.0, transfer=0.5), MeasuredStage(block=1, run=4.0, transfer=0.25))
    found = spans(dataclasses.replace(answer, measured=measured))
    assert [(span["name"], span["ts"], span["dur"]) for span in found[2, 1][0]] == [
        ("transfer", 0, 5e5),
        ("run", 5e5, 2e6),
    ]
    assert found[2, 2][0][0]["ts"] == 2.5e6


def test_the_number_of_spans_is_bounded() -> None:
    """Of a pipeline of thousands of stages the first requests are shown."""
    num_nodes = 3000
    graph = sg.Graph(work=[1e-3] * num_nodes, producer=[], size=[], consumers=[], consumer_offsets=[0])
    events = json.loads(to_trace(make(graph, list(range(num_nodes)))))["traceEvents"]
    assert num_nodes <= sum(event["ph"] == "X" for event in events) <= 20_000

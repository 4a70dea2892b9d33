"""The problem of a certificate, built from the graph: seconds are rounded to ticks.

No code is shared with the solver.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from slicegraph.certificate.costs import CAPACITY, Costs
from slicegraph.certificate.problem import Problem, stage_bits
from slicegraph.certificate.question import Question
from slicegraph.certificate.seconds import Seconds, listed, seconds_on
from slicegraph.certificate.structure import expect, within
from slicegraph.formats.arrays import GraphArrays

_MIN_EXPONENT = -1022


def snap(arrays: GraphArrays, question: Question) -> Problem:
    """Build the problem from a graph's arrays and a question.

    Raises
    ------
    PlacedError
        When a device lacks a figure that the graph needs, or makes a cost that is no time; when the stages of a node
        are not those that the question says, or the question is not said in the plainest form that says it.
    """
    seconds = []
    for kind, device in enumerate(question.devices):
        with within("device") if question.is_plain_form else within("devices", kind):
            seconds.append(seconds_on(arrays, device))
    tick = _choose_tick(*(_most([getattr(each, name) for each in seconds]) for name in Seconds.__slots__))
    num_nodes = len(arrays.op)
    columns = {name: listed(getattr(arrays, name), num_nodes) for name in ("param_bytes", "state_bytes", "live_bytes")}
    param_size = listed(arrays.param_size, 0)
    state = sum(columns["state_bytes"])
    total = sum(columns["param_bytes"]) + state + sum(param_size) + max(columns["live_bytes"])
    problem = Problem(
        devices=question.devices,
        kind_of=question.kind_of,
        order=question.order,
        boundary_io=question.boundary_io,
        num_blocks=question.num_blocks,
        tick=tick,
        kinds=[
            _costs(each, device, tick, total, state) for each, device in zip(seconds, question.devices, strict=True)
        ],
        multipliers=question.multipliers,
        allowed=_allowed(question, [each.work for each in seconds]),
        together=question.together,
        adjacent=question.adjacent,
        **columns,
        param_size=param_size,
        param_readers=_readers(arrays.param_readers, arrays.param_offsets),
        columns=frozenset(
            name for name in ("state_bytes", "live_bytes", "param_size") if getattr(arrays, name) is not None
        ),
        producer=arrays.producer.tolist(),
        consumers=_readers(arrays.consumers, arrays.consumer_offsets),
        is_output=[bool(flag) for flag in listed(arrays.is_output, len(arrays.size))],
    )
    rule = (
        "devices of one kind without more are said as device" if problem.is_plain else "more is asked than device says"
    )
    expect(problem.is_plain == question.is_plain_form, rule)
    return problem


def _costs(seconds: Seconds, device: Mapping[str, Any], tick: float, total: int, state: int) -> Costs:
    """Give the costs on a device; what all together fits binds no block."""
    params, stored = _in_ticks(seconds.params, tick), _in_ticks(seconds.stored, tick)
    memory = None
    if "memory" in device:
        rate = device.get("overflow_bandwidth", device["bandwidth"])
        memory = round(min(device["memory"] / rate / tick, float(CAPACITY)))
        if sum(params) + sum(stored) <= memory:
            params, stored = [0] * len(params), [0] * len(stored)
    limit = device.get("memory_limit")
    return Costs(
        work=[0 if math.isnan(each) else round(each / tick) for each in seconds.work],
        transfer=_in_ticks(seconds.transfer, tick),
        params=params,
        stored=stored,
        memory=memory,
        memory_limit=None if limit is None or total <= limit else limit,
        state_limit=device["memory"] if "memory" in device and device["memory"] < state else None,
        is_overlap=device.get("overlap", False),
    )


def _allowed(question: Question, work: Sequence[Sequence[float]]) -> list[int] | None:
    """Give the stages that may hold each node, as bits, as the question says; None: all."""
    num_nodes = len(work[0])
    every = (1 << question.num_blocks) - 1
    stages_of = stage_bits(question.kind_of, len(work), question.num_blocks)
    lacking = [[node for node, seconds in enumerate(row) if math.isnan(seconds)] for row in work]
    if not question.stages and not any(lacking):
        return None
    can_run = [every] * num_nodes
    for nodes, without in zip(lacking, stages_of, strict=True):
        for node in nodes:
            can_run[node] &= ~without
    allowed = list(can_run)
    with within("stages"):
        for node, stages in question.stages.items():
            expect(node < num_nodes, f"{node} is no node")
            said = sum(1 << stage for stage in stages)
            expect(not said & ~can_run[node], f"node {node}: the device of a stage that may hold it cannot run it")
            allowed[node] = said
        short = (node for node, may in enumerate(can_run) if may != every and node not in question.stages)
        unsaid = next(short, None)
        expect(unsaid is None, f"node {unsaid} is not listed, but a device cannot run it")
    return allowed


def _readers(readers: NDArray[Any] | None, offsets: NDArray[Any] | None) -> list[list[int]]:
    """Give the readers of each tensor or parameter, sorted."""
    if readers is None or offsets is None:
        return []
    nodes = readers.tolist()
    return [sorted(nodes[begin:end]) for begin, end in itertools.pairwise(offsets.tolist())]


def _most(rows: Sequence[Sequence[float]]) -> list[float]:
    """Give the elementwise maximum; entries without a number are ignored."""
    if len(rows) == 1 and not any(map(math.isnan, rows[0])):
        return list(rows[0])
    return [max((each for each in column if not math.isnan(each)), default=0.0) for column in zip(*rows, strict=True)]


def _choose_tick(work: list[float], transfer: list[float], params: list[float], stored: list[float]) -> float:
    """Give the smallest power of two for which everything, each transfer twice, is less than 2^52 ticks."""
    terms = [*work, *transfer, *transfer, *params, *stored]
    total = math.fsum(terms)
    # total >= 2^(e - 1), so with a tick of 2^(e - 54) it is at least 2^53 ticks, and rounding each term loses half a
    # tick at most: none so small can do.
    exponent = max(_MIN_EXPONENT, math.frexp(total)[1] - 53 if total else _MIN_EXPONENT)
    return next(tick for tick in _powers_of_two(exponent) if sum(_in_ticks(terms, tick)) < CAPACITY)


def _powers_of_two(exponent: int) -> Iterator[float]:
    return (math.ldexp(1.0, each) for each in itertools.count(exponent))


def _in_ticks(seconds: list[float], tick: float) -> list[int]:
    # Dividing by a power of two is exact; a half rounds to even.
    return [round(value / tick) for value in seconds]

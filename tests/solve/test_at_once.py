"""What is solved at once is what a run comes to, and a stop has its say."""

from __future__ import annotations

import dataclasses
import threading
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import slicegraph as sg
from questions import Question, light_questions, questions
from slicegraph.solve import given as given_order
from slicegraph.stop import Condition
from strategies import CHAIN, grid, to_instance

LAYERED = sg.generate.layered(num_layers=20, width=2, seed=3)


def in_a_run(instance: sg.Instance, stop: Condition) -> sg.Result:
    """Solve with search and threads, as a graph that is not small."""
    with mock.patch.object(given_order, "solve_at_once", return_value=None):
        return sg.solve(instance, stop=stop)


def told(result: sg.Result) -> tuple[object, ...]:
    """What must not depend on how it was solved: of partitions the rank, of bounds the evidence but for its seconds."""
    io = sum(block.io_in + block.io_out for block in result.block_costs)
    bounds = [(bound.method, bound.ticks, bound.reduction, bound.downsets, bound.node) for bound in result.bounds]
    return result.status, result.bottleneck, result.lower_bound, len(result.block_costs), io, bounds


@given(st.one_of(light_questions(), questions()))
@settings(max_examples=40)
def test_a_small_graph_has_the_answer_of_a_run(question: Question) -> None:
    """The same bottleneck, bound, stages, communication and evidence."""
    instance = question.instance
    assert told(sg.solve(instance)) == told(in_a_run(instance, sg.MaxRuntime(60)))


@pytest.mark.parametrize("num_blocks", [2, 5])
def test_an_answer_is_the_same_each_time_and_takes_no_thread(num_blocks: int) -> None:
    instance = sg.Instance(LAYERED, num_blocks=num_blocks)
    with mock.patch.object(threading.Thread, "start", None):
        result, again = sg.solve(instance, seed=0, threads=1), sg.solve(instance, seed=5, threads=2)
    assert told(result) == told(again)
    assert result.block_of.tolist() == again.block_of.tolist()
    assert [bound.status for bound in result.bounds] == ["optimal", "optimal"]
    assert sg.check(LAYERED, result.certificate).gap == 0.0
    assert result.status is sg.Status.OPTIMAL
    assert [row[1:] for row in result.history][-1] == (result.bottleneck, result.lower_bound)


def test_a_stop_ends_it_after_the_first_partition() -> None:
    """A callback is told of the first partition, and of the last one."""
    instance, seen = sg.Instance(LAYERED, num_blocks=5), list[sg.Progress]()
    assert sg.solve(instance, callback=seen.append).status is sg.Status.OPTIMAL
    assert (len(seen), seen[0].evaluations, seen[1].gap) == (2, 4, 0.0)
    assert seen[0].bottleneck >= seen[1].bottleneck > seen[0].lower_bound
    ended = sg.solve(instance, stop=sg.MaxRuntime(0))
    assert (ended.status, [bound.method for bound in ended.bounds]) == (sg.Status.TIME_LIMIT, ["combinatorial"])
    assert ended.bottleneck <= seen[0].bottleneck
    assert sg.solve(instance, stop=sg.TargetGap(seen[0].gap)).status is sg.Status.WITHIN_GAP


def test_what_is_wide_has_a_run() -> None:
    """And so has work that is counted."""
    wide = to_instance(grid(12), {"bandwidth": 8.0}, 6)
    assert sg.solve(wide, stop=sg.MaxEvaluations(50)).evaluations > 4
    chain = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    assert sg.solve(chain).evaluations == 4
    assert sg.solve(chain, stop=sg.MaxWork(10**6)).evaluations != 4


@pytest.mark.parametrize("num_blocks", [2, 5])
def test_what_is_known_is_where_it_begins(num_blocks: int) -> None:
    """The answer is the same optimum, and without time no worse than what was known."""
    instance = sg.Instance(LAYERED, num_blocks=num_blocks)
    optimal = sg.solve(instance)
    for known in (np.zeros(LAYERED.num_nodes, np.int32), optimal.block_of):
        again = sg.solve(instance, warm_start=known)
        assert (again.evaluations, again.status, again.bottleneck) == (4, sg.Status.OPTIMAL, optimal.bottleneck)
        assert sg.check(LAYERED, again.certificate).gap == 0.0
    assert sg.solve(instance, warm_start=optimal, stop=sg.MaxRuntime(0)).bottleneck == optimal.bottleneck


@given(light_questions(), st.data())
@settings(max_examples=40)
def test_a_partition_that_is_known_changes_no_optimum(question: Question, data: st.DataObject) -> None:
    """Whatever it is: one stage, or that of fewer stages."""
    instance = question.instance
    fewer = dataclasses.replace(question, num_blocks=data.draw(st.integers(1, question.num_blocks)))
    known = sg.solve(fewer.instance).block_of
    assume(known.size)
    result = sg.solve(instance, warm_start=known)
    assert round(result.bottleneck / instance.tick) == question.optimum() == round(result.lower_bound / instance.tick)


def test_a_bottleneck_of_few_ticks_is_found() -> None:
    """One tensor that is never cut takes nearly all ticks; the best slicing has 16, the optimum 14, the mean 13."""
    tick = 2.0**-11
    work = [tick * ticks for ticks in (0, 0, 4, 6, 6, 4, 6)]
    graph = sg.Graph(work=work, producer=[0], size=[10**12], consumers=[1], consumer_offsets=[0, 1])
    instance = sg.Instance(graph, device=sg.Device(bandwidth=1.0), num_blocks=2)
    result = sg.solve(instance, threads=1)
    assert (str(result.status), result.bottleneck / instance.tick) == ("optimal", 14.0)

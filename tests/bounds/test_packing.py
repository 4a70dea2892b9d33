"""Packings against every partition: none proves a threshold above the optimum, and the checker goes through each."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
import slicegraph as sg
from slicegraph.bounds.highs import PackingProgram
from slicegraph.bounds.packing import Attempt, PackingSearch
from slicegraph.bounds.params import PackingParams
from slicegraph.certificate.budget import DEFAULT_STEPS, Budget
from slicegraph.certificate.closing import close
from slicegraph.certificate.compiled import Claim, Compiled
from slicegraph.certificate.log import read_sections
from slicegraph.certificate.question import Question
from slicegraph.certificate.ticks import snap
from strategies import MANY, graphs, to_instance

DEVICE = {"bandwidth": 2.0, "flops": 7.0, "memory_bandwidth": 3.0}
WORK = 2**24


@given(graphs(max_nodes=5), st.integers(1, 4), st.booleans(), st.sampled_from([0.3, 0.6, 0.9, 1.0, 1.01, 1.5]))
@settings(max_examples=MANY)
def test_no_weights_prove_more_than_the_optimum(
    data: dict[str, Any], num_blocks: int, boundary_io: bool, part: float
) -> None:
    """What they prove, the checker proves again by the cases that are logged; one tick more than the optimum, never."""
    instance = to_instance(data, DEVICE, num_blocks, boundary_io=boundary_io)
    optimum = int(oracle.optimum(data, oracle.snap(data, DEVICE), num_blocks, boundary_io=boundary_io))
    search = PackingSearch(instance)
    assert search.attempt(optimum + 1, work=WORK, has_to_stop=lambda: False).log is None
    threshold = int(optimum * part)
    log = search.attempt(threshold, work=WORK, has_to_stop=lambda: False).log if threshold else None
    if log is None:
        return
    assert threshold <= optimum
    document = {**instance.question, "num_blocks": instance.num_blocks, "boundary_io": instance.boundary_io}
    problem = snap(instance.graph.arrays, Question.of(document)).without_spare_blocks()
    checker = Compiled(problem)
    assert checker.check(Claim(reduction=None, threshold=threshold, hints=log), Budget(DEFAULT_STEPS)) == "packing"
    assert close(problem, threshold, read_sections(log), Budget(DEFAULT_STEPS)) == "packing"


def test_random_graphs_are_proved_further_than_by_their_work() -> None:
    """Of a dense graph the mean work says half of the optimum; without work, or time, nothing is proven."""
    graph = sg.generate.regal(model="erdos_renyi", num_nodes=16, seed=0)
    instance = sg.Instance(graph, num_blocks=3)
    optimum = round(sg.solve(instance).bottleneck / instance.tick)
    threshold = 4 * optimum // 5
    assert instance.core.combinatorial_bound() < threshold
    search = PackingSearch(instance)
    assert search.attempt(threshold, work=2**26, has_to_stop=lambda: False).log is not None
    assert search.attempt(threshold, work=0, has_to_stop=lambda: False) == Attempt(log=None, work=0)
    assert search.attempt(threshold, work=2**26, has_to_stop=lambda: True).log is None
    assert search.attempt(optimum + 1, work=2**26, has_to_stop=lambda: False).log is None


def test_a_program_gives_the_largest_weights() -> None:
    """Of pairs of three nodes each node has a half; of no blocks each has 1, and blocks that weigh less are no rows."""
    program = PackingProgram(3, PackingParams())
    weights = program.solve()
    assert weights is not None
    assert weights.tolist() == [1, 1, 1]
    program.add([(0, 1), (1, 2), (0, 2)])
    assert program.size == 0
    weights = program.solve()
    assert weights is not None
    assert program.size == 6
    np.testing.assert_allclose(weights, np.full(3, 0.5))
    assert program.largest(weights) == 1
    assert program.largest(np.ones(3)) == 2
    program.add([(0,), (1,)])
    assert program.solve() is not None
    assert program.size == 6


def test_a_program_that_takes_too_many_steps_is_given_up() -> None:
    """Steps of the simplex method count, not time: the answer is the same under any load."""
    program = PackingProgram(3, PackingParams(max_iterations=1))
    program.add([(0, 1), (1, 2), (0, 2)])
    assert program.solve() is None


@given(st.lists(st.sets(st.integers(0, 5), min_size=1).map(sorted), max_size=12))
@settings(max_examples=MANY)
def test_weights_are_the_largest_whichever_blocks_are_rows(blocks: list[list[int]]) -> None:
    """No block that is known weighs too much, and all together they weigh as much when blocks came one by one."""
    program, at_once = PackingProgram(6, PackingParams()), PackingProgram(6, PackingParams())
    for each in blocks:
        program.add([each])
        assert program.solve() is not None
    at_once.add(blocks)
    weights, others = program.solve(), at_once.solve()
    assert weights is not None
    assert others is not None
    assert abs(weights.sum() - others.sum()) < 1e-4
    assert program.largest(weights) < 1 + 1e-5

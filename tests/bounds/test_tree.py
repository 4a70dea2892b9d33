"""Trees against every partition: none proves a threshold above the optimum, and the checker goes through each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

import oracle
import slicegraph as sg
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.outcome import Outcome
from slicegraph.bounds.tree import TreeParams, TreeSearch
from slicegraph.bounds.worker import Request
from slicegraph.certificate.budget import DEFAULT_STEPS, Budget
from slicegraph.certificate.closing import close
from slicegraph.certificate.compiled import Claim, Compiled
from slicegraph.certificate.log import read_sections
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.question import Question
from slicegraph.certificate.reduction import replay
from slicegraph.certificate.ticks import snap
from slicegraph.evidence.tree import as_hints
from slicegraph.reduce import Reduction, reduce
from solving import InProcess
from strategies import MANY, devices, graphs, to_instance

STEPS = 10**8


def solve_model() -> None:
    """Only its name counts."""


def solved(request: Request) -> Outcome:
    """Solve a relaxation in this process."""
    outcome: Outcome = InProcess().submit(solve_model, request).result()
    return outcome


def problem_of(instance: sg.Instance) -> Problem:
    """What the checkers make of an instance."""
    document = {**instance.question, "num_blocks": instance.num_blocks, "boundary_io": instance.boundary_io}
    return snap(instance.graph.arrays, Question.of(document))


def compiled(instance: sg.Instance) -> Compiled:
    """The checker of an instance."""
    return Compiled(problem_of(instance))


def expect_proved(instance: sg.Instance, reduction: Reduction, threshold: int, steps: bytes) -> None:
    """Both checkers go through a tree to its end."""
    merges, hints = asdict(reduction.evidence), as_hints(steps)
    claim = Claim(reduction=merges, threshold=threshold, hints=hints)
    assert compiled(instance).check(claim, Budget(DEFAULT_STEPS)) == "tree"
    quotient = replay(problem_of(instance), merges, Budget()).without_spare_blocks()
    assert close(quotient, threshold, read_sections(hints), Budget(DEFAULT_STEPS)) == "tree"


def tree_of(
    instance: sg.Instance, reduction: Reduction, threshold: int, params: TreeParams, moves: int
) -> bytes | None:
    """The steps of a proof that no partition is better than a threshold, by so many moves at most."""
    proving = compiled(instance).begin(asdict(reduction.evidence), threshold, STEPS)
    assert proving is not None
    left = iter(range(moves))
    formulation = Formulation(reduction.instance)

    def has_time() -> bool:
        return next(left, None) is not None

    return TreeSearch(proving, formulation, threshold, solve=solved, has_time=has_time, params=params).run()


@given(
    graphs(max_nodes=4),
    devices(),
    st.integers(1, 3),
    st.booleans(),
    st.integers(-1, 1),
    st.sampled_from([0, TreeParams().few_steps]),
)
@settings(max_examples=MANY // 20)
def test_a_tree_proves_nothing_but_what_is_so(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool, above: int, few_steps: int
) -> None:
    """At the optimum and around it; without steps for searches, by sums of rows alone."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    assume(instance.is_plain and instance.memory_limit is None)
    optimum = int(oracle.optimum(data, oracle.snap(data, device), num_blocks, boundary_io=boundary_io))
    threshold = optimum + above
    assume(threshold > 0)
    reduction = reduce(instance, threshold=threshold)
    assume(reduction.instance.graph.num_nodes >= num_blocks)
    steps = tree_of(instance, reduction, threshold, TreeParams(few_steps=few_steps), 60)
    if few_steps:
        assert (steps is not None) == (threshold <= optimum)
    if steps is not None:
        assert threshold <= optimum
        expect_proved(instance, reduction, threshold, steps)


def test_rows_close_what_windows_and_levels_leave() -> None:
    """With few steps for levels; the tree has sums of rows, and the checker adds them up."""
    graph = sg.generate.regal(num_nodes=20, model="barabasi_albert", seed=1)
    instance = sg.Instance(graph, device=sg.Device(bandwidth=1e6), num_blocks=4, boundary_io=True)
    best = sg.solve(instance, stop=sg.MaxRuntime(30))
    threshold = round(0.97 * best.bottleneck / instance.tick)
    reduction = reduce(instance, threshold=threshold)
    steps = tree_of(instance, reduction, threshold, TreeParams(few_steps=20_000_000), 2_000)
    assert steps is not None
    assert len(steps) > 100
    expect_proved(instance, reduction, threshold, steps)

"""The chain against every partition: no bound above the optimum, and none on the work of the first blocks broken."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import oracle
import slicegraph as sg
from slicegraph._core import ProofState, find_domains
from slicegraph.bounds.builder import build_model, build_move
from slicegraph.bounds.chain import chain
from slicegraph.bounds.chain_search import ChainSearch, Decider
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.exact import exact
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Domains, Integers, Move
from slicegraph.bounds.tasks import Budget
from slicegraph.bounds.worker import Request
from solving import InProcess
from strategies import CHAIN, devices, graphs, grid, to_instance

PROBLEMS = (graphs(max_nodes=4), devices(), st.integers(1, 3), st.booleans())
FEW = settings().max_examples // 3
"""Examples of what takes a dozen models each; in a soak they are thousands all the same."""
Blocks = list[dict[str, int | None]]


def all_partitions(data: dict[str, Any], device: dict[str, Any], num_blocks: int, *, boundary_io: bool) -> list[Blocks]:
    """What the blocks of every partition pay."""
    ticks, limit = oracle.snap(data, device), device.get("memory_limit")
    return [
        oracle.block_costs(data, ticks, block_of, num_blocks, boundary_io=boundary_io, memory_limit=limit)
        for block_of in oracle.partitions(data, num_blocks)
    ]


def weighed(weights: Integers, block_of: tuple[int, ...], num_blocks: int) -> list[int]:
    """What the first 0, 1, ..., all blocks weigh."""
    return [int(weights[np.array(block_of) < end].sum()) for end in range(num_blocks + 1)]


def check(domains: Domains, data: dict[str, Any], device: dict[str, Any], *, boundary_io: bool) -> None:
    """Compare with all partitions below the threshold; blocks beyond the nodes are not counted."""
    num_blocks = len(domains.most) - 1
    every = all_partitions(data, device, num_blocks, boundary_io=boundary_io)
    for block_of, blocks in zip(oracle.partitions(data, num_blocks), every, strict=True):
        if oracle.bottleneck(blocks) < domains.threshold:
            sums = weighed(domains.weights, block_of, num_blocks)
            assert all(low <= sum_ <= high for low, sum_, high in zip(domains.least, sums, domains.most, strict=True))
            paid = [block["cost"] or 0 for block in blocks] + [0] * (num_blocks - len(blocks))
            assert all(of_block <= cost for of_block, cost in zip(np.diff(sums).tolist(), paid, strict=True))
            block = np.array(block_of) + 1
            assert (domains.earliest <= block).all()
            assert (block <= domains.latest).all()


@given(*PROBLEMS, st.sampled_from([None, 1.0, 1.1, 2.0]))
@settings(max_examples=FEW)
def test_the_chain_is_never_above_the_optimum(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool, slack: float | None
) -> None:
    """And its evidence says as much as its bound."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    every = all_partitions(data, device, num_blocks, boundary_io=boundary_io)
    optimum = min(map(oracle.bottleneck, every))
    threshold = None if slack is None or optimum == float("inf") else round(optimum * slack)
    formulation = Formulation(instance)
    budget = Budget(threshold=threshold, seconds=60, executor=InProcess())
    search = ChainSearch(formulation, budget)
    search.run(60)
    bound = search.bound()
    assert combinatorial(instance).ticks == bound.ticks <= bound.believed <= optimum
    assert bound.status == "optimal" or optimum == float("inf")
    if bound.chain:
        assert bound.chain.threshold == bound.believed
        assert len(bound.chain.reach) == num_blocks
        assert list(bound.chain.reach) == sorted(bound.chain.reach)
        assert 0 <= bound.chain.reach[-1] < instance.work.sum()


@given(*PROBLEMS, st.sampled_from([1.1, 2.0]))
@settings(max_examples=FEW)
def test_no_partition_below_its_thresholds_is_outside_the_confines_of_the_chain(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool, slack: float
) -> None:
    """And the exact model has the same optimum within them."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    every = all_partitions(data, device, num_blocks, boundary_io=boundary_io)
    optimum = min(map(oracle.bottleneck, every))
    assume(optimum < float("inf"))
    threshold = round(optimum * slack)
    formulation = Formulation(instance)
    search = ChainSearch(formulation, Budget(threshold=threshold, seconds=60, executor=InProcess()))
    search.run(60)
    domains = search.domains
    assume(domains is not None)
    assert domains is not None
    check(domains, data, device, boundary_io=boundary_io)
    within = exact(formulation, Budget(threshold=threshold, seconds=60, executor=InProcess(), domains=domains))
    assert within.ticks == combinatorial(instance).ticks
    assert within.believed <= optimum
    assert all(relaxation.proof is None for relaxation in within.relaxations)
    if instance.params.sum() <= 1000 * threshold:
        assert within.believed >= optimum - 5e-6 * threshold


@given(*PROBLEMS)
@settings(max_examples=FEW)
def test_what_another_solver_decides_is_believed(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool
) -> None:
    """A decider that knows the optimum takes the chain there, at once or in the next run, and is told nothing wrong."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    every = all_partitions(data, device, num_blocks, boundary_io=boundary_io)
    optimum = min(map(oracle.bottleneck, every))
    # The chain goes by work.
    assume(optimum < float("inf") and instance.work.any())
    asked: list[Domains] = []

    def decide(domains: Domains, _seconds: float) -> bool:
        asked.append(domains)
        return domains.threshold <= optimum

    formulation = Formulation(instance)
    budget = Budget(threshold=round(1.5 * optimum), seconds=60, executor=InProcess())
    everyone = np.arange(instance.graph.num_nodes, dtype=np.int32)
    decider = Decider(decide=decide, state=ProofState(), group_of=everyone)
    search = ChainSearch(formulation, budget, decider=decider)
    for seconds, best in ((0.0, 1.4), (60.0, 1.2), (60.0, 1.0)):
        search.run(seconds, floor=lambda: round(optimum / 2))
        search.learn(round(best * optimum))
    search.run(60.0)
    assert search.bound().believed <= optimum
    assert search.bound().believed >= optimum * (1 - 3e-5) - formulation.step
    for domains in asked:
        check(domains, data, device, boundary_io=boundary_io)


@given(*PROBLEMS, st.data())
@settings(max_examples=FEW)
def test_no_move_goes_too_far(
    data: dict[str, Any], device: dict[str, Any], num_blocks: int, boundary_io: bool, draw: st.DataObject
) -> None:
    """From what is exactly true of the partitions below any threshold, and from anything weaker."""
    instance = to_instance(data, device, num_blocks, boundary_io=boundary_io)
    every = all_partitions(data, device, num_blocks, boundary_io=boundary_io)
    formulation = Formulation(instance)
    costs = sorted({cost for cost in map(oracle.bottleneck, every) if cost < float("inf")})
    assume(costs)
    threshold = round(draw.draw(st.sampled_from(costs))) + formulation.step
    poll = draw.draw(st.sampled_from([None, lambda: False]))
    everyone = np.arange(instance.graph.num_nodes, dtype=np.int32)
    core = find_domains(
        instance.core, everyone, threshold - formulation.step + 1, state=ProofState(), is_patient=True, poll=poll
    )
    assert core is not None
    weights, windows = core.weights, core.narrowed.windows
    sums = [
        weighed(weights, block_of, num_blocks)
        for block_of, blocks in zip(oracle.partitions(data, num_blocks), every, strict=True)
        if oracle.bottleneck(blocks) < threshold
    ]
    total = int(weights.sum())
    slack = draw.draw(st.integers(0, total))
    least = [max(0, min(sum_) - slack) for sum_ in zip(*sums, strict=True)]
    most = [min(total, max(sum_) + slack) for sum_ in zip(*sums, strict=True)]
    narrowed = core.narrow(least, most, windows, poll)
    assert narrowed is not None
    earliest, latest = narrowed.windows
    domains = Domains(
        threshold=threshold,
        earliest=earliest,
        latest=latest,
        incompatible=core.incompatible,
        weights=weights,
        least=tuple(narrowed.least),
        most=tuple(narrowed.most),
    )
    move = Move(block=draw.draw(st.integers(0, num_blocks - 1)), is_forward=draw.draw(st.booleans()))
    request = Request(model=build_move(formulation, move, domains), step=1, seconds=60)
    outcome = InProcess().submit(solve_model, request).result()
    by = outcome.lower_bound - (threshold - formulation.step)
    end = move.block + move.is_forward
    farthest = most[end] - max(sum_[end] for sum_ in sums)
    if not move.is_forward:
        farthest = min(sum_[end] for sum_ in sums) - least[end]
    assert by <= farthest
    assert outcome.testimony is None or outcome.testimony.status != "infeasible"


def solve_model() -> None:
    """Only its name counts."""


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.3])
def test_whatever_the_time_there_is_a_bound(seconds: float) -> None:
    """And it is given on time."""
    instance = to_instance(grid(20), {"bandwidth": 8.0}, 8)
    begin = time.monotonic()
    bound = chain(Formulation(instance), Budget(threshold=round(100 / instance.tick), seconds=seconds))
    assert time.monotonic() - begin < seconds + 2
    assert bound.status == "time_limit"
    assert combinatorial(instance).ticks <= bound.believed <= 100 / instance.tick


def test_a_caller_can_stop_it() -> None:
    """With and without an executor; the bound so far is told."""
    instance = to_instance(grid(20), {"bandwidth": 8.0}, 8)
    for executor in (None, InProcess()):
        told: list[int] = []

        def watch(lower_bound: int, told: list[int] = told) -> bool:
            told.append(lower_bound)
            return len(told) >= 4

        budget = Budget(threshold=round(100 / instance.tick), seconds=60, executor=executor, watch=watch)
        bound = chain(Formulation(instance), budget)
        assert bound.status == "time_limit"
        assert len(told) < 10
        assert set(told) == {combinatorial(instance).ticks}


def test_an_example_by_hand() -> None:
    """3.125 s is the best of the two cuts; with a threshold above it, the chain finds the way down."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    for threshold in (3.125, 4.0):
        budget = Budget(threshold=round(threshold / instance.tick), seconds=60)
        bound = chain(Formulation(instance), budget)
        assert bound.status == "optimal"
        assert 3.125 * (1 - 3e-5) <= bound.believed_lower_bound <= 3.125
        assert bound.lower_bound == 3.0
        assert bound.chain is not None


def test_nothing_to_prove() -> None:
    """No work, or a best partition that the combinatorial bound proves already."""
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 1)
    budget = Budget(threshold=round(6 / instance.tick), seconds=60)
    bound = chain(Formulation(instance), budget)
    assert (bound.status, bound.lower_bound, bound.chain) == ("optimal", 6.0, None)
    idle = {**CHAIN, "nodes": {"op": ["a", "b", "c"], "work": [0.0, 0.0, 0.0]}}
    nothing = to_instance(idle, {"bandwidth": 64.0}, 2)
    assert chain(Formulation(nothing), Budget(threshold=None, seconds=60)).lower_bound == 0


def test_a_graph_can_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slicegraph.bounds.tasks._MAX_NODES", 2)
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    bound = chain(Formulation(instance), Budget(threshold=round(4 / instance.tick), seconds=60))
    assert (bound.status, bound.lower_bound) == ("too_large", 3.0)


def test_a_solver_that_fails_is_asked_no_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("slicegraph.bounds.worker._idle", [])
    monkeypatch.setattr("sys.executable", "/no/such/python")
    instance = to_instance(CHAIN, {"bandwidth": 64.0}, 2)
    bound = chain(Formulation(instance), Budget(threshold=round(4 / instance.tick), seconds=60))
    assert (bound.status, bound.believed_lower_bound) == ("failed", 3.125)
    assert caplog.text.count("the solver gave up") == 1


def test_the_confines_are_of_an_instance() -> None:
    """The exact model within it has fewer variables."""
    instance = to_instance(grid(6), {"bandwidth": 4.0}, 4)
    best = sg.search(instance, stop=sg.MaxEvaluations(300)).bottleneck
    formulation = Formulation(instance)
    threshold = round(1.1 * best / instance.tick)
    search = ChainSearch(formulation, Budget(threshold=threshold, seconds=1))
    search.run(1)
    domains = search.domains
    assert domains is not None
    ones = sg.bounds.model.Superblocks(spans=(1,) * 4)
    models = [build_model(formulation, ones, threshold=threshold, domains=each) for each in (None, domains)]
    assert models[1].num_columns < models[0].num_columns

"""Lower bounds on unlike stages, under constraints and limits, against every partition."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import slicegraph as sg
import unlike
from slicegraph._core import ProofState, find_domains
from slicegraph.bounds.bottleneck import any_block, bottleneck
from slicegraph.bounds.bottleneck_guess import bottleneck_guess
from slicegraph.bounds.builder import build_model, build_move
from slicegraph.bounds.chain import chain
from slicegraph.bounds.chain_search import ChainSearch
from slicegraph.bounds.downsets import downsets
from slicegraph.bounds.exact import exact
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.model import Domains, Integers, Move, Superblocks
from slicegraph.bounds.node import node
from slicegraph.bounds.tasks import Budget
from slicegraph.bounds.worker import Request, solve_model
from slicegraph.cost import ALL_TICKS
from slicegraph.evidence.bound import Bound
from solutions import find_solution
from solving import InProcess
from strategies import CHAIN, MANY, to_graph, to_instance

Method = Callable[[Formulation, Budget], Bound]
SOME = MANY // 3
"""Examples of what takes some models each."""
FEW = MANY // 8
"""Of what takes a dozen."""
SLACKS = st.sampled_from([None, 1.0, 1.1, 2.0])


@pytest.mark.parametrize(
    "method", [exact, bottleneck, bottleneck_guess, node, downsets, chain], ids=lambda method: method.__name__
)
@given(unlike.instances(), SLACKS)
@settings(max_examples=SOME)
def test_no_bound_is_above_the_optimum(method: Method, instance: sg.Instance, slack: float | None) -> None:
    """And the exact model has it, or no solution when there is no partition."""
    optimum = unlike.optimum(instance)
    threshold = None if slack is None or optimum >= ALL_TICKS else round(optimum * slack)
    formulation = Formulation(instance)
    bound = method(formulation, Budget(threshold=threshold, seconds=60, executor=InProcess()))
    assert instance.core.combinatorial_bound() <= bound.ticks <= optimum
    assert bound.verified <= bound.ticks
    said = max(bound.ticks, bound.believed)
    assert said <= optimum
    if method is downsets:
        assert bound.ticks >= min(optimum, threshold or optimum, ALL_TICKS)
    if method is not exact or (threshold is not None and formulation.ceiling > 1000 * threshold):
        return
    if threshold is not None:
        assert said >= optimum - 3e-6 * threshold
    elif optimum >= ALL_TICKS and not instance.is_plain:
        assert bound.believed_lower_bound == float("inf")


@given(unlike.instances(max_blocks=5), st.data())
@settings(max_examples=SOME)
def test_the_superblocks_of_a_partition_are_a_solution(instance: sg.Instance, draw: st.DataObject) -> None:
    """With t its bottleneck, and a threshold of as much or none; and some stage meets the demand on it."""
    block_of, t = any_partition(instance, draw)
    num_blocks, formulation = instance.num_blocks, Formulation(instance)
    threshold = draw.draw(st.sampled_from([None, t, 2 * t]))

    def holds(superblocks: Superblocks, ends: tuple[int, ...]) -> bool:
        model = build_model(formulation, superblocks, threshold=threshold)
        return find_solution(formulation, model, block_of, t, ends) is not None

    cuts = draw.draw(st.sets(st.integers(1, num_blocks - 1))) if num_blocks > 1 else []
    ends = (0, *sorted(cuts), num_blocks)
    assert holds(Superblocks(spans=tuple(end - begin for begin, end in itertools.pairwise(ends))), ends)
    meets, is_of_kind = [], {}
    for block in range(num_blocks):
        around = tuple(span for span in (block, 1, num_blocks - 1 - block) if span)
        ends = tuple(sorted({0, block, block + 1, num_blocks}))
        assert holds(Superblocks(spans=around), ends)
        meets.append(holds(Superblocks(spans=around, demand=int(block > 0)), ends))
        for superblocks in any_block(formulation):
            if superblocks.kind in (None, formulation.kind_of[block]):
                ends = (0, block, block + 1, num_blocks)
                is_of_kind[superblocks.kind, block] = holds(superblocks, ends)
    assert any(meets)
    assert any(is_of_kind.values())


def any_partition(instance: sg.Instance, draw: st.DataObject) -> tuple[Integers, int]:
    """A partition within the limits, and the ticks of its bottleneck."""
    every = [(block_of, max(costs)) for block_of, costs in unlike.partitions(instance) if max(costs) < ALL_TICKS]
    assume(every)
    block_of, t = draw.draw(st.sampled_from(every))
    return block_of, int(t)


@given(unlike.instances(), st.sampled_from([1.1, 2.0]))
@settings(max_examples=FEW)
def test_no_better_partition_is_outside_the_domains_of_the_chain(instance: sg.Instance, slack: float) -> None:
    """And the exact model has the same optimum within them."""
    every = [(block_of, costs) for block_of, costs in unlike.partitions(instance) if max(costs) < ALL_TICKS]
    assume(every)
    optimum = min(max(costs) for _, costs in every)
    formulation = Formulation(instance)
    budget = Budget(threshold=round(optimum * slack), seconds=60, executor=InProcess())
    search = ChainSearch(formulation, budget)
    search.run(60)
    domains = search.domains
    if domains is None:
        return
    for block_of, costs in every:
        if max(costs) < domains.threshold:
            sums = weights_of_first(domains.weights, block_of, instance.num_blocks)
            assert all(low <= sum_ <= high for low, sum_, high in zip(domains.least, sums, domains.most, strict=True))
            for block, cost in enumerate(costs):
                room, parts = formulation.room_of_weights(block)
                assert sums[block + 1] - sums[block] <= room * cost // parts
            assert (domains.earliest <= block_of + 1).all()
            assert (block_of + 1 <= domains.latest).all()
    within = exact(formulation, replace(budget, domains=domains))
    assert within.ticks <= max(instance.core.combinatorial_bound(), within.believed) <= optimum
    if formulation.ceiling <= 1000 * optimum:
        assert within.believed >= optimum - 5e-6 * optimum * slack


@given(unlike.instances(), st.data())
@settings(max_examples=FEW)
def test_no_move_goes_too_far(instance: sg.Instance, draw: st.DataObject) -> None:
    """From what is exactly true of the partitions below any threshold, and from anything weaker."""
    every = [(block_of, max(costs)) for block_of, costs in unlike.partitions(instance) if max(costs) < ALL_TICKS]
    assume(every)
    formulation, num_blocks = Formulation(instance), instance.num_blocks
    threshold = int(draw.draw(st.sampled_from(sorted({cost for _, cost in every})))) + formulation.step
    state, everyone = ProofState(), np.arange(instance.graph.num_nodes, dtype=np.int32)
    poll = draw.draw(st.sampled_from([None, lambda: False]))
    core = find_domains(
        instance.core, everyone, threshold - formulation.step + 1, state=state, is_patient=True, poll=poll
    )
    assert core is not None
    total = int(core.weights.sum())
    sums = [weights_of_first(core.weights, block_of, num_blocks) for block_of, cost in every if cost < threshold]
    slack = draw.draw(st.integers(0, total))
    least = [max(0, min(sum_) - slack) for sum_ in zip(*sums, strict=True)]
    most = [min(total, max(sum_) + slack) for sum_ in zip(*sums, strict=True)]
    narrowed = core.narrow(least, most, core.narrowed.windows, poll)
    assert narrowed is not None
    earliest, latest = narrowed.windows
    domains = Domains(
        threshold=threshold,
        earliest=earliest,
        latest=latest,
        incompatible=core.incompatible,
        weights=core.weights,
        least=tuple(narrowed.least),
        most=tuple(narrowed.most),
    )
    move = Move(block=draw.draw(st.integers(0, num_blocks - 1)), is_forward=draw.draw(st.booleans()))
    request = Request(model=build_move(formulation, move, domains), step=1, seconds=60)
    outcome = InProcess().submit(solve_model, request).result()
    end = move.block + move.is_forward
    farthest = narrowed.most[end] - max(sum_[end] for sum_ in sums)
    if not move.is_forward:
        farthest = min(sum_[end] for sum_ in sums) - narrowed.least[end]
    assert outcome.lower_bound - (threshold - formulation.step) <= farthest
    assert outcome.testimony is None or outcome.testimony.status != "infeasible"


def weights_of_first(weights: Integers, block_of: Integers, num_blocks: int) -> list[int]:
    """What the first 0, 1, ..., all blocks weigh."""
    return [int(weights[block_of < end].sum()) for end in range(num_blocks + 1)]


def test_equal_devices_have_the_models_of_one_device() -> None:
    """Row by row."""
    graph, device = to_graph(CHAIN), sg.Device(bandwidth=64.0)
    alike = sg.Instance(graph, devices=[device] * 3)
    superblocks = Superblocks(spans=(1, 2), demand=0)
    one, other = (
        build_model(Formulation(instance), superblocks, threshold=2**50)
        for instance in (alike, to_instance(CHAIN, {"bandwidth": 64.0}, 3))
    )
    for name in ("upper", "start", "column", "value", "bound", "kind", "arguments", "parts"):
        assert np.array_equal(getattr(one, name), getattr(other, name))

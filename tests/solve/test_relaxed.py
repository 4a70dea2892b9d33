"""The turns of what needs the MIP solver: what is told before it is asked, and what it is worth as evidence."""

from __future__ import annotations

import pytest

import slicegraph as sg
from results import result_of
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.formulation import Formulation
from slicegraph.bounds.tasks import Budget
from slicegraph.evidence.bound import Bound
from slicegraph.lower_bound import SOLVED
from slicegraph.solve import relaxed
from slicegraph.solve.board import Board
from slicegraph.solve.events import Begun, Closed, Improved, Run
from slicegraph.solve.incumbent import Incumbent
from slicegraph.solve.schedule import new_schedule
from slicegraph.solve.worker import Shared


def test_what_one_node_must_cost_is_told_before_the_solver_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its minimum cut is soon known, where a turn of the solver takes seconds; and it is evidence of that bound."""
    instance = sg.Instance(sg.generate.regal(model="barabasi_albert", num_nodes=40, seed=1), num_blocks=8)
    ordinary, best = combinatorial(instance), sg.search(instance, stop=sg.MaxEvaluations(20_000), threads=1)
    bottleneck = round(best.bottleneck / instance.tick)
    board = Board(new_schedule(("exact",), no_partition=2**52, lower_bound=ordinary.ticks))
    board.post(Begun(), Improved(bottleneck=bottleneck))
    told: list[int] = []

    def exact(_formulation: Formulation, _budget: Budget) -> Bound:
        told.append(board.schedule.lower_bound)
        return ordinary

    monkeypatch.setattr(relaxed, "SOLVED", {**SOLVED, "exact": exact})
    shared = Shared(
        instance=instance, board=board, incumbent=Incumbent(), threads=1, bounds={"combinatorial": ordinary}
    )
    bound, _ = relaxed.Relaxed(shared, "relaxed").prove(Run(method="exact", seconds=1.0, steps=1))
    assert bound.node is not None
    assert ordinary.ticks < bound.node.lower_bound
    assert told == [min(bottleneck, bound.node.lower_bound)] == [bound.ticks]


@pytest.mark.parametrize("density", [0.0, 2.0])
def test_the_chain_of_a_dense_graph_does_not_ask_the_exact_solver(
    density: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of its time would be lost: downsets are too many within any windows."""
    instance = sg.Instance(sg.generate.regal(model="barabasi_albert", num_nodes=40, seed=1), num_blocks=4)
    ordinary, best = combinatorial(instance), sg.search(instance, stop=sg.MaxEvaluations(20_000), threads=1)
    board = Board(new_schedule(("chain",), no_partition=2**52, lower_bound=ordinary.ticks, density=density))
    board.post(Begun(), Improved(bottleneck=round(best.bottleneck / instance.tick)))
    asked: list[object] = []

    def chain_search(_formulation: Formulation, _budget: Budget, *, decider: object) -> None:
        asked.append(decider)
        raise InterruptedError

    monkeypatch.setattr(relaxed, "ChainSearch", chain_search)
    shared = Shared(
        instance=instance, board=board, incumbent=Incumbent(), threads=1, bounds={"combinatorial": ordinary}
    )
    with pytest.raises(InterruptedError):
        relaxed.Relaxed(shared, "relaxed").prove(Run(method="chain", seconds=1.0, steps=1))
    assert [decider is None for decider in asked] == [density > 1.0]


def test_what_packings_prove_is_kept_at_once_and_the_chain_does_not_begin_after_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run that ends waits only a little for what goes on, and what is not kept by then is lost."""
    instance = sg.Instance(sg.generate.regal(num_nodes=24, model="erdos_renyi", seed=1), num_blocks=4)
    ordinary, best = combinatorial(instance), sg.search(instance, stop=sg.MaxEvaluations(200), threads=1)
    bottleneck = round(best.bottleneck / instance.tick)
    board = Board(
        new_schedule(("chain",), no_partition=2**52, lower_bound=ordinary.ticks, density=2.0, is_packable=True)
    )
    board.post(Begun(), Improved(bottleneck=bottleneck))
    shared = Shared(
        instance=instance, board=board, incumbent=Incumbent(), threads=1, bounds={"combinatorial": ordinary}
    )
    keep, kept = shared.keep, []

    def keep_and_end(bound: Bound) -> None:
        keep(bound)
        kept.append(bound)
        board.post(Closed())

    monkeypatch.setattr(Shared, "keep", lambda _, bound: keep_and_end(bound))
    monkeypatch.setattr(relaxed, "ChainSearch", None)
    bound, has_more = relaxed.Relaxed(shared, "relaxed").prove(Run(method="chain", seconds=60.0, steps=1))
    assert len(kept) == 1
    assert has_more
    assert kept[0].downsets == bound.downsets
    assert shared.bounds["chain"].ticks == bound.ticks > ordinary.ticks
    verdict = sg.check(instance.graph, result_of(instance, best.block_of, (ordinary, kept[0])).certificate)
    assert verdict.lower_bound == instance.seconds(bound.ticks)

"""What weights prove of a run's quotient is in the certificate, and the checker proves it again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

import slicegraph as sg
from results import result_of
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.certificate.compiled import Compiled
from slicegraph.certificate.question import Question
from slicegraph.certificate.ticks import snap
from slicegraph.evidence.bound import Bound
from slicegraph.reduce import reduce
from slicegraph.solve.packings import Ladder, Packings
from strategies import MANY


def test_weights_are_evidence_of_their_threshold() -> None:
    """Nothing is claimed at once when it has to stop, nor where nothing can be checked."""
    graph = sg.generate.regal(num_nodes=24, model="erdos_renyi", seed=1)
    instance = sg.Instance(graph, num_blocks=4)
    best = sg.search(instance, stop=sg.MaxEvaluations(200))
    ceiling = round(best.bottleneck / instance.tick)
    reduction, ordinary = reduce(instance, threshold=ceiling), combinatorial(instance)
    document = {**instance.question, "num_blocks": instance.num_blocks, "boundary_io": instance.boundary_io}
    packings = Packings(reduction, Compiled(snap(graph.arrays, Question.of(document))))
    packings.prove(lambda: ceiling, floor=ordinary.ticks, seconds=60.0, watch=lambda _: True)
    assert packings.proven == 0
    assert packings.has_more
    packings.prove(lambda: ceiling, floor=ordinary.ticks, seconds=20.0, watch=lambda ticks: ticks > ordinary.ticks)
    assert packings.search is not None
    assert ceiling > packings.proven > ordinary.ticks
    bound = Bound(
        method="chain",
        ticks=packings.proven,
        tick=instance.tick,
        seconds=0.0,
        status="time_limit",
        verified=ordinary.ticks,
        reduction=reduction.evidence,
        downsets=packings.search,
    )
    verdict = sg.check(graph, result_of(instance, best.block_of, (ordinary, bound)).certificate)
    assert verdict.lower_bound == instance.seconds(packings.proven)
    assert verdict.proved_by == "packing"
    again = Packings(reduction, packings.compiled, packings)
    assert (again.proven, again.has_more) == (packings.proven, packings.has_more)
    nothing = Packings(reduction, None)
    nothing.prove(lambda: ceiling, floor=0, seconds=60.0, watch=lambda _: False)
    assert (nothing.proven, nothing.has_more) == (0, False)


def test_a_ladder_climbs_by_what_is_open() -> None:
    """It begins where most is proven soon, and steps are halved where work runs out, until one is proven."""
    ladder = Ladder(proven=300, refuted=1000)
    assert (ladder.threshold, ladder.work) == (650, 2**26)
    assert Ladder(proven=880, refuted=1000).threshold == 904
    assert ladder.after_halt(7).threshold == 475
    assert [ladder.is_outdated(bottleneck) for bottleneck in (1000, 956, 955)] == [False, False, True]
    ladder = ladder.after_proof(2**26)
    assert (ladder.proven, ladder.threshold, ladder.work) == (650, 720, 2**28)
    ladder = ladder.with_bounds(800, 1000)
    assert ladder.threshold == 840
    ladder = ladder.after_halt(2**26)
    assert (ladder.threshold, ladder.work, ladder.after_halt(0).threshold) == (820, 2**29, 810)
    ladder = ladder.after_proof(0)
    assert (ladder.proven, ladder.threshold) == (820, 856)
    ladder = ladder.after_refutation(2**27)
    assert (ladder.refuted, ladder.threshold, ladder.work) == (856, 838, 2**30)
    assert [ladder.is_outdated(bottleneck) for bottleneck in (856, 839, 838)] == [False, False, True]
    assert ladder.with_bounds(840, 900).threshold == 848
    assert ladder.with_bounds(853, 900).is_done
    assert ladder.with_bounds(0, 700).is_done


@given(st.integers(0, 2**40), st.integers(1, 2**40), st.floats(0, 1), st.lists(st.booleans(), max_size=9))
@settings(max_examples=MANY)
def test_a_ladder_comes_to_what_can_be_proven(floor: int, more: int, part: float, is_open: list[bool]) -> None:
    """Every threshold is between what is proven and what is refuted, also where some are left open at first."""
    ladder = Ladder(proven=floor, refuted=floor + more)
    most = floor + int(part * (more - 1))
    answers = iter(is_open)
    for _ in range(500):
        if ladder.is_done:
            break
        assert ladder.proven < ladder.threshold <= ladder.refuted
        if next(answers, False):
            ladder = ladder.after_halt(1)
        else:
            ladder = ladder.after_proof(1) if ladder.threshold <= most else ladder.after_refutation(1)
        assert ladder.proven <= most < ladder.refuted
    assert ladder.is_done

"""What weights prove of a run's quotient is in the certificate, and the checker proves it again."""

from __future__ import annotations

import slicegraph as sg
from results import result_of
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.certificate.compiled import Compiled
from slicegraph.certificate.question import Question
from slicegraph.certificate.ticks import snap
from slicegraph.evidence.bound import Bound
from slicegraph.reduce import reduce
from slicegraph.solve.packings import Ladder, Packings


def test_weights_are_evidence_of_their_threshold() -> None:
    """Nothing is claimed at once when it has to stop, nor where nothing can be checked."""
    graph = sg.generate.regal(num_nodes=24, model="erdos_renyi", seed=1)
    instance = sg.Instance(graph, num_blocks=4)
    best = sg.search(instance, stop=sg.MaxEvaluations(200))
    ceiling = round(best.bottleneck / instance.tick)
    reduction, ordinary = reduce(instance, threshold=ceiling), combinatorial(instance)
    asked = {**instance.asked, "num_blocks": instance.num_blocks, "boundary_io": instance.boundary_io}
    packings = Packings(reduction, Compiled(snap(graph.arrays, Question.of(asked))))
    packings.prove(ceiling, floor=ordinary.ticks, seconds=60.0, hear=lambda _: True)
    assert packings.proven == 0
    assert packings.goes_on
    packings.prove(ceiling, floor=ordinary.ticks, seconds=20.0, hear=lambda ticks: ticks > ordinary.ticks)
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
    assert (again.proven, again.goes_on) == (packings.proven, packings.goes_on)
    nothing = Packings(reduction, None)
    nothing.prove(ceiling, floor=0, seconds=60.0, hear=lambda _: False)
    assert (nothing.proven, nothing.goes_on) == (0, False)


def test_a_ladder_climbs_by_what_work_allows() -> None:
    """It begins where most is proven soon, above what is known, and never goes below that or up to what is refuted."""
    ladder, work = Ladder.of(300, 1000), Ladder.of(300, 1000).work
    assert ladder.threshold == 750
    assert Ladder.of(800, 1000).threshold == 862
    ladder = ladder.climbed(work // 2)
    assert (ladder.proven, ladder.threshold, ladder.work) == (750, 812, 2 * work)
    ladder = ladder.left_open()
    assert (ladder.proven, ladder.threshold, ladder.work) == (750, 781, 2 * work)
    ladder = ladder.left_open()
    assert (ladder.threshold, ladder.work) == (765, 2 * work)
    ladder = ladder.left_open()
    assert (ladder.threshold, ladder.work) == (764, 4 * work)
    ladder = ladder.climbed(0)
    assert (ladder.proven, ladder.threshold, ladder.work) == (764, 792, 4 * work)
    ladder = ladder.beside(800, 900).fell()
    assert (ladder.proven, ladder.refuted, ladder.is_done) == (800, 828, False)
    assert ladder.beside(826, 900).is_done

"""What trees prove of a run's quotient is in the certificate, and the checker proves it again."""

from __future__ import annotations

import slicegraph as sg
from results import result_of
from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.bounds.formulation import Formulation
from slicegraph.evidence.bound import Bound
from slicegraph.reduce import reduce
from slicegraph.solve.trees import Trees


def test_a_tree_is_evidence_of_its_threshold() -> None:
    """And no more is claimed than what was asked for, nor anything at once when it has to stop."""
    graph = sg.generate.regal(num_nodes=20, model="barabasi_albert", seed=1)
    instance = sg.Instance(graph, device=sg.Device(bandwidth=1e6), num_blocks=4, boundary_io=True)
    best = sg.solve(instance, stop=sg.MaxRuntime(30))
    threshold = round(0.9 * best.bottleneck / instance.tick)
    reduction = reduce(instance, threshold=threshold)
    trees = Trees(instance, reduction, Formulation(reduction.instance))
    trees.prove(threshold, floor=0, seconds=60.0, has_to_stop=lambda: True)
    assert trees.proven == 0
    trees.prove(threshold, floor=0, seconds=60.0, has_to_stop=lambda: False)
    assert trees.search is not None
    assert trees.proven == trees.search.threshold == threshold
    ordinary = combinatorial(instance)
    bound = Bound(
        method="chain",
        ticks=threshold,
        tick=instance.tick,
        seconds=0.0,
        status="time_limit",
        verified=ordinary.ticks,
        reduction=reduction.evidence,
        downsets=trees.search,
    )
    result = result_of(instance, best.block_of, (ordinary, bound))
    verdict = sg.check(graph, result.certificate)
    assert ordinary.lower_bound < verdict.lower_bound == result.lower_bound == instance.seconds(threshold)
    assert verdict.proved_by == "tree"

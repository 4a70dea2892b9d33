"""Node weights, against all partitions."""

from __future__ import annotations

from scopes import Case, are_within, cases
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.narrowed import narrow
from slicegraph.certificate.reach import Reach, Scope
from slicegraph.certificate.weights import ONE, raise_all, raise_named, takes_weights


def expect_light(case: Case, reach: Reach, scope: Scope) -> None:
    """No block of a better partition weighs more than it costs."""
    weights, multiplier = scope.weights.of_node, case.problem.multipliers[0]
    for blocks in case.better:
        sets = [{v for v, each in enumerate(blocks) if each == block + 1} for block in range(case.problem.num_blocks)]
        for nodes, costs in zip(sets, case.unlike.costs(sets), strict=True):
            assert costs is not None
            assert sum(weights[node] for node in nodes) <= multiplier * costs["cost"]
    assert are_within(case.better, scope)
    assert scope.weights.total >= reach.loads.total


def test_no_block_weighs_more_than_it_costs() -> None:
    """By the factors that say most and by any, before and after windows are narrowed."""
    num_closed = num_heavier = 0
    for case in cases(900):
        reach, scope = case.scope()
        if not takes_weights(reach) or not reach.close(scope, Budget()):
            continue
        if case.random.random() < 1 / 2 and not narrow(reach, scope, Budget()):
            continue
        nodes = [case.random.randrange(case.problem.num_nodes) for _ in range(case.random.randrange(8))]
        claims = [(node, case.random.choice([1, 300, ONE // 2, ONE])) for node in nodes]
        is_open = raise_named(reach, scope, claims, Budget())
        if is_open:
            expect_light(case, reach, scope)
            is_open = raise_all(reach, scope, Budget())
        assert is_open or not case.better
        if is_open:
            expect_light(case, reach, scope)
        num_closed += not is_open
        num_heavier += is_open and scope.weights.total > reach.loads.total
    assert num_closed > 5
    assert num_heavier > 30

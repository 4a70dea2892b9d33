"""Labels, against all partitions."""

from __future__ import annotations

import pytest

from scopes import Case, cases
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.frontiers import deep_order, natural_order
from slicegraph.certificate.labels import has_label
from slicegraph.certificate.reach import Reach
from slicegraph.certificate.resources import Resources


def orders(case: Case, reach: Reach) -> list[list[int]]:
    """Both that have a name, and one of any."""
    missing = [len(nodes) for nodes in reach.order.predecessors]
    ready, any_order = [node for node, count in enumerate(missing) if not count], []
    while ready:
        node = ready.pop(case.random.randrange(len(ready)))
        any_order.append(node)
        for each in reach.order.successors[node]:
            missing[each] -= 1
            ready += [] if missing[each] else [each]
    return [natural_order(reach.order), deep_order(case.problem, reach.order), any_order]


def test_a_label_is_left_exactly_where_a_partition_is_better() -> None:
    """In all windows and in any part of them."""
    found = []
    for case in cases(900, has_links=False):
        reach, scope = case.scope()
        resources = Resources.of(reach.quotient, case.problem, case.threshold)
        if resources is None:
            continue
        for nodes in orders(case, reach):
            is_left = has_label(reach, scope, nodes, resources, Budget())
            assert is_left == bool(case.better)
            found.append(is_left)
        for node in range(case.problem.num_nodes):
            if case.random.random() < 1 / 2:
                scope.first[node] = case.random.randrange(1, case.problem.num_blocks + 1)
                scope.last[node] = case.random.randrange(scope.first[node], case.problem.num_blocks + 1)
        inside = [
            blocks
            for blocks in case.better
            if all(first <= block <= last for block, first, last in zip(blocks, *scope.windows, strict=True))
        ]
        for nodes in orders(case, reach):
            assert has_label(reach, scope, nodes, resources, Budget()) == bool(inside)
    assert min(found.count(True), found.count(False)) > 300


def test_steps_are_counted() -> None:
    for case in cases(40, has_links=False):
        reach, scope = case.scope()
        resources = Resources.of(reach.quotient, case.problem, case.threshold)
        nodes = natural_order(reach.order)
        if resources is None:
            continue
        budget = Budget(10**6)
        is_left = has_label(reach, scope, nodes, resources, budget)
        steps = 10**6 - int(budget.left)
        assert has_label(reach, scope, nodes, resources, Budget(steps)) == is_left
        with pytest.raises(BeyondBudgetError):
            has_label(reach, scope, nodes, resources, Budget(steps - 1))

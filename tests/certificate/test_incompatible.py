"""Incompatible pairs, against all partitions."""

from __future__ import annotations

from scopes import cases
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.incompatible import are_incompatible


def test_no_better_partition_has_a_pair_in_one_block() -> None:
    """Nor one that follows; a pair is incompatible in both orders."""
    num_pairs = 0
    for case in cases(400):
        reach, scope = case.scope()
        nodes = range(case.problem.num_nodes)
        pairs = [
            (first, second)
            for first in nodes
            for second in nodes
            if are_incompatible(reach.quotient, reach.order, first, second, case.threshold, Budget())
        ]
        known = scope.pairs.joined(case.random.sample(pairs, len(pairs) // 2), reach.order, Budget())
        known = known.joined(pairs, reach.order, Budget())
        assert all(known.has(*pair) for pair in pairs)
        for one in nodes:
            for other in nodes:
                assert known.has(one, other) == known.has(other, one)
                if known.has(one, other):
                    assert all(blocks[one] != blocks[other] for blocks in case.better)
        num_pairs += len(pairs)
        scope.pairs = known
        is_open = reach.close(scope, Budget())
        assert is_open or not case.better
        for blocks in case.better:
            assert all(first <= block <= last for block, first, last in zip(blocks, *scope.windows, strict=True))
    assert num_pairs > 200


def test_no_pair_is_incompatible_where_nothing_is_known() -> None:
    _, scope = next(cases(1)).scope()
    assert not scope.pairs.has(0, 0)

"""What blocks can hold, against all partitions."""

from __future__ import annotations

import pytest

from scopes import are_within, cases
from slicegraph.certificate.budget import BeyondBudgetError, Budget


def test_every_better_partition_is_within_what_follows() -> None:
    num_closed = num_narrower = 0
    for case in cases(600):
        reach, scope = case.scope()
        is_open = reach.close(scope, Budget())
        assert is_open or not case.better
        assert are_within(case.better, scope) or not is_open
        num_closed += not is_open
        num_narrower += is_open and scope.windows != reach.all().windows
    assert num_closed > 50
    assert num_narrower > 50


def test_what_is_known_of_the_first_blocks_is_kept_and_used() -> None:
    """Of those partitions alone of which it is so."""
    num_closed = 0
    for case in cases(400):
        reach, scope = case.scope()
        if not reach.close(scope, Budget()) or reach.problem.num_blocks == 1:
            continue
        end = case.random.randrange(1, reach.problem.num_blocks)
        most = case.random.randrange(1 + scope.weights.total)
        weights = scope.weights.of_node
        of_first = [sum(weights[v] for v, block in enumerate(blocks) if block <= end) for blocks in case.better]
        light = [blocks for blocks, weight in zip(case.better, of_first, strict=True) if weight <= most]
        scope.most[end] = min(scope.most[end], most)
        is_open = reach.close(scope, Budget())
        assert are_within(light, scope) if is_open else not light
        num_closed += not is_open
    assert num_closed > 10


def test_steps_are_counted() -> None:
    case = next(cases(1))
    reach, scope = case.scope()
    with pytest.raises(BeyondBudgetError):
        reach.close(scope, Budget(0))

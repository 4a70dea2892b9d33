"""A limit on steps."""

from __future__ import annotations

import pytest

from slicegraph.certificate.budget import BeyondBudgetError, Budget


def test_all_steps_can_be_spent_and_no_more() -> None:
    budget = Budget(3)
    budget.spend(2)
    budget.spend(1)
    with pytest.raises(BeyondBudgetError):
        budget.spend(1)


def test_without_a_number_there_is_no_limit() -> None:
    budget = Budget()
    budget.spend(2**60)
    budget.spend(2**60)


def test_a_part_is_paid_by_the_whole() -> None:
    budget = Budget(5)
    part = Budget(2, of=budget)
    part.spend(2)
    assert budget.left == 3
    with pytest.raises(BeyondBudgetError):
        part.spend(1)

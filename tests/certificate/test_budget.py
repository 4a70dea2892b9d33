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

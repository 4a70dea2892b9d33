"""Each rule of the policy has a test that fails without it."""

from __future__ import annotations

import pytest

from solve.mutants import MUTANTS, survives


@pytest.mark.parametrize("name", MUTANTS)
def test_a_changed_policy_fails_a_test(name: str) -> None:
    """A mutant that survives is a rule without a test."""
    assert not survives(name)

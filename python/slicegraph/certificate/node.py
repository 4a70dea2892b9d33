"""Rule node: every block with a certain node costs the threshold or more, by a minimum cut.

**Why.** Any partition has a block with the node, on some kind of device that may hold it; such a block costs at least
the minimum cut around the node (`slicegraph.certificate.cut`), the least over these kinds.
"""

from __future__ import annotations

from slicegraph.certificate.budget import Budget
from slicegraph.certificate.costs import CAPACITY
from slicegraph.certificate.cut import least_cost
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.quotient import Quotient
from slicegraph.certificate.structure import expect, expect_form


def check_node(problem: Problem, node: int, claimed: int, budget: Budget) -> None:
    """Check that every block with a node costs so much.

    Raises
    ------
    PlacedError
        When one may cost less, or there is no such node.
    BeyondBudgetError
        When it takes more steps.
    """
    expect_form(node < problem.num_nodes, f"{node} is no node of the quotient")
    budget.spend(problem.size)
    found = least_cost_with(Quotient(problem), node, claimed, budget)
    expect(found >= claimed, f"{claimed} is claimed, but the minimum cut is {found}")


def least_cost_with(quotient: Quotient, node: int, enough: int, budget: Budget) -> int:
    """Give the least cost of a block with a node, or anything from ``enough`` on if it is more.

    2^52, more than any block costs, when no stage may hold it.

    Raises
    ------
    BeyondBudgetError
        When it takes more steps.
    """
    costs = (
        least_cost(quotient, node, None, enough, budget, kind=kind, is_convex=True) for kind in quotient.kinds_of(node)
    )
    return min(costs, default=CAPACITY)

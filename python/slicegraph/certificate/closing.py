"""A proof that no partition of a problem is below a threshold: by the hints of a log, or else by a search of downsets.

Hints have most of the steps. Without hints, or if they leave a case open, all downsets are searched, first without
windows and then within windows narrowed by minimum cuts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.downsets import Downsets
from slicegraph.certificate.hints import Following
from slicegraph.certificate.log import End, ExpensiveNode, Fact, Packing, Tree
from slicegraph.certificate.narrowed import narrowed
from slicegraph.certificate.node import check_node
from slicegraph.certificate.packing import closes_all as packing_closes_all
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.searching import OpenError
from slicegraph.certificate.structure import expect
from slicegraph.certificate.tree import walk

_HINTED = 3 / 4
"""Of the steps, for hints: a search without them rarely ends where they do not (record of 2026-12-01, plain)."""
_PLAIN = 4
"""The part of the steps that a search gets without windows, which cost much where they are of no use."""


def close(problem: Problem, threshold: int, hints: Sequence[Fact | End], budget: Budget) -> str:
    """Prove that no partition is below a threshold; give the rule that closes the proof.

    Raises
    ------
    PlacedError
        When a partition is better, or a hint is about what is not there.
    BeyondBudgetError
        When it takes more steps.
    """
    if len(hints) == 1 and isinstance(hints[0], ExpensiveNode):
        # By itself, it is the claim.
        check_node(problem, hints[0].node, threshold, budget)
        return "cut"
    if hints and threshold > 0:
        with contextlib.suppress(OpenError, BeyondBudgetError):
            return _close_as_said(problem, threshold, hints, Budget(_HINTED * budget.left, of=budget))
    expect(not _has_better(problem, threshold, budget), f"some partition costs less than {threshold}")
    return "downsets"


def _close_as_said(problem: Problem, threshold: int, hints: Sequence[Fact | End], budget: Budget) -> str:
    match hints:
        # They begin with all that there is; one that does not hold says nothing.
        case [Packing() as packing]:
            if packing_closes_all(problem, threshold, packing, budget):
                return "packing"
        case [Tree(steps)]:
            if walk(problem, threshold, steps, budget):
                return "tree"
        case _:
            return Following(problem, threshold, hints).close(budget)
    raise OpenError


def _has_better(problem: Problem, threshold: int, budget: Budget) -> bool:
    """Whether a partition is better than a threshold: by a plain search, or else by one within windows."""
    search = Downsets(problem, budget)
    try:
        return search.has_better(threshold, Budget(budget.left / _PLAIN, of=budget))
    except BeyondBudgetError:
        windows = narrowed(problem, threshold, budget)
        return windows is not None and search.has_better(threshold, budget, windows)

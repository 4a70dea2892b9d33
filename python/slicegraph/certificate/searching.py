"""Proofs that a scope is empty, by the requested search or, with a part of the steps, by another one."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import final

from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.downsets import Downsets
from slicegraph.certificate.frontiers import deep_order, natural_order
from slicegraph.certificate.labels import has_label
from slicegraph.certificate.narrowed import narrow
from slicegraph.certificate.reach import Reach, Scope
from slicegraph.certificate.resources import Resources
from slicegraph.certificate.structure import expect

_FIRST = 2**13
"""Steps of the first turn of what is asked for."""
_GROWTH = 4
"""By how much steps grow from turn to turn; of all else, the part of them."""


class OpenError(Exception):
    """All hints were used, and a scope is still open."""


@final
class Searching:
    """Searches of scopes of one problem and threshold.

    Parameters
    ----------
    reach
        The problem and the threshold.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._downsets: Downsets | None = None

    def by_labels(self, scope: Scope, nodes: Sequence[int] | None, budget: Budget) -> str:
        """Prove that nothing is left by labels in an order, or in any that does; give by which rule.

        Raises
        ------
        PlacedError
            When a partition is better than the threshold.
        OpenError
            When labels do not tell what blocks are limited in.
        BeyondBudgetError
            When it takes more steps.
        """
        orders = self._orders() if nodes is None else [nodes]
        return self._in_turns(
            scope, "labels", [functools.partial(self._prove_by_labels, scope, each) for each in orders], budget
        )

    def by_levels(self, scope: Scope, budget: Budget) -> str:
        """Prove that nothing is left by levels of downsets; give by which rule.

        Raises
        ------
        PlacedError
            When a partition is better than the threshold.
        BeyondBudgetError
            When it takes more steps.
        """
        return self._in_turns(scope, "levels", [functools.partial(self._prove_by_levels, scope)], budget)

    def _in_turns(self, scope: Scope, rule: str, hinted: Sequence[Callable[[Budget], None]], budget: Budget) -> str:
        """Run the requested search, windows and the other searches in turn, with more steps each time."""
        most, is_narrowed = _FIRST, False
        while True:
            is_last = most >= budget.left
            for prove in hinted:
                with contextlib.suppress(BeyondBudgetError):
                    prove(Budget(min(most, budget.left), of=budget))
                    return rule
            with contextlib.suppress(BeyondBudgetError):
                if not is_narrowed:
                    if not narrow(self._reach, scope, Budget(min(most, budget.left), of=budget)):
                        return "windows"
                    is_narrowed = True
            for other, prove in self._ways(scope):
                with contextlib.suppress(BeyondBudgetError, OpenError):
                    prove(Budget(min(most // _GROWTH, budget.left), of=budget))
                    return other
            if is_last:
                raise BeyondBudgetError
            most *= _GROWTH

    def _ways(self, scope: Scope) -> Iterator[tuple[str, Callable[[Budget], None]]]:
        for nodes in self._orders():
            yield "labels", functools.partial(self._prove_by_labels, scope, nodes)
        yield "levels", functools.partial(self._prove_by_levels, scope)

    def _orders(self) -> Sequence[Sequence[int]]:
        return natural_order(self._reach.order), deep_order(self._reach.problem, self._reach.order)

    def _prove_by_labels(self, scope: Scope, nodes: Sequence[int], budget: Budget) -> None:
        reach = self._reach
        resources = Resources.of(reach.quotient, reach.problem, reach.threshold)
        if resources is None:
            raise OpenError
        self._expect_none(is_beaten=has_label(reach, scope, nodes, resources, budget))

    def _prove_by_levels(self, scope: Scope, budget: Budget) -> None:
        reach = self._reach
        if self._downsets is None:
            self._downsets = Downsets(reach.problem, budget)
        is_beaten = self._downsets.has_better(reach.threshold, budget, scope.windows, is_part=scope.is_part)
        self._expect_none(is_beaten=is_beaten)

    def _expect_none(self, *, is_beaten: bool) -> None:
        expect(not is_beaten, f"some partition costs less than {self._reach.threshold}")

"""A limit on how much of a proof is gone through again."""

from __future__ import annotations

import math
from typing import final


class BeyondBudgetError(Exception):
    """The steps that were allowed are used up: nothing is proved again, nothing is refuted."""


@final
class Budget:
    """Counts steps: sets of nodes that are tried, or vertices that a flow comes by.

    Parameters
    ----------
    steps
        How many are allowed.
    of
        The budget that it is a part of, which pays too.
    """

    def __init__(self, steps: float = math.inf, *, of: Budget | None = None) -> None:
        self.left, self._of = steps, of

    def spend(self, steps: int) -> None:
        """Use up steps.

        Raises
        ------
        BeyondBudgetError
            When there are not so many left.
        """
        if self._of:
            self._of.spend(steps)
        self.left -= steps
        if self.left < 0:
            raise BeyondBudgetError

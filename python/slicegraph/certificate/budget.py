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
    """

    def __init__(self, steps: float = math.inf) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Use up steps.

        Raises
        ------
        BeyondBudgetError
            When there are not so many left.
        """
        self.left -= steps
        if self.left < 0:
            raise BeyondBudgetError

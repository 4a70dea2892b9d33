"""The limit on the steps of a check."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import final

DEFAULT_STEPS = 25_000_000
"""The default budget: about a minute, if all of it is used (record of 2026-11-30, checker)."""
LARGE_STEPS = 250_000_000
"""About ten times as long."""
MOST_STEPS = 2**53
"""Every budget is below this."""


class BeyondBudgetError(Exception):
    """The steps are used up: the claim is neither proved nor refuted."""


@final
class Budget:
    """Counts steps.

    A step is a set of nodes that is tried, a vertex that a flow passes, or as much time as one of these: some
    microseconds. It takes a few hundred bytes at most.

    Parameters
    ----------
    steps
        How many are allowed.
    of
        The budget that it is a part of, which pays too.
    ends
        Whether no step is allowed any more, whatever is left. None: that of the budget that it is a part of, if any.
    """

    def __init__(
        self, steps: float = math.inf, *, of: Budget | None = None, ends: Callable[[], bool] | None = None
    ) -> None:
        self.left, self._of = steps, of
        self.ends: Callable[[], bool] | None = of.ends if ends is None and of is not None else ends

    @property
    def is_limited(self) -> bool:
        """Whether steps are counted down."""
        return self.left < math.inf

    def spend(self, steps: int) -> None:
        """Use up steps; when there are not so many left, or it is ended, none is used up.

        Raises
        ------
        BeyondBudgetError
            When there are not so many left, or it is ended.
        """
        if steps > self.left or (self.ends is not None and self.ends()):
            raise BeyondBudgetError
        if self._of:
            self._of.spend(steps)
        self.left -= steps

"""What users say of how often a loop runs whose trips the program does not tell."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

import numpy as np

from slicegraph.errors import InputError

_MOST: Final = 2**31 - 1


class Trips:
    """Trips by loop, and which of them were of use.

    Parameters
    ----------
    given
        By the loop's name, or by its operator, or by a pattern of names, such as ``"decoder/*"``; the first of these
        that fits is taken.

    Raises
    ------
    InputError
        One is no number of trips.
    """

    def __init__(self, given: Mapping[str, int] | None = None) -> None:
        if not isinstance(given, Mapping | None):
            raise InputError(f"trips: a mapping of loops to numbers is asked for, not {type(given).__name__}")
        self._given: dict[str, int] = {}
        self._used: set[str] = set()
        for name, trips in (given or {}).items():
            if not isinstance(name, str):
                raise InputError(f"trips: {name!r:.80} is no loop's name")
            if isinstance(trips, bool) or not isinstance(trips, int | np.integer) or not 0 <= trips <= _MOST:
                raise InputError(f"trips of {name}: {trips!r:.80} is no whole number from 0 to 2^31 - 1")
            self._given[name] = int(trips)

    def of(self, name: str, op: str, known: int | None) -> int | None:
        """Say how often a loop runs; None: neither the program nor the user does.

        Raises
        ------
        InputError
            What is said of this loop by name is not what the program says.
        """
        if known is not None:
            if self._given.get(name, known) != known:
                raise InputError(f"trips of {name}: {self._given[name]}, but the model says that it runs {known} times")
            return known
        for key in (name, op, *(pattern for pattern in self._given if fnmatchcase(name, pattern))):
            if key in self._given:
                self._used.add(key)
                return self._given[key]
        return None

    def check_used(self) -> None:
        """Require that each was of use.

        Raises
        ------
        InputError
            There is no such loop, or the program says its trips itself.
        """
        for name in self._given.keys() - self._used:
            raise InputError(f"trips of {name}: the model has no such loop whose trips it does not say itself")

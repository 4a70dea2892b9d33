"""The operations that may write in place, as a runtime does when the old value is not needed any more.

An operation that makes a changed copy of its base, such as a cache with a new row, writes only what it changes if

- no later operation reads the base, or a view of it, and it is not returned; and
- the base is made by an operation of the same graph, be it as a changed copy of another value, or is state, or is an
  input whose changed copy is returned, so that the caller has the new value for the old one.

A functional program writes a changed view back into the same region of what it is a view of: that moves nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum


class Placement(Enum):
    """Where an operation that changes its base puts its result."""

    IN_PLACE = "in place"
    WRITTEN_BACK = "written back"


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """What one operation reads and makes.

    Attributes
    ----------
    reads, makes
        Values, by whatever tells them apart.
    base
        The value of which the first one that it makes is a changed copy; None: it changes nothing.
    is_view
        What it makes shares the memory of the first value that it reads.
    region
        Which part of the first value a view shows, or which part of its base it changes, in terms that only the same
        part has; None: not known.
    """

    reads: Sequence[Hashable]
    makes: Sequence[Hashable]
    base: Hashable | None = None
    is_view: bool = False
    region: Hashable = None


@dataclass(frozen=True, eq=False, slots=True)
class _Version:
    """What some memory holds from one change to the next; after a change, it is memory that may be changed again."""

    origin: Hashable
    is_changed: bool = False


def in_place(
    uses: Sequence[Use], returned: Collection[Hashable], *, state: Collection[Hashable], lent: Collection[Hashable]
) -> dict[int, Placement]:
    """Find the operations that may change their base in place.

    Parameters
    ----------
    uses
        The operations of one graph, in order.
    returned
        What the graph returns, or keeps.
    state
        Values that the graph keeps from one run to the next, as they are when it begins.
    lent
        Values that it is given anew each time; others that nothing makes are never changed.

    Returns
    -------
        By position; an operation that has to make a copy is missing.

    Notes
    -----
    O(uses + values), but for the changes of one version, of which each looks at all of its readers.
    """
    of = _versions(uses)
    made = {value for use in uses if use.base is None and not use.is_view for value in use.makes}
    free = made | set(state) | ({of(value).origin for value in returned} & set(lent))
    readers: dict[_Version, list[int]] = {of(value): [len(uses)] for value in returned}
    for index, use in enumerate(uses):
        for value in () if use.is_view else use.reads:
            readers.setdefault(of(value), []).append(index)
    backs = _backs(uses)
    found: dict[int, Placement] = {}
    for index, use in enumerate(uses):
        if use.base is None or not ((before := of(use.base)).is_changed or before.origin in free):
            continue
        if any(reader > index and reader not in backs for reader in readers[before]):
            continue
        is_back = backs.get(index) in found
        found[index] = Placement.WRITTEN_BACK if is_back else Placement.IN_PLACE
    return found


def _versions(uses: Sequence[Use]) -> Callable[[Hashable], _Version]:
    """Find which version of which memory each value shows: a view what it is a view of, a changed copy a new one."""
    version: dict[Hashable, _Version] = {}

    def of(value: Hashable) -> _Version:
        return version.setdefault(value, _Version(value))

    for use in uses:
        if use.is_view and use.reads:
            version |= dict.fromkeys(use.makes, of(use.reads[0]))
        elif use.base is not None:
            version[use.makes[0]] = _Version(of(use.base).origin, is_changed=True)
    return of


def _backs(uses: Sequence[Use]) -> dict[int, int]:
    """Find the operations that write a changed view back, and the one that changed it."""
    shown: dict[Hashable, tuple[Hashable, Hashable]] = {}
    for use in uses:
        if use.is_view and use.reads and use.region is not None:
            shown |= dict.fromkeys(use.makes, (use.reads[0], use.region))
    changed_by = {use.makes[0]: index for index, use in enumerate(uses) if use.base is not None}
    return {
        index: changed_by[value]
        for index, use in enumerate(uses)
        if use.base is not None
        for value in use.reads
        if value in changed_by and shown.get(uses[changed_by[value]].base) == (use.base, use.region)
    }

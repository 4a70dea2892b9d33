"""What a superblock pays for each node, tensor and shared parameter, and what its stages have room for.

A superblock of stages of one kind pays by the row of that kind: so many times the bottleneck, the memory and the
limits. Where the stages of a superblock are unlike, their costs are weighed.

**Claim.** Let stage ``j`` have a multiplier ``m_j >= 0``, and let a superblock pay for everything the least
``m_j price_j`` over its stages ``j`` that may hold it, or import or export it. For a partition of bottleneck ``t`` it
then pays at most ``t`` times the sum of its stages' ``m_j``, and its overflow is at least what its nodes' weighed
parameters take beyond the sum of ``m_j memory_j``.

**Proof.** Multiply what each stage pays by ``m_j`` and add up. Every node, every tensor that crosses the border of the
superblock and every parameter is paid by some stage in it, at no less than its least weighed price. A stage that
communicates beside its computation pays at least its work, so its transfers are counted as nothing.

Rounding prices down and room up keeps the claim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slicegraph._core import Row
from slicegraph.bounds.model import Integers

_SHIFT = 10
PARTS = 1 << _SHIFT
"""Of a tick, in which prices that are weighed are counted; multipliers have twice as many binary digits."""
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prices:
    """What a superblock pays, and what it has room for.

    Attributes
    ----------
    work, params
        Per node, in parts of a tick.
    transfer
        Per tensor, likewise.
    stored
        Per parameter that several nodes read, likewise.
    room
        Parts of a tick that the superblock pays at most, per tick of the bottleneck.
    parts
        How many there are in a tick.
    memory
        What stays resident, in parts of a tick; None: all of it.
    is_overlap
        Whether it communicates beside its computation: the larger of the two counts, not the sum.
    limit, state_limit
        Bytes in all, and of state; None: no limit.
    """

    work: Integers
    transfer: Integers
    params: Integers
    stored: Integers
    room: int = 1
    parts: int = 1
    memory: int | None
    is_overlap: bool = False
    limit: int | None
    state_limit: int | None = None

    @classmethod
    def of(cls, row: Row, memory: int | None) -> Prices:
        """Give the prices of one stage."""
        return cls(
            work=row.work,
            transfer=row.transfer,
            params=row.params,
            stored=row.stored,
            memory=memory,
            is_overlap=row.is_overlap,
            limit=row.memory_limit,
            state_limit=row.state_limit,
        )

    def times(self, span: int) -> Prices:
        """Give the prices of so many stages like this one."""

        def of_all(amount: int | None) -> int | None:
            return None if amount is None else span * amount

        return Prices(
            work=self.work,
            transfer=self.transfer,
            params=self.params,
            stored=self.stored,
            room=span * self.room,
            parts=self.parts,
            memory=of_all(self.memory),
            is_overlap=self.is_overlap,
            limit=of_all(self.limit),
            state_limit=of_all(self.state_limit),
        )

    @property
    def all_params(self) -> int:
        """What everything that is stored takes to stream in."""
        return int(self.params.sum()) + int(self.stored.sum())


def weighed(multiplier: int, prices: Integers) -> Integers:
    """Give prices in ticks times a multiplier in units of ``2**-20``, in parts of a tick, rounded down."""
    # In two halves, as the product needs more than 64 bits.
    whole, rest = prices >> _SHIFT, prices & (PARTS - 1)
    return multiplier * whole + (multiplier * rest >> _SHIFT)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Share:
    """The stages of one kind among those of a superblock.

    Attributes
    ----------
    prices
        Of one of them.
    multiplier
        Of each, in units of ``2**-20``.
    count
        How many there are.
    can_hold
        Per node, whether one of them may hold it.
    """

    prices: Prices
    multiplier: int
    count: int
    can_hold: NDArray[np.bool_]

    def weigh(self, prices: Integers) -> Integers:
        """Give prices times the multiplier."""
        return weighed(self.multiplier, prices)


def joined(shares: Sequence[Share]) -> Prices:
    """Give the prices of stages of several kinds together."""

    def least_of_nodes(price: Callable[[Prices], Integers]) -> Integers:
        each = [np.where(share.can_hold, share.weigh(price(share.prices)), _NEVER) for share in shares]
        least = np.minimum.reduce(each)
        # A node that no stage may hold costs nothing here.
        return np.where(least == _NEVER, 0, least)

    def total(amount: Callable[[Prices], int | None], *, are_weighed: bool = False) -> int | None:
        parts = 0
        for share in shares:
            of_stage = amount(share.prices)
            if of_stage is None:
                return None
            parts += share.count * of_stage * (share.multiplier if are_weighed else 1)
        return -(-parts // PARTS) if are_weighed else parts

    moved = [share.prices.transfer * (not share.prices.is_overlap) for share in shares]
    return Prices(
        work=least_of_nodes(lambda prices: prices.work),
        transfer=np.minimum.reduce([share.weigh(price) for share, price in zip(shares, moved, strict=True)]),
        params=least_of_nodes(lambda prices: prices.params),
        stored=np.minimum.reduce([share.weigh(share.prices.stored) for share in shares]),
        room=-(-sum(share.count * share.multiplier for share in shares) // PARTS),
        parts=PARTS,
        memory=total(lambda prices: prices.memory, are_weighed=True),
        limit=total(lambda prices: prices.limit),
        state_limit=total(lambda prices: prices.state_limit),
    )

"""What is said of why an answer is not better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class WhatIf:
    """The problem with one thing changed, solved anew.

    Attributes
    ----------
    change
        What is changed, in words.
    bottleneck
        Seconds of the best partition found; infinite when none fits the memory limit.
    lower_bound
        Seconds that no partition of the changed problem beats.
    """

    change: str
    bottleneck: float
    lower_bound: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why a result is not better.

    Attributes
    ----------
    binding
        The stages that cost the bottleneck.
    rests_on
        What the best lower bound rests on: ``"work"``, all work and what else all stages share, over their number;
        ``"node"``, one expensive node; ``"search"``, of which the method is named.
    method
        The method that found it.
    node
        The expensive node, when it rests on one.
    what_ifs
        The problem with one thing changed, each with a bound of its own.
    """

    binding: tuple[int, ...]
    rests_on: str
    method: str
    node: int | None
    what_ifs: tuple[WhatIf, ...]

"""The interface to the compiled checker: its input, and its verdict.

Its crate, ``slicegraph-checker``, has no code of the solver; each of its rules is proved in its own file.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from slicegraph._core import Proving, prove_again
from slicegraph.certificate.budget import BeyondBudgetError, Budget
from slicegraph.certificate.problem import Problem
from slicegraph.certificate.reduction import TITLES
from slicegraph.certificate.structure import PlacedError, within
from slicegraph.certificate.tally import Proof, Tally

VISITS_PER_STEP: Final = 200
"""Arcs, nodes and labels that it looks at in the time of a step."""
_MAGIC = 0x0031_4750_4753
_VERSION = 3
_MERGES, _EXPENSIVE_NODE = 1, 10
_RULES = tuple(TITLES)
_MOST_BLOCKS = 2**12
_MOST_VISITS = 2**63


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A claim about a problem.

    Attributes
    ----------
    reduction
        Merges that give a quotient, and the threshold below which they hold. None: there are none.
    node
        A node of the quotient, and a lower bound on the cost of every block with it. None: there is none.
    threshold
        A lower bound of the quotient in ticks. None: none is claimed.
    hints
        Hints for the proof of the threshold: sections of a log, as ``log.rs`` reads them. They are not believed.
    """

    reduction: Mapping[str, Any] | None
    node: tuple[int, int] | None = None
    threshold: int | None = None
    hints: bytes = b""

    @property
    def says(self) -> int:
        """The lower bound of the problem in ticks, if the claim is true."""
        claimed = self.node[1] if self.node is not None else self.threshold or 0
        # Merges keep partitions below their own threshold alone.
        return min(claimed, self.reduction["threshold"]) if self.reduction else claimed

    def log(self) -> bytes:
        """Give the log of the claim."""
        merges = self.reduction["merges"] if self.reduction else []
        claimed = self.node[1] if self.node is not None else self.threshold or 0
        numbers = [_VERSION, self.reduction["threshold"] if self.reduction else 0, claimed]
        numbers += [_MERGES, len(merges)]
        for rule, one, other in merges:
            numbers += [_RULES.index(rule), one, other]
        if self.node is not None and claimed:
            numbers += [_EXPENSIVE_NODE, self.node[0]]
        return b"".join(map(leb128, numbers)) + (self.hints if self.node is None and claimed else b"")


@final
class Compiled:
    """The compiled checker of one problem.

    Parameters
    ----------
    problem
        What claims are about.
    tally
        Counts what is proved.

    Raises
    ------
    OverflowError
        When it has more blocks, or larger numbers, than the checker takes.
    """

    def __init__(self, problem: Problem, tally: Tally | None = None) -> None:
        self._tally = tally or Tally()
        self._words = _to_words(problem.without_spare_blocks())

    def begin(self, reduction: Mapping[str, Any] | None, threshold: int, steps: int) -> Proving | None:
        """Begin a tree on the quotient that merges lead to; None where that takes more steps, or one is none."""
        return Proving.begin(self._words, Claim(reduction=reduction).log(), threshold, steps)

    def check(self, claim: Claim, budget: Budget) -> str:
        """Prove a claim; give the rule that closes the proof.

        Raises
        ------
        PlacedError
            When it is refuted.
        BeyondBudgetError
            When it takes more steps, or more than the rules.
        """
        visits = int(min(budget.left * VISITS_PER_STEP, _MOST_VISITS))
        verdict, reason, merge, taken, rules = prove_again(self._words, claim.log(), visits, budget.ends)
        budget.spend(min(taken // VISITS_PER_STEP, int(min(budget.left, _MOST_VISITS))))
        if verdict in ("budget", "open"):
            raise BeyondBudgetError
        if verdict == "verified":
            self._tally.keep(Proof(self._words, claim.log(), claim.says))
            is_new = claim.reduction is None or self._tally.is_new(claim.reduction)
            for rule, entries, visited in rules:
                is_counted = is_new or rule not in TITLES
                self._tally.add(rule, entries if is_counted else 0, -(-visited // VISITS_PER_STEP))
            return reason
        if merge is None or claim.reduction is None:
            part, figure = ("downsets", "threshold") if claim.node is None else ("node", "lower_bound")
            with within(part, *([figure] if verdict == "refused" else [])):
                raise PlacedError(reason, verdict="refuted" if verdict == "refused" else verdict)
        rule, one, other = claim.reduction["merges"][merge]
        with within("reduction", "merges", merge):
            raise PlacedError(f"{TITLES[rule].format(u=one, v=other)}: {reason}")


def _to_words(problem: Problem) -> bytes:
    """Give a problem in words of 64 bits, as ``problem.rs`` reads them."""
    if problem.num_blocks > _MOST_BLOCKS:
        raise OverflowError
    words = array("q")
    for part in _parts(problem):
        words.extend(part)
    return words.tobytes()


def _parts(problem: Problem) -> Iterator[Sequence[int]]:
    stages = range(problem.num_blocks)
    counts = (len(problem.kinds), problem.num_nodes, len(problem.producer), len(problem.param_size))
    has_allowed = problem.allowed is not None
    yield (_MAGIC, problem.num_blocks, *counts, problem.boundary_io, has_allowed, len(problem.together))
    yield [problem.kind(stage) for stage in stages]
    for multiplier, costs in zip(problem.multipliers, problem.kinds, strict=True):
        limits = (costs.memory, costs.memory_limit, costs.state_limit)
        yield (*(-1 if limit is None else limit for limit in limits), costs.is_overlap, multiplier)
        yield from (costs.work, costs.transfer, costs.params, costs.stored)
    yield from (problem.param_bytes, problem.state_bytes, problem.live_bytes, problem.producer, problem.is_output)
    for lists in (problem.consumers, problem.param_readers, problem.together):
        yield [len(members) for members in lists]
        yield list(itertools.chain.from_iterable(lists))
    yield problem.param_size
    for may in problem.allowed or ():
        yield [may >> stage & 1 for stage in stages]


def leb128(number: int) -> bytes:
    """Give a number in bytes of seven bits, the least first."""
    if number < 0x80:  # noqa: PLR2004 - one byte
        return number.to_bytes()
    parts = []
    while number >> 7:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])

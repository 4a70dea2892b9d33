"""Initial lower bounds from an earlier answer to the same question.

A result that this process has computed itself counts at once, and its evidence becomes part of the new answer. A
certificate, or a result of another process, is not believed: the checker, which shares no code with the solver, checks
it beside the run, and the bounds that it proves count from then on.
"""

from __future__ import annotations

import contextlib
import logging
import math
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import ArrayLike

from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.certificate.budget import Budget
from slicegraph.certificate.model import Certificate
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.errors import CertificateError, InputError
from slicegraph.evidence.bound import Bound
from slicegraph.evidence.claims import DownsetSearch, ExpensiveNode, MergeLog
from slicegraph.evidence.relaxation import Proof, Relaxation, combine
from slicegraph.result import Result

_log = logging.getLogger(__name__)
_solved: weakref.WeakSet[Result] = weakref.WeakSet()
"""Results of this process, by identity: a copy, a changed one or one that was pickled is none of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """An earlier answer to the same question.

    Attributes
    ----------
    bounds
        The bounds that this process has proven, with their evidence.
    certificate
        A certificate for the checker to check. None: there is none.
    """

    bounds: tuple[Bound, ...] = ()
    certificate: Certificate | None = None


def remember(result: Result) -> Result:
    """Record a result as one that this process has computed, so that a later run can use its bounds; give it."""
    _solved.add(result)
    return result


def begin_with(ordinary: Bound, earlier: Earlier | None) -> dict[str, Bound]:
    """Give the initial bounds by method: the combinatorial one, and those of an earlier answer of this process."""
    known = () if earlier is None else earlier.bounds
    return {bound.method: bound for bound in (*known, ordinary)}


def known_of(
    instance: Instance, warm_start: ArrayLike | Result | Certificate
) -> tuple[ArrayLike | None, Earlier | None]:
    """Give the partition of a warm start, and the earlier answer that it is, if it is one to the same question.

    Raises
    ------
    InputError
        When a result or certificate is about a graph of other nodes.
    """
    if isinstance(warm_start, Result):
        if warm_start.instance.graph.structure_digest != instance.graph.structure_digest:
            raise InputError("warm_start: a result about another graph")
        is_same = warm_start.problem.digest == instance.digest
        block_of = warm_start.block_of if warm_start.block_of.size else None
        return block_of, _of_result(warm_start) if is_same else None
    if not isinstance(warm_start, Certificate):
        return warm_start, None
    document: Any = warm_start.document
    if not isinstance(document, dict):
        raise InputError("warm_start: a certificate without a document")
    witness = document.get("witness")
    block_of = witness.get("block_of") if isinstance(witness, dict) else None
    is_same = document.get("instance") == instance.digest
    return block_of, Earlier(certificate=warm_start) if is_same else None


def _of_result(result: Result) -> Earlier:
    if result not in _solved:
        return Earlier(certificate=result.certificate)
    # They took no time in the run that begins with them.
    return Earlier(bounds=tuple(replace(bound, seconds=0.0) for bound in result.bounds))


def prove_again(
    instance: Instance, certificate: Certificate, *, steps: int, ends: Callable[[], bool] | None = None
) -> tuple[Bound, ...]:
    """Check a certificate; give its bounds up to what the checker proves, or () if it does not hold.

    Parameters
    ----------
    instance
        The problem that it is about.
    certificate
        The certificate to check.
    steps
        The budget of `slicegraph.check`.
    ends
        Called every few milliseconds; returns whether to end with what is proved by then. None: nothing ends it.

    Notes
    -----
    As of `slicegraph.check`.
    """
    # The checker is loaded only where there is something to check.
    from slicegraph.certificate.check import check_within  # noqa: PLC0415 - see above

    try:
        verdict, _ = check_within(instance.graph, certificate, Budget(steps, ends=ends))
    except CertificateError as error:
        _log.info("the certificate of the warm start does not hold: %s", error)
        return ()
    proved = ALL_TICKS if math.isinf(verdict.lower_bound) else round(verdict.lower_bound / instance.tick)
    # The checker need not have checked lower bounds.
    bounds = (bound for bound in _bounds(instance, certificate.document) if bound.ticks == proved)
    return tuple(_with_hints(bound, certificate.document) for bound in bounds)


def _bounds(instance: Instance, document: dict[str, Any]) -> Iterator[Bound]:
    """Give the bounds of a valid document above the combinatorial one, with their evidence."""
    ordinary = combinatorial(instance)
    for claim in document["bounds"]:
        merges, node, downsets = claim["reduction"], claim["node"], claim["downsets"]
        relaxations = tuple(_relaxation(each) for each in claim["relaxations"] if each["proof"] is not None)
        summed = combine(relaxations, instance.core.kind_of, lambda relaxation: relaxation.proven)
        at_once = max(summed, 0 if node is None else node["lower_bound"])
        searched = 0 if downsets is None else downsets["threshold"]
        ticks = max(at_once, searched) if merges is None else min(max(at_once, searched), merges["threshold"])
        if ticks <= ordinary.ticks:
            continue
        # The checker skips a search that proves less than the other bounds.
        is_searched = downsets is not None and searched >= ticks
        yield Bound(
            method=claim["method"],
            ticks=ticks,
            tick=instance.tick,
            seconds=0.0,
            status="time_limit",
            verified=max(ordinary.ticks, at_once if merges is None else 0),
            relaxations=relaxations,
            reduction=None if merges is None else _merges(merges),
            downsets=DownsetSearch(threshold=searched, downsets=0, transitions=0) if is_searched else None,
            node=None if node is None else ExpensiveNode(node=node["node"], lower_bound=node["lower_bound"]),
        )


def _merges(reduction: dict[str, Any]) -> MergeLog:
    merges = tuple((str(rule), int(u), int(v)) for rule, u, v in reduction["merges"])
    return MergeLog(threshold=reduction["threshold"], merges=merges)


def _relaxation(document: dict[str, Any]) -> Relaxation:
    proof = document["proof"]
    rows = tuple(tuple(row) for row in proof["rows"])
    return Relaxation(
        spans=tuple(document["spans"]),
        demand=document["demand"],
        threshold=document["threshold"],
        proof=Proof(unit=proof["unit"], rows=rows, lower_bound=proof["lower_bound"]),
        solver=None,
        kind=document.get("kind"),
    )


def _with_hints(bound: Bound, document: dict[str, Any]) -> Bound:
    """Give the best bound of a document with its hints; the checker need not have checked those of other bounds."""
    from slicegraph.certificate.bounds import hints_of  # noqa: PLC0415 - see `prove_again`

    if bound.downsets is None:
        return bound
    downsets = next(claim["downsets"] for claim in document["bounds"] if claim["method"] == bound.method)
    # Where the steps ended before it, the hints have not been read.
    with contextlib.suppress(CertificateError):
        return replace(bound, downsets=replace(bound.downsets, hints=hints_of(downsets)))
    return bound

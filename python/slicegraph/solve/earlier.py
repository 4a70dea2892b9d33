"""What an earlier answer to the same question has proven, which is where bounds begin.

What this process has solved itself counts as it is: its evidence goes into the new answer with it. Nothing that comes
from outside is believed, such as a certificate or a result of another process: the checker, which shares no code with
what solves, goes through it beside the run, and what it proves counts from then on.
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
        What this process has proven, with the evidence.
    certificate
        What is claimed, for the checker to prove again; None: nothing else.
    """

    bounds: tuple[Bound, ...] = ()
    certificate: Certificate | None = None


def remember(result: Result) -> Result:
    """Take a result as one of this process's own, whose bounds a later run begins with; give it."""
    _solved.add(result)
    return result


def begin_with(ordinary: Bound, earlier: Earlier | None) -> dict[str, Bound]:
    """Give the bounds before anything has run, by method: the combinatorial one, and those of an own earlier answer."""
    known = () if earlier is None else earlier.bounds
    return {bound.method: bound for bound in (*known, ordinary)}


def known_of(
    instance: Instance, warm_start: ArrayLike | Result | Certificate
) -> tuple[ArrayLike | None, Earlier | None]:
    """Give the partition of a warm start, and what else there is of an earlier answer to the same question.

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
    """Give the bounds of a certificate that do not exceed what is proved again here; () of one that does not hold.

    Parameters
    ----------
    instance
        The problem that it is about.
    certificate
        What is claimed.
    steps
        The budget of `slicegraph.check`.
    ends
        Asked every few milliseconds whether to end with what is proved by then. None: nothing ends it.

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
    # What is lower may not have been gone through.
    bounds = (bound for bound in _bounds(instance, certificate.document) if bound.ticks == proved)
    return tuple(_with_hints(bound, certificate.document) for bound in bounds)


def _bounds(instance: Instance, document: dict[str, Any]) -> Iterator[Bound]:
    """Give the bounds of a document that holds, beyond the combinatorial one, with what the checker goes through."""
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
        # A search for less than the rest proves is not gone through.
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
    """Give the best bound of a document with its hints; those of other bounds may not have been gone through."""
    from slicegraph.certificate.bounds import hints_of  # noqa: PLC0415 - see `prove_again`

    if bound.downsets is None:
        return bound
    downsets = next(claim["downsets"] for claim in document["bounds"] if claim["method"] == bound.method)
    # Where the steps ended before it, the hints have not been read.
    with contextlib.suppress(CertificateError):
        return replace(bound, downsets=replace(bound.downsets, hints=hints_of(downsets)))
    return bound

"""What an earlier answer to the same question has proven: proved again beside a run, before it counts.

Nothing of it is believed: the checker, which shares no code with what solves, goes through the certificate. What it
proves is where bounds begin from then on.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import ArrayLike

from slicegraph.bounds.combinatorial import combinatorial
from slicegraph.certificate.budget import DEFAULT_STEPS, Budget
from slicegraph.certificate.model import Certificate
from slicegraph.cost import ALL_TICKS, Instance
from slicegraph.errors import CertificateError, InputError
from slicegraph.evidence.bound import Bound
from slicegraph.evidence.claims import DownsetSearch, ExpensiveNode, MergeLog
from slicegraph.result import Result

_log = logging.getLogger(__name__)
_STEPS_PER_SECOND = DEFAULT_STEPS // 60
_PART = 0.25
"""Of the time that a result took: so much may go to proving it again, which ends with the run."""
_OF_CERTIFICATE = DEFAULT_STEPS // 8
"""Steps for a certificate, which says no time: some seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """An earlier answer to the same question.

    Attributes
    ----------
    certificate
        What it claims.
    steps
        With which the checker proves it again, at most.
    """

    certificate: Certificate
    steps: int


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
        steps = min(DEFAULT_STEPS, int(_PART * warm_start.seconds * _STEPS_PER_SECOND))
        is_same = warm_start.asked.digest == instance.digest
        block_of = warm_start.block_of if warm_start.block_of.size else None
        return block_of, Earlier(certificate=warm_start.certificate, steps=steps) if is_same else None
    if not isinstance(warm_start, Certificate):
        return warm_start, None
    document: Any = warm_start.document
    if not isinstance(document, dict):
        raise InputError("warm_start: a certificate without a document")
    witness = document.get("witness")
    block_of = witness.get("block_of") if isinstance(witness, dict) else None
    is_same = document.get("instance") == instance.digest
    return block_of, Earlier(certificate=warm_start, steps=_OF_CERTIFICATE) if is_same else None


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
    # The checker is loaded by those who have something to check.
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
    """Give what a document that holds claims by merges, cuts and searches, of which the checker proves all again."""
    ordinary = combinatorial(instance)
    for claim in document["bounds"]:
        reduction, downsets, node = claim["reduction"], claim["downsets"], claim["node"]
        if downsets is None and node is None:
            continue
        ticks = max(0 if downsets is None else downsets["threshold"], 0 if node is None else node["lower_bound"])
        merges = () if reduction is None else tuple((str(rule), int(u), int(v)) for rule, u, v in reduction["merges"])
        ticks = ticks if reduction is None else min(ticks, reduction["threshold"])
        yield Bound(
            method=claim["method"],
            ticks=max(ticks, ordinary.ticks),
            tick=instance.tick,
            seconds=0.0,
            status="time_limit",
            verified=ordinary.ticks,
            reduction=None if reduction is None else MergeLog(threshold=reduction["threshold"], merges=merges),
            downsets=None
            if downsets is None
            else DownsetSearch(threshold=downsets["threshold"], downsets=0, transitions=0),
            node=None if node is None else ExpensiveNode(node=node["node"], lower_bound=node["lower_bound"]),
        )


def _with_hints(bound: Bound, document: dict[str, Any]) -> Bound:
    """Give the best bound of a document with its hints; those of other bounds may not have been gone through."""
    from slicegraph.certificate.bounds import hints_of  # noqa: PLC0415 - see `prove_again`

    if bound.downsets is None:
        return bound
    downsets = next(claim["downsets"] for claim in document["bounds"] if claim["method"] == bound.method)
    # Where plain Python has checked it, nobody has read the hints.
    with contextlib.suppress(CertificateError):
        return replace(bound, downsets=replace(bound.downsets, hints=hints_of(downsets)))
    return bound

"""A round: a problem, its optimum by trying all partitions, and certificates of it that are true, forged or changed."""

from __future__ import annotations

import collections
import copy
import math
from collections.abc import Iterator
from random import Random
from typing import Any

import slicegraph as sg
from machines import Unlike
from mutations import mutations
from proofs.cases import random_unlike
from slicegraph.certificate.model import Certificate
from slicegraph.reduce import reduce
from unlike_documents import document_of, instance_of

_NONE_FITS = 2**52
_RULES = ("pull", "push", "together", "cycle", "given")
_NUM_MUTATIONS = 4


class WrongError(Exception):
    """A checker says what is not so, or does not say what is."""


Counts = collections.Counter[str]


def attempt(seed: int, number: int) -> Counts:
    """Go through one round; count what was checked.

    Raises
    ------
    WrongError
        Saying what is wrong.
    """
    random = Random(f"{seed}:{number}")  # noqa: S311 - no secret
    unlike = random_unlike(random)
    instance = instance_of(unlike)
    best = unlike.optimum()
    if instance is None:
        if not math.isinf(best):
            raise WrongError("constraints that can be met are refused")
        return Counts({"unmet": 1})
    optimum = _NONE_FITS if math.isinf(best) else int(best)
    counts = Counts({"problems": 1})
    for name, document in _true(unlike, instance, optimum, random):
        _expect_proved(unlike, instance, name, document, optimum)
        counts["true"] += 1
    for name, document in _forged(unlike, instance, optimum, random):
        counts[_expect_refused_or_true(unlike, instance, name, document, optimum)] += 1
    return counts


def _true(unlike: Unlike, instance: sg.Instance, optimum: int, random: Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """What `solve` gives, and the optimum by a search of the whole and of what the core's merges leave."""
    result = sg.solve(instance, stop=sg.MaxRuntime(10), seed=0, threads=1, display=False)
    yield "solve", result.certificate.document
    merges = _merges(instance, optimum)
    if not unlike.together:
        # What is asked to be together is put together by merges alone.
        yield "a search", document_of(unlike, instance, {"downsets": {"threshold": optimum}})
    evidence = {"reduction": merges, "downsets": {"threshold": optimum}}
    yield "merges and a search", document_of(unlike, instance, evidence)
    if random.random() < 1 / 2:
        num_given = sum(merge[0] == "given" for merge in merges["merges"])
        kept = random.randint(num_given, len(merges["merges"]))
        merges = {"threshold": optimum, "merges": merges["merges"][:kept]}
        yield "some merges", document_of(unlike, instance, {"reduction": merges, "downsets": {"threshold": optimum}})


def _forged(
    unlike: Unlike, instance: sg.Instance, optimum: int, random: Random
) -> Iterator[tuple[str, dict[str, Any]]]:
    """More than the optimum, by each kind of evidence and without a partition; other merges; any entry changed."""
    more = min(_NONE_FITS, optimum + random.choice([1, 1, 1, 2, max(1, optimum // 8)]))
    if optimum < _NONE_FITS:
        for threshold in {more, _NONE_FITS}:
            yield "a search of more", _bare(document_of(unlike, instance, {"downsets": {"threshold": threshold}}))
            evidence = {"reduction": _merges(instance, threshold), "downsets": {"threshold": threshold}}
            yield "merges and a search of more", _bare(document_of(unlike, instance, evidence))
        node = {"node": random.randrange(unlike.num_nodes), "lower_bound": more}
        yield "a node of more", _bare(document_of(unlike, instance, {"node": node}))
    merges = _merges(instance, more)
    changed = copy.deepcopy(merges["merges"]) or [["together", 0, 0]]
    other = [random.choice(_RULES), *(random.randrange(unlike.num_nodes) for _ in range(2))]
    place = random.randrange(len(changed))
    changed[place : place + random.randrange(2)] = [other]
    evidence = {"reduction": merges | {"merges": changed}, "downsets": {"threshold": more}}
    yield "other merges", _bare(document_of(unlike, instance, evidence))
    evidence = {"reduction": _merges(instance, optimum), "downsets": {"threshold": optimum}}
    changes = list(mutations(document_of(unlike, instance, evidence)))
    for path, document in random.sample(changes, min(_NUM_MUTATIONS, len(changes))):
        yield f"a change of {path}", document


def _merges(instance: sg.Instance, threshold: int) -> dict[str, Any]:
    reduction = reduce(instance, threshold=threshold).evidence
    return {"threshold": threshold, "merges": [list(merge) for merge in reduction.merges]}


def _bare(document: dict[str, Any]) -> dict[str, Any]:
    """Without a partition that would contradict it."""
    return document | {"witness": None}


def _verdict(unlike: Unlike, document: Any, *, slow: bool) -> sg.Verdict | None:
    try:
        return sg.check(unlike.graph, Certificate.of(document), slow=slow)
    except (sg.CertificateError, sg.InputError):
        return None


def _agreed(unlike: Unlike, name: str, document: Any) -> sg.Verdict | None:
    """What both checkers say."""
    fast, slow = (_verdict(unlike, document, slow=slow) for slow in (False, True))
    if fast != slow:
        raise WrongError(f"{name}: the compiled checker says {fast}, the other one {slow}")
    return fast


def _expect_proved(unlike: Unlike, instance: sg.Instance, name: str, document: Any, optimum: int) -> None:
    verdict = _agreed(unlike, name, document)
    if verdict is None:
        raise WrongError(f"{name}: refused, but it is true: {_refusal(unlike, document)}")
    bound = math.inf if optimum == _NONE_FITS else optimum * instance.tick
    if verdict.lower_bound != bound or verdict.bottleneck != bound or verdict.verdict != "verified":
        raise WrongError(f"{name}: {verdict}, but the optimum is {bound}")


def _expect_refused_or_true(unlike: Unlike, instance: sg.Instance, name: str, document: Any, optimum: int) -> str:
    verdict = _agreed(unlike, name, document)
    if verdict is None:
        return "refused"
    is_true = optimum == _NONE_FITS or verdict.lower_bound <= optimum * instance.tick
    is_reached = math.isinf(verdict.bottleneck) or verdict.bottleneck >= optimum * instance.tick
    if not (is_true and is_reached):
        raise WrongError(f"{name}: {verdict}, but the optimum is {optimum} ticks of {instance.tick} s")
    return "changed but true"


def _refusal(unlike: Unlike, document: Any) -> str:
    try:
        sg.check(unlike.graph, Certificate.of(document))
    except sg.CertificateError as error:
        return str(error)
    return "plain Python refuses it"

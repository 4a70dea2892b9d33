"""Certificates built from the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import oracle
from questions import Question
from slicegraph.certificate.model import Certificate
from slicegraph.formats.arrays import GraphArrays, structure_digest
from strategies import to_graph

Relaxation = dict[str, Any]
Evidence = Mapping[str, Any]
"""What a bound rests on but for relaxations, by name."""
NOTHING: Evidence = dict.fromkeys(("reduction", "downsets", "node", "chain"))
FREE: list[int | None] = [None, 1, None]
SOLVER = {"name": "HiGHS", "version": "1.15.1", "options": [{"threads": 1, "presolve": "on", "mip_abs_gap": 0.5}]}


def certify(
    question: Question,
    block_of: Sequence[int] | None,
    relaxations: Mapping[str, Sequence[Relaxation]] | None = None,
    evidence: Mapping[str, Evidence] | None = None,
    *,
    arrays: GraphArrays | None = None,
) -> Certificate:
    """The certificate of a partition, and of relaxations and other evidence by method.

    ``arrays`` are those of the question's graph, where it is none that can be made.
    """
    witness = None
    if block_of is not None:
        costs = question.block_costs(block_of)
        witness = {
            "block_of": list(block_of),
            "block_costs": costs[: max(block_of) + 1],
            "bottleneck": oracle.bottleneck(costs),
        }
    given, parts = relaxations or {}, evidence or {}
    bounds = [
        bound_of(question, name, given.get(name, []), parts.get(name, {}))
        for name in dict.fromkeys(["combinatorial", *given, *parts])
    ]
    return Certificate.of(
        {
            "format": "slicegraph-certificate-2",
            "graph": {
                "digest": structure_digest(arrays or to_graph(question.data).arrays),
                "name": question.data["name"],
                "num_nodes": question.num_nodes,
                "num_tensors": len(question.producer),
            },
            "device": question.figures,
            "boundary_io": question.boundary_io,
            "num_blocks": question.num_blocks,
            "tick": question.ticks.tick,
            "instance": question.digest(),
            "witness": witness,
            "lower_bound": max(bound["lower_bound"] for bound in bounds),
            "bounds": bounds,
            "solver": SOLVER if any(map(has_word, bounds)) else None,
        }
    )


def bound_of(question: Question, method: str, relaxations: Sequence[Relaxation], evidence: Evidence) -> dict[str, Any]:
    """A method's bound as the document has it."""
    bound: dict[str, Any] = {"method": method, "lower_bound": 0, "relaxations": relaxations, **NOTHING, **evidence}
    return bound | {"lower_bound": believed_bound(question, bound)}


def believed_bound(question: Question, bound: Mapping[str, Any]) -> int:
    """What a bound's parts give, all of them believed."""
    values = [relaxations_bound(question, bound["relaxations"], ("proof", "solver"))]
    for part, key in (("downsets", "threshold"), ("node", "lower_bound"), ("chain", "threshold")):
        values += [bound[part][key]] if bound[part] else []
    cap = bound["reduction"]["threshold"] if bound["reduction"] else max(values)
    return max(question.combinatorial(), min(cap, max(values)))


def proved_bound(question: Question, bound: Mapping[str, Any]) -> int:
    """What a bound's parts give but for a solver's word."""
    values = [relaxations_bound(question, bound["relaxations"], ("proof",))]
    for part, key in (("downsets", "threshold"), ("node", "lower_bound")):
        values += [bound[part][key]] if bound[part] else []
    cap = bound["reduction"]["threshold"] if bound["reduction"] else max(values)
    return max(question.combinatorial(), min(cap, max(values)))


def has_word(bound: Mapping[str, Any]) -> bool:
    """Whether part of a bound is a solver's word."""
    return bound["chain"] is not None or any(row["solver"] is not None for row in bound["relaxations"])


def relax(
    spans: Sequence[int | None],
    *,
    demand: int | None = None,
    threshold: int | None = None,
    solver: int | None = None,
) -> Relaxation:
    """A relaxation without a proof; `solver` is what a solver says it gives."""
    word = None if solver is None else {"status": "optimal", "dual_bound": float(solver), "lower_bound": solver}
    return {"spans": list(spans), "demand": demand, "threshold": threshold, "proof": None, "solver": word}


def method_bound(question: Question, relaxations: Sequence[Relaxation], parts: Sequence[str]) -> int:
    """What a method's relaxations prove, believing these parts, or the combinatorial bound."""
    return max(question.combinatorial(), relaxations_bound(question, relaxations, parts))


def relaxations_bound(question: Question, relaxations: Sequence[Relaxation], parts: Sequence[str]) -> int:
    """What relaxations prove, believing these parts."""
    best = 0
    family = dict.fromkeys(range(question.num_blocks), 0)
    for relaxation in relaxations:
        value = max((relaxation[part] or {"lower_bound": 0})["lower_bound"] for part in parts)
        if relaxation["demand"] is None or None in relaxation["spans"]:
            best = max(best, value)
        else:
            block = sum(relaxation["spans"][: relaxation["demand"]])
            family[block] = max(family[block], value)
    return max(best, min(family.values()))

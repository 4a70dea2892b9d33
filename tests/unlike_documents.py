"""Certificates of unlike devices, as documents."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import Any

import slicegraph as sg
from certificates import NOTHING
from machines import Unlike
from slicegraph.constraints import UnmetError


def instance_of(unlike: Unlike) -> sg.Instance | None:
    """The instance; None when it is refused, since no partition meets what is asked."""
    with contextlib.suppress(UnmetError):
        return sg.Instance(
            unlike.graph,
            devices=[sg.Device(**unlike.kinds[kind]) for kind in unlike.kind_of],
            constraints=sg.Constraints(pin=unlike.stages, together=unlike.together, adjacent=unlike.adjacent),
            boundary_io=unlike.boundary_io,
        )
    return None


def document_of(unlike: Unlike, instance: sg.Instance, evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The certificate's document, with a best partition and one bound beside the combinatorial one."""
    best = min(unlike.partitions(), key=lambda each: each[1], default=((), math.inf))
    witness = None
    if not math.isinf(best[1]):
        blocks = range(max(best[0]) + 1)
        sets = [{node for node, each in enumerate(best[0]) if each == block} for block in blocks]
        costs = unlike.costs(sets)
        witness = {"block_of": list(best[0]), "block_costs": costs, "bottleneck": best[1]}
    combinatorial = instance.core.combinatorial_bound()
    said = [part.get("threshold", part.get("lower_bound", 0)) for name, part in evidence.items() if name != "reduction"]
    cap = evidence["reduction"]["threshold"] if "reduction" in evidence else max(said)
    bounds = [
        {"method": "combinatorial", "lower_bound": combinatorial, "relaxations": [], **NOTHING},
        {"method": "downsets", "lower_bound": 0, "relaxations": [], **NOTHING, **evidence},
    ]
    bounds[1]["lower_bound"] = max(combinatorial, min(cap, max(said)))
    return {
        **instance.question,
        "graph": {
            "name": instance.graph.name,
            "num_nodes": unlike.num_nodes,
            "num_tensors": len(unlike.producer),
            "digest": instance.graph.structure_digest,
        },
        "boundary_io": unlike.boundary_io,
        "num_blocks": len(unlike.kind_of),
        "tick": instance.tick,
        "instance": instance.digest,
        "witness": witness,
        "lower_bound": max(bound["lower_bound"] for bound in bounds),
        "bounds": bounds,
        "solver": None,
    }

"""A result as one JSON object, for programs."""

from __future__ import annotations

import json
import math
from typing import Any

from slicegraph.formats.plan import FORMAT
from slicegraph.guesses import guessed
from slicegraph.result import Result


def result_to_json(result: Result, *, version: str, seed: int, method: str) -> str:
    """Give the object of the interface, a plan, as one line; an infinite cost or bound, by the memory limit, is null.

    Parameters
    ----------
    result
        What to write.
    version, seed, method
        What made it: the package, and the options of the run.
    """
    plan = {**_result(result), "version": version, "seed": seed, "method": method}
    return json.dumps(plan, allow_nan=False)


def _result(result: Result) -> dict[str, Any]:
    instance, graph = result.instance, result.instance.graph
    return {
        "graph": {
            "name": graph.name,
            "num_nodes": graph.num_nodes,
            "num_tensors": graph.num_tensors,
            "digest": graph.structure_digest,
        },
        "format": FORMAT,
        "device": instance.device.to_mapping(),
        "boundary_io": instance.boundary_io,
        "num_blocks": instance.num_blocks,
        "status": str(result.status),
        "bottleneck": _finite(result.bottleneck),
        "lower_bound": _finite(result.lower_bound),
        "gap": result.gap,
        "ratio": result.ratio,
        "seconds": result.seconds,
        "history": [
            [seconds, _finite(bottleneck), _finite(lower_bound)] for seconds, bottleneck, lower_bound in result.history
        ],
        "block_of": result.block_of.tolist(),
        "block_costs": [
            {
                "work": block.work,
                "io_in": block.io_in,
                "io_out": block.io_out,
                "overflow": block.overflow,
                "cost": _finite(block.cost),
            }
            for block in result.block_costs
        ],
        "bounds": [
            {
                "method": bound.method,
                "lower_bound": _finite(bound.lower_bound),
                "seconds": bound.seconds,
                "status": bound.status,
            }
            for bound in result.bounds
        ],
        "guessed": [
            {"op": row.op, "nodes": row.num_nodes, "share_of_work": row.share_of_work} for row in guessed(instance)
        ],
    }


def _finite(cost: float) -> float | None:
    return None if math.isinf(cost) else cost

"""A result as one JSON object, for programs."""

from __future__ import annotations

import json
import math
from typing import Any

from slicegraph.result import Result


def result_to_json(result: Result) -> str:
    """Give the object of the interface as one line; a cost that is infinite, above the memory limit, is null."""
    return json.dumps(_result(result), allow_nan=False)


def _result(result: Result) -> dict[str, Any]:
    instance, graph = result.instance, result.instance.graph
    return {
        "graph": {
            "name": graph.name,
            "num_nodes": graph.num_nodes,
            "num_tensors": graph.num_tensors,
            "digest": graph.digest,
        },
        "device": instance.device.to_mapping(),
        "num_blocks": instance.num_blocks,
        "status": str(result.status),
        "bottleneck": _finite(result.bottleneck),
        "lower_bound": result.lower_bound,
        "gap": result.gap,
        "ratio": result.ratio,
        "seconds": result.seconds,
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
                "lower_bound": bound.lower_bound,
                "seconds": bound.seconds,
                "status": bound.status,
            }
            for bound in result.bounds
        ],
    }


def _finite(cost: float) -> float | None:
    return None if math.isinf(cost) else cost

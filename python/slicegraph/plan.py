"""A partition with all that is known about it, as a document that can be written."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slicegraph import checks
from slicegraph.block import BlockCost
from slicegraph.cost import Instance
from slicegraph.crossings import CutTensor
from slicegraph.evidence.bound import Bound
from slicegraph.formats.plan import FORMAT
from slicegraph.formats.writing import write_file
from slicegraph.guesses import guessed
from slicegraph.history import Row
from slicegraph.limiting import LimitingNode, limiting_node
from slicegraph.version import __version__


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A partition with all that is known about it, as the JSON document that ``slicegraph solve --json`` prints.

    Attributes
    ----------
    document
        What is written.
    """

    document: dict[str, Any]

    @property
    def text(self) -> str:
        """The document as one line of JSON."""
        return json.dumps(self.document, allow_nan=False) + "\n"

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the document; what was there is replaced whole or not at all.

        Raises
        ------
        InputError
            When the file cannot be written.
        """
        write_file(checks.path("path", path), self.text.encode())


def make_plan(
    instance: Instance,
    *,
    answer: Mapping[str, Any],
    block_of: NDArray[np.int32],
    block_costs: Sequence[BlockCost],
    bounds: Iterable[Bound],
    history: Iterable[Row],
    cuts: Iterable[CutTensor],
) -> Plan:
    """Put a plan together; an infinite cost or bound, by the memory limit, is null.

    Parameters
    ----------
    instance
        The problem.
    answer
        The keys of the document that are said of the answer as a whole: its status, its bounds, how it was found.
    block_of, block_costs, bounds, history, cuts
        Of the answer.
    """
    graph = instance.graph
    names = graph.arrays.node_name
    return Plan(
        {
            "graph": {
                "name": graph.name,
                "num_nodes": graph.num_nodes,
                "num_tensors": graph.num_tensors,
                "digest": graph.structure_digest,
            },
            "format": FORMAT,
            "version": __version__,
            **devices_document(instance),
            "boundary_io": instance.boundary_io,
            "num_blocks": instance.num_blocks,
            "devices": list(itertools.islice(instance.machine.names(), len(block_costs))),
            "constraints": instance.constraints.to_mapping(),
            **({"by_kernel": True} if instance.by_kernel else {}),
            **{key: _finite(value) if isinstance(value, float) else value for key, value in answer.items()},
            "history": [[seconds, _finite(best), _finite(bound)] for seconds, best, bound in history],
            "block_of": block_of.tolist(),
            "block_costs": [
                {
                    "work": block.work,
                    "io_in": block.io_in,
                    "io_out": block.io_out,
                    "overflow": block.overflow,
                    "cost": _finite(block.cost),
                }
                for block in block_costs
            ],
            "bounds": [
                {
                    "method": bound.method,
                    "lower_bound": _finite(bound.lower_bound),
                    "seconds": bound.seconds,
                    "status": bound.status,
                }
                for bound in bounds
            ],
            **({} if names is None else {"node_names": list(names)}),
            "cut_tensors": [
                {"name": cut.name, "bytes": cut.bytes, "from": cut.from_stage, "to": list(cut.to_stages)}
                for cut in cuts
            ],
            **_noted(instance, limiting_node(instance, block_of, block_costs)),
        }
    )


def _noted(instance: Instance, limiting: LimitingNode | None) -> dict[str, Any]:
    """Give what a plan says of nodes: what is guessed, and the one that limits it."""
    return {
        "guessed": [row.to_mapping() for row in guessed(instance)],
        **({} if limiting is None else {"limiting_node": dataclasses.asdict(limiting)}),
    }


def devices_document(instance: Instance) -> dict[str, Any]:
    """Give what a plan says of devices: the figures of the one kind, or none, and then the machine."""
    machine = instance.machine
    if len(machine.kinds) == 1:
        return {"device": instance.device.to_mapping()}
    return {"device": None, "machine": machine.document}


def _finite(cost: float) -> float | None:
    return None if math.isinf(cost) else cost

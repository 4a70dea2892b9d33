"""The stage of each node, from a result, a plan, its document, its file, or integers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slicegraph import checks
from slicegraph.columns import integers
from slicegraph.errors import InputError
from slicegraph.formats.files import read_json
from slicegraph.formats.plan import named_stages, read_plan
from slicegraph.graph import Graph
from slicegraph.plan import Plan
from slicegraph.result import Result

NamedPlanLike = Result | Plan | Mapping[str, Any] | str | os.PathLike[str]
"""What states the stage of each node by the node's name."""
PlanLike = NamedPlanLike | ArrayLike
"""What states the stage of each node of a graph."""


def planned_blocks(plan: PlanLike, graph: Graph) -> NDArray[np.int64]:
    """Give the block of each node of a graph.

    Parameters
    ----------
    plan
        A `Result`, a `Plan`, its document, the path of a file with a plan, or integers, one for each node.
    graph
        The graph that it has to be about.

    Raises
    ------
    InputError
        When it is about another graph, has no partition, or is no list of blocks.

    Examples
    --------
    >>> import slicegraph as sg
    >>> graph = sg.Graph(work=[4, 1], producer=[0], size=[8], consumers=[1], consumer_offsets=[0, 1])
    >>> planned_blocks([0, 1], graph).tolist()
    [0, 1]
    """
    given: Any = plan
    if isinstance(plan, str | os.PathLike):
        names = graph.arrays.node_name
        read = read_plan(Path(plan), num_nodes=graph.num_nodes, node_names=names, digest=graph.structure_digest)
        given = read.block_of
    elif isinstance(plan, Result):
        _check_digest(plan.instance.graph.structure_digest, graph)
        given = plan.block_of
    elif isinstance(plan, Plan | Mapping):
        document = plan.document if isinstance(plan, Plan) else plan
        about = document.get("graph")
        _check_digest(about.get("digest") if isinstance(about, Mapping) else None, graph)
        given = document.get("block_of")
    blocks = integers("plan", given)
    if blocks.shape != (graph.num_nodes,):
        raise InputError(f"plan: it has shape {blocks.shape}, but the graph has {graph.num_nodes} nodes")
    if blocks.size and int(blocks.min()) < 0:
        raise InputError(f"plan: node {int(blocks.argmin())} is in block {int(blocks.min())}, but blocks count from 0")
    return blocks


def planned_names(plan: NamedPlanLike) -> dict[str, int]:
    """Give the block of each node by its name, where the names are known but not the graph.

    Parameters
    ----------
    plan
        A `Result`, a `Plan`, its document, or the path of its file.

    Raises
    ------
    InputError
        When it is none of these, or has no names or no partition.

    Examples
    --------
    >>> planned_names({"node_names": ["conv", "dense"], "block_of": [0, 1]})
    {'conv': 0, 'dense': 1}
    """
    document: Any = plan
    if isinstance(plan, Result):
        names = plan.instance.graph.arrays.node_name
        document = {"node_names": None if names is None else list(names), "block_of": plan.block_of.tolist()}
    elif isinstance(plan, Plan):
        document = plan.document
    elif isinstance(plan, str | os.PathLike):
        document = read_json(checks.path("plan", plan))
    if not isinstance(document, Mapping):
        raise InputError(f"plan = {plan!r:.80}, but it is a Result, a Plan, its document or its path")
    try:
        return dict(zip(*named_stages(document), strict=True))
    except InputError as error:
        raise InputError(f"plan: {error}") from None


def _check_digest(digest: str | None, graph: Graph) -> None:
    if digest != graph.structure_digest:
        raise InputError("plan: it is about another graph: what is traced differs, or open_loops does")

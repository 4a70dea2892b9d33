"""Inputs of the planner of Tarnawski et al., "Piper: Multidimensional Planner for DNN Parallelization".

JSON, described in the README of https://github.com/msr-fiddle/piper (NeurIPS 2021). A stage here is one device: neither
data nor tensor parallelism, that is the figures of a node's first TMPC of degree "1", "vanilla" in the published files.

- ``timePerSample`` is work, in seconds: ``algo.cpp`` adds it to bytes over ``bandwidth``, which it has in bytes per
  second. In the published ``bert32a100.json`` the figures are seconds; those of ``gnmt.json`` and ``resnet.json`` are
  as large as PipeDream's milliseconds, and are read as that planner reads them.
- That time is of the forward and the backward pass, and what crosses does so in both: the tensor, and its gradient
  back. So a tensor has twice the bytes of an edge's ``communicationCost``, the factor 2 of ``algo.cpp``.
- ``parameterSize`` is the bytes of parameters, ``bandwidth`` the device's.
  It does not say which nodes read one parameter, so each has its own.
- A node goes by its ``id``; its ``name`` is the operator.

That planner pays for every edge between stages. Here the edges of a source that cost the same are one tensor, which is
paid once by the stage that makes it, and once by each stage that reads it. ``maxMemoryPerDevice`` bounds what training
keeps (``memoryUsageA`` and ``memoryUsageB``), which depends on how many microbatches are under way: it is left out.
"""

from __future__ import annotations

from pathlib import Path

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.planner import graph_arrays
from slicegraph.formats.planner_json import Element, PlannerFile

_PASSES = 2.0


def read(path: Path) -> GraphArrays:
    """Read an input of that planner, compressed or not, in O(its length).

    Raises
    ------
    InputError
        When it cannot be read, is not JSON, or breaks a rule of the format.
    """
    file = PlannerFile(path)
    figures = [_figures(node) for node in file.nodes]
    bandwidth = file.head.amount("bandwidth")
    if bandwidth == 0:
        raise InputError(f"{file.head.culprit('bandwidth')} = 0 is not positive")
    return graph_arrays(
        path,
        op=file.names,
        node_name=file.ids,
        work=[each.amount("timePerSample") for each in figures],
        param_bytes=[each.whole_bytes("parameterSize") for each in figures],
        tensors=file.tensors("communicationCost", scale=_PASSES),
        device={"bandwidth": bandwidth},
    )


def _figures(node: Element) -> Element:
    """Give what a node costs on one device."""
    plain = node.element("TMPCs").elements("1")
    if not plain:
        raise InputError(f"{node.culprit('TMPCs')}.1 is empty, but it holds what a node costs on one device")
    return plain[0]

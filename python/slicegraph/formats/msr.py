"""Inputs of the planner of Tarnawski et al., "Efficient Algorithms for Device Placement of DNN Graph Operators".

JSON, described in the README of https://github.com/msr-fiddle/dnn-partitioning (NeurIPS 2020). Its accelerators are the
stages here; its cost of a stage, work and every tensor that crosses, is ours.

- ``fpgaLatency`` is work, in milliseconds.
- The ``cost`` of an edge is the time in milliseconds that the output of its source takes between an accelerator and
  the memory that all share. The output is one tensor, paid once by a stage however many nodes there read it. A graph
  holds bytes, so a tensor has as many as take that time at 1 GB/s, which is the ``bandwidth`` of the graph's device:
  it is exact to half a nanosecond.
- ``size`` is the memory that a node takes, so it stands for parameters, and ``maxSizePerFPGA`` is the device's
  ``memory_limit``. The number of stages is not taken from ``maxFPGAs``.
- A node goes by its ``id``, as in that planner's own split files; its ``name`` is the operator.

Nothing here runs on a CPU, so a node that is not ``supportedOnFpga`` is refused, and ``maxCPUs`` and ``cpuLatency`` are
left out. So are ``colorClass`` and ``isBackwardNode``: that planner keeps the nodes of a colour on one device, which in
training are a layer's forward and backward node, and no acyclic partition into stages keeps all of these together. What
is solved is the graph without colours: a partition may part them, and for inference a lower bound holds with them, too.
"""

from __future__ import annotations

from pathlib import Path

from slicegraph.errors import InputError
from slicegraph.formats.arrays import GraphArrays
from slicegraph.formats.planner import MAX_BYTES, graph_arrays
from slicegraph.formats.planner_json import PlannerFile

_BANDWIDTH = 1e9
_MILLISECONDS = 1e3


def read(path: Path) -> GraphArrays:
    """Read an input of that planner, compressed or not, in O(its length).

    Raises
    ------
    InputError
        When it cannot be read, is not JSON, breaks a rule of the format, or has a node that no accelerator runs.
    """
    file = PlannerFile(path)
    for node in file.nodes:
        if not node.flag("supportedOnFpga"):
            raise InputError(f"{node.culprit('supportedOnFpga')} is false, but all stages run on accelerators")
    # A limit above what all bytes together may be is none.
    limit = int(min(file.head.amount("maxSizePerFPGA"), MAX_BYTES))
    return graph_arrays(
        path,
        op=file.names,
        node_name=file.ids,
        work=[node.amount("fpgaLatency") / _MILLISECONDS for node in file.nodes],
        param_bytes=[node.whole_bytes("size") for node in file.nodes],
        tensors=file.tensors("cost", scale=_BANDWIDTH / _MILLISECONDS),
        device={"bandwidth": _BANDWIDTH, "memory_limit": limit},
    )

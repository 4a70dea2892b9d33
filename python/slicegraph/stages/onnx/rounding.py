"""A model that rounds where its stages do: what a runtime computes in a wider type, it stores in the file's own there.

A runtime that has no kernels for a type computes in a wider one, and leaves out casts between two such nodes. Where a
stage ends nothing can be left out. An Identity, which any type has, keeps the casts of a tensor that is returned.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from onnx import GraphProto, NodeProto, ValueInfoProto

from slicegraph.stages.manifest import Manifest
from slicegraph.stages.onnx.runnable import loaded
from slicegraph.stages.onnx.sessions import Runner, load
from slicegraph.stages.onnx.weights import gather
from slicegraph.stages.providers import Provider

_WIDENED = {"float16", "bfloat16"}
_ALL_PROCESSORS = 0


def borders(manifest: Manifest) -> frozenset[str]:
    """Name the tensors that leave stages in a type that a runtime may compute in a wider one."""
    tensors = (tensor for stage in manifest["stages"] for tensor in stage["outputs"])
    return frozenset(tensor["name"] for tensor in tensors if tensor["dtype"] in _WIDENED)


def plain_session(path: Path, rounded: Collection[str], provider: Provider) -> Any:  # noqa: ANN401 - there are no stubs
    """Open a session that runs a model's nodes one by one, and stores some tensors in their own type.

    Raises
    ------
    InputError
        The model cannot be loaded, or has an operator that onnxruntime does not know.
    """
    if not rounded:
        return load(path, is_optimized=False, provider=provider)
    model = loaded(path)
    folder = gather(model, path)
    keep_casts(model.graph, rounded)
    runner = Runner(folder=folder, threads=_ALL_PROCESSORS, provider=provider)
    return runner.session(model.SerializeToString(), {})


def keep_casts(graph: GraphProto, names: Collection[str]) -> None:
    """Copy each tensor of some names once it is made, let all readers have the copy, and return it.

    What is returned must be there in its own type; other copies onnxruntime leaves out, optimizations or not.
    """
    taken = {name for node in graph.node for name in node.output}
    nodes: list[NodeProto] = []
    for node in graph.node:
        nodes.append(node)
        for position, name in enumerate(node.output):
            if name in names:
                wide = f"{name}_wide"
                while wide in taken:
                    wide += "_"
                taken.add(wide)
                node.output[position] = wide
                nodes.append(NodeProto(op_type="Identity", input=[wide], output=[name]))
    returned = {info.name for info in graph.output}
    made = [name for node in nodes for name in node.output if name in names and name not in returned]
    graph.output.extend(ValueInfoProto(name=name) for name in made)
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
